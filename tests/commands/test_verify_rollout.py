"""The command `verify-rollout` on real tables, without an engine: what it reads, of which run, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from rich.console import Console

from jobs.columns import BIGINT
from jobs.commands.verify_rollout import Wanted, verify_rollout
from jobs.contracts import TABLES
from jobs.errors import UsageError, WarehouseError
from jobs.rollout.read import read_evidence
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.warehouse.home import open_home
from jobs.warehouse.manifest import Run
from jobs.warehouse.publish import publish
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables

SETTINGS = load_settings(None)[0]
HEALTH, MENU = "personal-dashboard-health-metrics", "Personal Dashboard menu link"
WIKIS = """wiki_db,domain,language,pilot,enabled_from,visible_from
frwiki,fr.wikipedia.org,fr,true,2026-03-19,2026-03-20
dewiki,de.wikipedia.org,de,true,2026-03-19,2026-03-20
"""
POLICY = f"""instrument_name,wiki_db,sample_unit,sample_rate,valid_from,valid_to
{HEALTH},*,pageview,1,2026-02-10T00:00:00Z,
"""


def march(day: int) -> date:
    return date(2026, 3, day)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "warehouse")
    found.prepare()
    return found


def filled(name: str, **row: Any) -> dict[str, Any]:
    columns = TABLES[name].columns
    regime = {"wiki_db": "frwiki", "instrument_name": HEALTH, "sample_unit": "pageview", "sample_rate": 1.0}
    base = {**{column: 0 for column, kind in columns.items() if kind == BIGINT}, **regime, **row}
    return {column: base.get(column) for column in columns}


def day_of(day: int, n_loads: int, n_menu: int, without_hour: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """Rows of a day in which the wiki had so many loads and impressions of the menu link."""
    on = {"event_date": march(day)}
    log = [
        {**on, "event_hour": hour, "fate": "missing_hour" if hour == without_hour else "kept", "reason": None,
         "n_lines": 0}
        for hour in range(24)
    ]  # fmt: skip
    audit = {"declared_rate": 1.0, "n_ids": n_loads, "largest_fraction": 0.99, "verdict": "as declared"}
    return {
        "ingest_log": log,
        "baseline_daily": [filled("baseline_daily", **on, n_loads=n_loads, n_events=n_loads, n_sessions=n_loads)],
        "sampling_audit": [filled("sampling_audit", **on, **audit)],
        "engagement_daily": [
            filled("engagement_daily", **on, element_friendly_name=element, n_impressions=n)
            for element, n in ((MENU, n_menu), ("Personal Dashboard diff link", 7))
        ],
    }


def staged(warehouse: Warehouse, *days: dict[str, list[dict[str, Any]]], first: int, state: str = "failed") -> Run:
    tables = Tables(open_home({}, warehouse.path)[0])
    tables.ensure_tables()
    run = warehouse.new_run(march(first), march(first + len(days)), "in")
    (warehouse.reference(run.run_id) / "wikis.csv").write_text(WIKIS)
    (warehouse.reference(run.run_id) / "sampling_policy.csv").write_text(POLICY)
    for name in ("ingest_log", "baseline_daily", "sampling_audit", "engagement_daily"):
        rows = pa.Table.from_pylist(
            [row for day in days for row in day[name]], schema=arrow_schema(TABLES[name].columns)
        )
        tables.branch(name, run.run_id)
        tables.table(name).append(rows, branch=run.run_id)
    if state == "published":
        publish(tables, warehouse, run)
    else:
        run.state = state
        warehouse.save(run)
    return run


Verify = Callable[..., tuple[int, str]]


@pytest.fixture
def verify(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> Verify:
    def run(
        wiki: str = "frwiki", as_of: int | None = None, expected: float | None = None, as_json: bool = False
    ) -> Any:
        text = StringIO()
        capsys.readouterr()  # what publishing has logged
        wanted = Wanted(wiki, None if as_of is None else march(as_of), expected)
        code = verify_rollout(Console(file=text, width=200), SETTINGS, warehouse, wanted, as_json=as_json)
        return code, capsys.readouterr().out if as_json else text.getvalue()

    return run


def test_a_right_rollout_ends_with_0_and_is_live(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 0, 0), day_of(20, 40, 9), day_of(21, 30, 9), first=19, state="published")
    code, text = verify(expected=40)
    assert code == 0
    assert "frwiki: LIVE. open: measurable now" in text
    assert "Rollout of frwiki as of 2026-03-21, as published" in text
    assert "rolling 7: 2026-03-27" in text


def test_json_is_one_object_with_the_same_lines(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 2, 0), day_of(20, 40, 9), first=19, state="published")
    code, text = verify(as_json=True)
    card = json.loads(text)
    assert (code, card["verdict"], card["as_of"], card["visible_from"]) == (0, "live", "2026-03-20", "2026-03-20")
    assert [(line["what"], line["verdict"]) for line in card["lines"]] == [
        ("input", "ok"), ("menu link before display", "ok"), ("loads before display", "open"), ("first event", "ok"),
        ("first load", "ok"), ("sampling", "ok"), ("volume", "open"), ("measurable now", "open"),
    ]  # fmt: skip
    assert {"metric": "retention_day_1", "closes": "2026-03-21", "publishable": "2026-03-22"}.items() <= {
        key: value
        for window in card["windows"]
        if window["metric"] == "retention_day_1"
        for key, value in window.items()
    }.items()


def test_a_published_leak_is_wrong_and_the_other_links_are_none(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 0, 3), day_of(20, 40, 9), first=19, state="published")
    code, text = verify()
    assert code == 1
    assert "3 impressions on 2026-03-19" in text


def test_what_a_gate_stopped_is_read_as_it_was_staged(warehouse: Warehouse, verify: Verify) -> None:
    """The gate stops a leaking day, so what is published cannot show it."""
    staged(warehouse, day_of(19, 0, 0), first=19, state="published")
    run = staged(warehouse, day_of(20, 40, 0, without_hour=13), first=20)
    found = read_evidence(SETTINGS, warehouse, "frwiki", None)
    assert (found.as_of, found.source) == (march(20), f"as {run.run_id} staged it")
    assert found.missing_hours == {march(19): (), march(20): (13,)}
    assert [row.n_loads for row in found.loads] == [0, 40]
    assert found.hold_up == f"a gate stopped {run.run_id} of 2026-03-20"
    before = read_evidence(SETTINGS, warehouse, "frwiki", march(19))
    assert (before.source, before.hold_up, list(before.missing_hours)) == ("as published", None, [march(19)])


SAID = """event_date,gate,check_id,subject,severity,success,message
2026-03-20,raw,menu_link_before_visible,frwiki,critical,False,frwiki is bad
2026-03-20,raw,sampling_rate_higher,dewiki / x,critical,False,dewiki is bad
2026-03-20,raw,loads_before_visible,frwiki,warning,False,a warning
2026-03-20,raw,wiki_has_events,frwiki,critical,True,all is well
"""


def test_a_run_that_left_no_facts_still_says_what_its_gate_found(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 0, 0), first=19, state="published")
    run = warehouse.new_run(march(20), march(22), "in")
    run.state, run.lines_read = "failed", {march(20): 5, march(21): 0}
    warehouse.save(run)
    (warehouse.folder(run.run_id) / "gate_raw.csv").write_text(SAID)
    for name, text in (("wikis.csv", WIKIS.replace("-20\n", "-21\n")), ("sampling_policy.csv", POLICY)):
        (warehouse.reference(run.run_id) / name).write_text(text)
    found = read_evidence(SETTINGS, warehouse, "frwiki", None)
    assert (found.as_of, found.source, list(found.missing_hours)) == (march(20), "as published", [march(19)])
    assert [check.message for check in found.failed] == ["frwiki is bad"]
    assert (found.hold_up or "").endswith("of 2026-03-20 to 2026-03-21: frwiki is bad and 1 more")
    code, text = verify(as_json=True)
    lines = {line["what"]: line for line in json.loads(text)["lines"]}
    assert (code, lines["menu link before display"]["verdict"]) == (1, "wrong")
    assert "1 of 2 days, the last 2026-03-20; without 2026-03-20" in lines["input"]["found"]
    assert verify("dewiki")[0] == 0


def test_a_first_run_that_leaks_is_told_although_nothing_is_published(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 0, 3), first=19)
    code, text = verify()
    assert code == 1
    assert "frwiki: WRONG. wrong: menu link before display" in text


def test_an_open_run_is_nobodys_business(warehouse: Warehouse) -> None:
    staged(warehouse, day_of(19, 0, 0), first=19, state="published")
    staged(warehouse, day_of(20, 40, 0), first=20, state="open")
    assert read_evidence(SETTINGS, warehouse, "frwiki", None).as_of == march(19)


def test_a_silent_wiki_is_wrong(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 0, 0), day_of(20, 40, 9), first=19, state="published")
    code, text = verify("dewiki")
    assert code == 1
    assert "dewiki: WRONG. wrong: first event" in text


def test_a_count_of_editors_that_a_gate_stopped_holds_no_day_up(warehouse: Warehouse, verify: Verify) -> None:
    staged(warehouse, day_of(19, 0, 0), day_of(20, 40, 9), first=19, state="published")
    stopped = warehouse.new_run(march(20), march(21), "history")
    stopped.state, stopped.is_audience = "failed", True
    warehouse.save(stopped)
    code, text = verify()
    assert code == 0
    assert "a gate stopped" not in text


def metric_values(warehouse: Warehouse, *rows: str) -> None:
    """Publish marts with these rows of metric values, each the values of its columns in SQL."""
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute(
            "create schema marts; create table marts.fct_metric_values (metric text, wiki_db text, window_kind text,"
            " window_days int, as_of_date date, edit_count_bucket text, inference text, status text,"
            f" status_reason text); insert into marts.fct_metric_values values ({'), ('.join(rows)})"
        )


def test_metrics_say_their_best_newest_status(warehouse: Warehouse) -> None:
    staged(warehouse, day_of(19, 0, 0), day_of(20, 40, 9), day_of(21, 40, 9), first=19, state="published")
    row = "'{}', 'frwiki', '{}', 1, date '2026-03-{}', 'all', '{}', '{}', 'why {}'"
    band = row.replace("'all'", "'100-500'")
    said = [
        row.format("link_clicks", "rolling", 20, "realised", "publish", "old"),
        row.format("link_clicks", "rolling", 21, "realised", "suppressed", "a"),
        row.format("link_clicks", "rolling", 21, "realised", "caution", "b"),
        row.format("link_clicks", "rolling", 21, "process", "publish", "c"),
        row.format("link_clicks", "rolling", 22, "realised", "publish", "d"),
        band.format("link_clicks", "rolling", 21, "realised", "publish", "e"),
        band.format("eligible_editors", "rolling", 20, "realised", "publish", "f"),
    ]
    metric_values(warehouse, *said)
    found = read_evidence(SETTINGS, warehouse, "frwiki", march(21)).rows
    newest, audience = sorted(found, key=lambda row: row.metric, reverse=True)
    assert (audience.metric, audience.as_of_date, audience.status) == ("eligible_editors", march(20), "publish")
    assert (newest.as_of_date, newest.status, newest.reason) == (march(21), "caution", "why b")


def test_an_audience_newer_than_the_events_is_read_up_to_the_day_that_is_asked_for(warehouse: Warehouse) -> None:
    """Dumps reach to other days than events: without a day the newest count stands, with one none of a later day."""
    staged(warehouse, day_of(20, 40, 9), day_of(21, 40, 9), first=20, state="published")
    row = "'{}', '{}', 'rolling', 28, date '2026-03-{}', '{}', 'realised', '{}', ''"
    metric_values(
        warehouse,
        row.format("eligible_editors", "frwiki", 20, "100-500", "suppressed"),
        row.format("eligible_editors", "frwiki", 28, "100-500", "publish"),
        row.format("eligible_editors", "dewiki", 29, "100-500", "publish"),
        row.format("two_day_review_rate", "frwiki", 21, "all", "caution"),
        row.format("two_day_review_rate", "frwiki", 28, "all", "publish"),  # of days that no run has published
    )
    for as_of, editors in ((None, (march(28), "publish")), (march(21), (march(20), "suppressed"))):
        found = read_evidence(SETTINGS, warehouse, "frwiki", as_of)
        assert found.as_of == march(21), "the card is of the events' last day"
        shown = {row.metric: (row.as_of_date, row.status) for row in found.rows}
        assert shown == {"eligible_editors": editors, "two_day_review_rate": (march(21), "caution")}


def test_what_cannot_be_answered_says_what_there_is(warehouse: Warehouse, verify: Verify) -> None:
    with pytest.raises(WarehouseError, match="Nothing has been ingested"):
        verify()
    staged(warehouse, day_of(19, 0, 0), first=19, state="open")
    with pytest.raises(UsageError, match="No day is published"):
        verify()
    staged(warehouse, day_of(19, 0, 0), first=19, state="published")
    with pytest.raises(UsageError, match="There is no wiki 'frwikki'") as unknown:
        verify("frwikki")
    assert unknown.value.next_step == "there are dewiki, frwiki"
    with pytest.raises(UsageError, match="Nothing of 2026-03-20 is ingested") as absent:
        verify(as_of=20)
    assert "between 2026-03-19 and 2026-03-19" in absent.value.next_step
