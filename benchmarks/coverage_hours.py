"""Coverage of rows whose window lost an hour, on worlds with known truth, cell by cell.

    python benchmarks/coverage_hours.py     write benchmarks/results/coverage_hours.csv (some five minutes)

A world is a wiki of 28 days with a rhythm of day and week: some hundred users who load the dashboard, are shown a link
and click it. Some of its hours are lost, drawn at random among those of the window's last day (`1 at the peak`: the
fullest). A cell is a kind of wiki, how much was lost, the window and the rate of pageviews. `before` counts worlds that
the interval of what was kept covers, `covered` those that the published one does. Only the last `known` days were
ingested; a `new` wiki has three. Worlds are seeded by the name of their cell. Half-widths are medians relative to the
estimate, over shown rows.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import csv
import zlib
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.estimation.people import users_estimate
from jobs.estimation.ratios import PairSums, design_ratio
from jobs.estimation.regimes import regime_sums
from jobs.estimation.totals import TotalSums, horvitz_thompson
from jobs.reference.rows import REVIEW_LINKS
from jobs.rows.arrival import Arrival, InputHour
from jobs.rows.hourly import HourlyCounts
from jobs.rows.lost_hours import widen
from jobs.windows import HOURS

RESULTS = Path(__file__).parent / "results" / "coverage_hours.csv"
AS_OF = date(2026, 5, 28)
DAYS, LINK, SEGMENT = 28, "diff link", ("desktop_browser", "5-99 edits")
WORLDS, BATCH = 60, 10
ROUNDING = 1e-9


@dataclass(frozen=True)
class Wiki:
    """A kind of wiki: users, their loads a day, and what is odd about it.

    `burst` is the share of hours that hold ten times as much, `trend` the growth over the 28 days, `known` the days
    that were ingested.
    """

    users: int
    loads: float
    burst: float = 0.0
    trend: float = 0.0
    known: int = DAYS


WIKIS = {
    "tiny": Wiki(15, 0.15),
    "small": Wiki(100, 0.2),
    "busy": Wiki(600, 0.6),
    "bursts": Wiki(100, 0.2, burst=0.03),
    "growing": Wiki(300, 0.3, trend=1.0),
    "new": Wiki(300, 0.3, known=3),
    "first day": Wiki(300, 0.3, known=1),
}
LOST = {"1": 1, "3": 3, "1 at the peak": -1}
COUNTS = {"dashboard_pageviews", "dashboard_visitors", "reviewers", "link_clicks"}


@dataclass(frozen=True)
class Row:
    """What came of a cell."""

    family: str
    wiki: str
    lost: str
    window_days: int
    rate: float
    worlds: int
    shown: int
    covered: int
    before: int
    not_estimable: int
    half_width: float


class World:
    """Loads, impressions and clicks by user, day and hour: all of them, and those that were kept and not lost."""

    def __init__(self, rng: np.random.Generator, wiki: Wiki, rate: float) -> None:
        hours = np.arange(HOURS)
        rhythm = 1 + 0.9 * np.cos(2 * np.pi * (hours - 14) / HOURS)
        week = np.array([1.0 if day % 7 < 5 else 0.6 for day in range(DAYS)])
        growth = 1 + wiki.trend * np.arange(DAYS) / DAYS
        odd = np.where(rng.random((DAYS, HOURS)) < wiki.burst, 10.0, 1.0)
        level = odd * np.outer(week * growth, rhythm / HOURS)
        eager = rng.lognormal(0, 1, wiki.users) * wiki.loads / np.exp(0.5)
        loads = rng.poisson(eager[:, None, None] * level).astype(np.int64)
        loads[:, : DAYS - wiki.known] = 0  # a wiki begins with the first day that is known of it
        kept = rng.binomial(loads, rate)
        likes = rng.beta(1, 6, wiki.users)[:, None, None]
        shown = [rng.binomial(part, 0.9) for part in (kept, loads - kept)]
        clicks = [rng.binomial(part, likes) for part in shown]
        self.kept = np.stack([kept, shown[0], clicks[0]])
        self.all = np.stack([loads, sum(shown), sum(clicks)])


def hourly(world: World, name: str, rate: float, lost: np.ndarray) -> list[pd.DataFrame]:
    """The rows of `hourly_counts` of a world."""
    kept = world.kept * ~lost
    events, users = kept.sum(axis=1), (kept > 0).sum(axis=1)
    frames = []
    for element, which in ((None, (0,)), (LINK, (1, 2)), (REVIEW_LINKS, (1, 2))):
        day, hour = np.nonzero(events[list(which)].sum(axis=0))
        columns: dict[str, Any] = {"event_date": [AS_OF - timedelta(days=DAYS - 1 - int(d)) for d in day]}
        for i, (count, people) in enumerate(
            (("n_loads", "n_visitors"), ("n_impressions", "n_shown_users"), ("n_clicks", "n_click_users"))
        ):
            is_own = i in which
            columns |= {count: events[i][day, hour] * is_own, people: users[i][day, hour] * is_own}
        platform, bucket = SEGMENT if element else (None, None)
        frames.append(
            pd.DataFrame(columns).assign(
                event_hour=hour, wiki_db=name, instrument_name="usage", sample_unit="pageview", sample_rate=rate,
                element_friendly_name=element, client_platform_family=platform, edit_count_bucket=bucket,
            )
        )  # fmt: skip
    return frames


def truths(world: np.ndarray, start: int) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of every metric over the days from `start` on."""
    loads, shown, clicks = world[:, :, start:]
    by_user = [part.sum(axis=(1, 2)) for part in (loads, shown, clicks)]
    visitors, exposed, clicked = (by > 0 for by in by_user)
    two_days = (clicks.sum(axis=2) > 0).sum(axis=1) >= 2
    came, back = loads[:, 0].sum(axis=1) > 0, loads[:, 1:].sum(axis=(1, 2)) > 0
    return {
        "dashboard_pageviews": (by_user[0].sum(), 1),
        "dashboard_visitors": (visitors.sum(), 1),
        "reviewers": (clicked.sum(), 1),
        "link_clicks": (by_user[2].sum(), 1),
        "pageviews_per_visitor": (by_user[0].sum(), visitors.sum()),
        "two_day_review_rate": ((two_days & visitors).sum(), visitors.sum()),
        "link_click_through_rate": (by_user[2].sum(), by_user[1].sum()),
        "link_click_through_rate_unique": ((clicked & exposed).sum(), exposed.sum()),
        "retention_day_1": ((came & back).sum(), came.sum()),
    }


def candidate(metric: str, world: World, lost: np.ndarray, start: int, rate: float) -> dict[str, Any] | None:
    """A row as the window sums and estimators leave it; None where they show nothing."""
    kept = world.kept * ~lost
    numerator, denominator = truths(kept, start)[metric]
    if denominator == 0:
        return None
    found = {"estimate": numerator / denominator, "lower": numerator / denominator, "upper": numerator / denominator}
    status, estimator = "publish", "count"
    if rate < 1 and metric in ("dashboard_pageviews", "link_clicks"):
        one = np.array([float(numerator)])
        total = horvitz_thompson(
            regime_sums([0], [rate], 1, TotalSums(y=one, yy=one, clusters=one, units=one)), np.array([False])
        )
        found = {name: float(getattr(total, name)[0]) for name in found}
        status, estimator = str(total.status[0]), "horvitz_thompson"
    elif rate < 1 and metric == "link_click_through_rate":
        y, x = np.array([float(numerator)]), np.array([float(denominator)])
        ratio = design_ratio(regime_sums([0], [rate], 1, PairSums(y=y, x=x, yy=y, xy=y, xx=x)), proportion=True)
        found = {name: float(getattr(ratio, name)[0]) for name in found}
        estimator = "hajek_ratio"
    elif rate < 1:
        units = kept[0, :, start:].sum(axis=(1, 2))
        k, m = np.unique(units[units > 0], return_counts=True)
        answer = users_estimate(k, m, rate)
        found = {name: np.nan if getattr(answer, name) is None else getattr(answer, name) for name in found}
        status, estimator = answer.status, answer.estimator
    return found | {
        "status": status, "estimator": estimator, "observed_denominator": denominator,
        "sampling_rate_min": rate, "sampling_rate_max": rate,
    }  # fmt: skip


def lose(rng: np.random.Generator, n: int, start: int) -> np.ndarray:
    """Draw which hours of the last day, or of a cohort's first, are lost."""
    lost = np.zeros((DAYS, HOURS), dtype=bool)
    day = start if start == DAYS - 2 and rng.random() < 0.5 else DAYS - 1
    lost[day, 14 if n < 0 else rng.choice(HOURS, n, replace=False)] = True
    return lost


def cells() -> list[tuple[str, str, int, float, int]]:
    """Kind of wiki, how much is lost, days, rate, worlds."""
    found = [
        (wiki, lost, days, 1.0, WORLDS)
        for wiki in WIKIS
        for lost in LOST
        for days in (1, 2, 7, 28)
        if days <= WIKIS[wiki].known
    ]
    return found + [
        (wiki, lost, days, rate, WORLDS)
        for wiki in ("small", "busy", "bursts", "new")
        for lost in ("1", "3")
        for days in (1, 7)
        for rate in (0.5, 0.1)
        if days <= WIKIS[wiki].known
    ]


METRICS_AT = {
    True: {
        1: ("dashboard_pageviews", "dashboard_visitors", "link_clicks", "link_click_through_rate"),
        2: ("retention_day_1",),
        7: (
            "dashboard_pageviews", "dashboard_visitors", "reviewers", "pageviews_per_visitor", "two_day_review_rate",
            "link_click_through_rate", "link_click_through_rate_unique",
        ),
        28: ("dashboard_pageviews", "dashboard_visitors", "two_day_review_rate", "link_click_through_rate_unique"),
    },
    False: dict.fromkeys(
        (1, 7), ("dashboard_pageviews", "dashboard_visitors", "link_clicks", "link_click_through_rate")
    ),
}  # fmt: skip


def run(wiki: str, lost: str, days: int, rate: float, n_worlds: int) -> list[Row]:
    """Simulate a cell: batches of worlds share the hours that are lost, as wikis do."""
    rng = np.random.default_rng(zlib.crc32(repr((wiki, lost, days, rate)).encode()))
    start, batches = DAYS - days, []
    for _ in range(n_worlds // BATCH):
        gone = lose(rng, LOST[lost], start)
        worlds = {f"w{i:02d}": World(rng, WIKIS[wiki], rate) for i in range(BATCH)}
        batches.append(rows_of(worlds, gone, days, rate, WIKIS[wiki].known))
    rows = pd.concat(batches, ignore_index=True)
    return [_tally(metric, own, (wiki, lost, days, rate), n_worlds) for metric, own in rows.groupby("metric")]


def rows_of(worlds: dict[str, World], gone: np.ndarray, days: int, rate: float, known: int) -> pd.DataFrame:
    """The rows of some worlds with their truths and the intervals of what was kept."""
    first = AS_OF - timedelta(days=DAYS - 1)
    arrival = Arrival(
        InputHour(first + timedelta(days=d), h, True, not gone[d, h], 1)
        for d in range(DAYS - known, DAYS)
        for h in range(HOURS)
    )
    counts = pd.concat([frame for name, world in worlds.items() for frame in hourly(world, name, rate, gone)])
    context = SimpleNamespace(
        catalogue=load_catalogue(), hourly=HourlyCounts(counts, arrival), visible_wikis=lambda _: sorted(worlds),
        reference=SimpleNamespace(wikis=()), vocabulary=(), first_seen={}, usage_began=lambda: first,
    )  # fmt: skip
    rows = []
    for metric in METRICS_AT[rate == 1][days]:
        for name, world in worlds.items():
            made = candidate(metric, world, gone, DAYS - days, rate)
            top, bottom = truths(world.all, DAYS - days)[metric]
            if made is not None and bottom > 0:
                element = LINK if metric.startswith("link") else "all"
                key = {"metric": metric, "wiki_db": name, "element_friendly_name": element, "truth": top / bottom}
                rows.append(key | made)
    frame = pd.DataFrame(rows).assign(
        metric_date=pd.Timestamp(AS_OF - timedelta(days=days - 1)), as_of_date=pd.Timestamp(AS_OF), remedy=None,
        client_platform_family="all", edit_count_bucket="all", is_complete=False, unmeasured_reason=None,
        status_reason="", inference="realised",
    )  # fmt: skip
    kept = frame[["lower", "upper"]].add_prefix("kept_")
    return pd.concat([widen(frame, cast(Any, context), DEFAULT_LIMITS), kept], axis=1)


def _tally(metric: str, rows: pd.DataFrame, cell: tuple[str, str, int, float], n_worlds: int) -> Row:
    shown = rows[rows["status"] != "not_estimable"]

    def holds(lower: str, upper: str) -> int:
        inside = (shown[lower] <= shown["truth"] + ROUNDING) & (shown["truth"] <= shown[upper] + ROUNDING)
        return int(inside.sum())

    half = (shown["upper"] - shown["lower"]) / 2 / shown["estimate"].where(shown["estimate"] > 0)
    return Row(
        metric, *cell, n_worlds, len(shown), holds("lower", "upper"), holds("kept_lower", "kept_upper"),
        len(rows) - len(shown), round(float(half.median()), 4),
    )  # fmt: skip


def main() -> None:
    """Run every cell and write what came of it."""
    found = [row for cell in cells() for row in run(*cell)]
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in found)
    shown, covered, before = (sum(getattr(row, name) for row in found) for name in ("shown", "covered", "before"))
    print(f"{len(found)} cells, {shown} rows: {covered / shown:.1%} covered, before {before / shown:.1%}")


if __name__ == "__main__":
    main()
