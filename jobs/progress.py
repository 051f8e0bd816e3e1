"""What is being done, so that no run is silent for long: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.console import PatientConsole
from jobs.log import get_logger, silence

SILENCE = 8.0  # seconds without a word
LOOK = 0.5


class Told:
    """Tells how far some work of known size is."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._bar: Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        """Say that `done` of `total` are done."""
        if sys.stderr.isatty():
            self._draw(done, total)
        elif silence() > SILENCE:
            get_logger().info(self.what, done=done, of=total)

    def __enter__(self) -> Told:
        """Begin to tell."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away, whatever happened."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            if done >= total:
                return
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=PatientConsole(stderr=True), transient=True)
            self._bar.start()
            self._bar.add_task(self.what, total=total)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)
        if done >= total:
            self.__exit__()


@contextlib.contextmanager
def still_at(what: str) -> Iterator[None]:
    """Say that some work of unknown size goes on, whenever nothing was said for a while."""
    done, began = threading.Event(), time.monotonic()

    def tell() -> None:
        while not done.wait(LOOK):
            if silence() > SILENCE:
                get_logger().info(f"still {what}", seconds=round(time.monotonic() - began))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
