"""The cells of the coverage study of people metrics: which metric, whose visits, what is sampled, how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from coverage_worlds import LOADS, PAIR_SHAPES, USERS_SHAPES

SHARES = ("retention", "unique CTR", "two-day review")
FIRST_SHAPES = tuple(USERS_SHAPES)[:8]
FIRST_PAIRS = tuple(PAIR_SHAPES)[:8]
ALL_RATES = (0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95)
SPANNING = ("0.5 %", "0.9 %", "2 %", "5 %", "10 %", "30 %")


@dataclass(frozen=True)
class Cell:
    """What is simulated.

    Attributes:
        family: the metric.
        shape: how often people come.
        unit: what is sampled, `pageview` or `session`; a law of pageviews per session where the answer depends on it.
        regime: `one rate`, `100 % segment` (beside the sampled one), or which sessions touch both windows.
        size: users in the population.
        rate1: sampling rate, in the first window.
        rate2: sampling rate in the second window; the same where there is one window.
    """

    family: str
    shape: str
    unit: str
    regime: str
    size: int
    rate1: float
    rate2: float

    @property
    def is_share(self) -> bool:
        """Whether errors are in points rather than relative."""
        return self.family in SHARES


def study() -> dict[Cell, int]:
    """All cells, each with its number of worlds; a cell that several parts of the study name is there once."""
    cells = {cell: 200 if cell.family == "users" else 40 for cell in first_study()}
    for part in (small_wikis(), every_rate(), seen_to_fail(), sessions(), mixed_rates()):
        for cell, worlds in part:
            cells.setdefault(cell, worlds)
    return cells


def first_study() -> Iterator[Cell]:
    """The cells of the study before November 2026, as they were: what is published there is compared."""
    for unit in ("pageview", "session"):
        for rate in (0.5, 0.25, 0.1, 0.75):
            for shape in FIRST_SHAPES:
                yield Cell("users", shape, unit, "one rate", 2000, rate, rate)
                if unit == "pageview" and rate >= 0.25:
                    yield Cell("users", shape, unit, "one rate", 200, rate, rate)
    for rate in (0.5, 0.25, 0.1):
        for shape in FIRST_SHAPES:
            yield Cell("users", shape, "pageview", "100 % segment", 1000, rate, rate)
            yield Cell("pageviews per visitor", shape, "pageview", "one rate", 1000, rate, rate)
            yield Cell("unique CTR", shape, "pageview", "one rate", 2000, rate, rate)
            yield Cell("two-day review", shape, "pageview", "one rate", 1000, rate, rate)
    for shape in FIRST_PAIRS:
        for rate in (0.5, 0.25, 0.75, 0.1):
            for size in (600, 3000):
                yield Cell("retention", shape, "pageview", "one rate", size, rate, rate)
            yield Cell("retention", shape, "session", "one rate", 3000, rate, rate)
        for pair in ((0.5, 1.0), (1.0, 0.5), (0.25, 1.0), (0.5, 0.25)):
            yield Cell("retention", shape, "pageview", "one rate", 2000, *pair)
        for rate in (0.5, 0.25, 0.1):
            yield Cell("retention", shape, "pageview", "100 % segment", 2000, rate, rate)
        for rate in (0.5, 0.75):
            for regime in ("10 % spanning", "30 % spanning"):
                yield Cell("retention", shape, "session", regime, 2000, rate, rate)
        yield Cell("retention", shape, "session", "1 % spanning", 2000, 0.5, 0.5)
    for shape in ("light", "lognormal", "structural zeros", "devoted minority"):
        yield Cell("retention", shape, "session", "often spanning", 2000, 0.5, 0.5)
        yield Cell("retention", shape, "session", "10 % spanning", 2000, 0.25, 0.25)


def small_wikis() -> Iterator[tuple[Cell, int]]:
    """15 to 200 users."""
    for size in (15, 30, 60, 100, 200):
        for shape in ("light", "gamma", "zipf", "bimodal", "90 % with 40", "95 % with 20", "80 % with 12"):
            for rate in (0.25, 0.4, 0.5, 0.75, 0.9):
                yield Cell("users", shape, "pageview", "one rate", size, rate, rate), 100
            if size >= 60:
                yield Cell("users", shape, "pageview", "one rate", size, 0.1, 0.1), 100
    for size in (60, 100, 200):
        for rate in (0.25, 0.5, 0.75, 0.9):
            for shape in ("light", "gamma", "bimodal", "structural zeros"):
                yield Cell("retention", shape, "pageview", "one rate", size, rate, rate), 100
            for shape in ("light", "gamma", "five", "90 % with 40"):
                yield Cell("unique CTR", shape, "pageview", "one rate", size, rate, rate), 60
            for shape in ("light", "gamma", "90 % with 40"):
                yield Cell("pageviews per visitor", shape, "pageview", "one rate", size, rate, rate), 100
            for shape in ("light", "gamma"):
                yield Cell("two-day review", shape, "pageview", "one rate", size, rate, rate), 40
    for size in (15, 30, 60, 200, 1000):
        for shape in ("light", "structural zeros"):
            yield Cell("retention", shape, "pageview", "one rate", size, 1.0, 1.0), 400
        for shape in ("light", "gamma"):
            yield Cell("unique CTR", shape, "pageview", "one rate", size, 1.0, 1.0), 400


def every_rate() -> Iterator[tuple[Cell, int]]:
    """From 5 to 95 % at middling sizes."""
    for rate in ALL_RATES:
        for shape in (*FIRST_SHAPES, "geometric", "one-timers"):
            yield Cell("users", shape, "pageview", "one rate", 500, rate, rate), 120 if rate > 0.1 else 60
        for shape in ("light", "gamma", "lognormal", "structural zeros", "devoted minority"):
            yield Cell("retention", shape, "pageview", "one rate", 2000, rate, rate), 60
        for shape in ("light", "gamma", "bimodal"):
            yield Cell("unique CTR", shape, "pageview", "one rate", 1000, rate, rate), 60
            yield Cell("pageviews per visitor", shape, "pageview", "one rate", 500, rate, rate), 60
        yield Cell("two-day review", "gamma", "pageview", "one rate", 500, rate, rate), 40


def seen_to_fail() -> Iterator[tuple[Cell, int]]:
    """Populations on which an earlier version of an estimator was seen to miss."""
    users = (
        ("90 % with 40", 60, 0.25), ("95 % with 20", 100, 0.25), ("80 % with 12", 60, 0.4), ("light", 400, 0.5),
        ("geometric", 400, 0.5), ("light", 200, 0.1), ("geometric", 200, 0.1), ("exactly 3", 500, 0.5),
        ("exactly 3", 2000, 0.5), ("one-timers", 10000, 0.4), ("one-timers", 10000, 0.5), ("five", 15, 0.9),
        ("exactly 40", 2000, 0.1),
    )  # fmt: skip
    for shape, size, rate in users:
        yield Cell("users", shape, "pageview", "one rate", size, rate, rate), 400
    for family in ("retention", "unique CTR"):
        for rate in (0.05, 0.1):
            yield Cell(family, "exactly 40", "pageview", "one rate", 2000, rate, rate), 60
    for rate in (0.4, 0.5):
        yield Cell("retention", "one-timers", "pageview", "one rate", 10000, rate, rate), 60
    for shape in ("light", "gamma", "five", "devoted minority"):
        for size in (300, 1000):
            for rate in (0.75, 0.9):
                yield Cell("retention", shape, "pageview", "one rate", size, rate, rate), 100


def sessions() -> Iterator[tuple[Cell, int]]:
    """Sessions that touch both windows beside newcomers, and sessions that hold much of everything."""
    for rate in (0.25, 0.5, 0.75, 0.9):
        for share in SPANNING if rate in (0.5, 0.75) else ("0.9 %", "10 %"):
            for shape, size in (("rare return", 24000), ("newcomers", 4000), ("light", 3000)):
                yield Cell("retention", shape, "session", f"{share} of all span", size, rate, rate), 40
        for size in (16000, 64000):
            yield Cell("retention", "fortnight", "session", "10 % past midnight", size, rate, rate), 40
    for loads in LOADS:
        for size in (60, 200, 1000):
            for shape in ("light", "gamma"):
                for rate in (0.25, 0.5, 0.9):
                    yield Cell("pageviews per visitor", shape, loads, "one rate", size, rate, rate), 100
                if size > 60:
                    for rate in (0.5, 0.75):
                        yield Cell("unique CTR", shape, loads, "one rate", size, rate, rate), 60


def mixed_rates() -> Iterator[tuple[Cell, int]]:
    """Two rates in two windows, and a stretch kept whole beside the sampled one."""
    for shape in ("light", "gamma", "lognormal", "structural zeros"):
        for pair in ((0.9, 0.5), (0.5, 0.9), (0.75, 0.25), (0.25, 0.5)):
            yield Cell("retention", shape, "pageview", "one rate", 2000, *pair), 60
        for pair in ((0.25, 0.5), (0.75, 0.5)):
            yield Cell("retention", shape, "session", "2 % of all span", 2000, *pair), 40
    for rate in (0.1, 0.25, 0.5, 0.75):
        for shape in ("light", "gamma", "zipf"):
            yield Cell("unique CTR", shape, "pageview", "100 % segment", 1000, rate, rate), 60
            yield Cell("pageviews per visitor", shape, "pageview", "100 % segment", 500, rate, rate), 60
            yield Cell("users", shape, "pageview", "100 % segment", 100, rate, rate), 200
