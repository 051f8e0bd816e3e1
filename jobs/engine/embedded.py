"""The embedded engine: Sail, which speaks PySpark's own protocol, in this process and on loopback. No Java."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.connect.client.retries import DefaultPolicy

from jobs.errors import UsageError
from jobs.settings import memory_bytes

PUT_AWAY_SECONDS = 2.0
"""How long an interrupted command waits for its engine to stop."""


@contextlib.contextmanager
def embedded_session(scratch: Path, *, memory: str) -> Iterator[SparkSession]:
    """Start the engine on a free loopback port, and stop it when the block ends.

    Args:
        scratch: where checkpoints and spilled rows go.
        memory: how much it may hold before it spills, such as `2g`.

    Raises:
        UsageError: there is no engine for this platform, or it did not start.
    """
    os.environ.update(_environment(scratch, memory))
    os.environ.setdefault("RUST_LOG", "off")  # its errors reach the caller as exceptions
    try:
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer()
        server.start()
    except (ImportError, RuntimeError, OSError) as error:
        raise UsageError(
            f"The embedded engine did not start: {error}.",
            where="[engine] name = 'embedded'",
            next_step="pip install pysail; where it has no wheel for the platform, set [engine] name = 'spark'",
        ) from None
    try:
        # create, not getOrCreate: a session that is still around belongs to a server that has been stopped.
        session = SparkSession.builder.remote(f"sc://{_address(server.listening_address)}").create()
        # The server stops by itself on Ctrl-C, and what lies in the same process cannot be down for a while only:
        # without this the client would ask for ten minutes.
        session.client.set_retry_policies([DefaultPolicy(max_retries=2, max_backoff=200, jitter=0)])
        try:
            session.conf.set("spark.sql.session.timeZone", "UTC")
            session.conf.set("spark.sql.ansi.enabled", "true")
            # The server has put its own handler before Python's, one after which the system calls of this process are
            # begun again: whoever waits here for something else, for a lock or a process, would not hear of Ctrl-C.
            signal.siginterrupt(signal.SIGINT, True)
            yield session
        finally:
            _put_away(session.stop)  # before the server, of which it takes its leave
    finally:
        _put_away(server.stop)


def _put_away(stop: Callable[[], None]) -> None:
    """Stop something; after an interruption only for a moment, since the process ends next.

    A call that was interrupted before anybody listened for its answer is one that gRPC's channel, when it is closed,
    waits for without end.
    """
    if isinstance(sys.exception(), Exception | None):
        stop()
        return
    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    stopping.join(PUT_AWAY_SECONDS)


def _address(found: tuple[str, int] | None) -> str:
    host, port = found or ("127.0.0.1", 0)
    return f"{host}:{port}"


def _environment(scratch: Path, memory: str) -> dict[str, str]:
    """Return what the engine reads when it starts: bounded memory, and where it may write."""
    return {
        "SAIL_EXECUTION__CHECKPOINT__PATH": (scratch.resolve() / "checkpoints").as_uri(),
        "SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair",
        "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": str(memory_bytes(memory)),
        "SAIL_RUNTIME__TEMPORARY_FILES__PATHS": json.dumps([str(scratch.resolve())]),
    }
