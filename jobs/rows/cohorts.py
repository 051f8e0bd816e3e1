"""Rows of the cohort metrics: who came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.estimation.intervals import FloatArray, wilson
from jobs.metric import Metric
from jobs.rows.candidates import FINITE_ONLY, candidates
from jobs.rows.fitting import PENDING
from jobs.rows.regimes import SAMPLING_COLUMNS, element_instruments, sampling_values
from jobs.rows.window_context import WindowContext, joined
from jobs.window_sums.tables import ALL, COHORT, CohortSums
from jobs.windows import DAY

EMPTY = "the cohort is empty: there is nothing to divide by"
CARRIED = (
    "observed_numerator", "observed_denominator", "n_users_observed", "n_effective", "estimate", "lower", "upper",
    "estimator", "status", "status_reason", "needs_user_id",
)  # fmt: skip


def cohort_windows(context: WindowContext, as_of: Sequence[date]) -> pd.DataFrame:
    """List every cohort whose window closes on an asked date, with what is known of the window."""
    rows = []
    for metric in cohort_metrics(context.catalogue):
        (length,) = metric.days_of("cohort")
        for last in as_of:
            first, end = last - (length - 1) * DAY, last + DAY
            if _is_asked(context, metric, first, end):
                for wiki in context.visible_wikis(first):
                    known = _known(context, metric, wiki, first, end)
                    rows.append((metric.metric, wiki, first, last, length, *known))
    columns = [
        *COHORT, "as_of_date", "window_days", "is_complete", "cautions", "unmeasured_reason", "has_user_id",
        *SAMPLING_COLUMNS,
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    for column in ("metric_date", "as_of_date"):
        frame[column] = pd.to_datetime(frame[column])
    return frame.assign(window_kind="cohort").astype({"unmeasured_reason": object})


def cohort_metrics(catalogue: Catalogue) -> tuple[Metric, ...]:
    """Return the metrics with cohorts."""
    return catalogue.of_family("retention", "presented")


def cohort_spans(metric: Metric, metric_date: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """Return the days [start, end) on which users of a cohort are seen, and on which they return."""
    assert metric.seen is not None  # the catalogue has both of every cohort
    assert metric.returned is not None
    (first, last), (back, until) = metric.seen, metric.returned
    seen = (metric_date + first * DAY, metric_date + (last + 1) * DAY)
    return seen, (metric_date + back * DAY, metric_date + (until + 1) * DAY)


def _is_asked(context: WindowContext, metric: Metric, first: date, end: date) -> bool:
    """Whether a cohort begins on that day at all, and the link that makes it lives in its window."""
    if metric.weekday is not None and first.weekday() != metric.weekday:
        return False
    return metric.elements is None or context.vocabulary.overlaps(metric.elements, first, end)


def _known(context: WindowContext, metric: Metric, wiki: str, first: date, end: date) -> tuple[object, ...]:
    missing, cautions = context.arrival.missing_reason(first, end), context.arrival.cautions(first, end)
    instruments = context.usage_instruments(first, end)
    unmeasured = context.usage_unmeasured(first, end) or missing
    seen, returned = cohort_spans(metric, first)
    if metric.elements is not None:
        # Only the first week asks who was shown the link; in the second it may be gone.
        entry = element_instruments(context, (wiki,), metric.elements, *seen)
        instruments = tuple(sorted({*instruments, *entry}))
        unmeasured = unmeasured or context.vocabulary.unmeasured(metric.elements, ALL, *seen)
    sampling = context.sampling(instruments, (wiki,), first, end)
    sampling = replace(sampling, series_break=joined(sampling.series_break, context.catalogue.breaks("*", first, end)))
    # The columns tell of the whole window; what can be estimated is decided by the days of which a visit counts.
    stretches = [(first, end)] if seen[1] == returned[0] else [seen, returned]
    counting = [context.sampling(instruments, (wiki,), *days) for days in stretches]
    values = dict(zip(SAMPLING_COLUMNS, sampling_values(sampling), strict=True)) | {
        "is_rate_one": all(own.is_rate_one for own in counting),
        "has_unit_change": any(own.has_unit_change for own in counting),
        "regimes": frozenset().union(*(own.regimes for own in counting)),
    }
    losses = dict.fromkeys(loss for own in counting for loss in own.losses)
    whole, has_id = context.arrival.is_complete(first, end), context.have_user_ids(instruments)
    return whole, (*cautions, *losses), unmeasured or sampling.unrecorded, has_id, *values.values()


def cohort_rows(sums: CohortSums, context: WindowContext, as_of: Sequence[date]) -> pd.DataFrame:
    """Build the candidates of the cohort metrics; people under sampling are left `pending`.

    Returns:
        Candidates for `settle`.
    """
    base = cohort_windows(context, as_of).merge(sums.cells.drop(columns="as_of_date"), on=COHORT, how="left")
    base[["n_cohort", "n_returned"]] = base[["n_cohort", "n_returned"]].fillna(0)
    if base.empty:
        return pd.DataFrame()
    cohort, returned = base["n_cohort"].to_numpy(float), base["n_returned"].to_numpy(float)
    share = np.divide(returned, cohort, out=np.full(cohort.shape, np.nan), where=cohort > 0)
    is_rate_one, has_id = base["is_rate_one"].astype(bool), base["has_user_id"].astype(bool)
    no_user_id, sampled, empty = ~has_id, has_id & ~is_rate_one, has_id & is_rate_one & np.isnan(share)
    values = base.assign(
        observed_numerator=returned, observed_denominator=cohort, n_users_observed=cohort,
        n_effective=np.where(is_rate_one, cohort, np.nan), estimate=share,
        status=np.select([no_user_id, sampled, empty], ["not_estimable", PENDING, "not_estimable"], "publish"),
        status_reason=np.select([no_user_id, empty], [FINITE_ONLY, EMPTY], ""), needs_user_id=no_user_id,
        estimator=np.where(is_rate_one, "ratio", "npmle_retention"),
    )  # fmt: skip
    values.loc[no_user_id, ["observed_numerator", "observed_denominator", "n_users_observed", "n_effective"]] = np.nan
    intervals = {"realised": (share, share), "process": wilson(returned, cohort)}
    blocks = [_of_inference(values, context.catalogue, inference, *ends) for inference, ends in intervals.items()]
    return pd.concat(blocks, ignore_index=True)


def _of_inference(
    values: pd.DataFrame, catalogue: Catalogue, inference: str, lower: FloatArray, upper: FloatArray
) -> pd.DataFrame:
    """Return the candidates of one inference, of the metrics that have it."""
    has_it = values["metric"].map({m.metric: inference in m.inference for m in cohort_metrics(catalogue)})
    rows = values.assign(lower=lower, upper=upper)[has_it.astype(bool)]
    carried = {name: rows[name] for name in CARRIED}
    return candidates(rows, rows["metric"], inference, **carried)
