"""All rows from all window sums: the part of the step `estimates` that knows neither Spark nor a lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from jobs.estimation.remedy import without_menu_link
from jobs.reference.rows import ENTRY_POINT
from jobs.reference.vocabulary import Vocabulary
from jobs.rows.cohort_fits import fill_cohorts
from jobs.rows.cohorts import cohort_rows
from jobs.rows.fitting import Fitting
from jobs.rows.link_fits import fill_unique
from jobs.rows.links import link_rows
from jobs.rows.lost_hours import widen
from jobs.rows.settle import settle
from jobs.rows.visit_fits import fill_visits
from jobs.rows.visits import visit_rows
from jobs.rows.width_gate import gate_widths
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import COHORT, LINK_CELL, REGIME, VISIT_WINDOW, QuarterStarts, WindowSums
from jobs.windows import DAY


def canonical(sums: WindowSums) -> WindowSums:
    """Put the sums in order: an engine returns rows in any, and the last digits of added weights would follow it.

    Tables of users by state are put in order where a fit is made of them (`jobs/rows/fitting.py`).
    """
    visits, cohorts, links = sums.visits, sums.cohorts, sums.links
    return WindowSums(
        replace(
            visits, cells=_sorted(visits.cells, VISIT_WINDOW), regimes=_sorted(visits.regimes, [*VISIT_WINDOW, *REGIME])
        ),
        replace(cohorts, cells=_sorted(cohorts.cells, COHORT)),
        replace(links, cells=_sorted(links.cells, LINK_CELL), regimes=_sorted(links.regimes, [*LINK_CELL, *REGIME])),
    )


def _sorted(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return frame.sort_values(keys, ignore_index=True)


def build_rows(
    sums: WindowSums,
    context: WindowContext,
    as_of: Sequence[date],
    starts: QuarterStarts,
    fitting: Fitting,
    min_users: int,
) -> pd.DataFrame:
    """Return the rows of `metric_values` of some as-of dates, dates as datetime64.

    Args:
        sums: the window sums.
        context: the facts about days.
        as_of: the as-of dates.
        starts: first day of each quarter to date, as given to the window sums.
        fitting: how people under sampling are fitted.
        min_users: cells with fewer users are suppressed.
    """
    sums = canonical(sums)
    visits, windows = visit_rows(sums.visits, context, as_of, starts, fitting.limits)
    families = [
        fill_visits(visits, windows, sums.visits, fitting),
        fill_cohorts(cohort_rows(sums.cohorts, context, as_of), sums.cohorts, context, fitting),
        fill_unique(link_rows(sums.links, context, as_of), sums.links.unique_counts, fitting),
    ]
    rows = pd.concat([family for family in families if not family.empty], ignore_index=True)
    rows = gate_widths(widen(rows, context, fitting.limits), context.catalogue, fitting.limits)
    rows = rows.assign(remedy=remedies_of_the_time(rows, context.vocabulary))
    version = {name: metric.version for name, metric in context.catalogue.metrics.items()}
    return settle(rows.assign(metric_version=rows["metric"].map(version)), min_users)


def remedies_of_the_time(rows: pd.DataFrame, vocabulary: Vocabulary) -> pd.Series:
    """Return the remedies of estimators (they know no dates) without a menu link that is gone when a window ends.

    Args:
        rows: `as_of_date` and `remedy`, null where there is none.
        vocabulary: tells the lives of the links that lead to the dashboard.
    """
    lasts = rows["as_of_date"].drop_duplicates()
    is_gone = {last: not vocabulary.outlives(ENTRY_POINT, last.date() + DAY) for last in lasts}
    gone = rows["as_of_date"].map(is_gone).astype(bool) & rows["remedy"].notna()
    return rows["remedy"].mask(gone, rows.loc[gone, "remedy"].map(without_menu_link))
