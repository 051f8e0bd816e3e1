"""`policy import`: bring Test Kitchen instrument records into `sampling_policy.csv`.

A change takes effect at the record's `utc_journal_dt`, else at the time the user gives, else, for an instrument the
policy does not have yet, at the record's `start`. The rows it replaces are closed at that time; what held before stays
as it was. Importing the same records again changes nothing: a record without a time that says what the policy said at
its start, or before the other records of the import took effect, is known already.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from jobs.errors import InputError
from jobs.policy.apply import Step, apply_step, end_line, state_at, unit_rates_of
from jobs.policy.records import Record, Wanted, parse_record
from jobs.reference.csv_file import Problems, format_time, raise_problems, write_table
from jobs.reference.rows import ANY_WIKI, COLUMNS, POLICY_CSV, WIKIS_CSV, PolicyRow
from jobs.reference.rules import check_policy_overlaps

WARNING = "warning: "  # what a line of the summary begins with that tells of something doubtful


class ImportResult(NamedTuple):
    """The whole policy after an import, and a line for the user about each thing done, kept or doubtful."""

    rows: tuple[PolicyRow, ...]
    summary: tuple[str, ...]


def import_records(
    records: Sequence[Record],
    existing: Iterable[PolicyRow],
    *,
    effective_from: datetime | None = None,
    sources: Sequence[str] | None = None,
    known_wikis: Collection[str] | None = None,
    folder: Path | str = "",
) -> ImportResult:
    """Apply instrument records to a policy.

    Args:
        records: Test Kitchen records, in any order, of one or several instruments.
        existing: the policy as it stands, free of overlaps.
        effective_from: when records without `utc_journal_dt` take effect.
        sources: where each record stands, for messages.
        known_wikis: the wikis of `wikis.csv`; rows for others are imported, and told.
        folder: where the policy stands, for messages.

    Raises:
        InputError: naming every record that cannot be used; the policy is then left as it is.
    """
    names = list(sources) if sources is not None else [f"record {i}" for i, _ in enumerate(records, start=1)]
    problems = Problems()
    parsed = [parse_record(record, name, problems) for record, name in zip(records, names, strict=True)]
    raise_problems(problems.found, "")
    wanted = [one for one in parsed if one is not None]
    rows, summary = list(existing), []
    for instrument in sorted({one.name for one in wanted}):
        own = [row for row in rows if row.instrument_name == instrument]
        steps, unchanged = _steps([one for one in wanted if one.name == instrument], own, effective_from)
        summary += unchanged
        for number, step in enumerate(steps, start=1):
            rows, lines = apply_step(rows, step, is_last=number == len(steps), where=str(Path(folder) / POLICY_CSV))
            summary += lines
    summary += _unknown_wikis(wanted, known_wikis)
    check_policy_overlaps(rows, problems)
    problems.raise_if_any(folder)
    return ImportResult(tuple(rows), tuple(summary))


def _steps(
    wanted: Sequence[Wanted], own: Sequence[PolicyRow], effective_from: datetime | None
) -> tuple[list[Step], list[str]]:
    """Give each record of one instrument its time, in order; also the lines on records that change nothing."""
    found: list[Step] = []
    unchanged: list[str] = []
    untimed: list[Wanted] = []
    for one in wanted:
        at = one.journal_time or effective_from or (None if own else one.start)
        if at is None:
            untimed.append(one)
        else:
            found.append(Step(at, one))
    changes = [step.begins for step in found]
    for one in untimed:
        if not _is_known(one, own, changes):
            raise InputError(
                f"{one.source}: no time for the change of {one.name}",
                where=one.source,
                next_step="give --effective-from, the UTC time from which clients had these rates",
            )
        unchanged.append(_known_line(one, own, is_explained=bool(changes)))
        if one.start is not None and any(row.valid_from == one.start for row in state_at(own, one.start).values()):
            found.append(Step(one.start, one, is_known=True))
    return [step for step in _in_order(found) if not step.is_known], unchanged


def _in_order(steps: Iterable[Step]) -> list[Step]:
    """Sort by the time rates begin; of records that take effect at once (changed before the start) the latest stands.

    A known step keeps its place: it won against the others when it was imported first, and does so again.
    """
    timed: dict[datetime, Step] = {}
    for step in steps:
        other = timed.get(step.begins)
        if other is not None and other.at == step.at and not _says_the_same(other.wanted, step.wanted):
            one = step.wanted
            raise InputError(
                f"{one.source} and {other.wanted.source} say different things about {one.name} "
                f"at {format_time(step.at)}",
                where=one.source,
                next_step="leave one of them, or give each its utc_journal_dt",
            )
        if other is None or other.at < step.at:
            timed[step.begins] = step
    return [timed[begins] for begins in sorted(timed)]


def _says_the_same(one: Wanted, other: Wanted) -> bool:
    return (one.unit_rates, one.start, one.end) == (other.unit_rates, other.start, other.end)


def _is_known(wanted: Wanted, own: Sequence[PolicyRow], changes: Iterable[datetime]) -> bool:
    """Whether the policy says already what a record without a time asks for: now, at its start, or before `changes`.

    `changes` are the times of the other records of the import. Without any, an end the policy does not have is news.
    """
    before = [_newest([row for row in own if row.valid_from < change]) for change in changes]
    if any(unit_rates_of(state) == wanted.unit_rates for state in before):
        return True
    newest = _newest(own)
    if unit_rates_of(newest) == wanted.unit_rates:
        ends = {row.valid_to for row in newest.values()}
        if ends == {wanted.end}:
            return True
        if not before and wanted.end is not None and any(end is None or end > wanted.end for end in ends):
            return False
    return wanted.start is not None and unit_rates_of(state_at(own, wanted.start)) == wanted.unit_rates


def _known_line(one: Wanted, own: Sequence[PolicyRow], *, is_explained: bool) -> str:
    """Return the line on a known record; what differs now is told unless a later record of the import explains it."""
    newest = _newest(own)
    if not is_explained and unit_rates_of(newest) != one.unit_rates:
        return (
            f"{WARNING}{one.name}: unchanged; {one.source} has no time and says what held at its start, "
            "not what holds now: give --effective-from if clients went back to it"
        )
    if not is_explained and any(row.valid_to != one.end for row in newest.values()):
        return end_line(one, newest.values())
    return f"{one.name}: unchanged"


def _newest(rows: Sequence[PolicyRow]) -> dict[str, PolicyRow]:
    """Return the newest state of an instrument, also if it has ended."""
    return state_at(rows, max(row.valid_from for row in rows)) if rows else {}


def _unknown_wikis(wanted: Iterable[Wanted], known: Collection[str] | None) -> list[str]:
    """Return warnings for wikis that `wikis.csv` lacks."""
    if known is None:
        return []
    unknown = sorted({wiki for one in wanted for wiki in one.unit_rates if wiki != ANY_WIKI and wiki not in known})
    return [f"{WARNING}{wiki} is not in {WIKIS_CSV}: add it there, or `policy check` will complain" for wiki in unknown]


def write_policy(path: Path, rows: Iterable[PolicyRow]) -> None:
    """Write a policy in one step: readers see the old file or the new one, never a part.

    Raises:
        InputError: if it cannot be written; the old file is then untouched.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write_table(temporary, COLUMNS[POLICY_CSV], rows)
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        step = "check that the directory exists, can be written and has room; nothing was changed"
        raise InputError(f"cannot write the policy: {error.strerror}", where=str(path), next_step=step) from error
