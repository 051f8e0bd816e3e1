"""The volume of a rollout: dashboard loads a day, weighted by 1/rate, against what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jobs.rollout.card import OK, OPEN, WRONG, Line
from jobs.rollout.evidence import Evidence

VOLUME_DAYS = 7
TOLERANCE = 0.5  # of the expected volume
TAIL = 0.025
WHAT = "volume"


class DayVolume(NamedTuple):
    """Loads of a day.

    Attributes:
        total: weighted by 1/rate.
        variance: of that total if loads came one by one, the sum of n / rate squared.
        largest_weight: the largest 1/rate.
        cluster: kept loads per kept session where sessions are sampled, else 1.
    """

    total: float
    variance: float
    largest_weight: float
    cluster: float


class MeanVolume(NamedTuple):
    """The mean of the days with its 95 % interval, and the overdispersion that this allows for."""

    mean: float
    lower: float
    upper: float
    dispersion: float


def mean_volume(by_day: Sequence[DayVolume]) -> MeanVolume:
    """Estimate the mean of the days' volume with a 95 % interval.

    The total is a weighted sum of Poisson counts, whose gamma interval (Fay and Feuer, 1997) is exact at one rate and
    holds at zero. Loads come in clusters and days differ, so counts are taken in units of the dispersion: variance
    between the days over what Poisson would give, not below 1 nor below the loads of a sampled session. Days are few,
    so that is rough; one day alone shows no difference between days.

    Args:
        by_day: at least one day.

    Raises:
        ValueError: no day is given.
    """
    from scipy import stats  # its import takes most of a second, and only this needs it

    if not by_day:
        raise ValueError("a mean of no days")
    totals = np.array([day.total for day in by_day])
    variance, n_days = float(sum(day.variance for day in by_day)), len(by_day)
    dispersion = max(1.0, *(day.cluster for day in by_day))
    if n_days > 1 and variance > 0:
        dispersion = max(dispersion, float(totals.var(ddof=1)) / (variance / n_days))
    total, spread = float(totals.sum()), variance * dispersion
    weight = max(day.largest_weight for day in by_day) * dispersion
    lower = spread / (2 * total) * stats.chi2.ppf(TAIL, 2 * total**2 / spread) if total > 0 else 0.0
    above, spread_above = total + weight, spread + weight**2
    upper = spread_above / (2 * above) * stats.chi2.ppf(1 - TAIL, 2 * above**2 / spread_above)
    return MeanVolume(total / n_days, float(lower) / n_days, float(upper) / n_days, dispersion)


def recent_volumes(evidence: Evidence) -> list[DayVolume]:
    """Return the volumes of the last complete visible days on which loads could be measured, at most seven."""
    measured = [day for day in evidence.visible_days if evidence.measures(day, usage_only=True)]
    found = []
    for day in measured[-VOLUME_DAYS:]:
        rows = [row for row in evidence.loads if row.event_date == day and row.n_loads]
        sampled = [row for row in rows if row.sample_unit == "session" and row.sample_rate < 1 and row.n_sessions]
        found.append(
            DayVolume(
                total=sum(row.n_loads / row.sample_rate for row in rows),
                variance=sum(row.n_loads / row.sample_rate**2 for row in rows),
                largest_weight=max([1 / row.sample_rate for row in rows], default=_weight_of(evidence)),
                cluster=max([row.n_loads / row.n_sessions for row in sampled], default=1.0),
            )
        )
    return found


def _weight_of(evidence: Evidence) -> float:
    """Return 1/rate of the smallest positive rate the dashboard ever had here: for a day without any load."""
    usage = [evidence.timelines[name] for name, is_usage in evidence.instruments.items() if is_usage]
    rates = [regime.sample_rate for timeline in usage for regime in timeline.regimes if regime.sample_rate > 0]
    return 1 / min(rates, default=1.0)


def volume_line(evidence: Evidence, expected_per_day: float | None) -> Line:
    """Judge the loads a day against what was expected."""
    volumes = recent_volumes(evidence)
    wanted = "not said" if expected_per_day is None else f"{expected_per_day:,.0f} loads a day, give or take half"
    if not volumes:
        return Line(WHAT, "no whole visible day yet", wanted, OPEN, "come back after the first one")
    mean = mean_volume(volumes)
    found = (
        f"{mean.mean:,.1f} loads a day ({mean.lower:,.1f} to {mean.upper:,.1f}, 95 %: Poisson, overdispersed "
        f"{mean.dispersion:.1f} times), mean of {len(volumes)} whole visible day{'s' if len(volumes) > 1 else ''}"
    )
    if expected_per_day is None:
        return Line(WHAT, found, wanted, OPEN, "say how many were expected: --expected-per-day N")
    low, high = (1 - TOLERANCE) * expected_per_day, (1 + TOLERANCE) * expected_per_day
    if mean.upper < low or mean.lower > high:
        return Line(
            WHAT, found, wanted, WRONG, "an outage, an undeclared rate (see the line on sampling), or a wrong number"
        )
    if low <= mean.mean <= high:
        return Line(WHAT, found, wanted, OK)
    return Line(WHAT, found, wanted, OPEN, "too few loads to tell: come back after some more days")
