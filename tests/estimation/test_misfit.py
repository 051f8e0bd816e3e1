"""The deviance of a fit: as rare as it says under the truth, and large where units came twice."""

import numpy as np
import pytest

from jobs.estimation.misfit import misfit_probability


@pytest.mark.parametrize("n", [60, 400, 20_000])
def test_is_as_rare_as_it_says_under_the_truth(n):
    """Cells of one expected user and less are among them, where a chi-square would be wrong."""
    rng = np.random.default_rng(5)
    share = 0.6 ** np.arange(25)
    share /= share.sum()
    found = np.array([misfit_probability(rng.multinomial(n, share).astype(float), n * share) for _ in range(4000)])

    assert 0.03 < (found < 0.05).mean() < 0.07
    assert (found < 0.001).mean() < 0.004


def test_sees_counts_that_no_thinning_gives():
    """Every unit twice: no user with an odd count, which no population explains."""
    expected = np.array([250.0, 250.0, 125.0, 60.0, 30.0, 10.0])
    doubled = np.array([0.0, 500.0, 0.0, 185.0, 0.0, 40.0])

    assert misfit_probability(doubled, expected) < 1e-12
    assert misfit_probability(expected, expected) > 0.999


def test_a_user_in_an_impossible_cell_is_seen():
    counts, expected = np.array([50.0, 20.0, 5.0]), np.array([52.0, 23.0, 0.0])

    assert misfit_probability(counts, expected) < 1e-6


def test_nothing_to_compare():
    assert misfit_probability(np.array([7.0]), np.array([7.0])) == 1.0
    assert misfit_probability(np.array([36.0, 0.0]), np.array([35.999998, 2e-6])) > 0.9
