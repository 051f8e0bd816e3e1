"""Two engines, one truth: a warehouse that both write in turn has the rows that either alone makes."""

from __future__ import annotations

import shutil

import pytest

from tests.integration import worlds

DAYS = ("2026-03-16", "2026-03-17")
pytestmark = pytest.mark.engines


def _run(world, warehouse, engine, day):
    command = ["--warehouse", str(warehouse), "--set", f"engine.name={engine}"]
    worlds.pdmetrics(*command, "run", "--input", str(world), "--date", day)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two days of four wikis, one of them sampled by session, with all the dirt of a stream."""
    out = tmp_path_factory.mktemp("turns") / "world"
    worlds.simulate(out, start=DAYS[0], days=2, scenario="session-25", scale=0.08)
    return out


@pytest.fixture(scope="module")
def contents(world, tmp_path_factory):
    """Every table and mart after two days: by the embedded engine, by Spark and then it, and by Spark once more.

    The last is what Spark alone makes, in a warehouse that the other engine wrote to in between.
    """
    folder = tmp_path_factory.mktemp("turns")
    embedded, spark, turns = (folder / name for name in ("embedded", "spark", "turns"))
    for warehouse in (embedded, spark):
        warehouse.mkdir()
        (warehouse / "salt").write_text("pepper")  # what makes hashes differ between warehouses; nothing else may
    for day in DAYS:
        _run(world, embedded, "embedded", day)
    _run(world, spark, "spark", DAYS[0])
    shutil.move(spark, turns)
    worlds.pdmetrics("--warehouse", str(turns), "doctor", "--relocate")
    _run(world, turns, "embedded", DAYS[1])
    found = {path.name: _contents(path) for path in (embedded, turns)}
    _run(world, turns, "spark", DAYS[1])
    return {**found, "again": _contents(turns)}


def _contents(warehouse):
    return {**worlds.contents(warehouse), **worlds.lake_contents(warehouse)}


@pytest.mark.parametrize("name", ["turns", "again"])
def test_every_table_and_mart_holds_the_same_rows(contents, name):
    expected, got = contents["embedded"], contents[name]
    assert got.keys() == expected.keys()
    assert len(expected["fct_metric_values"]) > 500
    assert len(expected["lake.user_days"]) > 50
    for table, rows in expected.items():
        assert got[table] == rows, f"{table}: {len(got[table] - rows)} too many, {len(rows - got[table])} missing"
