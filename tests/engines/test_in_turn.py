"""Two engines, one truth: a warehouse that both write in turn has the rows that either alone makes."""

from __future__ import annotations

import shutil

import pytest

from tests.integration import worlds

DAYS = ("2026-03-16", "2026-03-17")
INGEST, REST = "ingest", "estimates,marts"


def _run(world, warehouse, engine, day, *steps):
    command = ["--warehouse", str(warehouse), "--set", f"engine.name={engine}"]
    worlds.pdmetrics(*command, "run", "--input", str(world), "--date", day, *(("--steps", *steps) if steps else ()))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two days of four wikis, one of them sampled by session, with all the dirt of a stream."""
    out = tmp_path_factory.mktemp("turns") / "world"
    worlds.simulate(out, start=DAYS[0], days=2, scenario="session-25", scale=0.08)
    return out


@pytest.fixture(scope="module")
def expected(world, tmp_path_factory):
    """Every table and mart after two days by the embedded engine."""
    warehouse = _with_salt(tmp_path_factory.mktemp("turns") / "embedded")
    for day in DAYS:
        _run(world, warehouse, "embedded", day)
    return _contents(warehouse)


def _with_salt(warehouse):
    """A warehouse with the salt of all here: it makes hashes differ between warehouses, and nothing else may."""
    warehouse.mkdir()
    (warehouse / "salt").write_text("pepper")
    return warehouse


def _contents(warehouse):
    return {**worlds.contents(warehouse), **worlds.lake_contents(warehouse)}


def _assert_same(got, expected):
    assert got.keys() == expected.keys()
    assert len(expected["fct_metric_values"]) > 500
    assert len(expected["lake.user_days"]) > 50
    for table, rows in expected.items():
        assert got[table] == rows, f"{table}: {len(got[table] - rows)} too many, {len(rows - got[table])} missing"


@pytest.mark.engines
def test_steps_in_turn_make_the_same_rows(world, expected, tmp_path):
    """Spark makes the warehouse; each engine goes on with what the other staged, and with what it published before."""
    made, warehouse = _with_salt(tmp_path / "spark"), tmp_path / "turns"
    _run(world, made, "spark", DAYS[0], INGEST)
    _run(world, made, "embedded", DAYS[0], REST)
    shutil.move(made, warehouse)
    worlds.pdmetrics("--warehouse", str(warehouse), "doctor", "--relocate")
    _run(world, warehouse, "embedded", DAYS[1], INGEST)
    _run(world, warehouse, "spark", DAYS[1], REST)
    _assert_same(_contents(warehouse), expected)


@pytest.mark.worlds
def test_days_in_turn_make_the_same_rows(world, expected, tmp_path):
    """A day by Spark, one by the embedded engine, the same by Spark once more."""
    warehouse = _with_salt(tmp_path / "turns")
    _run(world, warehouse, "spark", DAYS[0])
    _run(world, warehouse, "embedded", DAYS[1])
    _assert_same(_contents(warehouse), expected)
    _run(world, warehouse, "spark", DAYS[1])
    _assert_same(_contents(warehouse), expected)
