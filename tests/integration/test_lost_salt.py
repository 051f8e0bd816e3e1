"""A warehouse whose salt was lost takes no other day, and makes no new salt; with the salt restored it goes on."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.integration import worlds

pytestmark = pytest.mark.worlds  # CI has tests/warehouse/test_salt.py
DAYS = ("2026-03-16", "2026-03-17")


def test_a_lost_salt_stops_the_next_day_until_it_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, warehouse = tmp_path / "world", tmp_path / "warehouse"
    worlds.simulate(world, start=DAYS[0], days=2, scenario="clean", scale=0.02)
    first, second = (["--warehouse", str(warehouse), "run", "--input", str(world), "--date", day] for day in DAYS)
    worlds.here(*first)
    marts, salt = warehouse / "personal_dashboard.duckdb", warehouse / "salt"
    assert [stat.S_IMODE(file.stat().st_mode) for file in (marts, salt)] == [0o600, 0o600]
    published = worlds.contents(warehouse), worlds.lake_contents(warehouse)

    aside = salt.rename(tmp_path / "backup")
    with monkeypatch.context() as patched:
        patched.setattr("jobs.commands.run.open_lake", lambda *_: pytest.fail("an engine was started first"))
        refused = worlds.here(*second, check=False)
    assert refused.returncode == 2
    words = " ".join(refused.stderr.split())
    assert "Traceback" not in words
    assert f"where: {salt}" in words
    assert "restore it from a backup" in words
    assert "name another warehouse (--warehouse)" in words
    assert not salt.exists()
    assert (worlds.contents(warehouse), worlds.lake_contents(warehouse)) == published

    aside.rename(salt)
    worlds.here(*second)
    days = worlds.rows(warehouse, "select distinct cast(as_of_date as varchar) from fct_metric_values order by 1")
    assert days.iloc[:, 0].tolist() == list(DAYS)
