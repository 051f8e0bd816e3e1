"""The command lines the tasks run. Pure: no Airflow, no environment but what is passed in."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

STEPS = ("ingest", "estimates", "marts", "report")
"""The steps of a day, in order."""

PUBLISHES = "marts"
"""The step after which readers see the day."""

DAY = "{{ ds }}"
"""The UTC day that ended, as Airflow fills it in. `data_interval_start` differs under `airflow dags test`."""


def cli(environment: Mapping[str, str]) -> list[str]:
    """Return the command that starts pdmetrics, with its global options.

    Args:
        environment: `PDMETRICS_CLI` (default `pdmetrics`; may be several words, such as `python -m jobs`) and, if the
            warehouse or the configuration is not where the command looks by itself, `PDMETRICS_WAREHOUSE` and
            `PDMETRICS_CONFIG`.
    """
    argv = shlex.split(environment.get("PDMETRICS_CLI") or "pdmetrics")
    for option, name in (("--config", "PDMETRICS_CONFIG"), ("--warehouse", "PDMETRICS_WAREHOUSE")):
        if environment.get(name):
            argv += [option, environment[name]]
    return [*argv, "--log-format", "json"]


def run_step(step: str, environment: Mapping[str, str]) -> list[str]:
    """Return the command that runs one step of the templated day.

    Raises:
        ValueError: there is no such step.
    """
    if step not in STEPS:
        raise ValueError(f"no step {step!r}; there are {', '.join(STEPS)}")
    return [*cli(environment), "run", "--date", DAY, "--input", "$PDMETRICS_INPUT", "--steps", step]


def shell(argv: Sequence[str]) -> str:
    """Join words into a shell command, quoted, but for templates and variables that are to be filled in later."""
    return " ".join(_word(word) for word in argv)


def _word(word: str) -> str:
    if word == DAY:
        return word  # a date has nothing to quote
    if word.startswith("$") and word[1:].isidentifier():
        # `:?` stops the task with a sentence of its own where the variable is not set.
        return f'"${{{word[1:]}:?is not set}}"'
    return shlex.quote(word)
