"""Charts of links: the funnel and the rates, of links hidden, unknown, never pooled, clicked more than seen."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import pytest

from jobs.catalogue import load_catalogue, parse_catalogue
from jobs.report.chart import Chart
from jobs.report.charts_cells import windows
from jobs.report.charts_funnel import funnel, steps_of
from jobs.report.charts_rates import click_through
from tests.report.site_frames import cell, cells

CATALOGUE = load_catalogue()
STEPS = steps_of(CATALOGUE)
DIFF = {"element_friendly_name": "diff link", "link_group": "review links"}
GROUP = {"element_friendly_name": "review links", "link_group": "review links"}
UNKNOWN = {"element_friendly_name": "A link that nobody declared", "link_group": "other links"}
MENU = {"element_friendly_name": "menu link", "link_group": "entry point"}
DESKTOP, MOBILE = {"client_platform_family": "desktop_browser"}, {"client_platform_family": "mobile_browser"}
HIDDEN = {"status": "suppressed", "status_reason": "fewer than 10 users"}


def shown(exact: float, **link: Any) -> dict[str, Any]:
    """A row of impressions."""
    return cell("link_impressions", exact=exact, **link)


def clicked(exact: float | None, **link: Any) -> dict[str, Any]:
    """A row of clicks, hidden where there is no number."""
    return cell("link_clicks", **(HIDDEN if exact is None else {"exact": exact}), **link)


def rate(exact: float, **link: Any) -> dict[str, Any]:
    """A row of the click-through rate."""
    return cell("link_click_through_rate", exact=exact, **link)


LOADS = cell("dashboard_pageviews", exact=200.0)
USUAL = (
    LOADS, shown(500.0, **DIFF), clicked(50.0, **DIFF), rate(0.1, **DIFF), shown(0.0, **UNKNOWN),
    clicked(0.0, **UNKNOWN), shown(40.0, **MENU, **DESKTOP), clicked(None, **MENU, **DESKTOP),
    shown(300.0, **DIFF, **DESKTOP),
)  # fmt: skip


def _funnel(*rows: dict[str, Any]) -> Chart:
    return funnel(STEPS, windows(cells(*rows)), 7)


def _rates(*rows: dict[str, Any]) -> Chart:
    return click_through(STEPS.rate, windows(cells(*rows)), 7)


def test_the_funnel_is_of_the_metrics_the_catalogue_has() -> None:
    named = [metric.metric for metric in (STEPS.loads, STEPS.shown, STEPS.clicked, STEPS.rate)]
    assert named == ["dashboard_pageviews", "link_impressions", "link_clicks", "link_click_through_rate"]
    with pytest.raises(ValueError, match="one total, two counts"):
        steps_of(parse_catalogue(""))


def test_the_funnel_has_loads_and_each_link_over_all_platforms_or_never_pooled() -> None:
    table = {row[0]: row[1:] for row in _funnel(*USUAL).table.rows}
    assert list(table) == ["Loads of the dashboard", "menu link, desktop", "A link that nobody declared", "diff link"]
    assert table["diff link"] == ("review links", "500 (exact)", "2.50", "50 (exact)", "10.0 % (exact)")
    assert table["A link that nobody declared"] == ("other links", "0 (exact)", "0.00", "0 (exact)", "no row")
    assert table["menu link, desktop"][1:4] == (
        "40 (exact)", "does not apply: it leads to the dashboard", "suppressed: fewer than 10 users",
    )  # fmt: skip
    assert table["Loads of the dashboard"][1] == "200 (exact)"


def test_the_funnel_draws_bars_and_marks_what_is_hidden() -> None:
    records = _funnel(*USUAL).spec["datasets"]["links"]
    bars = {(row["name"], row["stage"]): (row["estimate"], row["mark"]) for row in records}
    assert bars["diff link", "clicks"] == (50.0, "50")
    assert bars["menu link, desktop", "clicks"] == (None, "■ suppressed")
    assert bars["A link that nobody declared", "clicks"] == (0.0, "0")
    assert bars["Loads of the dashboard", "loads"] == (200.0, "200")


def test_the_funnel_says_what_was_clicked_most_and_what_is_not_shown() -> None:
    assert _funnel(*USUAL).sentence == (
        "Loads of the dashboard in the week to 2026-04-12: 200 (exact). Clicked most: diff link, impressions 500 "
        "(exact), clicks 50 (exact), clicks per impression 10.0 % (exact). Of 3 counts of clicks 2 have an "
        "estimate and 1 is suppressed (■)."
    )


def test_a_link_with_clicks_only_is_there_and_hidden_loads_divide_nothing() -> None:
    hidden_loads = cell("dashboard_pageviews", **HIDDEN)
    chart = _funnel(hidden_loads, clicked(50.0, **DIFF))
    assert "suppressed: fewer than 10 users. No link has both impressions and clicks to show." in chart.sentence
    assert chart.table.rows[1][2:] == ("no row", "not told: one of the two has no estimate", "50 (exact)", "no row")
    no_loads = _funnel(cell("dashboard_pageviews", exact=0.0), shown(5.0, **DIFF))
    assert no_loads.table.rows[1][3] == "not told: there were no loads"


def test_bounds_of_a_count_end_where_their_text_begins() -> None:
    bounds = {"lower": 100.0, "upper": 400.0, "status": "bounds_only"}
    (record,) = _funnel(cell("link_clicks", **bounds, **DIFF)).spec["datasets"]["links"][1:]
    assert (record["estimate"], record["lower"], record["upper"], record["end"]) == (None, 100.0, 400.0, 400.0)
    assert record["mark"] == "100 – 400"


def test_a_group_stands_before_its_links_and_what_leads_to_the_dashboard_first() -> None:
    first = {"element_friendly_name": "about link", "link_group": "about"}  # by the alphabet
    rows = [shown(5.0, **link) for link in (UNKNOWN, DIFF, GROUP, first)]
    chart = _funnel(*rows, shown(5.0, **MENU, **MOBILE), shown(5.0, **MENU, **DESKTOP))
    assert [row[0] for row in chart.table.rows[1:]] == [
        "menu link, desktop", "menu link, mobile", "about link", "A link that nobody declared", "review links",
        "diff link",
    ]  # fmt: skip


def test_a_rate_above_one_is_told_in_percent() -> None:
    chart = _rates(rate(1.6, **DIFF))
    assert chart.sentence == "Highest in the week to 2026-04-12: diff link, 160.0 % (exact)."
    assert chart.spec["datasets"]["firm"][0]["estimate"] == 1.6


def test_rates_are_drawn_by_platform_with_both_intervals() -> None:
    general = {"inference": "process", "estimate": 0.1, "lower": 0.05, "upper": 0.2}
    weak = {"estimate": 0.2, "lower": 0.1, "upper": 0.4, "status": "caution", "status_reason": "only 4 clicks"}
    chart = _rates(
        rate(0.1, **DIFF), cell(STEPS.rate.metric, **general, **DIFF),
        cell(STEPS.rate.metric, **weak, **DIFF, **DESKTOP), cell(STEPS.rate.metric, **HIDDEN, **DIFF, **MOBILE),
    )  # fmt: skip
    sets = chart.spec["datasets"]
    by_set = {name: [row["slot"] for row in rows] for name, rows in sets.items()}
    assert by_set == {
        "general": ["all platforms"], "happened": ["all platforms", "desktop"], "firm": ["all platforms"],
        "weak": ["desktop"], "none": ["mobile"],
    }  # fmt: skip
    assert (sets["general"][0]["again_lower"], sets["general"][0]["again_upper"]) == (0.05, 0.2)
    assert sets["none"][0]["mark"] == "■ suppressed"
    assert chart.table.rows[0] == ("diff link", "all platforms", "10.0 % (exact)", "10.0 % (5.0 – 20.0)")
    assert chart.table.rows[2] == ("diff link", "mobile", "suppressed: fewer than 10 users", "no row")


def test_highest_and_lowest_are_of_links_over_all_platforms() -> None:
    sentence = _rates(rate(0.1, **DIFF), rate(0.9, **DIFF, **DESKTOP), rate(0.02, **UNKNOWN)).sentence
    assert (
        "Highest in the week to 2026-04-12: diff link, 10.0 % (exact). Lowest: A link that nobody declared, 2.0 %"
        in sentence
    )
    assert "All 3 rates of links and platforms have an estimate." in sentence


def test_a_group_is_named_only_where_no_link_of_it_is_shown() -> None:
    group = (shown(500.0, **GROUP), clicked(50.0, **GROUP), rate(0.1, **GROUP))
    link = (shown(400.0, **DIFF), clicked(20.0, **DIFF), rate(0.05, **DIFF))
    assert "Clicked most: diff link," in _funnel(*group, *link).sentence
    assert "Clicked most: review links," in _funnel(*group).sentence
    assert "Highest in the week to 2026-04-12: diff link, 5.0 %" in _rates(*group, *link).sentence
    assert "Highest in the week to 2026-04-12: review links, 10.0 %" in _rates(*group).sentence


def test_nothing_to_show_says_why() -> None:
    assert _rates().sentence == "In the week there is nothing to show: no link has a row of such a window."
    assert _funnel().sentence == "In the week there is nothing to show: no link has a row of such a window."
    only_hidden = _rates(cell(STEPS.rate.metric, **HIDDEN, **DIFF)).sentence
    assert only_hidden == "No link has an estimate of the click-through rate, overall in the week to 2026-04-12."


def test_what_is_drawn_is_valid_vega_lite() -> None:
    rows = (*USUAL, cell(STEPS.rate.metric, **HIDDEN, **UNKNOWN))
    for chart in (_funnel(*rows), _funnel(), _rates(*rows), _rates()):
        alt.LayerChart.validate(json.loads(json.dumps(chart.spec, allow_nan=False)))


def test_a_long_name_gets_the_height_of_its_lines() -> None:
    name = "A link whose name somebody made much longer than a label has room for, for no reason"
    usual, high = (_rates(rate(0.1, **{**UNKNOWN, "element_friendly_name": label})) for label in ("short", name))
    assert high.spec["height"] > usual.spec["height"]
    assert high.spec["datasets"]["firm"][0]["name"] == name
