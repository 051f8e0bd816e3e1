"""The mixture solver: the nonparametric maximum likelihood of a thinned count distribution, with a certificate.

Every fit of people under sampling is one convex problem. Users are of unknown types j with shares w_j; a user of type
j falls in observable cell i with known probability A_ij; m_i users were seen in cell i. Then

    maximise    sum_i m_i log (A w)_i    over w >= 0, sum w = 1, and, on a profile, h'w = 0.

A primal-dual interior-point method (constrained Newton with a logarithmic barrier) solves it. Its dual is

    minimise    sum_i m_i log (m_i / y_i)    over y > 0 with A'y - nu h <= n,    n = sum m,

(Koenker & Mizera 2014; Lindsay 1983 for nu = 0), so every dual point that is feasible is a proven upper limit of the
log-likelihood. The profile intervals are drawn on that upper limit: a solver that stops early can only widen them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Array = NDArray[np.float64]

MAX_ITERATIONS = 80
STEP_BACK = 0.99  # share of the way to the boundary a step may go
TINY = 1e-300


@dataclass(frozen=True)
class Solution:
    """The answer of `solve`.

    Attributes:
        weights: shares of the types, summing to 1.
        loglik: log-likelihood of `weights`, in nats.
        upper: proven upper limit of the log-likelihood of any weights that satisfy the constraint.
        multiplier: the constraint's multiplier nu (0 without one); the profile's slope is made of it.
    """

    weights: Array
    loglik: float
    upper: float
    multiplier: float

    @property
    def gap(self) -> float:
        """What the log-likelihood could at most still gain, in nats: the certificate."""
        return max(self.upper - self.loglik, 0.0)


def solve(kernel: Array, counts: Array, constraint: Array | None = None, *, tolerance: float = 1e-3) -> Solution:
    """Maximise the mixture likelihood, if asked under one homogeneous linear constraint.

    Args:
        kernel: cells x types, probability of a cell given the type.
        counts: users seen per cell; need not be whole.
        constraint: h of h'w = 0 per type, with both signs among its entries; None for none.
        tolerance: stop once the certificate is below this many nats.

    Returns:
        Weights, log-likelihood and certificate.
    """
    seen = counts > 0
    matrix, m = np.ascontiguousarray(kernel[seen]), counts[seen].astype(np.float64)
    total, n_cells = float(m.sum()), len(m)
    # The constraint enters as one more row; its dual variable is nu. Scaled so that Newton's matrix is balanced.
    scale = 1.0 if constraint is None else float(np.abs(constraint).max())
    rows = matrix if constraint is None else np.vstack([matrix, -constraint[None, :] / scale])
    state = _start(rows, m)
    best = np.inf
    for _ in range(MAX_ITERATIONS):
        # The slack is carried along, since recomputing it loses its small digits, but certified afresh.
        best = min(best, _dual_value(m, state.v[:n_cells], total, float((total - rows.T @ state.v).min())))
        if best - _loglik(matrix, m, state.w) < tolerance and _is_feasible(rows, n_cells, state.w):
            break
        step = _newton_step(rows, m, state)
        if step is None:
            break
        state = step
    w = state.w / state.w.sum()
    if constraint is None:  # an expectation-maximisation step never lowers the likelihood
        w = w * (matrix.T @ (m / np.maximum(matrix @ w, TINY))) / total
    multiplier = 0.0 if constraint is None else float(state.v[n_cells]) / scale
    return Solution(w / w.sum(), _loglik(matrix, m, w), best, multiplier)


def _loglik(matrix: Array, m: Array, w: Array) -> float:
    """Log-likelihood of weights scaled to sum to 1."""
    return float(m @ np.log(np.maximum(matrix @ w / w.sum(), TINY)))


def _dual_value(m: Array, y: Array, total: float, smallest_slack: float) -> float:
    """Upper limit of the log-likelihood from a dual point, scaled up until it touches its constraints."""
    return float(m @ np.log(m / y)) - total * math.log(total / max(total - smallest_slack, TINY))


def _is_feasible(rows: Array, n_cells: int, w: Array) -> bool:
    """Whether the weights satisfy the constraint to rounding, so that the primal value can be trusted."""
    return len(rows) == n_cells or abs(float(rows[n_cells] @ w)) <= 1e-6 * float(w.sum())


@dataclass(frozen=True)
class _State:
    """An iterate: weights w, cell probabilities mu, dual variables v = (y, nu), slacks z = n - A'y + nu h."""

    w: Array
    mu: Array
    v: Array
    z: Array


def _start(rows: Array, m: Array) -> _State:
    """Begin with equal weights and a dual point well inside its constraints."""
    n_cells, total = len(m), float(m.sum())
    w = np.full(rows.shape[1], 1.0 / rows.shape[1])
    mu = np.maximum(rows[:n_cells] @ w, TINY)
    v = np.zeros(len(rows))
    y = m / mu
    v[:n_cells] = y * min(1.0, 0.9 * total / float((rows[:n_cells].T @ y).max()))
    return _State(w, mu, v, total - rows.T @ v)


def _newton_step(rows: Array, m: Array, at: _State) -> _State | None:
    """Take one predictor-corrector step (Mehrotra 1992) towards mu y = m, w z = 0, mu = A w, h'w = 0.

    Returns:
        The next iterate, or None when rounding has made the system unsolvable.
    """
    n_cells, n_types = len(m), len(at.w)
    y = at.v[:n_cells]
    ratio = at.w / at.z
    hessian = (rows * ratio) @ rows.T
    hessian[np.arange(n_cells), np.arange(n_cells)] += at.mu / y
    # LAPACK itself: around matrices of a few dozen cells, checks of arguments would cost more than the work.
    factor, failed = lapack.dpotrf(hessian, clean=False)
    if failed:
        return None

    def direction(bent: Array, centre: Array) -> tuple[Array, Array, Array, Array]:
        """Solve for products mu y = bent and w z = centre."""
        target = -(rows @ (centre / at.z))
        target[:n_cells] += bent / y
        dv, _ = lapack.dpotrs(factor, target)
        dz = -(rows.T @ dv)
        return centre / at.z - at.w - ratio * dz, bent / y - at.mu - at.mu / y * dv[:n_cells], dv, dz

    dw, dmu, dv, dz = direction(m, np.zeros(n_types))
    reach = _longest_step((at.w, dw), (at.mu, dmu), (at.z, dz), (y, dv[:n_cells]))
    barrier = float(at.w @ at.z) / n_types
    centre = barrier * (1.0 - min(reach, 1.0)) ** 3 + 1e-12 * barrier - reach**2 * dw * dz
    dw, dmu, dv, dz = direction(m - reach**2 * dmu * dv[:n_cells], centre)
    reach = min(1.0, STEP_BACK * _longest_step((at.w, dw), (at.mu, dmu), (at.z, dz), (y, dv[:n_cells])))
    if not np.isfinite(dw).all() or not np.isfinite(dv).all() or reach < 1e-8:
        return None
    return _State(at.w + reach * dw, at.mu + reach * dmu, at.v + reach * dv, at.z + reach * dz)


def _longest_step(*pairs: tuple[Array, Array]) -> float:
    """Give the largest step, up to 1 / STEP_BACK, that keeps every `x + step * dx` from going negative."""
    shrink = max(float((-dx / x).max()) for x, dx in pairs)
    return 1.0 / max(shrink, STEP_BACK)
