"""Rows about the dashboard itself: loads, visitors, reviewers and what they do, rolling and quarter to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from jobs.estimation.design_effect import borrowed_by_total
from jobs.estimation.intervals import FloatArray, wilson
from jobs.estimation.limits import DEFAULT_LIMITS, Limits
from jobs.estimation.ratios import PairSums, clustered_ratio
from jobs.estimation.regimes import RegimeSums, regime_sums
from jobs.estimation.totals import TotalSums, horvitz_thompson
from jobs.metric import Metric
from jobs.reference.rows import REVIEW_LINKS
from jobs.rows.candidates import candidates
from jobs.rows.comparable import PAIRS, RAREFIED, pair_rows, rarefied_rows
from jobs.rows.fitting import PENDING
from jobs.rows.regimes import SAMPLING_COLUMNS, entries, regimes_by_row, sampling_values
from jobs.rows.relatives import relatives
from jobs.rows.window_context import WindowContext, joined_columns
from jobs.window_sums.tables import ALL, QUARTER, REVIEWERS, ROLLING, VISIT_WINDOW, VISITORS, QuarterStarts, VisitSums
from jobs.windows import DAY, quarter_start

Builder = Callable[[pd.DataFrame, Metric], pd.DataFrame]
VISIT_FAMILIES = ("totals", "users")
NOBODY = "nobody visited: there is nothing to divide by"


def quarter_starts(context: WindowContext, as_of: Iterable[date]) -> dict[tuple[str, str, date], date]:
    """Return the first day that counts, by wiki, population and quarter (docs/contract.md, section 4)."""
    usage, review = context.usage_began(), context.vocabulary.first_review_day()
    first_measured = {VISITORS: usage, REVIEWERS: max(usage, review) if review else None}
    return {
        (wiki.wiki_db, population, quarter): max(quarter, wiki.visible_from, first)
        for quarter in {quarter_start(day) for day in as_of}
        for wiki in context.reference.wikis
        for population, first in first_measured.items()
        if first is not None
    }


def visit_metrics(context: WindowContext) -> tuple[Metric, ...]:
    """Return the metrics of the dashboard itself."""
    return context.catalogue.of_family(*VISIT_FAMILIES)


def population_of(metric: Metric) -> str:
    """Return whose first measured day a quarter to date begins with: `visitors`, or `reviewers`."""
    return REVIEWERS if metric.elements == REVIEW_LINKS else VISITORS


def visit_windows(context: WindowContext, as_of: Iterable[date], starts: QuarterStarts) -> pd.DataFrame:
    """List the windows of the visit metrics with what is known of each: one row per wiki, kind, population and date.

    Rolling windows stand once, under population `visitors`; quarter to date once per population, since its first day
    differs. `window_length` is the number of days, and 0 for quarter to date.
    """
    metrics = visit_metrics(context)
    lengths = context.catalogue.window_days(ROLLING, *VISIT_FAMILIES)
    populations = sorted({population_of(metric) for metric in metrics if metric.has_window(QUARTER)}, reverse=True)
    rows = []
    for last in as_of:
        rolling = [(ROLLING, VISITORS, days, last - (days - 1) * DAY) for days in lengths]
        for wiki in (row.wiki_db for row in context.reference.wikis):
            quarters = [(p, starts.get((wiki, p, quarter_start(last)))) for p in populations]
            to_date = [(QUARTER, p, 0, first) for p, first in quarters if first is not None and first <= last]
            for kind, population, length, first in rolling + to_date:
                if wiki in context.visible_wikis(first):
                    rows.append(_window(context, wiki, (wiki,), kind, population, length, first, last))
        for kind, population, length, first in rolling:
            members = tuple(context.visible_wikis(first))
            if members:
                rows.append(_window(context, ALL, members, kind, population, length, first, last))
    columns = [
        *VISIT_WINDOW, "metric_date", "window_days", "members", "is_complete", "cautions", "unmeasured_reason",
        "review_unmeasured", "dashboard_break", "review_break", *SAMPLING_COLUMNS,
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("as_of_date", "metric_date"):
        frame[column] = pd.to_datetime(frame[column])
    reasons = ["unmeasured_reason", "review_unmeasured", "dashboard_break", "review_break"]
    return frame.astype(dict.fromkeys(reasons, object))


def _window(
    context: WindowContext,
    name: str,
    members: tuple[str, ...],
    kind: str,
    population: str,
    length: int,
    first: date,
    last: date,
) -> tuple[object, ...]:
    end = last + DAY
    missing, cautions = context.arrival.missing_reason(first, end), context.arrival.cautions(first, end)
    sampling = context.sampling(context.usage_instruments(first, end), members, first, end)
    unmeasured = context.usage_unmeasured(first, end) or missing or sampling.unrecorded
    review = context.vocabulary.review_unmeasured(first, end)
    told = [context.catalogue.breaks(scope, first, end) for scope in ("*", REVIEW_LINKS)]
    return (
        name, kind, population, length, last, first, length or np.nan, members, context.arrival.is_complete(first, end),
        (*cautions, *sampling.losses), unmeasured, review, *told, *sampling_values(sampling),
    )  # fmt: skip


def visit_rows(
    sums: VisitSums,
    context: WindowContext,
    as_of: Sequence[date],
    starts: QuarterStarts,
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the candidates of the visit metrics; people under sampling are left `pending`.

    Returns:
        Candidates for `settle`, and the windows behind them (for the people estimates).
    """
    windows = _summed(sums, visit_windows(context, as_of, starts))
    builders = BUILDERS | {
        RAREFIED: partial(rarefied_rows, sums=sums, context=context, limits=limits),
        PAIRS: partial(pair_rows, sums=sums, limits=limits),
    }
    blocks = [_builder(builders, metric)(_windows_of(windows, metric), metric) for metric in visit_metrics(context)]
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(), windows


def _builder(builders: Mapping[str, Builder], metric: Metric) -> Builder:
    if metric.metric not in builders:
        raise ValueError(f"metric {metric.metric}: say in jobs/rows/visits.py what it is made of (BUILDERS)")
    return builders[metric.metric]


def _windows_of(windows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Return the windows that a metric has, with what is known of what it counts."""
    kind, length = windows["window_kind"], windows["window_length"]
    is_rolling = (kind == ROLLING) & length.isin(metric.days_of(ROLLING))
    is_to_date = (kind == QUARTER) & (windows["population"] == population_of(metric)) & metric.has_window(QUARTER)
    is_of_wiki = (windows["wiki_db"] != ALL) | metric.all_wikis
    own = windows[(is_rolling | is_to_date) & is_of_wiki]
    if metric.elements == REVIEW_LINKS:
        return own.assign(unmeasured_reason=own["review_unmeasured"], series_break=own["review_break"])
    return own


def _summed(sums: VisitSums, windows: pd.DataFrame) -> pd.DataFrame:
    """Put the sums beside the windows: zeros where nothing was kept, and the loads as far as they are known."""
    cells, regimes = _with_all(sums.cells, windows), _with_all(sums.regimes, windows)
    base = windows.merge(cells, on=VISIT_WINDOW, how="left")
    numbers = [column for column in cells.columns if column not in VISIT_WINDOW]
    base[numbers] = base[numbers].fillna(0)
    base["row"] = np.arange(len(base))
    for column in ("review_break", "dashboard_break"):
        base[column] = joined_columns(base, "series_break", column)
    base["series_break"] = base["dashboard_break"]
    base["review_unmeasured"] = base["unmeasured_reason"].fillna(base["review_unmeasured"])
    return _with_loads(base, regimes)


def _with_loads(base: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Add the estimated loads of each window: loads_estimate, loads_lower, … (`TotalEstimates`)."""
    own = kept.merge(base[[*VISIT_WINDOW, "row"]], on=VISIT_WINDOW).drop(columns=VISIT_WINDOW)
    regimes = entries(regimes_by_row(base), own)
    every = _load_sums(regimes, len(base))
    sessions = _load_sums(regimes[regimes["sample_unit"] == "session"], len(base))
    # Quarter to date has length 0: its reference comes from the longest rolling window.
    longest = relatives(base, [], base["window_length"].to_numpy(float))
    borrowed = borrowed_by_total(every, sessions, longest)
    total = horvitz_thompson(every, base["is_rate_one"].astype(bool), borrowed)
    return base.assign(
        loads_estimate=total.estimate, loads_lower=total.lower, loads_upper=total.upper, loads_status=total.status,
        loads_reason=total.reason, loads_n_effective=total.n_effective,
    )  # fmt: skip


def _load_sums(regimes: pd.DataFrame, n_rows: int) -> RegimeSums[TotalSums]:
    """Add the loads of some regimes up, by row and rate."""
    loads, squares, units = (regimes[name].to_numpy(float) for name in ("n_loads", "loads_sq", "n_load_units"))
    sums = TotalSums(y=loads, yy=squares, clusters=units, units=units)
    return regime_sums(regimes["row"], regimes["sample_rate"], n_rows, sums)


def _with_all(frame: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Keep what lies in rows' windows and add the sums of wiki `all`."""
    own = frame.merge(windows.loc[windows["wiki_db"] != ALL, VISIT_WINDOW], on=VISIT_WINDOW)
    keys = [name for name in (*VISIT_WINDOW, "instrument_name", "sample_unit", "sample_rate") if name in own.columns]
    rolling = own[own["window_kind"] == ROLLING].assign(wiki_db=ALL)
    return pd.concat([own, rolling.groupby(keys, as_index=False).sum(numeric_only=True)], ignore_index=True)


def _loads(base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Build `dashboard_pageviews`."""
    is_rate_one = base["is_rate_one"].astype(bool)
    return candidates(
        base, metric.metric, "realised",
        estimate=base["loads_estimate"], lower=base["loads_lower"], upper=base["loads_upper"],
        observed_numerator=base["n_loads"], n_users_observed=base["n_visitors"],
        n_effective=base["loads_n_effective"], estimator=np.where(is_rate_one, "count", "horvitz_thompson"),
        status=base["loads_status"], status_reason=base["loads_reason"],
    )  # fmt: skip


def _visitors(base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Build `dashboard_visitors`."""
    return _people(base, metric, base["n_visitors"])


def _reviewers(base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Build `reviewers`."""
    return _people(base, metric, base["n_reviewers"])


def _people(base: pd.DataFrame, metric: Metric, count: pd.Series) -> pd.DataFrame:
    """Build a count of people: exact at rate 1, else pending."""
    is_rate_one = base["is_rate_one"].astype(bool)
    return candidates(
        base, metric.metric, "realised",
        estimate=count, lower=count, upper=count, observed_numerator=count, n_users_observed=count,
        n_effective=count.where(is_rate_one), estimator=np.where(is_rate_one, "count", "npmle_users"),
        status=np.where(is_rate_one, "publish", PENDING), status_reason="",
    )  # fmt: skip


def _per_visitor(base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Build `pageviews_per_visitor`: exact and user-clustered at rate 1, else pending."""
    users = base["n_visitors"].to_numpy(float)
    loads, squares = base["w_loads"].to_numpy(float), base["uu_loads_sq"].to_numpy(float)
    process = clustered_ratio(users, PairSums(y=loads, x=users, yy=squares, xy=loads, xx=users))
    return _rate(
        base, metric, base["n_loads"], (np.maximum(process.lower, 1), process.upper), "npmle_ratio",  # each has a load
        numerator_users=base["n_visitors"],
    )  # fmt: skip


def _two_day(base: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Build `two_day_review_rate` (T422024): exact with Wilson at rate 1, else pending."""
    hits, users = base["n_two_day_reviewers"].to_numpy(float), base["n_visitors"].to_numpy(float)
    return _rate(base, metric, base["n_two_day_reviewers"], wilson(hits, users), "bounds")


def _rate(
    base: pd.DataFrame, metric: Metric, numerator: pd.Series, process: tuple[FloatArray, FloatArray], estimator: str,
    numerator_users: object = np.nan,
) -> pd.DataFrame:  # fmt: skip
    """Return the candidates of a rate of visitors, for each inference it has."""
    is_rate_one, visitors = base["is_rate_one"].astype(bool), base["n_visitors"]
    users = visitors.to_numpy(float)
    share = np.divide(numerator.to_numpy(float), users, out=np.full(users.shape, np.nan), where=users > 0)
    is_empty = np.isnan(share)
    intervals = {"realised": (share, share), "process": process}
    blocks = [
        candidates(
            base, metric.metric, inference,
            estimate=share, lower=intervals[inference][0], upper=intervals[inference][1],
            observed_numerator=numerator, observed_denominator=visitors, n_users_observed=visitors,
            n_numerator_users=numerator_users, n_effective=visitors.where(is_rate_one),
            estimator=np.where(is_rate_one, "ratio", estimator),
            status=np.select([~is_rate_one, is_empty], [PENDING, "not_estimable"], "publish"),
            status_reason=np.where(is_rate_one & is_empty, NOBODY, ""),
        )
        for inference in metric.inference
    ]  # fmt: skip
    return pd.concat(blocks, ignore_index=True)


# By metric: its candidates, made of its windows.
BUILDERS: dict[str, Builder] = {
    "dashboard_pageviews": _loads,
    "dashboard_visitors": _visitors,
    "pageviews_per_visitor": _per_visitor,
    "reviewers": _reviewers,
    "two_day_review_rate": _two_day,
}
