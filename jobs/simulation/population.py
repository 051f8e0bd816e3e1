"""Users of a wiki, the sessions they keep and the pages they load: the complete population, before any sampling.

Users arrive week by week and load pages day by day, each drawn by itself: what happens on a day does not depend on how
many days follow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.simulation.sampling import DAY_MS, Bool, Float, Ids, Int, epoch_ms
from jobs.simulation.scenarios import Scenario, WikiSpec
from jobs.simulation.seeds import Purpose, Seeds
from jobs.simulation.vocabulary import ENTRY_POINT, MOBILE_START

Codes = npt.NDArray[np.int8]

BUCKETS = ("0 edits", "1-4 edits", "5-99 edits", "100-999 edits", "1000+ edits", "unknown")
NO_BUCKET = 5
_BUCKET_SHARES = (0.005, 0.015, 0.10, 0.66, 0.20, 0.02)
_WEEKDAYS = np.array([1.12, 1.08, 1.04, 1.0, 0.92, 0.85, 0.99])  # Monday first
_NIGHT_TO_NOON = (0.5, 0.35, 0.3, 0.25, 0.3, 0.4, 0.6, 0.8, 1.0, 1.1, 1.2, 1.25)
_NOON_TO_NIGHT = (1.2, 1.25, 1.3, 1.3, 1.25, 1.3, 1.4, 1.5, 1.5, 1.35, 1.1, 0.8)
_HOURS = np.array((*_NIGHT_TO_NOON, *_NOON_TO_NIGHT))  # relative traffic by UTC hour
_SILENT_SHARE = 0.03  # of the usual loads, while only those who know the address come
_CLOCK_SD_MS = 500
_WEEK = 7
_SEASON = 42  # days: so long until a wiki has met all users it is said to have, and until a change of bucket
_THERE_AT_FIRST = 0.55
_SKEWED_SESSIONS = 0.004


@dataclass(frozen=True)
class Users:
    """Users of one wiki, one entry each, in the order in which they arrive: those of a longer world come behind.

    Attributes:
        user_id: `performer.id`, local to the wiki; two wikis may share ids.
        loads_a_day, pages_a_day: mean dashboard loads, and views of other pages, on an active day.
        first_day, last_day: days of the world on which the user is active, as reals.
        mobile_share: probability that a session is on the mobile site.
        keeps_session: daily probability that the browser stays open.
        click_propensity: factor on every click probability, mean 1.
        bucket, later_bucket, change_day: edit-count bucket before and from `change_day` on.
        variant: which of the optional performer fields the user's events carry.
    """

    user_id: Int
    loads_a_day: Float
    pages_a_day: Float
    first_day: Float
    last_day: Float
    mobile_share: Float
    keeps_session: Float
    click_propensity: Float
    bucket: Codes
    later_bucket: Codes
    change_day: Int
    variant: Codes


@dataclass(frozen=True)
class Pageviews:
    """Page loads of one wiki by day, user and time, with the sessions they belong to.

    Attributes:
        user, session: positions in `Users` and in the session arrays.
        time: load time, ms since the epoch.
        is_dashboard: a load of the dashboard, else another page (only where an entry point is live).
        platform, bucket: codes in `PLATFORMS` and `BUCKETS`.
        id_head, id_tail: 64 and 16 bits of the pageview id.
        session_head, session_tail: bits of the session ids, by session.
        clock_offset: client's clock minus true time in ms, by session.
    """

    user: Int
    session: Int
    time: Int
    is_dashboard: Bool
    platform: Codes
    bucket: Codes
    id_head: Ids
    id_tail: Int
    session_head: Ids
    session_tail: Int
    clock_offset: Int


@dataclass(frozen=True)
class _Loads:
    """Page loads of a day by user and time, each with the session it begins should the one before have ended."""

    user: Int
    time: Int
    is_dashboard: Bool
    id_head: Ids
    id_tail: Int
    lives_on: Float
    platform_draw: Float
    session_head: Ids
    session_tail: Int
    clock_offset: Int


def _joined(parts: list[Any]) -> dict[str, Any]:
    """Concatenate the fields of like dataclasses of arrays."""
    return {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(parts[0])}


def draw_users(seeds: Seeds, n: int, days: int, scenario: Scenario) -> Users:
    """Draw the users of a wiki that has met `n` of them after a season: those there at first, then week by week."""
    ids_at_first, mean = 12 * n, n * (1 - _THERE_AT_FIRST) * _WEEK / _SEASON
    ids_of_a_week = 64 + 12 * int(np.ceil(mean))
    rng = seeds.of(Purpose.users, 0)
    at_first = max(round(n * _THERE_AT_FIRST), 2)
    cohorts = [_cohort(rng, np.zeros(at_first), scenario, 1000, ids_at_first)]
    for week in range(-(-days // _WEEK)):
        rng = seeds.of(Purpose.users, week + 1)
        arrival = (week + np.sort(rng.random(min(int(rng.poisson(mean)), ids_of_a_week)))) * _WEEK
        cohorts.append(_cohort(rng, arrival, scenario, 1000 + ids_at_first + week * ids_of_a_week, ids_of_a_week))
    return Users(**_joined(cohorts))


def _cohort(rng: np.random.Generator, arrival: Float, scenario: Scenario, first_id: int, n_ids: int) -> Users:
    """Draw users by arrival: lognormal visit rates, gamma lifetimes, gamma click frailty, a few who change bucket."""
    n = len(arrival)
    visits = rng.random(n) < 0.6
    loads = np.exp(rng.normal(np.log(0.30) - 0.72, 1.2, n)) * np.where(visits, 1.0, 0.01)
    is_mobile = rng.random(n) < 0.27
    is_keeper = rng.random(n) < scenario.tab_keepers
    bucket = rng.choice(len(BUCKETS), n, p=_BUCKET_SHARES).astype(np.int8)
    moves = rng.random(n) < 0.12
    later = np.where(moves & (bucket < 4), bucket + 1, bucket)
    later = np.where(moves & (bucket == 4) & (rng.random(n) < 0.1), NO_BUCKET, later)
    return Users(
        user_id=first_id + np.sort(rng.choice(n_ids, n, replace=False)),
        loads_a_day=np.minimum(loads, 25.0),
        pages_a_day=np.minimum(np.exp(rng.normal(np.log(0.45) - 0.5, 1.0, n)), 25.0),
        first_day=arrival,
        last_day=arrival + rng.gamma(1.2, 40.0, n),
        mobile_share=np.where(is_mobile, 0.92, 0.05),
        keeps_session=np.where(is_keeper, scenario.persistence, 0.03),
        click_propensity=rng.gamma(0.8, 1.25, n),
        bucket=bucket,
        later_bucket=later.astype(np.int8),
        change_day=arrival.astype(np.int64) + rng.integers(0, _SEASON, n),
        variant=rng.choice(5, n, p=(0.7, 0.12, 0.1, 0.04, 0.04)).astype(np.int8),
    )


def draw_pageviews(seeds: Seeds, users: Users, wiki: WikiSpec, scenario: Scenario, start: date, days: int) -> Pageviews:
    """Draw the page loads of a wiki and split each user's loads into sessions that may live for days."""
    vocabulary = scenario.vocabulary
    entry_live: Bool = np.any(vocabulary.measured(start, days)[vocabulary.codes(ENTRY_POINT)], axis=(0, 1))
    noise: Float = np.zeros(0)
    parts = []
    for day in range(days):
        if day % _WEEK == 0:  # a user's mood lasts a week
            known = int(np.searchsorted(users.first_day, day + _WEEK))
            noise = seeds.of(Purpose.activity, day // _WEEK).gamma(1.5, 1 / 1.5, known)
        silent = day < wiki.silent_days
        weekday = _WEEKDAYS[(start.weekday() + day) % 7]
        dashboards = weekday * noise * (_SILENT_SHARE if silent else 1.0)
        others = weekday * float(entry_live[day] and day >= wiki.shown_from)
        rng = seeds.of(Purpose.pageviews, day)
        parts.append(_loads_of_day(rng, users, dashboards, others, epoch_ms(start) + day * DAY_MS, day, scenario.dirt))
    loads = _Loads(**_joined(parts))
    on: Int = np.repeat(np.arange(days), [len(part.user) for part in parts])
    session, first = _sessions(users, loads.user, on, loads.lives_on)
    mobile: Bool = loads.platform_draw[first] < users.mobile_share[loads.user[first]]
    is_measured: Bool = on[first] >= (MOBILE_START - start).days
    bucket = np.where(on >= users.change_day[loads.user], users.later_bucket[loads.user], users.bucket[loads.user])
    return Pageviews(
        user=loads.user, session=session, time=loads.time, is_dashboard=loads.is_dashboard,
        platform=(mobile & is_measured)[session].astype(np.int8), bucket=bucket.astype(np.int8),
        id_head=loads.id_head, id_tail=loads.id_tail,
        session_head=loads.session_head[first], session_tail=loads.session_tail[first],
        clock_offset=loads.clock_offset[first],
    )  # fmt: skip


def _loads_of_day(
    rng: np.random.Generator, users: Users, dashboards: Float, others: float, first_ms: int, day: int, dirt: bool
) -> _Loads:
    """Draw the loads of those users who arrive until the week ends, at their own rates times these factors."""
    known = slice(len(dashboards))
    active = (users.first_day[known] < day + 1) & (day < users.last_day[known])
    counts = rng.poisson(users.loads_a_day[known] * active * dashboards)
    counts_elsewhere = rng.poisson(users.pages_a_day[known] * active * others)
    number = np.arange(len(dashboards))
    user = np.concatenate([np.repeat(number, counts), np.repeat(number, counts_elsewhere)])
    n = len(user)
    ms = _time_of_day(rng, n)
    order = np.lexsort((ms, user))
    return _Loads(
        user=user[order],
        time=first_ms + ms[order],
        is_dashboard=order < counts.sum(),
        id_head=rng.integers(0, 2**64, n, dtype=np.uint64),
        id_tail=rng.integers(0, 2**16, n),
        lives_on=rng.random(n),
        platform_draw=rng.random(n),
        session_head=rng.integers(0, 2**64, n, dtype=np.uint64),
        session_tail=rng.integers(0, 2**16, n),
        clock_offset=_clock_offsets(rng, n, dirt),
    )


def _time_of_day(rng: np.random.Generator, n: int) -> Int:
    """Draw ms of the day by the hourly profile."""
    edges = np.concatenate([[0.0], np.cumsum(_HOURS)]) / _HOURS.sum()
    hours = np.interp(rng.random(n), edges, np.arange(25.0))
    ms: Int = np.minimum((hours * 3_600_000).astype(np.int64), DAY_MS - 1)
    return ms


def _sessions(users: Users, user: Int, day: Int, lives_on: Float) -> tuple[Int, Int]:
    """Number the sessions of loads sorted by day, user and time; also return each session's first load.

    A session ends when the browser closes: within a day seldom, over a night with the user's own probability.
    """
    order = np.argsort(user, kind="stable")
    who, when = user[order], day[order]
    gap = np.diff(when, prepend=when[:1])
    keeps = np.where(gap == 0, 0.85, users.keeps_session[who] ** np.maximum(gap, 1))
    begins = lives_on[order] >= keeps
    begins[1:] |= who[1:] != who[:-1]
    begins[:1] = True
    session = np.empty(len(user), dtype=np.int64)
    session[order] = np.cumsum(begins) - 1
    return session, order[begins]


def _clock_offsets(rng: np.random.Generator, n: int, dirt: bool) -> Int:
    """Draw clock errors by session: half a second for most, 11 minutes to 30 hours for a few in a dirty world."""
    offset = rng.normal(0.0, _CLOCK_SD_MS, n)
    if dirt:
        skewed = rng.random(n) < _SKEWED_SESSIONS
        size = rng.uniform(11 * 60_000, 30 * 3_600_000, n) * np.where(rng.random(n) < 0.5, -1.0, 1.0)
        offset = np.where(skewed, size, offset)
    return offset.astype(np.int64)
