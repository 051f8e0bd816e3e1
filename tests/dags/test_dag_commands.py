"""What each task runs, word by word, for both runners; and for which day."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from jobs.scheduling import commands
from jobs.scheduling.site import Site
from tests.dags import bags

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        return bags.load(**bags.PLACES)


def test_the_commands_are_those_of_the_file() -> None:
    assert bags.everything() == bags.COMMANDS.read_text(encoding="utf-8"), (
        "python -m tests.dags.bags, and look at the diff"
    )


def test_every_command_s_options_are_those_of_the_command_line() -> None:
    import typer

    from jobs.cli import app

    root = typer.main.get_command(app)
    found: set[str] = set()
    for line in bags.COMMANDS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("    "):
            continue
        words = shlex.split(line)
        name = next(word for word in words if word in root.commands)
        found.add(name)
        known = {option for parameter in root.commands[name].params for option in parameter.opts}
        assert {word for word in words[words.index(name) :] if word.startswith("--")} <= known
    assert found == {"audit", "run", "backfill", "purge", "maintain", "audience"}


def test_the_day_is_the_parameter_before_the_logical_date(bag: Any) -> None:
    day = bag.dags[bags.DAILY].get_task("day")
    assert "--date 2026-03-23 " in bags.rendered(day).bash_command
    assert "--date 2026-02-01 " in bags.rendered(day, date="2026-02-01").bash_command
    assert "--date 2026-02-01 " in bags.rendered(day, day=None, date="2026-02-01").bash_command
    sensor = bags.rendered(bag.dags[bags.DAILY].get_task("hours"), day=None, date="2026-02-01")
    assert sensor.day == "2026-02-01"


def test_a_day_that_has_not_ended_is_refused(bag: Any) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    today = datetime.now(UTC).date()
    day = bag.dags[bags.DAILY].get_task("day")
    assert f"--date {today - timedelta(days=1)} " in bags.rendered(day, day=str(today - timedelta(days=1))).bash_command
    for given in ({"day": str(today)}, {"date": str(today)}, {"date": str(today + timedelta(days=1))}):
        with pytest.raises(AirflowFailException, match=r'The day \S+ has not ended .* \{"date": "YYYY-MM-DD"\}'):
            bags.rendered(day, **given)


def test_a_command_is_told_its_parent_where_airflow_tells_openlineage(monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.scheduling import runners

    def parents(runner: str) -> tuple[Any, Any]:
        task = bags.load(PDMETRICS_RUNNER=runner, **bags.PLACES).dags[bags.DAILY].get_task("day")
        plugin = SimpleNamespace(lineage_parent_id=lambda instance: f"airflow/daily.day/{instance.try_number}")
        there, off = (
            bags.rendered(task, macros=SimpleNamespace(**macros), task_instance=SimpleNamespace(try_number=2))
            for macros in ({"OpenLineageProviderPlugin": plugin}, {})
        )
        return (there.env, off.env) if runner == "bash" else (there.application_args[:2], off.application_args[:2])

    assert parents("bash") == ({}, {})
    monkeypatch.setattr(runners, "has_lineage", lambda: True)
    assert parents("bash") == ({"OPENLINEAGE_PARENT_ID": "airflow/daily.day/2"}, {"OPENLINEAGE_PARENT_ID": ""})
    assert parents("spark-submit") == (["--set", "lineage.parent=airflow/daily.day/2"], ["--set", "lineage.parent="])


def test_a_run_without_any_date_fails_for_good_and_says_what_to_do(bag: Any) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=r'no logical date.*trigger it with \{"date": "YYYY-MM-DD"\}'):
        bags.rendered(bag.dags[bags.DAILY].get_task("hours"), day=None)
    with pytest.raises(AirflowFailException, match=r'\{"snapshot": "YYYY-MM"\}'):
        bags.rendered(bag.dags["personal_dashboard_audience"].get_task("audience"), day=None)


def test_the_audience_is_counted_as_of_the_last_day_of_the_month_or_the_one_given(bag: Any) -> None:
    audience = bag.dags["personal_dashboard_audience"].get_task("audience")
    command = bags.rendered(audience, day="2026-02-01").bash_command
    assert command.endswith("/history --snapshot 2026-02 --as-of 2026-02-28")
    command = bags.rendered(audience, snapshot="2026-04", as_of="2026-04-29").bash_command
    assert command.endswith("/history --snapshot 2026-04 --as-of 2026-04-29")


def test_without_an_input_directory_a_task_fails_for_good(bag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from jobs.scheduling.macros import input_directory

    monkeypatch.delenv("PDMETRICS_INPUT", raising=False)
    with pytest.raises(AirflowFailException, match="PDMETRICS_INPUT is not set"):
        input_directory()


def test_a_shell_sees_what_a_template_yields_as_one_word() -> None:
    words = ("{{ reason }}", "{{ place }}/history", "a; b", "$HOME")
    site = Site(cli="python3 -c 'import sys; print(sys.argv[1:])'")
    command = commands.shell(site, commands.Command((), words, computes=False))
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters["quoted"] = shlex.quote
    text = environment.from_string(command).render(reason="it's $(late); 'so'", place="/in put")
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["it's $(late); 'so'", "/in put/history", "a; b", "$HOME"])


def test_spark_submit_runs_what_computes_with_nothing_that_it_sets_itself() -> None:
    bag = bags.load(PDMETRICS_RUNNER="spark-submit", **bags.PLACES)
    kinds = {
        f"{dag_id.removeprefix('personal_dashboard_')}.{task.task_id}"
        for dag_id in bags.IDS
        for task in bag.dags[dag_id].tasks
        if type(task).__name__ == "SparkSubmitOperator"
    }
    assert kinds == {"daily.day", "daily.late", "backfill.dry_run", "backfill.backfill", "audience.audience"}
    argv = bags.spark_argv(bags.rendered(bag.dags[bags.DAILY].get_task("day")))
    application = argv.index(str(bags.DAGS.parent / "jobs" / "__main__.py"))
    assert argv[1:application] == [
        "--master",
        "spark://spark-master:7077",
        "--name",
        "pdmetrics day",
        "--deploy-mode",
        "client",
    ]
    assert "engine.name=spark" in argv[application:]
