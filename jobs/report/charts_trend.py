"""The trend of one metric by week: estimate, both intervals, bounds, what was refused, and what divides the series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import altair as alt
import pandas as pd

from jobs.metric import Metric
from jobs.report import charts, words
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_breaks import Break, within
from jobs.report.charts_cells import WEEK, Pair
from jobs.report.charts_sentences import (
    Cell,
    cell_text,
    change_sentence,
    clause,
    counted,
    day,
    estimate,
    has_estimate,
    limits,
    sentences,
)

HEIGHT = 220
MOST_TICKS = 6
BELOW = 8  # pixels above the axis, where refused weeks stand
TOLD = (("window", "Window"), ("value", "What happened"), ("again", "In general"))
GROUND = {"expr": f"height - {BELOW}"}


def trend(
    metric: Metric, weeks: Sequence[Pair], days: Sequence[Pair], changes: pd.DataFrame, breaks: Sequence[Break]
) -> Chart:
    """Return the chart of one metric of one wiki.

    Args:
        metric: which one.
        weeks: its windows, the oldest first; none where the wiki has no row.
        days: its single days, where they leave the house.
        changes: the wiki's rows of `Leaving.changes`.
        breaks: what divides the series.
    """
    inside = within(breaks, weeks)
    own = changes[changes["metric"] == metric.metric]
    by_start = {day(row["window_start"]): row for row in own.to_dict("records")}
    return Chart(
        id=f"trend-{metric.metric.replace('_', '-')}",
        title=metric.name,
        sentence=sentence(metric, weeks, by_start, inside),
        spec=charts.spec(_drawn(metric, weeks, days, inside), HEIGHT),
        table=_table(metric, weeks, days, inside),
    )


def sentence(metric: Metric, weeks: Sequence[Pair], changes: Mapping[Any, Any], breaks: Sequence[Break]) -> str:
    """Say what the newest week was, how it moved, how many weeks have a number, and what divides the series."""
    if not weeks:
        return f"{metric.name}: nothing to show. No whole week of it has closed while the wiki was visible."
    last = weeks[-1]
    is_weekly = metric_days(metric) == WEEK  # longer windows from Monday to Monday overlap: no change is told
    moved = change_sentence(changes, last.realised, _week_before(weeks), metric.unit) if is_weekly else ""
    return sentences(
        f"{metric.name} in the {_window(metric)} to {last.end}: {cell_text(last.realised, metric.unit)}.",
        _again(last, metric.unit),
        moved,
        _remedy(last),
        _newest_estimate(weeks, metric),
        counted([week.realised for week in weeks], "weeks" if is_weekly else "windows"),
        _lines(breaks),
    )


def metric_days(metric: Metric) -> int:
    """The length in days of the windows whose trend is shown: weeks if the metric has them, else its shortest."""
    rolling = [days for days in metric.days_of("rolling") if days >= WEEK]
    return WEEK if WEEK in rolling else min(rolling)


def _window(metric: Metric) -> str:
    return "week" if metric_days(metric) == WEEK else f"{metric_days(metric)} days"


def _week_before(weeks: Sequence[Pair]) -> Cell | None:
    """What happened in the week that ends where the newest begins; None where the series has a hole there."""
    last = weeks[-1].realised["window_start"]
    before = [week.realised for week in weeks if last - week.realised["window_start"] == timedelta(days=WEEK)]
    return before[0] if before else None


def _again(week: Pair, unit: str) -> str:
    """How well it is known what such users would do again, where that is another question."""
    if week.process is None or not has_estimate(week.realised):
        return ""
    return f"In general: {cell_text(week.process, unit)}."


def _remedy(week: Pair) -> str:
    remedy = clause(week.realised["remedy"])
    return f"What would change that: {remedy}." if remedy else ""


def _newest_estimate(weeks: Sequence[Pair], metric: Metric) -> str:
    if has_estimate(weeks[-1].realised):
        return ""
    earlier = [week for week in weeks if has_estimate(week.realised)]
    if not earlier:
        return ""
    return f"The newest estimate, to {earlier[-1].end}: {cell_text(earlier[-1].realised, metric.unit)}."


def _lines(breaks: Sequence[Break]) -> str:
    if not breaks:
        return ""
    told = "; ".join(f"({n}) {item.day}, {item.text}" for n, item in enumerate(breaks, start=1))
    return f"Dashed lines: {told}."


def _table(metric: Metric, weeks: Sequence[Pair], days: Sequence[Pair], breaks: Sequence[Break]) -> ChartTable:
    """All that is drawn, the newest first; a column that would be empty is left out."""
    rows = [_row(metric, week, f"{_window(metric)} to {week.end}", breaks) for week in reversed(weeks)]
    rows += [_row(metric, one, f"day {one.end}", breaks) for one in reversed(days)]
    columns = ("Window", "What happened", "In general", "What would change that", "What is new")
    kept = [n for n in range(len(columns)) if n < 2 or any(row[n] for row in rows)]
    return ChartTable(tuple(columns[n] for n in kept), tuple(tuple(row[n] for n in kept) for row in rows))


def _row(metric: Metric, pair: Pair, label: str, breaks: Sequence[Break]) -> tuple[str, ...]:
    again = cell_text(pair.process, metric.unit) if pair.process is not None else ""
    new = "; ".join(f"{item.day}: {item.text}" for item in breaks if pair.start <= item.day <= pair.end)
    remedies = dict.fromkeys(clause(cell["remedy"]) for cell in (pair.realised, pair.process) if cell is not None)
    return label, cell_text(pair.realised, metric.unit), again, "; ".join(filter(None, remedies)), new


def _drawn(metric: Metric, weeks: Sequence[Pair], days: Sequence[Pair], breaks: Sequence[Break]) -> charts.Drawn:
    if not weeks:
        return charts.nothing("no week to show")
    x, axis = _time_axis(weeks), charts.value_axis(metric.unit)
    records = _records(metric, weeks, breaks)
    shown = [record for record in records if record["estimate"] is not None]
    layers = [
        *_bands(records, shown, x, axis),
        *_day_dots(metric, days, x, axis),
        *_estimates(shown, x, axis),
        *_refused([row for row in records if row["lower"] is None and row["estimate"] is None], x),
        *_break_lines(breaks, x),
    ]
    return alt.layer(*layers)


def _bands(
    records: Sequence[charts.Record], shown: Sequence[charts.Record], x: alt.X, axis: alt.Axis
) -> list[alt.Chart]:
    """Both intervals, and bounds without an estimate as bars; a lone week has no area, so each has a stroke as well."""
    again = [record for record in records if record["again_lower"] is not None]
    bounded = [record for record in records if record["estimate"] is None and record["lower"] is not None]
    layers = []
    for rows, lower, upper, opacity, width in (
        (again, "again_lower", "again_upper", 0.18, 1.5),
        ([row for row in shown if row["lower"] is not None], "lower", "upper", 0.3, 4),
    ):
        if rows:
            span = _span(rows, x, axis, lower, upper)
            layers += [
                span.mark_area(opacity=opacity, color=charts.COLOUR),
                span.mark_rule(opacity=2 * opacity, color=charts.COLOUR, strokeWidth=width),
            ]
    if bounded:
        bars = _span(bounded, x, axis, "lower", "upper").mark_rule(strokeWidth=12, opacity=0.6)
        layers.append(bars.encode(color=charts.status_colour(), tooltip=charts.tooltip(*TOLD)))
    return layers


def _estimates(shown: Sequence[charts.Record], x: alt.X, axis: alt.Axis) -> list[alt.Chart]:
    if not shown:
        return []
    y = alt.Y("estimate", type="quantitative", axis=axis)
    base = alt.Chart(charts.inline(shown)).encode(x=x, y=y)
    shape = alt.Shape("status", type="nominal", scale=charts.POINT_SHAPES, legend=None)
    points = base.mark_point(filled=True, opacity=1, size=60)
    return [
        base.mark_line(strokeWidth=2, color=charts.COLOUR).encode(detail=_detail()),
        points.encode(shape=shape, color=charts.status_colour(), tooltip=charts.tooltip(*TOLD)),
    ]


def _refused(refused: Sequence[charts.Record], x: alt.X) -> list[alt.Chart]:
    """Weeks without any number: the symbol of their status, above the axis."""
    if not refused:
        return []
    marks = alt.Chart(charts.inline(refused)).mark_text(fontSize=15, fontWeight="bold")
    text = alt.Text("symbol", type="nominal")
    return [
        marks.encode(x=x, y=alt.value(GROUND), text=text, color=charts.status_colour(), tooltip=charts.tooltip(*TOLD))
    ]


def _records(metric: Metric, weeks: Sequence[Pair], breaks: Sequence[Break]) -> list[charts.Record]:
    """One record a week; a line is drawn within a segment only, which a break or a refused week ends."""
    records, refused = [], 0
    for week in weeks:
        cell, again = week.realised, week.process
        middle, (lower, upper), (again_lower, again_upper) = estimate(cell), limits(cell), limits(again)
        refused += middle is None
        divided = sum(item.day <= week.end for item in breaks)
        records.append(
            {
                "end": week.end,
                "window": f"{_window(metric)} to {week.end}",
                "estimate": middle,
                "lower": lower,
                "upper": upper,
                "again_lower": again_lower,
                "again_upper": again_upper,
                "status": cell["status"],
                "symbol": words.STATUSES[cell["status"]].symbol,
                "value": cell_text(cell, metric.unit),
                "again": "the same" if again is None else cell_text(again, metric.unit),
                "segment": f"{divided}.{refused}",
            }
        )
    return records


def _time_axis(weeks: Sequence[Pair]) -> alt.X:
    """Last days of windows; UTC, since a date is no instant that a browser may move to another day."""
    step = -(-len(weeks) // MOST_TICKS) or 1
    ticks = [week.end for week in reversed(weeks)][::step]
    axis = alt.Axis(values=ticks, format="%Y-%m-%d", title=None, grid=False, labelOverlap="greedy", labelFlush=True)
    return alt.X("end", type="temporal", scale=alt.Scale(type="utc", padding=14), axis=axis)


def _span(records: Sequence[charts.Record], x: alt.X, axis: alt.Axis, lower: str, upper: str) -> alt.Chart:
    y = alt.Y(lower, type="quantitative", axis=axis)
    return alt.Chart(charts.inline(records)).encode(x=x, y=y, y2=alt.Y2(upper), detail=_detail())


def _detail() -> alt.Detail:
    return alt.Detail("segment", type="nominal")


def _day_dots(metric: Metric, days: Sequence[Pair], x: alt.X, axis: alt.Axis) -> list[alt.Chart]:
    records = [
        {"end": one.end, "estimate": one.realised["estimate"], "value": cell_text(one.realised, metric.unit)}
        for one in days
        if has_estimate(one.realised)
    ]
    if not records:
        return []
    y = alt.Y("estimate", type="quantitative", axis=axis)
    dots = alt.Chart(charts.inline(records)).mark_circle(size=14, opacity=0.45, color=charts.COLOUR)
    return [dots.encode(x=x, y=y, tooltip=charts.tooltip(("end", "Day"), ("value", metric.name)))]


def _break_lines(breaks: Sequence[Break], x: alt.X) -> list[alt.Chart]:
    if not breaks:
        return []
    records = [{"end": item.day, "n": f"({n})", "text": item.text} for n, item in enumerate(breaks, start=1)]
    base = alt.Chart(charts.inline(records)).encode(x=x, tooltip=charts.tooltip(("end", "From"), ("text", "New")))
    return [
        base.mark_rule(strokeDash=[4, 3], strokeWidth=1.5, opacity=0.8),
        base.mark_text(align="left", dx=3, dy=6).encode(y=alt.value(0), text=alt.Text("n", type="nominal")),
    ]
