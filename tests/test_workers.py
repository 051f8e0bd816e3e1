"""Worker processes are gone with what started them, at whatever moment that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.context import SpawnProcess
from typing import Any

import pytest

from jobs.workers import worker_pool


@pytest.mark.parametrize("has_other_thread", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_starting_when_a_person_interrupts_is_ended_too(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, has_other_thread: bool
) -> None:
    """Where there is another thread the signal goes to it, since the first one blocks it while a process starts."""
    started: list[Any] = []
    start, is_over = SpawnProcess.start, threading.Event()

    def interrupted(process: SpawnProcess) -> None:
        start(process)
        started.append(process)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(SpawnProcess, "start", interrupted)
    before = signal.signal(number, signal.default_int_handler)
    if has_other_thread:
        threading.Thread(target=is_over.wait, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
            pool.submit(os.getpid)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        is_over.set()
        signal.signal(number, before)
    started[0].join(timeout=10)
    assert started[0].exitcode == -signal.SIGTERM
    assert started[0] not in multiprocessing.active_children()
