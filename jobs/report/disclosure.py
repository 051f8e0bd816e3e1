"""Which cells of a report are hidden, so that no small one can be worked out from the others.

A cell is small if one to `min_users` - 1 users stand behind it, or behind the numerator of its rate, or are left over
by it. `cells_windows` says which sums must go with it; here that reaches the rows: both inferences of a cell, the rates
of a hidden count, the cohorts of a hidden window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.report.cells_quantities import DENOMINATOR, UNIT, quantities, rolling_only, side_by_side
from jobs.report.cells_reasons import told_by_few, without_others
from jobs.report.cells_returns import tells_returns
from jobs.report.cells_windows import hidden_units
from jobs.window_sums.tables import ALL

BoolArray = npt.NDArray[np.bool_]
NUMBERS = ("estimate", "lower", "upper")
INSIDE = ("observed_numerator", "observed_denominator", "n_users_observed", "n_effective")
HIDDEN = "suppressed"
KEY = ["metric", "wiki_db", "window_kind", "window_start", "window_days", "element_friendly_name",
       "client_platform_family"]  # fmt: skip
WINDOW = ["wiki_db", "window_start", "window_days"]
LINK = [*WINDOW, "element_friendly_name", "client_platform_family"]


def hide(cells: pd.DataFrame, catalogue: Catalogue, min_users: int) -> pd.DataFrame:
    """Hide the small cells of a report, and whatever would give them away.

    Args:
        cells: rows of `fct_metric_values` that a report may show: whole weeks' days, windows of 7 and 28 days and
            cohorts from Mondays, with `window_start` for `metric_date` and with `link_group`.
        catalogue: of their metrics.
        min_users: fewer users, but at least one, are a small cell.

    Returns:
        The same rows in the same order. A hidden one is `suppressed` without numbers, observed ones included; one that
        was not measured stays `not_measured`. The reason does not tell a small cell from one that goes with it, and
        those of other rows tell no number of users who are no cell.
    """
    cells = cells.reset_index(drop=True)
    found = quantities(cells, catalogue, min_users)
    units = hidden_units(side_by_side(rolling_only(found), min_users))
    found = found.merge(units[[*UNIT, "hide", "hide_split"]], on=UNIT, how="left")
    by_units = np.where(found["platform"] == ALL, found["hide"].eq(True), found["hide_split"].eq(True))
    found["is_hidden"] = np.where(found["window_kind"] == "rolling", by_units, found["is_small"])
    is_hidden = np.zeros(len(cells), dtype=bool)
    is_hidden[found.loc[found["is_hidden"], "row"]] = True
    is_hidden |= told_by_few(cells)
    is_hidden |= tells_returns(cells, is_hidden, catalogue, min_users)
    no_audience = found.loc[found["is_hidden"] & found["quantity"].str.endswith(DENOMINATOR), "row"]
    is_hidden |= _with_counts(cells, is_hidden, cells.index.isin(no_audience), catalogue)
    both = pd.Series(is_hidden).groupby([cells[name] for name in KEY], sort=False).transform("any")
    cells["status_reason"] = without_others(cells["status_reason"])
    return blanked(cells, both.to_numpy(), min_users)


def blanked(cells: pd.DataFrame, is_hidden: BoolArray, min_users: int) -> pd.DataFrame:
    """Return the cells with some rows hidden; what was not measured says so."""
    cells = cells.copy()
    cells.loc[is_hidden, [*NUMBERS, *INSIDE]] = np.nan
    told = is_hidden & (cells["status"] != "not_measured").to_numpy()
    why = f"fewer than {min_users} users stand behind it, or behind a number that it would give away"
    cells.loc[told, ["status", "status_reason", "remedy", "estimator"]] = [HIDDEN, why, None, "none"]
    return cells


def _with_counts(cells: pd.DataFrame, is_hidden: BoolArray, no_audience: BoolArray, catalogue: Catalogue) -> BoolArray:
    """Find the rows that would tell a hidden count: rates of it, parts of it, cohorts of its users.

    Args:
        cells: the rows.
        is_hidden: those that are hidden already.
        no_audience: those of them whose denominator is hidden.
        catalogue: of their metrics.
    """
    metrics = catalogue.metrics.values()
    is_link = cells["metric"].isin([metric.metric for metric in catalogue.of_family("links")]).to_numpy()
    counts = cells["metric"].isin([metric.metric for metric in metrics if metric.kind == "count"]).to_numpy()
    links = _keys(cells, is_hidden & is_link & counts, LINK)
    found = is_link & ~counts & _in(cells[LINK], links)
    whole = {metric.metric for metric in catalogue.of_family("totals")}
    loads = cells["metric"].isin([m.metric for m in metrics if m.metric in whole or m.part_of in whole]).to_numpy()
    windows = _keys(cells, is_hidden & loads, WINDOW)
    people = [metric.metric for metric in catalogue.of_family("users")]
    found |= cells["metric"].isin(people).to_numpy() & _in(cells[WINDOW], windows)
    shown = _keys(cells, no_audience & is_link, [*WINDOW, "element_friendly_name"])
    for metric in metrics:
        if metric.seen is None:
            continue
        first = cells.loc[cells["metric"] == metric.metric, WINDOW].assign(window_days=metric.seen[1] + 1)
        place = first if metric.elements is None else first.assign(element_friendly_name=metric.elements)
        found[first.index] |= _in(place, windows if metric.elements is None else shown)
    return found


def _keys(cells: pd.DataFrame, where: BoolArray, columns: Sequence[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(cells.loc[where, list(columns)]).unique()


def _in(places: pd.DataFrame, keys: pd.MultiIndex) -> BoolArray:
    return pd.MultiIndex.from_frame(places).isin(keys)
