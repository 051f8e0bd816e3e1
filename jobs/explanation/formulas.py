"""How each estimator makes its number, in words: the one place for them. The long form is docs/methods.md."""

from __future__ import annotations

from typing import NamedTuple

from jobs.explanation.explanation import Formula, MetricRow
from jobs.metric import Metric
from jobs.policy.timeline import format_rate
from jobs.words import number

METHODS = "docs/methods.md"
SHARE_OF_USERS = "share of users"
EXACT = "none: everything was kept, so that lower, estimate and upper are one number"
EXACT_BUT_HOURS = "of sampling none, for no rate was below 100 %"
HOURS = "widened by what the hours that did not arrive could have held"
NO_NUMBER = "none: there is no number"
JOINT_LAW = "the shares with which some joint law of visits explains what was seen"
SHARE_FIT = f"{JOINT_LAW}; from 100 users and a rate of 75 % on without the chance of who came"
SHARE_FIT_OF_USERS = f"{JOINT_LAW}, the chance of who came included"
SHARES = "shares-the-same-with-two-margins"


class Method(NamedTuple):
    """An estimator in words, with its interval where it has one of its own, and the section of docs/methods.md."""

    formula: str
    interval: str
    section: str


METHODS_BY_ESTIMATOR = {
    "count": Method("number of: {numerator}", EXACT, "totals-and-ratios-of-totals"),
    "ratio": Method("{numerator} / {denominator}", EXACT, "totals-and-ratios-of-totals"),
    "horvitz_thompson": Method(
        "sum over kept events of 1 / rate, of: {numerator}",
        "variance of the design, clustered by what is sampled over the whole window; with fewer than 50 kept clusters "
        "an exact binomial inversion of the kept events over their design effect",
        "totals-and-ratios-of-totals",
    ),
    "hajek_ratio": Method(
        "sum of 1 / rate over: {numerator}, divided by the sum of 1 / rate over: {denominator}",
        "variance of the ratio of two totals by the design, clustered by what is sampled",
        "totals-and-ratios-of-totals",
    ),
    "npmle_users": Method(
        "the number of users that makes the users seen once, twice, three times most likely, whatever the law of their "
        "visits; of: {numerator}",
        "the numbers with which some law of visits explains what was seen",
        "people-the-likelihood",
    ),
    "npmle_reference": Method(
        "as npmle_users, with the law of visits of the wiki's latest whole window declared to hold; of: {numerator}",
        "the numbers with which that law, tilted by what was seen, explains it",
        "reference-shapes",
    ),
    "npmle_retention": Method(
        "the share that makes the users seen in each window, by their kept visits, most likely: {numerator} / "
        "{denominator}",
        SHARE_FIT,
        SHARES,
    ),
    "npmle_ratio": Method(
        "{numerator} / {denominator}, where people are not the kept ones but those whose visits explain what was seen",
        "made of those of numerator and denominator, as if their errors were independent",
        "pageviews-per-visitor",
    ),
    "rarefied": Method(
        "sum over users seen of the chance to be seen at the smallest rate of two years: 1 - (1 - p0/p)^k with k kept "
        "visits",
        "unbiased variance of that sum",
        "comparable-over-a-change-of-rate",
    ),
    "pairs": Method(
        "pairs of visits of one user over visits, a pair weighing 1 / rate of both of its visits, a visit 1 / rate",
        "variance of the design of that ratio",
        "comparable-over-a-change-of-rate",
    ),
    "bounds": Method(
        "no estimate: between what was seen and the largest number of which so few might be seen; of: {numerator}",
        "exact binomial inversion at the smallest rate",
        "bounds",
    ),
    "none": Method("not estimated; it would be: {numerator}{over}", NO_NUMBER, "page-one-in-words"),
}
BY_USER = "clustered by user, on the log scale, with Student's quantile: other users might have come"
PROCESS = {
    "ratio": BY_USER,
    "pairs": BY_USER,
    "hajek_ratio": f"{BY_USER}; never narrower than that of what happened",
    "npmle_retention": SHARE_FIT_OF_USERS,
    "npmle_ratio": SHARE_FIT_OF_USERS,
    "bounds": "exact binomial inversion at the smallest rate, each end with Wilson's limit of a share: other users "
    "might have come",
}
"""Of rows that speak of users in general; estimators of counts have none."""
WILSON = "Wilson's interval of a share: other users might have come"


def formula_of(row: MetricRow, metric: Metric) -> Formula:
    """Return how a row's number is made, with its own numbers put in where it shows them."""
    method = METHODS_BY_ESTIMATOR[row.estimator]
    over = f" / {metric.denominator.lower()}" if metric.denominator else ""
    words = method.formula.format(numerator=metric.numerator.lower(), denominator=metric.denominator.lower(), over=over)
    return Formula(
        row.estimator, words, _filled_in(row, metric), _interval(row, metric, method), _see(row, metric, method)
    )


def _see(row: MetricRow, metric: Metric, method: Method) -> str:
    return f"{METHODS}#{SHARES if _is_fitted_share(row, metric) else method.section}"


def _is_fitted_share(row: MetricRow, metric: Metric) -> bool:
    """Whether a row's ratio of people is one fit, that of a share, and not made of two."""
    return row.estimator == "npmle_ratio" and metric.unit == SHARE_OF_USERS


def _interval(row: MetricRow, metric: Metric, method: Method) -> str:
    if row.lower is None:
        return NO_NUMBER
    own = _of_reading(row, metric, method)
    if row.is_complete:
        return own
    return f"{EXACT_BUT_HOURS if own == EXACT else own}; {HOURS}"


def _of_reading(row: MetricRow, metric: Metric, method: Method) -> str:
    """Say where the interval of a reading comes from, lost hours left out."""
    if row.inference == "process":
        is_counted_share = row.estimator == "ratio" and metric.unit == SHARE_OF_USERS
        return WILSON if is_counted_share else PROCESS[row.estimator]
    if row.is_whole:
        return EXACT
    return SHARE_FIT if _is_fitted_share(row, metric) else method.interval


def _filled_in(row: MetricRow, metric: Metric) -> str | None:
    """Put the row's own counts into formulas that are plain arithmetic; fits and bounds are none."""
    if row.estimate is None or row.observed_numerator is None:
        return None
    top, rate = f"{row.observed_numerator:,.0f}", row.single_rate
    found = number(row.estimate, metric.unit)
    if not row.is_complete and row.estimator != "ratio":
        return None  # the estimate holds what lost hours had, which the counts do not
    if row.estimator == "count":
        return top
    if row.estimator == "horvitz_thompson" and rate:
        return f"{top} / {format_rate(rate)} = {found}"
    if row.estimator == "pairs" and rate and row.observed_denominator:
        weight = "" if rate == 1 else f" / {format_rate(rate)}"
        return f"{top} / {row.observed_denominator:,.0f}{weight} = {found}"
    is_plain = row.estimator == "ratio" or (row.estimator == "hajek_ratio" and rate)
    if is_plain and row.observed_denominator:
        weighted = "" if row.estimator == "ratio" else " (at one rate the weights cancel)"
        return f"{top} / {row.observed_denominator:,.0f} = {found}{weighted}"
    return None
