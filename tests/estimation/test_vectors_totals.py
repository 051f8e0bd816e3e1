"""Totals, ratios and sample sizes against the answers of independent peers in tests/data/vectors.json."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from jobs.estimation.ratios import clustered_ratio, design_ratio
from jobs.estimation.regimes import effective_rate
from jobs.estimation.totals import horvitz_thompson
from jobs.planning.plan import impressions_for_ctr, users_for_share

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
    return len(totals), y.sum(), x.sum(), y @ y, x @ y, x @ x


@pytest.mark.parametrize(("name", "y", "yy"), [("total_clk_poisson", "y", "yy"), ("total_imp_poisson", "x", "xx")])
def test_total_and_design_error_equal_r_survey(name, y, yy):
    rates, sums = pageview_sums()
    total = horvitz_thompson([0, 0], rates, sums[y], sums[yy], sums["n"], sums["n"], 1)
    assert close(total.estimate[0], EXPECTED[name]["est"])
    assert close(np.sqrt(total.variance[0]), EXPECTED[name]["se"])


def test_design_ratio_equals_r_survey():
    rates, s = pageview_sums()
    ratio = design_ratio([0, 0], rates, s["y"], s["x"], s["yy"], s["xy"], s["xx"], 1)
    assert close(ratio.estimate[0], EXPECTED["ctr_poisson"]["est"])
    assert close(ratio.se[0], EXPECTED["ctr_poisson"]["se"])


@pytest.mark.parametrize(
    ("name", "wiki"), [("ctr_cluster", None), ("ctr_domain_enwiki", "enwiki"), ("ctr_domain_frwiki", "frwiki")]
)
def test_user_clustered_ratio_equals_r_survey(name, wiki):
    ratio = clustered_ratio(*([value] for value in user_sums(wiki)))
    assert close(ratio.estimate[0], EXPECTED[name]["est"])
    assert close(ratio.se[0], EXPECTED[name]["se"])


def test_delete_one_user_jackknife_is_near_the_linearised_error():
    ratio = clustered_ratio(*([value] for value in user_sums()))
    assert ratio.se[0] == pytest.approx(EXPECTED["ctr_se_jk1"], rel=0.05)


def test_total_is_unbiased_and_its_variance_too_by_enumeration():
    vector = VECTORS["enum_p1/4_(1, 2, 4, 4)"]
    rate, clusters = vector["p"], [1] * sum(vector["counts"])
    n = len(clusters)
    kept_counts = np.arange(n + 1)
    estimates = horvitz_thompson(
        kept_counts, np.full(n + 1, rate), kept_counts, kept_counts, kept_counts, kept_counts, n + 1
    )
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


def test_sample_sizes_equal_hand_arithmetic():
    expected = VECTORS["sample_size"]["expected"]
    assert users_for_share(0.5, 0.02) == pytest.approx(expected["n_prop_.5_.02"], rel=1e-12)
    assert impressions_for_ctr(0.01, 0.1) == pytest.approx(expected["n_imp_ctr_.01_rel_.1"], rel=1e-12)


def test_effective_rate_is_seen_over_total():
    vector = VECTORS["effective_rate"]
    n = len(vector["rate"])
    assert effective_rate([0] * n, vector["rate"], vector["seen"], 1)[0] == pytest.approx(vector["expected"], rel=1e-12)
