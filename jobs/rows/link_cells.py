"""Which windows and link cells have rows at all (interface: "Which rows", "Links", "Segments", "Wiki `all`")."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.reference.load import PLATFORMS, REVIEW_LINKS
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import ALL, LINK_CELL

LINK_WINDOWS = (1, 7, 28)
DAY = timedelta(days=1)


def link_windows(context: WindowContext, as_of: Iterable[date]) -> pd.DataFrame:
    """List the rolling windows of links: one row per wiki (and `all`), length and as-of date.

    A wiki has a window if it was visible from its first day on; `all` has it if any wiki has.

    Returns:
        wiki_db, window_days, metric_date, as_of_date (datetime64), is_complete, caution_reason, missing_reason, members
        (the wikis it is about, a tuple).
    """
    rows = []
    for last in as_of:
        for days in LINK_WINDOWS:
            start, end = last - (days - 1) * DAY, last + DAY
            wikis = context.visible_wikis(start)
            missing, caution = context.missing_reason(start, end), context.caution_reason(start, end)
            members = [(wiki, (wiki,)) for wiki in wikis] + ([(ALL, tuple(wikis))] if wikis else [])
            rows += [
                (name, days, start, last, context.is_complete(start, end), caution, missing, group)
                for name, group in members
            ]
    columns = [
        "wiki_db",
        "window_days",
        "metric_date",
        "as_of_date",
        "is_complete",
        "caution_reason",
        "missing_reason",
        "members",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("metric_date", "as_of_date"):
        frame[column] = pd.to_datetime(frame[column])
    return frame.astype({"caution_reason": object, "missing_reason": object})


def element_windows(context: WindowContext, as_of: Iterable[date]) -> pd.DataFrame:
    """List which elements have rows in which windows, by platform, and why a row is unmeasured.

    Returns:
        window_days, as_of_date, element_friendly_name, client_platform_family (a platform or `all`), unmeasured_reason,
        note (a caution that holds for this element and platform always, or null), element_break.
    """
    vocabulary = context.vocabulary
    catalogue = load_catalogue()
    rows = []
    for last in as_of:
        for days in LINK_WINDOWS:
            start, end = last - (days - 1) * DAY, last + DAY
            for element in (*vocabulary.elements, REVIEW_LINKS):
                if not vocabulary.overlaps(element, start, end) or end <= context.first_seen.get(element, start):
                    continue
                told = catalogue.breaks(element, start, end)
                special = catalogue.element(element)
                for platform in (ALL, *PLATFORMS) if special.all_platforms else PLATFORMS:
                    unmeasured = vocabulary.unmeasured(element, platform, start, end)
                    rows.append((days, last, element, platform, unmeasured, special.cautions.get(platform), told))
    columns = [
        "window_days",
        "as_of_date",
        "element_friendly_name",
        "client_platform_family",
        "unmeasured_reason",
        "note",
        "element_break",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["as_of_date"] = pd.to_datetime(frame["as_of_date"])
    return frame.astype({"unmeasured_reason": object, "note": object, "element_break": object})


def platform_bucket_elements() -> tuple[str, ...]:
    """Return the elements whose bucket rows stand under a platform instead of `all`."""
    return tuple(name for name, element in load_catalogue().elements.items() if not element.all_platforms)


def link_cells(windows: pd.DataFrame, elements: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """List every link cell that has rows.

    Args:
        windows: from `link_windows`.
        elements: from `element_windows`.
        seen: cells (columns `LINK_CELL`) with a kept event in the window, wiki `all` included.

    Returns:
        The columns of both inputs plus edit_count_bucket: a cell per platform margin, zeros included, and a cell per
        bucket that has an event.
    """
    margins = windows.merge(elements, on=["window_days", "as_of_date"]).assign(edit_count_bucket=ALL)
    everywhere = seen["client_platform_family"] == ALL
    buckets = seen.loc[everywhere & (seen["edit_count_bucket"] != ALL), LINK_CELL].drop(
        columns="client_platform_family"
    )
    buckets["client_platform_family"] = buckets["element_friendly_name"].map(
        lambda name: load_catalogue().element(name).bucket_platform
    )
    by_bucket = margins.drop(columns="edit_count_bucket").merge(buckets, on=LINK_CELL[:-1])
    return pd.concat([margins, by_bucket], ignore_index=True)
