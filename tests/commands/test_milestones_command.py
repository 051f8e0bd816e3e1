"""The command `milestones`: the table, the JSON, which day, and the exit code."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from jobs.commands.milestones import bar, show_milestones
from jobs.contracts import TABLES
from jobs.errors import UsageError
from jobs.schemas import duckdb_types
from jobs.settings import load_settings
from jobs.warehouse.runs import Warehouse

DAY, NEXT = date(2026, 6, 29), date(2026, 6, 30)
COLUMNS = TABLES["milestone_status"].columns


def row(**more: Any) -> dict[str, Any]:
    return {
        "milestone": "Visitors", "wiki_db": "pilot", "metric": "dashboard_visitors", "window_kind": "rolling",
        "window_days": 7, "target": 2401.0, "due_date": NEXT, "source": "T1", "as_of_date": DAY, "status": "on track",
        "is_overdue": False, "window_start": date(2026, 6, 23), "window_end": DAY, "estimate": 1500.0,
        "lower": 1440.0, "upper": 1560.0, "share_reached": 1500 / 2401, "expected_from": date(2026, 7, 5),
        "expected_to": date(2026, 7, 20), "reason": "It grows.", **more,
    }  # fmt: skip


def publish(folder: Path, *rows: dict[str, Any]) -> Warehouse:
    warehouse = Warehouse(folder)
    types = ", ".join(f"{name} {kind}" for name, kind in duckdb_types(COLUMNS).items())
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.fct_milestone_status ({types})")
        connection.execute(
            "create table marts.fct_metric_values as select unnest([?, ?]::date[]) as as_of_date, 'clicks' as metric",
            [DAY, NEXT],
        )
        for one in rows:
            values = [one.get(name) for name in COLUMNS]
            connection.execute(
                f"insert into marts.fct_milestone_status values ({', '.join('?' * len(values))})", values
            )
    return warehouse


def shown(warehouse: Warehouse, as_of: date | None = None, width: int = 160) -> tuple[str, int]:
    text = io.StringIO()
    code = show_milestones(Console(file=text, width=width), load_settings()[0], warehouse, as_of)
    return text.getvalue(), code


def test_the_table_has_a_bar_and_the_evidence_below(tmp_path: Path) -> None:
    text, code = shown(publish(tmp_path, row(remedy="wait")), DAY)
    assert code == 0
    (line,) = [line for line in text.splitlines() if "█" in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == [
        "Visitors", "pilot", "on track", "██████░░░░ 62 %", "1,500 of 2,401", "2026-06-30",
        "2026-07-05 to 2026-07-20",
    ]  # fmt: skip
    assert "dashboard_visitors, rolling, 2026-06-23 to 2026-06-29: 1,440 to 1,560. It grows." in text
    assert "What helps: wait" in text


def test_on_a_narrow_terminal_there_are_records(tmp_path: Path) -> None:
    text, _ = shown(publish(tmp_path, row()), DAY, width=60)
    assert "expected   2026-07-05 to 2026-07-20" in text.splitlines()
    assert "│" not in text


def test_numbers_without_a_range_are_single_ones(tmp_path: Path) -> None:
    rate = {"target": 0.1, "estimate": 0.08123, "lower": 0.08123, "upper": 0.08123, "expected_to": date(2026, 7, 5)}
    text, _ = shown(publish(tmp_path, row(**rate)), DAY)
    assert "0.0812 of 0.1" in text
    assert "2026-06-29: 0.0812. It grows." in text
    assert "2026-07-05 to" not in text


def test_a_target_that_is_not_known_yet_is_a_question(tmp_path: Path) -> None:
    text, _ = shown(publish(tmp_path, row(target=None, share_reached=None, status="not measurable")), DAY)
    assert "1,500 of ?" in text
    assert "·········· –" in text


def test_an_overdue_milestone_is_told_and_ends_with_one(tmp_path: Path) -> None:
    late = row(milestone="Late", status="behind", is_overdue=True, expected_to=None)
    text, code = shown(publish(tmp_path, row(), late), DAY)
    assert code == 1
    assert "behind, overdue" in text
    assert "not before 2026-07-05" in text


def test_the_newest_day_counts_or_the_newest_up_to_the_asked_one(tmp_path: Path) -> None:
    reached = row(as_of_date=NEXT, status="reached", reached_on=NEXT, expected_from=None, expected_to=None)
    warehouse = publish(tmp_path, row(), reached)
    assert "reached 2026-06-30" in shown(warehouse)[0]
    assert "Milestones as of 2026-06-30" in shown(warehouse, date(2026, 12, 1))[0]
    assert "Milestones as of 2026-06-29" in shown(warehouse, DAY)[0]
    with pytest.raises(UsageError, match="Nothing is published up to 2026-06-01") as caught:
        shown(warehouse, date(2026, 6, 1))
    assert caught.value.next_step == "name a later day: published are 2026-06-29 to 2026-06-30"


def test_json_is_a_list_with_the_columns_of_the_mart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = publish(tmp_path, row(), row(milestone="Late", is_overdue=True, estimate=None, lower=None))
    code = show_milestones(Console(), load_settings()[0], warehouse, DAY, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [one["milestone"] for one in found] == ["Late", "Visitors"]
    assert list(found[0]) == list(COLUMNS)
    assert (found[1]["due_date"], found[1]["target"], found[0]["estimate"]) == ("2026-06-30", 2401.0, None)


def test_without_milestones_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = publish(tmp_path)
    assert shown(warehouse) == ("No milestone as of 2026-06-30: milestones.csv has none.\n", 0)
    assert show_milestones(Console(), load_settings()[0], warehouse, None, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_audience_alone_has_none_and_the_next_command_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = publish(tmp_path)
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute("update marts.fct_metric_values set metric = 'eligible_editors'")
    text, code = shown(warehouse)
    first, then, counted = text.splitlines()
    assert (code, first[:63]) == (0, "No milestone as of 2026-06-30: only an audience is published. W")
    assert then == f"Next: pdmetrics --warehouse {warehouse.place} run --date DAY --input DIR"
    assert "query 'from fct_audience order by" in counted
    assert show_milestones(Console(), load_settings()[0], warehouse, None, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == []
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute("delete from marts.fct_metric_values")  # of another definition there are no values
    for as_of in (None, DAY):
        with pytest.raises(UsageError, match="No number is published yet") as caught:
            shown(warehouse, as_of)
        assert caught.value.next_step == then.removeprefix("Next: ")


def test_nothing_published_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing is published in this warehouse yet"):
        shown(Warehouse(tmp_path))


def test_bounds_are_told_as_what_the_value_is_at_least(tmp_path: Path) -> None:
    text, _ = shown(publish(tmp_path, row(estimate=None, upper=None), row(milestone="None", estimate=None, lower=None)))
    assert text == "No milestone as of 2026-06-30: milestones.csv has none.\n"
    text, _ = shown(Warehouse(tmp_path), DAY)
    assert "at least 1,440 of 2,401" in text
    assert "2026-06-29: 1,440 to …. It grows." in text
    assert "2026-06-23 to 2026-06-29. It grows." in text


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (None, "·········· –"),
        (0.0, "░░░░░░░░░░ 0 %"),
        (0.29, "██░░░░░░░░ 29 %"),
        (0.999, "█████████░ 99 %"),
        (1.0, "██████████ 100 %"),
        (2.5, "██████████ 250 %"),
        (12.5, "██████████ 1,250 %"),
    ],
)
def test_a_bar_is_full_only_where_all_is_there(share: float | None, drawn: str) -> None:
    assert bar(share) == drawn


def test_an_audience_of_a_later_day_moves_only_its_own_milestone(tmp_path: Path) -> None:
    later = date(2026, 7, 31)
    editors = {"milestone": "Editors", "metric": "eligible_editors"}
    both = [row(as_of_date=on, **more) for on in (NEXT, later) for more in ({}, editors)]
    warehouse = publish(tmp_path, *both)
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute("insert into marts.fct_metric_values values (?, 'eligible_editors')", [later])
    text, _ = shown(warehouse)
    assert "Milestones as of 2026-06-30, 2026-07-31" in text
    assert text.count("It grows.") == 2
    assert shown(warehouse, NEXT)[0].split("┏")[0].strip() == "Milestones as of 2026-06-30"
