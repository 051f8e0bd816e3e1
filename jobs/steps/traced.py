"""Tell a lineage server of a step: that it began, what it read and wrote, and how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs import contracts
from jobs.dumps.files import DumpFile
from jobs.lineage.events import Dataset, Ending, StepRun, Told
from jobs.lineage.sending import Lineage
from jobs.log import get_logger
from jobs.raw.files import RawDays
from jobs.reference.rows import COLUMNS, POLICY_CSV, WIKIS_CSV
from jobs.settings import Settings
from jobs.steps.job import Job
from jobs.steps.reads_writes import OF_STEPS
from jobs.steps.report import REPORT
from jobs.warehouse.manifest import AUDIENCE, PUBLISHES, Run
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.warehouse.written import seen_by, written_between


@dataclass(frozen=True)
class Sight:
    """What a step has at hand, to see its datasets by.

    Attributes:
        settings, warehouse: of the command.
        run: whose step it is.
        lake: the tables; None for a report alone, which needs none.
        raw: the listed files of a run that ingests.
        dumps: the files that an audience is counted in.
    """

    settings: Settings
    warehouse: Warehouse
    run: Run
    lake: Tables | None = None
    raw: RawDays | None = None
    dumps: Sequence[DumpFile] = ()


def sight_of(job: Job, dumps: Sequence[DumpFile] = ()) -> Sight:
    """Return what a step of a job has at hand."""
    return Sight(job.settings, job.warehouse, job.run, job.lake, job.raw, dumps)


@contextlib.contextmanager
def traced(lineage: Lineage | None, step: str, sight: Sight) -> Iterator[None]:
    """Tell that a step begins, and how it ends; nothing where no lineage is kept.

    Of a step that a signal or a kill ends it is not told that it ended.
    """
    if lineage is None:
        yield
        return
    try:
        begun = _Begun(sight, lineage.begin(step, OF_STEPS[step].describes, sight.run, sight.settings.engine.name))
    except Exception as trouble:  # of a catalog; whatever it is, it ends no run
        get_logger().warning("lineage is not told", step=step, why=type(trouble).__name__)
        begun = None
    if begun is None:
        yield
        return
    lineage.tell(step, lambda: begun.told("START"))
    try:
        yield
    except Exception as error:
        failed = error  # Python forgets the other name at the end of this block
        lineage.tell(step, lambda: begun.told("FAIL", failed))
        raise
    lineage.tell(step, lambda: begun.told("COMPLETE"))


class _Begun:
    """A step under way, and what the run saw before it."""

    def __init__(self, sight: Sight, going: StepRun) -> None:
        self._sight, self._going = sight, going
        lake, run_id = sight.lake, sight.run.run_id
        self._before = {} if lake is None else seen_by(lake, run_id)
        self._staged = {name for name in self._before if lake is not None and run_id in lake.refs(name)}

    def told(self, kind: Ending, error: Exception | None = None) -> Told:
        """Return what an event is made of: of a step that is done what it wrote, else what it may write."""
        return Told(kind, self._going, self._reads(), self._writes(is_done=kind == "COMPLETE"), error)

    def _reads(self) -> list[Dataset]:
        step, lake = self._going.step, self._sight.lake
        if step == REPORT:
            return [self._marts()]
        files = self._input() if step == "ingest" else self._dumps() if step == AUDIENCE else []
        if lake is None:
            return files
        return [*files, *(_table(lake, name, self._before[name]) for name in OF_STEPS[step].reads)]

    def _writes(self, *, is_done: bool) -> list[Dataset]:
        step, lake = self._going.step, self._sight.lake
        if step == REPORT:
            return [
                Dataset(
                    self._sight.warehouse.said(self._sight.warehouse.report),
                    describes="The static site of what is published.",
                )
            ]
        files = [self._marts()] if step == PUBLISHES else []
        if lake is None:
            return files
        found = self._written(lake) if is_done else [_table(lake, name) for name in OF_STEPS[step].writes]
        return [*found, *files]

    def _written(self, lake: Tables) -> list[Dataset]:
        """Return the tables that the step wrote, with what it added, and those of the run that it published."""
        found = []
        for name, after in seen_by(lake, self._sight.run.run_id).items():
            if after != self._before[name]:
                sums = written_between(lake, name, self._before[name], after)
                found.append(_table(lake, name, after, sums.n_rows, sums.n_bytes, sums.n_files))
            elif self._going.step == PUBLISHES and name in self._staged:
                found.append(_table(lake, name, after))
        return found

    def _input(self) -> list[Dataset]:
        """Return the raw lines of the run's days, how many once they are counted, and the CSVs beside them."""
        run, files = self._sight.run, self._sight.raw.files if self._sight.raw is not None else ()
        raw = Dataset(
            f"{run.input_dir}/raw",
            describes="Events as they came, by stream and hour.",
            n_rows=sum(run.lines_read.values()) if run.lines_read else None,
            n_bytes=sum(max(file.n_bytes, 0) for file in files),
            n_files=len(files),
            days=run.days,
        )
        return [raw, *(Dataset(f"{run.input_dir}/{csv}", columns=COLUMNS[csv]) for csv in (POLICY_CSV, WIKIS_CSV))]

    def _dumps(self) -> list[Dataset]:
        """Return the files of a snapshot that an audience is counted in."""
        files = self._sight.dumps
        return [
            Dataset(
                f"{self._sight.run.input_dir}/{snapshot}",
                describes="Dumps of mediawiki_history.",
                n_bytes=sum(max(file.n_bytes, 0) for file in files),
                n_files=len(files),
            )
            for snapshot in sorted({file.name.partition("/")[0] for file in files})
        ]

    def _marts(self) -> Dataset:
        return Dataset(
            self._sight.warehouse.said(self._sight.warehouse.marts), describes="The published marts, a DuckDB file."
        )


def _table(
    lake: Tables, name: str, snapshot: int | None = None, n_rows: int | None = None, n_bytes: int | None = None,
    n_files: int | None = None,
) -> Dataset:  # fmt: skip
    contract = contracts.table(name)
    return Dataset(
        lake.table(name).location(), f"{contracts.NAMESPACE}.{name}", contract.columns, contract.description, snapshot,
        n_rows, n_bytes, n_files,
    )  # fmt: skip
