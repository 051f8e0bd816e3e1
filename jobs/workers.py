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
        """Start with the signal blocked, which the new process inherits."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            except BaseException:  # Ctrl-C came meanwhile: nobody else knows of this process yet, and would end it
                if self.pid is not None:
                    self.terminate()
                raise


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
