"""A second process for dbt and Great Expectations: seconds of imports, beside the engine's own work.

Neither needs the engine: the one reads the lake's files, the other small profiles. In the process of the engine their
imports would hold Python's lock while every query waits for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from jobs.errors import WarehouseError
from jobs.workers import worker_pool

P = ParamSpec("P")
T = TypeVar("T")


class Companion:
    """The process, as a run sees it."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def prepare(self, step: str) -> None:
        """Begin the imports that a step will need, or while `estimates` runs those of the step after it."""
        self._pool.submit(_import, step in ("ingest", "marts"), step in ("estimates", "marts"))

    def begin(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Let a function run there without waiting; nobody is told if it fails: who needs its work does it again."""
        self._pool.submit(function, *args, **kwargs)

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function of a module there, and wait for what it returns or raises."""
        try:
            return self._pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            raise WarehouseError(
                "The process of dbt and the gates was ended from outside, most likely for want of memory.",
                next_step="free some memory and rerun",
            ) from None


@contextlib.contextmanager
def companion(steps: Sequence[str]) -> Iterator[Companion]:
    """Give a companion that has begun with what the first of some steps needs; it ends with the block."""
    with worker_pool(1) as pool:
        found = Companion(pool)
        found.prepare(steps[0] if steps else "ingest")
        yield found


def _import(gates: bool, marts: bool) -> None:
    if gates:
        import expectations.gate

        expectations.gate.prefetch()
    if marts:
        import jobs.marts.build

        jobs.marts.build.prefetch()
