"""The trend of one metric by week: estimate, both intervals, bounds, what was refused, and what divides the series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from jobs.metric import Metric
from jobs.report.cells_windows import WEEK
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_breaks import Break, within
from jobs.report.charts_cells import Pair, remedies
from jobs.report.charts_sentences import (
    Cell,
    cell_text,
    change_sentence,
    clause,
    counted,
    day,
    has_estimate,
    sentences,
)
from jobs.report.charts_trend_drawing import drawing


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
        spec=drawing(metric, _window(metric), weeks, days, inside),
        table=_table(metric, weeks, days, inside),
    )


def sentence(metric: Metric, weeks: Sequence[Pair], changes: Mapping[Any, Any], breaks: Sequence[Break]) -> str:
    """Say what the newest week was, how it moved, how many weeks have a number, and what divides the series."""
    if not weeks:
        return f"{metric.name}: nothing to show, since there is no row of a window that has closed."
    last = weeks[-1]
    is_weekly = metric_days(metric) == WEEK  # longer windows from Monday to Monday overlap: no change is told
    moved = _change(changes, last, _week_before(weeks), metric) if is_weekly else ""
    return sentences(
        f"{metric.name} in the {_window(metric)} to {last.end}: {cell_text(last.realised, metric.unit)}.",
        _again(last, metric.unit),
        moved,
        _remedy(last),
        _newest_estimate(weeks, metric),
        counted([week.realised for week in weeks], "weeks" if is_weekly else "windows"),
        _lines(breaks),
    )


def _change(changes: Mapping[Any, Any], last: Pair, before: Cell | None, metric: Metric) -> str:
    return change_sentence(changes, last.realised, before, metric.unit, of_process=last.process is not None)


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
    """All that is drawn, the newest first, and what days are not; a column that would be empty is left out."""
    rows = [_row(metric, week, f"{_window(metric)} to {week.end}", breaks) for week in reversed(weeks)]
    drawn = [one for one in days if has_estimate(one.realised)]
    rows += [_row(metric, one, f"day {one.end}", breaks) for one in reversed(drawn)]
    if len(drawn) < len(days):
        told = counted([one.realised for one in days], "days") or cell_text(days[0].realised, metric.unit)
        rows.append(("days that are not drawn", told, "", "", ""))
    columns = ("Window", "What happened", "In general", "What would change that", "What is new")
    kept = [n for n in range(len(columns)) if n < 2 or any(row[n] for row in rows)]
    shown = tuple(tuple(row[n] for n in kept) for row in rows)
    return ChartTable(tuple(columns[n] for n in kept), shown, screen_only=len(rows) - len(weeks))


def _row(metric: Metric, pair: Pair, label: str, breaks: Sequence[Break]) -> tuple[str, ...]:
    again = cell_text(pair.process, metric.unit) if pair.process is not None else ""
    new = "; ".join(f"{item.day}: {item.text}" for item in breaks if pair.start <= item.day <= pair.end)
    return label, cell_text(pair.realised, metric.unit), again, remedies(pair), new
