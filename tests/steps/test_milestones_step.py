"""`milestone_status` on a lake: which days are judged again, so that any order of runs leaves the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jobs.contracts import TABLES
from jobs.engine.session import SPARK, Engine, open_engine
from jobs.reference.load import Reference
from jobs.reference.rows import MilestoneRow
from jobs.steps.milestones import stage_milestones
from jobs.warehouse.catalog import catalog_properties
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.windows import DAY, days
from tests.conftest import ENGINE, engine_settings
from tests.references import BEGIN, policy_row, reference, wiki_row

pytestmark = pytest.mark.on_spark
FIRST, END = date(2026, 3, 2), date(2026, 3, 26)
DIP = FIRST + timedelta(days=10)
VISITORS = MilestoneRow("Visitors", "idwiki", "dashboard_visitors", "rolling", 7, 100.0, date(2026, 3, 20), "a test")
BACK = replace(VISITORS, milestone="Come back", metric="two_week_return_rate", window_kind="cohort", window_days=14)
LOADS = replace(VISITORS, milestone="Loads", metric="dashboard_pageviews")
KNOWN = replace(reference(policy_row(), wikis=[wiki_row("idwiki", BEGIN)]), milestones=(VISITORS, LOADS, BACK))


@pytest.fixture
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    """A lake of its own; Spark opens one catalog for life, so there with an engine of its own."""
    if ENGINE == SPARK:
        properties = catalog_properties({}, tmp_path)
        with open_engine(engine_settings(), tmp_path / "scratch", catalog=properties) as engine:
            yield _empty(engine, tmp_path)
    else:
        yield _empty(request.getfixturevalue("engine"), tmp_path)


def _empty(engine: Engine, folder: Path) -> Lake:
    lake = Lake(engine, open_home({}, folder)[0])
    lake.ensure_tables()
    return lake


def visitors(day: date, metric: str = "dashboard_visitors") -> dict[str, Any]:
    """120 of 100 visitors, but for one window."""
    n = 90.0 if day == DIP else 120.0
    row = {
        "metric": metric, "metric_version": 1, "wiki_db": "idwiki", "window_kind": "rolling",
        "metric_date": day - 6 * DAY, "as_of_date": day, "window_days": 7, "element_friendly_name": "all",
        "client_platform_family": "all", "edit_count_bucket": "all", "inference": "realised", "estimate": n,
        "lower": n, "upper": n, "status": "publish", "status_reason": "", "is_complete": True,
    }  # fmt: skip
    return {column: row.get(column) for column in TABLES["metric_values"].columns}


def count_editors(lake: Lake, run_id: str, of_days: Sequence[date], known: Reference) -> None:
    """Stage an audience of 200 or 300 editors, and the milestones after it, as `audience` does."""
    rows = [
        visitors(day, "eligible_editors") | {
            "window_days": 28, "metric_date": day - 27 * DAY, "edit_count_bucket": "100-500",
            **dict.fromkeys(("estimate", "lower", "upper"), 300.0 if day == DIP else 200.0),
        } for day in of_days
    ]  # fmt: skip
    lake.stage_pandas("audience_values", pd.DataFrame(rows), run_id, of_days)
    stage_milestones(lake, known, run_id, of_days)


def stage(lake: Lake, run_id: str, of_days: Sequence[date]) -> None:
    """Stage the numbers of some days, and the milestones after them."""
    rows = [visitors(day, metric) for day in of_days for metric in ("dashboard_visitors", "dashboard_pageviews")]
    lake.stage_pandas("metric_values", pd.DataFrame(rows), run_id, of_days)
    stage_milestones(lake, KNOWN, run_id, of_days)


def states(lake: Lake, run_id: str | None = None, of: MilestoneRow = VISITORS) -> dict[date, tuple[Any, ...]]:
    """By day, how a milestone stands, when it was reached, whether it is overdue."""
    found = lake.arrow_days("milestone_status", days(FIRST, END), run_id).to_pylist()
    return {
        row["as_of_date"]: (row["status"], row["reached_on"], row["is_overdue"])
        for row in found
        if row["milestone"] == of.milestone
    }


def test_a_day_that_comes_late_changes_the_days_after_it(lake: Lake) -> None:
    stage(lake, "run_1", [day for day in days(FIRST, END) if day != DIP])
    lake.publish("run_1")
    reached = FIRST + timedelta(days=7)
    assert states(lake)[END - DAY] == ("reached", reached, False)
    stage(lake, "run_2", [DIP])
    assert states(lake, "run_2")[END - DAY] == ("reached", reached, False), "which it was before the late day"
    assert DIP not in states(lake), "nothing is published by staging"


def test_any_order_of_runs_leaves_the_same_rows(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> None:
    every = days(FIRST, END)
    for number, part in enumerate((every[12:], every[5:11], every[:5], every[11:12], every[3:8])):
        stage(lake, f"run_{number}", part)
        lake.publish(f"run_{number}")
    found = lake.arrow_days("milestone_status", every).sort_by(
        [("as_of_date", "ascending"), ("milestone", "ascending")]
    )
    stage(lake, "at_once", every)
    whole = lake.arrow_days("milestone_status", every, "at_once")
    assert whole.sort_by([("as_of_date", "ascending"), ("milestone", "ascending")]).equals(found)
    assert found.num_rows == 3 * len(every)
    assert states(lake) == states(lake, of=LOADS), "which are as many"
    assert {status for status, *_ in states(lake, of=BACK).values()} == {"not measurable"}, "of which there is no row"


def test_an_audience_that_is_counted_before_or_after_the_days_leaves_the_same_rows(lake: Lake) -> None:
    share = replace(VISITORS, milestone="Share", target="50% of eligible_editors")
    known = replace(KNOWN, milestones=(share, VISITORS))
    every, measured = days(FIRST, END), days(FIRST + 5 * DAY, END)
    order = [("as_of_date", "ascending"), ("milestone", "ascending")]
    found = []
    for name, parts in (("before", "acb"), ("after", "bca")):
        for part in parts:
            run_id = f"{name}_{part}"
            if part == "b":
                rows = [visitors(day) for day in measured]
                lake.stage_pandas("metric_values", pd.DataFrame(rows), run_id, measured)
                stage_milestones(lake, known, run_id, measured)
            else:
                count_editors(lake, run_id, [FIRST + DAY] if part == "a" else [DIP], known)
            lake.publish(run_id)
        found.append(lake.arrow_days("milestone_status", every).sort_by(order))
        for table in ("metric_values", "audience_values", "milestone_status"):
            empty = lake.arrow_days(table, [])
            lake.stage_pandas(table, empty.to_pandas(), f"{name}_gone", every)
        lake.publish(f"{name}_gone")
    assert found[0].equals(found[1])
    targets = {row["as_of_date"]: row["target"] for row in found[0].to_pylist() if row["milestone"] == "Share"}
    assert sorted(targets) == [FIRST + DAY, *measured]
    assert [targets[day] for day in (FIRST + DAY, DIP - DAY, DIP)] == [100.0, 100.0, 150.0]


def test_the_milestone_of_editors_is_not_measurable_until_they_are_counted(lake: Lake) -> None:
    editors = MilestoneRow("Editors", "idwiki", "eligible_editors", "rolling", 28, 300.0, date(2026, 4, 7), "a test")
    known, day = replace(KNOWN, milestones=(editors,)), DIP + DAY
    lake.stage_pandas("metric_values", pd.DataFrame([visitors(day)]), "run_1", [day])
    stage_milestones(lake, known, "run_1", [day])
    lake.publish("run_1")
    assert states(lake, of=editors)[day] == ("not measurable", None, False)
    count_editors(lake, "run_2", [DIP], known)
    assert states(lake, "run_2", of=editors)[day] == ("reached", DIP, False), "300 of 300, as of the day before"


def test_without_milestones_there_are_no_rows_and_old_ones_of_these_days_go(lake: Lake) -> None:
    stage(lake, "run_1", [FIRST, FIRST + DAY])
    lake.publish("run_1")
    stage_milestones(lake, replace(KNOWN, milestones=()), "run_2", [FIRST + DAY])
    assert set(states(lake, "run_2")) == {FIRST}


def test_a_gap_that_is_filled_with_a_low_day_takes_back_what_looked_reached(lake: Lake) -> None:
    late = [day for day in days(FIRST, END) if day > DIP - 3 * DAY and day != DIP]
    stage(lake, "run_1", late)
    lake.publish("run_1")
    assert states(lake)[DIP + 5 * DAY] == ("reached", DIP + 5 * DAY, False), "a week after the first"
    stage(lake, "run_2", [DIP])
    lake.publish("run_2")
    assert states(lake)[DIP + 5 * DAY][0] == "on track", "the low day between the two begins the count anew"
    assert states(lake)[DIP + 8 * DAY] == ("reached", DIP + 8 * DAY, False)
