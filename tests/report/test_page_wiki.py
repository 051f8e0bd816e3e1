"""The page of one wiki: what it is made of, in every state a wiki can be in."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.report.chart import Chart
from jobs.report.page_wiki import Refusal, wiki_page
from tests.report.site_frames import BREAKING, MONDAY, WEEK, cell, cells, usual_leaving


def page(wiki: str, *rows: dict[str, Any], **other: pd.DataFrame) -> dict[str, Any]:
    """The context of a wiki's page, of some cells."""
    return wiki_page(replace(usual_leaving(), cells=cells(*rows), **other), wiki)


def charts_of(context: dict[str, Any]) -> list[Chart]:
    """All charts of a page."""
    return [*context["trends"], *context["links"], context["cohorts"]]


@cache
def usual(wiki: str) -> dict[str, Any]:
    """The context of a wiki's page, of the usual cells."""
    return wiki_page(usual_leaving(), wiki)


def text_of(context: dict[str, Any]) -> str:
    """All that the charts of a page hold, as it is written into it."""
    whole = [chart.__dict__ | {"table": chart.table.__dict__} for chart in charts_of(context)]
    return json.dumps(whole, allow_nan=False)


def test_every_wiki_has_every_chart_and_each_its_own_place() -> None:
    catalogue = load_catalogue()
    for wiki in ("idwiki", "enwiki", "all", "nowiki"):
        ids = [chart.id for chart in charts_of(usual(wiki))]
        assert len(set(ids)) == len(ids)
        assert all(set(place) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for place in ids)
        assert {f"trend-{metric.replace('_', '-')}" for metric in catalogue.metrics} & set(ids) == {
            f"trend-{metric.metric.replace('_', '-')}" for metric in catalogue.of_family("totals", "users")
        }
        assert {"funnel-7", "funnel-28", "cohorts"} < set(ids)
        assert len([place for place in ids if place.startswith("rate-")]) == 3


def test_charts_hold_no_null_that_json_lacks_and_every_sentence_says_something() -> None:
    for wiki in ("idwiki", "enwiki", "all", "nowiki"):
        assert text_of(usual(wiki))
        assert all(chart.sentence.endswith(".") for chart in charts_of(usual(wiki)))


def test_a_wiki_with_nothing_shown_says_so() -> None:
    context = page("idwiki")
    assert not context["has_windows"]
    assert ("Whole weeks", "none has closed since the dashboard became visible here") in context["facts"]
    assert context["refusals"] == []
    assert all("nothing to show" in chart.sentence for chart in charts_of(context))


def test_a_wiki_that_is_not_visible_yet_says_so() -> None:
    wikis = usual_leaving().wikis.assign(visible_from=pd.NaT)
    assert page("idwiki", wikis=wikis)["facts"][0] == ("Visible since", "not visible yet")


def test_a_wiki_visible_for_one_week_has_rates_of_that_week() -> None:
    link = {"element_friendly_name": "diff link", "link_group": "review links"}
    context = page("idwiki", cell("dashboard_visitors", exact=40.0), cell("link_click_through_rate", exact=0.1, **link))
    titles = [chart.title for chart in context["links"]]
    assert titles[2] == "Click-through rate, overall, week to 2026-04-12"
    assert titles[:2] == ["From load to click, week to 2026-04-12", "From load to click, 28 days"]
    visitors = next(chart for chart in context["trends"] if chart.id == "trend-dashboard-visitors")
    assert "There is no week before it to compare with." in visitors.sentence
    assert ("Whole weeks shown", "1, the first from 2026-04-06") in context["facts"]


def test_rates_are_of_four_weeks_where_they_have_closed() -> None:
    link = {"element_friendly_name": "diff link", "link_group": "review links"}
    both = [cell("link_click_through_rate", exact=share, window_days=days, start=MONDAY - (days - 7) * WEEK / 7, **link)
            for share, days in ((0.1, 7), (0.2, 28))]  # fmt: skip
    (chart,) = [chart for chart in page("idwiki", *both)["links"] if chart.id == "rate-link-click-through-rate"]
    assert chart.title.endswith("28 days to 2026-04-12")
    assert "20.0 % (exact)" in chart.sentence


def test_a_link_that_is_gone_is_not_in_the_newest_week() -> None:
    gone, here = ({"element_friendly_name": name, "link_group": "other links"} for name in ("gone link", "here link"))
    rows = [cell("link_clicks", start=MONDAY - WEEK, exact=30.0, **gone), cell("link_clicks", exact=20.0, **here)]
    funnel = page("idwiki", *rows)["links"][0]
    assert [row[0] for row in funnel.table.rows] == ["Loads of the dashboard", "here link"]


def test_the_head_tells_what_is_kept_of_the_dashboard_and_of_what_leads_to_it() -> None:
    menu = {
        "element_friendly_name": "menu link",
        "link_group": "entry point",
        "client_platform_family": "desktop_browser",
    }
    sampled = {"sampling_unit": "session", "sampling_rate_min": 0.1, "sampling_rate_max": 0.1}
    facts = dict(page("idwiki", cell("dashboard_visitors", exact=40.0),
                      cell("link_clicks", exact=40.0, **menu, **sampled))["facts"])  # fmt: skip
    assert facts["Kept of loads and links on the dashboard"] == "everything"
    assert facts["Kept of the entry point's events"] == "10 % of sessions"
    assert facts["Newest whole week"] == "2026-04-06 to 2026-04-12"


def test_the_head_tells_the_settings_in_force() -> None:
    config = pd.DataFrame([
        {"wiki_db": "idwiki", "setting": "minimum_edits", "value": "100", "valid_from": MONDAY - WEEK},
        {"wiki_db": "idwiki", "setting": "minimum_edits", "value": "50", "valid_from": MONDAY},
        {"wiki_db": "enwiki", "setting": "minimum_edits", "value": "7", "valid_from": MONDAY},
    ])  # fmt: skip
    facts = page("idwiki", cell("dashboard_visitors", exact=40.0), config=config)["facts"]
    assert [fact for fact in facts if fact[0].startswith("Setting")] == [
        ("Setting minimum_edits", "50, since 2026-04-06")
    ]


def test_a_change_of_a_setting_stands_in_the_trends() -> None:
    config = pd.DataFrame([{"wiki_db": "idwiki", "setting": "minimum_edits", "value": value, "valid_from": start}
                           for value, start in (("100", MONDAY - WEEK), ("50", MONDAY + WEEK / 7))])  # fmt: skip
    context = page("idwiki", cell("dashboard_visitors", exact=40.0), config=config)
    visitors = next(chart for chart in context["trends"] if chart.id == "trend-dashboard-visitors")
    assert "(1) 2026-04-07, setting minimum_edits changed from 100 to 50" in visitors.sentence


def test_what_is_refused_is_told_once_with_its_remedy() -> None:
    why = {"status": "not_estimable", "status_reason": "Too few were kept.", "remedy": "Keep usage at 100 %."}
    context = page(
        "idwiki",
        cell("two_day_review_rate", start=MONDAY - WEEK, status="suppressed"),  # no longer the newest
        cell("two_day_review_rate", **why), cell("two_day_review_rate", inference="process", **why),
        cell("dashboard_visitors", window_days=28, **why),
        cell("reviewers", status="suppressed"),
        cell("reviewers", window_days=28, status="suppressed", sampling_rate_min=0.1),
        cell("pageviews_per_visitor", exact=3.0), cell("pageviews_per_visitor", inference="process", **why),
        cell("dashboard_pageviews", lower=1.0, upper=2.0, status="bounds_only"),
    )  # fmt: skip
    assert context["refusals"] == [
        Refusal("bounds_only", "", "nothing is known to", (
            "Dashboard pageviews, 2026-04-06 to 2026-04-12 (what happened)",)),
        Refusal("not_estimable", "Too few were kept", "Keep usage at 100 %", (
            "Dashboard visitors, 2026-04-06 to 2026-05-03 (what happened)",
            "Pageviews per visitor, 2026-04-06 to 2026-04-12 (in general)",
            "Two-day review rate, 2026-04-06 to 2026-04-12 (what happened and in general)",
        )),
        Refusal("suppressed", "", "more users", ("Reviewers, 2026-04-06 to 2026-04-12 (what happened)",)),
        Refusal("suppressed", "", "more users, or a higher rate",
                ("Reviewers, 2026-04-06 to 2026-05-03 (what happened)",)),
    ]  # fmt: skip


def test_readings_refused_for_different_reasons_are_told_apart() -> None:
    bounds = {"lower": 1.0, "upper": 9.0, "status": "bounds_only", "status_reason": "Few ids.", "remedy": "Keep more."}
    why = {"status": "not_estimable", "status_reason": "Too few were kept.", "remedy": "Keep more."}
    context = page(
        "idwiki",
        cell("pageviews_per_visitor", **bounds), cell("pageviews_per_visitor", inference="process", **why),
        cell("two_day_review_rate", **why),
        cell("two_day_review_rate", inference="process", **(why | {"status_reason": "No fit."})),
        cell("two_week_return_rate", **why),
        cell("two_week_return_rate", inference="process", **(why | {"remedy": "Keep all."})),
    )  # fmt: skip
    told = {(one.status, one.reason, one.remedy, window.split(",")[0], window.split(" (")[1])
            for one in context["refusals"] for window in one.windows}  # fmt: skip
    assert told == {
        ("bounds_only", "Few ids", "Keep more", "Pageviews per visitor", "what happened)"),
        ("not_estimable", "Too few were kept", "Keep more", "Pageviews per visitor", "in general)"),
        ("not_estimable", "Too few were kept", "Keep more", "Two-day review rate", "what happened)"),
        ("not_estimable", "No fit", "Keep more", "Two-day review rate", "in general)"),
        ("not_estimable", "Too few were kept", "Keep more", "Two-week return rate", "what happened)"),
        ("not_estimable", "Too few were kept", "Keep all", "Two-week return rate", "in general)"),
    }


def test_a_page_shows_its_own_wiki_only() -> None:
    rows = [cell("dashboard_visitors", "enwiki", exact=4321.0), cell("dashboard_visitors", exact=40.0)]
    assert "4,321" not in text_of(page("idwiki", *rows))
    assert "4,321" in text_of(page("enwiki", *rows))


def test_a_number_that_a_status_forbids_is_in_no_chart() -> None:
    link = {"element_friendly_name": BREAKING, "link_group": "other links"}
    hidden = {"estimate": 8765.0, "lower": 8765.0, "upper": 8765.0, "status": "suppressed"}
    rows = [cell(metric.metric, **hidden, **(link if metric.family == "links" else {}))
            for metric in load_catalogue().metrics.values()]  # fmt: skip
    cohort = cell("retention_day_1", window_kind="cohort", window_days=2, **hidden)
    text = text_of(page("idwiki", *rows, cohort))
    assert "8765" not in text
    assert "8,765" not in text
    assert "876,5" not in text
