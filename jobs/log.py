"""Logging for people (text) and machines (one JSON object a line), always on standard error."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import IO, Any

import structlog

_last = time.monotonic()


def configure_logging(log_format: str = "text", verbosity: int = 0) -> None:
    """Set up structlog.

    Args:
        log_format: `text` or `json`.
        verbosity: -1 errors only, 0 progress, 1 and more details.
    """
    level = {-1: logging.ERROR, 0: logging.INFO}.get(max(-1, min(verbosity, 1)), logging.DEBUG)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            _note_the_time,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if log_format == "text" else "iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_on_standard_error,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # By its full name: Great Expectations sets the level of its own loggers when it is imported.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)


class _PatientLogger(structlog.PrintLogger):
    """A logger that goes on when nobody reads any more: `run 2>&1 | head` must not end the run."""

    def msg(self, message: str) -> None:
        """Print a line, as long as somebody reads."""
        try:
            super().msg(message)
        except BrokenPipeError:
            send_nowhere(sys.stderr)

    info = warning = error = critical = msg


def _on_standard_error(*_: Any) -> structlog.PrintLogger:
    """Give a logger to what is standard error now: tests, and whoever embeds a command, put others in its place."""
    return _PatientLogger(sys.stderr)


def send_nowhere(stream: IO[str]) -> None:
    """Send the rest of a stream nowhere, so that no later flush complains of the closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def silence() -> float:
    """Return the seconds since the last line."""
    return time.monotonic() - _last


def _note_the_time(_: Any, __: str, event: Any) -> Any:
    global _last
    _last = time.monotonic()
    return event


def get_logger() -> Any:
    """Return the program's logger."""
    return structlog.get_logger("pdmetrics")
