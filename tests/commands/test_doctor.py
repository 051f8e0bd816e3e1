"""What the doctor finds: each thing to mend is shown, named and makes it exit 1. No engine is started."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from rich.console import Console

from jobs import contracts
from jobs.cli import main
from jobs.commands import doctor
from jobs.errors import UsageError
from jobs.health import machine as machine_health
from jobs.health import warehouse as warehouse_health
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.settings.sections import PrivacySettings
from jobs.warehouse.home import metadata_locations, open_home
from jobs.warehouse.manifest import Backfill, write_json
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.salt import salt_of
from jobs.warehouse.tables import Tables

DAY, NEXT = date(2026, 3, 19), date(2026, 3, 20)
GIGABYTE = 10**9


@dataclass(frozen=True)
class Told:
    """What the doctor printed: by finding (found, to mend), by setting its value; the exit code and all of the text."""

    code: int
    text: str
    findings: dict[str, tuple[str, str]]
    settings: dict[str, str]

    @property
    def wrong(self) -> list[str]:
        return [what for what, (_, mend) in self.findings.items() if mend.startswith("!")]


def examined(folder: Path, *overrides: str, config: Path | None = None) -> Told:
    settings, sources = load_settings(config, overrides)
    out = io.StringIO()
    code = doctor.examine(Console(file=out, width=500), settings, sources, Warehouse(folder))
    machine, _, rest = out.getvalue().partition("\nSettings ")
    findings = {what: (found, mend) for what, found, mend in _rows(machine)}
    return Told(code, out.getvalue(), findings, {name: value for name, value, _ in _rows(rest)})


def _rows(table: str) -> Iterator[list[str]]:
    for line in table.splitlines():
        if line.startswith("│"):
            yield [cell.strip() for cell in line.strip("│").split("│")]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with room, where nobody else works and no setting is in the environment or the working directory."""
    for name in [name for name in os.environ if name.startswith("PDMETRICS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine_health, "version", lambda name: "1.0")
    monkeypatch.setattr(machine_health, "_other_users", list)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=50 * GIGABYTE))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with its tables, to be copied."""
    path = tmp_path_factory.mktemp("made") / "warehouse"
    path.mkdir()
    _tables(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "w"


def test_a_new_warehouse_is_ready(folder: Path) -> None:
    told = examined(folder)
    assert (told.code, told.wrong) == (0, [])
    assert told.text.splitlines()[-1] == "Ready to run."
    assert told.findings["catalog"] == (f"sql, sqlite:///{folder}/catalog.db: no tables yet", "fine")
    assert told.findings["warehouse"] == (f"{folder}: nothing published yet", "fine")
    assert told.findings["salt"] == (f"{folder}/salt: not there yet", "the first run creates it; keep a backup")
    assert told.findings["tables"] == ("none yet", "fine")
    assert told.findings["lock"] == ("free", "fine")
    assert told.findings["marts"] == ("nothing published yet", "fine")
    assert told.findings["thresholds"] == ("shipped: 1 period", "fine")
    assert told.findings["last run"] == ("none yet", "fine")
    assert not folder.exists(), "it only looks"


def _write_marts(path: Path, *, schema: str = "marts", table: str | None = "dim_wiki") -> None:
    path.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema if not exists {schema}")
        if table:
            connection.execute(f"create table {schema}.{table} as select hash(range) as n from range(100000)")
    path.chmod(0o600)


def test_a_warehouse_in_use_is_ready(made: Path, folder: Path) -> None:
    shutil.copytree(made, folder)
    taken_over(folder, adopt=False)
    warehouse = Warehouse(folder)
    salt_of(_tables(folder), warehouse, PrivacySettings())
    run = warehouse.new_run(DAY, NEXT, "in")
    run.state = "published"
    warehouse.save(run)
    _write_marts(warehouse.marts)
    told = examined(folder)
    assert (told.code, told.wrong) == (0, [])
    assert told.findings["catalog"][0].endswith(f"catalog.db: {len(contracts.TABLES)} tables")
    assert told.findings["tables"] == ("as this version writes them", "fine")
    assert told.findings["warehouse"] == (f"{folder}: published", "fine")
    assert told.findings["marts"] == ("1 table, owner only", "fine")
    assert told.findings["salt"] == (f"{folder}/salt: owner only", "fine")
    assert told.findings["last run"] == (f"{run.run_id} is published", "fine")


def test_all_that_must_be_mended_is_counted_and_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1.9 * GIGABYTE))
    monkeypatch.setattr(machine_health, "sys", SimpleNamespace(version_info=(3, 10, 4)))
    told = examined(folder)
    assert told.code == 1
    assert told.text.splitlines()[-1] == "2 things to mend first: python, free disk"
    assert told.findings["python"] == ("3.10.4", "! use Python 3.11 to 3.13")
    assert told.findings["free disk"] == ("1.9 GB", "! free some: a run needs about 2 GB")


# --- Packages and engines


def _lacking(monkeypatch: pytest.MonkeyPatch, *lacking: str) -> None:
    def version(name: str) -> str:
        if name in lacking:
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(machine_health, "version", version)


def test_a_missing_package_is_to_be_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _lacking(monkeypatch, "duckdb")
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["duckdb"])
    assert told.findings["duckdb"] == ("missing", "! pip install duckdb")


def test_the_scheduler_is_needed_by_nobody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _lacking(monkeypatch, "apache-airflow")
    told = examined(folder)
    assert told.code == 0
    assert told.findings["apache-airflow"] == ("missing", "only the scheduler needs it")


def test_the_embedded_engine_is_told_by_its_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _lacking(monkeypatch, "pysail")
    monkeypatch.setattr(machine_health, "find_spec", lambda name: None)
    told = examined(folder, "engine.memory=3g")
    assert (told.code, told.wrong) == (1, ["engine"])
    assert "pysail" not in told.findings, "one thing missing is one finding"
    found, mend = told.findings["engine"]
    assert found == "embedded, 3g of memory"
    assert mend.startswith("! pip install pysail;")
    assert "[engine] name = 'spark'" in mend


def test_other_people_on_the_machine_are_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_health, "_other_users", lambda: ["ann", "bob"])
    told = examined(folder)
    assert told.code == 0
    found, mend = told.findings["engine"]
    assert found.endswith("also running processes here: ann, bob")
    assert "its loopback port has no password" in mend


def _java(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> Path:
    java = folder / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(folder / "jdk"))
    return java


@pytest.mark.parametrize("number", ["17.0.12", "21"])
def test_spark_runs_on_these_javas(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: str) -> None:
    java = _java(monkeypatch, tmp_path, f"""echo 'openjdk version "{number}" 2024-07-16' >&2""")
    told = examined(folder, "engine.name=spark", "spark.master=local[3]")
    assert (told.code, told.wrong) == (0, [])
    assert told.findings["engine"] == ("Spark, local[3]", "fine")
    assert told.findings["java"] == (f"{number} ({java})", "fine")


@pytest.mark.parametrize("number", ["1.8.0_412", "11.0.24", "22.0.1"])
def test_another_java_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: str) -> None:
    java = _java(monkeypatch, tmp_path, f"""echo 'openjdk version "{number}"' >&2""")
    told = examined(folder, "engine.name=spark")
    assert (told.code, told.wrong) == (1, ["java"])
    assert told.findings["java"] == (f"{number} ({java})", "! Spark 4.1 needs Java 17 or 21")


def test_a_java_that_does_not_start_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = _java(monkeypatch, tmp_path, "exit 3")
    told = examined(folder, "engine.name=spark")
    assert (told.code, told.wrong) == (1, ["java"])
    assert told.findings["java"][0].startswith(f"{java}: ")
    java.unlink()
    assert examined(folder, "engine.name=spark").findings["java"][1] == "! set JAVA_HOME to a JDK 17 or 21"


def test_no_java_at_all_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(machine_health, "find_spec", lambda name: None)
    told = examined(folder, "engine.name=spark")
    assert (told.code, told.wrong) == (1, ["java"])
    assert told.findings["java"] == ("none", "! install a JDK 17 or 21, or `pip install 'pdmetrics[spark]'`")


def test_sparks_jar_is_fetched_by_the_first_run(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _java(monkeypatch, tmp_path, """echo 'openjdk version "17"' >&2""")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    told = examined(folder, "engine.name=spark")
    assert told.code == 0
    assert told.findings["iceberg jar"] == ("not fetched yet", "the first run fetches it (needs a network)")
    jar = tmp_path / ".ivy2" / "jars" / "org.apache.iceberg_iceberg-spark-runtime-4.1_2.13-1.12.0.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    assert examined(folder, "engine.name=spark").findings["iceberg jar"] == (str(jar), "fine")


# --- The warehouse


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_where_alarms_go_is_told_without_the_addresses(folder: Path, severity: str) -> None:
    assert examined(folder).findings["alarms"] == ("in the log only", "fine")
    addresses = "alerts.urls=['json://me:hunter2@host/hunter2', 'discord://hunter2/hunter2']"
    told = examined(folder, addresses, f"alerts.min_severity={severity}")
    assert (told.code, told.findings["alarms"]) == (0, (f"from {severity} on to json://…, discord://…", "fine"))
    assert told.settings["[alerts] urls"] == "json://…, discord://…"
    assert "hunter2" not in told.text


def test_where_lineage_goes_is_told_and_what_would_stop_a_run(folder: Path) -> None:
    assert "lineage" not in examined(folder).findings
    places = ("lineage.url=http://me:hunter2@host", "lineage.file=/var/events")
    told = examined(folder, *places)
    assert (told.code, told.findings["lineage"]) == (0, ("to http://me:…@host, /var/events", "fine"))
    told = examined(folder, *places, "lineage.parent=daily")
    assert (told.code, told.wrong) == (1, ["lineage"])


def test_an_address_for_alarms_that_nobody_understands_is_told(folder: Path) -> None:
    told = examined(folder, "alerts.urls=pigeon://hunter2")
    assert (told.code, told.wrong) == (1, ["alarms"])
    assert told.findings["alarms"][0] == "Apprise does not understand address 1 for alarms, pigeon://…. ([alerts] urls)"
    assert "hunter2" not in told.text


def test_a_salt_that_others_can_read_is_to_be_closed(folder: Path) -> None:
    folder.mkdir()
    salt = folder / "salt"
    salt.write_text("grains")
    for mode in (0o640, 0o604, 0o660):
        salt.chmod(mode)
        told = examined(folder)
        assert (told.code, told.wrong) == (1, ["salt"])
        assert told.findings["salt"] == (f"{salt}: others can read it", f"! chmod 600 {salt}")
    salt.chmod(0o600)
    assert examined(folder).code == 0


def test_a_salt_elsewhere_is_looked_at_there(folder: Path, tmp_path: Path) -> None:
    salt = tmp_path / "secrets"
    salt.write_text("grains")
    salt.chmod(0o644)
    told = examined(folder, f"privacy.salt_file={salt}")
    assert told.findings["salt"] == (f"{salt}: others can read it", f"! chmod 600 {salt}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_warehouse_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o555)
    for place in (closed, closed / "deep" / "w"):
        told = examined(place)
        assert (told.code, told.wrong) == (1, ["warehouse"])
        assert told.findings["warehouse"] == (str(place), f"! {closed} is not writable")


def test_an_unwritable_place_is_told_of_anybody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: (place, mode) != (folder.parent, os.W_OK))
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["warehouse"])
    assert told.findings["warehouse"] == (str(folder), f"! {folder.parent} is not writable")


def test_a_warehouse_that_is_a_file_is_told(folder: Path) -> None:
    folder.touch()
    assert examined(folder).wrong == ["warehouse"]


def test_a_publish_that_was_cut_off_is_told(folder: Path) -> None:
    folder.mkdir()
    write_json(folder / "publish.json", {"run_id": "run_1"})
    told = examined(folder)
    assert told.code == 0, "the next command mends it"
    assert told.findings["last run"] == ("its publishing was cut off", "the next run or query finishes it")


@pytest.mark.parametrize(
    ("done", "found"), [([], "open after no step"), (["ingest", "estimates"], "open after ingest, estimates")]
)
def test_a_run_that_was_killed_is_told_with_what_to_do(folder: Path, done: Sequence[str], found: str) -> None:
    warehouse = Warehouse(folder)
    run = warehouse.new_run(DAY, NEXT, "in here")
    run.done = list(done)
    warehouse.save(run)
    told = examined(folder)
    assert told.code == 0
    assert told.findings["last run"] == (
        f"{run.run_id} is {found}",
        f"rerun its days: pdmetrics --warehouse {folder} run --start {DAY} --end {NEXT} --input 'in here'; "
        "the next run drops what it had staged",
    )
    with warehouse.lock():
        assert examined(folder).findings["last run"] == (f"{run.run_id} is {found}, and under way", "fine")


@pytest.mark.parametrize(
    ("undoes", "command"),
    [
        ("", "backfill --start 2026-03-19 --end 2026-03-20 --input here --reason 'late hours'"),
        ("run_1", "backfill --rollback run_1"),
    ],
)
def test_a_backfill_that_is_staged_is_told_with_its_own_command(folder: Path, undoes: str, command: str) -> None:
    warehouse = Warehouse(folder)
    run = warehouse.new_run(DAY, NEXT, "here")
    run.backfill = Backfill("late hours", "digest", datetime.now(UTC), undoes=undoes)
    warehouse.save(run)
    assert f"go on with it: pdmetrics --warehouse {folder} {command};" in examined(folder).findings["last run"][1]


@pytest.mark.parametrize(("gate", "done"), [("facts", []), ("marts", ["ingest", "estimates"])])
def test_a_run_that_a_gate_stopped_is_told(folder: Path, gate: str, done: Sequence[str]) -> None:
    warehouse = Warehouse(folder)
    run = warehouse.new_run(DAY, NEXT, "in")
    run.state, run.done = "failed", list(done)
    warehouse.save(run)
    rows = "check_id,severity,success\na,critical,True\nb,critical,False\nb,critical,False\nc,warning,False\n"
    file = warehouse.folder(run.run_id) / f"gate_{gate}.csv"
    file.write_text(rows)
    if gate == "marts":
        (file.parent / "gate_facts.csv").write_text("check_id,severity,success\na,critical,True\n")
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["last run"])
    step = "ingest" if gate == "facts" else "marts"
    assert told.findings["last run"] == (
        f"{run.run_id} failed in its step {step}: the {gate} gate, b ({file})",
        f"! mend what failed, then rerun its days: pdmetrics --warehouse {folder} run --start {DAY} --end {NEXT} "
        "--input in",
    )
    following = warehouse.new_run(DAY, NEXT, "in")
    following.state = "published"
    warehouse.save(following)
    _write_marts(warehouse.marts)
    assert examined(folder).code == 0


def test_a_run_that_failed_without_a_gate_is_told(folder: Path) -> None:
    warehouse = Warehouse(folder)
    run = warehouse.new_run(DAY, NEXT, "in")
    run.state, run.done = "failed", ["ingest", "estimates"]
    warehouse.save(run)
    told = examined(folder)
    assert told.wrong == ["last run"]
    assert told.findings["last run"][0] == f"{run.run_id} failed and cannot go on with its step marts"


def test_a_manifest_that_cannot_be_read_is_told_beside_the_rest(folder: Path) -> None:
    run = Warehouse(folder).new_run(DAY, NEXT, "in")
    (folder / "runs" / run.run_id / "run.json").write_text("{")
    told = examined(folder)
    assert told.code == 0, "the next run passes it over"
    assert told.findings["last run"][0] == f"the file of {run.run_id} is damaged"
    assert told.findings["thresholds"][1] == "fine"


def test_a_lock_that_somebody_holds_is_told_with_the_holder(folder: Path) -> None:
    with Warehouse(folder).lock():
        told = examined(folder)
        assert (told.code, told.wrong) == (1, ["lock"])
        found, mend = told.findings["lock"]
        assert found.startswith(f"another command is writing: process {os.getpid()} on ")
        assert mend == "! wait until it is done; the lock goes with its process"
        with pytest.raises(UsageError, match="Another command"), Warehouse(folder).lock():
            pass
    assert examined(folder).findings["lock"] == ("free", "fine"), "the file that is left says nothing"


def _damage_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    path.write_bytes(content)


def test_damaged_marts_are_told(folder: Path) -> None:
    marts = folder / "personal_dashboard.duckdb"
    for write in (
        lambda: marts.write_bytes(b"no database at all" * 1000),
        marts.touch,
        lambda: _write_marts(marts, schema="others"),
        lambda: _write_marts(marts, table=None),
        lambda: (_write_marts(marts), marts.write_bytes(marts.read_bytes()[:20000])),
        lambda: (_write_marts(marts), _damage_the_middle(marts)),
    ):
        folder.mkdir(exist_ok=True)
        write()
        told = examined(folder)
        assert (told.code, told.wrong) == (1, ["marts"])
        assert told.findings["marts"][1].startswith("! rerun a day, which builds it anew")
        marts.unlink()


def test_marts_that_are_gone_after_a_publish_are_told(folder: Path) -> None:
    warehouse = Warehouse(folder)
    run = warehouse.new_run(DAY, NEXT, "in")
    assert examined(folder).findings["marts"] == ("nothing published yet", "fine")
    run.state = "published"
    warehouse.save(run)
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["marts"])
    assert told.findings["marts"][0] == f"{warehouse.marts}: not there, though a run is published"
    assert told.findings["marts"][1].startswith("! rerun a day, which builds it anew")
    assert told.findings["warehouse"] == (f"{folder}: published", "fine")


def test_marts_that_others_can_read_are_told(folder: Path) -> None:
    marts = folder / "personal_dashboard.duckdb"
    _write_marts(marts)
    marts.chmod(0o644)
    told = examined(folder)
    assert told.code == 0, "the next run replaces them"
    assert told.findings["marts"][1] == f"the next run closes it; until then: chmod 600 {marts}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "the thresholds file cannot be read: No such file or directory"),
        ("[[thresholds", "the thresholds file is not TOML"),
        ("[[thresholds]]\nvalid_from = 2026-01-01\nmax_foo = 1\n", "unknown threshold max_foo"),
        ("", "the file has no entry [[thresholds]]"),
    ],
)
def test_thresholds_that_no_gate_could_use_are_told(folder: Path, tmp_path: Path, text: str | None, found: str) -> None:
    file = tmp_path / "own.toml"
    if text is not None:
        file.write_text(text)
    told = examined(folder, f"quality.thresholds_file={file}")
    assert (told.code, told.wrong) == (1, ["thresholds"])
    assert told.findings["thresholds"][0].startswith(found)
    assert str(file) in told.findings["thresholds"][0]


def test_tables_that_this_version_cannot_write_are_told(folder: Path) -> None:
    folder.mkdir()
    catalog = open_home({}, folder)[0]
    catalog.create_namespace("pd")
    catalog.create_table(("pd", "ingest_log"), pa.schema([("n_lines", pa.string()), ("event_date", pa.date32())]))
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["tables"])
    assert told.findings["tables"][0].startswith("Table ingest_log differs from what this version writes: n_lines. (")
    assert told.findings["catalog"][0].endswith("1 table")


def test_tables_that_lack_a_column_are_no_trouble(folder: Path) -> None:
    folder.mkdir()
    catalog = open_home({}, folder)[0]
    catalog.create_namespace("pd")
    catalog.create_table(("pd", "ingest_log"), pa.schema([("event_date", pa.date32())]))
    told = examined(folder)
    assert told.code == 0
    assert told.findings["tables"] == ("of an older version: ingest_log", "the next run adds their new columns")


def test_a_table_whose_metadata_is_gone_is_told_beside_the_rest(made: Path, folder: Path) -> None:
    shutil.copytree(made, folder)
    taken_over(folder, adopt=False)
    Path(metadata_locations(folder)["events"].removeprefix("file://")).unlink()
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["catalog"])
    assert told.findings["salt"][1] == "the first run creates it; keep a backup"


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_lost_or_changed_salt_is_told(made: Path, folder: Path, is_lost: bool) -> None:
    shutil.copytree(made, folder)
    taken_over(folder, adopt=False)
    salt_of(_tables(folder), Warehouse(folder), PrivacySettings())
    salt = folder / "salt"
    if is_lost:
        salt.unlink()
    else:
        salt.write_text("another")
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["salt"])
    found, mend = told.findings["salt"]
    assert str(salt) in found
    assert mend.startswith("! restore it from a backup")
    assert salt.exists() != is_lost, "it only looks"


def test_a_moved_warehouse_is_told(made: Path, folder: Path) -> None:
    shutil.copytree(made, folder)
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["catalog"])
    found, mend = told.findings["catalog"]
    assert found == f"This warehouse was made at {made} and lies elsewhere now: its tables point there. ({folder})"
    assert mend.startswith(f"! pdmetrics --warehouse {folder} doctor --relocate")


def _make_old(folder: Path) -> None:
    """Lay the tables out as the Hadoop catalog of the first version did."""
    for name, location in metadata_locations(folder).items():
        metadata = folder / "lake" / "pd" / name / "metadata"
        shutil.copy(location.removeprefix("file://"), metadata / "v1.metadata.json")
        (metadata / "version-hint.text").write_text("1")
    (folder / "catalog.db").unlink()


def test_a_warehouse_of_an_older_version_is_told(folder: Path) -> None:
    hint = folder / "lake" / "pd" / "events" / "metadata" / "version-hint.text"
    hint.parent.mkdir(parents=True)
    hint.write_text("1")
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["catalog"])
    found, mend = told.findings["catalog"]
    assert found == f"This warehouse is of an older version, whose tables stand in no catalog. ({folder})"
    assert mend.startswith(f"! pdmetrics --warehouse {folder} doctor --adopt")


def test_a_damaged_or_absent_catalog_is_told(folder: Path) -> None:
    folder.mkdir()
    (folder / "catalog.db").write_bytes(b"no database at all" * 100)
    told = examined(folder)
    assert (told.code, told.wrong) == (1, ["catalog"])
    assert told.findings["catalog"][0].startswith("The catalog file cannot be read")
    assert told.findings["catalog"][1] == "! restore the warehouse from a backup"
    told = examined(folder, "catalog.uri=sqlite:////nowhere/at/all.db")
    assert (told.code, told.wrong) == (1, ["catalog"])
    assert told.findings["catalog"][1] == "! check [catalog], and that what it names is there"


def test_a_catalog_that_knows_itself_where_tables_lie_is_shown(folder: Path) -> None:
    assert examined(folder, "catalog.type=in-memory").findings["catalog"] == ("in-memory: no tables yet", "fine")


# --- Settings


def test_settings_are_shown_with_where_they_come_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "own.toml"
    config.write_text("[privacy]\nmin_users = 20\n[catalog]\ntype = 'sql'\n's3.endpoint' = 'https://s3'\n")
    monkeypatch.setenv("PDMETRICS_ESTIMATION__MIN_SEEN", "50")
    lines = examined(folder, "engine.memory=1536m", config=config).text.splitlines()
    told = [tuple(cells) for cells in _rows("\n".join(lines)) if cells[0].startswith("[")]
    assert ("[privacy] min_users", "20", str(config)) in told
    assert ("[catalog] s3.endpoint", "https://s3", str(config)) in told
    assert ("[estimation] min_seen", "50", "environment") in told
    assert ("[engine] memory", "1536m", "flag --set") in told
    assert ("[ingest] dedup_lookback_days", "7", "default") in told
    for key, days in (("events_keep_days", 90), ("user_days_keep_days", 125)):
        assert (f"[privacy] {key}", str(days), "default") in told


def test_secrets_are_not_shown(folder: Path) -> None:
    told = examined(
        folder,
        "catalog.s3.secret-access-key=hunter2",
        "catalog.token=hunter2",
        "catalog.credential=me:hunter2",
        "catalog.SomePassword=hunter2",
        "spark.remote=sc://me:hunter2@host:15002/",
    )
    assert "hunter2" not in told.text
    assert told.settings["[catalog] s3.secret-access-key"] == "(set)"
    assert told.settings["[catalog] token"] == told.settings["[catalog] SomePassword"] == "(set)"
    assert told.settings["[spark] remote"] == "sc://me:…@host:15002/", "the rest of an address may be read"


def test_the_password_of_a_catalog_that_cannot_be_opened_is_not_shown(folder: Path) -> None:
    told = examined(folder, "catalog.uri=nonsense://me:hunter2@host/lake", "catalog.warehouse=s3://bucket")
    assert told.wrong == ["catalog"]
    assert "nonsense://me:…@host/lake" in told.findings["catalog"][0]
    assert "hunter2" not in told.findings["catalog"][0]


def by_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *given: str) -> Told:
    """What the whole command prints, its settings read by the command line."""
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr("sys.argv", ["pdmetrics", *given])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    findings = {what: (found, mend) for what, found, mend in _rows(out.partition("\nSettings ")[0])}
    return Told(ended.value.code, f"{out}{err}", findings, {})


def test_a_bad_setting_is_a_finding_and_the_rest_is_examined(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pdmetrics.toml").write_text("[privacy]\nmin_user = 5\n")
    told = by_command_line(monkeypatch, capsys, "--warehouse", str(folder), "doctor")
    assert (told.code, told.wrong) == (1, ["settings"])
    found, mend = told.findings["settings"]
    assert found.startswith("Unknown setting [privacy] min_user;")
    assert "pdmetrics.toml, line 2" in found
    assert "min_users" in mend
    assert told.findings["thresholds"][1] == "fine"
    assert "Settings by default: what is set cannot be used" in told.text
    told = by_command_line(monkeypatch, capsys, "--warehouse", str(folder), "doctor", "--relocate")
    assert told.code == 2
    assert "Unknown setting [privacy] min_user;" in told.text
    assert not folder.exists(), "nothing is taken over with other settings than those meant"


def test_the_environment_names_the_configuration_and_the_flag_beats_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, others = tmp_path / "ours.toml", tmp_path / "others.toml"
    ours.write_text("[privacy]\nmin_users = 31\n")
    others.write_text("[privacy]\nmin_users = 32\n")
    monkeypatch.setenv("PDMETRICS_CONFIG", str(ours))
    told = by_command_line(monkeypatch, capsys, "--warehouse", str(folder), "doctor")
    assert ["[privacy] min_users", "31", str(ours)] in list(_rows(told.text))
    told = by_command_line(monkeypatch, capsys, "--config", str(others), "--warehouse", str(folder), "doctor")
    assert ["[privacy] min_users", "32", str(others)] in list(_rows(told.text))
    monkeypatch.setenv("PDMETRICS_CONFIG", str(tmp_path / "none.toml"))
    told = by_command_line(monkeypatch, capsys, "query", "select 1")
    assert told.code == 2
    assert "check --config, or PDMETRICS_CONFIG" in told.text


def test_the_environment_names_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PDMETRICS_INPUT", str(tmp_path / "there"))
    for given in (["run", "--date", "2026-03-19"], ["policy", "check"], ["policy", "import", "x.json"]):
        told = by_command_line(monkeypatch, capsys, *given)
        assert told.code == 2
        assert str(tmp_path / "there") in told.text


def test_other_commands_refuse_a_bad_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = by_command_line(monkeypatch, capsys, "--set", "privacy.min_user=5", "query", "select 1")
    assert told.code == 2


@pytest.mark.parametrize(
    "text",
    ["[catalog]\ns3.secret-access-key = 'hunter2'", "[spark.conf]\n'spark.hadoop.fs.s3a.secret.key' = 'hunter2'"],
)
def test_secrets_in_tables_of_settings_are_not_shown(folder: Path, tmp_path: Path, text: str) -> None:
    config = tmp_path / "own.toml"
    config.write_text(text)
    assert "hunter2" not in examined(folder, config=config).text


def test_the_password_of_the_catalog_is_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    properties = {"type": "sql", "uri": "postgresql://me:hunter2@host/lake", "warehouse": "s3://bucket/lake"}
    monkeypatch.setattr(warehouse_health, "open_home", lambda *_, **__: (None, properties))
    assert "hunter2" not in examined(folder).text


# --- Taking over


def taken_over(folder: Path, *overrides: str, adopt: bool) -> str:
    out = io.StringIO()
    settings, _ = load_settings(None, overrides)
    doctor.take_over(Console(file=out, width=500), settings, Warehouse(folder), adopt=adopt)
    return out.getvalue().strip()


def test_a_moved_warehouse_is_taken_over_and_what_it_had_staged_has_failed(folder: Path, tmp_path: Path) -> None:
    there = Warehouse(tmp_path / "there")
    published, staged, publishing = (there.new_run(DAY, NEXT, "in") for _ in range(3))
    published.state = "published"
    there.save(published)
    write_json(there.journal, {"run_id": publishing.run_id})
    _stage(there.path, publishing.run_id, 7)
    there.path.rename(folder)
    told = taken_over(folder, adopt=False)
    assert told.startswith(f"{len(contracts.TABLES)} tables made anew over the files here: audience, ")
    assert {run.run_id: run.state for run in Warehouse(folder).all_runs()} == {
        published.run_id: "published",
        staged.run_id: "failed",
        publishing.run_id: "open",  # its publish is still to be finished
    }
    assert _published(folder) == [7], "what the journal speaks of is published"
    assert examined(folder).findings["catalog"][1] == "fine"
    assert taken_over(folder, adopt=False) == "Nothing to do: it is in order."


def _tables(folder: Path) -> Tables:
    tables = Tables(open_home({}, folder)[0])
    tables.ensure_tables()
    return tables


def _stage(folder: Path, run_id: str, n_lines: int) -> None:
    tables = _tables(folder)
    tables.branch("ingest_log", run_id)
    row = {"event_date": DAY, "event_hour": 4, "fate": "kept", "reason": None, "n_lines": n_lines}
    table = pa.Table.from_pylist([row], schema=arrow_schema(contracts.table("ingest_log").columns))
    tables.table("ingest_log").append(table, branch=run_id)


def _published(folder: Path) -> list[int]:
    found: list[int] = _tables(folder).arrow_days("ingest_log", [DAY])["n_lines"].to_pylist()
    return found


def test_runs_of_a_warehouse_at_home_go_on(made: Path) -> None:
    warehouse = Warehouse(made)
    run = warehouse.new_run(DAY, NEXT, "in")
    assert taken_over(made, adopt=False) == "Nothing to do: it is in order."
    assert warehouse.newest_run(DAY, NEXT) == run
    shutil.rmtree(warehouse.folder(run.run_id))


def test_an_older_warehouse_is_taken_over(folder: Path) -> None:
    folder.mkdir()
    _tables(folder)
    _make_old(folder)
    told = taken_over(folder, adopt=True)
    assert told.startswith(f"{len(contracts.TABLES)} tables taken over from the older version: audience, ")
    assert examined(folder).findings["catalog"][1] == "fine"
    assert taken_over(folder, adopt=True) == "Nothing to do: it is in order."


def test_tables_in_a_catalog_of_others_are_not_taken_over(folder: Path) -> None:
    with pytest.raises(UsageError, match="a catalog of its own") as refused:
        taken_over(folder, "catalog.uri=postgresql://host/lake", "catalog.warehouse=s3://bucket", adopt=True)
    assert refused.value.where == "[catalog]"
    assert not folder.exists()


def test_nothing_is_taken_over_while_somebody_writes(made: Path, folder: Path) -> None:
    shutil.copytree(made, folder)
    with Warehouse(folder).lock():
        with pytest.raises(UsageError, match="Another command is writing"):
            taken_over(folder, adopt=False)
        assert examined(folder).wrong == ["catalog", "lock"]
