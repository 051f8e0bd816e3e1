"""Build the marts: dbt-duckdb over the staged snapshots, into a new file beside the live one. No engine here.

The models are in `dbt_project`; its plugin makes views of the tables named here. Publishing, which replaces the live
file, is somebody else's act.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.columns import Columns
from jobs.contracts import TABLES
from jobs.errors import WarehouseError
from jobs.marts.messages import explain, failure
from jobs.reference.rows import COLUMNS
from jobs.resources import shipped
from jobs.schemas import duckdb_types
from jobs.warehouse.snapshots import LakeTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BuiltMarts:
    """A finished marts file, closed and complete.

    Attributes:
        path: the file.
        n_tables: tables in its schema `marts`.
        seconds: how long it took.
        warnings: what is odd but does not keep it from being published, in plain words.
    """

    path: Path
    n_tables: int
    seconds: float
    warnings: tuple[str, ...] = ()


def prefetch() -> None:
    """Import dbt, which takes seconds; meant for a thread while something else runs."""
    import dbt.adapters.duckdb
    import dbt.cli.main  # noqa: F401


def build_marts(
    tables: Mapping[str, LakeTable], reference_dir: Path, live: Path, *, min_users: int = 10, unit_tests: bool = False
) -> BuiltMarts:
    """Build and test every mart into `next/` beside the live file, which stays as it is.

    Args:
        tables: by name, every table of the contract that holds no personal data; others are ignored.
        reference_dir: the run's frozen CSVs, each of `reference.rows.COLUMNS`.
        live: the published file; DuckDB names the catalog after it, so the new file gets the same name.
        min_users: cells of fewer users, but at least one, are hidden.
        unit_tests: also run the models' unit tests and write dbt's manifest.

    Raises:
        GateError: a model cannot be built or one of its data tests fails.
        WarehouseError: a table, CSV or the new file is not usable.
    """
    started = time.perf_counter()
    new = live.parent / "next" / live.name
    new.parent.mkdir(parents=True, exist_ok=True)
    for old in new.parent.glob(f"{live.name}*"):
        old.unlink()
    lake = new.parent / "lake.json"
    lake.write_text(json.dumps({"tables": lake_views(tables, reference_dir)}, indent=1), encoding="utf-8")
    # A daily build leaves out what says nothing about the data: unit tests, and the manifest (a second to write).
    skipped = () if unit_tests else ("--exclude-resource-type", "unit_test", "--no-write-json")
    with _owner_only():
        warnings = run_dbt("build", *skipped, marts_file=new, lake_file=lake, min_users=min_users)
    if new.with_name(f"{new.name}.wal").exists():
        raise WarehouseError(
            "The new marts file was not closed: its write-ahead log is still there.",
            where=str(new),
            next_step="free space there if the disk is full, or see who else has the file open, then run again",
        )
    return BuiltMarts(new, _count_tables(new), time.perf_counter() - started, warnings)


def add_verdicts(marts_file: Path, gate: str, verdicts: pd.DataFrame) -> None:
    """Put what a gate found into `fct_data_quality` of a built file, as the latest it says of these days.

    Args:
        marts_file: the built file; nobody else has it open.
        gate: the gate's name.
        verdicts: rows of `data_quality_metrics`, of one run and attempt.
    """
    import duckdb

    with duckdb.connect(str(marts_file)) as connection:
        connection.register("verdicts", verdicts)
        connection.begin()
        connection.execute(  # what a step that was killed had staged: this is what it says now
            "delete from marts.fct_data_quality where gate = ?"
            " and (event_date, run_id, attempt) in (select event_date, run_id, attempt from verdicts)",
            [gate],
        )
        connection.execute(
            "update marts.fct_data_quality set is_latest = false"
            " where gate = ? and event_date in (select event_date from verdicts)",
            [gate],
        )
        connection.execute("insert into marts.fct_data_quality by name select *, true as is_latest from verdicts")
        connection.commit()


def lake_views(tables: Mapping[str, LakeTable], reference_dir: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what the dbt plugin shall show as views, by schema and table.

    Tables with personal data are left out, so that no mart can read them.
    """
    shown = {name: contract for name, contract in TABLES.items() if contract.personal_data == "none"}
    if missing := sorted(shown.keys() - tables.keys()):
        raise ValueError(f"build_marts needs every table of the lake, also empty ones; missing: {', '.join(missing)}")
    lake = {name: _table_view(tables[name], contract.columns) for name, contract in shown.items()}
    reference = {}
    for file, columns in COLUMNS.items():
        path = reference_dir / file
        if not path.exists():
            raise WarehouseError(
                f"The run's copy of {file} is missing.",
                where=str(path),
                next_step="rerun the step `ingest`, which copies the input's tables into the run",
            )
        # A timestamp may carry an offset; without one it is UTC.
        reference[path.stem] = {"kind": "csv", "path": str(path.resolve()), "columns": duckdb_types(columns)}
    return {"pd": lake, "reference": reference}


def _table_view(table: LakeTable, columns: Columns) -> dict[str, Any]:
    types = duckdb_types(columns)
    if table.metadata is None or (table.snapshot_id is None and table.metadata.suffix != ".parquet"):
        return {"kind": "empty", "columns": types}
    if not table.metadata.exists():
        raise WarehouseError(
            f"The table {table.name} is not where the catalog says.",
            where=str(table.metadata),
            next_step="pdmetrics doctor",
        )
    kind = "parquet" if table.metadata.suffix == ".parquet" else "iceberg"
    path = str(table.metadata.resolve())
    return {"kind": kind, "path": path, "snapshot_id": table.snapshot_id, "columns": types}


def run_dbt(command: str, *arguments: str, marts_file: Path, lake_file: Path, min_users: int = 10) -> tuple[str, ...]:
    """Run one dbt command in this process; artefacts go to `dbt/` beside the marts file.

    Returns:
        What the data tests warn of, in plain words.

    Raises:
        GateError: with the failed nodes, in plain words.
        UsageError: the models are not part of this installation.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    connections: Any = DuckDBConnectionManager
    project = shipped("dbt_project")
    target = marts_file.parent / "dbt"
    options = (
        "--log-level", "none", "--log-level-file", "warn", "--log-path", str(target),
        "--no-use-colors", "--no-version-check",
    )  # fmt: skip
    places = ("--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(target))
    variables = ("--vars", json.dumps({"min_users": min_users}))
    environment = {"PD_MARTS_FILE": str(marts_file), "PD_LAKE_FILE": str(lake_file), "PD_DBT_PROJECT": str(project)}
    with _environment(environment):
        try:
            outcome = dbtRunner().invoke(
                [*options, *command.split(), *places, *variables, "--target", "duckdb", *arguments]
            )
        finally:
            connections.close_all_connections()  # else the file stays locked, with a write-ahead log
    if not outcome.success:
        raise failure(outcome, marts_file, target, project)
    results = getattr(outcome.result, "results", None) or []
    return tuple(explain(result, marts_file) for result in results if str(result.status) == "warn")


@contextmanager
def _owner_only() -> Iterator[None]:
    """Let nobody else read what is made in this block, from its first byte on: DuckDB takes no mode of a file."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _count_tables(path: Path) -> int:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("select count(*) from duckdb_tables() where schema_name = 'marts'").fetchone()
    return int(row[0]) if row else 0
