"""Many fits at once: in parallel processes, each done once, with progress.

A fit's answer depends on nothing but its arguments and the code of this package; both together name its cache entry.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from jobs.estimation import people
from jobs.estimation.people import PeopleEstimate
from jobs.workers import worker_pool

Progress = Callable[[int, int], None]

ESTIMATORS: Mapping[str, Callable[..., PeopleEstimate]] = {
    name: getattr(people, name)
    for name in ("users_estimate", "retention_estimate", "unique_ctr_estimate", "two_day_review_bounds")
}
CODE = (
    "mixture", "kernels", "profile", "users", "retention", "bounds", "gate", "remedy", "identifiability", "answers",
    "shares", "people",
)  # fmt: skip
CHUNKS_PER_WORKER = 8  # small enough to share the work evenly, large enough to spare messages
WORTH_A_POOL = 40  # starting processes costs about as much as this many fits


@dataclass(frozen=True)
class FitTask:
    """One number about people to be estimated.

    Attributes:
        estimator: name of a function of `jobs.estimation.people`, a key of `ESTIMATORS`.
        arguments: its keyword arguments.
        label: whatever the caller wants to recognise it by, such as (metric, wiki_db, metric_date); not used here.
    """

    estimator: str
    arguments: Mapping[str, Any]
    label: tuple[Any, ...] = field(default=())


@cache
def code_version() -> str:
    """Hash the source of the estimators: a changed line makes every cached fit stale."""
    digest = hashlib.sha256()
    for name in CODE:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def task_hash(task: FitTask) -> str:
    """Name a task by its content: estimator, arguments, code version."""
    digest = hashlib.sha256(f"{code_version()}:{task.estimator}".encode())
    for name in sorted(task.arguments):
        digest.update(f"|{name}=".encode())
        value = task.arguments[name]
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            digest.update(repr(value.item() if isinstance(value, np.generic) else value).encode())
    return digest.hexdigest()


def fit_many(
    tasks: Sequence[FitTask], workers: int = 1, cache_dir: Path | None = None, progress: Progress | None = None
) -> list[PeopleEstimate]:
    """Estimate many numbers.

    Equal tasks are fitted once. What a gate refuses beforehand costs next to nothing and is not sent around.

    Args:
        tasks: what to estimate.
        workers: processes; 1 stays in this one.
        cache_dir: folder of earlier answers, created if need be; None for none.
        progress: called with (done, all) now and then, lastly with (all, all).

    Returns:
        The estimates, in the order of `tasks`; the same whatever `workers` and `cache_dir` are.
    """
    names = [task_hash(task) for task in tasks]
    answers = {name: answer for name in set(names) if (answer := _cached(cache_dir, name)) is not None}
    open_tasks = {name: task for name, task in zip(names, tasks, strict=True) if name not in answers}
    waiting = len(open_tasks)
    done = len(tasks) - waiting
    for finished in _run(open_tasks, workers):
        for name, answer in finished.items():
            _keep(cache_dir, name, answer)
        answers.update(finished)
        done += len(finished)
        if progress is not None:
            progress(done, len(tasks))
    if progress is not None and waiting == 0:
        progress(len(tasks), len(tasks))
    return [answers[name] for name in names]


def _run(tasks: dict[str, FitTask], workers: int) -> Iterator[dict[str, PeopleEstimate]]:
    """Estimate tasks, chunk by chunk, as they get done."""
    items = list(tasks.items())
    if workers <= 1 or len(items) < WORTH_A_POOL:
        for item in items:
            yield _estimate_chunk([item])
        return
    # Dealt out like cards: neighbouring windows have alike tables, so every chunk gets its share of the large ones.
    n_chunks = min(len(items), workers * CHUNKS_PER_WORKER)
    chunks = [items[start::n_chunks] for start in range(n_chunks)]
    with worker_pool(workers) as pool:
        futures: list[Future[dict[str, PeopleEstimate]]] = [pool.submit(_estimate_chunk, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()


def _estimate_chunk(items: list[tuple[str, FitTask]]) -> dict[str, PeopleEstimate]:
    """Estimate a few tasks, in this process."""
    return {name: ESTIMATORS[task.estimator](**task.arguments) for name, task in items}


def _cached(cache_dir: Path | None, name: str) -> PeopleEstimate | None:
    """Look an answer up; a damaged entry counts as none."""
    if cache_dir is None:
        return None
    path = cache_dir / f"{name}.json"
    try:
        return PeopleEstimate(**json.loads(path.read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def _keep(cache_dir: Path | None, name: str, answer: PeopleEstimate) -> None:
    """Store an answer; written aside and moved into place, so that no reader meets half of it."""
    if cache_dir is None:
        return
    cache_dir.mkdir(parents=True, exist_ok=True)
    aside = cache_dir / f".{name}.{os.getpid()}"
    aside.write_text(json.dumps(asdict(answer)))
    aside.replace(cache_dir / f"{name}.json")
