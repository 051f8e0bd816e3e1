"""What a terminal shows: rows laid out as a table or as records, and lines of standard error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.log import send_nowhere

LEAST_WIDTH = 12  # of a column, before a table is a grid of single letters


class PatientConsole(Console):
    """A console that goes on when nobody reads any more: `run | head` must not end the run."""

    def on_broken_pipe(self) -> None:
        """Print no more."""
        self.quiet = True
        send_nowhere(self.file)


def told(text: str, style: str = "red") -> None:
    """Say something on standard error, in as many lines as it has."""
    PatientConsole(stderr=True).print(text, style=style, markup=False, soft_wrap=True, highlight=False)


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: `1 day`, `2 days`, `1,000 lines`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> Table:
    """Lay rows out for a terminal; null stands as a dash, numbers with at most six significant digits."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def as_records(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Text:
    """Lay rows out one below the other, a line for each column."""
    name_width = max(map(len, columns), default=0)
    text = Text()
    for number, row in enumerate(rows, 1):
        text.append(f"-- {number}\n", style="bold")
        for column, value in zip(columns, row, strict=True):
            text.append(f"{column:<{name_width}}  {_text(value)}\n")
    return text


def fits(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a table of the rows can be read at the console's width: no column thinner than a dozen letters."""
    widths = [max([len(name), *(len(_text(row[place])) for row in rows)]) for place, name in enumerate(columns)]
    borders = 3 * len(columns) + 1
    return sum(min(width, LEAST_WIDTH) for width in widths) + borders <= console.width


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
