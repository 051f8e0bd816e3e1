"""Many fits at once: in parallel processes, each done once, with progress; one that fails does not sink the others.

A fit's answer depends on nothing but its arguments and the code of `jobs/estimation`; both together name its cache
entry.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from jobs import estimation
from jobs.errors import WarehouseError
from jobs.estimation.answers import PeopleEstimate, refuse_failed, restored
from jobs.estimation.fits import ESTIMATORS, FitTask
from jobs.estimation.limits import Limits
from jobs.log import get_logger
from jobs.rows.fitting import Fitting
from jobs.settings import EstimationSettings
from jobs.workers import worker_pool

Progress = Callable[[int, int], None]
Answers = dict[str, PeopleEstimate | str]  # by name of the task; a text tells why there is none

# Each file of the estimators, and only these: a changed line in another leaves answers as they are.
CODE = (
    "intervals", "mixture", "kernels", "profile", "misfit", "users", "retention", "bounds", "limits", "users_limits",
    "share_limits", "remedy", "identifiability", "answers", "shares", "people", "reference_shape",
)  # fmt: skip
CHUNKS_PER_WORKER = 8  # small enough to share the work evenly, large enough to spare messages
WORTH_A_POOL = 40  # starting processes costs about as much as this many fits


def limits(settings: EstimationSettings) -> Limits:
    """Return up to which widths answers are shown, as set."""
    return Limits(
        fewest_seen=settings.min_seen,
        users_publish=settings.users_publish,
        users_caution=settings.users_caution,
        share_publish=settings.retention_publish,
        share_caution=settings.retention_caution,
        share_bounds=settings.retention_bounds,
    )


def fitting(settings: EstimationSettings, cache_dir: Path | None, progress: Progress | None = None) -> Fitting:
    """Return how the rows have their fits made, as set."""
    fit = partial(fit_many, workers=settings.workers, cache_dir=cache_dir, progress=progress)
    return Fitting(limits(settings), fit)


@cache
def code_version() -> str:
    """Hash the source of the estimators: a changed line makes every cached fit stale."""
    digest = hashlib.sha256()
    for name in CODE:
        digest.update(files(estimation).joinpath(f"{name}.py").read_bytes())
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

    Equal tasks are fitted once. What is refused beforehand costs next to nothing and is not sent around.

    Args:
        tasks: what to estimate.
        workers: processes; 1 stays in this one.
        cache_dir: folder of earlier answers, created if need be; None for none.
        progress: called with (done, all) now and then, lastly with (all, all).

    Returns:
        The estimates, in the order of `tasks`; the same whatever `workers` and `cache_dir` are. One that could not be
        computed is refused, with a warning that names its window, and tried again by the next run.
    """
    for task in tasks:
        if task.estimator not in ESTIMATORS:
            raise KeyError(f"no estimator {task.estimator!r}; there are {', '.join(ESTIMATORS)}")
    names = [task_hash(task) for task in tasks]
    answers = {name: known for name in set(names) if (known := _cached(cache_dir, name)) is not None}
    open_tasks = {name: task for name, task in zip(names, tasks, strict=True) if name not in answers}
    labelled: dict[str, list[FitTask]] = {}
    for name, task in zip(names, tasks, strict=True):
        labelled.setdefault(name, []).append(task)
    waiting = len(open_tasks)
    done = len(tasks) - waiting
    for finished in _run(open_tasks, workers):
        for name, found in finished.items():
            if isinstance(found, str):
                answers[name] = _refused(labelled[name], found)
            else:
                answers[name] = _kept(cache_dir, name, found)
        done += len(finished)
        if progress is not None:
            progress(done, len(tasks))
    if progress is not None and waiting == 0:
        progress(len(tasks), len(tasks))
    return [answers[name] for name in names]


def _run(tasks: dict[str, FitTask], workers: int) -> Iterator[Answers]:
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
        futures: list[Future[Answers]] = [pool.submit(_estimate_chunk, chunk) for chunk in chunks]
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                raise WarehouseError(
                    "A process that fits people metrics was ended from outside, most likely for want of memory.",
                    next_step="free some memory, or lower [estimation] workers, and rerun; nothing was published",
                ) from None


def _estimate_chunk(items: list[tuple[str, FitTask]]) -> Answers:
    """Estimate a few tasks, in this process."""
    return {name: _estimate(task) for name, task in items}


def _estimate(task: FitTask) -> PeopleEstimate | str:
    """Estimate one task, or tell why it cannot be: whatever an odd table makes a solver raise is its own trouble."""
    try:
        return ESTIMATORS[task.estimator](**task.arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _refused(tasks: Sequence[FitTask], why: str) -> PeopleEstimate:
    """Refuse what could not be computed, and say of which windows that is: several may have one table."""
    for task in tasks:
        window = ", ".join(_words(task.label)) or task.estimator
        get_logger().warning(
            "a fit failed, its row is not_estimable", window=window, estimator=task.estimator, error=why
        )
    return refuse_failed(why)


def _words(label: Sequence[Any]) -> Iterator[str]:
    """Yield the parts of a label, of those inside one another too; a moment at midnight is its day."""
    for part in label:
        if isinstance(part, tuple):
            yield from _words(part)
        else:
            yield str(part).removesuffix(" 00:00:00")


def _cached(cache_dir: Path | None, name: str) -> PeopleEstimate | None:
    """Look an answer up; a damaged entry counts as none."""
    if cache_dir is None:
        return None
    path = cache_dir / f"{name}.json"
    try:
        digest, answer = json.loads(path.read_text(encoding="utf-8"))
        return restored(answer) if digest == _digest(answer) else None
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None


def _digest(answer: Mapping[str, Any]) -> str:
    """Return what tells that an entry is as it was written: a damaged digit is a number too."""
    return hashlib.sha256(json.dumps(answer).encode()).hexdigest()[:16]


def _kept(cache_dir: Path | None, name: str, answer: PeopleEstimate) -> PeopleEstimate:
    """Store an answer; written aside and moved into place, so that no reader meets half of it."""
    if cache_dir is None:
        return answer
    cache_dir.mkdir(parents=True, exist_ok=True)
    aside = cache_dir / f".{name}.{os.getpid()}"
    entry = asdict(answer)
    aside.write_text(json.dumps([_digest(entry), entry]), encoding="utf-8")
    aside.replace(cache_dir / f"{name}.json")
    return answer
