"""What a number is, or would be, otherwise: the documented alternatives.

Published ones are rows of the marts, with what these hide; computed ones are made only of a row that shows its counts.

- `inference`: what happened against what such users would do again (docs/rows.md, section 3).
- `window`: the metric's other windows that end the same day.
- `definition`: other definitions of the same idea: metrics whose names in the catalogue differ after the comma only,
  and cohorts of the same family.
- `rate`: under other sampling. Where everything was kept: what the estimators made of the wiki's own days, thinned
  (`fct_self_validation`); what an interval of totals and ratios would be by the design; what is to be expected of
  people (docs/planning.md).
- `assumption`: a setting that would show a number where there are bounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import sqrt

from jobs.catalogue import Catalogue
from jobs.estimation.intervals import Z95
from jobs.estimation.limits import DEFAULT_LIMITS, percent, points
from jobs.estimation.remedy import expected_half_width
from jobs.explanation.choose import Fetch
from jobs.explanation.explanation import Alternative, MetricRow
from jobs.explanation.formulas import SHARE_OF_USERS
from jobs.explanation.steps import Kept
from jobs.metric import Metric
from jobs.planning.plan import RATES as PLANNED_RATES
from jobs.policy.timeline import format_rate
from jobs.settings.sections import EstimationSettings
from jobs.window_sums.tables import ALL
from jobs.words import metric_window, number

RATES = tuple(rate for rate in PLANNED_RATES if DEFAULT_LIMITS.blind_rate <= rate < 1)
SAME_DAY = """
select * from fct_metric_values
where wiki_db = ? and as_of_date = ? and element_friendly_name = ? and client_platform_family = ?
  and edit_count_bucket = ?
order by metric, window_days nulls last, inference desc
"""
THINNED = """
select metric_date, as_of_date, rate, sample_unit, truth, estimate, lower, upper, status, naive
from fct_self_validation
where metric = ? and wiki_db = ? and window_days is not distinct from ? and as_of_date <= ? and not is_suppressed
qualify as_of_date = max(as_of_date) over () and metric_date = max(metric_date) over (partition by as_of_date)
order by rate
"""
PEOPLE = ("users", SHARE_OF_USERS)
OF_WHAT_HAPPENED = "of what happened"
READINGS = {
    "realised": "what happened to those who came",
    "process": "what such users would do again: other users might have come",
}


def alternatives_of(
    row: MetricRow,
    metric: Metric,
    catalogue: Catalogue,
    kept: Kept,
    limits: EstimationSettings,
    fetch: Fetch,
) -> tuple[Alternative, ...]:
    """Return the alternatives to a row.

    Args:
        row: the published row.
        metric: its metric.
        catalogue: the metrics there are.
        kept: sums over what was kept; empty where the row hides its counts.
        limits: up to which width a number of people is shown.
        fetch: runs a statement on the marts.
    """
    key = [row.wiki_db, row.as_of_date, row.element_friendly_name, row.client_platform_family, row.edit_count_bucket]
    rows = [MetricRow.of(record) for record in fetch(SAME_DAY, key)]
    return (
        *_readings(row, metric, rows),
        *_windows(row, metric, rows),
        *_definitions(row, metric, catalogue, rows),
        *_rates(row, metric, kept, limits, fetch),
        *_assumptions(row, metric),
    )


def same_idea(metric: Metric, catalogue: Catalogue) -> tuple[Metric, ...]:
    """Return the other definitions of a metric's idea: names alike up to the comma, or cohorts of one family."""
    return tuple(
        other
        for other in catalogue.metrics.values()
        if other.metric != metric.metric
        and other.family == metric.family
        and (_idea(other) == _idea(metric) or (other.seen is not None and metric.seen is not None))
    )


def _idea(metric: Metric) -> str:
    return metric.name.partition(",")[0]


def _published(kind: str, what: str, row: MetricRow, unit: str, note: str = "") -> Alternative:
    return Alternative(
        kind,
        what,
        unit,
        row.estimate,
        row.lower,
        row.upper,
        row.status,
        note or (row.status_reason or "").removesuffix("."),
    )


def _readings(row: MetricRow, metric: Metric, rows: Iterable[MetricRow]) -> Iterable[Alternative]:
    for other in rows:
        is_window = (other.window_kind, other.window_days) == (row.window_kind, row.window_days)
        if other.metric == row.metric and is_window and other.inference != row.inference:
            what = f"{other.inference}: {READINGS[other.inference]}"
            yield _published("inference", what, other, metric.unit)


def _windows(row: MetricRow, metric: Metric, rows: Iterable[MetricRow]) -> Iterable[Alternative]:
    for other in rows:
        is_own = (other.window_kind, other.window_days) == (row.window_kind, row.window_days)
        if other.metric == row.metric and other.inference == row.inference and not is_own:
            name = metric_window(other.window_kind, other.window_days)
            yield _published("window", f"{name}, {other.metric_date}..{other.as_of_date}", other, metric.unit)


def _definitions(
    row: MetricRow, metric: Metric, catalogue: Catalogue, rows: Iterable[MetricRow]
) -> Iterable[Alternative]:
    others = {other.metric: other for other in same_idea(metric, catalogue)}
    for found in rows:
        is_window = found.window_kind == "cohort" or found.window_days == row.window_days
        if found.metric in others and found.inference == row.inference and is_window:
            other = others[found.metric]
            what = f"{found.metric}, {found.metric_date}..{found.as_of_date}: {other.definition.removesuffix('.')}"
            yield _published("definition", what, found, other.unit)


def _rates(
    row: MetricRow, metric: Metric, kept: Kept, limits: EstimationSettings, fetch: Fetch
) -> Iterable[Alternative]:
    """Tell what other sampling would do to a row that shows its counts."""
    if row.observed_numerator is None or not row.is_whole:
        return
    refused = _refused(row, metric)
    found = list(_thinned(row, metric, fetch))
    if refused and not found:
        yield Alternative("rate", "at any rate below 100 %", metric.unit, note=refused)
        return
    if not found and metric.unit in PEOPLE:  # of shares it is the width of the process
        yield from _expected(row, metric, limits)
        return
    if not found and kept.yy is not None and row.estimate:
        found = list(_by_design(row, metric, kept))
    reading = f", {OF_WHAT_HAPPENED}" if row.inference == "process" else ""
    yield from (replace(one, what=one.what + reading) for one in found)


def _thinned(row: MetricRow, metric: Metric, fetch: Fetch) -> Iterable[Alternative]:
    for found in fetch(THINNED, [row.metric, row.wiki_db, row.window_days, row.as_of_date]):
        days = f"{found['metric_date']} on" + (f" ({row.window_days} days)" if row.window_days else "")
        truth = f"the wiki's own days from {days}, thinned; whole they give {number(found['truth'], metric.unit)}"
        naive = number(found["naive"], metric.unit)
        yield Alternative(
            "rate", f"at {format_rate(found['rate'])} of {found['sample_unit']}s", metric.unit, found["estimate"],
            found["lower"], found["upper"], found["status"], f"{truth}, who ignores that gets {naive}",
        )  # fmt: skip


def _expected(row: MetricRow, metric: Metric, limits: EstimationSettings) -> Iterable[Alternative]:
    """Tell what is to be expected of people at other rates."""
    users = row.n_users_observed or 0
    for rate in RATES:
        if metric.unit == "users":
            half = expected_half_width("users", rate, users)
            told, ends = percent(half), (limits.users_publish, limits.users_caution, float("inf"))
        else:
            half = expected_half_width("share", rate, users)
            told, ends = points(half), (limits.retention_publish, limits.retention_caution, limits.retention_bounds)
        shown = "bounds_only" if rate <= DEFAULT_LIMITS.blind_rate and half <= ends[2] else _best(half, ends)
        told_status = "refused" if shown == "not_estimable" else f"{shown} at best"
        note = f"±{told} is to be expected of {users:,.0f} users: {told_status} (planning)"
        yield Alternative("rate", f"at {format_rate(rate)} of {row.sampling_unit}s", metric.unit, note=note)


def _refused(row: MetricRow, metric: Metric) -> str | None:
    """Say why no width is told of other sampling: none can be known (docs/rows.md, section 4), or none is computed."""
    if row.estimator == "rarefied":
        return "not computed here: it is what the smallest rate of two years shows, whatever the rate in force"
    if metric.unit == "visits per visit":
        return "not computed here: it is known as well as pairs of visits are kept (docs/methods.md)"
    if metric.unit == "pageviews per user":
        if row.inference == "process":
            return "refused: how visits vary between users is not seen where visits are sampled"
        return "not computed here: it is known as well as visitors are (docs/methods.md#pageviews-per-visitor)"
    if metric.family == "presented":
        return "refused: that a user was shown the link, and both visits, would each be seen in part"
    if metric.family == "users" and metric.unit == SHARE_OF_USERS:
        return "bounds at best: who clicked on two days is mostly seen on one of them at most"
    if metric.unit in PEOPLE and (row.client_platform_family, row.edit_count_bucket) != (ALL, ALL):
        return "refused: it is estimated for all platforms and buckets together only"
    return None


def _best(half: float, ends: tuple[float, float, float]) -> str:
    """Return the best status that an interval of a half-width may have."""
    shown = zip(("publish", "caution", "bounds_only"), ends, strict=True)
    return next((status for status, widest in shown if half <= widest), "not_estimable")


def _by_design(row: MetricRow, metric: Metric, kept: Kept) -> Iterable[Alternative]:
    """Tell the half-width of a total or ratio were pageviews sampled: (1-p)/p times the sum of squared residuals."""
    total, squares = row.observed_numerator, kept.yy
    if metric.kind != "count":
        if kept.xy is None or kept.xx is None or not row.observed_denominator or row.estimate is None:
            return
        ratio, total = row.estimate, row.observed_numerator
        squares = (kept.yy or 0) - 2 * ratio * kept.xy + ratio**2 * kept.xx
    if not total or squares is None:
        return
    for rate in RATES:
        width = Z95 * sqrt(max((1 - rate) / rate * squares, 0)) / total
        note = f"±{percent(width)} of it by the design, with these very page views (sessions: wider)"
        yield Alternative("rate", f"at {format_rate(rate)} of pageviews", metric.unit, note=note)


def _assumptions(row: MetricRow, metric: Metric) -> Iterable[Alternative]:
    """Name the setting that would show a number of people in place of bounds."""
    if row.status == "bounds_only" and metric.unit == "users" and row.estimator != "rarefied" and not row.is_whole:
        yield Alternative(
            "assumption", "[estimation] reference_shapes = true", metric.unit,
            note="not computed here: it takes whole windows of the wiki in the two years before, and is decided when "
            "the step `estimates` runs with it (docs/methods.md#reference-shapes)",
        )  # fmt: skip
