"""Rows of the audience: eligible editors by wiki, band and window, as a table, as metric values, and under each choice.

Every asked combination has a row, zeros included. The tables `audience` and `audience_alternatives` keep small counts,
which the marts hide; metric values are settled as those of other metrics are. The metric has one definition, the
contract's: of another one there are neither values nor alternatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import NamedTuple

import pandas as pd

from jobs.audience import Band, Choices
from jobs.catalogue import load_catalogue
from jobs.contracts import table
from jobs.errors import UsageError
from jobs.estimation.audience import PROJECTED_DAYS, Projection, is_few, project
from jobs.rows.candidates import candidates
from jobs.rows.settle import settle
from jobs.windows import rolling_start

METRIC = "eligible_editors"
CELL = ["as_of_date", "wiki_db", "band", "window_days"]
COUNTS = ["n_editors", "n_new_to_band", "n_left_band"]
PROJECTED = ("growth_exponent", "projected_days", "projected", "projected_lower", "projected_upper")
SAME = ["as_of_date", "wiki_db", "band", "definition", "snapshot"]
"""Of windows that may be held against each other."""


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        snapshot: of the dumps, as `2026-02`.
        wikis: whose dumps were read.
        as_of: last days of the windows.
        bands: of edit counts.
        windows: days of each window.
        choices: what an eligible editor is.
        read_from, read_to: first and last day of the revisions that were read.
        days_read: all of them, as ranges: `2026-03-07/2026-03-13,2026-03-25/2026-03-31`.
    """

    snapshot: str
    wikis: Sequence[str]
    as_of: Sequence[date]
    bands: Sequence[Band]
    windows: Sequence[int]
    choices: Choices
    read_from: date
    read_to: date
    days_read: str


class AudienceRows(NamedTuple):
    """Rows of the tables `audience`, `audience_values` and `audience_alternatives`, in the contract's columns.

    The latter two are empty where the definition is not the contract's.
    """

    audience: pd.DataFrame
    values: pd.DataFrame
    alternatives: pd.DataFrame


def audience_rows(cells: pd.DataFrame, asked: Asked, min_users: int) -> AudienceRows:
    """Make the rows of an audience.

    Args:
        cells: counts as `jobs.transforms.audience.band_cells` gives them; dates as `date`.
        asked: what was asked for; of it whatever has no cell has no editor.
        min_users: cells with fewer editors, but at least one, are hidden where they are metric values, and nothing is
            projected from them.

    Raises:
        UsageError: the definition leaves cross-wiki accounts out, and a dump does not tell them.
    """
    is_own = cells["choice"].isna()
    keys = pd.DataFrame(_keys(asked), columns=CELL)
    counted = keys.merge(cells.loc[is_own, [*CELL, *COUNTS]], on=CELL, how="left", indicator=True)
    _require_counts(counted)
    counted[COUNTS] = counted[COUNTS].fillna(0).astype("Int64")
    counted["window_start"] = _starts(counted)
    definition = asked.choices.in_words()
    counted["snapshot"], counted["definition"] = asked.snapshot, definition
    counted["read_from"], counted["read_to"], counted["days_read"] = asked.read_from, asked.read_to, asked.days_read
    values = _values(counted, min_users)
    alternatives = _alternatives(keys, cells[~is_own], asked.choices)
    if definition:
        values, alternatives = values.iloc[:0], alternatives.iloc[:0]
    projected = with_projection(counted, min_users)
    return AudienceRows(projected[list(table("audience").columns)], values, alternatives)


def _keys(asked: Asked) -> list[tuple[date, str, str, int]]:
    """Return each asked cell once, in the order of the table's key."""
    bands = [str(band) for band in sorted(set(asked.bands))]
    return list(product(sorted(set(asked.as_of)), sorted(set(asked.wikis)), bands, sorted(set(asked.windows))))


def _require_counts(counted: pd.DataFrame) -> None:
    unknown = counted[(counted["_merge"] == "both") & counted["n_editors"].isna()]
    if len(unknown):
        raise UsageError(
            f"Nobody can leave out the cross-wiki accounts of {', '.join(sorted(set(unknown['wiki_db'])))}: dumps of "
            "70 columns do not mark them.",
            where="[audience] cross_wiki = \"out\"",
            next_step="set it to `in`, or take a snapshot of 78 columns",
        )  # fmt: skip


def _starts(frame: pd.DataFrame) -> list[date]:
    """Return the first day of each row's window."""
    return [
        rolling_start(as_of, int(days)) for as_of, days in zip(frame["as_of_date"], frame["window_days"], strict=True)
    ]


def with_projection(counted: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Add the projection to the rows of the longest window that is shorter than it; the others have none.

    Args:
        counted: rows of `audience` with all windows that there are, with or without a projection; the index is unique.
        min_users: smaller counts, but at least one, are not projected.
    """
    found: dict[object, Projection | None] = {}
    for _, cell in counted.groupby(SAME, sort=False):
        shown = {days: None if is_few(n, min_users) else int(n)
                 for days, n in zip(cell["window_days"].tolist(), cell["n_editors"], strict=True)}  # fmt: skip
        shorter = cell.loc[cell["window_days"] < PROJECTED_DAYS, "window_days"].astype("int64")
        if len(shorter):
            found[shorter.idxmax()] = project(shown)
    rows = [
        (None,) * len(PROJECTED)
        if row is None
        else (row.growth_exponent, row.days, row.projected, row.lower, row.upper)
        for row in (found.get(place) for place in counted.index)
    ]
    added = pd.DataFrame(rows, columns=list(PROJECTED), index=counted.index, dtype="float64")
    return counted.assign(**added.astype({"projected_days": "Int64"}))


def _values(counted: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Return the counts as metric values; nothing was sampled, and no hour can be missing."""
    nothing = pd.Series([()] * len(counted), index=counted.index, dtype=object)
    base = counted.rename(columns={"band": "edit_count_bucket", "window_start": "metric_date"}).assign(
        element_friendly_name="all", client_platform_family="all", sampling_unit=None, sampling_rate_min=1.0,
        sampling_rate_max=1.0, series_break=None, is_complete=True, unmeasured_reason=None, regimes=None,
        has_unit_change=False, cautions=nothing,
    )  # fmt: skip
    number = base["n_editors"].astype("float64")
    rows = candidates(
        base, METRIC, "realised",
        estimate=number, lower=number, upper=number, observed_numerator=number, n_users_observed=number,
        n_effective=number, estimator="count", status="publish",
        status_reason="",
    )  # fmt: skip
    return settle(rows.assign(metric_version=load_catalogue().metric(METRIC).version), min_users)


def _alternatives(keys: pd.DataFrame, cells: pd.DataFrame, choices: Choices) -> pd.DataFrame:
    """Return a row per cell and alternative; null where a dump does not tell what the alternative asks for."""
    others = [(choice, alternative) for choice, alternative, _ in choices.alternatives()]
    rows = keys.merge(pd.DataFrame(others, columns=["choice", "alternative"]), how="cross")
    key = [*CELL, "choice", "alternative"]
    found = rows.merge(cells[[*key, "n_editors"]], on=key, how="left", indicator=True)
    number = found["n_editors"].astype("float64").where(found["_merge"] == "both", 0.0)
    return found.assign(n_editors=number.astype("Int64"))[list(table("audience_alternatives").columns)]
