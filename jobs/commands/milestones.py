"""Entry: where each milestone stands, with a bar of progress and the evidence, from the published marts."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.commands.cut_off import finish_cut_off
from jobs.console import as_records, fits
from jobs.errors import EXIT_GATE, UsageError
from jobs.marts.newest import MILESTONES
from jobs.marts.read import answer
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse

DAYS = """
select min(as_of_date), max(as_of_date), max(as_of_date) filter (where as_of_date <= {day}),
    count(*) filter (where metric <> 'eligible_editors')
from fct_metric_values
"""
COUNTED = "from fct_audience order by as_of_date, wiki_db, band, window_days"
HEADINGS = ("milestone", "wiki", "status", "progress", "value", "due", "expected")
BAR = 10
COLOURS = {"reached": "green", "on track": "green", "behind": "red", "not measurable": "yellow"}
Row = dict[str, Any]


def show_milestones(
    console: Console, settings: Settings, warehouse: Warehouse, as_of: date | None, *, as_json: bool = False
) -> int:
    """Print every milestone as it stood on a day; return 1 if one is overdue, else 0.

    Args:
        console: where the table goes.
        settings: with the catalog, should a publish have to be finished.
        warehouse: with the marts.
        as_of: the newest published day up to this one counts; None for the newest of all. Of eligible editors that is
            the newest of any, of the others the newest that a run of days has published.
        as_json: print a JSON list instead, the columns of `fct_milestone_status`.

    Raises:
        UsageError: nothing is published yet, or no number, or nothing up to that day.
    """
    finish_cut_off(settings, warehouse)
    day, has_days = _day(warehouse, as_of)
    rows = _rows(warehouse, MILESTONES.format(day=f"date '{day}'"))
    if as_json:
        sys.stdout.write(json.dumps(rows, default=str, ensure_ascii=False, indent=1) + "\n")
    elif rows:
        _print(console, rows)
    elif has_days:
        console.print(f"No milestone as of {day}: milestones.csv has none.", highlight=False)
    else:
        console.print(_only_counted(warehouse, day), highlight=False, markup=False, soft_wrap=True)
    return EXIT_GATE if any(row["is_overdue"] for row in rows) else 0


def _day(warehouse: Warehouse, as_of: date | None) -> tuple[date, bool]:
    """Return the published day that is shown, and whether a run of days has published any number."""
    (row,) = _rows(warehouse, DAYS.format(day=f"date '{as_of or date.max}'"))
    first, last, found, n_of_days = row.values()
    if found is None:
        what, next_step = f"Nothing is published up to {as_of}.", f"name a later day: published are {first} to {last}"
        if last is None:  # an audience by another definition alone has no metric value
            what, next_step = "No number is published yet.", _run(warehouse)
        raise UsageError(what, where=warehouse.said(warehouse.marts), next_step=next_step)
    return date.fromisoformat(str(found)), n_of_days > 0


def _only_counted(warehouse: Warehouse, day: date) -> str:
    """Say why an audience alone has no milestones, and what to do."""
    counted = shlex.join(["pdmetrics", "--warehouse", warehouse.place, "query", COUNTED])
    return (
        f"No milestone as of {day}: only an audience is published. Which milestones there are, and which wikis are "
        "pilots, a run of days reads from its input; the first one, of whichever day, judges them by this audience, "
        f"too.\nNext: {_run(warehouse)}\nWhat is counted so far: {counted}"
    )


def _run(warehouse: Warehouse) -> str:
    return shlex.join(["pdmetrics", "--warehouse", warehouse.place, "run", "--date", "DAY", "--input", "DIR"])


def _rows(warehouse: Warehouse, sql: str) -> list[Row]:
    with answer(warehouse, sql) as found:
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def _print(console: Console, rows: Sequence[Row]) -> None:
    """Print a table, or records where a table could not be read; and below it the evidence."""
    cells = [_cells(row) for row in rows]
    title = f"Milestones as of {', '.join(sorted({str(row['as_of_date']) for row in rows}))}"
    if fits(console, HEADINGS, cells):
        table = Table(title=title, title_justify="left", header_style="bold")
        for name in HEADINGS:
            table.add_column(name, overflow="fold")
        for row, own in zip(rows, cells, strict=True):
            colour = "red" if row["is_overdue"] else COLOURS[row["status"]]
            table.add_row(
                *(Text(cell, colour if name == "status" else "") for name, cell in zip(HEADINGS, own, strict=True))
            )
        console.print(table)
    else:
        console.print(title, style="bold", highlight=False)
        console.print(as_records(HEADINGS, cells))
    for row in rows:
        console.print(f"{row['milestone']} ({row['wiki_db']}):", style="bold", markup=False, highlight=False)
        console.print(f"  {_window(row)}. {row['reason']}", markup=False, highlight=False, soft_wrap=True)
        if row["remedy"]:
            console.print(f"  What helps: {row['remedy']}", markup=False, highlight=False, soft_wrap=True)


def _cells(row: Row) -> list[str]:
    """Return what stands under the headings."""
    return [
        row["milestone"], row["wiki_db"], row["status"] + (", overdue" if row["is_overdue"] else ""),
        bar(row["share_reached"]), f"{_value(row)} of {_target(row)}", str(row["due_date"]), _expected(row),
    ]  # fmt: skip


def bar(share: float | None) -> str:
    """Draw a share of the target, and write it beside: `██████░░░░ 62 %`; a full bar is no proof of reaching it."""
    if share is None:
        return f"{'·' * BAR} –"
    percent = int(100 * share + 1e-9)  # rounded down: full only where all of it is there
    full = min(percent * BAR // 100, BAR)
    return f"{'█' * full}{'░' * (BAR - full)} {percent:,} %"


def _value(row: Row) -> str:
    """Write the estimate, or from where on the value lies where there is none."""
    if row["estimate"] is not None:
        return _number(row["estimate"])
    return "–" if row["lower"] is None else f"at least {_number(row['lower'])}"


def _target(row: Row) -> str:
    """Write the target; a share of an audience that was not counted is no number yet."""
    return "?" if row["target"] is None else _number(row["target"])


def _expected(row: Row) -> str:
    if row["reached_on"] is not None:
        return f"reached {row['reached_on']}"
    if row["expected_from"] is None:
        return "–"
    if row["expected_from"] == row["expected_to"]:
        return str(row["expected_from"])
    if row["expected_to"] is None:
        return f"not before {row['expected_from']}"
    return f"{row['expected_from']} to {row['expected_to']}"


def _window(row: Row) -> str:
    """Say what was measured, when, and between which limits."""
    told = f"{row['metric']}, {row['window_kind'].replace('_', ' ')}"
    if row["window_end"] is None:
        return told
    told += f", {row['window_start']} to {row['window_end']}"
    if row["lower"] is None:
        return told
    if row["lower"] == row["upper"]:
        return f"{told}: {_number(row['lower'])}"
    return f"{told}: {_number(row['lower'])} to {'…' if row['upper'] is None else _number(row['upper'])}"


def _number(value: float) -> str:
    """Write a count whole, with thousands apart, and a share with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
