"""The command lines the tasks run. Pure: no Airflow, no environment but what is passed in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from jobs.scheduling.site import Site

STEPS = ("ingest", "estimates", "marts")
"""The steps of a day up to publishing, in order."""

PUBLISHES = "marts"
"""The step after which readers see the day."""

DAY_TEMPLATE = "{{ data_day(params, ds | default(none)) }}"
"""The UTC day of data. `data_interval_start` differs under `airflow dags test`, and where a run is given its date."""

INPUT = "{{ input_directory() }}"
SNAPSHOT = "{{ snapshot_month(params, ds | default(none)) }}"
LAST_DAY = "{{ params.as_of or last_day_of(snapshot_month(params, ds | default(none))) }}"
"""The month of a snapshot of mediawiki_history, the one that ended, and its last day or the one that is given."""

SPARE = timedelta(minutes=30)  # between two tasks of a day, on a busy scheduler

_TEMPLATE = re.compile(r"\{\{ (.*?) \}\}(.*)")


@dataclass(frozen=True)
class Command:
    """One call of pdmetrics: global options, then the subcommand with its own. Words may be Jinja templates.

    `computes` says whether it starts an engine, so that spark-submit may be asked to run it.
    """

    options: tuple[str, ...]
    words: tuple[str, ...]
    computes: bool


def _command(site: Site, *words: str, computes: bool = False) -> Command:
    options: list[str] = []
    for option, value in (("--config", site.config), ("--warehouse", site.warehouse)):
        if value:
            options += [option, value]
    options += ["--log-format", "json", "--set", f"run.lock_wait_seconds={site.lock_wait_seconds:g}"]
    return Command(tuple(options), words, computes)


def hours_there(site: Site) -> Command:
    """Return the command that asks whether every hour of the day has arrived: exit 3 if not."""
    return _command(site, "audit", "--gate", "raw", "--date", DAY_TEMPLATE, "--input", INPUT)


def run_day(site: Site, steps: Sequence[str] = STEPS) -> Command:
    """Return the command that runs steps of the day.

    Raises:
        ValueError: there is no such step; `report` is a command of its own.
    """
    for step in steps:
        if step not in STEPS:
            raise ValueError(f"no step {step!r}; there are {', '.join(STEPS)}")
    found = _command(site, "run", "--date", DAY_TEMPLATE, "--input", INPUT, "--steps", ",".join(steps), computes=True)
    if tuple(steps) == STEPS:
        return found
    # What a step staged is awaited for as long as it may take itself, be killed, wait for its retry, and be done again.
    claim = 2 * site.task_time + site.retry_wait + SPARE
    minutes = claim.total_seconds() / 60
    return replace(found, options=(*found.options, "--set", f"run.claim_minutes={minutes:g}"))


def report(site: Site) -> Command:
    """Return the command that makes the report of the published day."""
    return _command(site, "run", "--date", DAY_TEMPLATE, "--input", INPUT, "--steps", "report")


def run_late(site: Site) -> Command:
    """Return the command that runs published days again whose missing hours have arrived."""
    return _command(site, "run", "--late", "--input", INPUT, computes=True)


def backfill(site: Site, *, dry_run: bool) -> Command:
    """Return the command that computes days again and tells the difference, and publishes it unless it is a dry run."""
    days = ("--start", "{{ params.start }}", "--end", "{{ params.end }}")
    words = ("backfill", *days, "--input", INPUT, "--reason", "{{ params.reason }}")
    return _command(site, *words, *(["--dry-run"] if dry_run else []), computes=True)


def purge(site: Site) -> Command:
    """Return the command that deletes what is past its keep-until today, whatever day the run is of."""
    return _command(site, "purge")


def maintain(site: Site) -> Command:
    """Return the command that keeps the lake small and fast."""
    return _command(site, "maintain")


def audience(site: Site) -> Command:
    """Return the command that counts eligible editors in a dump of mediawiki_history, as of its last day or another."""
    words = ("audience", "--history", f"{INPUT}/history", "--snapshot", SNAPSHOT, "--as-of", LAST_DAY)
    return _command(site, *words, computes=True)


def arguments(command: Command) -> list[str]:
    """Return what follows the program, for a runner without a shell, whose engine is Spark."""
    return [*command.options, "--set", "engine.name=spark", *command.words]


def shell(site: Site, command: Command) -> str:
    """Return the command as a shell runs it: each word quoted, what a template yields too."""
    return " ".join(_quoted(word) for word in (*shlex.split(site.cli), *command.options, *command.words))


def _quoted(word: str) -> str:
    template = _TEMPLATE.fullmatch(word)
    if not template:
        return shlex.quote(word)
    return f"{{{{ {template[1]} | quoted }}}}{shlex.quote(template[2]) if template[2] else ''}"
