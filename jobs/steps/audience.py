"""Entry of `audience`: dumps of mediawiki_history -> eligible editors -> audience gate -> cells of the lake -> marts.

A command may count a wiki, a band or a date again, and others stay: what it counted replaces the same cells of its
as-of dates, whatever snapshot they were of. So commands accumulate, and one that was killed is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from jobs.audience import Band
from jobs.contracts import table
from jobs.dumps.files import DumpFile, find_dumps
from jobs.dumps.frame import Dumps, read_dumps
from jobs.errors import PdmetricsError, UsageError, WarehouseError
from jobs.lineage.sending import Lineage
from jobs.log import get_logger
from jobs.progress import Told
from jobs.raw.place import Input
from jobs.raw.strays import MOST_NAMED
from jobs.reference.load import Reference
from jobs.rows.audience import Asked, AudienceRows, audience_rows
from jobs.steps.audience_told import tell_cells, tell_read
from jobs.steps.gates import audience_gate
from jobs.steps.job import Job, engine_errors
from jobs.steps.marts import build_checked, publish_built
from jobs.steps.milestones import stage_milestones
from jobs.steps.running import announced, ended_by_gates
from jobs.steps.traced import sight_of, traced
from jobs.transforms.audience import band_cells, editors
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import AUDIENCE, PUBLISHES, Run
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import Warehouse
from jobs.windows import DAY, rolling_start

CELL = ("wiki_db", "band", "window_days")
REPLACED_BY = {
    "audience": CELL,
    "audience_values": ("wiki_db", "edit_count_bucket", "window_days"),
    "audience_alternatives": CELL,
    "audience_log": ("wiki_db", "snapshot"),
}
"""What of a row, within its as-of date, has to be the same for a new one to replace it."""


@dataclass(frozen=True)
class Wanted:
    """What the command asks for.

    Attributes:
        history: where the snapshots are.
        snapshot: which, as `2026-03`.
        as_of: last days of the windows, in order.
        wikis: which; None for all of the snapshot.
        bands, windows: of edit counts, and of days; in order.
    """

    history: Input
    snapshot: str
    as_of: tuple[date, ...]
    wikis: tuple[str, ...] | None
    bands: tuple[Band, ...]
    windows: tuple[int, ...]

    @property
    def first(self) -> date:
        """The first day of all windows."""
        return rolling_start(self.as_of[0], self.windows[-1])

    @property
    def last(self) -> date:
        """The last."""
        return self.as_of[-1]

    @property
    def options(self) -> list[str]:
        """The options of the command that asks for it, but for `--history`."""
        days = [word for day in self.as_of for word in ("--as-of", f"{day}")]
        wikis = [word for wiki in self.wikis or () for word in ("--wiki", wiki)]
        bands, windows = (",".join(map(str, listed)) for listed in (self.bands, self.windows))
        return ["--snapshot", self.snapshot, *days, *wikis, "--bands", bands, "--windows", windows]


def wanted_dumps(wanted: Wanted) -> list[DumpFile]:
    """List the files that the windows need, before an engine starts.

    Raises:
        UsageError: the snapshot is none, or ends before an as-of date; a wiki is unknown.
        NoInputError: not all of it is there yet.
        InputError: it cannot be used, whoever waits.
    """
    return find_dumps(wanted.history, wanted.snapshot, wanted.wikis, wanted.first, wanted.last)


def begin_audience(lake: Lake, warehouse: Warehouse, wanted: Wanted) -> Run:
    """Open the run, after dropping what unfinished ones had staged; its reference is that of what is published.

    Raises:
        WarehouseError: the CSVs of the newest published run are gone: marts without them would lose wikis and rates.
    """
    reference = _reference(warehouse)
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    run = warehouse.new_run(wanted.as_of[0], wanted.as_of[-1] + DAY, wanted.history.whole, audience=wanted.options)
    run.as_of = list(wanted.as_of)
    warehouse.save(run)
    reference.write(warehouse.reference(run.run_id))
    return run


def _reference(warehouse: Warehouse) -> Reference:
    last = warehouse.last_published()
    if last is None:
        return Reference.of_nothing()
    folder = warehouse.reference(last.run_id)
    try:
        return Reference.read(folder)
    except PdmetricsError as error:
        raise WarehouseError(
            f"The CSVs that {last.run_id} was published with cannot be read.",
            where=warehouse.said(folder),
            next_step=f"run its days again ({error.what.splitlines()[0]})",
        ) from None


def make_audience(job: Job, wanted: Wanted, files: Sequence[DumpFile], lineage: Lineage | None = None) -> None:
    """Count, check, stage and publish.

    Raises:
        UsageError: an as-of date lies behind the last event of the snapshot.
        InputError: a dump is damaged, or no dump.
        GateError: the audience gate, a rule of rows or the marts gate failed; nothing is published.
    """
    with announced(AUDIENCE, job.run), traced(lineage, AUDIENCE, sight_of(job, files)), ended_by_gates(job):
        rows = _count(job, wanted, files)
        stage_milestones(job.lake, job.reference, job.run.run_id, wanted.as_of)
        job.run.done.append(AUDIENCE)
        job.save()
    job.companion.prepare(PUBLISHES)
    with announced(PUBLISHES, job.run), traced(lineage, PUBLISHES, sight_of(job)), ended_by_gates(job):
        build_checked(job)
        publish_built(job)
    tell_cells(job.console, rows.audience, job.settings.privacy.min_users)


def _count(job: Job, wanted: Wanted, files: Sequence[DumpFile]) -> AudienceRows:
    """Read the dumps, count, and stage the cells once the gate lets them pass."""
    dumps = _read(job, wanted, files)
    require_events(wanted, files, dumps.files)
    wikis = sorted({file.wiki_db for file in files})
    choices = job.settings.audience.choices()
    asked = Asked(wanted.snapshot, wikis, wanted.as_of, wanted.bands, wanted.windows, choices)
    users = editors(dumps.revisions, wanted.as_of, wanted.windows)
    cells = band_cells(users, wanted.bands, choices).toPandas()
    get_logger().info("editors counted", wikis=len(wikis), as_of_dates=len(wanted.as_of))
    rows = audience_rows(cells, asked, job.settings.privacy.min_users)
    tables = dict(zip(REPLACED_BY, (*rows, log_rows(dumps.files, wanted)), strict=True))
    revisions = {row["wiki_db"]: row["count"] for row in dumps.revisions.groupBy("wiki_db").count().collect()}
    audience_gate(job, tables, dumps.files, revisions)
    stage_cells(job.lake, job.run.run_id, tables, wanted.as_of)
    return rows


def _read(job: Job, wanted: Wanted, files: Sequence[DumpFile]) -> Dumps:
    megabytes = round(sum(max(file.n_bytes, 0) for file in files) / 1e6, 1)
    get_logger().info("reading dumps", files=len(files), megabytes=megabytes)
    with Told("dumps read") as told:
        dumps = read_dumps(
            job.engine, wanted.history, files, wanted.first, wanted.last,
            workers=job.settings.engine.workers, progress=told,
        )  # fmt: skip
    tell_read(job.console, dumps.files, wanted.snapshot, wanted.first, wanted.last)
    return dumps


def require_events(wanted: Wanted, files: Sequence[DumpFile], told: pd.DataFrame) -> None:
    """Refuse an as-of date behind the last event of the snapshot; tell of wikis that had none for a while.

    Where no newest file was read there are later ones, and nothing to ask.

    Args:
        wanted: what was asked for.
        files: what was read.
        told: what `read_dumps` says of them.

    Raises:
        UsageError: naming the last day that is possible.
    """
    newest = told[told["file"].isin([file.name for file in files if file.is_newest])].dropna(subset="last_event_date")
    last_of = newest.groupby("wiki_db")["last_event_date"].max()
    if last_of.empty and not any(file.is_newest for file in files):
        return
    if last_of.empty:
        raise UsageError(
            f"No dump of snapshot {wanted.snapshot} has any event.",
            where=f"{wanted.history.uri}/{wanted.snapshot}",
            next_step="fetch them again, or name another --wiki",
        )
    if wanted.last > last_of.max():
        last_day = last_of.max()
        raise UsageError(
            f"{wanted.last} lies behind the last event of snapshot {wanted.snapshot}.",
            where="--as-of",
            next_step=f"{last_day} is the last possible day; or wait for a later snapshot",
        )
    quiet = last_of[last_of < wanted.last]
    for wiki, day in quiet.head(MOST_NAMED).items():
        get_logger().warning("the last event of this wiki lies before the as-of date", wiki=wiki, last_event=str(day))
    if len(quiet) > MOST_NAMED:
        get_logger().warning("and those of others", wikis=len(quiet) - MOST_NAMED)


def log_rows(told: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Add up what became of the rows of files: rows of `audience_log`."""
    keys = ["wiki_db", "fate", "reason"]
    sums = told.groupby(keys, as_index=False, dropna=False)["n_rows"].sum()
    found: pd.DataFrame = sums.assign(as_of_date=wanted.last, snapshot=wanted.snapshot)
    return found[list(table("audience_log").columns)]


def stage_cells(lake: Lake, run_id: str, tables: Mapping[str, pd.DataFrame], as_of: Sequence[date]) -> None:
    """Put cells into their as-of dates on the run's branch: the same ones are replaced, others stay.

    Args:
        lake: the tables.
        run_id: the branch.
        tables: the new rows of each table of an audience.
        as_of: the dates.
    """
    for name, new in tables.items():
        # As Python's own numbers: whole ones beside nulls would come as floats.
        known, added = (
            arrow.to_pandas(date_as_object=True, integer_object_nulls=True)
            for arrow in (lake.arrow_days(name, as_of, run_id), lake.arrow_table(name, new))
        )
        cell = ["as_of_date", *REPLACED_BY[name]]
        replaced = pd.MultiIndex.from_frame(added[cell])
        kept = known[~pd.MultiIndex.from_frame(known[cell]).isin(replaced)]
        lake.stage_pandas(name, pd.concat([kept, added], ignore_index=True), run_id, as_of)
