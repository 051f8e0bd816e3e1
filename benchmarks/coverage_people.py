"""Coverage of the people metrics on worlds with known truth, cell by cell; resumable.

    python benchmarks/coverage_people.py            run the cells not yet in benchmarks/results/coverage_people.csv
    python benchmarks/coverage_people.py --report   write docs/coverage.md and the tables of all cells from the results

A cell is a family, shape, unit, regime, size and rate. Its worlds are seeded by its name, so that cells give the same
rows in any order and any number of processes, byte for byte. A row says which code it was made by; where the code of a
metric's estimator has changed since, its cells are run again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import csv
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.append(str(Path(__file__).parent))  # behind all others: `coverage` is a package's name, too
from coverage_answers import WORLDS, Judged, seed_of
from coverage_cells import Cell, first_study, study
from coverage_versions import code_of

from jobs.estimation.people import PeopleEstimate

RESULTS = Path(__file__).parent / "results" / "coverage_people.csv"
GOAL = 0.93


@dataclass(frozen=True)
class Row:
    """What came of a cell under one inference.

    Errors and half-widths are relative for counts and in shares for shares, medians over the worlds they stand for.
    `say_little` are shown shares more than 50 points wide and counts whose upper end is more than five times the lower.
    `publish_p` and `shown_p` are the probabilities of so low a coverage, were the true one 93 %.
    """

    family: str
    shape: str
    unit: str
    regime: str
    size: int
    rate1: float
    rate2: float
    inference: str
    worlds: int
    shown: int
    covered: int
    publish: int
    publish_covered: int
    caution: int
    bounds_only: int
    not_estimable: int
    say_little: int
    publish_half_width: float
    publish_widest: float
    half_width: float
    ideal_half_width: float
    publish_error: float
    naive_error: float
    scaled_error: float
    publish_p: float
    shown_p: float
    code: str

    @property
    def cell(self) -> Cell:
        """The cell this is a row of."""
        return Cell(**{field.name: getattr(self, field.name) for field in fields(Cell)})


def run_cell(cell: Cell, worlds: int) -> list[Row]:
    """Simulate a cell's worlds and sum them up, a row for each inference."""
    rng = np.random.default_rng(seed_of(cell))
    judged = [WORLDS[cell.family](cell, rng) for _ in range(worlds)]
    return [_row(cell, [world[number] for world in judged]) for number in range(len(judged[0]))]


def _row(cell: Cell, judged: list[Judged]) -> Row:
    shown = [one for one in judged if one.answer.lower is not None]
    published = [one for one in judged if one.answer.status == "publish"]
    status = {name: sum(j.answer.status == name for j in judged) for name in ("publish", "caution", "bounds_only")}
    seen = [one for one in judged if one.answer.naive is not None]
    covered, publish_covered = sum(map(_is_covered, shown)), sum(map(_is_covered, published))
    return Row(
        **asdict(cell),
        inference=judged[0].inference,
        worlds=len(judged),
        shown=len(shown),
        covered=covered,
        **status,
        publish_covered=publish_covered,
        not_estimable=len(judged) - sum(status.values()),
        say_little=sum(_says_little(j.answer, cell.is_share) for j in shown),
        publish_half_width=_median([_half_width(j, cell) for j in published]),
        publish_widest=round(max((_half_width(j, cell) for j in published), default=math.nan), 5),
        half_width=_median([_half_width(j, cell) for j in shown]),
        ideal_half_width=_median([j.ideal for j in judged]),
        # The error of what is published is relative for shares, too.
        publish_error=_median([abs(j.answer.estimate - j.truth) / j.truth for j in published if j.truth > 0]),
        naive_error=_median([(j.answer.naive - j.truth) / _unit(j, cell) for j in seen]),
        # What a pipeline that "corrects" by the rate would do.
        scaled_error=_median([(j.answer.naive / cell.rate2 - j.truth) / _unit(j, cell) for j in seen]),
        publish_p=_chance(publish_covered, len(published)),
        shown_p=_chance(covered, len(shown)),
        code=code_of(cell.family),
    )


def _unit(one: Judged, cell: Cell) -> float:
    return 1.0 if cell.is_share else one.truth


def _half_width(one: Judged, cell: Cell) -> float:
    return (one.answer.upper - one.answer.lower) / 2 / _unit(one, cell)


def _says_little(answer: PeopleEstimate, is_share: bool) -> bool:
    return answer.upper - answer.lower > 0.5 if is_share else answer.upper > 5 * answer.lower


def _is_covered(one: Judged) -> bool:
    return one.answer.lower - 1e-9 <= one.truth <= one.answer.upper + 1e-9


def _median(values: list[float]) -> float:
    return round(float(np.median(values)), 5) if values else math.nan


def _chance(covered: int, n: int) -> float:
    return float(f"{stats.binom.cdf(covered, n, GOAL):.4g}")


def read(path: Path) -> list[Row]:
    """Read rows back."""
    if not path.exists():
        return []
    kinds = {field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Row)}
    with path.open() as file:
        return [Row(**{name: kinds[name](value) for name, value in line.items()}) for line in csv.DictReader(file)]


def write(path: Path, rows: list[Row]) -> None:
    """Write rows aside and move them into place, in the order of the study."""
    order = {cell: number for number, cell in enumerate(study())}
    rows = sorted(rows, key=lambda row: (order.get(row.cell, len(order)), str(row.cell), row.inference == "process"))
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".part")
    with aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    aside.replace(path)


def run(cells: dict[Cell, int], path: Path, workers: int, keep_stale: bool) -> None:
    """Run the cells that have no rows, or rows of other code or fewer worlds; rows stay until there are new ones."""
    rows = _by_cell(path)

    def is_done(cell: Cell) -> bool:
        return any(
            keep_stale or (row.code, row.worlds) == (code_of(cell.family), cells[cell]) for row in rows.get(cell, ())
        )

    todo = [cell for cell in cells if not is_done(cell)]
    todo.sort(key=seed_of)  # shuffled, so that a run cut short is a fair sample of the study
    began, saved = time.monotonic(), time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        futures = {pool.submit(run_cell, cell, cells[cell]): cell for cell in todo}
        for number, future in enumerate(as_completed(futures), 1):
            rows[futures[future]] = future.result()
            if time.monotonic() - saved > 10 or number == len(todo):
                write(path, [row for group in rows.values() for row in group])
                saved = time.monotonic()
                print(f"{number} of {len(todo)} cells, {saved - began:.0f} s", flush=True)


def _by_cell(path: Path) -> dict[Cell, list[Row]]:
    groups: dict[Cell, list[Row]] = {}
    for row in read(path):
        groups.setdefault(row.cell, []).append(row)
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="write docs/coverage.md from the results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of rows")
    parser.add_argument("--family", help="only this metric")
    parser.add_argument("--worlds", type=int, help="at most so many worlds a cell")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--stale", action="store_true", help="keep rows made by other code")
    parser.add_argument("--new", action="store_true", help="only cells that the study before November 2026 had not")
    arguments = parser.parse_args()
    if arguments.report:
        from coverage_report import write_report

        write_report()
        return
    first = set(first_study()) if arguments.new else set()
    cells = {
        cell: min(worlds, arguments.worlds or worlds)
        for cell, worlds in study().items()
        if cell not in first and arguments.family in (None, cell.family)
    }
    run(cells, arguments.results, arguments.workers, arguments.stale)


if __name__ == "__main__":
    main()
