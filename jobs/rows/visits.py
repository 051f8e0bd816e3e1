"""Rows about the dashboard itself: loads, visitors, reviewers and what they do, rolling and quarter to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.estimation.intervals import wilson
from jobs.estimation.ratios import clustered_ratio
from jobs.estimation.totals import horvitz_thompson
from jobs.reference.load import REVIEW_LINKS
from jobs.rows.candidates import candidates
from jobs.rows.regimes import SAMPLING_COLUMNS, entries, regimes_by_row, sampling_values
from jobs.rows.window_context import WindowContext, joined, joined_columns
from jobs.window_sums.tables import ALL, QUARTER, REVIEWERS, ROLLING, VISIT_WINDOW, VISITORS, QuarterStarts, VisitSums
from jobs.windows import quarter_start

DAY = timedelta(days=1)
ROLLING_DAYS = (1, 7, 28)


def quarter_starts(context: WindowContext, as_of: Iterable[date]) -> dict[tuple[str, str, date], date]:
    """Return the first day that counts, by wiki, population and quarter (interface: "Quarter to date")."""
    usage, review = context.usage_began(), context.vocabulary.first_review_day()
    first_measured = {VISITORS: usage, REVIEWERS: max(usage, review) if review else None}
    return {
        (wiki.wiki_db, population, quarter): max(quarter, wiki.visible_from, first)
        for quarter in {quarter_start(day) for day in as_of}
        for wiki in context.reference.wikis
        for population, first in first_measured.items()
        if first is not None
    }


def visit_windows(context: WindowContext, as_of: Iterable[date], starts: QuarterStarts) -> pd.DataFrame:
    """List the windows of the visit metrics with what is known of each: one row per wiki, kind, population and date.

    Rolling windows stand once, under population `visitors`; quarter to date once per population, since its first day
    differs. `window_length` is the number of days, and 0 for quarter to date.
    """
    rows = []
    for last in as_of:
        spans = [(ROLLING, VISITORS, days, last - (days - 1) * DAY) for days in ROLLING_DAYS]
        for wiki in (row.wiki_db for row in context.reference.wikis):
            quarters = [(p, starts.get((wiki, p, quarter_start(last)))) for p in (VISITORS, REVIEWERS)]
            own = spans + [(QUARTER, p, 0, first) for p, first in quarters if first is not None and first <= last]
            for kind, population, length, first in own:
                if wiki in context.visible_wikis(first):
                    rows.append(_window(context, wiki, (wiki,), kind, population, length, first, last))
        for kind, population, length, first in spans:
            members = tuple(context.visible_wikis(first))
            if members:
                rows.append(_window(context, ALL, members, kind, population, length, first, last))
    columns = [
        *VISIT_WINDOW, "metric_date", "window_days", "members", "is_complete", "caution_reason", "unmeasured_reason",
        "review_unmeasured", "dashboard_break", "review_break", *SAMPLING_COLUMNS,
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("as_of_date", "metric_date"):
        frame[column] = pd.to_datetime(frame[column])
    reasons = ["caution_reason", "unmeasured_reason", "review_unmeasured", "dashboard_break", "review_break"]
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
    missing, caution = context.missing_reason(first, end), context.caution_reason(first, end)
    sampling = context.sampling(context.usage_instruments(first, end), members, first, end)
    caution = joined(caution, sampling.loss)
    unmeasured = context.usage_unmeasured(first, end) or missing or sampling.unrecorded
    review = context.vocabulary.review_unmeasured(first, end)
    told = [load_catalogue().breaks(scope, first, end) for scope in ("*", REVIEW_LINKS)]
    return (
        name, kind, population, length, last, first, length or np.nan, members, context.is_complete(first, end),
        caution, unmeasured, review, *told, *sampling_values(sampling),
    )  # fmt: skip


def visit_rows(
    sums: VisitSums, context: WindowContext, as_of: Sequence[date], starts: QuarterStarts
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the candidates of the visit metrics; people under sampling are left `pending`.

    Returns:
        Candidates for `settle`, and the windows behind them (for the people estimates).
    """
    windows = visit_windows(context, as_of, starts)
    cells, regimes = _with_all(sums.cells, windows), _with_all(sums.regimes, windows)
    base = windows.merge(cells, on=VISIT_WINDOW, how="left")
    numbers = [column for column in cells.columns if column not in VISIT_WINDOW]
    base[numbers] = base[numbers].fillna(0)
    base["row"] = np.arange(len(base))
    for column in ("review_break", "dashboard_break"):
        base[column] = joined_columns(base, "series_break", column)
    base["series_break"] = base["dashboard_break"]
    base["review_unmeasured"] = base["unmeasured_reason"].fillna(base["review_unmeasured"])
    rolling = base[(base["window_kind"] == ROLLING)]
    blocks = [
        _loads(rolling, regimes),
        _counts(base[(base["population"] == VISITORS) & (base["wiki_db"] != ALL)], "dashboard_visitors", "n_visitors"),
        _per_visitor(rolling[(rolling["window_length"] > 1) & (rolling["wiki_db"] != ALL)]),
    ]
    review = base[
        (base["wiki_db"] != ALL)
        & (((base["window_kind"] == ROLLING) & (base["window_length"] > 1)) | (base["population"] == REVIEWERS))
    ].assign(
        unmeasured_reason=lambda frame: frame["review_unmeasured"], series_break=lambda frame: frame["review_break"]
    )
    blocks += [_counts(review, "reviewers", "n_reviewers"), _two_day(review)]
    return pd.concat(blocks, ignore_index=True), base


def _with_all(frame: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Keep what lies in rows' windows and add the sums of wiki `all`."""
    own = frame.merge(windows.loc[windows["wiki_db"] != ALL, VISIT_WINDOW], on=VISIT_WINDOW)
    keys = [name for name in (*VISIT_WINDOW, "instrument_name", "sample_unit", "sample_rate") if name in own.columns]
    rolling = own[own["window_kind"] == ROLLING].assign(wiki_db=ALL)
    return pd.concat([own, rolling.groupby(keys, as_index=False).sum(numeric_only=True)], ignore_index=True)


def _loads(rolling: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Build `dashboard_pageviews`."""
    rolling = rolling.assign(row=np.arange(len(rolling)))
    own = kept.merge(rolling[[*VISIT_WINDOW, "row"]], on=VISIT_WINDOW).drop(columns=VISIT_WINDOW)
    regimes = entries(regimes_by_row(rolling), own)
    rate_one = rolling["is_rate_one"].astype(bool)
    total = horvitz_thompson(
        regimes["row"], regimes["sample_rate"], regimes["n_loads"], regimes["loads_sq"], regimes["n_load_units"],
        regimes["n_load_units"], len(rolling), rate_one,
    )  # fmt: skip
    return candidates(
        rolling, "dashboard_pageviews", "realised",
        estimate=total.estimate, lower=total.lower, upper=total.upper, observed_numerator=rolling["n_loads"],
        n_users_observed=rolling["n_visitors"], n_effective=total.n_effective,
        estimator=np.where(rate_one, "count", "horvitz_thompson"), status=total.status, status_reason=total.reason,
        caution_reason=rolling["caution_reason"],
    )  # fmt: skip


def _counts(base: pd.DataFrame, metric: str, column: str) -> pd.DataFrame:
    """Build a count of people: exact at rate 1, else pending."""
    rate_one = base["is_rate_one"].astype(bool)
    count = base[column]
    return candidates(
        base, metric, "realised",
        estimate=count, lower=count, upper=count, observed_numerator=count, n_users_observed=count,
        n_effective=count.where(rate_one), estimator=np.where(rate_one, "count", "npmle_users"),
        status=np.where(rate_one, "publish", "pending"), status_reason="", caution_reason=base["caution_reason"],
    )  # fmt: skip


def _per_visitor(base: pd.DataFrame) -> pd.DataFrame:
    """Build `pageviews_per_visitor`: exact and user-clustered at rate 1, else pending."""
    users = base["n_visitors"].to_numpy(float)
    process = clustered_ratio(users, base["w_loads"], users, base["uu_loads_sq"], base["w_loads"], users)
    share = np.divide(base["n_loads"].to_numpy(float), users, out=np.full(users.shape, np.nan), where=users > 0)
    return _rate(
        base, "pageviews_per_visitor", base["n_loads"], base["n_visitors"], share, (process.lower, process.upper),
        "npmle_ratio", numerator_users=base["n_visitors"],
    )  # fmt: skip


def _two_day(base: pd.DataFrame) -> pd.DataFrame:
    """Build `two_day_review_rate` (T422024): exact with Wilson at rate 1, else pending."""
    hits, users = base["n_two_day_reviewers"].to_numpy(float), base["n_visitors"].to_numpy(float)
    share = np.divide(hits, users, out=np.full(users.shape, np.nan), where=users > 0)
    return _rate(
        base,
        "two_day_review_rate",
        base["n_two_day_reviewers"],
        base["n_visitors"],
        share,
        wilson(hits, users),
        "bounds",
    )


def _rate(
    base: pd.DataFrame, metric: str, numerator: pd.Series, denominator: pd.Series, share: np.ndarray,
    process: tuple[np.ndarray, np.ndarray], estimator: str, numerator_users: object = np.nan,
) -> pd.DataFrame:  # fmt: skip
    """Return the realised and the process candidates of a rate of visitors."""
    rate_one = base["is_rate_one"].astype(bool)
    empty = np.isnan(share)
    blocks = [
        candidates(
            base, metric, inference,
            estimate=share, lower=lower, upper=upper, observed_numerator=numerator, observed_denominator=denominator,
            n_users_observed=denominator, n_numerator_users=numerator_users, n_effective=denominator.where(rate_one),
            estimator=np.where(rate_one, "ratio", estimator),
            status=np.where(rate_one, np.where(empty, "not_estimable", "publish"), "pending"),
            status_reason=np.where(rate_one & empty, "nobody visited: there is nothing to divide by", ""),
            caution_reason=base["caution_reason"],
        )
        for inference, (lower, upper) in (("realised", (share, share)), ("process", process))
    ]  # fmt: skip
    return pd.concat(blocks, ignore_index=True)
