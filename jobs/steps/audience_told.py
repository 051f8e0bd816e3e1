"""What `audience` prints: what became of the rows of dumps, and how many editors there are."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pandas as pd
from rich.console import Console

from jobs.console import as_table, counted
from jobs.dumps.rows import KEPT, QUARANTINED
from jobs.estimation.audience import PROJECTED_DAYS, is_few
from jobs.windows import DAY, in_words

CELLS = ("wiki", "band", "days", "editors", "new to it", "left it", "in 8 weeks")
CELL = ["as_of_date", "wiki_db", "band", "definition", "snapshot"]  # of several windows
MOST_ROWS = 60  # of a terminal; a snapshot has hundreds of wikis


def tell_read(console: Console, files: pd.DataFrame, snapshot: str, first: date, last: date) -> None:
    """Print what became of the rows of all files, the kept ones first, and where those are that cannot be read.

    Args:
        console: where.
        files: the columns of FILES.
        snapshot: of the dumps.
        first, last: days whose revisions are kept.
    """
    sums: Counter[tuple[str, str]] = Counter()
    for fate, reason, n_rows in zip(files["fate"], files["reason"].fillna(""), files["n_rows"], strict=True):
        sums[fate, reason] += n_rows
    ordered = sorted(sums.items(), key=lambda item: (item[0][0] != KEPT, -item[1]))
    rows = [(*key, f"{n_rows:,}") for key, n_rows in ordered]
    n_files, n_wikis = (files[column].nunique() for column in ("file", "wiki_db"))
    of = f"{counted(n_files, 'file')} of {counted(n_wikis, 'wiki')}, snapshot {snapshot}"
    title = f"{counted(sums.total(), 'row')} read in {of}; kept are {in_words(first, last + DAY)}"
    console.print(as_table(["fate", "reason", "rows"], rows, title))
    refused = files[files["fate"] == QUARANTINED]
    for row in refused.head(MOST_ROWS).to_dict("records"):
        n_rows = counted(int(row["n_rows"]), "row")
        told = f"{row['file']}: {n_rows} not counted, {row['reason']}; the first is line {row['first_line']}"
        console.print(told, highlight=False, soft_wrap=True)
    if len(refused) > MOST_ROWS:
        console.print(f"… and so in {counted(refused['file'].nunique(), 'file')} in all.", highlight=False)


def with_counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark rows of `audience` beside which eight weeks were counted, in the same snapshot: `was_counted`.

    Args:
        rows: all that there are, also of earlier commands.
    """
    is_whole = rows["window_days"].eq(PROJECTED_DAYS)
    return rows.assign(was_counted=is_whole.groupby([rows[name] for name in CELL]).transform("any"))


def tell_cells(console: Console, rows: pd.DataFrame, min_users: int) -> None:
    """Print the counts, and by which definition if it is not the contract's.

    Args:
        console: where.
        rows: of the table `audience`, with `was_counted` (`with_counted`).
        min_users: counts of fewer, but at least one, are not shown.
    """
    shown = rows.sort_values(["as_of_date", "wiki_db", "band", "window_days"]).to_dict("records")
    for day in sorted({row["as_of_date"] for row in shown[:MOST_ROWS]}):
        of_day = [_cells(row, min_users) for row in shown[:MOST_ROWS] if row["as_of_date"] == day]
        console.print(as_table(CELLS, of_day, f"Eligible editors, who could be invited, as of {day}"))
    if len(shown) > MOST_ROWS:
        console.print(f"… and {len(shown) - MOST_ROWS:,} more cells: fct_audience has them all.", highlight=False)
    definitions = sorted({row["definition"] for row in shown} - {""})
    if definitions:
        console.print(
            f"Not by the contract's definition: {'; '.join(definitions)}. So these are rows of fct_audience only: no "
            "values of eligible_editors, nor of milestones and plans, and no alternatives were counted.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


def _cells(row: dict[Any, Any], min_users: int) -> tuple[Any, ...]:
    is_hidden = is_few(row["n_editors"], min_users)
    counts = [_count(row["n_editors"], min_users)]
    counts += [None if is_hidden else _count(row[name], min_users) for name in ("n_new_to_band", "n_left_band")]
    ends = [row[name] for name in ("projected", "projected_lower", "projected_upper")]
    is_projected = not (is_hidden or row["was_counted"] or pd.isna(ends[0]))
    in_8_weeks = "{:,.0f} ({:,.0f} to {:,.0f})".format(*ends) if is_projected else None
    if row["window_days"] == PROJECTED_DAYS:  # counted, and not projected
        in_8_weeks = counts[0]
    return (row["wiki_db"], row["band"], row["window_days"], *counts, in_8_weeks)


def _count(n: Any, min_users: int) -> str | None:
    if pd.isna(n):
        return None
    return f"<{min_users}" if is_few(n, min_users) else f"{n:,}"
