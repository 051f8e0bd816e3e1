"""A gate asked again, of what is published or of the newest run that is not: no verdict is recorded, no row changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from expectations.gate import GateResult, run_gate
from jobs.errors import NoInputError, UsageError
from jobs.log import get_logger
from jobs.marts.read import require_readable
from jobs.quality.facts_profile import TABLES, facts_profile
from jobs.quality.history_frames import HISTORY_TABLES
from jobs.quality.marts_changes import marts_changes
from jobs.quality.marts_profile import marts_profile
from jobs.quality.raw_frames import RawTables, raw_frames, with_past
from jobs.raw.files import RawDays, find_input, open_input
from jobs.reference.load import Reference
from jobs.settings import Settings
from jobs.steps.gates import past_profiles, thresholds
from jobs.steps.job import open_lake
from jobs.warehouse.look import tables_if_any, tables_to_look_at
from jobs.warehouse.manifest import Run
from jobs.warehouse.receipts import USER_REQUEST, purged_days, receipts
from jobs.warehouse.refused import LOG
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.windows import DAY, HOURS, in_words

STAGED_ELSE = "leave out --staged for what is published; of an audience ask --gate audience"
LATE = ("missing_hours", "stream_hours")  # checks of the raw gate


@dataclass(frozen=True)
class Audited:
    """What is looked at.

    Attributes:
        days: the asked days; of the marts the as-of dates.
        run: the run that staged it; of what is published, the newest run that was published, for its reference.
        is_staged: look at the run's branch.
    """

    days: Sequence[date]
    run: Run
    is_staged: bool

    @property
    def branch(self) -> str | None:
        """The run whose branch is read, None for what is published."""
        return self.run.run_id if self.is_staged else None


def audited(warehouse: Warehouse, days: Sequence[date], *, is_staged: bool) -> Audited:
    """Find the run to look at.

    Raises:
        UsageError: no run is staged that has the days.
        NoInputError: nothing was published yet.
    """
    if is_staged:
        staged = warehouse.unpublished_run(days)
        if staged is None:
            raise warehouse.nothing_staged(days, STAGED_ELSE)
        return Audited(days, staged, is_staged=True)
    published = warehouse.last_of_days()
    if published is None:
        is_counted = warehouse.last_published() is not None
        what = "No day is published yet, only an audience." if is_counted else "Nothing is published yet."
        then = "run the days first" + ("; of the audience ask --gate audience" if is_counted else "")
        raise NoInputError(what, where=warehouse.place, next_step=then)
    return Audited(days, published, is_staged=False)


def whole_input(input_dir: str, days: Sequence[date]) -> RawDays:
    """List the input of some days, of which every hour of every stream that sent anything is there.

    Raises:
        NoInputError: an hour is not there, or a whole day.
    """
    raw = find_input(open_input(input_dir), days)
    lost = [f"{day} has no input" for day in raw.empty_days]
    for day in sorted({day for day, _ in raw.missing}):
        hours = [hour for at, hour in raw.missing if at == day]
        lost.append(f"{day}: {len(hours)} of {HOURS} hours are not there ({', '.join(map(str, hours))})")
    if lost:
        raise not_all_yet(lost, input_dir)
    return raw


def not_all_yet(lost: Sequence[str], where: str) -> NoInputError:
    """Return what to raise while hours are missing."""
    return NoInputError(
        "Not all of the input is there yet:\n  - " + "\n  - ".join(lost), where=where,
        next_step="wait, or run the days with what is there: their windows are incomplete until the hours come",
    )  # fmt: skip


def incomplete_days(result: GateResult) -> dict[date, str]:
    """Return the days of which the raw gate says that hours are missing, with its words."""
    return {failure.day: failure.message for failure in result.failures if failure.check_id in LATE}


def ingested(settings: Settings, warehouse: Warehouse, days: Sequence[date]) -> list[date]:
    """Return those of some days that are published."""
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    known = set(tables.days(LOG)) if tables is not None else set()
    return [day for day in days if day in known]


def audit_raw(settings: Settings, warehouse: Warehouse, what: Audited, raw: RawDays | None) -> GateResult:
    """Ask the raw gate of days that were ingested.

    Args:
        settings: thresholds.
        warehouse: the warehouse.
        what: the days and the run.
        raw: the listing of the input's files, if the input is named.

    Raises:
        NoInputError: one of the days was not ingested.
    """
    tables = tables_to_look_at(settings.catalog.properties(), warehouse.path)
    _require_ingested(tables, what)
    reference = _reference(warehouse, what)
    found = RawTables(*(tables.day_frame(name, what.days, what.branch) for name in HISTORY_TABLES))
    profiles = raw_frames(found, what.days, reference, refused={}, raw=raw)
    past = past_profiles(tables, settings, reference, found._asdict(), what.days)
    return run_gate("raw", with_past(profiles, past), thresholds(settings), days=what.days)


def audit_facts(settings: Settings, warehouse: Warehouse, what: Audited) -> GateResult:
    """Ask the facts gate; it reads events and users' days, so it takes the lock and an engine.

    Raises:
        NoInputError: one of the days was not ingested.
        UsageError: what the gate reads of one was purged.
    """
    reference = _reference(warehouse, what)
    with open_lake(settings, warehouse) as lake:
        _require_ingested(lake, what)
        _require_kept(lake, what)
        frames = {name: lake.read_days(name, what.days, what.branch) for name in TABLES}
        read = what.run.lines_read if what.is_staged else None
        profiles = facts_profile(frames, days=what.days, reference=reference, lines_read=read)
        judged = {name: lake.day_frame(name, what.days, what.branch) for name in HISTORY_TABLES}
        profiles |= past_profiles(lake, settings, reference, judged, what.days)
    return run_gate("facts", profiles, thresholds(settings), days=what.days)


def audit_marts(settings: Settings, warehouse: Warehouse, what: Audited) -> GateResult:
    """Ask the marts gate; staged marts are compared with the published ones.

    Raises:
        NoInputError: there is no such file of marts, or one of the days was not ingested.
        WarehouseError: the file is damaged, or a run is building it.
    """
    file = warehouse.next_marts if what.is_staged else warehouse.marts
    if not file.exists():
        raise NoInputError("There are no marts to look at.", where=warehouse.said(file), next_step="run the days first")
    _require_ingested(tables_to_look_at(settings.catalog.properties(), warehouse.path), what)
    live = warehouse.marts if what.is_staged else warehouse.path / "nothing-before"
    require_readable(file)
    profiles = marts_profile(file, as_of=what.days)
    changed, removed = (what.run.changed, what.run.removed) if what.is_staged else ((), ())
    profiles |= marts_changes(file, live, as_of=what.days, changed=changed, removed=removed)
    return run_gate("marts", profiles, thresholds(settings), days=what.days)


def _reference(warehouse: Warehouse, what: Audited) -> Reference:
    return Reference.read(warehouse.reference(what.run.run_id))


def _require_ingested(tables: Tables, what: Audited) -> None:
    """Every asked day must be there."""
    log = tables.day_frame(LOG, what.days, what.branch)
    if missing := sorted(set(what.days) - set(log["event_date"])):
        raise NoInputError(
            f"{len(missing)} of {len(what.days)} days were not ingested, the first {missing[0]}.",
            where=what.branch or "the published tables",
            next_step=f"pdmetrics run --date {missing[0]} --input DIR",
        )


def _require_kept(tables: Tables, what: Audited) -> None:
    """Nothing that the facts gate reads of the asked days may be purged, unless it is there again."""
    if what.is_staged:
        return
    if gone := sorted(purged_days(tables, TABLES) & set(what.days)):
        raise UsageError(
            f"Events or users' days of {in_words(gone[0], gone[-1] + DAY)} were purged; the gate would miscount.",
            where="--date, --start",
            next_step='what it said when the days were run: pdmetrics query "select * from fct_data_quality"',
        )
    requested = {one.event_date for one in receipts(tables) if one.cause == USER_REQUEST} & set(what.days)
    for day in sorted(requested):
        get_logger().warning("a user's rows were purged: sums of users' days are smaller than the others", day=str(day))
