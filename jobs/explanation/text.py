"""An explanation for a terminal of a hundred columns: the answer first, then section by section."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jobs.explanation.explanation import Alternative, Explanation, MetricRow, Step
from jobs.explanation.headline import value_of
from jobs.policy.timeline import UnitRate, format_unit_rate
from jobs.words import number, sampled

COLOURS = {"publish": "green", "caution": "yellow", "bounds_only": "yellow"}
MOST_LINES = 12  # of rates and policy, of a wiki `all`; --json has them all
KINDS = {
    "inference": "the other reading",
    "window": "other windows that end the same day",
    "band": "other bands of edit counts",
    "definition": "other definitions of the same idea",
    "rate": "under other sampling",
    "assumption": "under an assumption",
}
CHOICE = "choice"


def show(console: Console, found: Explanation) -> None:
    """Print an explanation."""
    console.print(Text(found.headline, f"bold {COLOURS.get(found.row.status, 'red')}"), soft_wrap=True)
    _lines(console, (f"chosen: {note}" for note in found.chosen), "dim")
    _status(console, found)
    _definition(console, found)
    _inputs(console, found)
    _steps(console, found)
    _naive(console, found)
    _forecast(console, found)
    _alternatives(console, found)
    _sql(console, found)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _lines(console: Console, lines: Iterable[str], style: str = "") -> None:
    for line in lines:
        console.print(Padding(Text(line, style), (0, 0, 0, 2), expand=False))


def _facts(console: Console, facts: Iterable[tuple[str, str | None]]) -> None:
    """Print names with their values, which wrap beside the name; what has no value is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=12)
    grid.add_column(overflow="fold")
    for name, value in facts:
        if value:
            grid.add_row(Text(name, "dim"), Text(value))
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _status(console: Console, found: Explanation) -> None:
    row = found.row
    _heading(console, "Status")
    _facts(
        console,
        [
            ("status", f"{row.status}: {found.means}"),
            ("reason", row.status_reason),
            ("remedy", row.remedy),
            ("break", row.series_break),
            ("complete", None if row.is_complete else "no: hours or days of the window did not arrive"),
        ],
    )


def _definition(console: Console, found: Explanation) -> None:
    own, formula, row = found.definition, found.formula, found.row
    _heading(console, f"{own.name} ({own.unit}; {_direction(own.direction)})")
    observed = [
        (name, value)
        for name, value in (("numerator", row.observed_numerator), ("denominator", row.observed_denominator),
                            ("users", row.n_users_observed), ("effective size", row.n_effective))
        if value is not None
    ]  # fmt: skip
    _facts(
        console,
        [
            ("definition", own.definition),
            ("formula", f"{formula.formula}"),
            ("", formula.filled_in),
            ("interval", formula.interval),
            ("estimator", f"{formula.estimator} ({formula.see})"),
            ("observed", ", ".join(f"{name} {value:,.0f}" for name, value in observed)),
            *(("caveat", caveat) for caveat in own.caveats),
            ("tasks", ", ".join(own.tasks)),
        ],
    )


def _direction(direction: str) -> str:
    return "neither way is better" if direction == "neutral" else f"{direction} is better"


def _inputs(console: Console, found: Explanation) -> None:
    inputs = found.inputs
    _heading(console, "Inputs")
    made = inputs.row_run_id or "an earlier run, whose folder is gone"
    _facts(console, [("run", made if made == inputs.run_id else f"{made}; published since: {inputs.run_id}")])
    _facts(console, (("table", f"{one.table} at snapshot {one.snapshot_id}") for one in inputs.tables))
    policy = [
        f"{one.instrument_name}, {one.wiki_db}: {format_unit_rate(UnitRate(one.sample_unit, one.sample_rate))} from "
        f"{one.valid_from:%Y-%m-%d %H:%M}" + (f" to {one.valid_to:%Y-%m-%d %H:%M}" if one.valid_to else " on")
        for one in inputs.policy
    ]
    _facts(console, (("policy", line) for line in _first(policy)))
    if found.forecast is not None:  # of an audience nothing is sampled
        _facts(console, (("dumps", line) for line in inputs.measured))
        return
    _heading(console, f"Rates in force (kept: {_kept(found.row)})")
    rates = [
        f"{one.valid_from:%Y-%m-%d %H:%M} to {one.valid_to:%Y-%m-%d %H:%M}  {one.wiki_db}  "
        f"{format_unit_rate(UnitRate(one.sample_unit, one.sample_rate))}  {one.instrument_name}"
        + (f" ({one.note})" if one.note else "")
        for one in inputs.rates
        if one.valid_to is not None  # all are cut to the window
    ]
    _lines(console, _first(rates))
    _lines(console, [f"kept events carry {', '.join(inputs.carried) or 'no rate: none was kept'}"])
    _heading(console, "What was measured")
    _lines(console, inputs.measured)


def _kept(row: MetricRow) -> str:
    low, high = row.sampling_rate_min, row.sampling_rate_max
    if row.sampling_unit is None or low is None or high is None:
        return "nothing, there was no rate above 0"
    return sampled(row.sampling_unit, low, high)


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"and {more} more (--json)"]


def _steps(console: Console, found: Explanation) -> None:
    _heading(console, "Filters and counts, as kept" if found.forecast is None else "Rows of the dumps, and editors")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", min_width=10)
    grid.add_column()
    grid.add_column(overflow="fold")
    for step in found.steps:
        grid.add_row(_count(step), Text(step.noun, "dim"), Text(step.what + _agreement(step)))
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _count(step: Step) -> Text:
    return Text("hidden", "yellow") if step.count is None else Text(f"{step.count:,}")


def _agreement(step: Step) -> str:
    if step.agrees is None:
        return ""
    return " (the row's)" if step.agrees else " (NOT what the row says: the facts have changed since it was made)"


def _naive(console: Console, found: Explanation) -> None:
    _heading(console, "The naive value beside ours")
    unit, row = found.definition.unit, found.row
    _facts(
        console,
        [
            ("ours", f"{value_of(row.estimate, row.lower, row.upper, unit)}, {row.status}"),
            *(
                (
                    f"naive {which}",
                    f"{'none' if one.value is None else number(one.value, unit)}, {one.how}: {one.why}",
                )
                for which, one in enumerate(found.naive, 1)
            ),
        ],
    )


def _alternatives(console: Console, found: Explanation) -> None:
    for kind, heading in KINDS.items():
        own = [one for one in found.alternatives if one.kind == kind]
        if own:
            _heading(console, f"Alternatives: {heading}")
            _lines(console, map(_alternative, own))
    _choices(console, [one for one in found.alternatives if one.kind == CHOICE])
    if not found.alternatives:
        _heading(console, "Alternatives")
        _lines(console, ["none that is documented has a row for this window"])


def _choices(console: Console, found: list[Alternative]) -> None:
    """Print how the number moves where one choice of its definition is another."""
    if not found:
        return
    _heading(console, "Alternatives: one choice of the definition made otherwise")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", min_width=10)
    grid.add_column()
    grid.add_column(overflow="fold")
    for one in found:
        if one.estimate is None:
            note, _, why = one.note.partition(": ")
            grid.add_row(Text(note, "yellow"), "", Text(f"{one.what} ({why})"))
        else:
            grid.add_row(number(one.estimate, one.unit), Text(one.note, "dim"), Text(one.what))
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _forecast(console: Console, found: Explanation) -> None:
    one = found.forecast
    if one is None:
        return
    _heading(console, f"In {one.days} days")
    straight = (
        None if one.linear is None else f"{number(one.linear, 'users')}: too many, who edits again is no new editor"
    )
    _facts(
        console,
        [
            ("forecast", value_of(one.estimate, one.lower, one.upper, "users")),
            ("how", one.how),
            ("straight", straight),
            ("means", one.means),
        ],
    )


def _alternative(one: Alternative) -> str:
    value = f": {value_of(one.estimate, one.lower, one.upper, one.unit)}, {one.status}" if one.status else ""
    return f"{one.what}{value}" + (f"; {one.note}" if one.note else "")


def _sql(console: Console, found: Explanation) -> None:
    for one in found.sql:
        place = "for `pdmetrics query`" if one.runs_on == "marts" else "over the views below"
        _heading(console, f"SQL {place}: {one.what}")
        _copyable(console, one.text)
    if not found.inputs.tables:
        return
    _heading(console, "Views of the lake (DuckDB with its extensions avro and iceberg)")
    for table in found.inputs.tables:
        _copyable(console, f"create view {table.table} as select * from {table.source};")


def _copyable(console: Console, sql: str) -> None:
    """Print a statement as it is, however long its lines: one that is broken up could not be run."""
    console.print(Text(indent(sql, "  ")), soft_wrap=True)
