"""Rarefied visitors and pairs per visit: unbiased by enumeration, exact without sampling, covering on worlds."""

from __future__ import annotations

import json
from itertools import product
from math import comb, prod
from pathlib import Path

import numpy as np
import pytest

from jobs.estimation.comparable import (
    UserUnits,
    pair_sums,
    pairs_process,
    pairs_realised,
    rarefied_sums,
    rarefied_visitors,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text(encoding="utf-8"))["vectors"]
# One user's visits under each rate, and the rates.
CASES = [((3,), (0.5,)), ((4,), (0.1,)), ((1,), (0.3,)), ((6,), (0.9,)), ((2, 3), (0.2, 0.7)), ((3, 2), (0.25, 1.0))]
of_each_case = pytest.mark.parametrize(("visits", "rates"), CASES)


def units(*lines, rates=(0.5,), users=None):
    kept = np.array(lines, dtype=float).reshape(-1, len(rates))
    return UserUnits(kept, np.array(rates), np.ones(len(kept)) if users is None else np.array(users, dtype=float))


def outcomes(visits, rates):
    """Return every outcome of thinning one user's visits, a line each, and their probabilities."""
    kept = list(product(*(range(n + 1) for n in visits)))
    chances = [
        prod(comb(n, k) * p**k * (1 - p) ** (n - k) for n, k, p in zip(visits, one, rates, strict=True)) for one in kept
    ]
    return units(*kept, rates=rates), np.array(chances)


def thinned(rng, visits, rates):
    parts = np.stack([visits] if len(rates) == 1 else [half := rng.binomial(visits, 0.5), visits - half], axis=1)
    kept = rng.binomial(parts, rates)
    lines, users = np.unique(kept[kept.sum(axis=1) > 0], axis=0, return_counts=True)
    return units(*lines.tolist(), rates=rates, users=users)


@of_each_case
def test_the_rarefied_number_and_its_variance_are_those_of_all_samples(visits, rates):
    for smallest in (min(rates), min(rates) / 2):
        samples, chance = outcomes(visits, rates)
        sums = rarefied_sums(samples, smallest)
        mean = chance @ sums.number
        variance = chance @ sums.number**2 - mean**2
        assert mean == pytest.approx(1 - (1 - smallest) ** sum(visits))
        assert chance @ sums.variance == pytest.approx(variance, abs=1e-12)
        assert chance @ sums.bound >= variance - 1e-12
        assert variance <= mean


def test_the_rarefied_number_of_exact_arithmetic():
    (vector,) = [v for v in VECTORS if v["id"].startswith("enum") and "rarefied_half_rate" in v["expected"]]
    mean = variance = 0.0
    for visits in vector["counts"]:
        samples, chance = outcomes((visits,), (vector["p"],))
        sums = rarefied_sums(samples, vector["p0"])
        mean += chance @ sums.number
        variance += chance @ sums.variance
    expected = vector["expected"]["rarefied_half_rate"]
    assert (mean, variance) == (pytest.approx(expected["mean"]), pytest.approx(expected["var"]))


@of_each_case
def test_pairs_and_visits_and_their_variances_are_those_of_all_samples(visits, rates):
    samples, chance = outcomes(visits, rates)
    sums, n = pair_sums(samples), sum(visits)
    pairs, of_visits = chance @ sums.pairs, chance @ sums.visits
    assert pairs == pytest.approx(n * (n - 1))
    assert of_visits == pytest.approx(n)
    assert chance @ sums.variance == pytest.approx(chance @ sums.pairs**2 - pairs**2, abs=1e-9)
    assert chance @ sums.variance_visits == pytest.approx(chance @ sums.visits**2 - of_visits**2, abs=1e-9)
    assert chance @ sums.covariance == pytest.approx(chance @ (sums.pairs * sums.visits) - pairs * of_visits, abs=1e-9)


def test_without_sampling_both_are_exact():
    whole = units((1,), (2,), (5,), rates=(1.0,), users=(50, 20, 10))
    rarefied = rarefied_visitors(whole, 0.1)
    number = 50 * 0.1 + 20 * 0.19 + 10 * (1 - 0.9**5)
    assert rarefied.lower == rarefied.estimate == rarefied.upper == pytest.approx(number)
    assert rarefied_visitors(whole, 1.0).estimate == 80, "at 100 % these are the visitors, to the last digit"
    pairs = pairs_realised(whole)
    assert pairs.lower == pairs.estimate == pairs.upper == (20 * 2 + 10 * 20) / (50 + 40 + 50)
    assert (rarefied.status, pairs.status, pairs.status_reason) == ("publish", "publish", None)


def test_at_the_smallest_rate_the_rarefied_number_is_what_was_seen():
    answer = rarefied_visitors(units((1,), (2,), (3,), rates=(0.1,), users=(300, 100, 40)), 0.1)
    assert answer.estimate == answer.naive == 440
    assert answer.lower < 440 < answer.upper


def test_a_series_is_level_over_changes_of_rate():
    rng = np.random.default_rng(12)
    visits = 1 + rng.poisson(rng.gamma(0.7, 8, 4000))
    series = [rarefied_visitors(thinned(rng, visits, (rate,)), 0.1) for rate in (1.0, 0.1, 0.25, 1.0)]
    changing = rarefied_visitors(thinned(rng, visits, (0.1, 1.0)), 0.1)
    truth = series[0].estimate
    assert [a.status for a in (*series, changing)] == ["publish"] * 5
    assert all(a.lower <= truth <= a.upper for a in (*series, changing))
    assert max(abs(a.estimate / truth - 1) for a in (*series, changing)) < 0.05
    assert series[1].naive < 0.7 * series[0].naive, "those seen are fewer"


@pytest.mark.parametrize(
    ("lines", "users", "rates", "smallest", "status", "reason"),
    [
        ([(1,)], [29], (0.5,), 0.5, "bounds_only", "Only 29 visitors were seen, fewer than the 30"),
        ([(1,)], [3], (0.5,), 0.5, "not_estimable", "anything between"),
        ([(1,)], [40], (0.2,), 0.1, "bounds_only", "too wide for an estimate"),
        ([(1,)], [150], (0.1,), 0.1, "caution", "wider than the ±10 %"),
        ([(1,)], [600], (0.1,), 0.1, "publish", None),
        ([], [], (0.1,), 0.1, "not_estimable", "anything between"),
    ],
)
def test_what_is_shown_of_the_rarefied_number(lines, users, rates, smallest, status, reason):
    answer = rarefied_visitors(units(*lines, rates=rates, users=users), smallest)
    assert answer.status == status
    assert answer.estimator == "rarefied"
    assert answer.status_reason is None if reason is None else reason in answer.status_reason
    assert (answer.estimate is None) == (status in ("bounds_only", "not_estimable"))


def test_a_rate_below_the_smallest_is_refused():
    with pytest.raises(ValueError, match=r"rate 0\.2 is not the smallest"):
        rarefied_visitors(units((1,), rates=(0.1,)), 0.2)


@pytest.mark.parametrize(
    ("twice", "status", "reason"),
    [
        (19, "not_estimable", "worth 18 at one rate: too few even for bounds"),
        (28, "bounds_only", "worth 27 at one rate, fewer than 30"),
        (120, "caution", "wider than the ±10 %"),
        (3000, "publish", None),
    ],
)
def test_what_is_shown_of_pairs(twice, status, reason):
    answer = pairs_realised(units((2,), (1,), rates=(0.25,), users=(twice, 3 * twice)))
    assert answer.status == status
    assert answer.status_reason is None if reason is None else reason in answer.status_reason


def test_pairs_that_rest_on_a_few_users_are_not_those_of_others():
    whole = units((1,), (100,), rates=(1.0,), users=(400, 5))
    assert pairs_realised(whole).status == "publish"
    process = pairs_process(whole)
    assert (process.status, process.estimate) == ("not_estimable", None)
    assert "worth fewer than 30 equal ones" in process.status_reason
    assert pairs_process(units((1,), (3,), rates=(1.0,), users=(400, 900))).status == "publish"
    assert pairs_process(units((1,), (3,), rates=(1.0,), users=(90, 40))).status == "caution", "at 100 %, too"


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_single_visits_make_no_pairs(rate):
    once = units((1,), rates=(rate,), users=(500,))
    assert pairs_realised(once).status == pairs_process(once).status == "not_estimable"


def test_nobody_visited():
    nobody = units(rates=(0.5,))
    assert pairs_realised(nobody).status_reason == "nobody visited: there is nothing to divide by"
    assert pairs_process(nobody).status == "not_estimable"
    assert rarefied_visitors(units(rates=(1.0,)), 0.5).estimate == 0


SHAPES = {
    "gamma": lambda rng: 1 + rng.poisson(rng.gamma(0.7, 8, 300)),
    "heavy with a few who came once": lambda rng: np.where(rng.random(100) < 0.1, 1, 1 + rng.poisson(30, 100)),
    "light": lambda rng: 1 + rng.poisson(0.3, 600),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rates", "smallest"), [((0.1,), 0.1), ((0.5,), 0.1), ((0.1, 1.0), 0.1)])
def test_intervals_cover(shape, rates, smallest):
    rng = np.random.default_rng(3)
    visits = SHAPES[shape](rng)
    truths = (1 - (1 - smallest) ** visits).sum(), (visits * (visits - 1)).sum() / visits.sum()
    worlds = [thinned(rng, visits, rates) for _ in range(150)]
    for truth, answers in zip(
        truths, ([rarefied_visitors(w, smallest) for w in worlds], map(pairs_realised, worlds)), strict=True
    ):
        shown = [a for a in answers if a.lower is not None]
        held = sum(a.lower <= truth <= a.upper for a in shown)
        assert held >= 0.93 * len(shown) - 2.33 * np.sqrt(0.93 * 0.07 * len(shown)) - 1


def test_users_in_general_are_no_better_known_than_those_who_came():
    """All alike: between users there is no difference, and the chance of sampling stays."""
    alike = units(*[(k,) for k in range(2, 9)], rates=(0.2,), users=[300] * 7)

    realised, process = pairs_realised(alike), pairs_process(alike)

    assert process.lower <= realised.lower
    assert realised.upper <= process.upper
