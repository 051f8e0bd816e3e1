"""What a run does with a gate's verdict: record it, tell it, stop. Real tables, no engine; profiles are stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pandas as pd
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from expectations.checks import CRITICAL
from expectations.gate import COLUMNS, Failure, GateResult
from expectations.thresholds import Thresholds, load_thresholds
from jobs.errors import GateError
from jobs.quality.facts_profile import TABLES
from jobs.quality.history_frames import HISTORY_TABLES
from jobs.settings import Settings, load_settings
from jobs.steps import gates
from jobs.steps.companion import Companion
from jobs.steps.gates import facts_gate, marts_gate, record_ending, require_others_stay, thresholds
from jobs.steps.job import Job
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import Run
from jobs.warehouse.publish import clean_up
from jobs.warehouse.publish import publish as publish_run
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import MAIN
from jobs.warehouse.verdicts import QUALITY_TABLE

DAY, NEXT, LATER = date(2026, 3, 19), date(2026, 3, 20), date(2026, 3, 21)
WARNING = "warning"


class EnginelessLake(Lake):
    """A lake that stages and reads small tables past the engine, and says what frames it was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(cast(Any, SimpleNamespace(is_embedded=True)), open_home({}, folder)[0])
        self.ensure_tables()

    def read_days(self, name: str, days: Sequence[date], run_id: str | None = None) -> Any:
        return name, list(days), run_id


@dataclass
class Here:
    """A companion in this process; it remembers what it was asked."""

    asked: list[tuple[Any, ...]]

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.asked.append((function, *arguments, named))
        return function(*arguments, **named)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.prepare()
    run = warehouse.new_run(DAY, LATER, "in")
    run.changed, run.as_of, run.lines_read = [DAY, NEXT], [NEXT, LATER], {DAY: 12, NEXT: 0}
    companion = cast(Companion, Here([]))
    monkeypatch.setattr(Job, "reference", property(lambda self: f"what {self.run.run_id} froze"))
    monkeypatch.setattr(gates, "facts_profile", lambda frames, **known: {"profiled": (frames, known)})
    monkeypatch.setattr(gates, "marts_profile", lambda file, **known: {"profiled": (file, known)})
    monkeypatch.setattr(gates, "past_profiles", lambda lake, known, reference, judged, *days: {"past": (judged, *days)})
    monkeypatch.setattr(gates, "marts_changes", lambda new, live, **known: {"changes": (new, live, known)})
    return Job(EnginelessLake(warehouse.path), warehouse, settings(), Console(), run, companion)


def settings(*overrides: str) -> Settings:
    return load_settings(None, overrides)[0]


def verdict(gate: str, day: date, check: str, *, success: bool = True, severity: str = CRITICAL) -> dict[str, Any]:
    message = "" if success else f"{check} of {day}"
    return {
        "event_date": day, "gate": gate, "check_id": check, "subject": "all", "severity": severity,
        "success": success, "observed": "3", "expected": "4", "message": message,
    }  # fmt: skip


def judged(monkeypatch: pytest.MonkeyPatch, gate: str, *verdicts: dict[str, Any]) -> None:
    """Have the gate come to these verdicts."""
    bad = [row for row in verdicts if not row["success"]]
    failures = [
        Failure(row["check_id"], "fates", row["subject"], row["event_date"], row["severity"], row["message"],
                row["observed"], row["expected"], "pdmetrics doctor")
        for row in bad
    ]  # fmt: skip
    result = GateResult(gate, pd.DataFrame(list(verdicts), columns=COLUMNS), failures)
    monkeypatch.setattr(gates, "run_gate", lambda *_, **__: result)


def recorded(lake: Lake, run_id: str | None = None) -> list[tuple[date, str, str, bool]]:
    return [row[:4] for row in attempts(lake, run_id)]


def attempts(lake: Lake, run_id: str | None = None) -> list[tuple[Any, ...]]:
    """What is recorded, with run and attempt."""
    rows = lake.arrow_days(QUALITY_TABLE, [DAY, NEXT, LATER], run_id).to_pylist()
    columns = ("event_date", "gate", "check_id", "success", "run_id", "attempt")
    return sorted((tuple(row[column] for column in columns) for row in rows), key=str)


def publish(job: Job, *verdicts: dict[str, Any]) -> None:
    """Let an earlier version, which noted no run, have recorded this."""
    days = sorted({row["event_date"] for row in verdicts})
    noted = [{**row, "run_id": None, "attempt": None} for row in verdicts]
    job.lake.stage_pandas(QUALITY_TABLE, pd.DataFrame(noted), "run_before", days)
    job.lake.publish("run_before")


def written(run: Run, warehouse: Warehouse, gate: str) -> list[tuple[str, bool]]:
    rows = pd.read_csv(warehouse.folder(run.run_id) / f"gate_{gate}.csv")
    assert list(rows.columns) == list(COLUMNS)
    return list(zip(rows["check_id"], rows["success"], strict=True))


# --- Thresholds


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "thresholds.toml"
    path.write_text(
        """
        [[thresholds]]
        valid_from = 2026-01-01
        max_quarantine_share = 0.2
        max_duplicate_share = 0.3
        max_clock_skew_share = 0.4
        max_missing_hours = 2
        min_ks_p_value = 0.5
        max_published_changes = 0
        max_missing_keys = 0
        max_publish_fall = 0.3
        max_not_measured_rise = 0.3
        [[thresholds]]
        valid_from = 2026-03-20
        max_quarantine_share = 0.1
        """,
        encoding="utf-8",
    )
    return path


def shares(found: Thresholds) -> list[float]:
    return [found.on(day)["max_quarantine_share"] for day in (DAY, NEXT)]


def test_a_share_that_is_not_set_is_the_files(file: Path) -> None:
    assert thresholds(settings()) == load_thresholds()
    found = thresholds(settings(f"quality.thresholds_file={file}", "privacy.min_users=20"))
    assert shares(found) == [0.2, 0.1]
    assert found.min_users == 20, "verdicts hide what the marts hide"


def test_another_setting_of_the_section_does_not_set_it(file: Path) -> None:
    found = thresholds(settings(f"quality.thresholds_file={file}", "ingest.dedup_lookback_days=3"))
    assert shares(found) == [0.2, 0.1]


@pytest.mark.parametrize("share", [0.0, 0.07, 1.0, pytest.param(0.05, id="the default")])
def test_a_share_that_is_set_holds_on_every_day(file: Path, share: float) -> None:
    found = thresholds(settings(f"quality.thresholds_file={file}", f"ingest.max_quarantine_share={share}"))
    assert shares(found) == [share, share]
    assert found.on(DAY)["max_duplicate_share"] == 0.3


def test_the_environment_sets_it_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDMETRICS_INGEST__MAX_QUARANTINE_SHARE", "0.07")
    assert shares(thresholds(settings(f"quality.thresholds_file={file}"))) == [0.07, 0.07]


# --- The facts gate


def test_the_staged_facts_of_the_changed_days_are_judged(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, "facts", verdict("facts", DAY, "a"))
    facts_gate(job)
    ((function, name, profiles, limits, named),) = cast(Any, job.companion).asked
    assert (function, name, limits) == (gates.run_gate, "facts", load_thresholds())
    assert named == {"days": [DAY, NEXT], "run": job.run.run_id, "docs_dir": job.warehouse.data_docs}
    judged_tables, days, seen_by = profiles["past"]
    assert seen_by == job.run.run_id, "which may have staged the days before"
    assert (set(judged_tables), days) == (set(HISTORY_TABLES), [DAY, NEXT])
    frames, known = profiles["profiled"]
    assert frames == {name: (name, [DAY, NEXT], job.run.run_id) for name in TABLES}
    assert known == {
        "days": [DAY, NEXT], "reference": f"what {job.run.run_id} froze", "lines_read": {DAY: 12, NEXT: 0},
    }  # fmt: skip


def test_a_gate_that_passes_stages_its_rows_beside_those_of_others(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [
        verdict("facts", DAY, "before"), verdict("marts", DAY, "kept"), verdict("facts", LATER, "another day"),
    ]  # fmt: skip
    publish(job, *before)
    judged(monkeypatch, "facts", verdict("facts", DAY, "a"), verdict("facts", NEXT, "a"))
    for _ in range(2):  # a gate that is run again says the same
        with capture_logs() as told:
            facts_gate(job)
        assert attempts(job.lake, job.run.run_id) == [
            (DAY, "facts", "a", True, job.run.run_id, 1),
            (DAY, "facts", "before", True, None, None),
            (DAY, "marts", "kept", True, None, None),
            (NEXT, "facts", "a", True, job.run.run_id, 1),
            (LATER, "facts", "another day", True, None, None),
        ]
    assert [row[2] for row in recorded(job.lake)] == ["before", "kept", "another day"], "nothing is published yet"
    (line,) = told
    assert (line["event"], line["gate"], line["checks"], line["warnings"]) == ("gate passed", "facts", 1, 0)
    assert written(job.run, job.warehouse, "facts") == [("a", True), ("a", True)]


def test_a_critical_failure_stops_the_run_and_leaves_its_verdicts(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(job, verdict("facts", DAY, "before"), verdict("marts", DAY, "kept"))
    judged(
        monkeypatch, "facts",
        verdict("facts", DAY, "good"), verdict("facts", DAY, "bad", success=False),
        verdict("facts", NEXT, "odd", success=False, severity=WARNING),
    )  # fmt: skip
    with capture_logs() as told, pytest.raises(GateError, match="bad of 2026-03-19") as stopped:
        facts_gate(job)
    assert "odd of" not in str(stopped.value), "a warning stops nothing"
    assert f"where: {job.warehouse.folder(job.run.run_id) / 'gate_facts.csv'}" in str(stopped.value)
    assert written(job.run, job.warehouse, "facts") == [("good", True), ("bad", False), ("odd", False)]
    assert attempts(job.lake) == [
        (DAY, "facts", "bad", False, job.run.run_id, 1),
        (DAY, "facts", "before", True, None, None),
        (DAY, "facts", "good", True, job.run.run_id, 1),
        (DAY, "marts", "kept", True, None, None),
        (NEXT, "facts", "odd", False, job.run.run_id, 1),
    ]
    assert set(job.lake.refs(QUALITY_TABLE)) == {MAIN}
    assert Warehouse(job.warehouse.path).newest_run(DAY, LATER) == job.run
    assert job.run.state == "failed", "nobody goes on with it"
    assert [(line["log_level"], line["event"]) for line in told] == [
        ("error", "bad of 2026-03-19"), ("warning", "odd of 2026-03-20"),
    ]  # fmt: skip
    assert "bad: saw 3, allowed 4; look: pdmetrics doctor" in str(stopped.value)


def test_warnings_are_told_and_recorded_and_pass(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = [verdict("facts", day, "odd", success=False, severity=WARNING) for day in (DAY, NEXT)]
    judged(monkeypatch, "facts", *odd, verdict("facts", DAY, "good"))
    with capture_logs() as told:
        facts_gate(job)
    assert [(line["log_level"], line["event"], line.get("cause")) for line in told] == [
        ("warning", "odd of 2026-03-19", "facts/odd/all"),
        ("warning", "odd of 2026-03-20", "facts/odd/all"),
        ("info", "gate passed", None),
    ]
    assert (told[-1]["checks"], told[-1]["warnings"]) == (2, 2)
    assert (DAY, "facts", "odd", False) in recorded(job.lake, job.run.run_id)


def test_a_gate_with_nothing_to_say_passes(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, "facts")
    facts_gate(job)
    assert set(job.lake.refs(QUALITY_TABLE)) == {MAIN}
    assert written(job.run, job.warehouse, "facts") == []


def test_what_could_not_be_checked_did_not_pass(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "facts_profile", lambda frames, **known: {})  # judged by the gate itself
    with pytest.raises(GateError, match="the facts gate failed, nothing was published"):
        facts_gate(job)
    assert {success for _, success in written(job.run, job.warehouse, "facts")} == {False}
    assert {row[3] for row in attempts(job.lake)} == {False}


def again(job: Job) -> Job:
    """The same days, run again after what an unfinished run left was dropped."""
    clean_up(job.lake, job.warehouse)
    run = job.warehouse.new_run(DAY, LATER, "in")
    run.changed, run.as_of, run.lines_read = job.run.changed, job.run.as_of, job.run.lines_read
    return replace(job, run=run)


def test_verdicts_of_a_failed_run_stay_when_its_days_are_run_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, "facts", verdict("facts", DAY, "a", success=False))
    with pytest.raises(GateError):
        facts_gate(job)
    judged(monkeypatch, "facts", verdict("facts", DAY, "a"))
    second = again(job)
    assert second.run.run_id == job.run.run_id, "a number comes again where nothing was published"
    facts_gate(second)
    publish_run(second.lake, second.warehouse, second.run)
    judged(monkeypatch, "facts", verdict("facts", DAY, "a", success=False), verdict("facts", NEXT, "b"))
    third = again(second)
    with pytest.raises(GateError):
        facts_gate(third)
    assert attempts(job.lake) == [
        (DAY, "facts", "a", False, job.run.run_id, 1),
        (DAY, "facts", "a", False, third.run.run_id, 3),
        (DAY, "facts", "a", True, second.run.run_id, 2),
        (NEXT, "facts", "b", True, third.run.run_id, 1),
    ]
    assert third.run.run_id != second.run.run_id


# --- The marts gate


def build(job: Job, *verdicts: dict[str, Any]) -> None:
    """Build a marts file that shows these verdicts."""
    file = job.warehouse.next_marts
    file.parent.mkdir()
    with duckdb.connect(str(file)) as connection:
        connection.register("shown", pd.DataFrame(list(verdicts), columns=list(COLUMNS)))
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.fct_data_quality as"
            " select *, cast(null as text) as run_id, cast(null as int) as attempt, true as is_latest from shown"
        )


def shown(job: Job) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(job.warehouse.next_marts), read_only=True) as connection:
        rows = connection.execute(
            "select cast(event_date as date), gate, check_id, success, run_id, attempt, is_latest"
            " from marts.fct_data_quality"
        ).fetchall()
    return sorted(rows, key=str)


BUILT = (
    verdict("facts", NEXT, "kept"), verdict("marts", NEXT, "before"), verdict("marts", DAY, "another day"),
)  # fmt: skip


def test_the_built_marts_are_judged_and_show_their_own_verdict(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    build(job, *BUILT)
    publish(job, *BUILT)
    judged(monkeypatch, "marts", verdict("marts", NEXT, "b"), verdict("marts", LATER, "b"))
    expected = [
        (DAY, "marts", "another day", True, None, None, True),
        (NEXT, "facts", "kept", True, None, None, True),
        (NEXT, "marts", "b", True, job.run.run_id, 1, True),
        (NEXT, "marts", "before", True, None, None, False),
        (LATER, "marts", "b", True, job.run.run_id, 1, True),
    ]
    for _ in range(2):  # a step that is run again says the same
        marts_gate(job)
        assert shown(job) == expected
        assert attempts(job.lake, job.run.run_id) == [row[:-1] for row in expected], "the lake says what the marts say"
    _, name, profiles, _, named = cast(Any, job.companion).asked[-1]
    assert name == "marts"
    assert named == {"days": [NEXT, LATER], "run": job.run.run_id, "docs_dir": job.warehouse.data_docs}
    new, live, said = profiles["changes"]
    assert (new, live) == (job.warehouse.next_marts, job.warehouse.marts)
    assert said == {"as_of": [NEXT, LATER], "changed": [DAY, NEXT], "removed": []}
    file, known = profiles["profiled"]
    assert (file, known["as_of"]) == (job.warehouse.next_marts, [NEXT, LATER])
    assert written(job.run, job.warehouse, "marts") == [("b", True), ("b", True)]


def test_both_gates_of_a_run_are_recorded(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    build(job, *BUILT)
    judged(monkeypatch, "facts", verdict("facts", NEXT, "a"))
    facts_gate(job)
    judged(monkeypatch, "marts", verdict("marts", NEXT, "b"))
    marts_gate(job)
    assert recorded(job.lake, job.run.run_id) == [(NEXT, "facts", "a", True), (NEXT, "marts", "b", True)]


def test_marts_that_fail_are_left_as_they_are(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    build(job, *BUILT)
    judged(monkeypatch, "facts", verdict("facts", NEXT, "good"))
    facts_gate(job)
    before = shown(job)
    judged(monkeypatch, "marts", verdict("marts", NEXT, "bad", success=False))
    with pytest.raises(GateError, match="the marts gate failed"):
        marts_gate(job)
    assert shown(job) == before
    assert written(job.run, job.warehouse, "marts") == [("bad", False)]
    assert attempts(job.lake) == [
        (NEXT, "facts", "good", True, job.run.run_id, 1), (NEXT, "marts", "bad", False, job.run.run_id, 1),
    ], "what the run was told before is kept with it"  # fmt: skip


# --- Row rules of dbt


def test_row_rules_that_stop_a_run_are_kept_and_told(job: Job) -> None:
    with capture_logs() as told:
        record_ending(job, GateError("The marts are not fit to publish: 1 of 90 steps failed.\n- a key is twice"))
    assert recorded(job.lake) == [(LATER, "marts", "row_rules", False)]
    assert job.run.state == "failed"
    (line,) = told
    assert (line["log_level"], line["cause"]) == ("error", "marts/row_rules/all")
    assert line["event"] == "The marts are not fit to publish: 1 of 90 steps failed."


def test_an_audience_that_would_change_other_rows_is_stopped_and_says_so_by_its_own_gate(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.run.is_audience = True
    columns = ["subject", "n_differing", "eg_differing"]
    found = pd.DataFrame([("fct_ingest_log", 0, ""), ("fct_retention", 0, "")], columns=columns)
    monkeypatch.setattr(gates, "beside_audience", lambda new, live, as_of: found)
    require_others_stay(job)
    assert recorded(job.lake) == []
    found.loc[1] = ("fct_retention", 2, "an example")
    with capture_logs() as told, pytest.raises(GateError, match="fct_retention: 2 published rows") as stopped:
        require_others_stay(job)
    assert "fct_ingest_log" not in stopped.value.what
    assert recorded(job.lake) == [(LATER, "audience", "published_rows_unchanged", False)]
    assert job.run.state == "failed"
    assert [one["cause"] for one in told] == ["marts/published_rows_unchanged/all"]


def test_damaged_published_marts_are_built_anew(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def changes(new: Path, live: Path, **_: Any) -> dict[str, Any]:
        asked.append(live)
        if live == job.warehouse.marts:
            raise duckdb.IOException("not a valid DuckDB database file")
        return {}

    monkeypatch.setattr(gates, "marts_changes", changes)
    build(job, *BUILT)
    judged(monkeypatch, "marts", verdict("marts", NEXT, "b"))
    with capture_logs() as told:
        marts_gate(job)
    assert [live.exists() for live in asked] == [False, False], "the second is a file that nobody makes"
    assert asked[0] != asked[1]
    assert told[0]["event"].startswith("the published marts cannot be read")
