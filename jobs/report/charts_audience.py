"""Eligible editors of one wiki and band, month by month: a line for each window, and what eight weeks may bring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import altair as alt

from jobs import words
from jobs.report import charts
from jobs.report.cells_audience import CHANGE, EIGHT_WEEKS
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_sentences import Cell, day, sentences

UNIT = "users"
HEIGHT = 160  # pixels
MOST_TICKS = 6
HIDDEN = f"{words.STATUSES['suppressed'].symbol} {words.STATUSES['suppressed'].word}"
NOT_PROJECTED = "–"
SOLID, DASHED = [1, 0], [5, 3]  # the line of the longest window, and those of shorter ones
COLUMNS = ("Window", "Editors", "Change from the month before", "New", "Left", "Within 8 weeks", "Snapshot")
TOLD = (("window", "Window"), ("value", "Could be invited"), ("change", "Change"), ("snapshot", "Snapshot"))


def months_chart(rows: Sequence[Cell], chart_id: str, wiki: str) -> Chart | None:
    """Return the chart of one wiki and band; None where no month is there twice, so that there is no series.

    Args:
        rows: of `Leaving.audience`, the oldest first.
        chart_id: of its place in the page.
        wiki: whose they are.
    """
    months = [row for row in rows if not words.is_null(row["month"])]
    if len({row["month"] for row in months}) < 2:
        return None
    lengths = sorted({row["window_days"] for row in months}, reverse=True)
    newest_first = sorted(months, key=lambda row: (row["month"], row["window_days"]), reverse=True)
    return Chart(
        id=chart_id,
        title=f"{wiki}, {band_text(months[0]['band'])} edits: who could be invited, by month",
        sentence=_sentence(months, lengths),
        spec=_drawing(months, lengths),
        table=ChartTable(COLUMNS, tuple(_row(row) for row in newest_first), numbers=COLUMNS[1:6]),
        summary="Month by month",
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
    return bool(row["window_days"] == EIGHT_WEEKS) and not words.is_null(row["n_editors"])


def _row(row: Cell) -> tuple[str, ...]:
    return (
        _window(row), count_text(row["n_editors"]), _change(row) or NOT_PROJECTED, count_text(row["n_new_to_band"]),
        count_text(row["n_left_band"]), projection_text(row), row["snapshot"],
    )  # fmt: skip


def _window(row: Cell) -> str:
    return f"{row['window_days']} days to {day(row['as_of_date'])}"


def _change(row: Cell) -> str:
    return "" if words.is_null(row[CHANGE]) else words.signed(row[CHANGE], UNIT)


def _sentence(months: Sequence[Cell], lengths: Sequence[int]) -> str:
    """Say what the newest month is, how it moved, and what is expected."""
    last = max(row["month"] for row in months)
    told = []
    for length in lengths:
        for row in months:
            if row["month"] == last and row["window_days"] == length:
                moved = _change(row)
                against = f" ({moved} against the month before)" if moved else ""
                told.append(f"In the {_window(row)}: {count_text(row['n_editors'])}{against}.")
    newest = [row for row in months if row["month"] == last and projection_text(row) != NOT_PROJECTED]
    expected = f"Within 8 weeks: {projection_text(newest[-1])}." if newest else ""
    return sentences(
        *told,
        expected,
        "The solid line is the longest window, a dashed one a shorter; the bar is what 8 weeks may bring.",
    )


def _drawing(months: Sequence[Cell], lengths: Sequence[int]) -> charts.Spec:
    records = _records(months)
    shown = [row for row in records if row["n"] is not None]
    expected = [row for row in shown if row["lower"] is not None]
    if not shown:
        return charts.nothing("no month has a number that may be shown")
    ends = list(dict.fromkeys(row["end"] for row in reversed(records)))
    ticks = ends[:: -(-len(ends) // MOST_TICKS)]
    axis = alt.Axis(values=ticks, format="%Y-%m", title=None, grid=False, labelOverlap="greedy", labelFlush=True)
    x = alt.X("end", type="temporal", scale=alt.Scale(type="utc", padding=14), axis=axis)
    values, none = charts.value_axis(UNIT), alt.Scale(zero=True)
    looks = alt.Scale(domain=list(lengths), range=[SOLID, *[DASHED] * (len(lengths) - 1)])
    dash = alt.StrokeDash("days", type="ordinal", legend=None, scale=looks)
    line = charts.layer("shown").encode(x=x, y=alt.Y("n", type="quantitative", axis=values, scale=none))
    layers = [
        line.mark_line(strokeWidth=2, color=charts.COLOUR).encode(
            strokeDash=dash, detail=alt.Detail("segment", type="nominal")
        ),
        line.mark_point(filled=True, opacity=1, size=50, color=charts.COLOUR).encode(tooltip=charts.tooltip(*TOLD)),
    ]
    sets = {"shown": shown}
    if expected:
        bar = charts.layer("expected").mark_rule(strokeWidth=3, opacity=0.5, color=charts.COLOUR)
        y = alt.Y("lower", type="quantitative", axis=values, scale=none)
        told = charts.tooltip(("end", "As of"), ("projection", "Within 8 weeks"))
        layers.append(bar.encode(x=x, y=y, y2=alt.Y2("upper"), tooltip=told))
        sets["expected"] = expected
    return charts.spec(alt.layer(*layers), HEIGHT, **sets)


def _records(months: Sequence[Cell]) -> list[charts.Record]:
    """One record a month and window; a line stays within a segment, which a hidden or a left out month ends."""
    records: list[charts.Record] = []
    before: dict[int, Cell] = {}
    segments: dict[int, int] = {}
    for row in sorted(months, key=lambda row: row["as_of_date"]):
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
            "end": day(row["as_of_date"]), "window": _window(row), "days": length, **number,
            "value": count_text(row["n_editors"]), "change": _change(row) or "not known", "snapshot": row["snapshot"],
            "projection": projection_text(row), "segment": f"{length}.{segments[length]}",
        })  # fmt: skip
    return records


def _goes_on(last: Cell, row: Cell) -> bool:
    """Whether a line may lead from one month to another."""
    is_next = (last["month"] + timedelta(days=31)).strftime("%Y-%m") == row["month"].strftime("%Y-%m")
    is_shown = not words.is_null(last["n_editors"]) and not words.is_null(row["n_editors"])
    return is_next and is_shown
