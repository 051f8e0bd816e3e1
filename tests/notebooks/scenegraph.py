"""What a chart draws, mark by mark, as Vega lays it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt
import vl_convert


def marks(chart: alt.TopLevelMixin) -> dict[str, list[dict[str, Any]]]:
    """Return the drawn items of each named layer of a chart, over all panels."""
    graph = vl_convert.vegalite_to_scenegraph(chart.to_dict())["scenegraph"]
    found: dict[str, list[dict[str, Any]]] = {}
    for mark in _nested(graph):
        name = mark.get("name", "")
        if name.endswith("_marks") and mark["marktype"] != "group":
            found.setdefault(name.removesuffix("_marks"), []).extend(mark["items"])
    return found


def rows(chart: alt.TopLevelMixin) -> list[dict[str, Any]]:
    """Return the rows that a chart carries."""
    (found,) = chart.to_dict()["datasets"].values()
    return found


def _nested(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "marktype" in node:
        yield node
    for item in node.get("items", []):
        yield from _nested(item)
