"""Totals, ratios and sample sizes against the answers of independent peers in tests/data/vectors.json."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from jobs.estimation.intervals import wilson
from jobs.estimation.ratios import PairSums, clustered_ratio, design_ratio
from jobs.estimation.regimes import regime_sums
from jobs.estimation.totals import TotalSums, horvitz_thompson

VECTORS = {v["id"]: v for v in json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text())["vectors"]}
SURVEY = VECTORS["survey_events"]
EXPECTED = SURVEY["expected"]
EVENTS = [dict(zip(SURVEY["columns"], row, strict=True)) for row in SURVEY["rows"]]


def close(value, expected):
    return value == pytest.approx(expected, rel=SURVEY["tol"])


def pageview_sums():
    """Sums over pageviews by rate, as the pipeline makes them."""
    rates = sorted({event["rate"] for event in EVENTS})
    sums = {name: np.zeros(len(rates)) for name in ("y", "x", "yy", "xy", "xx", "n_y", "n")}
    for event in EVENTS:
        i, y, x = rates.index(event["rate"]), event["clk"], event["imp"]
        for name, value in {"y": y, "x": x, "yy": y * y, "xy": x * y, "xx": x * x, "n_y": y > 0, "n": 1}.items():
            sums[name][i] += value
    return np.array(rates), sums


def user_sums(wiki=None):
    """Moments of weighted user totals; users outside the domain keep their place with zeros."""
    totals = defaultdict(lambda: [0.0, 0.0])
    for event in EVENTS:
        inside = wiki is None or event["wiki"] == wiki
        weight = inside / event["rate"]
        totals[event["user"]][0] += weight * event["clk"]
        totals[event["user"]][1] += weight * event["imp"]
    y, x = np.array(list(totals.values())).T
    return len(totals), PairSums(y=y.sum(), x=x.sum(), yy=y @ y, xy=x @ y, xx=x @ x)


@pytest.mark.parametrize(("name", "y", "yy"), [("total_clk_poisson", "y", "yy"), ("total_imp_poisson", "x", "xx")])
def test_total_and_design_error_equal_r_survey(name, y, yy):
    rates, sums = pageview_sums()
    of_units = TotalSums(y=sums[y], yy=sums[yy], clusters=sums["n"], units=sums["n"])
    total = horvitz_thompson(regime_sums([0, 0], rates, 1, of_units))
    assert close(total.estimate[0], EXPECTED[name]["est"])
    assert close(np.sqrt(total.variance[0]), EXPECTED[name]["se"])


def test_design_ratio_equals_r_survey():
    rates, s = pageview_sums()
    of_units = PairSums(y=s["y"], x=s["x"], yy=s["yy"], xy=s["xy"], xx=s["xx"])
    ratio = design_ratio(regime_sums([0, 0], rates, 1, of_units))
    assert close(ratio.estimate[0], EXPECTED["ctr_poisson"]["est"])
    assert close(ratio.se[0], EXPECTED["ctr_poisson"]["se"])


@pytest.mark.parametrize(
    ("name", "wiki"), [("ctr_cluster", None), ("ctr_domain_enwiki", "enwiki"), ("ctr_domain_frwiki", "frwiki")]
)
def test_user_clustered_ratio_equals_r_survey(name, wiki):
    ratio = clustered_ratio(*user_sums(wiki))
    assert close(ratio.estimate[0], EXPECTED[name]["est"])
    assert close(ratio.se[0], EXPECTED[name]["se"])


def test_delete_one_user_jackknife_is_near_the_linearised_error():
    ratio = clustered_ratio(*user_sums())
    assert ratio.se[0] == pytest.approx(EXPECTED["ctr_se_jk1"], rel=0.05)


def test_total_is_unbiased_and_its_variance_too_by_enumeration():
    vector = VECTORS["enum_p1/4_(1, 2, 4, 4)"]
    rate, clusters = vector["p"], [1] * sum(vector["counts"])
    n = len(clusters)
    kept_counts = np.arange(n + 1)
    sums = TotalSums(y=kept_counts, yy=kept_counts, clusters=kept_counts, units=kept_counts)
    estimates = horvitz_thompson(regime_sums(kept_counts, np.full(n + 1, rate), n + 1, sums))
    mean = square = varhat = Fraction(0)
    p = Fraction(rate)
    for kept in product((0, 1), repeat=n):
        k = sum(kept)
        probability = p**k * (1 - p) ** (n - k)
        total = Fraction(float(estimates.estimate[k]))
        mean += probability * total
        square += probability * total**2
        varhat += probability * Fraction(float(estimates.variance[k]))
    assert mean == Fraction(vector["expected"]["ht_total"]["mean_exact"])
    assert square - mean**2 == Fraction(vector["expected"]["ht_total"]["var_exact"])
    assert varhat == Fraction(vector["expected"]["ht_varhat"]["mean_exact"])


def test_intervals_are_as_wide_as_hand_arithmetic_of_sample_sizes_says():
    expected = VECTORS["sample_size"]["expected"]
    users = expected["n_prop_.5_.02"]
    lower, upper = wilson(users / 2, users)
    assert (upper[0] - lower[0]) / 2 == pytest.approx(0.02, rel=0.001)
    # So many impressions, kept at a rate so small that whatever is not kept does not matter, a click in a hundred.
    shown = expected["n_imp_ctr_.01_rel_.1"]
    clicks = shown / 100
    of_units = PairSums(y=[clicks], x=[shown], yy=[clicks], xy=[clicks], xx=[shown])
    ratio = design_ratio(regime_sums([0], [1e-6], 1, of_units))
    assert np.log(ratio.upper[0] / ratio.estimate[0]) == pytest.approx(0.1, rel=1e-5)


def test_rate_that_mixed_rates_amount_to_is_seen_over_total():
    vector = VECTORS["effective_rate"]
    seen = np.array(vector["seen"])
    sums = TotalSums(y=seen, yy=seen, clusters=seen, units=seen)
    total = horvitz_thompson(regime_sums([0] * len(seen), vector["rate"], 1, sums))
    assert total.seen[0] / total.estimate[0] == pytest.approx(vector["expected"], rel=1e-12)
