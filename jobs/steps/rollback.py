"""Undo a backfill: a run that puts back what it replaced, and computes again what later runs made of it.

Facts come back as they were, file by file, or not at all: where another run has written a day since, it says so. Rows
of as-of dates that nobody touched since come back verbatim too. Those that a later run computed, from days that now go
back, are computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from jobs import contracts
from jobs.catalogue import load_catalogue
from jobs.errors import UsageError, WarehouseError
from jobs.log import get_logger
from jobs.reference.load import Reference
from jobs.settings import Settings
from jobs.steps.backfill import made_with, noted, stage_as_of
from jobs.steps.job import Job, engine_errors
from jobs.steps.kept_days import require_windows
from jobs.steps.milestones import AUDIENCE_VALUES, stage_milestones
from jobs.steps.milestones import TABLE as MILESTONES
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import Backfill, Run
from jobs.warehouse.publish import clean_up, require_no_claim
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.undo import differing, partitions, put_back, reference_before
from jobs.warehouse.verdicts import QUALITY_TABLE, stage_undone
from jobs.windows import DAY, affected_as_of

METRICS = "metric_values"
DUPLICATES = "duplicates"
AS_OF = "as_of_date"


@dataclass(frozen=True)
class Plan:
    """What a rollback does.

    Attributes:
        run: the run that it undoes.
        days: days whose facts come back.
        back: by table, the partitions that become what they were.
        again: as-of dates whose rows are computed again, in order.
        milestones: as-of dates of which where milestones stand is computed again, with all later ones.
        removed: as-of dates that had no rows before.
        left: the as-of dates of metric values that are left, in order; an audience may have others.
    """

    run: Run
    days: list[date]
    back: Mapping[str, list[date]] = field(default_factory=dict)
    again: list[date] = field(default_factory=list)
    milestones: list[date] = field(default_factory=list)
    removed: list[date] = field(default_factory=list)
    left: list[date] = field(default_factory=list)

    @property
    def as_of(self) -> list[date]:
        """As-of dates whose rows the rollback writes; where it only takes rows away, the newest that is left.

        A gate judges dates, and says of one at least what it found.
        """
        back = {day for name, days in self.back.items() if _is_as_of(name) for day in days}
        written = sorted({*back, *self.again, *self.milestones} & {*self.left})
        return written or self.left[-1:]


def begin_rollback(
    lake: Lake, warehouse: Warehouse, settings: Settings, run_id: str, reason: str
) -> tuple[Run, Plan | None]:
    """Open the run that undoes another one, after dropping what unfinished runs had staged.

    Where the newest published run is one that undid it, as if the command was killed after that, it is this run, and
    there is no plan.

    Raises:
        UsageError: there is no such backfill, or later runs have written its days.
        WarehouseError: what it replaced is not in the history any more.
    """
    last = warehouse.last_of_days()
    if last is not None and last.backfill is not None and last.backfill.undoes == run_id:
        return last, None
    undone = _undoable(warehouse, run_id)
    plan = make_plan(lake, warehouse, undone)
    reference = _reference(warehouse, undone)
    require_no_claim(warehouse, undone.start, undone.end)
    require_windows(lake, settings, plan.again)
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    run = warehouse.new_run(undone.start, undone.end, undone.input_dir)
    run.changed, run.as_of = plan.days, plan.as_of
    begun = datetime.now(UTC).replace(microsecond=0)
    run.backfill = Backfill(reason or f"undo {run_id}", made_with(settings), begun, undoes=run_id, removed=plan.removed)
    warehouse.save(run)
    reference.write(warehouse.reference(run.run_id))
    return run, plan


def decided_since(lake: Lake, plan: Plan, lookback_days: int) -> list[date]:
    """Return later days of which other runs have decided duplicates since, so perhaps against lines that go.

    Args:
        lake: the tables, before the rollback is published.
        plan: what it does.
        lookback_days: how far back an earlier copy makes a line a duplicate.
    """
    if DUPLICATES not in noted(plan.run).snapshots:
        return []
    after = partitions(lake, DUPLICATES, noted(plan.run).snapshots[DUPLICATES][1])
    now = partitions(lake, DUPLICATES, lake.snapshot(DUPLICATES, None))
    near = {day + n * DAY for day in plan.days for n in range(1, lookback_days + 1)} - {*plan.days}
    return [day for day in differing(after, now) if day in near and day in now]


def stage_rollback(job: Job, plan: Plan, chunk_days: int) -> None:
    """Stage what the plan says; it is published with the marts of it, or not at all."""
    run, snapshots = job.run, noted(plan.run).snapshots
    get_logger().info(
        "putting back", run=plan.run.run_id, days=len(plan.days), as_of_dates=len(plan.as_of), again=len(plan.again)
    )
    for name, days in plan.back.items():
        put_back(job.lake, name, snapshots[name][0], days, run.run_id)
    if QUALITY_TABLE in snapshots:
        stage_undone(job.lake, run.run_id, *snapshots[QUALITY_TABLE])
    if plan.again:
        stage_as_of(job, plan.again, chunk_days)
    if plan.again or plan.milestones:
        stage_milestones(job.lake, job.reference, run.run_id, [*plan.again, *plan.milestones])
    run.done += ["ingest", "estimates"]
    job.save()


def make_plan(lake: Lake, warehouse: Warehouse, undone: Run) -> Plan:
    """Say what has to be done to undo a run, from the metadata of tables alone.

    Raises:
        UsageError: another run has written some of its days since, or nothing was published before it.
        WarehouseError: what it replaced is not in the history any more.
    """
    replaced: dict[str, list[date]] = {}
    touched: dict[str, set[date]] = {}
    removed: set[date] = set()
    for name, (before_id, after_id) in noted(undone).snapshots.items():
        before, after = partitions(lake, name, before_id), partitions(lake, name, after_id)
        now = partitions(lake, name, lake.snapshot(name, None))
        replaced[name] = differing(before, after)
        # A partition that the run did not write and another one did since counts too, where rows follow from others.
        touched[name] = set(differing(after, now))
        removed |= {day for day in replaced[name] if day not in before} if name == METRICS else set()
    facts = {name: days for name, days in replaced.items() if not _is_as_of(name) and name != QUALITY_TABLE}
    _refuse_touched(warehouse, undone, {day for name, days in facts.items() for day in {*days} & touched[name]})
    days = sorted({day for listed in facts.values() for day in listed})
    published = lake.days(METRICS)
    left = set(published) - removed
    if not left:
        raise UsageError(
            f"Nothing was published before {undone.run_id}, so nothing would be left.",
            where=warehouse.place,
            next_step="to begin anew, name another --warehouse",
        )
    rows = {name: listed for name, listed in replaced.items() if _is_as_of(name) and name != MILESTONES}
    verbatim = {day for listed in rows.values() for day in listed} - {day for name in rows for day in touched[name]}
    affected = affected_as_of(days, published, [], load_catalogue().longest_days)
    again = sorted(
        {*affected, *(day for name in rows for day in touched[name] & {*replaced[name]})} - verbatim - removed
    )
    back = {name: [day for day in listed if day in verbatim | removed] for name, listed in rows.items()}
    stands = replaced.get(MILESTONES, [])
    first = min([*stands, *again], default=date.max)  # before it maintenance may have put files together
    gone = removed - {*lake.days(AUDIENCE_VALUES)}  # what an audience says of a day stays
    moved = {day for day in touched.get(MILESTONES, set()) - gone if day >= first}
    back[MILESTONES] = [day for day in stands if day not in moved]
    return Plan(undone, days, {**facts, **back}, again, sorted(moved), sorted(removed), sorted(left))


def _is_as_of(name: str) -> bool:
    return contracts.table(name).partition == AS_OF


def _undoable(warehouse: Warehouse, run_id: str) -> Run:
    runs = [run for run in warehouse.all_runs() if run.state == "published" and run.backfill and run.backfill.snapshots]
    for run in runs:
        if run.run_id == run_id:
            return run
    known = ", ".join(run.run_id for run in runs) or "none"
    raise UsageError(
        f"There is no backfill {run_id} that could be undone.",
        where=warehouse.said(warehouse.runs),
        next_step=f"backfills of the last 30 days: {known}. Days of a plain run are run, or backfilled, again",
    )


def _refuse_touched(warehouse: Warehouse, undone: Run, days: set[date]) -> None:
    if not days:
        return
    since = [run for run in warehouse.runs_of_days() if run.state == "published" and run.number > undone.number]
    runs = [run.run_id for run in since if days & {*run.days, *run.changed}] or ["a run that is forgotten by now"]
    told = ", ".join(map(str, sorted(days)[:5])) + (f" and {len(days) - 5} more" if len(days) > 5 else "")
    raise UsageError(
        f"{undone.run_id} cannot be undone: {told} was written again since, by {', '.join(runs)}.",
        where=warehouse.said(warehouse.folder(undone.run_id)),
        next_step="if that was a backfill, undo it first; else backfill these days from the input as it should be",
    )


def _reference(warehouse: Warehouse, undone: Run) -> Reference:
    """Return the CSVs that hold after the rollback: those of before the run or, after later runs, the newest."""
    before, last = reference_before(warehouse, undone), warehouse.last_of_days()
    if not before.is_dir():
        raise WarehouseError(
            f"The CSVs from before {undone.run_id} are not there.", where=warehouse.said(before),
            next_step="backfill the days instead, from the input as it should have been",
        )  # fmt: skip
    kept = Reference.read(before)
    if last is None or last.run_id == undone.run_id:
        return kept
    newest = Reference.read(warehouse.reference(last.run_id))
    if newest != kept:
        get_logger().warning(
            "policy, wikis and vocabulary stay those of the newest run; the next run takes them from its input",
            run=last.run_id,
        )
    return newest
