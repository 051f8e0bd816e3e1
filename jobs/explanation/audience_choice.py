"""Which number of eligible editors is meant: what was asked, completed by what is published of the wiki."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.audience import DEFAULT_BAND, Band
from jobs.errors import UsageError
from jobs.explanation.choose import DEFAULT_DAYS, SEGMENT, Asked, Chosen, Fetch, Records, statement
from jobs.explanation.explanation import MetricRow
from jobs.metric import Metric

COUNT_THEM = "pdmetrics audience --history DIR --snapshot YYYY-MM --as-of {day} --wiki {wiki}"
WIKIS = "select distinct wiki_db from fct_metric_values where metric = ? order by 1"
ROWS = "select * from fct_metric_values where metric = ? and wiki_db = ? order by as_of_date, window_days"


def choose_audience(asked: Asked, metric: Metric, fetch: Fetch) -> Chosen:
    """Find the row: by default the newest day, 28 days (else the longest window), the first band (else the widest).

    Args:
        asked: what was asked.
        metric: eligible editors.
        fetch: runs a statement with parameters on the published marts.

    Raises:
        UsageError: there is no such row; it says which there are and which command makes one.
    """
    found = fetch(ROWS, [metric.metric, asked.wiki_db])
    command = COUNT_THEM.format(day=asked.as_of or "DAY", wiki=asked.wiki_db)
    if not found:
        known = [row["wiki_db"] for row in fetch(WIKIS, [metric.metric])]
        there = f"; counted are {', '.join(known)}" if known else ""
        what = f"Nobody has counted the eligible editors of {asked.wiki_db} yet."
        raise UsageError(what, where="--wiki", next_step=f"{command} counts them{there}")
    notes: list[str] = []
    for column, option, given in (
        (SEGMENT[0], "--element", asked.element), (SEGMENT[1], "--platform", asked.platform),
        ("inference", "--inference", asked.inference), ("window_days", "--window", asked.window),
        (SEGMENT[2], "--bucket", asked.bucket), ("as_of_date", "--as-of", asked.as_of),
    ):  # fmt: skip
        if given is not None:
            found = _kept(found, column, option, str(given), command)
    newest = _only(found, "as_of_date", lambda rows: rows[-1]["as_of_date"])
    if asked.as_of is None and len(newest) < len(found):
        notes.append(f"--as-of {newest[0]['as_of_date']}, the newest day that is counted")
    of_window = _only(newest, "window_days", _usual_window)
    _note(notes, "--window", newest, of_window, "window_days")
    of_band = _only(of_window, SEGMENT[2], _usual_band)
    _note(notes, "--bucket", of_window, of_band, SEGMENT[2])
    (row,) = of_band
    return Chosen(MetricRow.of(row), statement(metric.metric, asked.wiki_db, row), tuple(notes))


def _kept(rows: Records, column: str, option: str, value: str, command: str) -> Records:
    """Keep the rows that were asked for."""
    found = [row for row in rows if str(row[column]) == value]
    if not found:
        known = sorted({row[column] for row in rows})
        raise UsageError(
            f"There are no eligible editors with {option} {value}.",
            where=option,
            next_step=f"there are {', '.join(map(str, known))}; {command} counts others",
        )
    return found


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
