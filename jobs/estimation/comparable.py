"""Numbers that stay comparable when the sampling rate changes: both are identified at any rate, without any model.

A user's units (pageviews or sessions with a load) are kept independently, each with the rate p in force; k_r of them
were kept under rate p_r. Only sampling is random here, users are as they were.

*Rarefied visitors.* How many users would be seen, had everything been sampled at the smallest rate p0 <= p_r:
N = sum_u 1 - (1 - p0)^n_u. A kept unit would have been kept at p0 with probability p0 / p_r, so that
s_u = 1 - g_u, g_u = prod_r (1 - p0 / p_r)^k_r, is unbiased (Hurlbert 1971; it is the mean over all ways to thin the
sample to p0). With E[x^k] = (1 - p + p x)^n, G_u = prod_r (1 - (2 p0 - p0^2) / p_r)^k_r has the mean (1 - p0)^(2 n),
so that sum_u g_u^2 - G_u is an unbiased variance. It alternates in sign where p < 2 p0; one standard error of its own
is added, and sum_u sum_r k_r (1 - p_r) (p0 / p_r)^2 (g_u / (1 - p0 / p_r))^2, the bound of Efron and Stein (1981), is
its limit. The variance is never larger than N, since thinning less than to p0 adds information. The interval is the
score interval of a count whose variance is proportional to its mean.

*Pairs per visit.* R = P / V, the pairs of visits of one user, P = sum_u n_u (n_u - 1), by the visits, V = sum_u n_u.
A kept unit weighs 1 / p and a pair the product of its two weights (Horvitz and Thompson 1952). With w = sum_r k_r / p_r
and c_r = 1 / p_r - 1, a user's pairs and visits have the variances and covariance (i, j, l kept units, all different)

    Var(pairs) = 4 sum_ijl c_i / (p_i p_j p_l) + 4 sum_ij c_i / (p_i p_j) + 2 sum_ij c_i c_j / (p_i p_j)
    Cov(pairs, visits) = 2 sum_ij c_i / (p_i p_j),    Var(visits) = sum_i c_i / p_i

unbiasedly, and those of pairs - R visits make the variance of R (Hajek 1971). *Process* rows have users for random,
as every ratio of totals (`ratios.clustered_ratio`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from jobs.estimation.answers import PeopleEstimate, as_allowed, refusal
from jobs.estimation.intervals import Z95, FloatArray, log_ratio_interval
from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict
from jobs.estimation.ratios import PairSums, clustered_ratio
from jobs.estimation.users_limits import bounds_verdict, width_verdict

FEWEST_PAIRS, FEWEST_BOUNDED = 30, 20
"""Effective pairs below which pairs per visit have bounds only, and below which they have none."""

FEW_HAVE_MOST = "A few users have most of the pairs"  # the report hides what says so
FEWEST_EFFECTIVE_USERS = 30
"""Effective users behind the pairs below which nothing is said of users who are random."""

FEWEST_DEGREES = 5
"""Fewest degrees of freedom of an interval of pairs per visit."""

RAREFIED, PER_VISIT = "The number", "The ratio"


@dataclass(frozen=True)
class UserUnits:
    """Users of a window by their kept units; users with the same numbers stand on one line.

    Attributes:
        kept: kept units of each of these users, a line per kind of user and a column per rate.
        rates: the rates in (0, 1].
        users: how many users each line stands for.
    """

    kept: FloatArray
    rates: FloatArray
    users: FloatArray

    @property
    def n_seen(self) -> float:
        """Users with a kept unit."""
        return float(self.users.sum())

    @property
    def n_effective(self) -> float:
        """Kish's effective number of kept units, (sum w)^2 / sum w^2 with w = 1 / rate; 0 where there are none."""
        weight, square = (float(self.users @ (self.kept @ self.rates**-power)) for power in (1, 2))
        return weight**2 / square if square > 0 else 0.0


def rarefied_visitors(units: UserUnits, smallest: float, limits: Limits = DEFAULT_LIMITS) -> PeopleEstimate:
    """Estimate how many users would be seen, were everything sampled at one rate (formulas: see the module).

    Args:
        units: the users of a window; without lines its rates are still those in force.
        smallest: the rate, at most the smallest of the window.
        limits: up to which widths the number is shown.

    Returns:
        The estimate; exact where nothing of the window was sampled.

    Raises:
        ValueError: where some rate is below the smallest.
    """
    sums = rarefied_sums(units, smallest)
    estimate, seen = float(units.users @ sums.number), units.n_seen
    base = PeopleEstimate(estimate, estimate, estimate, "publish", None, None, "rarefied", seen, seen)
    if np.all(units.rates == 1):
        return base
    # Of few users the variance is not known well, but it is never larger than the number itself. One more user of the
    # kind that tells least may be missing among those who were kept.
    share = 1.0
    if seen >= limits.fewest_seen and estimate > 0:
        largest = float(((1 - units.rates) * (smallest / units.rates) ** 2).max())
        share = min(1.0, (_rarefied_variance(units.users, sums) + largest) / estimate)
    lower, upper = _score_interval(estimate, share)
    interval = Interval(estimate, lower, upper)
    return as_allowed(_rarefied_verdict(interval, seen, limits), interval, base, None)


@dataclass(frozen=True)
class RarefiedSums:
    """What each line's users add to the rarefied number (formulas: see the module).

    Attributes:
        number: the chance that a user would be seen, estimated without bias.
        variance: of it, without bias; of either sign.
        bound: of its variance, without bias; never below 0.
    """

    number: FloatArray
    variance: FloatArray
    bound: FloatArray


def rarefied_sums(units: UserUnits, smallest: float) -> RarefiedSums:
    """Compute the sums of each line's users.

    Raises:
        ValueError: where some rate is below the smallest.
    """
    rates, kept = units.rates, units.kept
    if not np.all(rates >= smallest):
        raise ValueError(f"rate {smallest} is not the smallest of {rates.tolist()}")
    missed = np.prod((1 - smallest / rates) ** kept, axis=1)
    squares = missed**2 - np.prod((1 - (2 * smallest - smallest**2) / rates) ** kept, axis=1)
    bounds = np.zeros(len(kept))
    for place, rate in enumerate(rates):
        others = kept.copy()
        others[:, place] = np.maximum(others[:, place] - 1, 0)
        without = np.prod((1 - smallest / rates) ** others, axis=1)
        bounds += kept[:, place] * (1 - rate) * (smallest / rate * without) ** 2
    return RarefiedSums(1 - missed, squares, bounds)


def _rarefied_variance(users: FloatArray, sums: RarefiedSums) -> float:
    """Estimate the variance of the rarefied number, rather too large than too small."""
    bound = float(users @ sums.bound)
    highest = bound + float(np.sqrt(users @ sums.bound**2))
    its_error = float(np.sqrt(users @ sums.variance**2))
    # The unbiased one is of use where its own error is small against what it could save.
    if its_error > bound / 2:
        return highest
    return max(min(highest, float(users @ sums.variance) + its_error), 0.0)


def _score_interval(count: float, share: float) -> tuple[float, float]:
    """Compute the interval of a count whose variance is `share` times its mean."""
    spread = Z95**2 * share
    half = float(np.sqrt(spread * count + spread**2 / 4))
    return max(count + spread / 2 - half, 0.0), count + spread / 2 + half


def _rarefied_verdict(interval: Interval, seen: float, limits: Limits) -> Verdict:
    if seen < limits.fewest_seen:
        reason = f"Only {seen:.0f} visitors were seen, fewer than the {limits.fewest_seen} an estimate needs."
        return bounds_verdict(Verdict("bounds_only", reason), interval.lower, interval.upper, RAREFIED)
    return _by_width(interval, RAREFIED, limits)


def _by_width(interval: Interval, what: str, limits: Limits) -> Verdict:
    """Decide by the width of an interval what is shown."""
    return bounds_verdict(width_verdict(interval, what, limits), interval.lower, interval.upper, what)


@dataclass(frozen=True)
class PairSumsOfUsers:
    """Unbiased sums of each user: pairs, visits, and their variances and covariance (formulas: see the module).

    Attributes:
        pairs: ordered pairs of visits.
        visits: visits.
        variance: of the pairs.
        covariance: of pairs and visits.
        variance_visits: of the visits.
        squares: sum over kept pairs of their squared weight.
    """

    pairs: FloatArray
    visits: FloatArray
    variance: FloatArray
    covariance: FloatArray
    variance_visits: FloatArray
    squares: FloatArray


def pair_sums(units: UserUnits) -> PairSumsOfUsers:
    """Compute the sums of each line's users."""
    rate, kept = units.rates, units.kept
    excess = 1 / rate - 1
    w1, w2, w4 = (kept @ rate**-power for power in (1, 2, 4))
    c1, c2, c3 = (kept @ (excess / rate**power) for power in (1, 2, 3))
    both = c1**2 - kept @ (excess / rate) ** 2
    triples = c1 * (w1**2 - w2) - 2 * (c2 * w1 - c3)
    doubles = c1 * w1 - c2
    pairs = np.where(kept.sum(axis=1) > 1, w1**2 - w2, 0.0)  # of one unit there is but the rounding of its weight
    return PairSumsOfUsers(pairs, w1, 4 * (triples + doubles) + 2 * both, 2 * doubles, c1, w2**2 - w4)


def pairs_realised(units: UserUnits, limits: Limits = DEFAULT_LIMITS) -> PeopleEstimate:
    """Estimate how many other visits of its user a visit had on average; only sampling is random.

    Args:
        units: the users of a window.
        limits: up to which widths the number is shown.

    Returns:
        The estimate; exact where nothing of the window was sampled, refused where nobody visited.
    """
    sums = pair_sums(units)
    pairs, visits = float(units.users @ sums.pairs), float(units.users @ sums.visits)
    if visits <= 0:
        return refusal("nobody visited: there is nothing to divide by", n_seen=units.n_seen)
    ratio, naive, seen = pairs / visits, _as_kept(units), units.n_seen
    base = PeopleEstimate(ratio, ratio, ratio, "publish", None, None, "pairs", naive, seen)
    if np.all(units.rates == 1):
        return base
    # The heaviest pair may be one that was not kept; it counts as one more.
    heaviest = float(units.rates.min()) ** -4
    effective = pairs**2 / (float(units.users @ sums.squares) + 2 * heaviest) / 2
    if effective < FEWEST_BOUNDED:
        reason = f"The pairs of visits of one user are worth {floor(effective):d} at one rate: too few even for bounds."
        return refusal(reason, n_seen=seen, naive=naive)
    each = sums.variance - 2 * ratio * sums.covariance + ratio**2 * sums.variance_visits
    variance = max(float(units.users @ each), 0.0) + 4 * heaviest
    # The variance of a user with many kept units is known well by that user alone.
    spread = float(units.users @ (each**2 * np.minimum(1.0, 9 / units.kept.sum(axis=1))))
    df = max(variance**2 / spread - 1 if spread > 0 else 0.0, FEWEST_DEGREES)
    lower, upper = (float(end[0]) for end in log_ratio_interval(ratio, np.sqrt(variance) / visits, df))
    interval = Interval(ratio, lower, upper)
    if effective < FEWEST_PAIRS:
        reason = (
            f"The pairs of visits of one user are worth {floor(effective):d} at one rate, fewer than {FEWEST_PAIRS}."
        )
        verdict = bounds_verdict(Verdict("bounds_only", reason), lower, upper, PER_VISIT)
        return as_allowed(verdict, interval, base, None)
    return as_allowed(_by_width(interval, PER_VISIT, limits), interval, base, None)


def pairs_process(units: UserUnits, limits: Limits = DEFAULT_LIMITS) -> PeopleEstimate:
    """Estimate the same ratio for users in general: they are random, and sampling with them.

    Args:
        units: the users of a window.
        limits: up to which widths the number is shown; at rate 1, too.

    Returns:
        The estimate; refused where nobody visited, or a few users have most of the pairs: then those who did not
        happen to come decide.
    """
    sums, seen = pair_sums(units), units.n_seen
    users, y, x = units.users, sums.pairs, sums.visits
    totals = PairSums(*(np.array([float(users @ one)]) for one in (y, x, y**2, x * y, x**2)))
    naive = _as_kept(units)
    if totals.x[0] <= 0:
        return refusal("nobody visited: there is nothing to divide by", n_seen=seen)
    effective = float(totals.y[0] ** 2 / totals.yy[0]) if totals.yy[0] > 0 else 0.0
    if effective < FEWEST_EFFECTIVE_USERS:
        reason = (
            f"{FEW_HAVE_MOST} (they are worth fewer than {FEWEST_EFFECTIVE_USERS} equal ones), "
            "so other users could give another ratio."
        )
        return refusal(reason, n_seen=seen, naive=naive)
    ratio = clustered_ratio([seen], totals)
    estimate, se = float(ratio.estimate[0]), float(ratio.se[0])
    df = max(effective / 10 - 1, FEWEST_DEGREES)
    lower, upper = (float(end[0]) for end in log_ratio_interval(estimate, se, df))
    happened = pairs_realised(units, limits)
    if happened.lower is not None and happened.upper is not None:  # users in general are no better known
        lower, upper = min(lower, happened.lower), max(upper, happened.upper)
    base = PeopleEstimate(estimate, lower, upper, "publish", None, None, "pairs", naive, seen)
    interval = Interval(estimate, lower, upper)
    return as_allowed(_by_width(interval, PER_VISIT, limits), interval, base, None)


def _as_kept(units: UserUnits) -> float | None:
    """Return the pairs per visit of what was kept, without weights."""
    kept = units.kept.sum(axis=1)
    visits = float(units.users @ kept)
    return float(units.users @ (kept * (kept - 1))) / visits if visits > 0 else None
