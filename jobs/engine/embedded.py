"""The embedded engine: Sail, which speaks PySpark's own protocol, in this process and on loopback. No Java."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.errors import UsageError


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
        try:
            session.conf.set("spark.sql.session.timeZone", "UTC")
            session.conf.set("spark.sql.ansi.enabled", "true")
            yield session
        finally:
            session.stop()  # before the server: without it the client would go on asking for ten minutes
    finally:
        server.stop()


def memory_bytes(text: str) -> int:
    """Return the bytes of a size such as `2g`, `1536m` or a plain number.

    Raises:
        ValueError: it is none.
    """
    units = {"k": 10, "m": 20, "g": 30, "t": 40}
    lowered = text.strip().lower().removesuffix("b")
    shift = units.get(lowered[-1:], 0)
    number = float(lowered[:-1] if shift else lowered)
    if number <= 0:
        raise ValueError("a size is above 0")
    return int(number * (1 << shift))


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
