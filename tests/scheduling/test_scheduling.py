"""Command lines, variables and causes, without Airflow."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import errors
from jobs.scheduling import causes, commands
from jobs.scheduling.site import Site, read_site
from jobs.warehouse.manifest import STEPS


def test_the_environment_names_command_warehouse_and_configuration() -> None:
    site = read_site(
        {
            "PDMETRICS_CLI": "/opt/my\\ python/bin -m jobs",
            "PDMETRICS_WAREHOUSE": "/w h",
            "PDMETRICS_CONFIG": "/c.toml",
            "PDMETRICS_RUN__LOCK_WAIT_SECONDS": "60",
        }
    )
    assert commands.shell(site, commands.maintain(site)) == (
        "'/opt/my python/bin' -m jobs --config /c.toml --warehouse '/w h' --log-format json "
        "--set run.lock_wait_seconds=60 maintain"
    )


def test_an_empty_variable_is_as_good_as_none() -> None:
    names = ("CLI", "WAREHOUSE", "TASKS", "RUNNER", "POOL", "RETRIES", "WAIT_HOURS", "RUN__LOCK_WAIT_SECONDS")
    assert read_site({f"PDMETRICS_{name}": "" for name in names}) == Site() == read_site({})


def test_variables_are_read_with_their_units() -> None:
    site = read_site({"PDMETRICS_WAIT_HOURS": "1.5", "PDMETRICS_RETRY_MINUTES": "0.1", "PDMETRICS_RETRIES": "0"})
    assert (site.wait, site.retry_wait, site.retries) == (timedelta(hours=1.5), timedelta(seconds=6), 0)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PDMETRICS_RETRIES", "many", "PDMETRICS_RETRIES is 'many'; it wants a number"),
        ("PDMETRICS_WAIT_HOURS", "-1", "PDMETRICS_WAIT_HOURS is '-1'; it wants a number from 0 on"),
        ("PDMETRICS_WAIT_HOURS", "inf", "PDMETRICS_WAIT_HOURS is 'inf'"),
        ("PDMETRICS_TASKS", "hours", "PDMETRICS_TASKS is 'hours'; it may be day or steps"),
        ("PDMETRICS_RUNNER", "spark", "PDMETRICS_RUNNER is 'spark'; it may be bash or spark-submit"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(name: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_site({name: value})


def test_a_task_waits_for_the_lock_for_less_than_it_may_take() -> None:
    assert read_site({"PDMETRICS_TASK_HOURS": "24"}).lock_wait_seconds == 3600
    assert read_site({"PDMETRICS_TASK_HOURS": "0.5"}).lock_wait_seconds == 600
    given = {"PDMETRICS_TASK_HOURS": "0.5", "PDMETRICS_RUN__LOCK_WAIT_SECONDS": "1799"}
    assert read_site(given).lock_wait_seconds == 1799
    with pytest.raises(ValueError, match="LOCK_WAIT_SECONDS is '1800'; a task may take 1800 s"):
        read_site(given | {"PDMETRICS_RUN__LOCK_WAIT_SECONDS": "1800"})


def test_each_alarm_has_a_name_and_each_name_is_used() -> None:
    folder = Path(causes.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    by_name = set(re.findall(r'ALARMS\["([^"]+)"\]', source)) | set(re.findall(r'\d+: "(hours/[^"]+)"', source))
    assert by_name | {f"task/exit {code}" for code in causes.EXIT_CODES} == set(causes.ALARMS)
    said = re.findall(
        r"(?:logger\.error|AirflowFailException)\((?!ALARMS|\"%s\", (?:ALARMS|failure_message)).*", source
    )
    assert said == []


def test_the_steps_of_a_day_are_those_of_the_command_line() -> None:
    assert (*commands.STEPS, "report") == STEPS
    with pytest.raises(ValueError, match="no step 'publish'"):
        commands.run_day(Site(), ["publish"])


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Bash command failed. The command returned a non-zero exit code 1.", 1),
        ("Bash command failed. The command returned a non-zero exit code 127.", 127),
        ("Bash command failed. The command returned a non-zero exit code -9.", 137),
        ("Cannot execute: spark-submit --name x job.py --reason exit code 3. Error code is: 75.", 75),
        ("Cannot execute: spark-submit … Error code is: 1. Kubernetes spark exit code is: 2", 2),
        ("Cannot execute: spark-submit --deploy-mode cluster … Error code is: 1.", None),
        ("Cannot execute: spark-submit --deploy-mode client … Error code is: 1.", 1),
        ("the API server did not answer", None),
        (None, None),
    ],
)
def test_the_exit_code_is_the_whole_number_that_the_operator_tells_last(message: str | None, code: int | None) -> None:
    assert causes.exit_code(message) == code


@pytest.mark.parametrize(
    ("code", "words", "retried"),
    [
        (1, "a quality gate failed", "never"),
        (2, "configuration or input", "never"),
        (3, "no input for the day", "never"),
        (70, "unexpected error of pdmetrics", "once"),
        (75, "another command held the warehouse", "again"),
        (126, "could not be started", "never"),
        (127, "was not found", "never"),
        (130, "interrupted by hand", "never"),
        (134, "crashed (SIGABRT)", "once"),
        (137, "killed (SIGKILL)", "again"),
        (139, "crashed (SIGSEGV)", "once"),
        (143, "terminated (SIGTERM)", "again"),
        (12, "pdmetrics does not have", "never"),
        (255, "pdmetrics does not have", "once"),
    ],
)
def test_each_exit_code_has_a_meaning_and_a_policy(code: int, words: str, retried: str) -> None:
    exception = RuntimeError(f"Bash command failed. The command returned a non-zero exit code {code}.")
    assert words in causes.cause({"exception": exception})
    assert causes.cause({"exception": exception}).endswith(f"(exit code {code})")
    assert causes.when_to_retry(code) == retried


def test_every_exit_code_of_the_command_line_is_told() -> None:
    ours = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert ours < set(causes.EXIT_CODES)


def test_a_timeout_a_lost_process_and_other_trouble_are_told_apart() -> None:
    timeout = type("AirflowTaskTimeout", (BaseException,), {})()
    assert "execution_timeout" in causes.cause({"exception": timeout})
    assert "lost without a word" in causes.cause({})
    assert "snapshot did not come" in causes.cause(
        {"exception": type("AirflowSensorTimeout", (Exception,), {})("75 s")}
    )
    assert "dagrun_timeout" in causes.cause({"reason": "timed_out"})
    assert causes.cause({"exception": KeyError()}) == "KeyError (see the task's log)"
    assert causes.cause({"exception": RuntimeError("no route\nto host")}) == "no route (see the task's log)"


def test_the_runbook_ends_with_every_exit_code() -> None:
    text = causes.runbook("# A title\n")
    assert text.startswith("# A title\n\n## Exit codes\n\n- **0**: done")
    assert all(f"\n- **{code}**: {words}" in text for code, (words, _) in causes.EXIT_CODES.items())
    assert "- **75**: another command held the warehouse all the while; the log names it *(tried again)*" in text


def test_the_application_run_by_its_path_hides_no_other_module(monkeypatch: pytest.MonkeyPatch) -> None:
    import jobs.__main__ as application
    import jobs.cli

    folder = str(Path(application.__file__).parent)
    monkeypatch.setattr(sys, "path", [folder, *sys.path])
    seen: list[str] = []
    monkeypatch.setattr(jobs.cli, "main", lambda: seen.extend(sys.path))
    application.main()
    assert seen
    assert folder not in seen
