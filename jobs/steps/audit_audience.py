"""The audience gate asked again, of what is published or of the newest run that is not, if it counted an audience.

No dump is read. What the gate compared with the dumps themselves cannot be asked again: it is said, and of a run that
was stopped what it wrote down then counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from expectations.audience import OF_DUMPS
from expectations.gate import GateResult, run_gate, suite_of, with_recorded
from jobs.audience import count_command
from jobs.errors import NoInputError, UsageError
from jobs.quality.audience_dumps import read_for
from jobs.quality.audience_profile import TABLES
from jobs.settings import Settings
from jobs.steps.gates import audience_profiles, thresholds
from jobs.warehouse.look import tables_if_any
from jobs.warehouse.manifest import AUDIENCE, Run
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables

COUNTED, LOG = "audience", "audience_log"
SAID = "from fct_data_quality where check_id in ({ids}) and is_latest"


@dataclass(frozen=True)
class AuditedAudience:
    """What the gate said.

    Attributes:
        days: the as-of dates that it was asked of.
        result: what it found.
        notes: in sentences, which checks were not asked again and why.
    """

    days: Sequence[date]
    result: GateResult
    notes: Sequence[str]


def audit_audience(
    settings: Settings, warehouse: Warehouse, days: Sequence[date], *, is_staged: bool
) -> AuditedAudience:
    """Ask the audience gate of the cells of some dates.

    Args:
        settings: thresholds, the share of malformed rows, and which counts are hidden.
        warehouse: the warehouse.
        days: among which the as-of dates are; without any it is the newest of each wiki, or what the run counted.
        is_staged: look at the newest run's branch.

    Raises:
        NoInputError: nobody was counted as of these dates.
        UsageError: no audience is staged that has them.
    """
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    if tables is None or not all(map(tables.has, TABLES)):
        raise _none_counted(days, [])
    run = _staged(warehouse, tables, days) if is_staged else None
    branch = run.run_id if run else None
    as_of = _as_of(tables, days or (run.as_of if run else ()), branch)
    found = {name: tables.day_frame(name, as_of, branch) for name in TABLES[:3]}
    log = tables.day_frame(LOG, sorted(set(found[COUNTED]["read_to"])), branch)
    found[LOG], unlogged = read_for(found[COUNTED], log)
    profiles = audience_profiles(tables, settings, found, as_of)
    result = run_gate(AUDIENCE, profiles, thresholds(settings), days=as_of)
    recorded = _recorded(warehouse, run)
    notes = [*_notes(result, run, recorded), *([_not_logged(unlogged)] if unlogged else [])]
    return AuditedAudience(as_of, with_recorded(result, recorded) if len(recorded) else result, notes)


def _staged(warehouse: Warehouse, tables: Tables, days: Sequence[date]) -> Run:
    """Return the newest run, if it has staged an audience of some dates and is not published."""
    run = next(reversed(warehouse.all_runs()), None)
    if run is not None and run.state != "published" and run.is_audience and run.run_id in tables.refs(COUNTED):
        if set(days) <= {*run.as_of}:
            return run
        have = f"{run.run_id} has staged one as of {', '.join(map(str, run.as_of))}"
    else:
        kind = "an audience" if run is not None and run.is_audience else "days"
        have = f"the newest run, {run.run_id}, is of {kind} and {run.state}" if run else "there are no runs"
    of = f" as of {', '.join(map(str, days))}" if days else ""
    raise UsageError(f"No audience is staged{of}: {have}.", next_step="leave out --staged for what is published")


def _as_of(tables: Tables, days: Sequence[date], branch: str | None) -> list[date]:
    """Return the dates among some days that an audience was counted as of; without any the newest of each wiki."""
    known = tables.days(COUNTED, branch)
    if days:
        found = [day for day in known if day in set(days)]
    else:
        cells = tables.day_frame(COUNTED, known)
        found = sorted(set(cells.groupby("wiki_db")["as_of_date"].max()))
    if not found:
        raise _none_counted(days, known)
    return found


def _none_counted(days: Sequence[date], known: Sequence[date]) -> NoInputError:
    if not known:
        return NoInputError("No audience is published yet.", where="the published tables", next_step=count_command())
    asked = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return NoInputError(
        f"Nobody was counted as of {asked}.", where="the published tables",
        next_step=f"the newest as-of date is {known[-1]}; {count_command()} counts another",
    )  # fmt: skip


def _recorded(warehouse: Warehouse, run: Run | None) -> pd.DataFrame:
    """Return what a run's gate wrote down of the checks that need the dumps; none where it was not asked."""
    file = warehouse.folder(run.run_id) / f"gate_{AUDIENCE}.csv" if run else None
    if file is None or not file.exists():
        return pd.DataFrame(columns=["check_id"])
    rows = pd.read_csv(file, keep_default_na=False, converters={"event_date": date.fromisoformat})
    found: pd.DataFrame = rows[rows["check_id"].isin(OF_DUMPS)]
    return found


def _notes(result: GateResult, run: Run | None, recorded: pd.DataFrame) -> list[str]:
    """Say which checks have no verdict of now."""
    silent = [check.id for check in suite_of(AUDIENCE) if check.id not in set(result.rows["check_id"])]
    idle = [name for name in silent if name not in OF_DUMPS]
    notes = [f"There was nothing to compare for {', '.join(idle)}."] if idle else []
    of_dumps = ", ".join(OF_DUMPS)
    if len(recorded):
        return [f"As the run itself found, since they compare with the dumps: {of_dumps}.", *notes]
    said = "" if run else f' What they said: pdmetrics query "{SAID.format(ids=str(OF_DUMPS)[1:-1])}"'
    return [f"Not asked again, since they compare with the dumps: {of_dumps}.{said}", *notes]


def _not_logged(wikis: Sequence[str]) -> str:
    return f"No row of the log tells what was read of {', '.join(wikis)}: nothing of its dumps was looked at."
