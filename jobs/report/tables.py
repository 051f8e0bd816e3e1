"""Tables of the report: Great Tables makes them, the page's stylesheet colours them, light and dark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from jobs.report.chart import ChartTable
from jobs.words import STATUSES

# Of what Great Tables writes only the table is kept: its style sheet knows one set of colours, and no dark one.
_DATE = re.compile(r"(?<=[> (])\d{4}-\d\d-\d\d(?=[ <,;:.)])")
_ON_ONE_LINE = r'<span class="nowrap">\g<0></span>'
_CELL = re.compile(r"<(t[hd]) (?=[^>]*\bgt_row\b)")
_TABLE = re.compile(r"<table[^>]*>(.*)</table>", re.DOTALL)


def render(table: ChartTable, table_id: str, caption: str) -> Markup:
    """Make the HTML of a table, in a box of its own that scrolls where it is wider than the page.

    Args:
        table: its text.
        table_id: unique in the page, lower case, digits and hyphens.
        caption: says what the rows are.
    """
    if not table.rows:
        return Markup('<p class="none">{}: there are no rows.</p>').format(caption)
    from great_tables import GT  # only where a site is made: it loads a table of countries

    names = [f"c{position}" for position in range(len(table.columns))]
    headings = dict(zip(names, table.columns, strict=True))
    # Objects, not Arrow's text: Great Tables sets cell after cell. It escapes what it is not told to pass through.
    frame = pd.DataFrame(list(table.rows), columns=names, dtype=object)
    marked = [name for name in names if any(isinstance(cell, Markup) for cell in frame[name])]
    frame[marked] = frame[marked].map(lambda cell: str(escape(cell)))
    if table.groups:
        frame["group"] = pd.Series(list(table.groups), dtype=object)
    made = GT(frame, rowname_col="c0", groupname_col="group" if table.groups else None, id=table_id)
    made = made.cols_label({name: headings[name] for name in names[1:]}).tab_stubhead(headings["c0"])
    right = [name for name in names if headings[name] in table.numbers]
    made = made.cols_align("left", columns=[name for name in names if name not in right])
    if right:
        made = made.cols_align("right", columns=right)
    if marked:
        made = made.fmt_passthrough(columns=marked, escape=False)
    html = _marked(made.as_raw_html(), table.screen_only)
    return _in_box(_labelled(html, table.columns) if table.cards else html, table_id, caption, is_cards=table.cards)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a small frame, by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def chip(status: str) -> Markup:
    """Write a status as symbol and word in its colour; the word is what a screen reader says."""
    told = STATUSES[status]
    return Markup('<span class="chip chip-{}"><span aria-hidden="true">{}</span> {}</span>').format(
        status.replace("_", "-"), told.symbol, told.word
    )


def verdict(word: str, kind: str) -> Markup:
    """Write another verdict in the same way; `kind` is `good`, `warn`, `bad` or `open`."""
    symbol = {"good": "●", "warn": "▲", "bad": "✕", "open": "○"}[kind]
    return Markup('<span class="chip chip-{}"><span aria-hidden="true">{}</span> {}</span>').format(kind, symbol, word)


def unbroken(text: str) -> Markup:
    """Return a text, or markup, whose dates are not broken at their hyphens."""
    return Markup(_DATE.sub(_ON_ONE_LINE, f"<i>{escape(text)}</i>")[3:-4])


def _marked(html: str, screen_only: int) -> str:
    """Mark the last rows of a table as those that paper does without."""
    first, *last = html.rsplit("<tr>", screen_only)
    return '<tr class="screen-only">'.join((first, *last))


def _labelled(html: str, columns: Sequence[str]) -> str:
    """Give every cell its heading, which a phone writes above it."""
    headings = cycle(columns)
    return _CELL.sub(lambda cell: f'<{cell[1]} data-label="{escape(next(headings))}" ', html)


def _in_box(html: str, table_id: str, caption: str, *, is_cards: bool) -> Markup:
    found = _TABLE.search(html)
    if found is None:
        raise ValueError(f"Great Tables made no table of {table_id}")
    body = _DATE.sub(_ON_ONE_LINE, found[1])
    return Markup(
        '<div class="table-box" tabindex="0" role="group" aria-labelledby="{id}-caption">'
        '<table class="gt_table{cards}" id="{id}"><caption id="{id}-caption"><span>{caption}</span></caption>'
        "{body}</table></div>"
    ).format(id=table_id, caption=caption, body=Markup(body), cards=" cards" if is_cards else "")
