"""How a command ends: one line on standard error and one exit code; a traceback only where it is asked for.

Codes: 0 done, 1 a gate failed or doctor found something to mend, 2 usage, configuration or input, 3 no input, 70
unexpected, 75 the lock is held, 130 and 143 interrupted (docs/contract.md, section 1.2).
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from jobs import __version__
from jobs.console import told
from jobs.errors import EXIT_UNEXPECTED, STILL_PUBLISHED, PdmetricsError, UsageError
from jobs.secrets import shown_command

_RIGHTS = "give this user the right to read and write it, or run as the user whose it is"
DISK = {
    errno.ENOSPC: "free space on that disk",
    errno.EDQUOT: "free space within this user's quota",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EROFS: "mount that disk writable, or name a place elsewhere",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EIO: "look after that disk, which fails",
}
"""What to do about what a disk says."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SIGNAL_BASE = 128
ASKED_AGAIN_SECONDS = 0.3
"""How soon, and how often, a command is asked again to end, where what a signal raised was lost."""
PUT_AWAY = "nothing half-published. The next command cleans up."
CUT_OFF = "a world that was begun is cut off, and marked so. The same command writes it again."


class Stopped(BaseException):
    """A signal asked the command to end. Not an Exception: nothing that handles errors should keep it."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class Ending:
    """What the end of a command needs to know of it; the command line fills it in once options are read.

    Attributes:
        folder: where a traceback is saved; None for the system's folder of temporary files.
        shows_traceback: whether it is printed too.
        after_stop: what is to be said of a command that a signal ended.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.shows_traceback = False
        self.after_stop = PUT_AWAY


def run_to_the_end(command: Callable[[], object], ending: Ending) -> int:
    """Run a command and return its exit code, having said in a line what went wrong."""
    received: list[int] = []
    try:
        with _signals_raise(received):
            command()
    except Stopped as stopped:
        return _interrupted(stopped.number, ending)
    except Exception as error:
        # What a signal raised inside of a destructor is lost there; what it cut off may fail before we ask again.
        return _interrupted(received[0], ending) if received else _failed(error, ending)
    return 0


def _interrupted(number: int, ending: Ending) -> int:
    told(f"Interrupted; {ending.after_stop}", style="yellow")
    return SIGNAL_BASE + number


def _failed(error: Exception, ending: Ending) -> int:
    """Say what went wrong and return the exit code."""
    if isinstance(error, PdmetricsError):
        told(f"error: {error}")
        return error.exit_code
    if isinstance(error, OSError) and error.errno in DISK:
        told(f"error: {_of_disk(error, ending)}")
        return UsageError.exit_code
    return _unexpected(error, ending)


def leave(code: int) -> NoReturn:
    """End the process. After a signal at once: threads that still wait for an answer would hold it up."""
    if code > SIGNAL_BASE:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _of_disk(error: OSError, ending: Ending) -> UsageError:
    where = str(error.filename or ending.folder or "")  # a write names no file
    next_step = f"{DISK[error.errno or 0]}, and rerun: {_state_after(error)}"
    return UsageError(f"{error.strerror}.", where=where, next_step=next_step)


def _state_after(error: Exception) -> str:
    """Say what became of the run: whoever knows better than that nothing was published has noted it on the error."""
    notes = (note for note in getattr(error, "__notes__", ()) if note.startswith(STILL_PUBLISHED))
    return next(notes, "nothing was published")


def _unexpected(error: Exception, ending: Ending) -> int:
    """Save the traceback and name its place in one line."""
    text = "".join(traceback.format_exception(error))
    if ending.shows_traceback:
        sys.stderr.write(text)
    words = " ".join(str(error).split())[:300]
    told(
        f"error: Unexpected: {type(error).__name__}: {words}\n  where: {_saved(text, ending.folder)}\n"
        f"  next:  report it with that file and `pdmetrics --version` ({__version__}); {_state_after(error)}"
    )
    return EXIT_UNEXPECTED


def _saved(text: str, folder: Path | None) -> str:
    """Save a traceback for the eyes of its owner, beside the warehouse's logs or else among temporary files."""
    name = f"error-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.getpid()}.txt"
    for place in (folder, Path(tempfile.gettempdir())):
        if place is None or not place.is_dir():
            continue
        with contextlib.suppress(OSError):
            handle = os.open(place / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(f"pdmetrics {__version__}: {shown_command(sys.argv[1:])}\n\n{text}")
            return str(place / name)
    return "the traceback could not be saved; run again with -v"


@contextlib.contextmanager
def _signals_raise(received: list[int]) -> Iterator[None]:
    """Turn the first interrupt into `Stopped`, so that everything is put away; the second ends the process at once.

    Python acts on a signal wherever it happens to be. In a destructor, a weak reference, or a module that clears
    errors while it is imported, `Stopped` is lost: so it is raised again until it is on its way.

    Args:
        received: where the first is noted.
    """
    asking: list[bool] = []

    def stop(number: int, _: FrameType | None) -> None:
        if received and not asking:
            os._exit(SIGNAL_BASE + number)
        asking.clear()
        received.append(number)
        warnings.simplefilter("ignore")  # what is cut off complains on its way out: of calls it could not repeat
        signal.setitimer(signal.ITIMER_REAL, ASKED_AGAIN_SECONDS, ASKED_AGAIN_SECONDS)
        raise Stopped(number)

    def ask_again(*_: object) -> None:
        if received and not _is_ending():
            asking.append(True)
            signal.raise_signal(received[0])  # to whom has that signal now

    try:
        before = {number: signal.signal(number, stop) for number in SIGNALS}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, ask_again)
    except ValueError:  # not in the main thread: whoever called us has signals in hand
        yield
        return
    try:
        with _lost_in_silence():
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_ending() -> bool:
    """Say whether `Stopped` is being handled right now, be it by something that failed meanwhile."""
    error = sys.exception()
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None


@contextlib.contextmanager
def _lost_in_silence() -> Iterator[None]:
    """Print nothing of a `Stopped` that was lost; Python would print its traceback."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda what: None if isinstance(what.exc_value, Stopped) else hook(what)
    try:
        yield
    finally:
        sys.unraisablehook = hook
