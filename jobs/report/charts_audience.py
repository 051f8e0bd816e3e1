"""Eligible editors of one wiki and band, day by day: a line for each window, and what eight weeks may bring."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from jobs import words
from jobs.estimation.audience import PROJECTED_DAYS
from jobs.report import charts
from jobs.report.cells_audience import BEFORE, CHANGE
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_sentences import Cell, day, sentences

UNIT = "users"
HEIGHT = 160  # pixels
MOST_TICKS = 6
HIDDEN = f"{words.STATUSES['suppressed'].symbol} {words.STATUSES['suppressed'].word}"
NOT_PROJECTED = "–"
DASHES = ([1, 0], [8, 3], [4, 3], [1, 3], [8, 3, 1, 3])  # of windows, the longest first; more begin again
A_MONTH = 31  # days: a line ends where no count follows within them
COLUMNS = ("Window", "Editors", "Change from the month before", "New", "Left", "Within 8 weeks", "Snapshot")
TOLD = (("window", "Window"), ("value", "Could be invited"), ("change", "Change"), ("snapshot", "Snapshot"))


def course_chart(rows: Sequence[Cell], chart_id: str, wiki: str) -> Chart | None:
    """Return the chart of one wiki and band; None where all rows are as of one day, so that there is no series.

    Args:
        rows: of `Leaving.audience`, the oldest first.
        chart_id: of its place in the page.
        wiki: whose they are.
    """
    if len({row["as_of_date"] for row in rows}) < 2:
        return None
    lengths = sorted({row["window_days"] for row in rows}, reverse=True)
    newest_first = sorted(rows, key=lambda row: (row["as_of_date"], row["window_days"]), reverse=True)
    last = [row for row in newest_first if row["as_of_date"] == newest_first[0]["as_of_date"]]
    return Chart(
        id=chart_id,
        title=f"{wiki}, {band_text(rows[0]['band'])} edits: who could be invited, over time",
        sentence=_sentence(last, lengths),
        spec=_drawing(rows, last, lengths),
        table=ChartTable(COLUMNS, tuple(_row(row) for row in newest_first), numbers=COLUMNS[1:6]),
        summary="Day by day",
    )


def band_text(band: str) -> str:
    """Write a band: `100 to 500`."""
    return band.replace("-", " to ")


def count_text(count: float | None) -> str:
    """Write a count, or that it is hidden."""
    return HIDDEN if words.is_null(count) else words.number(float(count or 0), UNIT)


def projection_text(row: Cell) -> str:
    """Write what is expected in eight weeks, with its range, or was counted in them; a dash where it is not known."""
    if is_eight_weeks(row):
        return f"{count_text(row['n_editors'])}, counted"
    if words.is_null(row["projected"]):
        return NOT_PROJECTED
    return words.interval(row["projected"], row["projected_lower"], row["projected_upper"], UNIT)


def is_eight_weeks(row: Cell) -> bool:
    """Whether a row is a shown count of eight weeks, which a projection only expects."""
    return bool(row["window_days"] == PROJECTED_DAYS) and not words.is_null(row["n_editors"])


def _row(row: Cell) -> tuple[str, ...]:
    return (
        _window(row), count_text(row["n_editors"]), _change(row) or NOT_PROJECTED, count_text(row["n_new_to_band"]),
        count_text(row["n_left_band"]), projection_text(row), f"{row['snapshot']}{_against(row)}",
    )  # fmt: skip


def _window(row: Cell) -> str:
    return f"{row['window_days']} days to {day(row['as_of_date'])}"


def _change(row: Cell) -> str:
    return "" if words.is_null(row[CHANGE]) else words.signed(row[CHANGE], UNIT)


def _against(row: Cell) -> str:
    """Name the snapshot of the month before where a change is against another one."""
    is_other = bool(_change(row)) and not words.is_null(row[BEFORE]) and row[BEFORE] != row["snapshot"]
    return f" against {row[BEFORE]}" if is_other else ""


def _sentence(last: Sequence[Cell], lengths: Sequence[int]) -> str:
    """Say what the newest day has, how it moved, and what is expected."""
    told = []
    for row in last:
        moved = f" ({_change(row)} against the month before)" if _change(row) else ""
        told.append(f"In the {_window(row)}: {count_text(row['n_editors'])}{moved}.")
    newest = [row for row in last if projection_text(row) != NOT_PROJECTED]
    expected = f"Within 8 weeks: {projection_text(newest[0])}." if newest else ""
    lines = "A line for each window; the solid one is the longest." if len(lengths) > 1 else ""
    is_bar = any(not words.is_null(row["projected"]) for row in last)
    return sentences(*told, expected, lines, "The bar is what 8 weeks may bring." if is_bar else "")


def _drawing(rows: Sequence[Cell], last: Sequence[Cell], lengths: Sequence[int]) -> charts.Spec:
    records = _records(rows)
    shown = [row for row in records if row["n"] is not None]
    if not shown:
        return charts.nothing("no day has a number that may be shown")
    x, y = _days(rows), _editors("n")
    looks = alt.Scale(domain=list(lengths), range=[DASHES[n % len(DASHES)] for n in range(len(lengths))])
    dash = alt.StrokeDash("days", type="ordinal", legend=None, scale=looks)
    line = charts.layer("shown").encode(x=x, y=y)
    named = list({row["days"]: row for row in shown}.values())
    layers = [
        line.mark_line(strokeWidth=2, color=charts.COLOUR).encode(
            strokeDash=dash, detail=alt.Detail("segment", type="nominal")
        ),
        line.mark_point(filled=True, opacity=1, size=50, color=charts.COLOUR).encode(tooltip=charts.tooltip(*TOLD)),
        charts.layer("named").mark_text(align="right", dx=-4, dy=-9).encode(
            x=x, y=y, text=alt.Text("name", type="nominal")
        ),
    ]  # fmt: skip
    sets = {"shown": shown, "named": named}
    newest = day(last[0]["as_of_date"])
    if expected := [row for row in shown if row["lower"] is not None and row["end"] == newest]:
        bar = charts.layer("expected").mark_rule(strokeWidth=3, opacity=0.5, color=charts.COLOUR)
        told = charts.tooltip(("end", "As of"), ("projection", "Within 8 weeks"))
        layers.append(bar.encode(x=x, y=_editors("lower"), y2=alt.Y2("upper"), tooltip=told))
        sets["expected"] = expected
    return charts.spec(alt.layer(*layers), HEIGHT, **sets)


def _days(rows: Sequence[Cell]) -> alt.X:
    """The axis of as-of days: months where each day is a month's last, so that none is there twice."""
    ends = sorted({row["as_of_date"] for row in rows}, reverse=True)
    ticks = [day(end) for end in ends[:: -(-len(ends) // MOST_TICKS)]]
    pattern = "%Y-%m" if all(pd.Timestamp(end).is_month_end for end in ends) else "%Y-%m-%d"
    axis = alt.Axis(values=ticks, format=pattern, title=None, grid=False, labelOverlap="greedy", labelFlush=True)
    return alt.X("end", type="temporal", scale=alt.Scale(type="utc", padding=14), axis=axis)


def _editors(field: str) -> alt.Y:
    """The axis of editors, from none on, with what is counted above it."""
    values = alt.Axis(
        format=charts.value_format(UNIT), tickCount=4, labelOverlap="greedy", labelSeparation=8, title="editors",
        titleAngle=0, titleAlign="left", titleAnchor="end", titleX=-30, titleY=-10,
    )  # fmt: skip
    return alt.Y(field, type="quantitative", axis=values, scale=alt.Scale(zero=True))


def _records(rows: Sequence[Cell]) -> list[charts.Record]:
    """One record a day and window; a line stays within a segment, which a hidden day or a month without one ends."""
    records: list[charts.Record] = []
    before: dict[int, Cell] = {}
    segments: dict[int, int] = {}
    for row in sorted(rows, key=lambda row: row["as_of_date"]):
        length = row["window_days"]
        last = before.get(length)
        segments[length] = segments.get(length, 0) + (last is not None and not _goes_on(last, row))
        before[length] = row
        number = {"lower": None, "upper": None, "n": None}
        if not words.is_null(row["n_editors"]):
            number["n"] = row["n_editors"]
        if not words.is_null(row["projected"]):
            number |= {"lower": row["projected_lower"], "upper": row["projected_upper"]}
        records.append({
            "end": day(row["as_of_date"]), "window": _window(row), "days": length, "name": f"{length} days", **number,
            "value": count_text(row["n_editors"]), "change": _change(row) or "not known", "snapshot": row["snapshot"],
            "projection": projection_text(row), "segment": f"{length}.{segments[length]}",
        })  # fmt: skip
    return records


def _goes_on(last: Cell, row: Cell) -> bool:
    """Whether a line may lead from one day to another."""
    is_next = (row["as_of_date"] - last["as_of_date"]).days <= A_MONTH
    is_shown = not words.is_null(last["n_editors"]) and not words.is_null(row["n_editors"])
    return is_next and is_shown
