"""Who holds a lock or a lease: for people, and to tell on the same machine whether that process still lives."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

from jobs.secrets import shown_command


def whose() -> str:
    """Name this process, for people, without what nobody else should know of its command line."""
    return f"process {os.getpid()} on {socket.gethostname()}, {shown_command(sys.argv[1:]) or sys.argv[0]}"


def process() -> str:
    """Name this process so that another of the same machine and container can tell whether it lives; else nothing."""
    machine = _machine()
    started = _started(os.getpid())
    return f"{machine}/{os.getpid()}/{started}" if machine and started else ""


def is_dead(named: str) -> bool:
    """Whether a process is known to be gone: it ran where this one runs, and is no longer there.

    One of another user may be hidden (`hidepid`), and lives.
    """
    machine, number, started = named.rsplit("/", 2) if named else ("", "", "")
    if not machine or machine != _machine():
        return False
    try:
        os.kill(int(number), 0)  # sends nothing
    except ProcessLookupError:
        return True
    except OSError:
        pass
    now = _started(int(number))
    return now is not None and now != started


def _machine() -> str:
    """Name what numbers processes here: this start of this machine, and the container."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    return ""


def _started(number: int) -> str | None:
    """Return when a process began, in the kernel's ticks; "" of one that has ended, None where nobody tells."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    return None
