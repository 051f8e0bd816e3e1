"""What pages of the report are made of: tables, and charts with a sentence, a drawing and the table behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ChartTable:
    """Text in rows and columns: the numbers behind a drawing, or a table of its own.

    Attributes:
        columns: headings; the first column names the row.
        rows: cells as text, each row as long as `columns`; a cell without a number says why. Markup is kept as it is in
            cells only.
        numbers: headings of the columns that are set to the right.
        groups: for each row the heading it stands under, equal ones in one stretch; empty for no headings.
        screen_only: how many of the last rows are left out on paper.
        cards: whether a phone stacks the cells of a row, each under its heading: for tables of words, which are read
            row by row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    screen_only: int = 0
    cards: bool = False

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the headings: a reader could not tell which number is which."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} headings: {row}")
        if self.groups and len(self.groups) != len(self.rows):
            raise ValueError(f"{len(self.groups)} headings of groups for {len(self.rows)} rows")


@dataclass(frozen=True)
class Chart:
    """One chart of a page; `macros.html.j2` renders it.

    Attributes:
        id: of its place in the page: lower case, digits and hyphens, unique in the page.
        title: the heading.
        sentence: says what the drawing shows, so that nobody has to see it.
        spec: Vega-Lite with its data inside, no colours of text or background (the page sets those, light and dark),
            width `container`.
        table: the numbers behind the drawing.
        summary: words of the fold that holds the table.
    """

    id: str
    title: str
    sentence: str
    spec: Mapping[str, Any]
    table: ChartTable
    summary: str = "The numbers behind this chart"
