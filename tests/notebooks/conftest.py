"""Marts of the small lake in dbt_project/fixture and of counted editors, built once for all processes that test."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from jobs.marts.build import run_dbt
from jobs.warehouse.runs import MARTS_FILE
from tests.notebooks.counted_editors import with_editors

LAKE = Path(__file__).parents[2] / "dbt_project" / "fixture" / "lake.json"


@pytest.fixture(scope="session")
def small_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but a marts file: several weeks of several wikis, one of them sampled."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "small_warehouse"
    with (shared / "small_warehouse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / MARTS_FILE).exists():
            new = folder / "next" / MARTS_FILE
            new.parent.mkdir(parents=True)
            run_dbt("run", "--no-write-json", marts_file=new, lake_file=with_editors(LAKE, new.parent))
            new.replace(folder / MARTS_FILE)
    return folder


@pytest.fixture
def published(small_warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where a notebook finds it."""
    monkeypatch.setenv("PDMETRICS_WAREHOUSE", str(small_warehouse))
    return small_warehouse
