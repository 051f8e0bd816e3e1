"""What somebody gets who ignores the sampling, and who divides by the rate, beside ours, and why they differ.

Made of what the row shows of its counts, so that nothing comes out that it hides.
"""

from __future__ import annotations

from jobs.explanation.explanation import MetricRow, Naive
from jobs.explanation.steps import Kept
from jobs.metric import Metric

IGNORED, WEIGHTED = "as if everything had been kept", "each kept one stands for 1 / rate"
SAME = "the same as ours: everything was kept"
NOTHING = "nothing was kept to divide by"
HIDDEN = "not shown: its counts are hidden, to protect few users"
SILENT = "no counts are shown of it"
MIXED = "several rates were in force, and a user seen under two of them has no single weight"
PART = "only of the days and platforms that were measured, so not of the window"
PURGED = "what it is made of was purged"
NO_RATE = "no rate above 0 was in force"
# Why the value of who ignores sampling is wrong, and that of who divides by the rate, by the metric's unit.
IGNORING = {
    "pageviews": "too small: only a part of the loads was kept",
    "events": "too small: only a part of the events was kept",
    "clicks per impression": "right on average where one rate holds, for both were thinned alike; it has no interval",
    "share of impressions": "right on average where one rate holds, for both were thinned alike; it has no interval",
    "users": "too small: it counts the users seen, and who came once is missed more often than who came often",
    "pageviews per user": "wrong, in either direction: loads are thinned one by one, users are not",
    "visits per visit": "too small: a pair is kept only if both of its visits are",
    "share of users": "wrong, in either direction: a second visit is missed more often than a first, and who comes "
    "often is likelier to be seen at all",
}
WEIGHTING = {
    "pageviews": "ours: totals of events survive sampling, and the interval says how well",
    "events": "ours: totals of events survive sampling, and the interval says how well",
    "clicks per impression": "ours: a ratio of two weighted totals",
    "share of impressions": "ours: a ratio of two weighted totals",
    "users": "too large: it takes every user seen for 1 / rate users, as if each had come once",
    "pageviews per user": "no better: both are divided by the same rate, which cancels",
    "visits per visit": "ours: a pair weighs 1 / rate of both visits, so that one rate is left over",
    "share of users": "no better: both are divided by the same rate, which cancels",
}


def naive_of(row: MetricRow, metric: Metric, kept: Kept) -> tuple[Naive, ...]:
    """Return both naive values of a row.

    Args:
        row: the published row.
        metric: its metric.
        kept: weighted sums of what was kept.
    """
    if row.observed_numerator is None:
        return tuple(Naive(how, None, _why_hidden(row)) for how in (IGNORED, WEIGHTED))
    plain = _over(row.observed_numerator, row.observed_denominator, metric)
    if row.is_whole and row.estimator != "rarefied":
        why = _why_whole(row) if plain is not None else NOTHING
        return Naive(IGNORED, plain, why), Naive(WEIGHTED, plain, why)
    ignoring, weighting = IGNORING[metric.unit], WEIGHTING[metric.unit]
    if row.estimator == "rarefied":
        ignoring = "the users seen at the rates in force: not comparable with windows of other rates, as ours is"
        weighting = "no number of people, and not comparable over a change of rate either"
    if row.status == "not_measured":
        ignoring, weighting = f"{ignoring}; {PART}", f"{weighting.removeprefix('ours: ')}; {PART}"
    elif not row.is_complete:
        weighting += "; of what was kept, without what the missing hours could have held"
    value, lacking = _weighted(row, metric, kept)
    return (
        Naive(IGNORED, plain, ignoring if plain is not None else NOTHING),
        Naive(WEIGHTED, value, lacking or weighting),
    )


def _why_whole(row: MetricRow) -> str:
    """Say how the value of what was kept stands to ours where nothing was sampled."""
    if row.status == "not_measured":
        return PART
    if not row.is_complete:
        return "of what was kept: ours allows for what the missing hours could have held"
    return SAME if row.estimate is not None else "right of those who came, and too few to say it of others"


def _why_hidden(row: MetricRow) -> str:
    """Say why there is no numerator: it is hidden, unless the row shows no count at all for another reason."""
    is_silent = row.observed_denominator is None and row.n_users_observed is None
    return SILENT if is_silent and row.status in ("not_measured", "not_estimable") else HIDDEN


def _over(numerator: float | None, denominator: float | None, metric: Metric) -> float | None:
    if metric.kind == "count":
        return numerator
    return numerator / denominator if numerator is not None and denominator else None


def _weighted(row: MetricRow, metric: Metric, kept: Kept) -> tuple[float | None, str]:
    """Return the value with each kept one weighing 1 / rate, or why there is none."""
    if metric.unit in ("pageviews", "events"):
        return kept.numerator, "" if kept.numerator is not None else PURGED
    if kept.denominator is not None and metric.unit in ("clicks per impression", "share of impressions"):
        value = _over(kept.numerator, kept.denominator, metric)
        return value, "" if value is not None else NOTHING
    rate = row.single_rate
    if rate is None:
        return None, NO_RATE if row.sampling_rate_min is None else MIXED
    plain = _over(row.observed_numerator, row.observed_denominator, metric)
    if plain is None:
        return None, NOTHING
    divides = metric.unit in ("users", "visits per visit")
    return (plain / rate if divides else plain), ""
