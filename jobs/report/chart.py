"""A chart of the report: what it shows in a sentence, its drawing, and the table behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ChartTable:
    """The numbers behind a drawing, as text that people read.

    Attributes:
        columns: headings; the first column names the row.
        rows: cells as text, each row as long as `columns`; a cell without a number says why.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the headings: a reader could not tell which number is which."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} headings: {row}")


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
