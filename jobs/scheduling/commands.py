"""The command lines the tasks run. Pure: no Airflow, no environment but what is passed in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.scheduling.site import Site

STEPS = ("ingest", "estimates", "marts")
"""The steps of a day up to publishing, in order."""

PUBLISHES = "marts"
"""The step after which readers see the day."""

DAY = "{{ data_day(params, ds | default(none)) }}"
"""The UTC day of data. `data_interval_start` differs under `airflow dags test`, and where a run is given its date."""

INPUT = "{{ input_directory() }}"
_TEMPLATE = re.compile(r"\{\{ (.*) \}\}")


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
    return _command(site, "audit", "--gate", "raw", "--date", DAY, "--input", INPUT)


def run_day(site: Site, steps: Sequence[str] = STEPS) -> Command:
    """Return the command that runs steps of the day.

    Raises:
        ValueError: there is no such step; `report` is a command of its own.
    """
    for step in steps:
        if step not in STEPS:
            raise ValueError(f"no step {step!r}; there are {', '.join(STEPS)}")
    return _command(site, "run", "--date", DAY, "--input", INPUT, "--steps", ",".join(steps), computes=True)


def report(site: Site) -> Command:
    """Return the command that makes the report of the published day."""
    return _command(site, "run", "--date", DAY, "--input", INPUT, "--steps", "report")


def run_late(site: Site) -> Command:
    """Return the command that runs published days again whose missing hours have arrived."""
    return _command(site, "run", "--late", "--input", INPUT, computes=True)


def arguments(command: Command) -> list[str]:
    """Return what follows the program, for a runner without a shell, whose engine is Spark."""
    return [*command.options, "--set", "engine.name=spark", *command.words]


def shell(site: Site, command: Command) -> str:
    """Return the command as a shell runs it: each word quoted, what a template yields too."""
    return " ".join(_quoted(word) for word in (*shlex.split(site.cli), *command.options, *command.words))


def _quoted(word: str) -> str:
    template = _TEMPLATE.fullmatch(word)
    return f"{{{{ {template[1]} | quoted }}}}" if template else shlex.quote(word)
