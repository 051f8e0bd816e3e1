"""Which windows and link cells have rows at all, and what is known of each (docs/contract.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.reference.rows import PLATFORMS, REVIEW_LINKS
from jobs.rows.cautions import combined, standing
from jobs.rows.regimes import SAMPLING_COLUMNS, element_instruments, entries, kish, regimes_by_row, sampling_values
from jobs.rows.window_context import WindowContext, joined_columns
from jobs.window_sums.tables import ALL, LINK_CELL, LINK_WINDOW, ROLLING, LinkSums
from jobs.windows import DAY


def link_cells(sums: LinkSums, context: WindowContext, as_of: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return every cell that has rows with what is known of it, and the sums of its regimes by `row`."""
    windows = link_windows(context, as_of)
    cells = _with_all(sums.cells.drop(columns="has_user_id"), windows)
    kept = _with_all(sums.regimes, windows)
    seen = cells[cells["n_event_units"] > 0]
    skeleton = listed_cells(windows, element_windows(context, as_of), seen, context.catalogue)
    base = skeleton.merge(cells, on=LINK_CELL, how="left")
    numbers = [column for column in cells.columns if column not in LINK_CELL]
    base[numbers] = base[numbers].fillna(0)
    base = _with_samplings(base, context)
    base["row"] = np.arange(len(base))
    base["is_rate_one"] = base["is_rate_one"].astype(bool)
    base["has_user_id"] = base["has_user_id"].astype(bool)
    base["unmeasured_reason"] = (
        base["unmeasured_reason"].fillna(base["missing_reason"]).fillna(base["unrecorded_reason"])
    )
    base["cautions"] = combined(base, "standing", "cautions", "losses")
    base["series_break"] = joined_columns(base, "series_break", "element_break")
    kept = kept.merge(base[[*LINK_CELL, "row"]], on=LINK_CELL).drop(columns=LINK_CELL)
    regimes = entries(regimes_by_row(base), kept)
    base["kish"] = kish(regimes, "n_units", len(base))
    return base, regimes


def _with_all(frame: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Keep what lies in a wiki's visible windows, and add the sums of wiki `all`."""
    visible = windows.loc[windows["wiki_db"] != ALL, LINK_WINDOW]
    own = frame.merge(visible, on=LINK_WINDOW)
    keys = [name for name in own.columns if own[name].dtype.kind not in "if"]
    keys += [name for name in ("window_days", "sample_rate") if name in own.columns]
    pooled = own.assign(wiki_db=ALL).groupby(keys, as_index=False, dropna=False).sum(numeric_only=True)
    return pd.concat([own, pooled], ignore_index=True)


def _with_samplings(base: pd.DataFrame, context: WindowContext) -> pd.DataFrame:
    """Add the sampling of every cell, and whether its instruments carry user ids; a window and element share both."""
    keys = ["wiki_db", "element_friendly_name", "metric_date", "as_of_date"]
    asked = base[[*keys, "members"]].drop_duplicates(keys)
    found = []
    for element, first, last, wikis in zip(*(asked[name].tolist() for name in (*keys[1:], "members")), strict=True):
        start, end = first.date(), last.date() + DAY
        instruments = element_instruments(context, wikis, element, start, end)
        sampling = context.sampling(instruments, wikis, start, end)
        found.append((*sampling_values(sampling), context.have_user_ids(instruments)))
    samplings = pd.DataFrame(found, columns=[*SAMPLING_COLUMNS, "has_user_id"], index=asked.index)
    reasons = dict.fromkeys(("unrecorded_reason", "series_break"), object)
    return base.merge(asked[keys].join(samplings.astype(reasons)), on=keys, how="left")


def link_windows(context: WindowContext, as_of: Iterable[date]) -> pd.DataFrame:
    """List the rolling windows of links: one row per wiki (and `all`), length and as-of date.

    A wiki has a window if it was visible from its first day on; `all` has it if any wiki has.

    Returns:
        wiki_db, window_days, metric_date, as_of_date (datetime64), is_complete, cautions, missing_reason, members
        (the wikis it is about, a tuple).
    """
    rows = []
    for last in as_of:
        for days in context.catalogue.window_days(ROLLING, "links"):
            start, end = last - (days - 1) * DAY, last + DAY
            wikis = context.visible_wikis(start)
            missing, cautions = context.arrival.missing_reason(start, end), context.arrival.cautions(start, end)
            members = [(wiki, (wiki,)) for wiki in wikis] + ([(ALL, tuple(wikis))] if wikis else [])
            rows += [
                (name, days, start, last, context.arrival.is_complete(start, end), cautions, missing, group)
                for name, group in members
            ]
    columns = [
        "wiki_db",
        "window_days",
        "metric_date",
        "as_of_date",
        "is_complete",
        "cautions",
        "missing_reason",
        "members",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("metric_date", "as_of_date"):
        frame[column] = pd.to_datetime(frame[column])
    return frame.astype({"missing_reason": object})


def element_windows(context: WindowContext, as_of: Iterable[date]) -> pd.DataFrame:
    """List which elements have rows in which windows, by platform, and why a row is unmeasured.

    Returns:
        window_days, as_of_date, element_friendly_name, client_platform_family (a platform or `all`), unmeasured_reason,
        standing (the caution that holds for this element and platform always, if any), element_break.
    """
    vocabulary, catalogue = context.vocabulary, context.catalogue
    rows = []
    for last in as_of:
        for days in catalogue.window_days(ROLLING, "links"):
            start, end = last - (days - 1) * DAY, last + DAY
            for element in (*vocabulary.elements, REVIEW_LINKS):
                if not vocabulary.overlaps(element, start, end) or end <= context.first_seen.get(element, start):
                    continue
                told = catalogue.breaks(element, start, end)
                special = catalogue.element(element)
                for platform in (ALL, *PLATFORMS) if special.all_platforms else PLATFORMS:
                    unmeasured = vocabulary.unmeasured(element, platform, start, end)
                    always = standing(special.cautions.get(platform))
                    rows.append((days, last, element, platform, unmeasured, always, told))
    columns = [
        "window_days",
        "as_of_date",
        "element_friendly_name",
        "client_platform_family",
        "unmeasured_reason",
        "standing",
        "element_break",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["as_of_date"] = pd.to_datetime(frame["as_of_date"])
    return frame.astype({"unmeasured_reason": object, "element_break": object})


def platform_bucket_elements(catalogue: Catalogue) -> tuple[str, ...]:
    """Return the elements whose bucket rows stand under a platform instead of `all`."""
    return tuple(name for name, element in catalogue.elements.items() if not element.all_platforms)


def listed_cells(
    windows: pd.DataFrame, elements: pd.DataFrame, seen: pd.DataFrame, catalogue: Catalogue
) -> pd.DataFrame:
    """List every link cell that has rows.

    Args:
        windows: from `link_windows`.
        elements: from `element_windows`.
        seen: cells (columns `LINK_CELL`) with a kept event in the window, wiki `all` included.
        catalogue: tells the platform under which an element's buckets stand.

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
        lambda name: catalogue.element(name).bucket_platform
    )
    by_bucket = margins.drop(columns="edit_count_bucket").merge(buckets, on=LINK_CELL[:-1])
    return pd.concat([margins, by_bucket], ignore_index=True)
