"""Time the fits of people metrics: user CPU time, and wall time on N workers.

    python benchmarks/fits.py [--workers 2] [--users 1000] [--retention 100]

Goals: 1,000 users fits in 30 s and 100 retention fits in 60 s on 2 cores. CPU time is what counts on a busy machine.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from coverage_worlds import PAIR_SHAPES, USERS_SHAPES, sessions_of, span, tabulate

from jobs.estimation.fits import FitTask
from jobs.steps.fitting import fit_many

RATES = (0.1, 0.25, 0.5, 0.75)


def users_tasks(n: int, rng: np.random.Generator) -> list[FitTask]:
    """Windows of 50 to 5,000 visitors in all shapes and at all rates."""
    shapes, tasks = list(USERS_SHAPES.values()), []
    for number in range(n):
        rate = RATES[number % len(RATES)]
        size = int(np.exp(rng.uniform(np.log(50), np.log(5000))))
        table = tabulate(rng.binomial(shapes[number % len(shapes)](rng, size), rate))
        tasks.append(FitTask("users_estimate", {"k": table.columns[0], "m": table.m, "rate": rate}))
    return tasks


def retention_tasks(n: int, rng: np.random.Generator, *, spanning: bool) -> list[FitTask]:
    """Pairs of windows of 300 to 5,000 visitors, at 25 % and above."""
    shapes, tasks = list(PAIR_SHAPES.values()), []
    for number in range(n):
        rate = RATES[1 + number % 3]
        first, second = shapes[number % len(shapes)](rng, int(np.exp(rng.uniform(np.log(300), np.log(5000)))))
        parts = span(rng, sessions_of(rng, first), sessions_of(rng, second), f"{10 if spanning else 0} % of all span")
        a, both, b = (rng.binomial(part, rate) for part in parts)
        table = tabulate(a + both, b + both, both)
        arguments = {"k1": table.columns[0], "k2": table.columns[1], "m": table.m, "rate1": rate, "rate2": rate}
        if spanning:
            arguments["spanning"] = table.columns[2]
        tasks.append(FitTask("retention_estimate", arguments))
    return tasks


def cpu_seconds() -> float:
    """User CPU time of this process and its finished children."""
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def measure(name: str, tasks: list[FitTask], workers: int, cache_dir: Path) -> None:
    """Run a batch twice, without and with a cache, and print what it took."""
    for label in ("fitted", "cached"):
        wall, cpu = time.perf_counter(), cpu_seconds()
        answers = fit_many(tasks, workers=workers, cache_dir=cache_dir)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        shown = sum(answer.lower is not None for answer in answers)
        print(
            f"{name:28} {label}  {len(tasks):5} tasks, {shown:5} shown  {cpu:7.1f} s CPU  {wall:7.1f} s wall",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--retention", type=int, default=100)
    arguments = parser.parse_args()
    rng = np.random.default_rng(20260319)
    with tempfile.TemporaryDirectory() as folder:
        cache_dir, workers = Path(folder), arguments.workers
        measure("users", users_tasks(arguments.users, rng), workers, cache_dir)
        measure("retention", retention_tasks(arguments.retention, rng, spanning=False), workers, cache_dir)
        measure(
            "retention, spanning sessions", retention_tasks(arguments.retention, rng, spanning=True), workers, cache_dir
        )


if __name__ == "__main__":
    main()
