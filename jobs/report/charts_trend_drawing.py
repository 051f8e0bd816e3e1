"""The drawing of a trend: bands of both intervals, bars of bounds, points, single days, symbols of what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import altair as alt

from jobs import words
from jobs.metric import Metric
from jobs.report import charts
from jobs.report.cells_windows import WEEK
from jobs.report.charts_breaks import Break
from jobs.report.charts_cells import Pair
from jobs.report.charts_sentences import cell_text, estimate, has_estimate, limits

HEIGHT, LOW = 220, 50  # pixels; low where no week has a number
MOST_TICKS = 6
PHONE = 260  # pixels of a drawing on a phone, half of which bars may take
GROUND = {"expr": "height - 8"}  # just above the axis, where weeks without a number stand
TOLD = (("window", "Window"), ("value", "What happened"), ("again", "In general"))
BREAK_TOLD = (("end", "From"), ("text", "What is new"))
Sets = Mapping[str, list[charts.Record]]


def drawing(
    metric: Metric, window: str, weeks: Sequence[Pair], days: Sequence[Pair], breaks: Sequence[Break]
) -> charts.Spec:
    """Return the drawing of one metric of one wiki.

    Args:
        metric: which one.
        window: what each of its windows is, `week` or `28 days`.
        weeks: these windows, the oldest first.
        days: its single days, where they leave the house.
        breaks: what divides the series within these windows.
    """
    if not weeks:
        return charts.nothing("no week to show")
    sets = {name: rows for name, rows in _sets(metric, weeks, days, breaks).items() if rows}
    x, axis = _time_axis(weeks, f"{window} to"), charts.value_axis(metric.unit)
    drawn = {
        "general": _band("general", ("again_lower", "again_upper"), (0.25, 1.5), x, axis),
        "happened": _band("happened", ("lower", "upper"), (0.3, 4), x, axis),
        "bounds": _bars(len(weeks), x, axis),
        "days": _dots(metric, x, axis),
        "shown": _points(x, axis),
        "refused": _symbols(x),
        "breaks": _lines(x),
    }
    layers = [layer for name in drawn if name in sets for layer in drawn[name]]
    has_numbers = not {"general", "bounds", "days", "shown"}.isdisjoint(sets)
    return charts.spec(alt.layer(*layers), HEIGHT if has_numbers else LOW, **sets)


def _sets(metric: Metric, weeks: Sequence[Pair], days: Sequence[Pair], breaks: Sequence[Break]) -> Sets:
    """The records of each layer: a layer over none would have no scale."""
    records = _records(metric, weeks, breaks)
    return {
        "general": [row for row in records if row["again_lower"] is not None],
        "happened": [row for row in records if row["estimate"] is not None and row["lower"] is not None],
        "bounds": [row for row in records if row["estimate"] is None and row["lower"] is not None],
        "days": [
            {"end": one.end, "estimate": estimate(one.realised), "value": cell_text(one.realised, metric.unit)}
            for one in days
            if has_estimate(one.realised)
        ],
        "shown": [row for row in records if row["estimate"] is not None],
        "refused": [row for row in records if row["estimate"] is None and row["lower"] is None],
        "breaks": [{"end": item.day, "n": f"({n})", "text": item.text} for n, item in enumerate(breaks, start=1)],
    }


def _records(metric: Metric, weeks: Sequence[Pair], breaks: Sequence[Break]) -> list[charts.Record]:
    """One record a window; the line stays within a segment, which a break, a refusal or a missing Monday ends."""
    records, segment, before = [], 0, None
    for week in weeks:
        cell, again = week.realised, week.process
        middle, (lower, upper), (again_lower, again_upper) = estimate(cell), limits(cell), limits(again)
        has_hole = before is not None and cell["window_start"] - before > timedelta(days=WEEK)
        segment, before = segment + (middle is None or has_hole), cell["window_start"]
        records.append(
            {
                "end": week.end,
                "window": f"{week.start} to {week.end}",
                "estimate": middle,
                "lower": lower,
                "upper": upper,
                "again_lower": again_lower,
                "again_upper": again_upper,
                "status": cell["status"],
                "symbol": words.STATUSES[cell["status"]].symbol,
                "value": cell_text(cell, metric.unit),
                "again": "the same" if again is None else cell_text(again, metric.unit),
                "segment": f"{sum(item.day <= week.end for item in breaks)}.{segment}",
            }
        )
    return records


def _time_axis(weeks: Sequence[Pair], title: str) -> alt.X:
    """Last days of windows; UTC, since a date is no instant that a browser may move to another day."""
    step = -(-len(weeks) // MOST_TICKS)
    ticks = [week.end for week in reversed(weeks)][::step]
    axis = alt.Axis(values=ticks, format="%Y-%m-%d", title=title, grid=False, labelOverlap="greedy", labelFlush=True)
    return alt.X("end", type="temporal", scale=alt.Scale(type="utc", padding=14), axis=axis)


def _band(name: str, ends: tuple[str, str], look: tuple[float, float], x: alt.X, axis: alt.Axis) -> list[alt.Chart]:
    """An area, and a stroke a week, since the area of a lone week has no width."""
    (lower, upper), (opacity, width) = ends, look
    y = alt.Y(lower, type="quantitative", axis=axis)
    span = charts.layer(name).encode(x=x, y=y, y2=alt.Y2(upper), detail=_segment())
    return [
        span.mark_area(opacity=opacity, color=charts.COLOUR),
        span.mark_rule(opacity=2 * opacity, color=charts.COLOUR, strokeWidth=width),
    ]


def _bars(n_weeks: int, x: alt.X, axis: alt.Axis) -> list[alt.Chart]:
    """Bounds without an estimate."""
    y = alt.Y("lower", type="quantitative", axis=axis)
    width = min(12, max(2, PHONE / (2 * n_weeks)))
    bars = charts.layer("bounds").mark_rule(strokeWidth=width, opacity=0.6)
    told = charts.tooltip(*TOLD)
    return [bars.encode(x=x, y=y, y2=alt.Y2("upper"), color=charts.status_colour(), tooltip=told)]


def _dots(metric: Metric, x: alt.X, axis: alt.Axis) -> list[alt.Chart]:
    """Single days, faint."""
    y = alt.Y("estimate", type="quantitative", axis=axis)
    dots = charts.layer("days").mark_circle(size=14, opacity=0.45, color=charts.COLOUR)
    return [dots.encode(x=x, y=y, tooltip=charts.tooltip(("end", "Day"), ("value", metric.name)))]


def _points(x: alt.X, axis: alt.Axis) -> list[alt.Chart]:
    y = alt.Y("estimate", type="quantitative", axis=axis)
    base = charts.layer("shown").encode(x=x, y=y)
    shape = alt.Shape("status", type="nominal", scale=charts.POINT_SHAPES, legend=None)
    points = base.mark_point(filled=True, opacity=1, size=60)
    return [
        base.mark_line(strokeWidth=2, color=charts.COLOUR).encode(detail=_segment()),
        points.encode(shape=shape, color=charts.status_colour(), tooltip=charts.tooltip(*TOLD)),
    ]


def _symbols(x: alt.X) -> list[alt.Chart]:
    """Weeks without any number: the symbol of their status."""
    marks = charts.layer("refused").mark_text(fontSize=15, fontWeight="bold")
    text, told = alt.Text("symbol", type="nominal"), charts.tooltip(*TOLD)
    return [marks.encode(x=x, y=alt.value(GROUND), text=text, color=charts.status_colour(), tooltip=told)]


def _lines(x: alt.X) -> list[alt.Chart]:
    base = charts.layer("breaks").encode(x=x, tooltip=charts.tooltip(*BREAK_TOLD))
    return [
        base.mark_rule(strokeDash=[4, 3], strokeWidth=1.5, opacity=0.8),
        base.mark_text(align="left", dx=3, dy=6).encode(y=alt.value(0), text=alt.Text("n", type="nominal")),
    ]


def _segment() -> alt.Detail:
    return alt.Detail("segment", type="nominal")
