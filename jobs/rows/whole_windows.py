"""Windows in which nothing was sampled out: where a truth can be known."""

from __future__ import annotations

from datetime import date

from jobs.metric import Metric
from jobs.reference.rows import REVIEW_LINKS
from jobs.rows.window_context import WindowContext


def full_unit(context: WindowContext, metric: Metric, wiki: str, first: date, end: date) -> str | None:
    """Return the sampling unit of a window in which nothing was sampled out; None where a truth cannot be known."""
    unmeasured = context.usage_unmeasured(first, end) or context.arrival.missing_days(first, end)
    if unmeasured or (metric.elements == REVIEW_LINKS and context.vocabulary.review_unmeasured(first, end)):
        return None
    sampling = context.sampling(context.usage_instruments(first, end), (wiki,), first, end)
    if not sampling.is_rate_one or sampling.losses or sampling.unrecorded or sampling.has_unit_change:
        return None
    return sampling.unit if sampling.unit in ("pageview", "session") else None
