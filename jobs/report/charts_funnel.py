"""The way from a load of the dashboard to a click: loads, impressions and clicks by link, in one window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from jobs.catalogue import Catalogue
from jobs.metric import Metric
from jobs.reference.rows import ENTRY_POINT
from jobs.report import charts
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_cells import Link, Pair, Windows
from jobs.report.charts_links import (
    NO_LINK,
    groups_of,
    happened,
    height,
    label,
    ordered,
    rows,
    single,
    whole,
    window_text,
)
from jobs.report.charts_sentences import (
    Cell,
    cell_text,
    counted,
    estimate,
    has_estimate,
    limits,
    mark_text,
    sentences,
)

ROOM = 65  # pixels beside the longest bar, for its number
STAGES = {"loads": "#767676", "impressions": charts.COLOUR, "clicks": "#C77C00"}
SLOTS = ("first", "second")  # impressions, or the loads; clicks


@dataclass(frozen=True)
class Steps:
    """The metrics of the way from a load to a click.

    Attributes:
        loads: how often the dashboard was loaded.
        shown: how often a link was seen.
        clicked: how often it was clicked.
        rate: clicks over impressions.
    """

    loads: Metric
    shown: Metric
    clicked: Metric
    rate: Metric


@dataclass(frozen=True)
class _Numbers:
    """The cells of one window, by link."""

    steps: Steps
    loads: Cell | None
    shown: Mapping[Link, Pair]
    clicked: Mapping[Link, Pair]
    rate: Mapping[Link, Pair]


def steps_of(catalogue: Catalogue) -> Steps:
    """Return the metrics of the funnel: the catalogue has the counts of links in the order in which they happen.

    Raises:
        ValueError: the catalogue has other metrics of totals and links than this drawing knows.
    """
    totals, of_links = catalogue.of_family("totals"), catalogue.of_family("links")
    counts = [metric for metric in of_links if metric.kind == "count"]
    ratios = [metric for metric in of_links if metric.kind == "ratio"]
    if (len(totals), len(counts), len(ratios)) != (1, 2, 1):
        raise ValueError("the funnel is drawn of one total, two counts of links and one ratio of theirs")
    return Steps(totals[0], counts[0], counts[1], ratios[0])


def funnel(steps: Steps, window: Windows, days: int) -> Chart:
    """Return the chart of loads, impressions and clicks by link.

    Args:
        steps: metrics of the funnel.
        window: of one wiki; none where none has closed.
        days: length of the window.
    """
    loads = next((pair.realised for pair in window.series(steps.loads)), None)
    found = [window.links(metric) for metric in (steps.shown, steps.clicked, steps.rate)]
    numbers, groups = _Numbers(steps, loads, *found), groups_of(window)
    links = ordered(whole(dict.fromkeys(link for table in found for link in table)), groups)
    named = window_text(window, days)
    return Chart(
        id=f"funnel-{days}",
        title=f"From load to click, {named}",
        sentence=_sentence(numbers, links, groups, named),
        spec=_spec(numbers, links),
        table=_table(numbers, links, groups),
    )


def _sentence(numbers: _Numbers, links: Sequence[Link], groups: Mapping[str, str], window: str) -> str:
    if not links:
        return f"In the {window} there is nothing to show: {NO_LINK}."
    both = single([link for link in links if _both_counts(numbers, link)], groups)
    first = "No link has both impressions and clicks to show."
    if both:
        most = max(both, key=lambda link: float(numbers.clicked[link].realised["estimate"]))
        first = f"Clicked most: {label(most)}, {_link_text(numbers, most)}."
    loads = cell_text(numbers.loads, numbers.steps.loads.unit)
    clicks = counted([happened(numbers.clicked, link) for link in links], "counts of clicks")
    return sentences(f"Loads of the dashboard in the {window}: {loads}.", first, clicks)


def _both_counts(numbers: _Numbers, link: Link) -> bool:
    return has_estimate(happened(numbers.shown, link)) and has_estimate(happened(numbers.clicked, link))


def _link_text(numbers: _Numbers, link: Link) -> str:
    steps = numbers.steps
    shown = cell_text(happened(numbers.shown, link), steps.shown.unit)
    clicked = cell_text(happened(numbers.clicked, link), steps.clicked.unit)
    rate = cell_text(happened(numbers.rate, link), steps.rate.unit)
    return f"impressions {shown}, clicks {clicked}, clicks per impression {rate}"


def _table(numbers: _Numbers, links: Sequence[Link], groups: Mapping[str, str]) -> ChartTable:
    steps = numbers.steps
    columns = ("What", "Group", "Number, or impressions", "Impressions per load", "Clicks", "Clicks per impression")
    first = (
        "Loads of the dashboard",
        "the dashboard",
        cell_text(numbers.loads, steps.loads.unit),
        *("does not apply",) * 3,
    )
    of_links = (
        (
            label(link),
            groups[link[0]],
            cell_text(happened(numbers.shown, link), steps.shown.unit),
            _per_load(happened(numbers.shown, link), numbers.loads, groups[link[0]]),
            cell_text(happened(numbers.clicked, link), steps.clicked.unit),
            cell_text(happened(numbers.rate, link), steps.rate.unit),
        )
        for link in links
    )
    return ChartTable(columns, (first, *of_links))


def _per_load(shown: Cell | None, loads: Cell | None, group: str) -> str:
    """Impressions over loads, where both may be shown."""
    if group == ENTRY_POINT:
        return "does not apply: it leads to the dashboard"
    if shown is None or loads is None or not (has_estimate(shown) and has_estimate(loads)):
        return "not told: one of the two has no estimate"
    if loads["estimate"] == 0:
        return "not told: there were no loads"
    return f"{shown['estimate'] / loads['estimate']:.2f}"


def _spec(numbers: _Numbers, links: Sequence[Link]) -> charts.Spec:
    records = _records(numbers, links)
    if not records:
        return charts.nothing("nothing to show")
    unit, longest = numbers.steps.shown.unit, max(record["end"] for record in records)
    scale = alt.Scale(domain=[0, longest or 1], nice=False, range=[0, {"expr": f"width - {ROOM}"}])
    told = charts.tooltip(("name", "What"), ("stage", "Number of"), ("told", "It is"))
    base = rows("links", records, SLOTS).encode(tooltip=told)
    length = alt.X("estimate", type="quantitative", axis=charts.value_axis(unit), scale=scale)
    colour = alt.Color(
        "stage",
        type="nominal",
        scale=alt.Scale(domain=list(STAGES), range=list(STAGES.values())),
        legend=alt.Legend(orient="top", title=None, values=["impressions", "clicks"]),
    )
    layers = [
        base.mark_bar().encode(x=length, color=colour),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("lower", type="quantitative"), x2=alt.X2("upper")),
        base.mark_text(align="left", dx=5).encode(
            x=alt.X("end", type="quantitative"), text=alt.Text("mark", type="nominal")
        ),
    ]
    return charts.spec(alt.layer(*layers), height(records, SLOTS), links=records)


def _records(numbers: _Numbers, links: Sequence[Link]) -> list[charts.Record]:
    steps, records = numbers.steps, []
    if numbers.loads is not None:
        records.append(_record("Loads of the dashboard", "loads", "first", numbers.loads, steps.loads))
    for link in links:
        records.append(_record(label(link), "impressions", "first", happened(numbers.shown, link), steps.shown))
        records.append(_record(label(link), "clicks", "second", happened(numbers.clicked, link), steps.clicked))
    return records


def _record(name: str, stage: str, slot: str, cell: Cell | None, metric: Metric) -> charts.Record:
    """One bar; what has no estimate is a text at its root, or at the end of its bounds."""
    middle, (lower, upper) = estimate(cell), limits(cell)
    return {
        "name": name,
        "label": charts.wrapped(name),
        "stage": stage,
        "slot": slot,
        "estimate": middle,
        "lower": lower,
        "upper": upper,
        "end": max(middle or 0, upper or 0),
        "mark": mark_text(cell, metric.unit),
        "told": cell_text(cell, metric.unit),
    }
