"""The DAGs in a folder that other teams use too: found and loaded by Airflow, with nothing of ours on the path."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

DAGS = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(path.name for path in DAGS.glob("*.py"))
THEIRS = """
from airflow.sdk import DAG

with DAG(dag_id="theirs", schedule=None):
    pass
"""
# Runs each of our files with Airflow loaded, then loads each folder as the DAG processor does; tells how many seconds
# of CPU a file took, what was found, and which modules that took.
LOAD = """
import json, runpy, sys, time
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.providers.standard.operators import bash, hitl
from airflow.sdk import DAG, BaseNotifier, ObjectStoragePath, RetryPolicy

seconds = {}
for path in sorted(Path(sys.argv[1]).glob("personal_dashboard/*.py")):
    began = time.process_time()
    runpy.run_path(str(path))
    seconds[path.name] = time.process_time() - began
bags = {}
for folder in sys.argv[1:]:
    bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="shared")
    bags[Path(folder).name] = {"dags": sorted(bag.dags), "errors": bag.import_errors}
heavy = {"jobs", "expectations", "support", "pyspark", "pysail", "duckdb", "dbt", "great_expectations", "scipy"}
modules = sorted(name for name in sys.modules if name.split(".")[0] in heavy)
print(json.dumps({"bags": bags, "modules": modules, "seconds": seconds}))
"""


def with_neighbours(folder: Path) -> Path:
    """A folder of DAGs with another team's, which has helpers called `support` as well."""
    (folder / "their_team" / "support").mkdir(parents=True)
    (folder / "their_team" / "theirs.py").write_text(THEIRS)
    (folder / "their_team" / "support" / "__init__.py").write_text("commands = None\n")
    return folder


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours as a copy, over an older one whose helpers still lie beside it."""
    folder = with_neighbours(tmp_path_factory.mktemp("folders") / "copied")
    ours = folder / "personal_dashboard"
    shutil.copytree(DAGS, ours)
    (ours / "support").mkdir(exist_ok=True)
    (ours / "support" / "__init__.py").touch()
    (ours / "support" / "assets.py").write_text('raise RuntimeError("airflow took a helper for a DAG or an asset")\n')
    return folder


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours as a link, and no helpers."""
    folder = with_neighbours(tmp_path_factory.mktemp("folders") / "linked")
    (folder / "personal_dashboard").symlink_to(DAGS, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def loaded(copied: Path, linked: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Airflow made of both, in a process that has nothing on its path but what is installed."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("PDMETRICS_")
    }
    environment |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(copied), str(linked)],
        cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("folder", ["copied", "linked"])
def test_ours_and_theirs_load(loaded: Any, folder: str) -> None:
    bag = loaded["bags"][folder]
    assert bag["errors"] == {}
    assert bag["dags"] == sorted([*(name.removesuffix(".py") for name in FILES), "theirs"])


def test_loading_takes_no_more_of_the_package_than_the_wiring(loaded: Any) -> None:
    folder = DAGS.parent / "jobs" / "scheduling"
    ours = sorted(f"jobs.scheduling.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")
    assert loaded["modules"] == ["jobs", "jobs.scheduling", *ours]


def test_a_file_takes_less_than_a_second_of_its_own(loaded: Any) -> None:
    assert sorted(loaded["seconds"]) == FILES
    assert max(loaded["seconds"].values()) < 1


def test_airflow_looks_into_dag_files_only(copied: Path) -> None:
    from airflow.configuration import conf
    from airflow.utils.file import find_dag_file_paths

    assert conf.get("core", "dag_ignore_file_syntax") == "glob"
    ours = copied / "personal_dashboard"
    found = find_dag_file_paths(copied, safe_mode=False)
    assert sorted(Path(path).name for path in found if Path(path).is_relative_to(ours)) == FILES
