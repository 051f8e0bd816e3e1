"""What happens on a loaded page: the pageview event, cards that come into view, and clicks on them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from jobs.simulation.population import Codes, Pageviews, Users
from jobs.simulation.sampling import DAY_MS, Bool, Float, Int, epoch_ms
from jobs.simulation.seeds import Purpose, Seeds
from jobs.simulation.vocabulary import ENTRY_POINT, REVIEW_LINKS, SIDEBAR_LINK, Vocabulary

PAGEVIEW, IMPRESSION, CLICK = 0, 1, 2
ACTIONS = ("pageview", "impression", "click")
NO_ELEMENT = -1

_FEED_SHARES = (0.6, 0.25, 0.15)  # recent changes, watchlist, recently edited
_CARDS_MEAN = 1.8  # beyond the first card
_OTHER_VISIBLE = 0.35
_REVIEW_CLICK, _OTHER_CLICK, _ENTRY_CLICK = 0.10, 0.02, 0.006
_REPEAT_CLICK = 0.12
_TALL_CARD_CLICK = 0.05  # of mobile loads: a click on a card too tall to become fully visible
_SLOWEST_CLICK_MS = 1_800_000
_TOKEN_BITS = 22  # tokens of a wiki's day; days with more share some, which page loads tell apart


@dataclass(frozen=True)
class Events:
    """Events of one wiki, before sampling.

    Attributes:
        pageview: position in `Pageviews`.
        time: receive time (`meta.dt`), ms since the epoch.
        delay: ms from the event on the client to its receipt.
        action: code in `ACTIONS`.
        element: code in the vocabulary, `NO_ELEMENT` for pageviews.
        token: number of the funnel entry token, -1 for pageviews.
    """

    pageview: Int
    time: Int
    delay: Int
    action: Codes
    element: Codes
    token: Int

    def take(self, where: Bool | Int) -> Events:
        """Return the events at a mask or at positions."""
        return Events(
            self.pageview[where],
            self.time[where],
            self.delay[where],
            self.action[where],
            self.element[where],
            self.token[where],
        )


def draw_events(
    seeds: Seeds, users: Users, views: Pageviews, vocabulary: Vocabulary, visible: int, start: date, days: int
) -> Events:
    """Draw all events of a wiki's page loads, sorted by receive time; what falls after the world's end is dropped.

    Args:
        seeds: randomness of the wiki.
        users: users of the wiki.
        views: their page loads.
        vocabulary: elements and the days they are live.
        visible: first day of the world on which entry points are shown.
        start: first day of the world.
        days: its length.
    """
    measured = vocabulary.measured(start, days)
    measured[vocabulary.codes(ENTRY_POINT), :, :visible] = False
    edges = np.searchsorted((views.time - epoch_ms(start)) // DAY_MS, np.arange(days + 1)).tolist()
    parts = []
    for day in range(days):
        pages = np.arange(edges[day], edges[day + 1])
        rng = seeds.of(Purpose.events, day)
        parts.append(_events_of_day(rng, users, views, pages, vocabulary, measured[:, :, day], day << _TOKEN_BITS))
    events = Events(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Events)))
    return _within_life(events, views, measured, start, days)


def _events_of_day(
    rng: np.random.Generator, users: Users, views: Pageviews, pages: Int, vocabulary: Vocabulary, measured: Bool,
    first_token: int,
) -> Events:  # fmt: skip
    """Draw the events of a day's page loads; `measured` is by (element, platform)."""
    load = pages[views.is_dashboard[pages]]
    shown_view, shown_element = _impressions(rng, views, vocabulary, measured, pages, load)
    tall_view, tall_element = _tall_cards(rng, views, vocabulary, measured, load)
    page = np.concatenate([shown_view, tall_view])
    element = np.concatenate([shown_element, tall_element])
    seen = np.arange(len(shown_view))
    click = _clicks(rng, users, views, vocabulary, page, element, len(seen))
    none = np.full(len(load), -1)
    pageview = np.concatenate([load, page[seen], page[click]])
    after = [rng.uniform(300, 2000, len(load)), rng.uniform(400, 20_000, len(seen)), _click_delay(rng, len(click))]
    delay = rng.uniform(80, 1500, len(pageview)).astype(np.int64)
    return Events(
        pageview=pageview,
        time=views.time[pageview] + np.concatenate(after).astype(np.int64) + delay,
        delay=delay,
        action=np.repeat([PAGEVIEW, IMPRESSION, CLICK], [len(load), len(seen), len(click)]).astype(np.int8),
        element=np.concatenate([none, element[seen], element[click]]).astype(np.int8),
        token=np.concatenate([none, first_token + seen, first_token + click]).astype(np.int64),
    )


def _clicks(
    rng: np.random.Generator,
    users: Users,
    views: Pageviews,
    vocabulary: Vocabulary,
    page: Int,
    element: Int,
    n_seen: int,
) -> Int:
    """Draw the cards clicked, one entry a click: those seen by chance, those beyond `n_seen` (too tall) always."""
    probability = _click_probability(vocabulary)[element] * users.click_propensity[views.user[page]]
    clicked = rng.random(len(page)) < np.minimum(probability, 0.9)
    clicked[n_seen:] = True
    times = np.where(clicked, rng.geometric(1 - _REPEAT_CLICK, len(page)), 0)
    return np.repeat(np.arange(len(page)), times)


def _within_life(events: Events, views: Pageviews, measured: Bool, start: date, days: int) -> Events:
    """Sort by time and drop what happens after the world's end or after its element stopped being measured."""
    day = (events.time - epoch_ms(start)) // DAY_MS
    inside = day < days
    live = measured[events.element, views.platform[events.pageview], np.minimum(day, days - 1)]
    events = events.take(inside & (live | (events.element == NO_ELEMENT)))
    return events.take(np.argsort(events.time, kind="stable"))


def _click_probability(vocabulary: Vocabulary) -> Float:
    """Click probability of an impression for a user of propensity 1, by element code."""
    by_group = {REVIEW_LINKS: _REVIEW_CLICK, ENTRY_POINT: _ENTRY_CLICK}
    return np.array([by_group.get(group, _OTHER_CLICK) for group in vocabulary.groups])


def _click_delay(rng: np.random.Generator, n: int) -> Float:
    """Draw ms from page load to click: median 25 seconds, sometimes minutes."""
    return np.clip(rng.lognormal(np.log(25_000), 1.2, n), 2_000, _SLOWEST_CLICK_MS)


def _impressions(
    rng: np.random.Generator, views: Pageviews, vocabulary: Vocabulary, measured: Bool, pages: Int, dashboards: Int
) -> tuple[Int, Int]:
    """Draw which elements become visible on each page: several review cards, at most one of any other."""
    review = vocabulary.codes(REVIEW_LINKS)
    cards = np.repeat(dashboards, 1 + rng.poisson(_CARDS_MEAN, len(dashboards)))
    feed = np.asarray(review)[rng.choice(len(review), len(cards), p=_FEED_SHARES[: len(review)])]
    # A feed that is not live yet shows its cards as plain diff links; where that is dead too, nothing is sent.
    feed = np.where(measured[feed, views.platform[cards]], feed, review[0])
    sent = measured[feed, views.platform[cards]]
    view_parts, element_parts = [cards[sent]], [feed[sent]]
    for code, group in enumerate(vocabulary.groups):
        if group == REVIEW_LINKS or not measured[code].any():
            continue
        at = pages if group == ENTRY_POINT else dashboards
        share = _OTHER_VISIBLE if group != ENTRY_POINT else (0.5 if vocabulary.elements[code] == SIDEBAR_LINK else 0.95)
        seen = (rng.random(len(at)) < share) & measured[code, views.platform[at]]
        view_parts.append(at[seen])
        element_parts.append(np.full(int(seen.sum()), code))
    return np.concatenate(view_parts), np.concatenate(element_parts).astype(np.int64)


def _tall_cards(
    rng: np.random.Generator, views: Pageviews, vocabulary: Vocabulary, measured: Bool, dashboards: Int
) -> tuple[Int, Int]:
    """Draw mobile loads with a click on a card that never became fully visible, so has no impression."""
    code = vocabulary.codes(REVIEW_LINKS)[0]
    mobile = dashboards[(views.platform[dashboards] == 1) & measured[code, 1]]
    tall = mobile[rng.random(len(mobile)) < _TALL_CARD_CLICK]
    return tall, np.full(len(tall), code, dtype=np.int64)
