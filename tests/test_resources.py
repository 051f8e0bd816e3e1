"""What comes with the code is found in a checkout and in an installed package, and missed where it is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jobs import resources
from jobs.errors import UsageError
from tests.integration.worlds import here

ROOT = Path(__file__).parents[1]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The layout of an installed package: everything inside of `jobs` and `expectations`."""
    for package in ("jobs", "expectations"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for folder in resources.AT_THE_ROOT:
        shutil.copytree(ROOT / folder, tmp_path / "jobs" / folder)
    monkeypatch.setattr(resources.importlib.resources, "files", lambda package: tmp_path / package)
    return tmp_path


def test_a_checkout_is_whole() -> None:
    assert resources.missing() == []
    assert resources.shipped("dbt_project") == ROOT / "dbt_project"
    assert resources.shipped("thresholds.toml", "expectations") == ROOT / "expectations" / "thresholds.toml"


def test_an_installed_package_is_whole(installed: Path) -> None:
    assert resources.missing() == []
    assert resources.shipped("conf") == installed / "jobs" / "conf"


def test_a_folder_of_somebody_else_is_not_taken_for_ours(installed: Path) -> None:
    shutil.rmtree(installed / "jobs" / "conf")
    (installed / "conf").mkdir()
    (installed / "conf" / "__init__.py").touch()
    with pytest.raises(UsageError, match=r"jobs/conf is missing"):
        resources.shipped("conf")


def test_an_empty_folder_is_missing(installed: Path) -> None:
    shutil.rmtree(installed / "jobs" / "dbt_project" / "models")
    (installed / "jobs" / "dbt_project" / "models").mkdir()
    assert resources.missing() == ["jobs/dbt_project/models"]


def test_the_doctor_says_what_is_missing(installed: Path) -> None:
    (installed / "expectations" / "thresholds.toml").unlink()
    shutil.rmtree(installed / "jobs" / "dbt_project")
    done = here("--warehouse", str(installed / "w"), "doctor", check=False)
    assert done.returncode == 1
    assert "Ready to run." not in done.stdout
    assert "1 thing to mend first: package data" in done.stdout
    told = "".join(done.stdout.split())
    assert "jobs/dbt_project/models" in told
    assert "expectations/thresholds.toml" in told
    assert "reinstallpdmetrics" in told
