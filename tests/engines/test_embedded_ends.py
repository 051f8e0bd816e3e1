"""How the embedded engine ends when a command is interrupted: at once, whatever its client waits for."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from jobs.engine.embedded import _put_away

COMMAND = """
import pathlib, sys, threading, time
from jobs.engine.embedded import embedded_session
from jobs.exits import Ending, leave, run_to_the_end

def command():
    with embedded_session(pathlib.Path(sys.argv[1]), memory="256m") as session:
        session.stop = lambda: time.sleep(60)  # as a channel does whose call nobody listens to
        print("ready", flush=True)
        held = threading.Lock()
        held.acquire()
        held.acquire()

leave(run_to_the_end(command, Ending()))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_waits_neither_for_a_lock_nor_for_its_engine(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        process.send_signal(number)
        _, told = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert told == "Interrupted; nothing half-published. The next command cleans up.\n"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("error", [None, ValueError("a query failed")])
def test_others_wait_until_it_has_stopped(monkeypatch, error):
    monkeypatch.setattr("jobs.engine.embedded.PUT_AWAY_SECONDS", 0.05)
    stopped = []

    def stop():
        time.sleep(0.3)
        stopped.append(True)

    try:
        if error:
            raise error
        _put_away(stop)
    except ValueError:
        _put_away(stop)
    assert stopped
