"""Apply one instrument record to a sampling policy: close the rows it replaces, keep those it repeats, open its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from jobs.errors import InputError
from jobs.policy.records import Wanted
from jobs.policy.timeline import UnitRate, format_unit_rate, unit_rate_of
from jobs.reference.csv_file import format_time
from jobs.reference.rows import ANY_WIKI, POLICY_CSV, PolicyRow


class Step(NamedTuple):
    """A record with the time it takes effect; `is_known` if the policy has it from an earlier import."""

    at: datetime
    wanted: Wanted
    is_known: bool = False

    @property
    def begins(self) -> datetime:
        """When its rates begin: a record made before its start waits for it."""
        return max(self.at, self.wanted.start) if self.wanted.start is not None else self.at


def apply_step(
    rows: Sequence[PolicyRow], step: Step, *, is_last: bool, where: str = POLICY_CSV
) -> tuple[list[PolicyRow], list[str]]:
    """Apply one record to a policy; the rows of other instruments pass through.

    Args:
        rows: the policy, free of overlaps.
        step: the record and its time.
        is_last: no other record of the import is about its instrument and later; what did not change is told then.
        where: the file of the policy, for messages.

    Returns:
        The policy, and a line for the user about each thing done or left.

    Raises:
        InputError: if the policy has later rows that say otherwise.
    """
    at, one, begins = step.at, step.wanted, step.begins
    own = {place: row for place, row in enumerate(rows) if row.instrument_name == one.name}
    running = _places_in_force(own, begins)
    is_active = one.end is None or one.end > begins
    wanted = dict(one.unit_rates) if is_active else {}
    same = {wiki: place for wiki, place in running.items() if wanted.get(wiki) == unit_rate_of(rows[place])}
    if len(same) == len(wanted) == len(running):
        has_later = any(row.valid_from > begins for row in own.values())
        return _adjust_end(rows, one, [same[wiki] for wiki in sorted(same)], begins, has_later, is_last)
    _check_nothing_follows(own.values(), step, where)
    # Before a start in the future the instrument is off, whatever ran until now.
    kept = same if begins == at else {}
    closing = [place for wiki, place in _places_in_force(own, at).items() if wiki not in kept]
    opened = [_opened(one, wiki, wanted[wiki], begins) for wiki in _star_first(wanted.keys() - kept.keys())]
    ends = dict.fromkeys(closing, at) | dict.fromkeys(kept.values(), one.end)
    result = [replace(row, valid_to=ends[place]) if place in ends else row for place, row in enumerate(rows)]
    told = [_close_line(rows[place], at) for place in sorted(closing)] + [_open_line(row) for row in opened]
    return [*result, *opened], told


def _places_in_force(own: Mapping[int, PolicyRow], moment: datetime) -> dict[str, int]:
    """Return where in the policy the rows in force at a moment stand, by wiki."""
    return {row.wiki_db: place for place, row in own.items() if row.stretch.holds(moment)}


def _check_nothing_follows(own: Iterable[PolicyRow], step: Step, where: str) -> None:
    """Refuse a change before rows that say otherwise."""
    following = [row.valid_from for row in own if row.valid_from >= step.at]
    if following:
        raise InputError(
            f"{step.wanted.source}: {step.wanted.name} should change at {format_time(step.begins)}, but the policy "
            f"has rows from {format_time(min(following))} on that say otherwise",
            where=where,
            next_step="an import never rewrites the past: give a later --effective-from, or correct the rows by hand",
        )


def _star_first(wikis: Iterable[str]) -> list[str]:
    return sorted(wikis, key=lambda wiki: (wiki != ANY_WIKI, wiki))


def _opened(one: Wanted, wiki: str, wanted: UnitRate, begins: datetime) -> PolicyRow:
    return PolicyRow(one.name, wiki, wanted.sample_unit, wanted.sample_rate, begins, one.end)


def _close_line(row: PolicyRow, at: datetime) -> str:
    return f"{_sentence_of(row)} ends at {format_time(at)}"


def _open_line(row: PolicyRow) -> str:
    until = f" until {format_time(row.valid_to)}" if row.valid_to is not None else ""
    return f"{_sentence_of(row)} from {format_time(row.valid_from)}{until}"


def _sentence_of(row: PolicyRow) -> str:
    return f"{row.instrument_name} on {row.wiki_db}: {format_unit_rate(unit_rate_of(row))}"


def _adjust_end(
    rows: Sequence[PolicyRow], one: Wanted, same: Sequence[int], begins: datetime, has_later: bool, is_last: bool
) -> tuple[list[PolicyRow], list[str]]:
    """Handle a record whose rates are in force already, in the rows at `same`: at most its end is new.

    Rows that begin with the record came from it, and an end they have since got from a later one stays.
    """
    other_end = [] if has_later else [place for place in same if rows[place].valid_to != one.end]
    moved = [place for place in other_end if rows[place].valid_from < begins]
    if moved:
        end = "open" if one.end is None else format_time(one.end)
        lines = [f"{one.name} on {rows[place].wiki_db}: the end is now {end}" for place in moved]
        return [replace(row, valid_to=one.end) if place in moved else row for place, row in enumerate(rows)], lines
    if is_last and other_end:
        return list(rows), [end_line(one, [rows[place] for place in same])]
    return list(rows), [f"{one.name}: unchanged"] if is_last else []


def unit_rates_of(state: Mapping[str, PolicyRow]) -> dict[str, UnitRate]:
    """Return the unit and rate of each wiki."""
    return {wiki: unit_rate_of(row) for wiki, row in state.items()}


def state_at(rows: Iterable[PolicyRow], moment: datetime) -> dict[str, PolicyRow]:
    """Return the rows in force at a moment, by wiki."""
    return {row.wiki_db: row for row in rows if row.stretch.holds(moment)}


def end_line(one: Wanted, rows: Iterable[PolicyRow]) -> str:
    """Say that a record ends at another time than rows that are left as they are."""
    ends = ", ".join(sorted({format_time(row.valid_to) or "open" for row in rows}))
    line = f"{one.name}: unchanged; its end is {ends} here and {format_time(one.end) or 'open'} in {one.source}"
    return f"{line}: give a later --effective-from to change it"
