"""What the charts about links share: their names, groups and order, and rows of bars or points with a name each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import altair as alt

from jobs import words
from jobs.reference.rows import ENTRY_POINT, PLATFORMS
from jobs.report import charts
from jobs.report.cells_windows import WEEK
from jobs.report.charts_cells import Link, Pair, Windows
from jobs.report.charts_sentences import Cell
from jobs.window_sums.tables import ALL

STEP = 16  # pixels of one bar or point
PLATFORM_NAMES: Mapping[str, str] = {
    ALL: "all platforms",
    **{platform: platform.removesuffix("_browser") for platform in PLATFORMS},
}
NO_LINK = "no link has a row of such a window"


def window_text(window: Windows, days: int) -> str:
    """Name a window by its last day: `week to 2026-04-12`; `28 days` where there is no row."""
    length = "week" if days == WEEK else f"{days} days"
    ends = {pair.end for pairs in window.pairs.values() for pair in pairs}
    return f"{length} to {max(ends)}" if ends else length


def groups_of(window: Windows) -> Mapping[str, str]:
    """Return the link group of each element; the row of a group stands for its links, and is its own."""
    named = {cell["element_friendly_name"]: cell["link_group"] for cell in window.cells()}
    return {element: element if words.is_null(group) else group for element, group in named.items() if element != ALL}


def ordered(links: Iterable[Link], groups: Mapping[str, str]) -> list[Link]:
    """Sort links: what leads to the dashboard first, each group before its links, all platforms before one."""

    def place(link: Link) -> tuple[bool, str, bool, str, int]:
        element, platform = link
        group = groups[element]
        return group != ENTRY_POINT, group, element != group, element, list(PLATFORM_NAMES).index(platform)

    return sorted(links, key=place)


def whole(links: Iterable[Link]) -> list[Link]:
    """Return links over all platforms, and by platform those that are never pooled."""
    found = list(links)
    pooled = {element for element, platform in found if platform == ALL}
    return [(element, platform) for element, platform in found if platform == ALL or element not in pooled]


def single(links: Iterable[Link], groups: Mapping[str, str]) -> list[Link]:
    """Return links that are no group, which is never less than its links; groups where there is nothing else."""
    found = list(links)
    return [link for link in found if groups[link[0]] != link[0]] or found


def label(link: Link) -> str:
    """Name a link, and its platform where it is of one."""
    element, platform = link
    return element if platform == ALL else f"{element}, {PLATFORM_NAMES[platform]}"


def happened(table: Mapping[Link, Pair], link: Link) -> Cell | None:
    """Return what happened to a link; None where it has no row."""
    pair = table.get(link)
    return None if pair is None else pair.realised


def rows(name: str, records: Sequence[charts.Record], slots: Sequence[str]) -> alt.Chart:
    """Begin a layer with a row for each `label` of the records, in their order, and in it a place for each `slot`.

    Args:
        name: of the records that the layer shows; `spec` brings them.
        records: of the whole drawing.
        slots: in their order.
    """
    labels = list(dict.fromkeys(record["label"] for record in records))
    y = alt.Y("label", type="nominal", sort=labels, axis=charts.label_axis(), scale=alt.Scale(paddingInner=0.3))
    place = alt.YOffset("slot", type="nominal", sort=list(slots), scale=alt.Scale(domain=list(slots)))
    return charts.layer(name).encode(y=y, yOffset=place)


def height(records: Sequence[charts.Record], slots: Sequence[str]) -> int:
    """The pixels that the rows of a drawing take."""
    labels = {record["label"] for record in records}
    most_lines = max(str(label).count("\n") + 1 for label in labels)
    return len(labels) * (max(STEP * len(slots), charts.LINE * most_lines) + STEP // 2)
