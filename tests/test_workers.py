"""Worker processes are gone with what started them, at whatever moment that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.context import SpawnProcess
from typing import Any

import pytest

from jobs.workers import worker_pool


def test_a_process_that_is_starting_when_a_person_interrupts_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    start = SpawnProcess.start

    def interrupted(process: SpawnProcess) -> None:
        start(process)
        started.append(process)
        os.kill(os.getpid(), signal.SIGINT)  # blocked while a process starts, and delivered right behind

    monkeypatch.setattr(SpawnProcess, "start", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
            pool.submit(os.getpid)
    finally:
        signal.signal(signal.SIGINT, before)
    started[0].join(timeout=10)
    assert started[0].exitcode == -signal.SIGTERM
    assert started[0] not in multiprocessing.active_children()
