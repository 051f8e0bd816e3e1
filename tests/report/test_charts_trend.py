"""The trend of a metric: what is drawn and told of weeks of every status."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import pandas as pd
import pytest

from jobs.catalogue import load_catalogue
from jobs.report.chart import Chart
from jobs.report.charts_breaks import Break
from jobs.report.charts_cells import rolling, windows
from jobs.report.charts_trend import metric_days, trend
from tests.report.site_frames import MONDAY, WEEK, cell, cells

CATALOGUE = load_catalogue()
VISITORS, RATE = CATALOGUE.metric("dashboard_visitors"), CATALOGUE.metric("two_day_review_rate")
PAIRS = CATALOGUE.metric("visit_pairs_per_visit")
NO_CHANGES = pd.DataFrame({"metric": [], "window_start": []})
WHY = {"status_reason": "only 12 were kept", "remedy": "at 100 %: exact"}


def week(place: int, metric: str = VISITORS.metric, **other: Any) -> dict[str, Any]:
    """A row of a week, so many after the first."""
    return cell(metric, start=MONDAY + place * WEEK, **other)


def drawn(*rows: dict[str, Any], breaks: tuple[Break, ...] = (), changes: pd.DataFrame = NO_CHANGES) -> Chart:
    """The chart of visitors of some rows; single days among them are dots."""
    frame = cells(*rows)
    weeks, days = (windows(rolling(frame, length)).series(VISITORS) for length in (7, 1))
    return trend(VISITORS, weeks, days, changes, breaks)


def ends(chart: Chart, name: str) -> list[str]:
    """The last days of what a layer draws; nothing where there is no such layer."""
    return [record["end"] for record in chart.spec["datasets"].get(name, [])]


def all_statuses() -> tuple[dict[str, Any], ...]:
    """Six weeks, one of each status."""
    return (
        week(0, exact=700.0),
        week(1, estimate=710.0, lower=700.0, upper=740.0, status="caution", **WHY),
        week(2, lower=500.0, upper=900.0, status="bounds_only", **WHY),
        week(3, status="not_estimable", **WHY),
        week(4, status="suppressed"),
        week(5, status="not_measured", status_reason="a day is missing"),
    )


def test_the_axis_says_which_day_of_a_window_a_date_is() -> None:
    frame = rolling(cells(cell(PAIRS.metric, window_days=28, exact=1.5)), 28)
    longer = trend(PAIRS, windows(frame).series(PAIRS), [], NO_CHANGES, ())
    for chart, title in ((drawn(*all_statuses()), "week to"), (longer, "28 days to")):
        assert {layer["encoding"]["x"]["axis"]["title"] for layer in chart.spec["layer"]} == {title}


def test_each_status_is_drawn_in_its_way() -> None:
    chart = drawn(*all_statuses())
    assert ends(chart, "shown") == ["2026-04-12", "2026-04-19"]
    assert [row["status"] for row in chart.spec["datasets"]["shown"]] == ["publish", "caution"]
    assert ends(chart, "bounds") == ["2026-04-26"]
    refused = chart.spec["datasets"]["refused"]
    assert [(row["end"], row["symbol"]) for row in refused] == [
        ("2026-05-03", "✕"), ("2026-05-10", "■"), ("2026-05-17", "○"),
    ]  # fmt: skip


def test_what_is_drawn_is_valid_vega_lite_that_names_no_colour_of_text_or_page() -> None:
    breaks = (Break("2026-04-15", "a rate"),)
    for chart in (drawn(*all_statuses(), week(0, window_days=1, exact=99.0), breaks=breaks), drawn()):
        alt.LayerChart.validate(json.loads(json.dumps(chart.spec, allow_nan=False)))
        assert "config" not in chart.spec
        assert "background" not in chart.spec
        assert chart.spec["width"] == "container"


def test_the_table_has_all_that_is_drawn_the_newest_first() -> None:
    chart = drawn(*all_statuses(), week(0, window_days=1, exact=99.0))
    assert [row[:2] for row in chart.table.rows] == [
        ("week to 2026-05-17", "not measured: a day is missing"),
        ("week to 2026-05-10", "suppressed"),
        ("week to 2026-05-03", "not estimable: only 12 were kept"),
        ("week to 2026-04-26", "500 – 900; bounds only: only 12 were kept"),
        ("week to 2026-04-19", "710 (700 – 740); caution: only 12 were kept"),
        ("week to 2026-04-12", "700 (exact)"),
        ("day 2026-04-06", "99 (exact)"),
    ]
    assert chart.table.columns == ("Window", "What happened", "What would change that")


@pytest.mark.parametrize(("last", "told"), [
    (0, "Dashboard visitors in the week to 2026-04-12: 700 (exact). There is no week before it to compare with."),
    (1, "…: 710 (700 – 740); caution: only 12 were kept. No change from the week before is told: the two cannot be "
        "compared. What would change that: at 100 %: exact. Both weeks have an estimate."),
    (2, "…: 500 – 900; bounds only: only 12 were kept. What would change that: at 100 %: exact. The newest estimate, "
        "to 2026-04-19: 710 (700 – 740); caution: only 12 were kept. Of 3 weeks "
        "2 have an estimate and 1 is bounds only (↔)."),
    (3, "…: not estimable: only 12 were kept. What would change that: at 100 %: exact. The newest estimate, to"),
    (4, "…: suppressed. The newest estimate, to"),
    (5, "…: not measured: a day is missing. The newest estimate, to"),
])  # fmt: skip
def test_the_sentence_is_true_whatever_the_newest_week_is(last: int, told: str) -> None:
    sentence = drawn(*all_statuses()[: last + 1]).sentence
    newest = f"Dashboard visitors in the week to {MONDAY + last * WEEK + pd.Timedelta(days=6):%Y-%m-%d}"
    assert sentence.startswith(told.replace("…", newest))


def test_the_sentence_tells_the_change() -> None:
    change = pd.DataFrame([{"metric": VISITORS.metric, "window_start": MONDAY + WEEK, "change": 35.0,
                            "change_lower": -5.0, "change_upper": 75.0, "change_reason": None}])  # fmt: skip
    sentence = drawn(week(0, exact=700.0), week(1, exact=735.0), changes=change).sentence
    assert "35 (5.0 %) more than the week before (interval −5 to +75, so it may be no change at all)." in sentence


def test_a_hole_is_no_week_before() -> None:
    chart = drawn(week(0, exact=700.0), week(2, exact=735.0))
    assert "There is no week before it" in chart.sentence
    assert len({row["segment"] for row in chart.spec["datasets"]["shown"]}) == 2


def test_no_row_at_all_says_so() -> None:
    chart = drawn()
    assert chart.sentence == "Dashboard visitors: nothing to show, since there is no row of a window that has closed."
    assert chart.spec["datasets"] == {"told": [{"text": "no week to show"}]}
    assert chart.table.rows == ()


def test_only_refused_weeks_have_no_scale_and_little_room() -> None:
    chart, usual = drawn(*all_statuses()[4:]), drawn(*all_statuses())
    assert set(chart.spec["datasets"]) == {"refused"}
    assert chart.spec["height"] < usual.spec["height"]
    assert "The newest estimate" not in chart.sentence


def test_the_line_ends_where_a_break_or_a_refused_week_lies() -> None:
    shown = [week(place, exact=700.0) for place in (0, 1, 2, 3)]
    refused = week(4, status="suppressed")
    chart = drawn(*shown, refused, week(5, exact=700.0), breaks=(Break("2026-04-22", "a rate changed"),))
    segments = [row["segment"] for row in chart.spec["datasets"]["shown"]]
    assert [segments.index(segment) for segment in segments] == [0, 0, 2, 2, 4]
    assert ends(chart, "breaks") == ["2026-04-22"]
    assert "Dashed lines: (1) 2026-04-22, a rate changed." in chart.sentence
    column = chart.table.columns.index("What is new")
    news = {row[0]: row[column] for row in chart.table.rows if row[column]}
    assert news == {"week to 2026-04-26": "2026-04-22: a rate changed"}


def test_single_days_are_dots_where_they_are_shown() -> None:
    one, hidden = week(0, window_days=1, exact=99.0), week(1, window_days=1, status="suppressed")
    chart = drawn(week(0, exact=700.0), one, hidden)
    assert ends(chart, "days") == ["2026-04-06"]
    assert drawn(hidden).table.rows == (("days that are not drawn", "suppressed"),)
    assert chart.table.screen_only == 2, "weeks are printed, days are not"
    assert [row[:2] for row in chart.table.rows[1:]] == [
        ("day 2026-04-06", "99 (exact)"),
        ("days that are not drawn", "Of 2 days 1 has an estimate and 1 is suppressed (■)."),
    ]


def _rates(*rows: dict[str, Any]) -> Chart:
    return trend(RATE, windows(cells(*rows)).series(RATE), [], NO_CHANGES, [])


def test_a_share_has_the_band_of_what_holds_in_general() -> None:
    general = {"inference": "process", "estimate": 0.12, "lower": 0.1, "upper": 0.15}
    chart = _rates(week(0, RATE.metric, exact=0.12), week(0, RATE.metric, **general))
    (band,) = chart.spec["datasets"]["general"]
    assert (band["again_lower"], band["again_upper"]) == (0.1, 0.15)
    assert "12.0 % (exact). In general: 12.0 % (10.0 – 15.0)." in chart.sentence
    assert chart.table.rows == (("week to 2026-04-12", "12.0 % (exact)", "12.0 % (10.0 – 15.0)"),)


def test_the_change_of_a_share_is_told_with_what_holds_in_general() -> None:
    rows = [week(n, RATE.metric, exact=0.12, inference=kind) for n in (0, 1) for kind in ("realised", "process")]
    change = pd.DataFrame([{"metric": RATE.metric, "window_start": MONDAY + WEEK, "change": 0.0,
                            "change_lower": -0.02, "change_upper": 0.03, "change_reason": None}])  # fmt: skip
    sentence = trend(RATE, windows(cells(*rows)).series(RATE), [], change, []).sentence
    assert "The same as the week before; in general −2.0 to +3.0 pp, so it may be chance." in sentence


def test_what_is_refused_in_general_has_no_band_and_says_why() -> None:
    general = {"inference": "process", "status": "not_estimable", **WHY}
    chart = _rates(week(0, RATE.metric, exact=0.12), week(0, RATE.metric, **general))
    assert "general" not in chart.spec["datasets"]
    assert "In general: not estimable: only 12 were kept." in chart.sentence


def test_an_upper_end_that_is_not_known_has_no_band() -> None:
    chart = drawn(week(0, estimate=700.0, lower=690.0, upper=None, status="caution", **WHY))
    assert set(chart.spec["datasets"]) == {"shown"}
    assert "700 (690 – …); caution" in chart.sentence


def test_a_metric_of_28_days_tells_no_change_from_a_window_that_overlaps() -> None:
    rows = [week(place, PAIRS.metric, window_days=28, exact=9.0) for place in (0, 1)]
    chart = trend(PAIRS, windows(cells(*rows)).series(PAIRS), [], NO_CHANGES, [])
    assert metric_days(PAIRS) == 28
    assert chart.sentence == (
        "Other visits per visit in the 28 days to 2026-05-10: 9.00 (exact). Both windows have an estimate."
    )
