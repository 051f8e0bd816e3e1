"""Events of OpenLineage: what they say, that they are well formed, and that no trouble with them ends a run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from openlineage.client import event_v2
from openlineage.client.facet_v2 import (
    base_subset_dataset,
    dataset_version_dataset,
    documentation_dataset,
    documentation_job,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    symlinks_dataset,
    tags_run,
)
from structlog.testing import capture_logs

from jobs import contracts
from jobs.columns import BIGINT, STRING, Array, Struct
from jobs.errors import GateError, UsageError
from jobs.lineage import sending
from jobs.lineage.events import Dataset, place_of, type_of
from jobs.lineage.sending import KEY_VARIABLE, PARENT_VARIABLE, open_lineage
from jobs.settings import Settings, load_settings
from jobs.steps.reads_writes import OF_STEPS
from jobs.steps.traced import Sight, traced
from jobs.warehouse.manifest import AUDIENCE, STEPS
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables

DAY = date(2026, 3, 19)
PARENT = "airflow/daily.run/01941f29-7c00-7000-8000-000000000001"
ROOT = Path(__file__).parent.parent.parent
FACETS = {
    "nominalTime": nominal_time_run.NominalTimeRunFacet,
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
    "tags": tags_run.TagsRunFacet,
    "parent": parent_run.ParentRunFacet,
    "errorMessage": error_message_run.ErrorMessageRunFacet,
    "jobType": job_type_job.JobTypeJobFacet,
    "schema": schema_dataset.SchemaDatasetFacet,
    "symlinks": symlinks_dataset.SymlinksDatasetFacet,
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "subset": base_subset_dataset.InputSubsetInputDatasetFacet,
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (KEY_VARIABLE, PARENT_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def settings(**given: object) -> Settings:
    return load_settings(None, [f"lineage.{key}={json.dumps(value)}" for key, value in given.items()])[0]


def sight(tmp_path: Path, of: Settings) -> Sight:
    warehouse = Warehouse(tmp_path / "w")
    warehouse.prepare()
    return Sight(of, warehouse, warehouse.new_run(DAY, DAY + timedelta(1), "s3://bucket/in"))


def events_of(tmp_path: Path, step: str = "report", error: Exception | None = None, **given: object) -> list[Any]:
    """What a step tells a file."""
    file = tmp_path / "events.ndjson"
    of = settings(file=str(file), **given)
    with (
        contextlib.suppress(*([type(error)] if error else [])),
        traced(open_lineage(of.lineage), step, sight(tmp_path, of)),
    ):
        if error:
            raise error
    return [json.loads(line) for line in file.read_text().splitlines()]


def is_well_formed(event: dict[str, Any]) -> None:
    """Make the event anew of the classes of openlineage-python, which know each field and look at ids and times."""

    def facets(found: dict[str, Any], documentation: type[Any]) -> dict[str, Any]:
        for name, facet in found.items():
            assert facet["_producer"] == sending.PRODUCER
            assert facet["_schemaURL"].startswith("https://openlineage.io/spec/")
            kept = {key: value for key, value in facet.items() if not key.startswith("_")}
            {**FACETS, "documentation": documentation}[name](**kept)
        return found

    job, run = event["job"], event["run"]
    about_table = documentation_dataset.DocumentationDatasetFacet
    inputs = [
        event_v2.InputDataset(
            one["namespace"], one["name"], facets=facets(one["facets"], about_table),
            inputFacets=facets(one["inputFacets"], about_table),
        )
        for one in event["inputs"]
    ]  # fmt: skip
    outputs = [
        event_v2.OutputDataset(
            one["namespace"], one["name"], facets=facets(one["facets"], about_table),
            outputFacets=facets(one["outputFacets"], about_table),
        )
        for one in event["outputs"]
    ]  # fmt: skip
    assert event["producer"] == sending.PRODUCER
    assert event["schemaURL"].startswith("https://openlineage.io/spec/2-")
    event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        run=event_v2.Run(run["runId"], facets(run["facets"], about_table)),
        job=event_v2.Job(job["namespace"], job["name"], facets(job["facets"], documentation_job.DocumentationJobFacet)),
        inputs=inputs,
        outputs=outputs,
    )


def test_nothing_is_told_and_nothing_loaded_where_no_place_is_set(tmp_path: Path) -> None:
    assert open_lineage(settings().lineage) is None
    with traced(None, "report", sight(tmp_path, settings())):
        pass


def test_a_step_begins_and_ends_in_well_formed_events(tmp_path: Path) -> None:
    began, ended = events_of(tmp_path, namespace="house")
    for event in (began, ended):
        is_well_formed(event)
        assert (event["job"]["namespace"], event["job"]["name"]) == ("house", "pdmetrics.report")
        times = event["run"]["facets"]["nominalTime"]
        assert times["nominalStartTime"] == "2026-03-19T00:00:00+00:00"
        assert times["nominalEndTime"] == "2026-03-20T00:00:00+00:00"
        engine = event["run"]["facets"]["processing_engine"]
        assert engine["name"] == "embedded"
        assert re.fullmatch(r"\d+\.\d+.*", engine["version"])
        assert event["run"]["facets"]["tags"]["tags"][0]["value"] == "run_20260319_20260320_1"
        assert "parent" not in event["run"]["facets"]
        assert [one["name"] for one in event["inputs"]] == [str(tmp_path / "w" / "personal_dashboard.duckdb")]
        assert [one["name"] for one in event["outputs"]] == [str(tmp_path / "w" / "report")]
    assert (began["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert began["run"]["runId"] == ended["run"]["runId"]
    again = events_of(tmp_path)[-1]
    assert again["run"]["runId"] != ended["run"]["runId"]


def test_the_raw_input_is_told_with_its_days_and_the_csvs_with_their_columns(tmp_path: Path) -> None:
    _, ended = events_of(tmp_path, "ingest")
    is_well_formed(ended)
    raw, policy, wikis = ended["inputs"]
    assert (raw["namespace"], raw["name"]) == ("s3://bucket", "in/raw")
    assert raw["inputFacets"]["subset"]["inputCondition"]["partitions"] == [{"dimensions": {"day": "2026-03-19"}}]
    assert policy["name"] == "in/sampling_policy.csv"
    assert "sample_rate" in [one["name"] for one in policy["facets"]["schema"]["fields"]]
    assert wikis["name"] == "in/wikis.csv"


def test_a_step_that_fails_says_why_without_what_a_library_may_quote(tmp_path: Path) -> None:
    _, failed = events_of(tmp_path, error=GateError("the facts gate failed:\n  - enwiki, line {secret}"))
    is_well_formed(failed)
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"] == "the facts gate failed:"
    *_, unforeseen = events_of(tmp_path, error=ValueError("row of user 17"))
    assert unforeseen["run"]["facets"]["errorMessage"]["message"] == "ValueError"
    assert "user 17" not in json.dumps(unforeseen)


def test_the_error_of_a_step_goes_its_way(tmp_path: Path) -> None:
    of = settings(file=str(tmp_path / "events"))
    with pytest.raises(GateError, match="no"), traced(open_lineage(of.lineage), "report", sight(tmp_path, of)):
        raise GateError("no")


@pytest.mark.parametrize("by_setting", [True, False])
def test_what_started_the_command_is_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_setting: bool
) -> None:
    if not by_setting:
        monkeypatch.setenv(PARENT_VARIABLE, PARENT)
    for event in events_of(tmp_path, **({"parent": PARENT} if by_setting else {})):
        is_well_formed(event)
        parent = event["run"]["facets"]["parent"]
        assert (parent["job"]["namespace"], parent["job"]["name"]) == ("airflow", "daily.run")
        assert parent["run"]["runId"] == PARENT.rpartition("/")[2]


@pytest.mark.parametrize("text", ["daily", "airflow/daily/7", "airflow/01941f29-7c00-7000-8000-000000000001"])
def test_a_parent_of_another_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(UsageError, match=r"\[lineage\] parent"):
        open_lineage(settings(file="f", parent=text).lineage)
    monkeypatch.setenv(PARENT_VARIABLE, text)
    with pytest.raises(UsageError, match=PARENT_VARIABLE):
        open_lineage(settings(file="f").lineage)


def test_a_package_that_is_not_there_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openlineage.client.event_v2", None)
    assert open_lineage(settings().lineage) is None
    with pytest.raises(UsageError, match=r"pip install 'pdmetrics\[lineage\]'"):
        open_lineage(settings(file="f").lineage)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/w/lake/pd/events", ("file", "/w/lake/pd/events")),
        ("file:///w/lake/pd/events", ("file", "/w/lake/pd/events")),
        ("s3://bucket/lake/pd/events/", ("s3://bucket", "lake/pd/events")),
        ("s3://id:key@bucket/in", ("s3://bucket", "in")),
        ("gs://bucket", ("gs://bucket", "/")),
    ],
)
def test_datasets_are_named_as_openlineage_names_places(address: str, place: tuple[str, str]) -> None:
    assert place_of(address) == place


def test_types_are_written_as_iceberg_writes_them() -> None:
    assert type_of(STRING) == "string"
    assert type_of(Array(Struct({"a": BIGINT, "b": Array(STRING)}))) == "list<struct<a: bigint, b: list<string>>>"


# --- Servers


@dataclass
class Server:
    """A lineage server: what it got, with the key; what it answers; whether it answers at all."""

    port: int = 0
    status: int = 201
    got: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)
    hangs: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://me:hunter2@127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[Server]:
    kept = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, self.headers["Authorization"], json.loads(body)))
            if kept.hangs is not None:
                kept.hangs.wait(20)
            with contextlib.suppress(OSError):
                self.send_response(kept.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None: ...

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = serving.server_address[1]
    thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield kept
    finally:
        if kept.hangs is not None:
            kept.hangs.set()
        serving.shutdown()
        serving.server_close()
        thread.join()


def told(tmp_path: Path, of: Settings, n_steps: int = 1) -> list[Any]:
    """Let steps of one command be told, and return what was logged."""
    lineage, at = open_lineage(of.lineage), sight(tmp_path, of)
    with capture_logs() as logged:
        for _ in range(n_steps):
            with traced(lineage, "report", at):
                pass
    return logged


def test_a_server_gets_each_event_with_the_key_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "hunter3")
    assert told(tmp_path, settings(url=f"http://127.0.0.1:{server.port}")) == []
    assert [(path, key) for path, key, _ in server.got] == [("/api/v1/lineage", "Bearer hunter3")] * 2
    for _, _, event in server.got:
        is_well_formed(event)


def test_a_server_that_refuses_is_a_warning_and_asked_no_more(tmp_path: Path, server: Server) -> None:
    server.status = 500
    file = tmp_path / "events"
    logged = told(tmp_path, settings(url=server.url, file=str(file)), n_steps=2)
    assert [(entry["log_level"], entry["why"]) for entry in logged] == [("warning", "refused with HTTP 500")]
    assert "hunter2" not in str(logged)
    assert len(server.got) == 1
    assert len(file.read_text().splitlines()) == 4  # the other place gets all


def test_a_server_that_does_not_answer_costs_its_time_once(tmp_path: Path, server: Server) -> None:
    server.hangs = threading.Event()
    began = time.monotonic()
    (warning,) = told(tmp_path, settings(url=server.url, timeout_seconds=0.3), n_steps=3)
    assert time.monotonic() - began < 5
    assert warning["why"] == "ReadTimeout"


def test_a_server_that_is_not_there_and_a_file_that_cannot_be_written_are_warnings(tmp_path: Path) -> None:
    logged = told(tmp_path, settings(url="http://127.0.0.1:9", file=str(tmp_path / "no" / "folder")))
    assert [(entry["log_level"], entry["to"]) for entry in logged] == [
        ("warning", "http://127.0.0.1:9"),
        ("warning", str(tmp_path / "no" / "folder")),
    ]


def test_trouble_while_datasets_are_looked_up_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> Dataset:
        raise OSError("the catalog is away")

    monkeypatch.setattr("jobs.steps.traced._Begun._marts", fails)
    logged = told(tmp_path, settings(file=str(tmp_path / "events")))
    assert [(entry["log_level"], entry["why"]) for entry in logged] == [("warning", "OSError")] * 2


def test_trouble_before_a_step_begins_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> dict[str, int]:
        raise OSError("the catalog is away")

    monkeypatch.setattr("jobs.steps.traced.seen_by", fails)
    of = settings(file=str(tmp_path / "events"))
    did = []
    with capture_logs() as logged:
        at = dataclasses.replace(sight(tmp_path, of), lake=cast(Tables, object()))
        with traced(open_lineage(of.lineage), "estimates", at):
            did.append("the step")
    assert did == ["the step"]
    assert [(entry["log_level"], entry["why"]) for entry in logged] == [("warning", "OSError")]
    assert not (tmp_path / "events").exists()


# --- What is declared of steps


def test_every_step_is_declared_and_every_table_is_written_by_one() -> None:
    assert tuple(OF_STEPS) == (*STEPS, AUDIENCE)
    assert {name for step in OF_STEPS.values() for name in step.writes} == set(contracts.TABLES) - {"purges"}
    assert all(set(step.reads) <= set(contracts.TABLES) for step in OF_STEPS.values())


def test_the_page_on_architecture_names_the_same_tables() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = dict(re.findall(r"^\| `(ingest|estimates|marts|audience)`[^|]* \| (.*) \|$", page, re.MULTILINE))
    for step, cells in rows.items():
        reads, writes = (set(re.findall(r"`(\w+)`", cell)) & set(contracts.TABLES) for cell in cells.split(" | "))
        assert writes == set(OF_STEPS[step].writes), step
        assert reads == (set() if step == "marts" else set(OF_STEPS[step].reads)), step
    assert len(rows) == 4
