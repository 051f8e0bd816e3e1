"""Kill a process as the kernel would, and see that nothing it started outlives it."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

PATIENCE = 20  # seconds


def kill(process: subprocess.Popen[str]) -> bool:
    """Kill as the kernel would; returns whether there was anything left to kill."""
    was_running = process.poll() is None
    below = descendants(process.pid)
    if was_running:
        process.send_signal(signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()
    deadline = time.monotonic() + PATIENCE
    while left := [pid for pid in below if Path(f"/proc/{pid}/cmdline").exists() and cmdline(pid)]:
        assert time.monotonic() < deadline, f"processes outlive the run that started them: {left}"
        time.sleep(0.2)
    return was_running


def descendants(root: int) -> set[int]:
    """The processes below one."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    found, fresh = set(), {root}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def cmdline(pid: int) -> bytes:
    """What a process was started as; nothing of one that is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
