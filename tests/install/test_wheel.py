"""What a user installs: the wheel alone, in an empty environment, from another directory, runs a day.

It is built from an sdist, which is built from the folders of the package alone. uv takes what it needs from its cache,
where `make setup` left it, and only else from the network.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.install

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ("jobs", "expectations", "conf", "dbt_project")
BESIDES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
LEFT_OVER = shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml")
NOT_PACKAGED = (".", "target", "logs", "fixture")
DAY = "2026-03-19"


def environment() -> dict[str, str]:
    """The caller's variables without what could lead to the checkout or to other settings."""
    dropped = ("PDMETRICS_", "PYTHON", "VIRTUAL_ENV", "PD_", "SPARK_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | {"COLUMNS": "200"}


def from_cache_or_network(*command: str, cwd: Path) -> None:
    """Run a command that calls uv: without the network, and if that does not do, with it."""
    for offline in ("1", "0"):
        told = environment() | {"UV_OFFLINE": offline, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=cwd, env=told, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode == 0:
            return
    raise AssertionError(f"{' '.join(command)} exited {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built out of what belongs to the package and nothing else."""
    source = tmp_path_factory.mktemp("source")
    for folder in PACKAGED:
        shutil.copytree(ROOT / folder, source / folder, ignore=LEFT_OVER)
    for file in BESIDES:
        shutil.copy(ROOT / file, source)
    built = tmp_path_factory.mktemp("built")
    from_cache_or_network(sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(built), ".", cwd=source)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `bin` of an environment that has the wheel and what it asks for, in the locked versions."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    lock = str(ROOT / "requirements.txt")
    from_cache_or_network("uv", "venv", "--quiet", "--python", sys.executable, str(folder), cwd=wheel.parent)
    python = str(folder / "bin" / "python")
    from_cache_or_network(
        "uv", "pip", "install", "--quiet", "--python", python, "--constraints", lock, str(wheel), cwd=wheel.parent
    )
    return folder / "bin"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory the user works in."""
    return tmp_path_factory.mktemp("elsewhere")


def run(program: Path, *arguments: str, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        [str(program), *arguments], cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == code, f"{program.name} {arguments} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


def package_folder(installed: Path, cwd: Path) -> Path:
    return Path(run(installed / "python", "-c", "import jobs; print(jobs.__path__[0])", cwd=cwd).strip())


def test_the_wheel_holds_every_file_of_the_package(installed: Path, elsewhere: Path) -> None:
    package = package_folder(installed, elsewhere)
    assert package.is_relative_to(installed.parent)
    places = {"jobs": package, "expectations": package.parent / "expectations"}
    for folder in PACKAGED:
        there = places.get(folder, package / folder)
        for path in files_of(ROOT / folder):
            name = path.relative_to(ROOT / folder)
            if name.name == "README.md" or name.parts[0].startswith(NOT_PACKAGED):
                continue
            assert (there / name).exists(), f"{folder}/{name} is not in the wheel"


def test_a_day_runs_from_the_wheel_alone(installed: Path, elsewhere: Path) -> None:
    pdmetrics = installed / "pdmetrics"
    package = package_folder(installed, elsewhere)
    before = files_of(package.parent)
    assert run(pdmetrics, "--version", cwd=elsewhere).startswith("pdmetrics ")
    assert "Ready to run." in run(pdmetrics, "doctor", cwd=elsewhere)
    run(pdmetrics, "simulate", "--out", "w", "--start", DAY, "--days", "1", "--scale", "0.1", cwd=elsewhere)
    run(pdmetrics, "run", "--date", DAY, "--input", "w", cwd=elsewhere)
    count = "select count(*) as n from fct_metric_values where estimate > 0"
    assert int(run(pdmetrics, "query", "--format", "csv", count, cwd=elsewhere).split()[1]) > 0
    assert sorted(path.name for path in elsewhere.iterdir()) == ["w", "warehouse"]
    assert files_of(package.parent) - before == set()  # it may be read-only, as an administrator leaves it


def test_the_doctor_misses_what_is_gone(installed: Path, elsewhere: Path) -> None:
    models = package_folder(installed, elsewhere) / "dbt_project" / "models"
    models.rename(models.with_name("moved_away"))
    try:
        told = run(installed / "pdmetrics", "doctor", cwd=elsewhere, code=1)
    finally:
        models.with_name("moved_away").rename(models)
    assert "jobs/dbt_project/models" in told
