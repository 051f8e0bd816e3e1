"""Return and retention by cohort: numbers in cells, marks where there are none, and all of it in the table."""

from __future__ import annotations

import json
from typing import Any

import altair as alt

from jobs.catalogue import load_catalogue
from jobs.report.chart import Chart
from jobs.report.charts_cells import windows
from jobs.report.charts_cohorts import MOST_COHORTS, heat_map
from tests.report.site_frames import MONDAY, WEEK, cell, cells

METRICS = [load_catalogue().metric(metric) for metric in ("two_week_return_rate", "retention_day_1")]
RETURN, DAY_1 = (metric.metric for metric in METRICS)


def cohort(metric: str, place: int, **other: Any) -> dict[str, Any]:
    """A row of a cohort, so many Mondays after the first."""
    days = {RETURN: 14, DAY_1: 2}[metric]
    return cell(metric, start=MONDAY + place * WEEK, window_kind="cohort", window_days=days, **other)


def drawn(*rows: dict[str, Any]) -> Chart:
    """The heat map of two metrics."""
    return heat_map(METRICS, windows(cells(*rows)))


def marks(chart: Chart) -> dict[tuple[str, str], str]:
    """What stands in each cell, by metric and cohort."""
    return {(row["name"], row["start"]): row["mark"] for row in chart.spec["datasets"]["cells"]}


ROWS = (
    cohort(RETURN, 0, estimate=0.563, lower=0.53, upper=0.58, status="caution", status_reason="an hour is missing"),
    cohort(RETURN, 1, exact=0.571),
    cohort(DAY_1, 0, lower=0.0, upper=0.218, status="bounds_only"),
    cohort(DAY_1, 1, status="suppressed", status_reason="fewer than 10 users"),
    cohort(DAY_1, 2, status="not_estimable", status_reason="seen in part", remedy="Keep usage at 100 %"),
)


def test_each_cell_has_its_number_or_the_symbol_of_its_status() -> None:
    found = marks(drawn(*ROWS))
    first, second = (metric.name for metric in METRICS)
    assert found == {
        (first, "2026-04-06"): "56▲", (first, "2026-04-13"): "57", (first, "2026-04-20"): "·",
        (second, "2026-04-06"): "0–22", (second, "2026-04-13"): "■", (second, "2026-04-20"): "✕",
    }  # fmt: skip


def test_the_sentence_names_numbers_of_the_newest_cohorts_and_what_has_none() -> None:
    assert drawn(*ROWS).sentence == (
        "Newest cohorts: Two-week return rate, from 2026-04-13: 57.1 % (exact). Without a number in the newest cohort: "
        "Retention on day 1 (not estimable). Of 5 cells 2 have an estimate, 1 is bounds only (↔), 1 is suppressed (■) "
        "and 1 is not estimable (✕). Numbers in cells are percent."
    )


def test_bounds_and_weak_numbers_are_told_as_such() -> None:
    sentence = drawn(ROWS[0], ROWS[2]).sentence
    assert (
        "from 2026-04-06: 56.3 % (53.0 – 58.0), caution; Retention on day 1, from 2026-04-06: 0.0 – 21.8 %, bounds"
        in sentence
    )


def test_the_table_has_the_newest_first_with_reason_and_remedy() -> None:
    general = cohort(DAY_1, 2, inference="process", estimate=0.4, lower=0.3, upper=0.5, remedy="more users")
    table = drawn(*ROWS, general).table
    assert table.rows[2] == (
        "Retention on day 1", "2026-04-20", "2026-04-21", "not estimable: seen in part", "40.0 % (30.0 – 50.0)",
        "Keep usage at 100 %; in general: more users",
    )  # fmt: skip
    assert [row[1] for row in table.rows] == ["2026-04-13", "2026-04-06", "2026-04-20", "2026-04-13", "2026-04-06"]
    assert table.rows[0][-1] == "nothing is amiss, or nothing would"


def test_more_cohorts_than_a_phone_has_room_for_are_in_the_table() -> None:
    chart = drawn(*(cohort(RETURN, place, exact=0.5) for place in range(MOST_COHORTS + 2)))
    assert len({start for _, start in marks(chart)}) == MOST_COHORTS
    assert min(start for _, start in marks(chart)) == "2026-04-20"
    assert len(chart.table.rows) == MOST_COHORTS + 2
    assert f"Drawn are the newest {MOST_COHORTS} cohorts of {MOST_COHORTS + 2}; the table has all." in chart.sentence
    assert "Retention on day 1 (no row)" in chart.sentence


def test_no_cohort_says_so() -> None:
    chart = drawn()
    assert (
        chart.sentence
        == "There is nothing to show, since there is no row of a cohort that began on a Monday and has closed."
    )
    assert chart.table.rows == ()


def test_what_is_drawn_is_valid_vega_lite() -> None:
    hidden = [cohort(RETURN, 0, status="suppressed")]
    for chart in (drawn(*ROWS), drawn(*hidden), drawn(cohort(RETURN, 0, exact=0.0)), drawn()):
        alt.LayerChart.validate(json.loads(json.dumps(chart.spec, allow_nan=False)))
