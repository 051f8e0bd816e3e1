"""Where the files are that come with the code: the dbt project, Spark's configuration, tables and texts.

An installed package has all of them inside of `jobs` and `expectations`. In a checkout `dbt_project` and `conf` lie at
its root, where people work on them; `setup.py` maps them into `jobs`.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from pathlib import Path

from jobs.errors import UsageError

SHIPPED: dict[str, tuple[str, ...]] = {
    "jobs": (
        "catalogue.toml", "data/instruments.csv", "data/vocabulary.csv", "data/milestones.csv",
        "report/templates", "report/assets",
        "dbt_project/dbt_project.yml", "dbt_project/profiles.yml", "dbt_project/macros", "dbt_project/models",
        "dbt_project/plugins", "dbt_project/tests",
        "conf/local/spark-defaults.conf", "conf/local/spark-env.sh", "conf/local/log4j2.properties",
        "conf/cluster/spark-defaults.conf", "conf/cluster/spark-env.sh", "conf/cluster/log4j2.properties",
    ),
    "expectations": ("thresholds.toml",),
}  # fmt: skip
"""By package, every file that is read and every folder that something is found in."""

CODE = (".py", ".toml", ".csv", ".sql", ".yml")
AT_THE_ROOT = ("conf", "dbt_project")
REINSTALL = "reinstall pdmetrics: pip install --force-reinstall --no-deps WHEEL_OR_CLONE"


def shipped(path: str, package: str = "jobs") -> Path:
    """Return a file, or a folder that is not empty, that comes with the code.

    Args:
        path: inside of the package, with `/`.
        package: `jobs` or `expectations`.

    Raises:
        UsageError: it is not there, so the installation is not whole.
    """
    found = _place(path, package)
    if found.is_file() or (found.is_dir() and any(found.iterdir())):
        return found
    raise UsageError(
        f"The installation is not whole: {package}/{path} is missing.", where=str(found), next_step=REINSTALL
    )


def code_digest() -> str:
    """Return a digest of the code and of what is shipped with it: of everything that can change a number."""
    digest = hashlib.sha256()
    roots = [Path(str(importlib.resources.files(package))) for package in SHIPPED]
    for root in (*roots, _place("dbt_project", "jobs")):
        for path in sorted(root.rglob("*")):
            if path.suffix in CODE and path.is_file():
                digest.update(f"{path.relative_to(root)} {path.stat().st_size} ".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def missing() -> list[str]:
    """Return which of the files that come with the code are not there, as `package/path`."""
    lost = []
    for package, paths in SHIPPED.items():
        for path in paths:
            try:
                shipped(path, package)
            except UsageError:
                lost.append(f"{package}/{path}")
    return lost


def _place(path: str, package: str) -> Path:
    folder = Path(str(importlib.resources.files(package)))
    root = folder.parent
    # Only beside our own pyproject.toml: next to an installed package a folder `conf` is somebody else's.
    if path.split("/")[0] in AT_THE_ROOT and (root / "pyproject.toml").is_file():
        return root / path
    return folder / path
