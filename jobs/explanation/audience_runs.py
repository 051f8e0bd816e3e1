"""Which run counted an audience: of manifests, those whose command asked for this very number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jobs.explanation.choose import Fetch
from jobs.explanation.explanation import MetricRow
from jobs.warehouse.lake_sql import quoted
from jobs.warehouse.manifest import Run

DEFINITIONS = "select distinct definition from fct_audience where {cell} and window_days = {days}"


def cell_of(row: MetricRow) -> str:
    """Return the condition of a row's wiki, day and band."""
    return (
        f"wiki_db = {quoted(row.wiki_db)} and as_of_date = date '{row.as_of_date}' "
        f"and band = {quoted(row.edit_count_bucket)}"
    )


def made_by(row: MetricRow, snapshot: str | None, runs: Sequence[Run], fetch: Fetch) -> str | None:
    """Name the run that a row came from: the last that counted it.

    A manifest does not say by which definition a run counted, so where there is the same number by another one, all
    that may have made this one are named.

    Args:
        row: of the contract's definition.
        snapshot: its row's in `fct_audience`; None where there is none.
        runs: the published runs that are left, oldest first.
        fetch: runs a statement on the published marts.
    """
    found = [
        run.run_id for run in runs if run.is_audience and row.as_of_date in run.as_of and _asks(run, row, snapshot)
    ]
    others = fetch(DEFINITIONS.format(cell=cell_of(row), days=row.window_days), ())
    return " or ".join(found if len(others) > 1 else found[-1:]) or None


def _asks(run: Run, row: MetricRow, snapshot: str | None) -> bool:
    """Whether a run's command asked for a row's wiki, band and window; what it does not name it takes as any."""
    wanted = (
        ("--wiki", row.wiki_db), ("--bands", row.edit_count_bucket), ("--windows", str(row.window_days)),
        ("--snapshot", snapshot),
    )  # fmt: skip
    return all(value in given for name, value in wanted if (given := _given(run.options, name)) and value is not None)


def _given(options: Sequence[str], name: str) -> set[str]:
    values = [value for option, value in pairwise(options) if option == name]
    return {part for value in values for part in value.split(",")}
