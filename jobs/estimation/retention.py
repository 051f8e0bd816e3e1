"""Shares of users who do two things, from counts thinned twice (`npmle_retention`, `npmle_ratio`).

Users are of joint types; margins are windows (retention) or kinds of unit (the unique click-through rate), thinned
independently, so the kernel is a product. Users seen nowhere are unobserved, hence the likelihood given "seen":

    maximise sum_c m_c log (B w)_c,    B = A / s,    s_j = 1 - A_0j,    share = sum (w/s) b / sum (w/s) a,

with a_j = 1 for users in the denominator and b_j = 1 for those in the numerator. On the profile the share is held at x
by the linear constraint sum (w/s) (b - x a) = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.estimation.kernels import (
    PAIR_EDGES,
    Law,
    Margin,
    cell_of,
    joint,
    known_margin,
    sampled_margin,
    spanning_margin,
    spread,
    with_certain_cell,
)
from jobs.estimation.misfit import misfit_probability
from jobs.estimation.mixture import solve
from jobs.estimation.profile import Point, profile_interval

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CUT = 4.1
"""Deviance at the ends of the interval: about 95 % coverage, measured (`benchmarks/coverage_people.py`)."""

SMALLEST_SHARE = 1e-4
UNSEEN = 1e-9  # types seen less often than this are never seen


@dataclass(frozen=True)
class ShareFit:
    """A fit of a share.

    Attributes:
        estimate: share at the maximum of the likelihood.
        lower: lower end of the 95 % interval.
        upper: upper end.
        certificate: nats by which the solver may have missed the maximum.
        n_denominator: users in the denominator, those never seen included (at the maximum).
        misfit: probability of counts as far from the fit as these, were it the truth (`misfit.py`).
    """

    estimate: float
    lower: float
    upper: float
    certificate: float
    n_denominator: float
    misfit: float = 1.0


@dataclass(frozen=True)
class Problem:
    """A share to fit.

    Attributes:
        kernel: cells x types, cell 0 "seen nowhere".
        cells: users per cell, cell 0 empty.
        numerator: per type, 1 if such users count in the numerator; a subset of the denominator.
        denominator: per type, 1 if such users count in the denominator.
    """

    kernel: Array
    cells: Array
    numerator: Array
    denominator: Array


@dataclass(frozen=True)
class Side:
    """What is known of users in one window, or of one kind of unit.

    Attributes:
        k: kept units per row of the table.
        rate: sampling rate; 1 where everything was kept.
        certain: per row, whether the user was seen in a 100 % segment beside the sampled one; None without a segment.
    """

    k: IntArray
    rate: float
    certain: BoolArray | None = None

    def present(self) -> BoolArray:
        """Tell, per row, whether the user was seen here."""
        seen = self.k > 0
        return seen if self.certain is None else seen | self.certain


def _margin(side: Side, law: Law) -> tuple[Margin, IntArray]:
    """Build the margin of a side and the cell of each of its rows."""
    if side.rate >= 1:
        return known_margin(), side.present().astype(np.int64)
    margin = sampled_margin(side.rate, int(side.k.max(initial=1)), law)
    cells = cell_of(side.k, PAIR_EDGES)
    if side.certain is None:
        return margin, cells
    return with_certain_cell(margin), np.where(side.certain, len(PAIR_EDGES), cells)


def _problem(sides: list[tuple[Margin, IntArray]], m: Array, numerator: Array, denominator: Array) -> Problem:
    """Assemble a problem; the cells follow the order of `joint`."""
    margins = [margin for margin, _ in sides]
    shape = [margin.kernel.shape[0] for margin in margins]
    index = np.ravel_multi_index(tuple(cells for _, cells in sides), shape)
    cells = np.bincount(index, weights=m, minlength=int(np.prod(shape))).astype(np.float64)
    cells[0] = 0.0
    return Problem(joint(margins), cells, numerator, denominator)


def return_problem(first: Side, second: Side, m: Array, law: Law = "int") -> Problem:
    """Pose the share of the first window's users who were there in the second one, too.

    Args:
        first: counts in the first window.
        second: counts in the second window.
        m: users per row.
        law: `int` (default) or `ztp`: in each window nobody or a zero-truncated Poisson ("hurdle"), for sensitivity.
    """
    sides = [_margin(first, law), _margin(second, law)]
    margins = [margin for margin, _ in sides]
    in_first, in_second = spread(margins, [margin.present for margin in margins])
    return _problem(sides, m, in_first * in_second, in_first)


def union_problem(inside: Side, outside: Side, m: Array, law: Law = "int", *, at_least: int = 1) -> Problem:
    """Pose the share of users with either kind of unit who have one (or two) of the kind `inside`.

    Args:
        inside: units that make a user count in the numerator, such as pageviews with a click.
        outside: the user's other units, such as pageviews with an impression but no click.
        m: users per row.
        law: as in `return_problem`.
        at_least: units of the kind `inside` needed, 1 or 2; 2 needs both rates below 1 and no 100 % segment.
    """
    sides = [_margin(inside, law), _margin(outside, law)]
    margins = [margin for margin, _ in sides]
    has_inside, has_outside = spread(margins, [margin.present for margin in margins])
    enough = has_inside if at_least == 1 else spread(margins, [margin.repeated for margin in margins])[0]
    return _problem(sides, m, enough, np.maximum(has_inside, has_outside))


def spanning_problem(
    first: IntArray, spanning: IntArray, second: IntArray, m: Array, rate: float, law: Law = "int"
) -> Problem:
    """Pose the return share where sessions touch both windows: three margins, each session in exactly one.

    Users with such a session were there in both windows, so that of what else they did only the rough size is asked:
    every second type will do, and the fit costs little more than one of two margins.

    Args:
        first: kept sessions in the first window only.
        spanning: kept sessions that touch both windows.
        second: kept sessions in the second window only.
        m: users per row.
        rate: sampling rate of both windows, below 1.
        law: as in `return_problem`.
    """
    between, edges = spanning_margin(rate, int(spanning.max(initial=0)), law)
    sides = [_margin(Side(first, rate), law), (between, cell_of(spanning, edges)), _margin(Side(second, rate), law)]
    margins = [margin for margin, _ in sides]
    only_first, both, only_second = spread(margins, [margin.present for margin in margins])
    problem = _problem(sides, m, np.maximum(both, only_first * only_second), np.maximum(both, only_first))
    if law == "fine":
        return problem
    rough = spread(margins, [_rough(margin.kernel.shape[1]) for margin in margins])
    keep = (both == 0) | ((rough[0] == 1) & (rough[2] == 1))
    return Problem(problem.kernel[:, keep], problem.cells, problem.numerator[keep], problem.denominator[keep])


def _rough(n_types: int) -> Array:
    """Mark 0, 1, then every second type, and the last."""
    places = np.arange(n_types)
    is_rough = (places <= 1) | (places % 2 == 0) | (places == n_types - 1)
    return np.asarray(is_rough, dtype=np.float64)


@dataclass(frozen=True)
class _Seen:
    """A problem given that a user is seen: kernel B, and the functional's parts per unit of weight."""

    kernel: Array
    cells: Array
    numerator: Array
    denominator: Array


def _given_seen(problem: Problem) -> _Seen:
    """Condition a problem on being seen; types that are never seen drop out."""
    share = 1 - problem.kernel[0]
    keep = share > UNSEEN
    share = share[keep]
    return _Seen(
        problem.kernel[1:, keep] / share,
        problem.cells[1:],
        problem.numerator[keep] / share,
        problem.denominator[keep] / share,
    )


def share_point(problem: Problem) -> float:
    """Estimate a share without an interval, for the check of sensitivity."""
    seen = _given_seen(problem)
    weights = solve(seen.kernel, seen.cells, tolerance=1e-3).weights
    return float(seen.numerator @ weights) / float(seen.denominator @ weights)


def share_misfit(problem: Problem) -> float:
    """Give the probability of counts as far from the best fit as these, were it the truth (`misfit.py`)."""
    seen = _given_seen(problem)
    return _misfit(seen, solve(seen.kernel, seen.cells).weights)


def _misfit(seen: _Seen, weights: Array) -> float:
    return misfit_probability(seen.cells, float(seen.cells.sum()) * (seen.kernel @ weights))


def share_fit(problem: Problem) -> ShareFit:
    """Estimate a share and its profile interval.

    Args:
        problem: the share, from one of the functions above; at least one user seen.

    Returns:
        Estimate, interval and certificate.
    """
    seen = _given_seen(problem)
    start = solve(seen.kernel, seen.cells, tolerance=1e-4)
    in_denominator = float(seen.denominator @ start.weights)
    estimate = float(seen.numerator @ start.weights) / in_denominator

    def profile(x: float) -> Point:
        inner = min(max(x, SMALLEST_SHARE), 1 - SMALLEST_SHARE)
        fit = solve(seen.kernel, seen.cells, seen.numerator - inner * seen.denominator)
        return Point(fit.upper, fit.loglik, fit.multiplier * float(seen.denominator @ fit.weights))

    step = max(float(np.sqrt(estimate * (1 - estimate) / problem.cells.sum())), 0.003)
    lower, upper = profile_interval(profile, estimate, start.loglik, (0.0, 1.0), 2.0 * step, CUT)
    n_seen = float(problem.cells.sum())
    lower, upper = min(lower, estimate), max(upper, estimate)
    return ShareFit(estimate, lower, upper, start.gap, n_seen * in_denominator, _misfit(seen, start.weights))
