"""Truth of the link metrics: impressions, clicks and the three click-through rates, by element and segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jobs.simulation.sampling import Bool, Int
from jobs.simulation.truth_table import (
    ALL,
    Frame,
    Series,
    TruthEvents,
    WikiTruth,
    Windows,
    every_platform,
    matrix,
    rolling,
)
from jobs.simulation.vocabulary import MENU_LINK, PLATFORMS, REVIEW_LINKS

_COUNTED = (1, 7, 28)
_UNIQUE = (7, 28)
IMPRESSION, CLICK = 1, 2


@dataclass(frozen=True)
class Segment:
    """A margin of a link's rows: the events in it, the days it can be measured, and its labels."""

    platform: str
    bucket: str
    inside: Bool
    measured: Bool


def link_series(frame: Frame, wiki: WikiTruth) -> Iterator[Series]:
    """Yield the link rows of a wiki: every element and the group `review links`, every margin."""
    events = wiki.events.take(wiki.events.element >= 0)
    for code, name in enumerate(frame.vocabulary.elements):
        mine = events.take(events.element == code)
        yield from _element_series(frame, wiki, name, mine, frame.measured[code], frame.has_user_ids(code))
    group = events.take(np.isin(events.element, frame.vocabulary.codes(REVIEW_LINKS)))
    yield from _element_series(frame, wiki, REVIEW_LINKS, group, frame.review_measured(), True)


def _element_series(
    frame: Frame, wiki: WikiTruth, name: str, events: TruthEvents, measured: Bool, has_user_ids: bool
) -> Iterator[Series]:
    shown, matched = shown_and_matched(events)
    # Users get dense numbers among those who met the element, to keep the matrices small.
    _, users = np.unique(events.user, return_inverse=True)
    for segment in _segments(frame, name, events, measured):
        inside = segment.inside
        daily = {
            "impressions": inside & (events.action == IMPRESSION),
            "clicks": inside & (events.action == CLICK),
            "shown": inside & shown,
            "matched": inside & matched,
        }
        days = {key: np.bincount(events.day[mask], minlength=frame.days) for key, mask in daily.items()}
        by_user = {key: matrix(users[daily[key]], events.day[daily[key]], frame.days, int(users.max(initial=-1)) + 1)
                   for key in ("impressions", "clicks")}  # fmt: skip
        for length in _COUNTED:
            windows = rolling(frame, wiki.visible, length)
            windows = windows.take(windows.all_true(segment.measured))
            if segment.bucket != ALL:
                code = frame.buckets.index(segment.bucket)
                present = np.bincount(events.day[events.bucket == code], minlength=frame.days)
                windows = windows.take(windows.of_days(present) > 0)
            if len(windows.last):
                yield from _window_series(wiki, name, segment, windows, length, days, by_user, has_user_ids)


def _segments(frame: Frame, name: str, events: TruthEvents, measured: Bool) -> Iterator[Segment]:
    """Yield the margins of an element; the menu link has no pooled platforms, its buckets are those of desktop."""
    every = np.ones(len(events.day), dtype=bool)
    pooled = name != MENU_LINK
    if pooled:
        yield Segment(ALL, ALL, every, every_platform(measured))
    for code, platform in enumerate(PLATFORMS):
        yield Segment(platform, ALL, events.platform == code, measured[code])
    for code, bucket in enumerate(frame.buckets):
        if pooled:
            yield Segment(ALL, bucket, events.bucket == code, every_platform(measured))
        else:
            yield Segment(PLATFORMS[0], bucket, (events.bucket == code) & (events.platform == 0), measured[0])


def _window_series(
    wiki: WikiTruth, name: str, segment: Segment, windows: Windows, length: int,
    days: dict[str, Int], by_user: dict[str, Int], has_user_ids: bool,
) -> Iterator[Series]:  # fmt: skip
    """Yield the five link metrics of one element, segment and window length."""
    seen = windows.of_users(by_user["impressions"]) > 0
    clicked = windows.of_users(by_user["clicks"]) > 0
    n_seen = seen.sum(axis=0) if has_user_ids else None
    n_clicked = clicked.sum(axis=0) if has_user_ids else None
    totals = {key: windows.of_days(daily) for key, daily in days.items()}

    def series(metric: str, numerator: Int, denominator: Int | None, n_users: Int | None) -> Series:
        return Series(
            metric, wiki.wiki_db, "rolling", windows, numerator, denominator, n_users,
            name, segment.platform, segment.bucket,
        )  # fmt: skip

    yield series("link_impressions", totals["impressions"], None, n_seen)
    yield series("link_clicks", totals["clicks"], None, n_clicked)
    yield series("link_click_through_rate", totals["clicks"], totals["impressions"], n_seen)
    yield series("link_click_through_rate_matched", totals["matched"], totals["shown"], n_seen)
    if length in _UNIQUE and n_seen is not None:
        yield series("link_click_through_rate_unique", (seen & clicked).sum(axis=0), n_seen, n_seen)


def shown_and_matched(events: TruthEvents) -> tuple[Bool, Bool]:
    """Mark the first impression of each (pageview, token, element, day), and those of them that were clicked.

    A click counts for an impression of the same key on the same day only.
    """
    columns = (events.pageview, events.token, events.element, events.day)
    key = np.zeros(len(events.day), dtype=np.int64)
    for column in columns:
        span = int(column.max(initial=0)) + 2
        _, key = np.unique(key * span + (column + 1), return_inverse=True)
    impression = np.flatnonzero(events.action == IMPRESSION)
    _, first = np.unique(key[impression], return_index=True)
    shown = np.zeros(len(events.day), dtype=bool)
    shown[impression[first]] = True
    matched = shown & np.isin(key, key[events.action == CLICK])
    return shown, matched
