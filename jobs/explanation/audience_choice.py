"""Which number of eligible editors is meant: what was asked, completed by what is published of the wiki."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.audience import DEFAULT_BAND, LONGEST_WINDOW, Band, count_command
from jobs.errors import UsageError
from jobs.explanation.choose import DEFAULT_DAYS, SEGMENT, Asked, Chosen, Fetch, Records, statement
from jobs.explanation.explanation import MetricRow
from jobs.metric import Metric
from jobs.window_sums.tables import ALL

OPTIONS = (
    (SEGMENT[0], "--element"), (SEGMENT[1], "--platform"), ("inference", "--inference"), ("window_days", "--window"),
    (SEGMENT[2], "--bucket"), ("as_of_date", "--as-of"),
)  # fmt: skip
"""Columns of `fct_metric_values`, in the order in which options narrow them down."""
WIKIS = "select distinct wiki_db from fct_metric_values where metric = ? order by 1"
ROWS = "select * from fct_metric_values where metric = ? and wiki_db = ? order by as_of_date, window_days"


def choose_audience(asked: Asked, metric: Metric, fetch: Fetch) -> Chosen:
    """Find the row: by default the first band (else the widest), its newest day, 28 days (else the longest window).

    Args:
        asked: what was asked.
        metric: eligible editors.
        fetch: runs a statement with parameters on the published marts.

    Raises:
        UsageError: there is no such row; it says which there are and which command makes one.
    """
    found = fetch(ROWS, [metric.metric, asked.wiki_db])
    if not found:
        raise _uncounted(asked, metric, [row["wiki_db"] for row in fetch(WIKIS, [metric.metric])])
    notes: list[str] = []
    for column, option in OPTIONS:
        if _given(asked, option) is not None:
            found = _kept(found, column, option, asked)
    of_band = _only(found, SEGMENT[2], _usual_band)
    newest = _only(of_band, "as_of_date", lambda rows: rows[-1]["as_of_date"])
    if asked.as_of is None and len(newest) < len(of_band):
        notes.append(f"--as-of {newest[0]['as_of_date']}, the newest day that is counted")
    of_window = _only(newest, "window_days", _usual_window)
    _note(notes, "--window", newest, of_window, "window_days")
    _note(notes, "--bucket", found, of_band, SEGMENT[2])
    (row,) = of_window
    return Chosen(MetricRow.of(row), statement(metric.metric, asked.wiki_db, row), tuple(notes))


def _uncounted(asked: Asked, metric: Metric, known: list[str]) -> UsageError:
    """Say that a wiki has no row, and what would count it."""
    if asked.wiki_db == ALL:
        what = f"{metric.metric} has no wiki `all`: users are local to a wiki and do not add up."
        step = f"there are {', '.join(known)}" if known else f"{_command(asked, 'WIKI')} counts those of a wiki"
        return UsageError(what, where="--wiki", next_step=step)
    there = f"; counted are {', '.join(known)}" if known else ""
    what = f"Nobody has counted the eligible editors of {asked.wiki_db} yet."
    return UsageError(what, where="--wiki", next_step=f"{_command(asked, asked.wiki_db)} counts them{there}")


def _kept(rows: Records, column: str, option: str, asked: Asked) -> Records:
    """Keep the rows that were asked for."""
    value = str(_given(asked, option))
    found = [row for row in rows if str(row[column]) == value]
    if not found:
        known = f"there are {', '.join(map(str, sorted({row[column] for row in rows})))}"
        can_be = _can_be_counted(option, value)
        step = f"{known}; {_command(asked, asked.wiki_db)} counts others" if can_be else known
        raise UsageError(f"There are no eligible editors with {option} {value}.", where=option, next_step=step)
    return found


def _given(asked: Asked, option: str) -> object:
    return getattr(asked, "as_of" if option == "--as-of" else option.removeprefix("--"))


def _can_be_counted(option: str, value: str) -> bool:
    """Whether the command can count what was asked for; a link, a platform or another reading no dump has."""
    if option == "--window":
        return value.isdecimal() and 1 <= int(value) <= LONGEST_WINDOW
    return option == "--as-of" or (option == "--bucket" and _is_band(value))


def _is_band(value: str) -> bool:
    try:
        Band.parse(value)
    except ValueError:
        return False
    return True


def _command(asked: Asked, wiki: str) -> str:
    """Return the command that counts what was asked for; what it would refuse is left out."""
    command = count_command(asked.as_of or "DAY", wiki)
    for option, name in (("--window", "--windows"), ("--bucket", "--bands")):
        value = str(_given(asked, option))
        if _can_be_counted(option, value):
            command += f" {name} {value}"
    return command


def _only(rows: Records, column: str, default: Callable[[Records], Any]) -> Records:
    value = default(rows)
    return [row for row in rows if row[column] == value]


def _usual_window(rows: Records) -> int:
    windows = {row["window_days"] for row in rows}
    return DEFAULT_DAYS if DEFAULT_DAYS in windows else max(windows)


def _usual_band(rows: Records) -> str:
    bands = sorted(Band.parse(row[SEGMENT[2]]) for row in rows)
    return str(DEFAULT_BAND if DEFAULT_BAND in bands else max(bands, key=lambda band: band.most - band.least))


def _note(notes: list[str], option: str, before: Records, after: Records, column: str) -> None:
    """Tell a default where there were others."""
    known = sorted({row[column] for row in before})
    if len(known) > 1:
        notes.append(f"{option} {after[0][column]} (there are {', '.join(map(str, known))})")
