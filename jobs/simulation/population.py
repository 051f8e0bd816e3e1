"""Users of a wiki, the sessions they keep and the pages they load: the complete population, before any sampling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from jobs.simulation.sampling import DAY_MS, Bool, Float, Ids, Int, epoch_ms
from jobs.simulation.scenarios import Scenario, WikiSpec
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
_SKEWED_SESSIONS = 0.004


@dataclass(frozen=True)
class Users:
    """Users of one wiki, one entry each.

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
    """Page loads of one wiki by user and time, with the sessions they belong to.

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


def draw_users(rng: np.random.Generator, n: int, days: int, scenario: Scenario) -> Users:
    """Draw `n` users: lognormal visit rates, gamma lifetimes, gamma click frailty, a few who change bucket."""
    visits = rng.random(n) < 0.6
    loads = np.exp(rng.normal(np.log(0.30) - 0.72, 1.2, n)) * np.where(visits, 1.0, 0.01)
    joined = np.where(rng.random(n) < 0.55, 0.0, rng.random(n) * days)
    is_mobile = rng.random(n) < 0.27
    is_keeper = rng.random(n) < scenario.tab_keepers
    bucket = rng.choice(len(BUCKETS), n, p=_BUCKET_SHARES).astype(np.int8)
    moves = rng.random(n) < 0.12
    later = np.where(moves & (bucket < 4), bucket + 1, bucket)
    later = np.where(moves & (bucket == 4) & (rng.random(n) < 0.1), NO_BUCKET, later)
    return Users(
        user_id=1000 + np.sort(rng.choice(12 * n, n, replace=False)),
        loads_a_day=np.minimum(loads, 25.0),
        pages_a_day=np.minimum(np.exp(rng.normal(np.log(0.45) - 0.5, 1.0, n)), 25.0),
        first_day=joined,
        last_day=joined + rng.gamma(1.2, 40.0, n),
        mobile_share=np.where(is_mobile, 0.92, 0.05),
        keeps_session=np.where(is_keeper, scenario.persistence, 0.03),
        click_propensity=rng.gamma(0.8, 1.25, n),
        bucket=bucket,
        later_bucket=later.astype(np.int8),
        change_day=rng.integers(0, max(days, 1), n),
        variant=rng.choice(5, n, p=(0.7, 0.12, 0.1, 0.04, 0.04)).astype(np.int8),
    )


def _daily_counts(
    rng: np.random.Generator, users: Users, wiki: WikiSpec, scenario: Scenario, start: date, days: int
) -> tuple[Int, Int]:
    """Draw dashboard loads and other page views of each (user, day)."""
    day = np.arange(days)
    active = (day + 1 > users.first_day[:, None]) & (day < users.last_day[:, None])
    weekday = _WEEKDAYS[(start.weekday() + day) % 7]
    week = day // 7
    noise = rng.gamma(1.5, 1 / 1.5, (len(users.user_id), int(week[-1]) + 1))[:, week]
    silent = silent_days(wiki, days)
    shown = np.where(day < silent, _SILENT_SHARE, 1.0)
    loads = rng.poisson(users.loads_a_day[:, None] * active * weekday * noise * shown)
    entry_live = scenario.vocabulary.measured(start, days)[scenario.vocabulary.codes(ENTRY_POINT)].any(axis=(0, 1))
    other = rng.poisson(users.pages_a_day[:, None] * active * weekday * (entry_live & (day >= silent)))
    return loads.astype(np.int64), other.astype(np.int64)


def silent_days(wiki: WikiSpec, days: int) -> int:
    """Days of silent rollout in a world of `days` days; a world of less than a week has none."""
    return wiki.silent_days if days >= 7 else 0


def draw_pageviews(
    rng: np.random.Generator, users: Users, wiki: WikiSpec, scenario: Scenario, start: date, days: int
) -> Pageviews:
    """Draw the page loads of a wiki and split each user's loads into sessions that may live for days."""
    loads, other = _daily_counts(rng, users, wiki, scenario, start, days)
    cells = np.concatenate([np.repeat(np.arange(loads.size), part.ravel()) for part in (loads, other)])
    is_dashboard = np.arange(len(cells)) < loads.sum()
    user, day = cells // days, cells % days
    ms = _time_of_day(rng, len(cells))
    order = np.lexsort((ms, day, user))
    user, day, ms, is_dashboard = user[order], day[order], ms[order], is_dashboard[order]
    session, first = _sessions(rng, users, user, day)
    mobile = rng.random(len(first)) < users.mobile_share[user[first]]
    mobile &= day[first] >= (MOBILE_START - start).days
    n_sessions, n = len(first), len(cells)
    bucket = np.where(day >= users.change_day[user], users.later_bucket[user], users.bucket[user])
    return Pageviews(
        user=user,
        session=session,
        time=epoch_ms(start) + day * DAY_MS + ms,
        is_dashboard=is_dashboard,
        platform=mobile[session].astype(np.int8),
        bucket=bucket.astype(np.int8),
        id_head=rng.integers(0, 2**64, n, dtype=np.uint64),
        id_tail=rng.integers(0, 2**16, n),
        session_head=rng.integers(0, 2**64, n_sessions, dtype=np.uint64),
        session_tail=rng.integers(0, 2**16, n_sessions),
        clock_offset=_clock_offsets(rng, n_sessions, scenario.dirt),
    )


def _time_of_day(rng: np.random.Generator, n: int) -> Int:
    """Draw ms of the day by the hourly profile."""
    edges = np.concatenate([[0.0], np.cumsum(_HOURS)]) / _HOURS.sum()
    hours = np.interp(rng.random(n), edges, np.arange(25.0))
    ms: Int = np.minimum((hours * 3_600_000).astype(np.int64), DAY_MS - 1)
    return ms


def _sessions(rng: np.random.Generator, users: Users, user: Int, day: Int) -> tuple[Int, Int]:
    """Number the sessions of loads sorted by user and time; also return each session's first load.

    A session ends when the browser closes: within a day seldom, over a night with the user's own probability.
    """
    n = len(user)
    if n == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    gap = np.diff(day, prepend=day[:1])
    keeps = np.where(gap == 0, 0.85, users.keeps_session[user] ** np.maximum(gap, 1))
    begins = rng.random(n) >= keeps
    begins[0] = True
    begins[1:] |= user[1:] != user[:-1]
    return np.cumsum(begins) - 1, np.flatnonzero(begins)


def _clock_offsets(rng: np.random.Generator, n: int, dirt: bool) -> Int:
    """Draw clock errors by session: half a second for most, 11 minutes to 30 hours for a few in a dirty world."""
    offset = rng.normal(0.0, _CLOCK_SD_MS, n)
    if dirt:
        skewed = rng.random(n) < _SKEWED_SESSIONS
        size = rng.uniform(11 * 60_000, 30 * 3_600_000, n) * np.where(rng.random(n) < 0.5, -1.0, 1.0)
        offset = np.where(skewed, size, offset)
    return offset.astype(np.int64)
