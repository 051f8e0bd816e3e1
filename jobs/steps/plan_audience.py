"""The users of a plan from the published audience of a wiki: which count is taken, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.audience import DEFAULT_BAND
from jobs.errors import UsageError
from jobs.marts.read import fetch_arrow
from jobs.warehouse.runs import Warehouse
from jobs.words import number

DAYS = 28
BANDS = f"""
select *
from fct_audience
where wiki_db = ? and definition = ''
qualify as_of_date = max(as_of_date) filter (where window_days = {DAYS}) over ()
order by band, window_days
"""
VISITORS = f"""
select as_of_date, estimate
from fct_metric_values
where metric = 'dashboard_visitors' and wiki_db = ? and window_kind = 'rolling' and window_days = {DAYS}
  and inference = 'realised' and edit_count_bucket = 'all' and status in ('publish', 'caution') and estimate > 0
order by as_of_date desc
limit 1
"""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class FromAudience:
    """What a plan takes from the warehouse.

    Attributes:
        users: eligible editors in 28 days.
        visiting_share: of these, who visits in 28 days, 1 at most: as given, or as published; None where neither is.
        told: where both come from, a sentence each.
    """

    users: float
    visiting_share: float | None
    told: tuple[str, ...]


def from_audience(warehouse: Warehouse, wiki: str, band: str | None, given: float | None = None) -> FromAudience:
    """Take the newest count of a wiki's eligible editors in 28 days.

    Args:
        warehouse: with the marts, of which no publish is cut off.
        wiki: its database name.
        band: of edit counts; None for the contract's first.
        given: who of them visits, as a share, instead of what is published.

    Raises:
        UsageError: nothing is published, nobody was counted, not this band, or so few that the count is hidden.
    """
    found = fetch_arrow(warehouse, BANDS, [wiki]).to_pylist()
    command = f"pdmetrics audience --history DIR --snapshot YYYY-MM --as-of DAY --wiki {wiki}"
    counted = [row for row in found if row["window_days"] == DAYS]
    wanted = band or str(DEFAULT_BAND)
    own = [row for row in counted if row["band"] == wanted]
    if not counted:
        what = f"The eligible editors of {wiki} were not counted over {DAYS} days."
        raise UsageError(what, where="--from-audience", next_step=f"{command} counts them; or give --users")
    if not own:
        there = ", ".join(sorted(row["band"] for row in counted))
        what = f"There is no count of the band {wanted} of {wiki} as of {counted[0]['as_of_date']}."
        raise UsageError(what, where="--band", next_step=f"there are {there}; {command} --bands {wanted} counts it")
    row = own[0]
    if not row["n_editors"]:
        few = "is hidden, for they are few" if row["n_editors"] is None else "is 0"
        what = f"The count of {wiki}, band {row['band']}, as of {row['as_of_date']} {few}."
        raise UsageError(what, where="--from-audience", next_step="give --users, or count a wider band")
    share, told = _visiting(warehouse, wiki, row) if given is None else (given, "Who visits: as --visiting-share says.")
    return FromAudience(float(row["n_editors"]), share, (_taken(row, counted, found), told))


def _taken(row: Row, counted: list[Row], found: list[Row]) -> str:
    """Say which row was taken, and what it grows to, which stands on the row of the longest window."""
    others = sorted(one["band"] for one in counted if one["band"] != row["band"])
    among = f" (--band takes another: {', '.join(others)})" if others else ""
    text = (
        f"Eligible editors: {row['n_editors']:,} in {DAYS} days to {row['as_of_date']}, band {row['band']}{among}, "
        f"snapshot {row['snapshot']} (fct_audience)"
    )
    grown = next((one for one in found if one["band"] == row["band"] and one["projected"] is not None), None)
    if grown is None:
        return f"{text}."
    ends = (number(grown[name], "users") for name in ("projected", "projected_lower", "projected_upper"))
    middle, lower, upper = ends
    return f"{text}; in {grown['projected_days'] // 7} weeks about {middle} ({lower} to {upper})."


def _visiting(warehouse: Warehouse, wiki: str, row: Row) -> tuple[float | None, str]:
    """Return the share of eligible editors that visits, as far as it is published, and what to say of it."""
    found = fetch_arrow(warehouse, VISITORS, [wiki]).to_pylist()
    if not found:
        text = f"No number of visitors of {wiki} in {DAYS} days is published: it is assumed that every eligible editor "
        return None, f"{text}visits, which is too many."
    visitors = found[0]["estimate"]
    share = min(visitors / row["n_editors"], 1.0)
    beyond = "; more than are eligible, since anyone with the address may visit" if visitors > row["n_editors"] else ""
    text = (
        f"Who visits: {visitors:,.0f} visitors in {DAYS} days to {found[0]['as_of_date']} over these editors is "
        f"{100 * visitors / row['n_editors']:.3g} %{beyond}."
    )
    return share, text
