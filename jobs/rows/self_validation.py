"""Rows of `self_validation`: a wiki's own 100 % windows thinned, estimated as if sampled, and held against the truth.

On Mondays, for 28 days of visitors, reviewers and the two-day rate, and for the cohorts of the two-week return and the
14-day retention that closed in the seven days up to that Monday (so that weeks, which close on a Sunday, are among
them). Estimates take the way of published ones: the same counts, fits and limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.contracts import SELF_VALIDATION_RATES
from jobs.estimation.fits import FitTask
from jobs.metric import Metric
from jobs.rows.fitting import PENDING, Fitting, Key, counts, fill, keys_of, tables_by
from jobs.rows.visit_fits import fill_visits
from jobs.rows.whole_windows import full_unit
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import COHORT, ROLLING, VISIT_WINDOW, VISITORS, CohortSums, VisitSums, copy_name
from jobs.windows import DAY

ROLLING_DAYS = 28
VISIT_METRICS = ("dashboard_visitors", "reviewers", "two_day_review_rate")
COHORT_METRICS = ("two_week_return_rate", "retention_14d")
COUNTS = ("dashboard_visitors", "reviewers")
RATES = tuple(sorted(SELF_VALIDATION_RATES, reverse=True))
KEY = ["wiki_db", "metric", "last_day"]
SHOWN = ["estimate", "lower", "upper"]
ROUNDING = 1e-9  # an interval's end may differ from an equal truth in the last digit
COLUMNS = [
    "wiki_db", "as_of_date", "metric", "metric_date", "window_days", "sample_unit", "rate", "truth", "estimate",
    "lower", "upper", "naive", "status", "is_covered",
]  # fmt: skip


def mondays(as_of: Iterable[date]) -> list[date]:
    """Return the Mondays among some dates, in order."""
    return sorted({day for day in as_of if day.weekday() == 0})


def validation_windows(context: WindowContext, as_of: Sequence[date]) -> pd.DataFrame:
    """List the windows of some Mondays that were measured whole, at rate 1 and by one sampling unit.

    Returns:
        wiki_db, metric, metric_date, last_day (the day the window closed), window_days, as_of_date (the Monday),
        sample_unit. A missing hour does no harm: truth and estimate miss it alike.
    """
    rows = []
    for monday in as_of:
        for metric, length, last in _spans(context.catalogue, monday):
            first, end = last - (length - 1) * DAY, last + DAY
            for wiki in context.visible_wikis(first):
                unit = full_unit(context, metric, wiki, first, end)
                if unit is not None:
                    rows.append((wiki, metric.metric, first, last, length, monday, unit))
    columns = ["wiki_db", "metric", "metric_date", "last_day", "window_days", "as_of_date", "sample_unit"]
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("metric_date", "last_day", "as_of_date"):
        frame[column] = pd.to_datetime(frame[column])
    return frame


def _spans(catalogue: Catalogue, monday: date) -> Iterator[tuple[Metric, int, date]]:
    """Yield the windows a Monday looks at: metric, days, last day."""
    for metric in (catalogue.metric(name) for name in VISIT_METRICS if name in catalogue.metrics):
        if ROLLING_DAYS in metric.days_of(ROLLING):
            yield metric, ROLLING_DAYS, monday
    for metric in (catalogue.metric(name) for name in COHORT_METRICS if name in catalogue.metrics):
        (length,) = metric.days_of("cohort")
        for last in (monday - back * DAY for back in range(6, -1, -1)):
            begins = last - (length - 1) * DAY
            if metric.weekday is None or begins.weekday() == metric.weekday:
                yield metric, length, last


def self_validation_rows(
    windows: pd.DataFrame, visits: VisitSums, cohorts: CohortSums, fitting: Fitting, min_users: int
) -> pd.DataFrame:
    """Estimate every window at every rate, and compare.

    Args:
        windows: from `validation_windows`.
        visits: window sums of the wikis' copies (`copy_name`) at rate 1 and at `RATES`.
        cohorts: cohorts of the same copies.
        fitting: how fits are run.
        min_users: windows whose truth rests on fewer users are left out; where fewer, but at least one, are left after
            thinning, the row is `suppressed`, as it would have been.

    Returns:
        Columns of `self_validation`, one row per window and rate. `naive` is the value as kept. `is_covered` is null
        where no interval is shown.
    """
    rows = windows.assign(wiki=windows["wiki_db"]).merge(pd.DataFrame({"rate": RATES}), how="cross")
    observed = _observed(visits, cohorts)
    whole = [copy_name(wiki, 1.0) for wiki in rows["wiki"]]
    rows = rows.assign(wiki_db=whole).merge(observed.rename(columns={"value": "truth"}), on=KEY)
    rows = rows[rows["n_users"] >= min_users].drop(columns="n_users")
    rows["wiki_db"] = [copy_name(wiki, rate) for wiki, rate in zip(rows["wiki"], rows["rate"], strict=True)]
    rows = rows.merge(observed.rename(columns={"value": "naive"}), on=KEY, how="left")
    rows["n_users"] = rows["n_users"].fillna(0)
    rows.loc[rows["metric"].isin(COUNTS), "naive"] = rows["naive"].fillna(0)
    few = rows["n_users"].between(1, min_users - 1)
    rows = rows.assign(status=np.where(few, "suppressed", PENDING), status_reason="", remedy=None, estimator=None)
    rows[SHOWN] = np.nan
    is_visit = rows["metric"].isin(VISIT_METRICS)
    parts = [_fill_visits(rows[is_visit], visits, fitting), _fill_cohorts(rows[~is_visit], cohorts, fitting)]
    filled = pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)
    filled.loc[filled["status"] == "suppressed", "naive"] = np.nan
    return filled.assign(wiki_db=filled["wiki"], is_covered=_covered(filled))[COLUMNS]


def _observed(visits: VisitSums, cohorts: CohortSums) -> pd.DataFrame:
    """Return what was kept of every metric: `KEY`, value, n_users (whom it rests on)."""
    cells = visits.cells
    cells = cells[(cells["window_kind"] == ROLLING) & (cells["window_length"] == ROLLING_DAYS)]
    cells = cells.rename(columns={"as_of_date": "last_day"})
    users, reviewers = cells["n_visitors"].astype(float), cells["n_reviewers"].astype(float)
    hits = cells["n_two_day_reviewers"].astype(float)
    came = cohorts.cells[cohorts.cells["metric"].isin(COHORT_METRICS)].rename(columns={"as_of_date": "last_day"})
    cohort = came["n_cohort"].astype(float)
    parts = [
        cells.assign(metric="dashboard_visitors", value=users, n_users=users),
        cells.assign(metric="reviewers", value=reviewers, n_users=reviewers),
        cells.assign(metric="two_day_review_rate", value=hits / users.where(users > 0), n_users=users),
        came.assign(value=came["n_returned"] / cohort.where(cohort > 0), n_users=cohort),
    ]
    return pd.concat([part[[*KEY, "value", "n_users"]] for part in parts], ignore_index=True)


def _fill_visits(rows: pd.DataFrame, visits: VisitSums, fitting: Fitting) -> pd.DataFrame:
    """Answer the visit metrics as those of sampled wikis."""
    as_candidates = rows.assign(
        as_of_date=rows["last_day"], window_kind=ROLLING, inference="realised", population=VISITORS,
        window_length=ROLLING_DAYS,
    )  # fmt: skip
    own = as_candidates.drop_duplicates(VISIT_WINDOW)
    regimes = [frozenset({pair}) for pair in zip(own["sample_unit"], own["rate"], strict=True)]
    own = own[VISIT_WINDOW].assign(
        regimes=pd.Series(regimes, index=own.index, dtype=object),
        sampling_unit=own["sample_unit"],
        has_unit_change=False,
        unmeasured_reason=None,
    )
    seen = ["n_visitors", "n_reviewers", "n_two_day_reviewers"]
    sums = own.merge(visits.cells[[*VISIT_WINDOW, *seen]], on=VISIT_WINDOW, how="left")
    sums[seen] = sums[seen].fillna(0)
    return fill_visits(as_candidates, sums, visits, fitting).assign(as_of_date=rows["as_of_date"])


def _fill_cohorts(rows: pd.DataFrame, cohorts: CohortSums, fitting: Fitting) -> pd.DataFrame:
    """Answer the cohort metrics as those of sampled wikis."""
    tables = tables_by(cohorts.counts, COHORT)
    pending = rows[rows["status"] == PENDING]
    keys = keys_of(pending, COHORT)
    tasks: dict[Key, FitTask] = {}
    for key, rate in zip(keys, pending["rate"].tolist(), strict=True):
        k1, k2, users, both = counts(tables.get(key), "k1", "k2", "n_users", "k_spanning")
        arguments = {"k1": k1, "k2": k2, "m": users, "rate1": rate, "rate2": rate, "spanning": both}
        tasks[key] = FitTask("retention_estimate", arguments | {"limits": fitting.limits})
    return fill(rows, keys, fitting.run(tasks))


def _covered(rows: pd.DataFrame) -> pd.Series:
    """Tell whether the truth lies in the interval; null where none is shown."""
    inside = (rows["lower"] <= rows["truth"] + ROUNDING) & (rows["truth"] <= rows["upper"] + ROUNDING)
    return inside.astype("boolean").mask(rows["lower"].isna() | rows["upper"].isna())
