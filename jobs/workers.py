"""Worker processes: started afresh, deaf to Ctrl-C, and gone with the process that started them, however it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess

# A command that a signal ended leaves semaphores to the tracker, which puts them away and need not say so.
sys.warnoptions.append("ignore::UserWarning:multiprocessing.resource_tracker")


@contextlib.contextmanager
def worker_pool(n_workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of worker processes that is gone at the end of the block.

    Spawned, not forked: the parent may hold an engine with its threads.

    Args:
        n_workers: how many.
    """
    pool = ProcessPoolExecutor(n_workers, mp_context=_DeafContext(), initializer=_begin)
    try:
        yield pool
    except BaseException:
        _terminate(pool)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _DeafProcess(SpawnProcess):
    """A process that is deaf to Ctrl-C from its first moment, when Python has no say in it yet."""

    def start(self) -> None:
        """Start with the signal blocked, which the new process inherits; who interrupts meanwhile is heard after."""
        with _signals_kept() as kept:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                super().start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if kept:
            self.terminate()  # nobody else knows of this process yet, and would end it
            signal.raise_signal(kept[0])


@contextlib.contextmanager
def _signals_kept() -> Iterator[list[int]]:
    """Note interruptions instead of acting on them, whichever thread gets them: Python acts in the main one."""
    kept: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    is_main = threading.current_thread() is threading.main_thread()
    ours = {number: handler for number, handler in before.items() if is_main and callable(handler)}
    try:
        for number in ours:
            signal.signal(number, lambda number, _: kept.append(number))
        yield kept
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)


class _DeafContext(SpawnContext):
    Process = _DeafProcess


def _terminate(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: after an error nobody wants what they are at."""
    for process in list((pool._processes or {}).values()):
        process.terminate()


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent says nothing to its workers, who would wait for their next task for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
