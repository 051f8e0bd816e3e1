"""What divides a series: the day on which sampling, a setting or what is counted changed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.report.charts_breaks import breaks, within
from jobs.report.charts_cells import windows
from tests.report.site_frames import MONDAY, WEEK, cell, cells

CATALOGUE = load_catalogue()
VISITORS, REVIEWERS = CATALOGUE.metric("dashboard_visitors"), CATALOGUE.metric("reviewers")
NO_CONFIG = pd.DataFrame({"setting": [], "value": [], "valid_from": []})
DAY = pd.Timedelta(days=1)


def _days(*regimes: tuple[str, float, float]) -> pd.DataFrame:
    """Single days from a Monday on, each under a regime."""
    return cells(*(
        cell("dashboard_visitors", start=MONDAY + place * DAY, window_days=1, exact=20.0, sampling_unit=unit,
             sampling_rate_min=low, sampling_rate_max=high)
        for place, (unit, low, high) in enumerate(regimes)
    ))  # fmt: skip


def _told(rows: pd.DataFrame, config: pd.DataFrame = NO_CONFIG) -> list[tuple[str, str]]:
    return [(item.day, item.text) for item in breaks(rows, config, CATALOGUE).of(VISITORS) if item.day < "2026-08-01"]


def test_a_rate_that_changes_within_a_day_changes_on_that_day() -> None:
    found = _days(("pageview", 1, 1), ("pageview", 1, 1), ("mixed", 0.1, 1), ("session", 0.1, 0.1))
    assert _told(found) == [("2026-04-08", "what is kept changed from everything to 10 % of sessions")]


def test_a_rate_that_changes_at_midnight_and_back() -> None:
    found = _days(("session", 0.1, 0.1), ("session", 0.5, 0.5), ("session", 0.1, 0.1))
    assert [day for day, _ in _told(found)] == ["2026-04-07", "2026-04-08"]


def test_everything_by_another_unit_is_a_change_too() -> None:
    found = _days(("pageview", 1, 1), ("session", 1, 1))
    assert _told(found) == [("2026-04-07", "the sampling unit changed from pageview to session")]


def test_a_steady_rate_and_hidden_days_are_no_change() -> None:
    found = _days(*[("session", 0.1, 0.1)] * 3)
    assert _told(found.assign(status="suppressed", estimate=None, lower=None, upper=None)) == []


def test_the_first_value_of_a_setting_is_no_change() -> None:
    lines = [("edits", "100", MONDAY), ("edits", "50", MONDAY + WEEK), ("edits", "50", MONDAY + 2 * WEEK),
             ("model", "damaging", MONDAY)]  # fmt: skip
    config = pd.DataFrame(lines, columns=["setting", "value", "valid_from"])
    assert _told(cells(), config) == [("2026-04-13", "setting edits changed from 100 to 50")]


def test_a_break_of_the_series_concerns_the_metrics_that_follow_its_links() -> None:
    found = breaks(cells(), NO_CONFIG, CATALOGUE)
    of_reviewers, of_visitors = ({item.day for item in found.of(metric)} for metric in (REVIEWERS, VISITORS))
    everything = {f"{item.day}" for item in CATALOGUE.series_breaks if "*" in item.elements}
    assert of_visitors == everything
    assert of_reviewers > everything


def test_what_happens_on_one_day_is_told_once() -> None:
    config = pd.DataFrame({"setting": ["a", "a"], "value": ["1", "2"], "valid_from": [MONDAY, MONDAY + DAY]})
    (one,) = _told(_days(("session", 0.1, 0.1), ("session", 0.5, 0.5)), config)
    assert one[0] == "2026-04-07"
    assert "what is kept" in one[1]
    assert "setting a changed" in one[1]


def _shown(*starts: pd.Timestamp) -> list[str]:
    """The days of changes that lie within weeks: one each day from the first Monday on."""
    weeks = windows(cells(*(cell("dashboard_visitors", start=start, exact=20.0) for start in starts)))
    config: dict[str, list[Any]] = {"setting": [], "value": [], "valid_from": []}
    for place in range(20):
        for name, value in zip(config, ("a", str(place), MONDAY + (place - 1) * DAY), strict=True):
            config[name].append(value)
    found = breaks(cells(), pd.DataFrame(config), CATALOGUE).of(VISITORS)
    return [item.day for item in within(found, weeks.series(VISITORS))]


def test_a_change_on_the_first_day_divides_nothing() -> None:
    assert _shown(MONDAY) == [f"2026-04-{day:02}" for day in range(7, 13)]
    assert _shown() == []
