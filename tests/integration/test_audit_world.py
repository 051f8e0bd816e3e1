"""Gates as an operator meets them: a day that is not whole, one that is refused, and the same gates asked again."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from tests.integration import worlds

pytestmark = pytest.mark.integration
FIRST, SECOND, THIRD = "2026-03-16", "2026-03-17", "2026-03-18"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of three days and a warehouse with the first two."""
    folder = tmp_path_factory.mktemp("audit")
    worlds.simulate(folder / "world", start=FIRST, days=3, scenario="clean", scale=0.05)
    worlds.here(
        "--warehouse", str(folder / "warehouse"), "run", "--input", str(folder / "world"),
        "--start", FIRST, "--end", THIRD,
    )  # fmt: skip
    return folder


def audit(site: Path, gate: str, *options: str) -> tuple[int, str, str]:
    done = worlds.here("--warehouse", str(site / "warehouse"), "audit", "--gate", gate, *options, check=False)
    return done.returncode, " ".join(done.stdout.split()), " ".join(done.stderr.split())


def hour_of(world: Path, day: str, hour: int) -> Path:
    (found,) = (world / "raw").glob(f"*/year=2026/month=3/day={int(day[-2:])}/hour={hour}")
    return found


@pytest.mark.parametrize("gate", ["raw", "facts", "marts"])
def test_what_is_published_passes_its_gates_again(site: Path, gate: str) -> None:
    code, said, _ = audit(site, gate, "--start", FIRST, "--end", THIRD)
    assert code == 0
    assert f"{gate} gate, {FIRST} to {SECOND}, as published" in said


def test_a_day_is_waited_for_until_its_hours_are_there(site: Path, tmp_path: Path) -> None:
    world = tmp_path / "world"
    shutil.copytree(site / "world", world)
    shutil.rmtree(hour_of(world, THIRD, 23))
    code, _, said = audit(site, "raw", "--date", THIRD, "--input", str(world))
    assert code == 3
    assert f"{THIRD}: 1 of 24 hours are not there (23)" in said
    code, said, _ = audit(site, "raw", "--date", THIRD, "--input", str(site / "world"))
    assert code == 0, "the hours are there: whoever waits for them can run the day"
    assert f"{THIRD}: every hour is there" in said
    assert f"Not ingested yet, so nothing else was looked at: {THIRD}." in said
    code, _, said = audit(site, "raw", "--date", THIRD)
    assert code == 3
    assert f"1 of 1 days were not ingested, the first {THIRD}" in said
    code, said, _ = audit(site, "raw", "--date", SECOND, "--input", str(site / "world"))
    assert code == 0
    assert f"{SECOND}: every hour is there, 24 files" in said


def test_a_refused_day_leaves_what_is_published_and_can_be_looked_at(site: Path, tmp_path: Path) -> None:
    world, warehouse = tmp_path / "world", site / "warehouse"
    shutil.copytree(site / "world", world)
    for hour in range(12):
        for file in hour_of(world, THIRD, hour).iterdir():
            n_lines = len(gzip.decompress(file.read_bytes()).splitlines()) or 1
            file.write_bytes(gzip.compress(b"not json\n" * n_lines))
    before = worlds.contents(warehouse), worlds.lake_contents(warehouse)
    done = worlds.here("--warehouse", str(warehouse), "run", "--input", str(world), "--date", THIRD, check=False)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert "the raw gate failed, nothing was published" in said
    assert "quarantine_share: saw" in said
    assert f"look: pdmetrics quarantine --date {THIRD} --staged" in said

    tables, lake = worlds.contents(warehouse), worlds.lake_contents(warehouse)
    verdicts = lake.pop("lake.data_quality_metrics")
    assert tables == before[0]
    assert lake == {name: rows for name, rows in before[1].items() if name != "lake.data_quality_metrics"}
    assert len(verdicts) > len(before[1]["lake.data_quality_metrics"]), "the verdicts of the run that failed are kept"

    code, said, error = audit(site, "raw", "--date", THIRD, "--staged")
    assert code == 1
    assert "FAILED" in said
    assert "the raw gate failed" in error
    assert "nothing was published" not in error
    code, _, error = audit(site, "facts", "--date", FIRST, "--staged")
    assert code == 2
    assert f"Nothing is staged of {FIRST}" in error

    index = (warehouse / "data_docs" / "index.html").read_text(encoding="utf-8")
    assert "not json" not in index
    summaries = [json.loads(file.read_text()) for file in (warehouse / "data_docs").rglob("summary.json")]
    assert sorted((told["gate"], bool(told["failed"])) for told in summaries) == [
        ("facts", False), ("marts", False), ("raw", False), ("raw", True),
    ]  # fmt: skip


def test_a_day_that_no_mart_has_is_no_failed_gate(site: Path) -> None:
    code, _, said = audit(site, "marts", "--date", "2026-01-05")
    assert code == 3
    assert "1 of 1 days were not ingested" in said


def test_damaged_marts_are_no_crash(site: Path, tmp_path: Path) -> None:
    marts = site / "warehouse" / "personal_dashboard.duckdb"
    whole = marts.read_bytes()
    marts.write_bytes(b"garbage" * 1000)
    code, _, said = audit(site, "marts", "--date", SECOND)
    marts.write_bytes(whole)
    assert code == 2
    assert "The marts file cannot be read" in said


def test_nothing_published_is_said(tmp_path: Path) -> None:
    done = worlds.here("--warehouse", str(tmp_path), "audit", "--gate", "marts", "--date", FIRST, check=False)
    assert done.returncode == 3
    assert "Nothing is published yet." in done.stderr
