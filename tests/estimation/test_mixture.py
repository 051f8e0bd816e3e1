"""The solver: exact where the answer is known, certified elsewhere."""

import numpy as np
import pytest

from jobs.estimation.kernels import thin_whole, users_edges, users_types
from jobs.estimation.mixture import solve


def test_solve_finds_the_shares_where_every_cell_is_a_type():
    counts = np.array([10.0, 30.0, 60.0])
    fit = solve(np.eye(3), counts, tolerance=1e-9)
    np.testing.assert_allclose(fit.weights, [0.1, 0.3, 0.6], atol=1e-7)
    assert fit.loglik == pytest.approx(float(counts @ np.log(counts / 100)), abs=1e-6)


def test_solve_matches_expectation_maximisation_run_to_the_end():
    rng = np.random.default_rng(5)
    kernel = rng.dirichlet(np.ones(6), size=4).T
    counts = rng.integers(5, 100, 6).astype(float)
    w = np.full(4, 0.25)
    for _ in range(50_000):
        w = w * (kernel.T @ (counts / (kernel @ w))) / counts.sum()
    fit = solve(kernel, counts, tolerance=1e-8)
    assert fit.loglik == pytest.approx(float(counts @ np.log(kernel @ w)), abs=1e-6)
    np.testing.assert_allclose(fit.weights, w, atol=2e-3)


def test_constraint_is_kept_and_costs_what_a_line_search_says():
    # Two types, cells seen as they are: with w1 - 3 w2 = 0 the only weights are (3/4, 1/4).
    counts = np.array([40.0, 60.0])
    fit = solve(np.eye(2), counts, np.array([1.0, -3.0]), tolerance=1e-8)
    np.testing.assert_allclose(fit.weights, [0.75, 0.25], atol=1e-6)
    assert fit.upper == pytest.approx(float(counts @ np.log([0.75, 0.25])), abs=1e-4)


def test_multiplier_is_the_slope_of_the_profile():
    kernel = thin_whole(np.arange(1.0, 9.0), 0.4, users_edges(12))
    counts = 1000 * kernel @ np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    one, more = np.zeros(8), np.ones(8)
    one[0] = 1.0
    values = {x: solve(kernel, counts, one - x * more, tolerance=1e-9) for x in (0.2499, 0.25, 0.2501)}
    slope = (values[0.2501].upper - values[0.2499].upper) / 0.0002
    assert values[0.25].multiplier * float(more @ values[0.25].weights) == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.75])
@pytest.mark.parametrize("seed", range(8))
def test_certificate_holds_and_closes(rate, seed):
    """The upper limit is above what any weights reach, and the gap closes on ragged data, too."""
    rng = np.random.default_rng(seed)
    units = rng.zipf(1.8, 500)
    kept = rng.binomial(np.minimum(units, 3000), rate)
    kept = kept[kept > 0]
    largest = int(kept.max())
    edges = users_edges(largest)
    kernel = thin_whole(users_types("int", rate, largest), rate, edges)[1:]
    kernel = kernel / kernel.sum(axis=0)
    counts = np.bincount(np.searchsorted(edges, kept, side="right") - 1, minlength=len(edges))[1:].astype(float)
    fit = solve(kernel, counts)
    assert 0 <= fit.gap < 1e-3
    for _ in range(50):
        other = rng.dirichlet(np.full(kernel.shape[1], 0.05))
        assert float(counts @ np.log(np.maximum(kernel @ other, 1e-300))) <= fit.upper


def test_upper_limit_is_proven_even_when_the_solver_is_stopped_early(monkeypatch):
    """A failing solver may only widen an interval: its limit never falls below the true maximum."""
    from jobs.estimation import mixture

    rng = np.random.default_rng(1)
    kernel = rng.dirichlet(np.ones(12), size=40).T
    counts = rng.integers(1, 50, 12).astype(float)
    truth = solve(kernel, counts, tolerance=1e-8)
    limits = []
    for iterations in (1, 3, 5, 8):
        monkeypatch.setattr(mixture, "MAX_ITERATIONS", iterations)
        limits.append(solve(kernel, counts).upper)
    assert all(limit >= truth.loglik for limit in limits)
    assert limits[0] > limits[-1], "the early stop must be visible in the limit"


def test_solve_is_deterministic():
    rng = np.random.default_rng(2)
    kernel, counts = rng.dirichlet(np.ones(9), size=30).T, rng.integers(1, 90, 9).astype(float)
    assert solve(kernel, counts).weights.tobytes() == solve(kernel, counts).weights.tobytes()
