"""A fixed part of the coverage study: what is published, and what is shown, is not shorter than chance allows.

The whole study is `benchmarks/coverage_people.py`. Here are cells in which an interval was once seen to be too short,
and some in which none was. A test takes some seconds; what it fits is seeded by the cell's name, the same every time.
"""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from benchmarks.coverage_people import Cell, run_cell

GOAL, CHANCE = 0.93, 1e-3


def users(shape: str, size: int, rate: float) -> Cell:
    return Cell("users", shape, "pageview", "one rate", size, rate, rate)


def retention(shape: str, regime: str, size: int, rate1: float, rate2: float | None = None) -> Cell:
    unit = "pageview" if regime == "one rate" else "session"
    return Cell("retention", shape, unit, regime, size, rate1, rate1 if rate2 is None else rate2)


def unique(shape: str, unit: str, size: int, rate: float) -> Cell:
    return Cell("unique CTR", shape, unit, "one rate", size, rate, rate)


def per_visitor(shape: str, unit: str, size: int, rate: float) -> Cell:
    return Cell("pageviews per visitor", shape, unit, "one rate", size, rate, rate)


PARTS = {
    "nearly all come often, a few once": [
        (users("90 % with 40", 60, 0.25), 200), (users("95 % with 20", 100, 0.25), 200),
        (users("80 % with 12", 60, 0.4), 200), (users("90 % with 40", 200, 0.25), 100),
    ],
    "visitors who come seldom": [
        (users("light", 400, 0.5), 200), (users("geometric", 400, 0.5), 200), (users("exactly 3", 500, 0.5), 200),
        (users("one-timers", 10000, 0.5), 40), (users("light", 60, 0.75), 200),
    ],
    "visitors, few or all sorts": [
        (users("five", 15, 0.9), 100), (users("gamma", 100, 0.9), 200), (users("bimodal", 200, 0.5), 200),
        (users("light", 200, 0.1), 100), (users("devoted minority", 500, 0.75), 100),
    ],
    "sessions beyond midnight": [
        (retention("rare return", "0.9 % of all span", 24000, 0.5), 30),
        (retention("fortnight", "10 % past midnight", 16000, 0.5), 30),
    ],
    "sessions in both windows, a quarter kept": [
        (retention("rare return", "0.9 % of all span", 24000, 0.25), 30),
        (retention("newcomers", "10 % of all span", 4000, 0.25), 30),
    ],
    "retention": [
        (retention("light", "one rate", 200, 0.75), 80), (retention("five", "one rate", 1000, 0.9), 60),
        (retention("gamma", "one rate", 300, 0.75), 60), (retention("structural zeros", "one rate", 2000, 0.5), 60),
        (retention("light", "one rate", 2000, 0.25, 0.5), 40), (retention("light", "one rate", 60, 1.0), 400),
    ],
    "unique CTR": [
        (unique("light", "pageview", 1000, 0.75), 80), (unique("gamma", "pageview", 200, 0.9), 80),
        (unique("light", "Pareto 1.2", 1000, 0.5), 60),
    ],
    "pageviews per visitor": [
        (per_visitor("light", "Pareto 1.2", 200, 0.5), 150), (per_visitor("gamma", "Pareto 1.6", 200, 0.5), 150),
        (per_visitor("light", "pageview", 200, 0.5), 100), (per_visitor("gamma", "lognormal sessions", 1000, 0.9), 100),
    ],
}  # fmt: skip


def too_short(covered: int, n: int) -> bool:
    return n > 0 and bool(stats.binom.cdf(covered, n, GOAL) < CHANCE)


@pytest.mark.parametrize("name", PARTS)
def test_intervals_hold_the_truth(name):
    rows = [row for cell, worlds in PARTS[name] for row in run_cell(cell, worlds)]
    counts: dict[Any, tuple[int, int]] = {}
    for row in rows:
        counts[row.cell, row.inference, "publish"] = row.publish_covered, row.publish
        counts[row.cell, row.inference, "shown"] = row.covered, row.shown
    for kind in ("publish", "shown"):
        counts[f"all {kind}"] = tuple(sum(pair[i] for key, pair in counts.items() if key[-1] == kind) for i in (0, 1))
    assert {key: f"{covered} of {n}" for key, (covered, n) in counts.items() if too_short(covered, n)} == {}


def test_too_short_tells_a_poor_interval_from_bad_luck():
    assert too_short(170, 200)
    assert not too_short(180, 200)
    assert not too_short(0, 0)
