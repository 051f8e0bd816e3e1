"""What an audience is in eight weeks: as `fct_audience` has it, counted or projected; nothing is computed anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.estimation.audience import PROJECTED_DAYS
from jobs.estimation.course import HORIZON
from jobs.explanation.choose import Records
from jobs.explanation.explanation import Forecast

STICKY = (
    "Eligibility is sticky in the product: whoever was in the band once keeps the link after leaving it. So this "
    "forecasts invitations, not who sees the link; and anyone with the address may visit."
)


def forecast_of(counts: Records, snapshot: str) -> Forecast:
    """Return the number of eight weeks of a band: the count where there is one, else the projection.

    Args:
        counts: rows of `fct_audience` of one wiki, band, day and definition, the shortest window first.
        snapshot: of the row that is explained. What was counted in others is no number of it, and only named.
    """
    found = _found(counts, snapshot)
    if found is not None:
        return found
    names = sorted({str(one["snapshot"]) for one in counts} - {snapshot})
    others = [name for name in names if _found(counts, name) is not None]
    how = f"none: {_why_none(counts, snapshot)}{_beside(others)}"
    return Forecast(PROJECTED_DAYS, None, None, None, None, None, how, STICKY)


def _found(counts: Records, snapshot: str) -> Forecast | None:
    own = _of(counts, snapshot)
    return _counted(own) or _projected(own)


def _beside(snapshots: Sequence[str]) -> str:
    """Name the other snapshots that have a number."""
    if not snapshots:
        return ""
    names = ", ".join(snapshots)
    return f"; snapshot {names} has one" if len(snapshots) == 1 else f"; snapshots {names} have one"


def _of(counts: Records, snapshot: str) -> Records:
    return [one for one in counts if one["snapshot"] == snapshot]


def _counted(own: Records) -> Forecast | None:
    whole = next((one for one in own if one["window_days"] == PROJECTED_DAYS and one["n_editors"] is not None), None)
    if whole is None:
        return None
    n, how = whole["n_editors"], "counted: a window of these days was asked for, so nothing is carried on"
    return Forecast(PROJECTED_DAYS, n, n, n, None, None, how, STICKY)


def _projected(own: Records) -> Forecast | None:
    """Tell the projection of a snapshot's longest window that has one, and the window it was made of beside that."""
    long = next((one for one in reversed(own) if one["projected"] is not None), None)
    if long is None:
        return None
    days, made_in = long["projected_days"], f"{long['n_editors']:,} in {long['window_days']}"
    short = max(
        (one for one in own if one["window_days"] < long["window_days"]), key=lambda one: one["window_days"], default={}
    )
    since = f"{short['n_editors']:,} in {short['window_days']} days" if short.get("n_editors") else "a shorter window"
    grows = f"it grows as t^{long['growth_exponent']:.2f}, and is carried on so{_up_to(own, long)}"
    how = f"from {since} to {made_in} {grows}"
    return Forecast(
        days, long["projected"], long["projected_lower"], long["projected_upper"], long["growth_exponent"],
        long["n_editors"] * days / long["window_days"], how, STICKY,
    )  # fmt: skip


def _longer(own: Records) -> Records:
    """Return the shown windows beyond eight weeks, the fewest editors first: more there cannot be in eight weeks."""
    longer = [one for one in own if one["window_days"] > PROJECTED_DAYS and one["n_editors"] is not None]
    return sorted(longer, key=lambda one: one["n_editors"])


def _up_to(own: Records, long: dict[str, Any]) -> str:
    """Name the longer window whose count a projection, or its upper end, is held down to."""
    most = next(iter(_longer(own)), None)
    if most is None or long["projected_upper"] < most["n_editors"]:
        return ""
    return f", up to the {most['n_editors']:,} who were counted in {most['window_days']} days"


def _why_none(counts: Records, snapshot: str) -> str:
    """Say why nothing is carried on, from the two longest shorter windows of a snapshot."""
    shorter = [one for one in counts if one["window_days"] < PROJECTED_DAYS]
    if len(shorter) < 2:
        return f"it takes two windows shorter than {PROJECTED_DAYS} days, and {len(shorter) or 'none'} was counted"
    used = _of(shorter, snapshot)[-2:]
    if len(used) < 2:
        return "these windows were not counted in one snapshot"
    if any(one["n_editors"] is None for one in used):
        return "the count of a window is hidden"
    if not all(one["n_editors"] for one in used):
        return "in a window nobody is eligible"
    if HORIZON * used[-1]["window_days"] < PROJECTED_DAYS:
        return f"{PROJECTED_DAYS} days are more than {HORIZON} times the longest window"
    if any(one["n_editors"] < used[-1]["n_editors"] for one in _longer(_of(counts, snapshot))):
        return (
            f"there are fewer editors in a window longer than {PROJECTED_DAYS} days than in {used[-1]['window_days']}"
        )
    return "fct_audience has no projection of these windows"  # they were counted before it told them of one snapshot
