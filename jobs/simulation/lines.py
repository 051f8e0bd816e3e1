"""Wire JSON of events, built from string parts: the tail once a page load, the head once an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from jobs.simulation.events import ACTIONS, CLICK, NO_ELEMENT, PAGEVIEW, Events
from jobs.simulation.population import BUCKETS, NO_BUCKET, Pageviews, Users
from jobs.simulation.sampling import DAY_MS, Ids, Int, epoch_ms
from jobs.simulation.scenarios import ENTRY_POINTS, HEALTH_METRICS, USAGE, WikiSpec
from jobs.simulation.vocabulary import ENTRY_POINT, PLATFORMS, Vocabulary

STREAM = "product_metrics.web_base"
_SCHEMA_2_1 = date(2026, 6, 15)  # the SDK moved from 2.0.0 to 2.1.0
_ACTION_CONTEXT = date(2026, 9, 1)  # from here on every event names its module group
_CONTEXT = r'"action_context":"{\"module_group\": \"default\", \"module_variants\": {}}",'
_SKINS = (("vector-2022", "vector-2022", "vector"), ("minerva", "minerva", "minerva"))
NAMES = (
    "Ayşe",
    "Budi Santoso",
    "สมชาย",
    "Quiet Reviewer",
    'The \\"Editor\\"',
    "Çınar",
    "Dewi",
    "Old Oak",
    "Wikifan",
    "Ørsted",
)  # as JSON has them; a user's is followed by his number
_MILLI = [f".{ms:03d}Z" for ms in range(1000)]
_MINUTE_SECOND = [f"{second // 60:02d}:{second % 60:02d}" for second in range(3600)]
_MIX = np.uint64(0x9E3779B97F4A7C15)


def hex_ids(heads: Ids, tails: Int) -> list[str]:
    """Write ids of 64 and 16 bits as 20 hex digits."""
    head, tail = heads.astype(">u8").tobytes().hex(), tails.astype(">u2").tobytes().hex()
    return [head[16 * i : 16 * i + 16] + tail[4 * i : 4 * i + 4] for i in range(len(heads))]


def _mixed(values: Ids) -> Ids:
    """Scramble 64-bit integers (the finaliser of splitmix64), so that token numbers look random."""
    z = (values + np.uint64(1)) * _MIX
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def timestamps(times: Int) -> list[str]:
    """Write ms since the epoch as ISO 8601 with ms and Z."""
    hours, rest = np.divmod(times, 3_600_000)
    prefix = {int(hour): str(np.datetime64(int(hour), "h")) + ":" for hour in np.unique(hours)}
    seconds, milli = np.divmod(rest, 1000)
    return [
        prefix[hour] + _MINUTE_SECOND[second] + _MILLI[ms]
        for hour, second, ms in zip(hours.tolist(), seconds.tolist(), milli.tolist(), strict=True)
    ]


def uuids(rng: np.random.Generator, n: int) -> tuple[list[str], list[str]]:
    """Draw `n` event ids and `n` request ids (the same bits in another order: nobody joins on them)."""
    digits = rng.bytes(16 * n).hex()
    raw = [digits[32 * i : 32 * i + 32] for i in range(n)]
    ids = [f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}" for h in raw]
    return ids, [f"{h[24:]}-{h[20:24]}-4{h[17:20]}-b{h[13:16]}-{h[:12]}" for h in raw]


@dataclass(frozen=True)
class LineBuilder:
    """Builds the lines of one wiki.

    Attributes:
        wiki: the wiki.
        users, views: its population.
        vocabulary: names of the elements.
        split: whether entry points have their own instrument, without user ids.
        token_seed: makes funnel tokens differ between wikis and seeds.
    """

    wiki: WikiSpec
    users: Users
    views: Pageviews
    vocabulary: Vocabulary
    split: bool
    token_seed: int

    def build(self, rng: np.random.Generator, events: Events, position: Int) -> list[str]:
        """Return one JSON line for each event of a day; `position` is the funnel sequence position."""
        if len(events.time) == 0:
            return []
        day = date(1970, 1, 1).toordinal() + int(events.time[0] // DAY_MS)
        heads = self._heads(date.fromordinal(day))
        opening, closing = self._actions(date.fromordinal(day))
        code = np.where(
            events.action == PAGEVIEW, 0, 1 + 2 * events.element.astype(np.int64) + (events.action == CLICK)
        )
        ids, requests = uuids(rng, len(events.time))
        client = events.time - events.delay + self.views.clock_offset[self.views.session[events.pageview]]
        return [
            f'{heads}{received}","id":"{event_id}","request_id":"{request}"}},"dt":"{sent}",'
            f"{opening[c]}{token}{closing[c]}{at},{tail}"
            for received, event_id, request, sent, c, token, at, tail in zip(
                timestamps(events.time), ids, requests, timestamps(client), code.tolist(),
                self._tokens(events), position.tolist(), self._tails(events), strict=True,
            )
        ]  # fmt: skip

    def _heads(self, day: date) -> str:
        version = "2.1.0" if day >= _SCHEMA_2_1 else "2.0.0"
        return (
            f'{{"$schema":"/analytics/product_metrics/web/base/{version}",'
            f'"meta":{{"domain":"{self.wiki.domain}","stream":"{STREAM}","dt":"'
        )

    def _actions(self, day: date) -> tuple[list[str], list[str]]:
        """Text around the token, by action code: 0 for a pageview, then impression and click of each element."""
        context = _CONTEXT if day >= _ACTION_CONTEXT else ""
        main = USAGE if self.split else HEALTH_METRICS
        opening = [f'"action":"pageview",{context}"instrument_name":"{main}","funnel_event_sequence_position":']
        closing = [""]
        for name, group in zip(self.vocabulary.elements, self.vocabulary.groups, strict=True):
            instrument = ENTRY_POINTS if self.split and group == ENTRY_POINT else main
            for action in ACTIONS[1:]:
                opening.append(f'"action":"{action}",{context}"element_friendly_name":"{name}","funnel_entry_token":"')
                closing.append(f'","instrument_name":"{instrument}","funnel_event_sequence_position":')
        return opening, closing

    def _tokens(self, events: Events) -> list[str]:
        values = events.token.astype(np.uint64) + np.uint64(self.token_seed << 32)
        mixed = _mixed(values)
        tokens = hex_ids(mixed, (_mixed(mixed) & np.uint64(0xFFFF)).astype(np.int64))
        return [
            "" if action == PAGEVIEW else token for action, token in zip(events.action.tolist(), tokens, strict=True)
        ]

    def _tails(self, events: Events) -> list[str]:
        """End of each line: agent, mediawiki and performer, shared by the events of a page load."""
        anonymous = np.zeros(len(events.time), dtype=bool)
        if self.split:
            entry = np.isin(events.element, self.vocabulary.codes(ENTRY_POINT))
            anonymous = entry & (events.element != NO_ELEMENT)
        keys, inverse = np.unique(events.pageview * 2 + anonymous, return_inverse=True)
        page, bare = keys // 2, (keys % 2).astype(bool)
        views, users = self.views, self.users
        user, session = views.user[page], views.session[page]
        tails = [
            self._tail(platform, bucket, who, number, variant, session_id, page_id, is_bare)
            for platform, bucket, who, number, variant, session_id, page_id, is_bare in zip(
                views.platform[page].tolist(), views.bucket[page].tolist(), users.user_id[user].tolist(),
                user.tolist(), users.variant[user].tolist(),
                hex_ids(views.session_head[session], views.session_tail[session]),
                hex_ids(views.id_head[page], views.id_tail[page]), bare.tolist(), strict=True,
            )
        ]  # fmt: skip
        return [tails[i] for i in inverse.tolist()]

    def _tail(
        self, platform: int, bucket: int, user_id: int, number: int, variant: int, session: str, page: str, bare: bool
    ) -> str:
        if bare:
            who = '"is_logged_in":true,"is_temp":false,'
        else:
            logged_in = "" if variant == 4 else '"is_logged_in":true,'
            temp = "" if variant == 3 else '"is_temp":false,'
            bot = {1: '"is_bot":null,', 2: '"is_bot":false,'}.get(variant, "")
            who = f'"id":{user_id},"name":"{NAMES[number % len(NAMES)]} {number}",{logged_in}{temp}{bot}'
        edits = "" if bucket == NO_BUCKET else f'"edit_count_bucket":"{BUCKETS[bucket]}",'
        return (
            f'"agent":{{"client_platform":"mediawiki_js","client_platform_family":"{PLATFORMS[platform]}"}},'
            f'"mediawiki":{{"database":"{self.wiki.wiki_db}","skin":"{_SKINS[platform][number % 3]}"}},'
            f'"performer":{{{who}{edits}"session_id":"{session}","pageview_id":"{page}"}}}}'
        )


def sequence_positions(events: Events, vocabulary: Vocabulary) -> Int:
    """Number the events of a page load from 1 by time; entry points count by themselves (their own SDK object)."""
    entry = np.isin(events.element, vocabulary.codes(ENTRY_POINT))
    counter = events.pageview * 2 + entry
    order = np.lexsort((events.time - events.delay, counter))
    ordered = counter[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order)) - first + 1
    return position


def day_bounds(events: Events, start: date, days: int) -> list[int]:
    """Positions at which each day of the world begins in events sorted by time; one more than days."""
    edges = epoch_ms(start) + np.arange(days + 1) * DAY_MS
    return [int(edge) for edge in np.searchsorted(events.time, edges)]
