"""Rows of the cohort metrics: who came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from jobs.catalogue import MENU_LINK, load_catalogue
from jobs.estimation.intervals import wilson
from jobs.rows.candidates import FINITE_ONLY, candidates
from jobs.rows.regimes import SAMPLING_COLUMNS, element_instruments, sampling_values
from jobs.rows.window_context import WindowContext, joined
from jobs.window_sums.tables import COHORT, CohortSums

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
PRESENTED = "presented_two_week_rate"
EMPTY = "the cohort is empty: there is nothing to divide by"


def cohort_windows(context: WindowContext, as_of: Sequence[date]) -> pd.DataFrame:
    """List every cohort whose window closes on an asked date, with what is known of the window."""
    metrics = [metric for metric in load_catalogue().metrics.values() if metric.has_window("cohort")]
    rows = []
    for last in as_of:
        for metric, length, weekday in ((m.metric, m.days_of("cohort")[0], m.weekday) for m in metrics):
            first, end = last - (length - 1) * DAY, last + DAY
            if weekday is not None and first.weekday() != weekday:
                continue
            if metric == PRESENTED and not context.vocabulary.overlaps(MENU_LINK, first, end):
                continue
            for wiki in context.visible_wikis(first):
                rows.append((metric, wiki, first, last, length, *_known(context, metric, wiki, first, end)))
    columns = [
        *COHORT,
        "as_of_date",
        "window_days",
        "is_complete",
        "caution_reason",
        "unmeasured_reason",
        "has_user_id",
        *SAMPLING_COLUMNS,
    ]
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("metric_date", "as_of_date"):
        frame[column] = pd.to_datetime(frame[column])
    return frame.assign(window_kind="cohort").astype({"caution_reason": object, "unmeasured_reason": object})


def _known(context: WindowContext, metric: str, wiki: str, first: date, end: date) -> tuple[object, ...]:
    missing, caution = context.missing_reason(first, end), context.caution_reason(first, end)
    instruments = context.usage_instruments(first, end)
    unmeasured = context.usage_unmeasured(first, end) or missing
    if metric == PRESENTED:
        # Only the first week asks who was shown the link; in the second it may be gone.
        entry = element_instruments(context, (wiki,), MENU_LINK, first, first + WEEK)
        instruments = tuple(sorted({*instruments, *entry}))
        unmeasured = unmeasured or context.vocabulary.unmeasured(MENU_LINK, "all", first, first + WEEK)
    sampling = context.sampling(instruments, (wiki,), first, end)
    sampling = replace(sampling, series_break=joined(sampling.series_break, load_catalogue().breaks("*", first, end)))
    whole, has_id = context.is_complete(first, end), context.have_user_ids(instruments)
    return whole, joined(caution, sampling.loss), unmeasured or sampling.unrecorded, has_id, *sampling_values(sampling)


def cohort_rows(sums: CohortSums, context: WindowContext, as_of: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the candidates of the cohort metrics; people under sampling are left `pending`.

    Returns:
        Candidates for `settle`, and the cohorts behind them.
    """
    base = cohort_windows(context, as_of).merge(sums.cells.drop(columns="as_of_date"), on=COHORT, how="left")
    base[["n_cohort", "n_returned"]] = base[["n_cohort", "n_returned"]].fillna(0)
    cohort, returned = base["n_cohort"].to_numpy(float), base["n_returned"].to_numpy(float)
    share = np.divide(returned, cohort, out=np.full(cohort.shape, np.nan), where=cohort > 0)
    rate_one, has_id = base["is_rate_one"].astype(bool), base["has_user_id"].astype(bool)
    known = np.where(np.isnan(share), "not_estimable", "publish")
    status = np.where(has_id, np.where(rate_one, known, "pending"), "not_estimable")
    reason = np.where(has_id, np.where(rate_one & np.isnan(share), EMPTY, ""), FINITE_ONLY)
    values = base.assign(
        observed_numerator=returned, observed_denominator=cohort, n_users_observed=cohort,
        n_effective=np.where(rate_one, cohort, np.nan), status=status, status_reason=reason,
        estimator=np.where(rate_one, "ratio", "npmle_retention"),
    )  # fmt: skip
    counts = ["observed_numerator", "observed_denominator", "n_users_observed", "n_effective"]
    values.loc[~has_id, counts] = np.nan
    lower, upper = wilson(returned, cohort)
    realised = values.assign(estimate=share, lower=share, upper=share)
    process = values.assign(estimate=share, lower=lower, upper=upper)
    carried = [*counts, "estimate", "lower", "upper", "estimator", "status", "status_reason", "caution_reason"]
    blocks = [
        candidates(rows, rows["metric"], inference, **{name: rows[name] for name in carried})
        for inference, rows in (("realised", realised), ("process", process))
    ]
    return pd.concat(blocks, ignore_index=True) if len(base) else pd.DataFrame(), base
