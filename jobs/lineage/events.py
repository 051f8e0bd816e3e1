"""An event of OpenLineage, made of what a step read, wrote and ended with. Its package is loaded only to make one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jobs import __version__
from jobs.columns import Array, Columns, Kind, Struct
from jobs.errors import PdmetricsError
from jobs.warehouse.manifest import Run
from jobs.windows import midnight

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

PACKAGES = {"embedded": "pysail", "spark": "pyspark"}  # whose version is that of the engine
LONGEST_MESSAGE = 500
Ending = Literal["START", "COMPLETE", "FAIL"]


@dataclass(frozen=True)
class Dataset:
    """What a step reads or writes.

    Attributes:
        address: where it lies: a path, or an address with a scheme.
        table: its name in the lake, such as `pd.events`; empty for files.
        columns: of a table.
        describes: a sentence.
        version: the snapshot of a table.
        n_rows, n_bytes, n_files: what of it was read or written; None where that is not known.
        days: the days of it that are read, UTC; empty for all.
    """

    address: str
    table: str = ""
    columns: Columns = field(default_factory=dict)
    describes: str = ""
    version: int | None = None
    n_rows: int | None = None
    n_bytes: int | None = None
    n_files: int | None = None
    days: Sequence[date] = ()


@dataclass(frozen=True)
class StepRun:
    """One go at a step of a run, as all of its events name it."""

    step: str
    describes: str
    run: Run
    engine: str
    uuid: str


@dataclass(frozen=True)
class Parent:
    """What started the command, such as a task of a scheduler."""

    namespace: str
    job: str
    uuid: str


@dataclass(frozen=True)
class Told:
    """What happened to a step.

    Attributes:
        kind: it began, was done, or failed.
        of: the step.
        reads, writes: its datasets, as far as they are known by now.
        error: why it failed.
    """

    kind: Ending
    of: StepRun
    reads: Sequence[Dataset]
    writes: Sequence[Dataset]
    error: Exception | None = None


def event_of(told: Told, namespace: str, parent: Parent | None) -> RunEvent:
    """Return the event that tells it.

    Args:
        told: what happened.
        namespace: of our jobs, and of the names that people know our tables by.
        parent: what started the command.
    """
    from openlineage.client import event_v2 as events
    from openlineage.client.facet_v2 import documentation_job, job_type_job

    job = events.Job(
        namespace,
        f"pdmetrics.{told.of.step}",
        {
            "jobType": job_type_job.JobTypeJobFacet("BATCH", "PDMETRICS", "STEP"),
            "documentation": documentation_job.DocumentationJobFacet(told.of.describes),
        },
    )
    return events.RunEvent(
        eventType=events.RunState[told.kind],
        eventTime=datetime.now(UTC).isoformat(),
        run=events.Run(told.of.uuid, _run_facets(told, parent)),
        job=job,
        inputs=[_input(one, namespace) for one in told.reads],
        outputs=[_output(one, namespace) for one in told.writes],
    )


def _run_facets(told: Told, parent: Parent | None) -> dict[str, Any]:
    from openlineage.client.facet_v2 import (
        error_message_run,
        nominal_time_run,
        parent_run,
        processing_engine_run,
        tags_run,
    )

    facets: dict[str, Any] = {
        "nominalTime": nominal_time_run.NominalTimeRunFacet(
            midnight(told.of.run.start).isoformat(), midnight(told.of.run.end).isoformat()
        ),
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
            version(PACKAGES[told.of.engine]), told.of.engine, __version__
        ),
        "tags": tags_run.TagsRunFacet([tags_run.TagsRunFacetFields("run", told.of.run.run_id, "PDMETRICS")]),
    }
    if parent is not None:
        facets["parent"] = parent_run.ParentRunFacet(
            parent_run.Run(parent.uuid), parent_run.Job(parent.namespace, parent.job)
        )
    if told.error is not None:
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(_message(told.error), "python")
    return facets


def _input(of: Dataset, known_in: str) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import base_subset_dataset as subsets
    from openlineage.client.facet_v2 import input_statistics_input_dataset as statistics

    facets: dict[str, Any] = {}
    if (of.n_rows, of.n_bytes, of.n_files) != (None, None, None):
        facets["inputStatistics"] = statistics.InputStatisticsInputDatasetFacet(of.n_rows, of.n_bytes, of.n_files)
    if of.days:
        days = [subsets.Partition({"day": day.isoformat()}) for day in of.days]
        facets["subset"] = subsets.InputSubsetInputDatasetFacet(subsets.PartitionSubsetCondition(days))
    namespace, name = place_of(of.address)
    return InputDataset(namespace, name, facets=_dataset_facets(of, known_in), inputFacets=facets)


def _output(of: Dataset, known_in: str) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    facets: dict[str, Any] = {}
    if (of.n_rows, of.n_bytes, of.n_files) != (None, None, None):
        facets["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(of.n_rows, of.n_bytes, of.n_files)
    namespace, name = place_of(of.address)
    return OutputDataset(namespace, name, facets=_dataset_facets(of, known_in), outputFacets=facets)


def _dataset_facets(of: Dataset, known_in: str) -> dict[str, Any]:
    from openlineage.client.facet_v2 import (
        dataset_version_dataset,
        documentation_dataset,
        schema_dataset,
        symlinks_dataset,
    )

    facets: dict[str, Any] = {}
    if of.columns:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(
            [
                schema_dataset.SchemaDatasetFacetFields(name, type_of(kind), ordinal_position=place)
                for place, (name, kind) in enumerate(of.columns.items(), 1)
            ]
        )
    if of.table:
        known = symlinks_dataset.Identifier(known_in, of.table, "TABLE")
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet([known])
    if of.describes:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(of.describes)
    if of.version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(str(of.version))
    return facets


def place_of(address: str) -> tuple[str, str]:
    """Return namespace and name of a dataset that lies in a file system, as OpenLineage names them."""
    scheme, found, rest = address.partition("://")
    if not found or scheme == "file":
        path = rest if found else address
        return "file", str(Path(path.removeprefix("file:")))
    host, _, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}", path.rstrip("/") or "/"


def type_of(kind: Kind) -> str:
    """Return what a column holds, as Iceberg writes it."""
    if isinstance(kind, Array):
        return f"list<{type_of(kind.of)}>"
    if isinstance(kind, Struct):
        return f"struct<{', '.join(f'{name}: {type_of(inner)}' for name, inner in kind.fields.items())}>"
    return kind


def _message(error: Exception) -> str:
    """Say why a step failed; of what nobody foresaw only the kind, since a library may quote rows."""
    if isinstance(error, PdmetricsError):
        return error.what.partition("\n")[0][:LONGEST_MESSAGE]
    return type(error).__name__
