"""Command lines, defaults and callbacks, without Airflow."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace

import pytest

from jobs.scheduling import callbacks, commands, defaults


def test_a_step_runs_the_templated_day_on_the_input_of_the_environment() -> None:
    argv = commands.run_step("estimates", {})
    assert argv == [
        "pdmetrics", "--log-format", "json", "run", "--date", "{{ ds }}", "--input", "$PDMETRICS_INPUT",
        "--steps", "estimates",
    ]  # fmt: skip


def test_the_environment_names_command_warehouse_and_configuration() -> None:
    environment = {
        "PDMETRICS_CLI": "/opt/my python/bin -m jobs".replace(" python", "\\ python"),
        "PDMETRICS_WAREHOUSE": "/w h",
    }
    argv = commands.cli(environment | {"PDMETRICS_CONFIG": "/c.toml"})
    assert argv[:3] == ["/opt/my python/bin", "-m", "jobs"]
    assert argv[3:] == ["--config", "/c.toml", "--warehouse", "/w h", "--log-format", "json"]


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert commands.cli({"PDMETRICS_CLI": "", "PDMETRICS_WAREHOUSE": ""})[0] == "pdmetrics"
    assert defaults.default_args({"PDMETRICS_RETRIES": ""})["retries"] == 2


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(ValueError, match="no step 'publish'"):
        commands.run_step("publish", {})


def test_the_shell_sees_quoted_words_and_the_variable_s_value() -> None:
    show = [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
    command = commands.shell([*show, "$PDMETRICS_INPUT", "{{ ds }}", "a; b"]).replace(commands.DAY, "2026-03-23")
    environment = {**os.environ, "PDMETRICS_INPUT": "/in put/$x"}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["/in put/$x", "2026-03-23", "a; b"])


def test_without_the_variable_the_task_stops_and_says_so() -> None:
    command = commands.shell(["echo", "$PDMETRICS_INPUT"])
    environment = {name: value for name, value in os.environ.items() if name != "PDMETRICS_INPUT"}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "PDMETRICS_INPUT: is not set" in done.stderr


def test_the_template_survives_the_shell_words() -> None:
    assert "--date {{ ds }} " in commands.shell(commands.run_step("ingest", {}))
    assert len(shlex.split(commands.shell(commands.run_step("ingest", {})))) == len(commands.run_step("ingest", {})) + 2


def test_retries_come_from_the_environment_and_back_off() -> None:
    assert defaults.default_args({"PDMETRICS_RETRIES": "0"})["retries"] == 0
    ours = defaults.default_args({})
    assert ours["retries"] == 2
    assert ours["retry_exponential_backoff"] is True
    assert ours["execution_timeout"] > timedelta(0)
    with pytest.raises(ValueError, match="many"):
        defaults.default_args({"PDMETRICS_RETRIES": "many"})


@pytest.mark.parametrize(("code", "words"), [(1, "quality gate"), (2, "configuration"), (3, "no input for the day")])
def test_a_failure_says_what_the_exit_code_means(code: int, words: str) -> None:
    error = RuntimeError(f"Bash command failed. The command returned a non-zero exit code {code}.")
    instance = SimpleNamespace(dag_id="personal_dashboard_daily", task_id="ingest")
    message = callbacks.failure_message({"task_instance": instance, "ds": "2026-03-23", "exception": error})
    assert message.startswith("personal_dashboard_daily.ingest failed for 2026-03-23: ")
    assert words in message


def test_a_failure_without_exit_code_or_date_still_has_a_message(caplog: pytest.LogCaptureFixture) -> None:
    callbacks.report_failure({})
    assert caplog.messages == ["?.? failed for a run without a date: see the task's log (no exception was given)"]
