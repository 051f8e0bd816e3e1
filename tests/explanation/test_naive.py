"""What others would get, beside ours, and the formula with the row's own numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.catalogue import load_catalogue
from jobs.explanation.formulas import METHODS_BY_ESTIMATOR, NO_NUMBER, PROCESS, formula_of
from jobs.explanation.headline import headline
from jobs.explanation.naive import HIDDEN, IGNORING, SAME, SILENT, WEIGHTING, naive_of
from jobs.explanation.steps import Kept
from jobs.metric import UNITS
from jobs.words import STATUSES
from tests.explanation.explained import metric_row

CATALOGUE = load_catalogue()
ROOT = Path(__file__).parents[2]
TENTH = {"sampling_rate_min": 0.1, "sampling_rate_max": 0.1}
MIXED = {"sampling_rate_min": 0.1, "sampling_rate_max": 0.5}


def naive(metric, kept=None, **given):
    return naive_of(metric_row(metric, **given), CATALOGUE.metric(metric), kept or Kept())


def formula(metric, **given):
    return formula_of(metric_row(metric, **given), CATALOGUE.metric(metric))


def test_every_unit_status_and_estimator_has_its_words():
    assert set(IGNORING) == set(WEIGHTING) == set(UNITS)
    contract = (ROOT / "docs/contract.md").read_text()
    estimators = re.search(r"\*\*Estimator\*\*: (.*?)\n\n", contract, re.S).group(1)
    assert set(METHODS_BY_ESTIMATOR) == set(re.findall(r"`(\w+)`", estimators)) - {"caution"}
    statuses = contract[contract.index("| status | meaning |") : contract.index("**Estimator**")]
    assert set(STATUSES) == set(re.findall(r"^\| `(\w+)` \|", statuses, re.M))


def test_every_formula_points_to_a_section_there_is():
    headings = re.findall(r"^##+ (.*)$", (ROOT / "docs/methods.md").read_text(), re.M)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert {method.section for method in METHODS_BY_ESTIMATOR.values()} <= anchors


def test_people_are_neither_the_seen_ones_nor_these_over_the_rate():
    ignored, weighted = naive("dashboard_visitors", observed_numerator=200.0, **TENTH)
    assert (ignored.value, weighted.value) == (200, 2000)
    assert ignored.why.startswith("too small")
    assert weighted.why.startswith("too large")


def test_shares_of_people_are_not_mended_by_weights():
    both = naive("two_week_return_rate", observed_numerator=20.0, observed_denominator=80.0, **TENTH)
    assert [one.value for one in both] == [0.25, 0.25]
    assert "cancels" in both[1].why


def test_totals_and_ratios_weighted_are_ours_at_mixed_rates_too():
    kept = Kept(numerator=500.0, denominator=2500.0)
    assert naive("link_clicks", kept, observed_numerator=90.0, **MIXED)[1].value == 500
    ours = naive("link_click_through_rate", kept, observed_numerator=90.0, observed_denominator=300.0, **MIXED)
    assert (ours[0].value, ours[1].value) == (0.3, 0.2)


def test_users_of_several_rates_have_no_single_weight():
    assert naive("dashboard_visitors", observed_numerator=90.0, **MIXED)[1].value is None
    none = naive("dashboard_visitors", observed_numerator=0.0, sampling_rate_min=None, sampling_rate_max=None)
    assert none[1].why == "no rate above 0 was in force"


def test_pairs_are_divided_by_one_rate():
    both = naive("visit_pairs_per_visit", observed_numerator=50.0, observed_denominator=100.0, **TENTH)
    assert [one.value for one in both] == [0.5, pytest.approx(5)]


def test_at_100_percent_both_are_ours():
    both = naive("reviewers", observed_numerator=12.0, estimate=12.0)
    assert [(one.value, one.why) for one in both] == [(12, SAME)] * 2


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"status": "not_measured"}, "not of the window"),
        ({"estimate": 12.0, "is_complete": False}, "missing hours"),
        ({"status": "bounds_only"}, "right of those who came"),
    ],
)
def test_at_100_percent_it_says_where_it_is_not_ours(given, told):
    assert all(told in one.why for one in naive("reviewers", observed_numerator=12.0, **given))


def test_hidden_counts_give_no_naive_value():
    found = naive("link_click_through_rate", estimate=0.1, observed_denominator=40.0, n_users_observed=30.0)
    assert [(one.value, one.why) for one in found] == [(None, HIDDEN)] * 2


@pytest.mark.parametrize("status", ["not_measured", "not_estimable"])
def test_only_what_shows_no_count_at_all_is_said_to_show_none(status):
    given = {"status": status, "estimator": "none"}
    assert [one.why for one in naive("link_click_through_rate", **given)] == [SILENT] * 2
    for shown in ({"observed_denominator": 40.0}, {"n_users_observed": 30.0}):
        assert [one.why for one in naive("link_click_through_rate", **given, **shown)] == [HIDDEN] * 2
    assert naive("link_click_through_rate", status="suppressed")[0].why == HIDDEN


def test_formulas_hold_the_rows_own_numbers():
    assert formula("dashboard_visitors", observed_numerator=1200.0, estimate=1200.0).filled_in == "1,200"
    total = formula("link_clicks", observed_numerator=40.0, estimate=400.0, estimator="horvitz_thompson", **TENTH)
    assert total.filled_in == "40 / 10 % = 400"
    share = {"observed_numerator": 30.0, "observed_denominator": 200.0, "estimate": 0.15, "estimator": "ratio"}
    assert formula("two_day_review_rate", **share).filled_in == "30 / 200 = 15.0 %"
    assert formula("two_day_review_rate", **{**share, "observed_numerator": None}).filled_in is None
    fit = formula("dashboard_visitors", observed_numerator=40.0, estimate=90.0, estimator="npmle_users", **TENTH)
    assert fit.filled_in is None


WIDE = {"estimate": 0.15, "lower": 0.1, "upper": 0.2}
INTERVALS = [
    ("dashboard_visitors", "count", "realised", {}, "none: everything was kept"),
    ("two_day_review_rate", "ratio", "realised", {}, "none: everything was kept"),
    ("visit_pairs_per_visit", "pairs", "realised", {}, "none: everything was kept"),
    ("dashboard_visitors_rarefied", "rarefied", "realised", {}, "none: everything was kept"),
    ("two_day_review_rate", "ratio", "process", {}, "Wilson's interval"),
    ("pageviews_per_visitor", "ratio", "process", {}, "clustered by user"),
    ("link_click_through_rate", "ratio", "process", {}, "clustered by user"),
    ("visit_pairs_per_visit", "pairs", "process", {}, "clustered by user"),
    ("link_clicks", "horvitz_thompson", "realised", TENTH, "variance of the design, clustered by what is sampled"),
    ("link_click_through_rate", "hajek_ratio", "realised", TENTH, "by the design, clustered by what is sampled"),
    ("link_click_through_rate", "hajek_ratio", "process", TENTH, "clustered by user"),
    ("visit_pairs_per_visit", "pairs", "realised", TENTH, "variance of the design of that ratio"),
    ("visit_pairs_per_visit", "pairs", "process", TENTH, "clustered by user"),
    ("dashboard_visitors_rarefied", "rarefied", "realised", TENTH, "unbiased variance"),
    ("dashboard_visitors", "npmle_users", "realised", TENTH, "the numbers with which some law"),
    ("dashboard_visitors", "npmle_reference", "realised", TENTH, "with which that law, tilted"),
    ("retention_day_7", "npmle_retention", "realised", TENTH, "without the chance of who came"),
    ("retention_day_7", "npmle_retention", "process", TENTH, "the chance of who came included"),
    ("link_click_through_rate_unique", "npmle_ratio", "realised", TENTH, "without the chance of who came"),
    ("link_click_through_rate_unique", "npmle_ratio", "process", TENTH, "the chance of who came included"),
    ("pageviews_per_visitor", "npmle_ratio", "realised", TENTH, "made of those of numerator and denominator"),
    ("two_day_review_rate", "bounds", "realised", TENTH, "exact binomial inversion"),
    ("two_day_review_rate", "bounds", "process", TENTH, "Wilson's limit"),
]


@pytest.mark.parametrize(("metric", "estimator", "inference", "given", "told"), INTERVALS)
def test_the_interval_is_that_of_estimator_and_reading(metric, estimator, inference, given, told):
    row = WIDE | {"estimator": estimator, "inference": inference} | given
    whole = formula(metric, **row).interval
    assert told in whole
    assert "hours" not in whole
    lost = formula(metric, is_complete=False, **row).interval
    assert lost.endswith("; widened by what the hours that did not arrive could have held")
    assert "one number" not in lost
    assert lost.startswith((whole, "of sampling none"))


def test_every_estimator_of_every_reading_has_its_interval():
    tried = {(estimator, inference) for _, estimator, inference, *_ in INTERVALS}
    assert {estimator for estimator, _ in tried} == set(METHODS_BY_ESTIMATOR) - {"none"}
    assert {estimator for estimator, inference in tried if inference == "process"} == set(PROCESS)


def test_a_ratio_of_people_that_is_a_share_points_to_shares():
    given = {**WIDE, **TENTH, "estimator": "npmle_ratio"}
    assert formula("link_click_through_rate_unique", **given).see.endswith("#shares-the-same-with-two-margins")
    assert formula("pageviews_per_visitor", **given).see.endswith("#pageviews-per-visitor")


def test_what_has_no_number_has_no_interval():
    for inference in ("realised", "process"):
        assert formula("two_day_review_rate", estimator="ratio", inference=inference).interval == NO_NUMBER
        assert formula("two_day_review_rate", estimator="none", inference=inference).interval == NO_NUMBER


def test_the_first_line_answers():
    share = {"observed_numerator": 30.0, "estimate": 0.2392, "lower": 0.2392, "upper": 0.2392}
    assert headline(metric_row("two_day_review_rate", **share), "share of users") == (
        "two_day_review_rate, idwiki, 2026-03-16..2026-03-29: 23.9 % (exact), publish"
    )
    wide = metric_row("dashboard_visitors", lower=1000.0, upper=3000.0, status="bounds_only", **TENTH)
    assert headline(wide, "users").endswith("2026-03-29: 1,000 – 3,000, bounds_only")
    process = metric_row("retention_day_7", inference="process", estimate=0.05, lower=0.04, upper=0.06)
    assert headline(process, "share of users").endswith(", process: 5.0 % (4.0 – 6.0), publish")
    hidden = metric_row("link_clicks", element_friendly_name="a link", status="suppressed")
    assert ", a link, " in headline(hidden, "events")
    assert headline(hidden, "events").endswith("no number, suppressed")
