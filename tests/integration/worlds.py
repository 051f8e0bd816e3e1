"""What the tests of whole worlds share: the command line as a user runs it, the truth, the rows of a warehouse."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import unittest.mock
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import duckdb
import pandas as pd

from jobs.cli import main
from jobs.warehouse.home import metadata_locations

# On Spark a process of its own is done before the JVM's optimising compiler pays for itself. (With the first compiler
# alone the cache for code is small, and stops all compiling once it is full.)
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC -XX:ReservedCodeCacheSize=256m"
ENVIRONMENT = {
    "PDMETRICS_ENGINE__NAME": os.environ.get("PDMETRICS_TEST_ENGINE", "embedded"),
    "PDMETRICS_SPARK__CONF": json.dumps({"spark.driver.extraJavaOptions": JAVA}),
    "PDMETRICS_REPORT__BUILD": "false",  # but where the report is what is tested
    **os.environ,
    "COLUMNS": "200",
}
KEY = [
    "metric", "wiki_db", "window_kind", "metric_date", "as_of_date", "element_friendly_name",
    "client_platform_family", "edit_count_bucket",
]  # fmt: skip
# Verdicts of every run are kept; what two warehouses have in common, whatever their past, is what was said last.
SAID_LAST = (
    # What a run says of rows that were published before depends on whether they were.
    "(select * exclude (run_id, attempt) from {name} where check_id <> 'recomputed_rows_unchanged'"
    " qualify coalesce(attempt, 0) = max(coalesce(attempt, 0)) over (partition by event_date, gate))"
)


def pdmetrics(*arguments: str, check: bool = True, timeout: int = 900) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "jobs", *arguments],
        capture_output=True, text=True, timeout=timeout, check=False, env=ENVIRONMENT,
    )  # fmt: skip
    if check and done.returncode != 0:
        raise AssertionError(f"pdmetrics {' '.join(arguments)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def here(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command line in this process, where imports are done; else as `pdmetrics` does."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        unittest.mock.patch.object(sys, "argv", ["pdmetrics", *arguments]),
        unittest.mock.patch.dict(os.environ, ENVIRONMENT),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    if check and code != 0:
        raise AssertionError(f"pdmetrics {' '.join(arguments)} exited {code}\n{out.getvalue()}\n{err.getvalue()}")
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())


def simulate(out: Path, *, start: str, days: int, scenario: str, scale: float, seed: int = 7) -> None:
    """Write a world."""
    here(
        "simulate", "--out", str(out), "--start", start, "--days", str(days), "--scenario", scenario,
        "--scale", str(scale), "--seed", str(seed),
    )  # fmt: skip


def truth(world: Path) -> pd.DataFrame:
    """Return the truth of a world, one row per key."""
    raw = json.loads((world / "truth.json").read_text())
    rows = pd.DataFrame(raw["rows"], columns=raw["columns"])
    return rows.astype(dict.fromkeys(("value", "numerator", "denominator", "n_users"), float))


def fates(world: Path) -> dict[tuple[str, str, str], int]:
    """Return the lines of a world by day, fate and reason."""
    raw = json.loads((world / "truth.json").read_text())["fates"]
    return {
        (day, *(key.split("/", 1) if "/" in key else (key, ""))): count
        for day, counts in raw.items()
        for key, count in counts.items()
        if count
    }


def rows(warehouse: Path, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
    """Query the published marts."""
    with duckdb.connect(str(warehouse / "personal_dashboard.duckdb"), read_only=True) as connection:
        connection.execute("set schema = 'marts'")
        return connection.execute(sql, parameters).df()


def metric_rows(warehouse: Path) -> pd.DataFrame:
    """Return all metric rows, dates as text as in the truth."""
    return rows(
        warehouse,
        "select * replace (cast(metric_date as varchar) as metric_date, cast(as_of_date as varchar) as as_of_date) "
        "from fct_metric_values",
    )


def logged_fates(warehouse: Path) -> dict[tuple[str, str, str], int]:
    """Return the lines of a warehouse by day, fate and reason, as `fates` has them of a world."""
    log = rows(
        warehouse,
        "select cast(ingest_date as varchar), fate, coalesce(reason, ''), cast(sum(n_lines) as bigint) "
        "from fct_ingest_log where fate != 'missing_hour' group by all having sum(n_lines) > 0",
    )
    return {(day, fate, reason): int(count) for day, fate, reason, count in log.itertuples(index=False)}


def contents(warehouse: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return every mart's rows, to compare two warehouses."""
    tables = rows(warehouse, "select table_name from information_schema.tables where table_schema = 'marts'")
    sources = {name: name for name in sorted(tables["table_name"])}
    sources["fct_data_quality"] = SAID_LAST.format(name="fct_data_quality")
    return {
        name: set(map(tuple, rows(warehouse, f"select columns(*)::varchar from {source}").fillna("∅").to_numpy()))
        for name, source in sources.items()
    }


def lake_contents(warehouse: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return every published row of the lake, read past either engine."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in ("avro", "iceberg"):  # iceberg needs avro first
            wheel = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
            connection.execute(f"load '{wheel / f'{name}.duckdb_extension'}'")
        for name, location in sorted(metadata_locations(warehouse).items()):
            scan = f"iceberg_scan('{location.removeprefix('file://')}')"
            source = SAID_LAST.format(name=scan) if name == "data_quality_metrics" else scan
            found[f"lake.{name}"] = set(connection.execute(f"select columns(*)::varchar from {source}").fetchall())
    return found
