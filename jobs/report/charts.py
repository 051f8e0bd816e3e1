"""How charts are drawn: Altair, without colours of text or background, readable at the width of a phone.

Whatever has no estimate is drawn as the symbol of its status, which the tables carry as well.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import altair as alt
from altair.utils.schemapi import debug_mode

from jobs import words

Record = dict[str, Any]
Drawn: TypeAlias = alt.LayerChart | alt.FacetChart  # what `alt.layer` makes
Spec: TypeAlias = Mapping[str, Any]
LITTLE = 60  # pixels of a drawing that only says that there is nothing
LABEL_WIDTH = 20  # letters of a row's label before it goes on in the next line
LINES = "split(datum.label, '\\n')"  # as Vega writes a label of several lines
LINE = 14  # pixels of a line of a label
MOST_LINES = 8
COLOUR = "#3A8FCC"  # between the blues of Okabe and Ito: 3 to 1 on light and on dark. Text has the page's colour
STATUS_SCALE = alt.Scale(domain=list(words.STATUSES), range=[status.colour for status in words.STATUSES.values()])
POINT_SHAPES = alt.Scale(domain=["publish", "caution"], range=["circle", "triangle-up"])


def unchecked() -> AbstractContextManager[None]:
    """Make charts without a check of every part by Altair's schema: a page has many, and the tests check each kind."""
    return debug_mode(False)


def layer(name: str) -> alt.Chart:
    """Begin a layer over the records of that name: `spec` brings them, since Altair would copy them at every step."""
    return alt.Chart(alt.NamedData(name=name))


def spec(chart: Drawn, height: int, **datasets: Sequence[Record]) -> Spec:
    """Return a chart as Vega-Lite: as wide as its place, with its data inside, and without a look of its own.

    Altair's validation is left out, since it takes as long as all the rest; the tests validate.
    """
    drawn: dict[str, Any] = chart.properties(width="container", height=height).to_dict(validate=False)
    drawn.pop("config", None)  # Altair's theme: the page has its own
    return {**drawn, "datasets": {name: list(records) for name, records in datasets.items()}}


def nothing(text: str) -> Spec:
    """Draw that there is nothing to draw: the text, where the marks would be."""
    drawn = alt.layer(layer("told").mark_text().encode(text=alt.Text("text", type="nominal")))
    return spec(drawn, LITTLE, told=[{"text": text}])


def wrapped(label: str) -> str:
    """Break the label of a row, so that drawings keep their room on a phone; what is left out has an ellipsis."""
    return "\n".join(textwrap.wrap(label, LABEL_WIDTH, max_lines=MOST_LINES, placeholder="…"))


def value_format(unit: str) -> str:
    """How an axis writes numbers of a unit."""
    return "~%" if unit in words.PERCENT_UNITS else ",~f"


def value_axis(unit: str) -> alt.Axis:
    """The axis of a metric's numbers: few ticks, nothing that needs interaction."""
    return alt.Axis(format=value_format(unit), tickCount=4, title=None, labelOverlap="greedy", labelSeparation=8)


def label_axis() -> alt.Axis:
    """The axis of rows with names, in several lines each."""
    # Vega sets the first line in the middle of its row: a label of several lines goes up by half of the others.
    middle: Any = {
        "condition": [
            {"test": f"length({LINES}) == {n}", "value": -LINE * (n - 1) / 2} for n in range(2, MOST_LINES + 1)
        ],
        "value": 0,
    }
    return alt.Axis(
        labelExpr=LINES, labelOffset=middle, title=None, labelLimit=0, ticks=False, domain=False, labelPadding=6
    )


def status_colour() -> alt.Color:
    """Colour by status, which never stands alone: marks differ in symbol or shape as well."""
    return alt.Color("status", type="nominal", scale=STATUS_SCALE, legend=None)


def tooltip(*fields: tuple[str, str]) -> list[alt.Tooltip]:
    """What a pointer shows: texts made here, by field and title. Nothing stands there only."""
    return [alt.Tooltip(field, type="nominal", title=title) for field, title in fields]
