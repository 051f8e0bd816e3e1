"""Truth of the numbers that outlast a change of rate: of all units of a user, whichever was sampled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from jobs.simulation.sampling import DAY_MS, Bool, Float, Int, PolicyRow, epoch_ms, regimes_of
from jobs.simulation.truth_table import Frame, Series, Setting, WikiTruth, Windows, rolling

TWO_YEARS = 730
UNITS = ("pageview", "session")
LATER = 10**6  # a day after the end of any world
DECIMALS = 9  # beyond them users who come later change a sum by their place in it


def declared_settings(policy: list[PolicyRow], instrument: str, wiki_db: str, start: date) -> tuple[Setting, ...]:
    """Return how an instrument was declared to be sampled on a wiki."""
    regimes = regimes_of(policy, instrument, wiki_db)
    begins = [(regime.valid_from - epoch_ms(start)) // DAY_MS for regime in regimes]
    lasts = [(regime.valid_from - 1 - epoch_ms(start)) // DAY_MS for regime in regimes[1:]]
    return tuple(
        Setting(regime.unit, regime.rate, first, last)
        for regime, first, last in zip(regimes, begins, [*lasts, LATER], strict=True)
        if regime.declared
    )


def comparable_series(frame: Frame, wiki: WikiTruth) -> Iterator[Series]:
    """Yield rarefied visitors and pairs per visit, of windows that one unit and rate above 0 were declared in."""
    events = wiki.events
    loads = events.take(events.action == 0)
    for unit in UNITS:
        of_unit = loads.pageview if unit == "pageview" else loads.session
        for length in (7, 28):
            windows = rolling(frame, wiki.visible, length)
            windows = windows.take(_is_of(unit, wiki, windows))
            if len(windows.last) == 0:
                continue
            visits = _visits(loads.user, of_unit, loads.day, frame.days, windows, length)
            seen = np.asarray((visits > 0).sum(axis=0))
            missed = (1 - _smallest_rates(unit, wiki, windows.last)) ** visits
            yield Series(
                "dashboard_visitors_rarefied", wiki.wiki_db, "rolling", windows, seen, None, seen,
                values=(1 - missed).sum(axis=0).round(DECIMALS),
            )  # fmt: skip
            if length == 28:
                pairs, of_visits = (visits * (visits - 1)).sum(axis=0), visits.sum(axis=0)
                yield Series("visit_pairs_per_visit", wiki.wiki_db, "rolling", windows, pairs, of_visits, seen)


def _is_of(unit: str, wiki: WikiTruth, windows: Windows) -> Bool:
    """Whether a unit, and no other, was declared in each window."""
    inside = [
        (setting.unit, (setting.first <= windows.last) & (setting.last >= windows.first))
        for setting in wiki.settings
        if setting.rate > 0
    ]
    nowhere = np.zeros(len(windows.last), dtype=bool)
    own, other = (
        np.logical_or.reduce([nowhere, *(there for name, there in inside if (name == unit) == is_own)])
        for is_own in (True, False)
    )
    return np.asarray(own & ~other)


def _smallest_rates(unit: str, wiki: WikiTruth, last: Int) -> Float:
    """Return the smallest rate of a unit in the two years to each day."""
    rates = np.ones(len(last))
    for setting in wiki.settings:
        if setting.unit == unit and setting.rate > 0:
            there = (setting.first <= last) & (setting.last > last - TWO_YEARS)
            rates[there] = np.minimum(rates[there], setting.rate)
    return rates


def _visits(user: Int, unit: Int, day: Int, days: int, windows: Windows, length: int) -> Int:
    """Count distinct units of each user with a load in each window.

    A unit counts by its first day in the window: by day d, and p before it, in the windows that end from the later of d
    and p + length on, until d + length - 1.
    """
    order = np.lexsort((day, unit))
    user, unit, day = user[order], unit[order], day[order]
    is_new = np.ones(len(unit), dtype=bool)
    is_new[1:] = (np.diff(unit) != 0) | (np.diff(day) != 0)
    user, unit, day = user[is_new], unit[is_new], day[is_new]
    is_first = np.ones(len(unit), dtype=bool)
    is_first[1:] = np.diff(unit) != 0
    before = np.where(is_first, -length, np.roll(day, 1))
    size = int(user.max(initial=-1)) + 1
    steps = np.zeros((size, days + length), dtype=np.int64)
    np.add.at(steps, (user, np.maximum(day, before + length)), 1)
    np.add.at(steps, (user, day + length), -1)
    return np.asarray(steps.cumsum(axis=1)[:, windows.last])
