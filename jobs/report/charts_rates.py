"""Click-through rates of one window, by link and platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt

from jobs.metric import Metric
from jobs.report import charts
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_cells import Link, Pair, Windows
from jobs.report.charts_links import (
    NO_LINK,
    PLATFORM_NAMES,
    groups_of,
    height,
    label,
    ordered,
    rows,
    single,
    whole,
    window_text,
)
from jobs.report.charts_sentences import cell_text, counted, estimate, has_estimate, limits, mark_text, sentences

COLOURS = {"all platforms": charts.COLOUR, "desktop": "#C77C00", "mobile": "#AA5C8F"}
SHAPES = {"all platforms": "circle", "desktop": "square", "mobile": "triangle-up"}
TOLD = (("name", "Link"), ("slot", "Platform"), ("value", "What happened"), ("again", "In general"))
# What is drawn one above the other, and of which records: a layer over none would have no scale.
SETS: Mapping[str, Callable[[charts.Record], bool]] = {
    "general": lambda record: record["again_lower"] is not None,
    "happened": lambda record: record["lower"] is not None,
    "firm": lambda record: record["estimate"] is not None and not record["is_weak"],
    "weak": lambda record: record["estimate"] is not None and record["is_weak"],
    "none": lambda record: record["mark"] != "",
}
ENDS = {"general": ("again_lower", "again_upper", 1.5, 0.6), "happened": ("lower", "upper", 4, 0.5)}  # width, opacity


def click_through(metric: Metric, window: Windows, days: int) -> Chart:
    """Return the chart of one click-through rate by link and platform.

    Args:
        metric: of family links, no count.
        window: of one wiki; none where none has closed.
        days: length of the window.
    """
    found, groups, named = window.links(metric), groups_of(window), window_text(window, days)
    links = ordered(found, groups)
    return Chart(
        id=f"rate-{metric.metric.replace('_', '-')}",
        title=f"{metric.name}, {named}",
        sentence=_sentence(metric, found, links, groups, named),
        spec=_spec(metric, found, links),
        table=_table(metric, found, links),
    )


def _sentence(
    metric: Metric, found: Mapping[Link, Pair], links: Sequence[Link], groups: Mapping[str, str], window: str
) -> str:
    if not links:
        return f"In the {window} there is nothing to show: {NO_LINK}."
    shown = single([link for link in whole(links) if has_estimate(found[link].realised)], groups)
    told = f"No link has an estimate of the {metric.name[0].lower()}{metric.name[1:]} in the {window}."
    if shown:
        best = max(shown, key=lambda link: float(found[link].realised["estimate"]))
        worst = min(shown, key=lambda link: float(found[link].realised["estimate"]))
        told = f"Highest in the {window}: {label(best)}, {cell_text(found[best].realised, metric.unit)}."
        if worst != best:
            told += f" Lowest: {label(worst)}, {cell_text(found[worst].realised, metric.unit)}."
    return sentences(told, counted([found[link].realised for link in links], "rates of links and platforms"))


def _table(metric: Metric, found: Mapping[Link, Pair], links: Sequence[Link]) -> ChartTable:
    columns = ("Link", "Platform", "What happened", "In general")
    return ChartTable(
        columns,
        tuple(
            (
                link[0],
                PLATFORM_NAMES[link[1]],
                cell_text(found[link].realised, metric.unit),
                cell_text(found[link].process, metric.unit),
            )
            for link in links
        ),
    )


def _spec(metric: Metric, found: Mapping[Link, Pair], links: Sequence[Link]) -> charts.Spec:
    if not links:
        return charts.nothing("nothing to show")
    records = [_record(metric, link, found[link]) for link in links]
    slots = [name for name in PLATFORM_NAMES.values() if any(record["slot"] == name for record in records)]
    sets = {name: kept for name, rule in SETS.items() if (kept := [record for record in records if rule(record)])}
    legend = alt.Legend(orient="top", title=None, labelExpr="split(datum.label, ' ')[0]")
    looks = {
        "color": alt.Color("slot", type="nominal", legend=legend, scale=_scale(slots, COLOURS)),
        "shape": alt.Shape("slot", type="nominal", legend=legend, scale=_scale(slots, SHAPES)),
    }
    drawn = [layer for name in sets for layer in _layers(metric, name, rows(name, records, slots), looks)]
    return charts.spec(alt.layer(*drawn), height(records, slots), **sets)


def _scale(slots: Sequence[str], looks: Mapping[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(slots), range=[looks[name] for name in slots])


def _layers(metric: Metric, name: str, base: alt.Chart, looks: Mapping[str, Any]) -> list[alt.Chart]:
    """What is drawn of one set of records."""
    base = base.encode(tooltip=charts.tooltip(*TOLD))
    if name == "none":
        text = base.mark_text(align="left", dx=4, fontSize=11)
        return [text.encode(x=alt.datum(0), text=alt.Text("mark", type="nominal"))]
    if name in ("firm", "weak"):
        x = alt.X("estimate", type="quantitative", axis=charts.value_axis(metric.unit), scale=alt.Scale(zero=True))
        return [base.mark_point(filled=name == "firm", size=55, opacity=1, strokeWidth=1.5).encode(x=x, **looks)]
    lower, upper, width, opacity = ENDS[name]
    x = alt.X(lower, type="quantitative", axis=charts.value_axis(metric.unit), scale=alt.Scale(zero=True))
    stroke = base.mark_rule(strokeWidth=width, opacity=opacity)
    return [stroke.encode(x=x, x2=alt.X2(upper), color=looks["color"])]


def _record(metric: Metric, link: Link, pair: Pair) -> charts.Record:
    """One point with both intervals; what has neither estimate nor bounds is a text beside the axis."""
    cell, again = pair.realised, pair.process
    middle, (lower, upper), (again_lower, again_upper) = estimate(cell), limits(cell), limits(again)
    return {
        "name": link[0],
        "label": charts.wrapped(link[0]),
        "slot": PLATFORM_NAMES[link[1]],
        "estimate": middle,
        "lower": lower,
        "upper": upper,
        "again_lower": again_lower,
        "again_upper": again_upper,
        "is_weak": cell["status"] == "caution",
        "mark": mark_text(cell, metric.unit) if middle is None and lower is None else "",
        "value": cell_text(cell, metric.unit),
        "again": cell_text(again, metric.unit),
    }
