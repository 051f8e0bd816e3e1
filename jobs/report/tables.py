"""Tables of the report: Great Tables makes them, the page's stylesheet colours them, light and dark."""

from __future__ import annotations

import re

import pandas as pd
from markupsafe import Markup, escape

from jobs.report.chart import ChartTable
from jobs.report.words import STATUSES

# Of what Great Tables writes only the table is kept: its style sheet knows one set of colours, and no dark one.
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
    # Objects, not Arrow's text: Great Tables sets cell after cell.
    frame = pd.DataFrame([[str(escape(cell)) for cell in row] for row in table.rows], columns=names, dtype=object)
    made = GT(_grouped(frame, table), rowname_col="c0", groupname_col="group" if table.groups else None, id=table_id)
    made = made.cols_label(dict(zip(names[1:], table.columns[1:], strict=True))).tab_stubhead(table.columns[0])
    right = [name for name, heading in zip(names, table.columns, strict=True) if heading in table.numbers]
    if right:
        made = made.cols_align("right", columns=right)
    html = made.fmt_passthrough(columns=names, escape=False).as_raw_html()
    return _in_box(html, table_id, caption)


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


def _grouped(frame: pd.DataFrame, table: ChartTable) -> pd.DataFrame:
    return frame.assign(group=pd.Series(list(table.groups), dtype=object)) if table.groups else frame


def _in_box(html: str, table_id: str, caption: str) -> Markup:
    found = _TABLE.search(html)
    if found is None:
        raise ValueError(f"Great Tables made no table of {table_id}")
    return Markup(
        '<div class="table-box" tabindex="0" role="group" aria-labelledby="{id}-caption">'
        '<table class="gt_table" id="{id}"><caption id="{id}-caption">{caption}</caption>{body}</table></div>'
    ).format(id=table_id, caption=caption, body=Markup(found[1]))
