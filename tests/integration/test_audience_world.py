"""Eligible editors of a simulated world, counted in its dumps on an empty warehouse: the answer is the truth."""

from __future__ import annotations

import bz2
import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import jobs.steps.companion
from jobs.steps.reads_writes import OF_STEPS
from jobs.warehouse.home import open_home
from jobs.warehouse.tables import Tables
from tests.integration import worlds

pytestmark = pytest.mark.integration
SNAPSHOT, AS_OF = "2026-03", ("2026-03-17", "2026-03-31")
CELL = ("as_of_date", "wiki_db", "band", "window_days")


class Here:
    """A companion in this process, which has most of its imports."""

    def prepare(self, _: str) -> None: ...

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)


@pytest.fixture(scope="module", autouse=True)
def _one_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jobs.steps.companion, "companion", lambda _: contextlib.nullcontext(Here()))
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with a snapshot, its wikis in both layouts and all kinds of buckets, and a warehouse with two dates."""
    folder = tmp_path_factory.mktemp("audience")
    worlds.simulate(folder / "world", start="2026-03-02", days=30, scenario="default", scale=0.05)
    done = worlds.here(*command(folder))
    assert "Published run_20260317_20260401_1, as of 2026-03-17, 2026-03-31." in done.stdout
    return folder


def command(folder: Path, *options: str) -> list[str]:
    dates = [word for day in AS_OF for word in ("--as-of", day)]
    asked = ["audience", "--history", str(folder / "world" / "history"), "--snapshot", SNAPSHOT, *dates, *options]
    return ["--warehouse", str(folder / "warehouse"), "--set", f"lineage.file={folder / 'lineage'}", *asked]


def truth(folder: Path, rows: str, columns: str) -> list[dict[str, Any]]:
    """What the world knows of its snapshot, of the counted dates."""
    history = json.loads((folder / "world" / "truth.json").read_text())["history"]
    found = [dict(zip(history[columns], row, strict=True)) for row in history[rows]]
    return [row for row in found if row["snapshot"] == SNAPSHOT and row["as_of_date"] in AS_OF]


def counted(folder: Path, name: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Published rows of a table of the lake, which keeps small counts too."""
    tables = Tables(open_home({}, folder / "warehouse")[0])
    tables.ensure_tables()
    rows = tables.arrow_days(name, [date.fromisoformat(day) for day in AS_OF]).to_pylist()
    return sorted(tuple(str(row[column]) for column in columns) for row in rows)


def test_the_counts_are_those_of_the_world(site: Path) -> None:
    columns = ("n_editors", "n_new_to_band", "n_left_band")
    rows = [
        (*(row[name] for name in ("as_of_date", "wiki_db", "edit_count_bucket")), days_of(row), row["value"],
         row["n_new_to_band"], row["n_left_band"])
        for row in truth(site, "rows", "columns")
    ]  # fmt: skip
    assert counted(site, "audience", (*CELL, *columns)) == sorted(tuple(map(str, row)) for row in rows)
    assert len(rows) == 4 * 2 * 2 * 2


def days_of(row: dict[str, Any]) -> int:
    return (date.fromisoformat(row["as_of_date"]) - date.fromisoformat(row["metric_date"])).days + 1


def test_so_is_every_other_definition(site: Path) -> None:
    columns = (*CELL, "choice", "alternative", "n_editors")
    rows = [tuple(str(row[name]) for name in columns) for row in truth(site, "alternatives", "alternative_columns")]
    assert counted(site, "audience_alternatives", columns) == sorted(rows)
    assert rows


def test_the_marts_show_them_and_hide_small_cells(site: Path) -> None:
    known = {(row["as_of_date"], row["wiki_db"], row["edit_count_bucket"], days_of(row)): row["value"]
             for row in truth(site, "rows", "columns")}  # fmt: skip
    shown = worlds.rows(
        site / "warehouse",
        "select cast(as_of_date as varchar), wiki_db, edit_count_bucket, window_days, estimate from fct_metric_values"
        " where metric = 'eligible_editors'",
    )
    found = {tuple(row[:4]): row[4] for row in shown.itertuples(index=False)}
    assert found.keys() == known.keys()
    for key, n in found.items():
        assert n == known[key] or (n != n and 1 <= known[key] < 10), key
    gates = worlds.rows(
        site / "warehouse",
        "select gate, bool_and(success or severity <> 'critical') as ok, count(*) > 0 as asked from fct_data_quality"
        " group by gate",
    )
    assert gates.to_numpy().tolist() == [["audience", True, True]]


def test_the_steps_read_and_write_what_is_declared(site: Path) -> None:
    events = [json.loads(line) for line in (site / "lineage").read_text().splitlines()]
    done = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
    assert set(done) >= {"pdmetrics.audience", "pdmetrics.marts"}
    audience = done["pdmetrics.audience"]
    assert audience["inputs"][0]["name"].endswith(f"history/{SNAPSHOT}")
    written = {one["facets"]["symlinks"]["identifiers"][0]["name"].removeprefix("pd.") for one in audience["outputs"]}
    # Where milestones stand is told once there are days.
    assert written == set(OF_STEPS["audience"].writes) - {"milestone_status"}


def test_the_gate_is_asked_again_of_what_is_published(site: Path) -> None:
    code, said = audit(site)
    assert code == 0
    assert "audience gate, as of 2026-03-31, as published" in said
    assert "Not asked again, since they compare with the dumps: audience_rows_as_logged" in said


def audit(site: Path, *options: str) -> tuple[int, str]:
    done = worlds.here("--warehouse", str(site / "warehouse"), "audit", "--gate", "audience", *options, check=False)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_too_many_malformed_rows_publish_nothing_and_file_and_line_are_named(site: Path) -> None:
    before, dump = worlds.contents(site / "warehouse"), f"{SNAPSHOT}/idwiki/{SNAPSHOT}.idwiki.2026.tsv.bz2"
    file = site / "world" / "history" / dump
    lines = bz2.decompress(file.read_bytes()).splitlines(keepends=True)
    bad = next(line for line in lines if b"\trevision\tcreate\t2026-03" in line).replace(b"\t2026-03", b"\t2026-33", 1)
    file.write_bytes(bz2.compress(bad * (len(lines) // 10)) + file.read_bytes())
    done = worlds.here(*command(site, "--wiki", "idwiki"), check=False)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1, said
    assert f"{dump}, line 1 (malformed:event_timestamp)" in said
    assert "nothing was published" in said
    assert "give the same command" in said
    assert worlds.contents(site / "warehouse") == before
    code, said = audit(site, "--staged")
    assert code == 1
    assert "as of 2026-03-17, 2026-03-31, as staged" in said
    assert "idwiki/2026-03: " in said
    assert "As the run itself found, since they compare with the dumps: audience_rows_as_logged" in said
    assert "nothing was published" not in said
    assert audit(site, "--input", "x")[0] == 2
    gates = worlds.here("--warehouse", str(site / "warehouse"), "doctor", check=False).stdout
    assert "the audience gate" in " ".join(gates.split())


def test_a_dump_that_was_cut_but_is_whole_bzip2_publishes_nothing(site: Path) -> None:
    before, dump = worlds.contents(site / "warehouse"), f"{SNAPSHOT}/enwiki/{SNAPSHOT}.enwiki.{SNAPSHOT}.tsv.bz2"
    file = site / "world" / "history" / dump
    lines = bz2.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(bz2.compress(b"".join(line for line in lines if line.split(b"\t")[4][:10] <= b"2026-03-20")))
    done = worlds.here(*command(site, "--wiki", "enwiki", "--wiki", "trwiki"), check=False)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1, said
    assert f"enwiki: the last event of {dump} is of 2026-03-20, but some" in said
    assert "or count as of 2026-03-19, the last day that is surely whole" in said
    assert worlds.contents(site / "warehouse") == before
    file.write_bytes(bz2.compress(b""))
    done = worlds.here(*command(site, "--wiki", "enwiki", "--wiki", "trwiki"), check=False)
    assert done.returncode == 3
    assert "is empty: it unzips to nothing" in " ".join(done.stderr.split())
