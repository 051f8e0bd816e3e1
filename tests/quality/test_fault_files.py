"""What the faults do to raw files: each changes the day it is put into, and leaves lines that can be read."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.integration.worlds import simulate
from tests.quality.changes_cases import SMALL, write
from tests.quality.fault_files import Files, fraction, of_wiki
from tests.quality.faults import FAULTS, Fault

DAY = date(2026, 4, 6)
WITH_FILES = {fault.name: fault for fault in FAULTS if fault.into_files is not None}
State = dict[str, object]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "world"
    simulate(out, start="2026-04-03", days=4, scenario="default", scale=0.3)
    return out


@pytest.fixture
def files(world: Path, tmp_path: Path) -> Files:
    shutil.copytree(world, tmp_path / "world")
    write(tmp_path / "warehouse" / "personal_dashboard.duckdb", SMALL)
    return Files(tmp_path / "world", tmp_path / "warehouse", DAY)


def state(files: Files) -> State:
    """Every file of the input, and the number that the warehouse shows."""
    found: State = {path.relative_to(files.world).as_posix(): path.read_bytes() for path in files.world.rglob("*.*")}
    with duckdb.connect(str(files.warehouse / "personal_dashboard.duckdb"), read_only=True) as connection:
        rows = connection.execute("select sum(n_visitors_observed) from marts.fct_baseline_daily").fetchall()
    return {**found, "published": rows}


def put(name: str, files: Files) -> None:
    fault: Fault = WITH_FILES[name]
    assert fault.into_files is not None
    fault.into_files(files)


def lines(files: Files) -> list[str]:
    folders = sorted(files.world.glob(f"raw/*/year={DAY.year}/month={DAY.month}/day={DAY.day}/*/*.gz"))
    return [line for path in folders for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_fault_changes_the_day_and_nothing_before_it(files: Files, name: str) -> None:
    before = state(files)
    put(name, files)
    after = state(files)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed
    assert all(path.endswith(".csv") or path == "published" or f"/day={DAY.day}/" in path for path in changed)


@pytest.mark.parametrize("name", sorted(WITH_FILES.keys() - {"a file cut off"}))
def test_the_lines_of_a_fault_are_as_sound_as_before(files: Files, name: str) -> None:
    def broken() -> int:
        return sum(_is_broken(line) for line in lines(files))

    before = broken()
    put(name, files)
    assert broken() <= before * 5  # lines that were broken before may be repeated


def _is_broken(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def test_half_of_the_pageviews_of_a_wiki_are_kept_at_half_the_rate(files: Files) -> None:
    before = Counter(of_wiki(line, "idwiki") for line in lines(files))
    put("a rate halved unsaid", files)
    own = [line for line in lines(files) if of_wiki(line, "idwiki")]
    assert max(fraction(line) for line in own) < 0.5
    assert 0.4 < len(own) / before[True] < 0.6
    assert Counter(of_wiki(line, "idwiki") for line in lines(files))[False] == before[False]


def test_half_an_hour_leaves_half_of_one_hour(files: Files) -> None:
    before = {hour: len(files.lines(hour)) for hour in range(24)}
    put("half an hour missing", files)
    after = {hour: len(files.lines(hour)) for hour in range(24)}
    assert {hour for hour in range(24) if before[hour] != after[hour]} == {15}
    assert 0.25 < after[15] / before[15] < 0.75
