"""Truth of the metrics about loads, visitors, reviewers and those who come back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from jobs.simulation.sampling import Bool, Int
from jobs.simulation.truth_table import (
    Frame,
    Series,
    WikiTruth,
    Windows,
    cohorts,
    every_platform,
    matrix,
    quarter_to_date,
    rolling,
)
from jobs.simulation.vocabulary import MENU_LINK, REVIEW_LINKS

_WEEK = 7


def people_series(frame: Frame, wiki: WikiTruth) -> Iterator[Series]:
    """Yield the rows of a wiki that have no element: visits, reviews, returns."""
    events = wiki.events
    n = int(events.user.max(initial=-1)) + 1
    load = events.action == 0
    review = (events.action == 2) & np.isin(events.element, frame.vocabulary.codes(REVIEW_LINKS))
    loads = matrix(events.user[load], events.day[load], frame.days, n)
    reviews = matrix(events.user[review], events.day[review], frame.days, n)
    yield from _visit_series(frame, wiki, loads)
    yield from _review_series(frame, wiki, loads, reviews)
    yield from _return_series(frame, wiki, loads)
    if MENU_LINK in frame.vocabulary.elements:
        code = frame.vocabulary.elements.index(MENU_LINK)
        shown = (events.action == 1) & (events.element == code)
        presented = matrix(events.user[shown], events.day[shown], frame.days, n)
        yield from _presented_series(frame, wiki, loads, presented, every_platform(frame.measured[code]))


def _visit_series(frame: Frame, wiki: WikiTruth, loads: Int) -> Iterator[Series]:
    name = wiki.wiki_db
    for length in (1, 7, 28):
        windows = rolling(frame, wiki.visible, length)
        n_loads = windows.of_days(loads.sum(axis=0))
        visitors = _users(windows, loads)
        yield Series("dashboard_pageviews", name, "rolling", windows, n_loads, None, visitors)
        yield Series("dashboard_visitors", name, "rolling", windows, visitors, None, visitors)
        if length > 1:
            yield Series("pageviews_per_visitor", name, "rolling", windows, n_loads, visitors, visitors)
    windows = quarter_to_date(frame, wiki.visible, wiki.visible)
    visitors = _users(windows, loads)
    yield Series("dashboard_visitors", name, "quarter_to_date", windows, visitors, None, visitors)


def _users(windows: Windows, daily: Int) -> Int:
    """Distinct users of each window."""
    return np.asarray((windows.of_users(daily) > 0).sum(axis=0))


def _review_series(frame: Frame, wiki: WikiTruth, loads: Int, reviews: Int) -> Iterator[Series]:
    """Yield reviewers and the two-day review rate (T422024), where review links are measured on every day."""
    measured = every_platform(frame.review_measured())
    kinds = [("rolling", rolling(frame, wiki.visible, length)) for length in (7, 28)]
    kinds.append(("quarter_to_date", quarter_to_date(frame, wiki.visible, frame.first_review_day())))
    for kind, candidates in kinds:
        windows = candidates.take(candidates.all_true(measured))
        reviewers = _users(windows, reviews)
        yield Series("reviewers", wiki.wiki_db, kind, windows, reviewers, None, reviewers)
        visits = windows.of_users(loads) > 0
        twice = windows.of_users(reviews > 0) >= 2
        visitors = visits.sum(axis=0)
        yield Series(
            "two_day_review_rate", wiki.wiki_db, kind, windows, (twice & visits).sum(axis=0), visitors, visitors
        )


def _return_series(frame: Frame, wiki: WikiTruth, loads: Int) -> Iterator[Series]:
    name = wiki.wiki_db
    windows = cohorts(frame, wiki.visible, 2 * _WEEK, mondays=True)
    week, after = _two_weeks(windows, loads)
    cohort = week.sum(axis=0)
    yield Series("two_week_return_rate", name, "cohort", windows, (week & after).sum(axis=0), cohort, cohort)
    for metric, first, last in (
        ("retention_14d", 1, 14),
        ("retention_day_1", 1, 1),
        ("retention_day_7", 7, 7),
        ("retention_day_14", 14, 14),
    ):
        windows = cohorts(frame, wiki.visible, last + 1, mondays=False)
        visits = Windows(windows.first, windows.first).of_users(loads) > 0
        again = Windows(windows.first + last, windows.first + first).of_users(loads) > 0
        cohort = visits.sum(axis=0)
        yield Series(metric, name, "cohort", windows, (visits & again).sum(axis=0), cohort, cohort)


def _two_weeks(windows: Windows, daily: Int) -> tuple[Bool, Bool]:
    """Whether each user was there in the first and in the second week of each window."""
    week = Windows(windows.first + _WEEK - 1, windows.first).of_users(daily) > 0
    after = Windows(windows.last, windows.first + _WEEK).of_users(daily) > 0
    return week, after


def _presented_series(frame: Frame, wiki: WikiTruth, loads: Int, presented: Int, measured: Bool) -> Iterator[Series]:
    """Yield the presented two-week rate (WE1.3), where the menu link is measured all the first week.

    Only the first week asks who was shown the link; in the second it may be gone.
    """
    windows = cohorts(frame, wiki.visible, 2 * _WEEK, mondays=True)
    first_weeks = Windows(windows.first + _WEEK - 1, windows.first)
    windows = windows.take(first_weeks.all_true(measured))
    shown, _ = _two_weeks(windows, presented)
    week, after = _two_weeks(windows, loads)
    cohort = shown.sum(axis=0)
    yield Series(
        "presented_two_week_rate", wiki.wiki_db, "cohort", windows, (shown & week & after).sum(axis=0), cohort, cohort
    )
