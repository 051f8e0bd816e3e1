"""Coverage of rarefied visitors and of pairs per visit on worlds with known truth, cell by cell.

    python benchmarks/coverage_comparable.py     write benchmarks/results/coverage_comparable.csv (some three minutes)

A cell is a metric, a shape of visiting, a number of users and the rates of the window; of two rates each took half of a
user's visits at random. `realised` worlds thin the same users again, `process` worlds draw new ones. Worlds are seeded
by the name of their cell. Half-widths are medians relative to the estimate over shown rows; `ideal` is that of the
normal interval with the true standard error.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import csv
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path

import numpy as np

from jobs.estimation.answers import PeopleEstimate, refusal
from jobs.estimation.comparable import UserUnits, pairs_process, pairs_realised, rarefied_visitors
from jobs.estimation.intervals import Z95

RESULTS = Path(__file__).parent / "results" / "coverage_comparable.csv"
WORLDS = 400
MIN_USERS = 10  # of fewer nothing is shown, to protect them
MILLION = 1_000_000
SIZES = (15, 60, 300, 3000)
RAREFIED = (
    ((0.1,), 0.1), ((0.15,), 0.1), ((0.25,), 0.1), ((0.5,), 0.1), ((0.9,), 0.1), ((0.5,), 0.5), ((0.9,), 0.5),
    ((0.06,), 0.05), ((0.3,), 0.05), ((0.8,), 0.8), ((0.1, 1.0), 0.1), ((0.1, 0.5), 0.1),
)  # fmt: skip
PAIRS = ((0.1,), (0.25,), (0.5,), (0.75,), (0.95,), (0.1, 1.0), (0.25, 0.5), (1.0,))
Shape = Callable[[np.random.Generator, int], np.ndarray]


def _gamma(rng: np.random.Generator, size: int) -> np.ndarray:
    """Visits of a gamma mixture of Poisson laws, those who came: mean 6, much spread."""
    visits = np.zeros(0, dtype=np.int64)
    while len(visits) < size:
        drawn = rng.poisson(rng.gamma(0.7, 6 / 0.7, 2 * size + 10))
        visits = np.concatenate([visits, drawn[drawn > 0]])
    return visits[:size]


SHAPES: dict[str, Shape] = {
    "gamma": _gamma,
    "zipf": lambda rng, size: np.minimum(rng.zipf(1.8, size), 2000),
    "light": lambda rng, size: 1 + rng.poisson(0.3, size),
    "heavy": lambda rng, size: np.where(rng.random(size) < 0.1, 1, 1 + rng.poisson(30, size)),
}


@dataclass(frozen=True)
class Row:
    """What came of a cell; `rates` are percentages, the second of two after a slash."""

    metric: str
    inference: str
    shape: str
    users: int
    rates: str
    smallest: str
    worlds: int
    shown: int
    covered: int
    publish: int
    publish_covered: int
    caution: int
    bounds_only: int
    not_estimable: int
    half_width: float
    ideal: float


def rows() -> Iterator[Row]:
    """Run every cell."""
    for shape, size, (rates, smallest) in product(SHAPES, SIZES, RAREFIED):
        yield _rarefied(shape, size, rates, smallest)
    for shape, size, rates, inference in product(SHAPES, SIZES, PAIRS, ("realised", "process")):
        if rates != (1.0,) or inference == "process":
            yield _pairs(shape, size, rates, inference)


def _rarefied(shape: str, size: int, rates: tuple[float, ...], smallest: float) -> Row:
    rng = _rng("rarefied", shape, size, rates, smallest)
    visits = SHAPES[shape](rng, size)
    truth = float((1 - (1 - smallest) ** visits).sum())
    answers = [rarefied_visitors(thinned(rng, visits, rates), smallest) for _ in range(WORLDS)]
    return _judged("dashboard_visitors_rarefied", "realised", shape, size, rates, f"{100 * smallest:g}", truth, answers)


def _pairs(shape: str, size: int, rates: tuple[float, ...], inference: str) -> Row:
    rng = _rng("pairs", shape, size, rates, inference)
    visits = SHAPES[shape](rng, size if inference == "realised" else MILLION).astype(float)
    truth = float((visits * (visits - 1)).sum() / visits.sum())
    answers = []
    for _ in range(WORLDS):
        if inference == "realised":
            answers.append(pairs_realised(thinned(rng, visits, rates)))
        else:
            answers.append(pairs_process(thinned(rng, SHAPES[shape](rng, size), rates)))
    return _judged("visit_pairs_per_visit", inference, shape, size, rates, "", truth, answers)


def _rng(*name: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(name).encode()))


def thinned(rng: np.random.Generator, visits: np.ndarray, rates: tuple[float, ...]) -> UserUnits:
    """Keep each visit with the rate in force; of two rates each has half of the visits."""
    total = visits.astype(np.int64)
    first = rng.binomial(total, 0.5) if len(rates) == 2 else total
    parts = np.stack([first, total - first], axis=1)[:, : len(rates)]
    kept = rng.binomial(parts, rates)
    lines, users = np.unique(kept[kept.sum(axis=1) > 0], axis=0, return_counts=True)
    return UserUnits(lines.astype(float).reshape(-1, len(rates)), np.array(rates), users.astype(float))


def _judged(
    metric: str, inference: str, shape: str, size: int, rates: tuple[float, ...], smallest: str, truth: float,
    answers: list[PeopleEstimate],
) -> Row:  # fmt: skip
    slack = 1e-9 * max(truth, 1.0)
    answers = [a if a.n_seen >= MIN_USERS else refusal("too few") for a in answers]
    shown = [a for a in answers if a.lower is not None and a.upper is not None]
    held = [a for a in shown if a.lower - slack <= truth <= a.upper + slack]
    status = Counter(answer.status for answer in answers)
    widths = [(a.upper - a.lower) / (a.upper + a.lower) for a in shown if a.upper + a.lower > 0]
    points = [a.estimate for a in answers if a.estimate is not None]
    ideal = Z95 * float(np.std(points)) / truth if len(points) > 30 and truth > 0 else np.nan
    return Row(
        metric, inference, shape, size, "/".join(f"{100 * rate:g}" for rate in rates), smallest, len(answers),
        len(shown), len(held), status["publish"], sum(a.status == "publish" for a in held), status["caution"],
        status["bounds_only"], status["not_estimable"], round(float(np.median(widths)) if widths else np.nan, 4),
        round(ideal, 4),
    )  # fmt: skip


def main() -> None:
    """Write the results and tell the cells that fall short."""
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows():
            writer.writerow(asdict(row))
            file.flush()


if __name__ == "__main__":
    main()
