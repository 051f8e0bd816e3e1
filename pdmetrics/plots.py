"""Charts that honour the status of a number: an interval where there is one, a sign and no height where there is none.

from pdmetrics import marts, plots

rows = marts.sql("select * from fct_metric_values where metric = 'reviewers' and window_days = 7")
plots.with_intervals(rows, "as_of_date", by="wiki_db", title="Reviewers")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from jobs.errors import UsageError
from jobs.words import STATUSES

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("estimate", "lower", "upper", "status")
SHAPES = {"publish": "circle", "caution": "triangle-up"}  # of estimates; bounds have ends only
BOUNDS = "bounds_only"
WIDTH, HEIGHT, ROW = 190, 170, 24  # of a panel, and of a row of names, in pixels


def with_intervals(
    rows: pd.DataFrame, along: str, *, by: str | None = None, title: str, unit: str = "", from_zero: bool = False
) -> alt.LayerChart | alt.FacetChart:
    """Draw each row's estimate with its 95 % interval; what has no number is a sign at the edge that says why.

    Args:
        rows: of one metric, with `estimate`, `lower`, `upper` and `status`, as the marts have them; `status_reason` is
            shown where the mouse rests.
        along: the column that rows differ by: days go from left to right, names from top to bottom.
        by: a column with a panel for each value.
        title: of the chart.
        unit: of the estimates; shares (a unit that begins with `share`) are written in per cent.
        from_zero: whether the axis of estimates begins at 0, as it should where sizes are compared.

    Raises:
        UsageError: there is no row, or a column is missing.
    """
    missing = [name for name in (*NEEDED, along, by) if name is not None and name not in rows.columns]
    if missing or rows.empty:
        what = f"The rows have no column {', '.join(missing)}." if missing else "There is no row to draw."
        raise UsageError(what, where="rows", next_step="see that the query gives rows with these columns")
    is_days = rows[along].dtype.kind == "M"
    drawn = _drawn(rows, along, by, is_days=is_days)
    told, scale = [name for name in drawn.columns if name not in (by, "symbol")], alt.Scale(zero=from_zero, nice=True)
    layers = _layers(along, unit, told, scale, is_days=is_days)
    width = WIDTH if is_days or by else 2 * WIDTH
    chart = alt.layer(*layers, data=drawn).properties(width=width, height=HEIGHT if is_days else alt.Step(ROW))
    found = [status for status in STATUSES if status in set(drawn["status"])]
    legend = ", ".join(f"{STATUSES[status].symbol} {STATUSES[status].word}" for status in found)
    heading = alt.Title(title, subtitle=legend, anchor="start")
    if by is None:
        return chart.properties(title=heading)
    panels = alt.Column(f"{by}:N", title=None, header=alt.Header(labelFontWeight="bold"))
    return chart.facet(column=panels, title=heading)


def _drawn(rows: pd.DataFrame, along: str, by: str | None, *, is_days: bool) -> pd.DataFrame:
    """Keep what is drawn; where the status forbids a number none is drawn, whatever stands in the row."""
    names = [name for name in dict.fromkeys((along, by, *NEEDED, "status_reason")) if name in rows.columns]
    drawn = rows[names].copy()
    has_number = drawn["status"].isin(SHAPES)
    drawn["estimate"] = drawn["estimate"].where(has_number)
    for end in ("lower", "upper"):
        drawn[end] = drawn[end].where(has_number | (drawn["status"] == BOUNDS))
    drawn["symbol"] = drawn["status"].map(lambda status: STATUSES[status].symbol)
    if is_days:
        drawn[along] = drawn[along].dt.strftime("%Y-%m-%d")  # a day, in whatever zone the browser is
    return drawn


def _layers(along: str, unit: str, told: list[str], scale: alt.Scale, *, is_days: bool) -> list[alt.Chart]:
    """Return the layers: intervals, bounds, estimates, and signs for what has no number."""
    where, what, end, edge = ("x", "y", "y2", HEIGHT) if is_days else ("y", "x", "x2", 0)
    place, number = (alt.X, alt.Y) if is_days else (alt.Y, alt.X)

    def measured(column: str) -> Any:
        axis = alt.Axis(format="%") if unit.startswith("share") else alt.Axis()
        return number(f"{column}:Q", title=unit or None, axis=axis, scale=scale)

    colours = alt.Scale(domain=list(STATUSES), range=[status.colour for status in STATUSES.values()])
    order = "ascending" if is_days else None  # names as they come
    names: dict[str, Any] = {where: place(f"{along}:N", title=None, axis=alt.Axis(labelLimit=260), sort=order)}
    base = alt.Chart().encode(
        **names,
        color=alt.Color("status:N", scale=colours, legend=None),
        tooltip=told,
    )
    has_number = " || ".join(f"datum.status === '{status}'" for status in SHAPES)
    is_bounds = f"datum.status === '{BOUNDS}'"
    shapes = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    ends: dict[str, Any] = {what: measured("lower"), end: "upper:Q"}
    return [
        _layer(base, "intervals", has_number).mark_rule(strokeWidth=2).encode(**ends),
        _layer(base, "bounds", is_bounds).mark_rule(strokeWidth=2, strokeDash=[3, 3]).encode(**ends),
        _layer(base, "estimates", has_number)
        .mark_point(filled=True, size=55, opacity=1)
        .encode(**{what: measured("estimate")}, shape=alt.Shape("status:N", scale=shapes, legend=None)),
        _layer(base, "refused", f"!({has_number} || {is_bounds})")
        .mark_text(fontSize=11)
        .encode(**{what: alt.value(edge)}, text="symbol:N"),
    ]


def _layer(base: alt.Chart, name: str, test: str) -> alt.Chart:
    return base.transform_filter(test).properties(name=name)
