"""The truth of a world: one row for each metric, wiki, window and margin of the contract, from all its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jobs.simulation.truth_comparable import comparable_series
from jobs.simulation.truth_links import link_series
from jobs.simulation.truth_people import people_series
from jobs.simulation.truth_table import ALL, Frame, WikiTruth

# Wiki `all` has totals and ratios of totals only: user ids are local to a wiki.
POOLED = (
    "dashboard_pageviews",
    "link_impressions",
    "link_clicks",
    "link_click_through_rate",
    "link_click_through_rate_matched",
)


def truth_rows(
    frame: Frame, wikis: Sequence[WikiTruth], progress: Callable[[float], None] | None = None
) -> list[list[object]]:
    """Return all rows in the order of `truth_table.COLUMNS`.

    There is no row for what the contract calls `not_measured`, nor for windows that start before the world does.
    """
    rows: list[list[object]] = []
    for done, wiki in enumerate(wikis):
        for series in people_series(frame, wiki):
            rows.extend(series.rows(frame))
        for series in comparable_series(frame, wiki):
            rows.extend(series.rows(frame))
        for series in link_series(frame, wiki):
            rows.extend(series.rows(frame))
        if progress is not None:
            progress((done + 1) / len(wikis))
    return rows + _pooled(rows)


def _pooled(rows: list[list[object]]) -> list[list[object]]:
    """Add up the wikis.

    A wiki has a row exactly where it is visible on every day of the window, so a sum of rows is the sum over the wikis
    the contract names; a bucket without events in a wiki adds nothing.
    """
    sums: dict[tuple[object, ...], list[int | None]] = {}
    for row in rows:
        if row[0] not in POOLED:
            continue
        key = (row[0], *row[2:8])
        counts = [count if isinstance(count, int) else None for count in row[9:12]]
        total = sums.get(key)
        if total is None:
            sums[key] = counts
        else:
            sums[key] = [None if a is None or b is None else a + b for a, b in zip(total, counts, strict=True)]
    pooled: list[list[object]] = []
    for (metric, *rest), (numerator, denominator, n_users) in sums.items():
        value: float | None = numerator
        if denominator is not None and numerator is not None:
            value = numerator / denominator if denominator else None
        pooled.append([metric, ALL, *rest, value, numerator, denominator, n_users])
    return pooled
