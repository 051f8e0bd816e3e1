"""What a number would be otherwise: which alternatives there are, and what is said of other sampling."""

from __future__ import annotations

from dataclasses import asdict
from math import sqrt

import pytest

from jobs.catalogue import load_catalogue
from jobs.explanation.alternatives import SAME_DAY, alternatives_of, same_idea
from jobs.explanation.steps import Kept
from jobs.settings.sections import EstimationSettings
from tests.explanation.explained import LINK, metric_row

CATALOGUE = load_catalogue()
LIMITS = EstimationSettings()


def alternatives(row, rows=(), kept=None, thinned=(), limits=LIMITS):
    def fetch(sql, parameters):
        return [asdict(one) for one in rows] if sql == SAME_DAY else list(thinned)

    return alternatives_of(row, CATALOGUE.metric(row.metric), CATALOGUE, kept or Kept(), limits, fetch)


def test_definitions_of_one_idea():
    ideas = {name: {one.metric for one in same_idea(metric, CATALOGUE)} for name, metric in CATALOGUE.metrics.items()}
    assert ideas["link_click_through_rate"] == {"link_click_through_rate_matched", "link_click_through_rate_unique"}
    assert ideas["dashboard_visitors"] == {"dashboard_visitors_rarefied"}
    assert ideas["retention_day_7"] == {"two_week_return_rate", "retention_14d", "retention_day_1", "retention_day_14"}
    assert ideas["presented_two_week_rate"] == ideas["reviewers"] == ideas["two_day_review_rate"] == set()


def test_published_rows_of_the_day_are_readings_windows_and_definitions():
    row = metric_row("link_click_through_rate", element_friendly_name=LINK, estimate=0.1)
    process = metric_row("link_click_through_rate", element_friendly_name=LINK, inference="process", status="caution")
    week = metric_row("link_click_through_rate", element_friendly_name=LINK, window_days=7, estimate=0.3)
    matched = metric_row("link_click_through_rate_matched", element_friendly_name=LINK, estimate=0.2)
    other = [
        metric_row("link_click_through_rate_matched", element_friendly_name=LINK, window_days=7),
        metric_row("link_clicks", element_friendly_name=LINK),
        metric_row("link_click_through_rate", element_friendly_name=LINK, window_days=7, inference="process"),
        metric_row("link_click_through_rate_matched", element_friendly_name=LINK, inference="process"),
    ]
    found = alternatives(row, [row, process, week, matched, *other])
    assert [(one.kind, one.estimate, one.status) for one in found] == [
        ("inference", None, "caution"), ("window", 0.3, "publish"), ("definition", 0.2, "publish"),
    ]  # fmt: skip


def test_people_at_other_rates_are_what_the_wiki_itself_gives_thinned():
    thinned = [{"metric_date": "2026-03-02", "rate": 0.1, "sample_unit": "pageview", "truth": 1455.0, "estimate": None,
                "lower": 1099.0, "upper": 3016.0, "status": "bounds_only", "naive": 519.0}]  # fmt: skip
    row = metric_row("dashboard_visitors", observed_numerator=1467.0, n_users_observed=1467.0, estimate=1467.0)
    (found,) = alternatives(row, thinned=thinned)
    assert (found.lower, found.status, found.what) == (1099, "bounds_only", "at 10 % of pageviews")
    assert found.note.endswith("whole they give 1,455, who ignores that gets 519")


def test_people_that_were_never_thinned_have_what_is_to_be_expected():
    row = metric_row("reviewers", observed_numerator=1000.0, n_users_observed=1000.0, estimate=1000.0)
    notes = [one.note for one in alternatives(row)]
    assert notes == [
        "±71 % is to be expected of 1,000 users: bounds_only at best (planning)",
        "±23 % is to be expected of 1,000 users: caution at best (planning)",
        "±6.5 % is to be expected of 1,000 users: publish at best (planning)",
        "±3 % is to be expected of 1,000 users: publish at best (planning)",
    ]
    share = metric_row("two_week_return_rate", observed_numerator=100.0, n_users_observed=300.0, estimate=0.3)
    assert "refused" in alternatives(share)[0].note
    many = metric_row("two_week_return_rate", observed_numerator=30_000.0, n_users_observed=100_000.0, estimate=0.3)
    wide = EstimationSettings(retention_publish=0.4, retention_caution=0.45, retention_bounds=0.5)
    assert ": bounds_only at best" in alternatives(many, limits=wide)[0].note, "at 10 % there is never an estimate"


@pytest.mark.parametrize(
    ("metric", "given", "told"),
    [
        ("presented_two_week_rate", {}, "each be seen in part"),
        ("two_day_review_rate", {}, "bounds at best"),
        ("link_click_through_rate_unique", {"client_platform_family": "mobile_browser"}, "together only"),
        ("pageviews_per_visitor", {}, "not computed here: it is known as well as visitors are"),
        ("pageviews_per_visitor", {"inference": "process"}, "refused: how visits vary"),
        ("visit_pairs_per_visit", {}, "not computed here: it is known as well as pairs"),
        ("dashboard_visitors_rarefied", {"estimator": "rarefied"}, "not computed here: it is what the smallest rate"),
    ],
)
def test_what_no_sampling_leaves_is_said(metric, given, told):
    row = metric_row(metric, observed_numerator=30.0, observed_denominator=90.0, n_users_observed=90.0, **given)
    (found,) = alternatives(row, kept=Kept(30.0, 90.0, yy=40.0))
    assert told in found.note


@pytest.mark.parametrize("metric", CATALOGUE.metrics)
def test_every_metric_at_100_percent_says_what_other_sampling_would_do(metric):
    given = {"observed_numerator": 300.0, "observed_denominator": 900.0, "n_users_observed": 900.0, "estimate": 1 / 3}
    products = (
        {"xy": 500.0, "xx": 1000.0} if CATALOGUE.metrics[metric].family == "links" else {}
    )  # as the lake has them
    found = alternatives(metric_row(metric, **given), kept=Kept(300.0, 900.0, yy=400.0, **products))
    assert {one.kind for one in found} == {"rate"}


def test_on_process_rows_the_lines_say_that_they_are_of_what_happened():
    thinned = [{"metric_date": "2026-03-02", "rate": 0.25, "sample_unit": "pageview", "truth": 0.3, "estimate": None,
                "lower": 0.2, "upper": 0.4, "status": "bounds_only", "naive": 0.1}]  # fmt: skip
    given = {"observed_numerator": 300.0, "observed_denominator": 900.0, "n_users_observed": 900.0, "estimate": 1 / 3}
    sums = Kept(300.0, 900.0, yy=400.0, xy=500.0, xx=1000.0)
    for inference, told in (("realised", ""), ("process", ", of what happened")):
        share = alternatives(metric_row("two_week_return_rate", inference=inference, **given), thinned=thinned)
        clicks = alternatives(metric_row("link_click_through_rate", inference=inference, **given), kept=sums)
        assert share[0].what == clicks[1].what == f"at 25 % of pageviews{told}"
    (first, *_) = alternatives(metric_row("two_week_return_rate", inference="process", **given))
    assert first.what == "at 10 % of pageviews", "what is expected of shares is the width of the process"


def test_totals_and_ratios_at_other_rates_are_those_of_the_design():
    row = metric_row("dashboard_pageviews", observed_numerator=1000.0, estimate=1000.0)
    quarter = alternatives(row, kept=Kept(numerator=1000.0, yy=1600.0))[1]
    assert quarter.note.startswith(f"±{100 * 1.96 * sqrt(3 * 1600) / 1000:.0f} % of it")
    ratio = metric_row("link_click_through_rate", observed_numerator=50.0, observed_denominator=500.0, estimate=0.1)
    half = alternatives(ratio, kept=Kept(50.0, 500.0, yy=60.0, xy=80.0, xx=900.0))[2]
    assert half.note.startswith(f"±{100 * 1.96 * sqrt(60 - 16 + 9) / 50:.0f} % of it")


def test_what_hides_its_counts_or_is_sampled_has_no_other_rates():
    assert alternatives(metric_row("link_clicks", status="suppressed")) == ()
    sampled = metric_row(
        "reviewers", observed_numerator=90.0, n_users_observed=90.0, estimate=300.0, sampling_rate_min=0.5
    )
    assert alternatives(sampled) == ()


def test_bounds_of_people_name_the_assumption_that_would_give_a_number():
    row = metric_row("reviewers", observed_numerator=90.0, status="bounds_only", sampling_rate_min=0.1, lower=90.0)
    (found,) = alternatives(row)
    assert (found.kind, found.status) == ("assumption", None)
    assert "not computed here" in found.note
