"""The users of a plan from the published audience of a wiki: which count is taken, and what is said of it."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.audience import DEFAULT_BAND, Band, count_command
from jobs.errors import UsageError
from jobs.estimation.audience import PROJECTED_DAYS
from jobs.marts.read import fetch_arrow
from jobs.warehouse.runs import Warehouse
from jobs.words import number

DAYS = 28
BANDS = f"""
select *
from fct_audience
where wiki_db = ? and definition = ''
qualify as_of_date = max(as_of_date) filter (where window_days = {DAYS}) over (partition by band)
order by band, window_days
"""
VISITORS = f"""
select as_of_date, estimate, lower, upper
from fct_metric_values
where metric = 'dashboard_visitors' and wiki_db = ? and window_kind = 'rolling' and window_days = {DAYS}
  and inference = 'realised' and edit_count_bucket = 'all'
  and (status in ('publish', 'caution') and estimate > 0 or status = 'bounds_only' and lower is not null)
order by status = 'bounds_only', as_of_date desc
limit 1
"""
ASSUMED = "it is assumed that every eligible editor visits; if you know that fewer do, --visiting-share takes it"
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
    """Take the newest count of a band of a wiki's eligible editors in 28 days.

    Args:
        warehouse: with the marts, of which no publish is cut off.
        wiki: its database name.
        band: of edit counts; None for the contract's first.
        given: who of them visits, as a share, instead of what is published.

    Raises:
        UsageError: nothing is published, nobody was counted, no such band, or so few that the count is hidden.
    """
    wanted = str(DEFAULT_BAND) if band is None else _read_band(band)
    found = fetch_arrow(warehouse, BANDS, [wiki]).to_pylist()
    command = count_command(wiki=wiki)
    counted = [row for row in found if row["window_days"] == DAYS]
    own = [row for row in counted if row["band"] == wanted]
    if not counted:
        what = f"The eligible editors of {wiki} were not counted over {DAYS} days."
        raise UsageError(what, where="--from-audience", next_step=f"{command} counts them; or give --users")
    if not own:
        there = ", ".join(sorted(row["band"] for row in counted))
        what = f"There is no count of the band {wanted} of {wiki} over {DAYS} days."
        raise UsageError(what, where="--band", next_step=f"there are {there}; {command} --bands {wanted} counts it")
    row = own[0]
    if not row["n_editors"]:
        few = "is hidden, for they are few" if row["n_editors"] is None else "is 0"
        what = f"The count of {wiki}, band {row['band']}, as of {row['as_of_date']} {few}."
        raise UsageError(what, where="--from-audience", next_step="give --users, or count a wider band")
    share, told = _visiting(warehouse, wiki, row) if given is None else (given, "Who visits: as --visiting-share says.")
    return FromAudience(float(row["n_editors"]), share, (_taken(row, counted, found), told))


def _read_band(text: str) -> str:
    """Return a band as marts write it.

    Raises:
        UsageError: it is none; a dash that only looks like the hyphen is named.
    """
    try:
        return str(Band.parse(text))
    except ValueError as error:
        what, next_step = f"{error}.", ""
    dashes = sorted({char for char in text if unicodedata.category(char) in ("Pd", "Sm") and char != "-"})
    with contextlib.suppress(ValueError):  # it is no band with a hyphen either
        meant = Band.parse("".join("-" if char in dashes else char for char in text))
        named = " and ".join(unicodedata.name(char).lower() for char in dashes)
        what = f"{text!r} is no band of edit counts: between its ends stands a hyphen, and this is: {named}."
        next_step = f"write --band {meant}"
    raise UsageError(what, where="--band", next_step=next_step)


def _taken(row: Row, counted: Sequence[Row], found: Sequence[Row]) -> str:
    """Say which row was taken, and how many they are in eight weeks: counted, or else projected."""
    others = sorted(_other(one, row) for one in counted if one["band"] != row["band"])
    among = f" (--band takes another: {', '.join(others)})" if others else ""
    text = (
        f"Eligible editors: {row['n_editors']:,} in {DAYS} days to {row['as_of_date']}, band {row['band']}{among}, "
        f"snapshot {row['snapshot']} (fct_audience)"
    )
    same = [one for one in found if (one["band"], one["snapshot"]) == (row["band"], row["snapshot"])]
    whole = next((one for one in same if one["window_days"] == PROJECTED_DAYS and one["n_editors"] is not None), None)
    if whole is not None:
        return f"{text}; in {PROJECTED_DAYS // 7} weeks {whole['n_editors']:,}, which were counted."
    grown = next((one for one in same if one["projected"] is not None), None)  # on the row of the longest window
    if grown is None:
        return f"{text}."
    ends = (number(grown[name], "users") for name in ("projected", "projected_lower", "projected_upper"))
    middle, lower, upper = ends
    return f"{text}; in {grown['projected_days'] // 7} weeks about {middle} ({lower} to {upper}), projected."


def _other(one: Row, taken: Row) -> str:
    """Name another band, with its day where that is not the one that is taken."""
    is_same = one["as_of_date"] == taken["as_of_date"]
    return str(one["band"]) if is_same else f"{one['band']} to {one['as_of_date']}"


def _visiting(warehouse: Warehouse, wiki: str, row: Row) -> tuple[float | None, str]:
    """Return the share of eligible editors that visits, as far as it is published, and what to say of it."""
    found = fetch_arrow(warehouse, VISITORS, [wiki]).to_pylist()
    n = row["n_editors"]
    if not found:
        return None, f"No number of visitors of {wiki} in {DAYS} days is published: {ASSUMED}."
    newest = found[0]
    if newest["estimate"] is None:
        return None, _between(newest, wiki, n)
    visitors = newest["estimate"]
    beyond = "; more than are eligible, since anyone with the address may visit" if visitors > n else ""
    text = (
        f"Who visits: {visitors:,.0f} visitors in {DAYS} days to {newest['as_of_date']} over these editors is "
        f"{100 * visitors / n:.3g} %{beyond}."
    )
    return min(visitors / n, 1.0), text


def _between(bounds: Row, wiki: str, n: int) -> str:
    """Say what bounds of the visitors tell of the assumption that every eligible editor visits."""
    lower, upper = bounds["lower"], bounds["upper"]
    ends = f"at least {lower:,.0f}" if upper is None else f"{lower:,.0f} to {upper:,.0f}"
    text = f"Of the visitors of {wiki} in {DAYS} days to {bounds['as_of_date']} only bounds are published, {ends}: "
    if upper is not None and upper < n:
        return f"{text}it is assumed that every eligible editor visits, which is too many; --visiting-share takes less."
    more = "more than are eligible, since anyone with the address may visit; " if lower > n else ""
    return f"{text}{more}{ASSUMED}."
