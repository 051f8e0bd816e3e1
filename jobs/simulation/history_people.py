"""Editors of a wiki as mediawiki_history knows them: the users of the simulated dashboard, and others beside them.

Most editors never see the dashboard. They have ids from 10,000,000 on; those of two wikis are alike, as ids are local.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import IntEnum

import numpy as np

from jobs.simulation.lines import NAMES
from jobs.simulation.population import NO_BUCKET, Users
from jobs.simulation.sampling import Bool, Float, Ids, Int
from jobs.simulation.seeds import Purpose, Seeds

OTHERS_FROM = 10_000_000
NEVER = 10**6  # a day that does not come
_COHORT_IDS = 1_000_000
_NEWCOMERS = 0.02  # accounts made in a month, per account that is there at first

# Of others who are there at first: share, least and most edits, and the law of their edit days (gamma: shape, mean in a
# day), by class. Edit counts are log-uniform in a class. The law of the middle classes, and how many editors each has,
# are calibrated to what is published of English Wikipedia (`CALIBRATED` in history.py).
_SHARES = np.array([0.18, 0.545, 0.115, 0.16])
_LEAST = np.array([1, 100, 301, 501])
_MOST = np.array([99, 300, 500, 20_000])
_SHAPE = np.array([0.35, 0.50, 0.62, 0.60])
_MEAN = np.array([0.010, 0.0225, 0.0500, 0.030])
_MOST_A_DAY = 0.9

# Dashboard users: the least and most edits at first by bucket, and the count at which a bucket ends.
_BUCKET_LEAST = np.array([0, 1, 5, 100, 1000, 1])
_BUCKET_START = np.array([0, 3, 85, 900, 9000, 900])
_BUCKET_END = np.array([0, 4, 99, 999, NEVER, NEVER])
_BEFORE_A_CHANGE = 4  # an editor who is about to change bucket is so few edits below the next
_ON_A_VISIT, _LESS_BY_LOAD = 0.3, 3.0  # to edit on the day of a visit: the more visits, the less likely


class Bot(IntEnum):
    """Which rows call an account a bot, and by what."""

    no = 0
    by_group = 1
    by_name = 2
    by_both = 3
    lost_group = 4  # the rows until it lost the group; none says that it is one now
    new_group = 5  # the group came after its edits: it is one now, and was none then


@dataclass(frozen=True)
class Editors:
    """Editors of one wiki, one entry each; days count from the first day of detail.

    Attributes:
        user_id: local to the wiki.
        label: number that makes the name.
        rate: edit days in a day, where no visit decides it.
        on_visit: probability to edit on a day with a visit.
        count: edits before the first day.
        end, change_day, next_least: the count an editor does not exceed before `change_day`, the day he enters the next
            bucket, and the count he has then at least.
        later_end: the count he does not exceed from then on.
        first_day, last_day: days between which `rate` holds.
        renamed_on: first day under the name of today; before the first day for most.
        bot: code of `Bot`.
        bot_until: first day without the group, of those who lost it.
        is_temporary, is_cross_wiki: flags of the account.
        registered: days from the registration to the first day.
        is_visitor: whether he is a user of the dashboard.
    """

    user_id: Int
    label: Int
    rate: Float
    on_visit: Float
    count: Int
    end: Int
    change_day: Int
    next_least: Int
    later_end: Int
    first_day: Int
    last_day: Int
    renamed_on: Int
    bot: Int
    bot_until: Int
    is_temporary: Bool
    is_cross_wiki: Bool
    registered: Int
    is_visitor: Bool

    def bot_then(self, editor: Int, day: Int) -> Bool:
        """Whether the historical columns of these editors' rows of these days call them bots."""
        bot = self.bot[editor]
        always = (bot != Bot.no) & (bot != Bot.new_group) & (bot != Bot.lost_group)
        return np.asarray(always | ((bot == Bot.lost_group) & (day < self.bot_until[editor])))

    def bot_now(self, editor: Int) -> Bool:
        """Whether the columns of today call these editors bots."""
        bot = self.bot[editor]
        return np.asarray((bot != Bot.no) & (bot != Bot.lost_group))


def joined(parts: list[Editors]) -> Editors:
    """Put editors one behind the other."""
    names = [field.name for field in fields(Editors)]
    return Editors(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def draw_others(seeds: Seeds, n: int, first: date, months: list[date]) -> Editors:
    """Draw the editors beside the dashboard's users: those there at first, then the new accounts of each month."""
    cohorts = [_cohort(seeds.of(Purpose.editors, 0), n, OTHERS_FROM, 0)]
    for number, month in enumerate(months, start=1):
        rng = seeds.of(Purpose.editors, number)
        mean, since = _NEWCOMERS * n, (month - first).days
        new = _cohort(rng, int(rng.poisson(mean)), OTHERS_FROM + number * _COHORT_IDS, since)
        cohorts.append(_as_newcomers(rng, new, since))
    return joined(cohorts)


def _cohort(rng: np.random.Generator, n: int, first_id: int, since: int) -> Editors:
    """Draw accounts by class of their edit count: a few are bots, temporary, cross-wiki or were renamed."""
    kind = rng.choice(len(_SHARES), n, p=_SHARES)
    low, high = np.log(_LEAST[kind]), np.log(_MOST[kind] + 1.0)
    count = np.minimum(np.exp(rng.uniform(low, high)).astype(np.int64), _MOST[kind])
    rate = rng.gamma(_SHAPE[kind], _MEAN[kind] / _SHAPE[kind])
    bot = rng.choice(len(Bot), n, p=(0.958, 0.01, 0.005, 0.003, 0.012, 0.012))
    is_temporary = (rng.random(n) < 0.015) & (bot == Bot.no)
    is_cross_wiki = (rng.random(n) < 0.03) & (bot == Bot.no) & ~is_temporary
    never, whenever = np.full(n, NEVER), np.full(n, -NEVER)
    return Editors(
        user_id=first_id + np.arange(n) * 7 + rng.integers(0, 7, n),
        label=np.arange(n) + since * 1000,
        rate=np.minimum(np.where(bot != Bot.no, np.maximum(rate, 0.06), rate), _MOST_A_DAY),
        on_visit=np.zeros(n), count=np.where(is_temporary, np.minimum(count, 450), count),
        end=never, change_day=never, next_least=np.zeros(n, dtype=np.int64), later_end=never,
        first_day=whenever, last_day=never,
        renamed_on=np.where((rng.random(n) < 0.03) & ~is_temporary, rng.integers(20, 60, n), -1),
        bot=bot.astype(np.int64), bot_until=rng.integers(35, 55, n),
        is_temporary=is_temporary, is_cross_wiki=is_cross_wiki,
        registered=np.where(is_temporary, 60, 60 + rng.gamma(1.5, 1200.0, n)).astype(np.int64),
        is_visitor=np.zeros(n, dtype=bool),
    )  # fmt: skip


def _as_newcomers(rng: np.random.Generator, made: Editors, since: int) -> Editors:
    """Let accounts begin without an edit on a day of their month, and edit more than others in their first weeks."""
    arrival = since + rng.integers(0, 28, len(made.count))
    values = {field.name: getattr(made, field.name) for field in fields(Editors)}
    values |= {
        "count": np.zeros_like(made.count), "rate": np.minimum(made.rate * 5, _MOST_A_DAY), "first_day": arrival,
        "last_day": arrival + 60, "registered": -arrival, "renamed_on": np.full(len(arrival), -1),
    }  # fmt: skip
    return Editors(**values)


def visiting_editors(users: Users, wiki: int, offset: int) -> Editors:
    """Return the dashboard's users as editors, in their order; `offset` is the day of detail the world begins on.

    What is drawn of a user depends on his id alone, so that users who arrive later change nothing.
    """
    n, ids = len(users.user_id), users.user_id
    bucket, later = users.bucket.astype(np.int64), users.later_bucket.astype(np.int64)
    moves = (later > bucket) & (later != NO_BUCKET)
    low, high = np.log(np.maximum(_BUCKET_LEAST[bucket], 1)), np.log(_BUCKET_START[bucket] + 1.0)
    count = np.where(bucket == 0, 0, np.exp(low + _drawn(ids, wiki, 1) * (high - low)).astype(np.int64))
    close = np.maximum(_BUCKET_END[bucket] - (_drawn(ids, wiki, 2) * _BEFORE_A_CHANGE).astype(np.int64), 0)
    count = np.where(moves, np.maximum(close, _BUCKET_LEAST[bucket]), count)
    there_at_first = users.first_day == 0
    on_visit = _ON_A_VISIT / (1 + _LESS_BY_LOAD * users.loads_a_day)
    return Editors(
        user_id=ids, label=np.arange(n),
        rate=users.loads_a_day * on_visit, on_visit=on_visit,
        count=count, end=_BUCKET_END[bucket],
        change_day=np.where(later != bucket, users.change_day + offset, NEVER),
        next_least=np.where(moves, _BUCKET_LEAST[later], 0), later_end=_BUCKET_END[later],
        first_day=np.where(there_at_first, -NEVER, NEVER), last_day=np.full(n, offset),
        renamed_on=np.where(_drawn(ids, wiki, 3) < 0.03, 30 + (_drawn(ids, wiki, 4) * 25).astype(np.int64), -1),
        bot=np.zeros(n, dtype=np.int64), bot_until=np.zeros(n, dtype=np.int64),
        is_temporary=np.zeros(n, dtype=bool), is_cross_wiki=_drawn(ids, wiki, 5) < 0.02,
        registered=(120 + _drawn(ids, wiki, 6) * 3000).astype(np.int64),
        is_visitor=np.ones(n, dtype=bool),
    )  # fmt: skip


def _drawn(ids: Int, wiki: int, purpose: int) -> Float:
    """Return a number in [0, 1) for each id (scrambled as splitmix64 does), the same whoever else is asked for."""
    z: Ids = ids.astype(np.uint64) * np.uint64(64) + np.uint64(purpose) + np.uint64((wiki + 1) << 40)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 0x9E3779B97F4A7C15)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray((z >> np.uint64(11)).astype(np.float64) / 2.0**53)


def editor_name(editor_label: int, *, is_visitor: bool, is_temporary: bool, bot: int) -> str:
    """Name of an editor today; a dashboard user has the one his events carry."""
    if is_temporary:
        return f"~2026-{10_000 + editor_label}-{editor_label % 97:02d}"
    base = NAMES[editor_label % len(NAMES)].replace('\\"', '"')
    if is_visitor:
        return f"{base} {editor_label}"
    if bot in (Bot.by_name, Bot.by_both):
        return f"{base} {editor_label} Bot"
    return f"~ {base}, {editor_label}" if editor_label % 50 == 0 else f"{base} of old {editor_label}"


def registered_on(first: date, days_before: int) -> date:
    """Day on which an account was made."""
    return max(first - timedelta(days=days_before), date(2001, 3, 1))
