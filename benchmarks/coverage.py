"""Coverage of the intervals of totals and click-through rates on worlds with known truth; resumable, two processes.

    python benchmarks/coverage.py               run what is not yet in benchmarks/results/coverage_totals.csv
    python benchmarks/coverage.py --report      print the tables of that file

Two studies. *light*: tables of pageviews and of sessions (`totals_worlds.py`), the window is the world. *heavy*: three
wikis whose sessions have heavy tails (`totals_heavy.py`) and windows of 1, 7 and 28 days, judged with and without the
other wikis, from which a reference for the design effect comes. Each world is drawn once, sampled in every setting,
reduced to the sums the pipeline makes, and estimated; an estimate is compared with what happened (realised) or with
the rate that generated it (process). A task is a population; its worlds are seeded by its name. A file made by another
version of the estimators is begun anew.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import csv
import hashlib
import itertools
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import totals_heavy as heavy
import totals_worlds as light
from totals_estimates import Group, Judged, estimate_group
from totals_report import print_report

import jobs.estimation

RESULTS = Path(__file__).parent / "results" / "coverage_totals.csv"
CODE = ("intervals", "regimes", "totals", "totals_limits", "ratios", "design_effect")
N_WORLDS = {"light": 400, "heavy": 400}
PROCESSES = 2


@dataclass(frozen=True)
class Task:
    """A population of which worlds are drawn: `tail` of the heavy study, `frailty` of the light one."""

    study: str
    users: int
    ctr: float
    frailty: float
    tail: str


@dataclass(frozen=True)
class Row(Task):
    """A cell and metric: how many worlds had which status, and how many of those intervals held the truth.

    Half-widths are relative to the truth, medians over the shown; `ideal` is half the range in which 95 % of the
    relative errors lay, over all worlds with the event.
    """

    unit: str
    setting: str
    window: int
    wikis: int
    metric: str
    worlds: int
    publish: int
    publish_covered: int
    caution: int
    bounds_only: int
    not_estimable: int
    shown: int
    shown_covered: int
    half_width: float
    ideal: float
    code: str


def code_version() -> str:
    """Name the estimators by their text."""
    texts = [(Path(jobs.estimation.__path__[0]) / f"{name}.py").read_bytes() for name in CODE]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:16]


def tasks() -> Iterator[Task]:
    """List the populations."""
    for users, ctr, frailty in itertools.product(light.USERS, light.CTRS, light.FRAILTIES):
        yield Task("light", users, ctr, frailty, "geometric")
    for users, ctr, tail in itertools.product(heavy.USERS, heavy.CTRS, heavy.TAILS):
        yield Task("heavy", users, ctr, heavy.WITHIN_USER, tail)


def seed_of(task: Task) -> int:
    """A task's seed, from its name."""
    return int.from_bytes(hashlib.sha256(repr(task).encode()).digest()[:8], "big")


def run_task(task: Task, worlds: int) -> list[Row]:
    """Draw a population's worlds and judge every setting."""
    return list((light_rows if task.study == "light" else heavy_rows)(task, worlds))


def light_rows(task: Task, worlds: int) -> Iterator[Row]:
    """Judge the worlds of `totals_worlds.py`: one wiki, one window."""
    settings = list(itertools.product(light.UNITS, light.SETTINGS))
    samples: dict[tuple[str, str], list[dict[str, np.ndarray]]] = {key: [] for key in settings}
    truths: list[dict[str, np.ndarray]] = []
    for world in range(worlds):
        tables = light.draw_world(np.random.default_rng([seed_of(task), world]), task.users, task.ctr, task.frailty)
        truths.append({name: np.array([value.sum()]) for name, value in tables["session"].counts.items()})
        for unit, setting in settings:
            found = light.sums_of_sample(tables[unit], light.SETTINGS[setting], task.users)
            samples[unit, setting].append({name: value[None] for name, value in found.items()})
    for unit, setting in settings:
        group = Group(samples[unit, setting], truths, n_wikis=1, n_windows=1, is_session=unit == "session")
        for metric, judged in estimate_group(group, task.ctr).items():
            yield summed(task, (unit, setting, 0, 1, metric), judged)


def heavy_rows(task: Task, worlds: int) -> Iterator[Row]:
    """Judge the first of three wikis with heavy tails, in each window, alone and beside the others."""
    samples: dict[str, list[dict[str, np.ndarray]]] = {setting: [] for setting in heavy.SETTINGS}
    truths: list[dict[str, np.ndarray]] = []
    for world in range(worlds):
        rng = np.random.default_rng([seed_of(task), world])
        wikis = [heavy.draw_wiki(rng, users, task.ctr, task.tail) for users in (task.users, *heavy.OTHER_WIKIS)]
        truths.append(heavy.window_truths(wikis[0]))
        for setting, segments in heavy.SETTINGS.items():
            found = [heavy.window_sums(wiki, segments) for wiki in wikis]
            samples[setting].append({name: np.concatenate([sums[name] for sums in found]) for name in found[0]})
    n = len(heavy.WINDOWS)
    for setting, n_wikis in itertools.product(heavy.SETTINGS, (1, 1 + len(heavy.OTHER_WIKIS))):
        chosen = [{name: value[: n_wikis * n] for name, value in sample.items()} for sample in samples[setting]]
        group = Group(chosen, truths, n_wikis, n_windows=n, is_session=True)
        for metric, judged in estimate_group(group, task.ctr).items():
            for i, window in enumerate(heavy.WINDOWS):
                yield summed(task, ("session", setting, window, n_wikis, metric), judged.of_window(i))


def summed(task: Task, cell: tuple[str, str, int, int, str], judged: Judged) -> Row:
    """Sum the worlds of a cell up."""
    is_status = {name: judged.status == name for name in ("publish", "caution", "bounds_only", "not_estimable")}
    shown = ~is_status["not_estimable"]
    widths = judged.half_width[shown & ~np.isnan(judged.half_width)]
    errors = judged.error[~np.isnan(judged.error)]
    low, high = np.quantile(errors, [0.025, 0.975]) if len(errors) else (np.nan, np.nan)
    unit, setting, window, wikis, metric = cell
    return Row(
        **asdict(task),
        unit=unit, setting=setting, window=window, wikis=wikis, metric=metric,
        worlds=len(judged.status),
        publish_covered=int((judged.covered & is_status["publish"]).sum()),
        **{name: int(where.sum()) for name, where in is_status.items()},
        shown=int(shown.sum()), shown_covered=int((judged.covered & shown).sum()),
        half_width=round(float(np.median(widths)), 4) if len(widths) else float("nan"),
        ideal=round(float(high - low) / 2, 4),
        code=code_version(),
    )  # fmt: skip


def finished(path: Path) -> set[Task]:
    """Tasks that are in the results already; a file of other code is put away."""
    if not path.exists():
        return set()
    with path.open() as file:
        rows = list(csv.DictReader(file))
    if any(row["code"] != code_version() for row in rows):
        path.unlink()
        return set()
    kinds = {field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Task)}
    return {Task(**{name: kind(row[name]) for name, kind in kinds.items()}) for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="print the tables of the results")
    parser.add_argument("--worlds", type=float, default=1.0, help="this share of the usual worlds")
    parser.add_argument("--study", choices=list(N_WORLDS), help="only this one")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.report:
        print_report(arguments.results)
        return
    done, began = finished(arguments.results), time.monotonic()
    todo = [task for task in tasks() if task not in done and arguments.study in (None, task.study)]
    todo.sort(key=lambda task: (-task.users, seed_of(task)))  # the long ones first
    with ProcessPoolExecutor(arguments.processes) as pool:
        running = {pool.submit(run_task, task, int(arguments.worlds * N_WORLDS[task.study])): task for task in todo}
        for number, future in enumerate(as_completed(running), 1):
            append(future.result(), arguments.results)
            print(f"{number}/{len(todo)} {running[future]} {time.monotonic() - began:.0f} s", flush=True)


def append(rows: list[Row], path: Path) -> None:
    """Add a task's rows to the results at once, so that a run cut short leaves whole tasks."""
    is_new = not path.exists()
    path.parent.mkdir(exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        if is_new:
            writer.writeheader()
        writer.writerows(map(asdict, rows))


if __name__ == "__main__":
    main()
