"""Return and retention as a heat map: a row a metric, a column a cohort that begins on a Monday, the share in each."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from jobs import words
from jobs.metric import Metric
from jobs.report import charts
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_cells import Pair, Windows, remedies
from jobs.report.charts_sentences import Cell, cell_text, counted, estimate, figures, limits, listed, sentences

MOST_COHORTS = 8  # columns that a phone has room for; the table has all
ROW = 46  # pixels: three lines of a label
SHADES = (0.05, 0.5)  # opacity of 0 % and of the largest share: text is read on both, light and dark
ID, TITLE = "cohorts", "Return and retention by cohort"


def heat_map(metrics: Sequence[Metric], cohorts: Windows) -> Chart:
    """Return the chart of shares by cohort.

    Args:
        metrics: those of cohorts, in the order of their rows.
        cohorts: of one wiki.
    """
    by_metric = [(metric, cohorts.series(metric)) for metric in metrics]
    starts = sorted({pair.start for _, pairs in by_metric for pair in pairs})
    return Chart(
        id=ID,
        title=TITLE,
        sentence=_sentence(by_metric, starts),
        spec=_spec(by_metric, starts[-MOST_COHORTS:]),
        table=_table(by_metric),
    )


def _sentence(by_metric: Sequence[tuple[Metric, Sequence[Pair]]], starts: Sequence[str]) -> str:
    if not starts:
        return "There is nothing to show, since there is no row of a cohort that began on a Monday and has closed."
    cells: list[Cell | None] = [pair.realised for _, pairs in by_metric for pair in pairs]
    left_out = len(starts) - MOST_COHORTS
    fewer = f"Drawn are the newest {MOST_COHORTS} cohorts of {len(starts)}; the table has all." if left_out > 0 else ""
    return sentences(*_newest(by_metric), counted(cells, "cells"), fewer, "Numbers in cells are percent.")


def _newest(by_metric: Sequence[tuple[Metric, Sequence[Pair]]]) -> list[str]:
    """Tell the newest cohorts that have numbers, and by status those that have none: the table says why."""
    told: list[str] = []
    others: dict[str, list[str]] = {}
    for metric, pairs in by_metric:
        cell = pairs[-1].realised if pairs else None
        if cell is not None and (numbers := figures(cell, metric.unit)):
            note = "" if cell["status"] == "publish" else f", {words.STATUSES[cell['status']].word}"
            told.append(f"{metric.name}, from {pairs[-1].start}: {numbers}{note}")
        else:
            word = "no row" if cell is None else words.STATUSES[cell["status"]].word
            others.setdefault(word, []).append(metric.name)
    first = [f"Newest cohorts: {'; '.join(told)}."] if told else []
    none = "; ".join(f"{listed(names)} ({word})" for word, names in others.items())
    return [*first, f"Without a number in the newest cohort: {none}."] if none else first


def _table(by_metric: Sequence[tuple[Metric, Sequence[Pair]]]) -> ChartTable:
    """All cohorts, also those that are not drawn, the newest first."""
    columns = ("Metric", "Cohort from", "Return until", "What happened", "In general", "What would change that")
    rows = [
        (
            metric.name,
            pair.start,
            pair.end,
            cell_text(pair.realised, metric.unit),
            cell_text(pair.process, metric.unit),
            remedies(pair) or "nothing is amiss, or nothing would",
        )
        for metric, pairs in by_metric
        for pair in reversed(pairs)
    ]
    return ChartTable(columns, tuple(rows))


def _spec(by_metric: Sequence[tuple[Metric, Sequence[Pair]]], starts: Sequence[str]) -> charts.Spec:
    if not starts:
        return charts.nothing("nothing to show")
    records = [record for metric, pairs in by_metric for record in _row(metric, pairs, starts)]
    labels = [charts.wrapped(metric.name) for metric, _ in by_metric]
    x = alt.X("start", type="nominal", sort=list(starts), scale=alt.Scale(padding=0.04),
              axis=alt.Axis(title="first day of the cohort", labelAngle=-45, ticks=False, domain=False))  # fmt: skip
    y = alt.Y("label", type="nominal", sort=labels, axis=charts.label_axis(), scale=alt.Scale(padding=0.06))
    base = charts.layer("cells").encode(x=x, y=y, tooltip=charts.tooltip(*_TOLD))
    largest = max([record["estimate"] for record in records if record["estimate"] is not None], default=1) or 1
    shade = alt.FillOpacity("estimate", type="quantitative", legend=None,
                            scale=alt.Scale(domain=[0, largest], range=list(SHADES)))  # fmt: skip
    shown, refused = "datum.estimate !== null", "datum.estimate === null"
    text = alt.Text("mark", type="nominal")
    layers = [
        base.transform_filter(shown).mark_rect(fill=charts.COLOUR).encode(fillOpacity=shade),
        base.transform_filter(refused).mark_rect(fillOpacity=0, strokeDash=[3, 3], stroke=NO_ESTIMATE),
        base.transform_filter(shown).mark_text(fontSize=12).encode(text=text),
        base.transform_filter(refused).mark_text(fontSize=11).encode(text=text, color=charts.status_colour()),
    ]
    return charts.spec(alt.layer(*layers), ROW * len(labels), cells=records)


NO_ESTIMATE = words.STATUSES["not_measured"].colour  # of the outline of a cell without an estimate
_TOLD = (("name", "Metric"), ("start", "Cohort from"), ("value", "What happened"), ("again", "In general"))


def _row(metric: Metric, pairs: Sequence[Pair], starts: Sequence[str]) -> list[charts.Record]:
    by_start = {pair.start: pair for pair in pairs}
    records = []
    for start in starts:
        pair = by_start.get(start)
        cell, again = (None, None) if pair is None else (pair.realised, pair.process)
        records.append(
            {
                "name": metric.name,
                "label": charts.wrapped(metric.name),
                "start": start,
                "estimate": estimate(cell),
                "status": "not_measured" if cell is None else cell["status"],
                "mark": _mark(cell, metric.unit),
                "value": cell_text(cell, metric.unit),
                "again": cell_text(again, metric.unit),
            }
        )
    return records


def _mark(cell: Cell | None, unit: str) -> str:
    """What a cell has room for: whole percent, both bounds, or the symbol of its status."""
    if cell is None:
        return "·"
    middle = estimate(cell)
    if middle is not None:
        weak = words.STATUSES["caution"].symbol if cell["status"] == "caution" else ""
        return f"{100 * middle:.0f}{weak}"
    told = figures(cell, unit)
    if not told:
        return words.STATUSES[cell["status"]].symbol
    lower, upper = limits(cell)
    return f"{100 * (lower or 0):.0f}–{100 * (upper or 0):.0f}"
