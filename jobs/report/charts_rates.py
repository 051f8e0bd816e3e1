"""Click-through rates of one window, by link and platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from jobs.metric import Metric
from jobs.report import charts
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_cells import Link, Pair, Windows
from jobs.report.charts_links import (
    NO_LINK,
    PLATFORMS,
    groups_of,
    height,
    label,
    ordered,
    rows,
    whole,
    window_text,
)
from jobs.report.charts_sentences import cell_text, counted, estimate, has_estimate, limits, mark_text, sentences

COLOURS = {"all platforms": "#0072B2", "desktop": "#C77C00", "mobile": "#AA5C8F"}


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
        sentence=_sentence(metric, found, links, named),
        spec=_spec(metric, found, links),
        table=_table(metric, found, links),
    )


def _sentence(metric: Metric, found: Mapping[Link, Pair], links: Sequence[Link], window: str) -> str:
    if not links:
        return f"In the {window} there is nothing to show: {NO_LINK}."
    shown = [link for link in whole(links) if has_estimate(found[link].realised)]
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
                PLATFORMS[link[1]],
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
    slots = [name for name in PLATFORMS.values() if any(record["slot"] == name for record in records)]
    told = charts.tooltip(("name", "Link"), ("slot", "Platform"), ("value", "What happened"), ("again", "In general"))
    base = rows(records, slots).encode(tooltip=told)
    colour = alt.Color(
        "slot",
        type="nominal",
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
        legend=alt.Legend(orient="top", title=None, values=slots),
    )
    shape = alt.Shape("slot", type="nominal", legend=None,
                      scale=alt.Scale(domain=list(COLOURS), range=["circle", "square", "triangle-up"]))  # fmt: skip
    point = alt.X("estimate", type="quantitative", axis=charts.value_axis(metric.unit), scale=alt.Scale(zero=True))
    layers = [
        base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(
            x=alt.X("again_lower", type="quantitative"), x2=alt.X2("again_upper"), color=colour
        ),
        base.mark_rule(strokeWidth=4, opacity=0.5).encode(
            x=alt.X("lower", type="quantitative"), x2=alt.X2("upper"), color=colour
        ),
        base.mark_point(filled=True, size=55, opacity=1).encode(x=point, color=colour, shape=shape),
        base.mark_text(align="left", dx=4, fontSize=11).encode(
            x=alt.X("zero", type="quantitative"), text=alt.Text("mark", type="nominal")
        ),
    ]
    return charts.spec(alt.layer(*layers), height(records, slots), links=records)


def _record(metric: Metric, link: Link, pair: Pair) -> charts.Record:
    """One point with both intervals; what has neither estimate nor bounds is a text beside the axis."""
    cell, again = pair.realised, pair.process
    middle, (lower, upper), (again_lower, again_upper) = estimate(cell), limits(cell), limits(again)
    return {
        "name": link[0],
        "label": charts.wrapped(link[0]),
        "slot": PLATFORMS[link[1]],
        "estimate": middle,
        "lower": lower,
        "upper": upper,
        "again_lower": again_lower,
        "again_upper": again_upper,
        "zero": 0,
        "mark": mark_text(cell, metric.unit) if middle is None and lower is None else "",
        "value": cell_text(cell, metric.unit),
        "again": cell_text(again, metric.unit),
    }
