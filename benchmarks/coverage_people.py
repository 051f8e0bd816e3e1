"""Coverage of the people metrics on worlds with known truth, cell by cell; resumable.

    python benchmarks/coverage_people.py            run the cells not yet in benchmarks/results/coverage_people.csv
    python benchmarks/coverage_people.py --report   write the people section of docs/coverage.md from that file

A cell is a family, shape, unit, regime, size and rate; its worlds are seeded by its name, so that a rerun gives the
same rows in any order. Delete a row to have it run again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import csv
import hashlib
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from coverage_worlds import PAIR_SHAPES, USERS_SHAPES, Rng, sessions_of, span, spread_over_segments, tabulate

from jobs.estimation.people import (
    PeopleEstimate,
    pageviews_per_visitor_estimate,
    retention_estimate,
    two_day_review_bounds,
    unique_ctr_estimate,
    users_estimate,
)
from jobs.steps.fitting import code_version

RESULTS = Path(__file__).parent / "results" / "coverage_people.csv"
N_WORLDS = {"users": 200, "pageviews per visitor": 40, "retention": 40, "unique CTR": 40, "two-day review": 40}


@dataclass(frozen=True)
class Cell:
    """What is simulated.

    Attributes:
        family: the metric.
        shape: how often people come.
        unit: what is sampled, `pageview` or `session`.
        regime: `one rate`, `100 % segment`, or `10 % spanning` (share of sessions in both windows, roughly) and so on.
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


@dataclass(frozen=True)
class Row(Cell):
    """What came of a cell; errors are relative for counts and absolute for shares, medians over the worlds."""

    worlds: int
    shown: int
    covered: int
    publish: int
    caution: int
    bounds_only: int
    not_estimable: int
    publish_covered: int
    publish_error: float
    half_width: float
    naive_error: float
    scaled_error: float
    cpu_seconds: float
    code: str


def cells() -> Iterator[Cell]:
    """All cells of the study."""
    for unit in ("pageview", "session"):
        for rate in (0.5, 0.25, 0.1, 0.75):
            for shape in USERS_SHAPES:
                yield Cell("users", shape, unit, "one rate", 2000, rate, rate)
                if unit == "pageview" and rate >= 0.25:
                    yield Cell("users", shape, unit, "one rate", 200, rate, rate)
    for rate in (0.5, 0.25, 0.1):
        for shape in USERS_SHAPES:
            yield Cell("users", shape, "pageview", "100 % segment", 1000, rate, rate)
            yield Cell("pageviews per visitor", shape, "pageview", "one rate", 1000, rate, rate)
            yield Cell("unique CTR", shape, "pageview", "one rate", 2000, rate, rate)
            yield Cell("two-day review", shape, "pageview", "one rate", 1000, rate, rate)
    for shape in PAIR_SHAPES:
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


def users_world(cell: Cell, rng: Rng) -> tuple[float, PeopleEstimate]:
    """A count of visitors, with or without a 100 % segment."""
    n = USERS_SHAPES[cell.shape](rng, cell.size)
    if cell.unit == "session":
        n = sessions_of(rng, n)
    inside = np.zeros_like(n)
    if cell.regime == "100 % segment":
        inside, n = spread_over_segments(rng, n, 1 / 3)
    kept = rng.binomial(n, cell.rate1)
    table = tabulate(kept[inside == 0])
    return float(cell.size), users_estimate(table.columns[0], table.m, cell.rate1, int((inside > 0).sum()))


@dataclass(frozen=True)
class Total:
    """An expansion total of kept pageviews, each its own cluster."""

    lower: float
    estimate: float
    upper: float


def per_visitor_world(cell: Cell, rng: Rng) -> tuple[float, PeopleEstimate]:
    """Pageviews per visitor."""
    n = USERS_SHAPES[cell.shape](rng, cell.size)
    kept = rng.binomial(n, cell.rate1)
    table = tabulate(kept)
    users = users_estimate(table.columns[0], table.m, cell.rate1)
    total = kept.sum() / cell.rate1
    margin = 1.96 * math.sqrt((1 - cell.rate1) * kept.sum()) / cell.rate1
    return float(n.mean()), pageviews_per_visitor_estimate(
        Total(total - margin, total, total + margin), users, kept.sum()
    )


def unique_world(cell: Cell, rng: Rng) -> tuple[float, PeopleEstimate]:
    """The unique click-through rate: users differ in how readily they click."""
    n = USERS_SHAPES[cell.shape](rng, cell.size)
    clicks = rng.binomial(n, rng.beta(0.3, 2.0, cell.size))
    kept = rng.binomial(clicks, cell.rate1), rng.binomial(n - clicks, cell.rate1)
    table = tabulate(*kept)
    return float((clicks > 0).mean()), unique_ctr_estimate(*table.columns, table.m, cell.rate1)


def two_day_world(cell: Cell, rng: Rng) -> tuple[float, PeopleEstimate]:
    """Review clicks on two or more of 28 days; a user's pageviews fall on few days of their own."""
    n = USERS_SHAPES[cell.shape](rng, cell.size)
    user = np.repeat(np.arange(cell.size), n)
    clicked = rng.random(len(user)) < rng.beta(0.6, 1.5, cell.size)[user]
    day = rng.integers(0, 1 + rng.poisson(4, cell.size)[user])
    kept = rng.random(len(user)) < cell.rate1

    def on_two_days(chosen: np.ndarray) -> int:
        pairs = np.unique(np.stack([user[chosen], day[chosen]]), axis=1)
        return int((np.bincount(pairs[0], minlength=cell.size) >= 2).sum())

    clicks = np.bincount(user[kept & clicked], minlength=cell.size)
    others = np.bincount(user[kept & ~clicked], minlength=cell.size)
    visitors = tabulate(clicks + others)
    users = users_estimate(visitors.columns[0], visitors.m, cell.rate1)
    table = tabulate(clicks, others)
    bounds = two_day_review_bounds(on_two_days(kept & clicked), users, cell.rate1, *table.columns, table.m)
    return on_two_days(clicked) / cell.size, bounds


def retention_world(cell: Cell, rng: Rng) -> tuple[float, PeopleEstimate]:
    """The share of a window's visitors who return, in any unit and regime."""
    first, second = PAIR_SHAPES[cell.shape](rng, cell.size)
    if cell.unit == "session":
        first, second = sessions_of(rng, first), sessions_of(rng, second)
    if "spanning" in cell.regime:
        return spanning_world(cell, first, second, rng)
    inside = np.zeros_like(first)
    truth = float((second > 0)[first > 0].mean())
    if cell.regime == "100 % segment":
        inside, first = spread_over_segments(rng, first, 1 / 3)
    kept = rng.binomial(first, cell.rate1), rng.binomial(second, cell.rate2)
    table = tabulate(*kept, (inside > 0).astype(int))
    full = table.columns[2] > 0 if cell.regime == "100 % segment" else None
    return truth, retention_estimate(*table.columns[:2], table.m, cell.rate1, cell.rate2, full)


def spanning_world(cell: Cell, first: np.ndarray, second: np.ndarray, rng: Rng) -> tuple[float, PeopleEstimate]:
    """Sessions that touch both windows: whoever has one was there in both."""
    chance = {"1 %": 0.012, "10 %": 0.2, "30 %": 0.6, "often": 0.35}[cell.regime.removesuffix(" spanning")]
    parts = span(rng, first, second, chance, often=cell.regime.startswith("often"))
    in_first, in_second = parts[0] + parts[1] > 0, parts[1] + parts[2] > 0
    only_first, both, only_second = (rng.binomial(part, cell.rate1) for part in parts)
    share = both.sum() / max((only_first + both + only_second).sum(), 1)
    table = tabulate(only_first + both, only_second + both, both)
    estimate = retention_estimate(
        *table.columns[:2], table.m, cell.rate1, cell.rate2, spanning_share=share, spanning=table.columns[2]
    )
    return float(in_second[in_first].mean()), estimate


WORLDS = {
    "users": users_world,
    "pageviews per visitor": per_visitor_world,
    "unique CTR": unique_world,
    "two-day review": two_day_world,
    "retention": retention_world,
}


def seed_of(cell: Cell) -> int:
    """A cell's seed, from its name."""
    return int.from_bytes(hashlib.sha256(repr(cell).encode()).digest()[:8], "big")


def run_cell(cell: Cell) -> Row:
    """Simulate a cell's worlds and sum them up."""
    rng = np.random.default_rng(seed_of(cell))
    began = time.process_time()
    results = [WORLDS[cell.family](cell, rng) for _ in range(N_WORLDS[cell.family])]
    shown = [(truth, e) for truth, e in results if e.lower is not None and e.upper is not None]
    published = [(truth, e) for truth, e in results if e.status == "publish"]
    is_share = cell.family in ("retention", "unique CTR", "two-day review")
    scale = 1.0 / cell.rate2  # what a pipeline that "corrects" by the rate would do
    unit = [1.0 if is_share else truth for truth, _ in results]
    naive = [(e.naive - t) / u for (t, e), u in zip(results, unit, strict=True) if e.naive is not None]
    scaled = [(e.naive * scale - t) / u for (t, e), u in zip(results, unit, strict=True) if e.naive is not None]
    # The error of what is published is relative for shares, too.
    errors = [abs(e.estimate - t) / t for t, e in published]
    widths = [(e.upper - e.lower) / 2 / (1.0 if is_share else t) for t, e in shown]
    status = {name: sum(e.status == name for _, e in results) for name in ("publish", "caution", "bounds_only")}
    return Row(
        **asdict(cell),
        worlds=len(results),
        shown=len(shown),
        covered=sum(is_covered(t, e) for t, e in shown),
        **status,
        not_estimable=len(results) - sum(status.values()),
        publish_covered=sum(is_covered(t, e) for t, e in published),
        publish_error=round(float(np.median(errors)), 5) if errors else math.nan,
        half_width=round(float(np.median(widths)), 5) if widths else math.nan,
        naive_error=round(float(np.median(naive)), 5) if naive else math.nan,
        scaled_error=round(float(np.median(scaled)), 5) if scaled else math.nan,
        cpu_seconds=round(time.process_time() - began, 2),
        code=code_version(),
    )


def is_covered(truth: float, estimate: PeopleEstimate) -> bool:
    """Whether the interval holds the truth."""
    return estimate.lower is not None and estimate.lower - 1e-9 <= truth <= (estimate.upper or 0.0) + 1e-9


def finished() -> set[Cell]:
    """Cells that are in the results already."""
    if not RESULTS.exists():
        return set()
    with RESULTS.open() as file:
        rows = list(csv.DictReader(file))
    kinds = {field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Cell)}
    return {Cell(**{name: kind(row[name]) for name, kind in kinds.items()}) for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="write docs/coverage.md from the results")
    parser.add_argument("--family", help="only this family")
    arguments = parser.parse_args()
    if arguments.report:
        from coverage_report import write_report

        write_report(RESULTS)
        return
    done = finished()
    todo = [cell for cell in cells() if cell not in done and arguments.family in (None, cell.family)]
    todo.sort(key=seed_of)  # shuffled, so that a run cut short is a fair sample of the study
    RESULTS.parent.mkdir(exist_ok=True)
    for number, cell in enumerate(todo, 1):
        row = run_cell(cell)
        is_new = not RESULTS.exists()
        with RESULTS.open("a", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            if is_new:
                writer.writeheader()
            writer.writerow(asdict(row))
        print(f"{number}/{len(todo)} {cell} shown {row.shown} covered {row.covered} {row.cpu_seconds} s", flush=True)


if __name__ == "__main__":
    main()
