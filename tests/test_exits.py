"""How commands end: one line, one code, and no traceback that nobody asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.errors import GateError, LockedError, NoInputError, UsageError
from jobs.exits import Ending, run_to_the_end
from jobs.warehouse.runs import Warehouse

INTERRUPTED = "Interrupted; nothing half-published. The next command cleans up.\n"


def ended(command, capsys, ending=None):
    code = run_to_the_end(command, ending or Ending())
    return code, capsys.readouterr().err


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"), [(GateError("a"), 1), (UsageError("a"), 2), (NoInputError("a"), 3), (LockedError("a"), 75)]
)
def test_expected_errors_are_a_line_and_their_code(error, code, capsys):
    assert ended(raising(error), capsys) == (code, "error: a\n")


def test_nothing_wrong_is_nothing_said(capsys):
    assert ended(lambda: None, capsys) == (0, "")


@pytest.mark.parametrize(
    ("number", "next_step"),
    [
        (errno.ENOSPC, "free space on that disk"),
        (errno.EACCES, "give this user the right to read and write it, or run as the user whose it is"),
    ],
)
def test_what_a_disk_says_is_no_traceback_and_has_what_to_do(capsys, number, next_step):
    code, told = ended(raising(OSError(number, os.strerror(number), "/lake/lock")), capsys)
    assert code == 2
    assert told == (
        f"error: {os.strerror(number)}.\n  where: /lake/lock\n  next:  {next_step}, and rerun: nothing was published\n"
    )


def test_a_full_disk_that_names_no_file_is_that_of_the_warehouse(capsys, tmp_path):
    ending = Ending()
    ending.folder = tmp_path
    assert f"where: {tmp_path}\n" in ended(raising(OSError(errno.ENOSPC, "No space left on device")), capsys, ending)[1]


def test_the_unexpected_is_saved_and_told_in_a_line(capsys, tmp_path, monkeypatch):
    ending = Ending()
    ending.folder = tmp_path
    monkeypatch.setattr("sys.argv", ["pdmetrics", "purge", "--user-hash", "0123456789abcdef"])
    code, told = ended(raising(KeyError("metric_date")), capsys, ending)
    (saved,) = tmp_path.iterdir()
    assert code == 70
    assert told.startswith(f"error: Unexpected: KeyError: 'metric_date'\n  where: {saved}\n  next:  report it")
    assert "Traceback" not in told
    assert "raise error" in saved.read_text()
    assert ": purge --user-hash (set)\n" in saved.read_text()
    assert saved.stat().st_mode & 0o077 == 0


def test_where_it_cannot_be_saved_there_it_goes_to_temporary_files(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ending = Ending()
    ending.folder = tmp_path / "not there"
    assert str(tmp_path / "error-") in ended(raising(ValueError("x")), capsys, ending)[1]


def test_a_traceback_is_shown_to_whom_asks(capsys, tmp_path):
    ending = Ending()
    ending.folder, ending.shows_traceback = tmp_path, True
    assert "Traceback (most recent call last)" in ended(raising(ValueError("x")), capsys, ending)[1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_a_line_and_its_code(number, code, capsys):
    before = signal.getsignal(number)

    def command():
        os.kill(os.getpid(), number)
        time.sleep(5)

    assert ended(command, capsys) == (code, INTERRUPTED)
    assert signal.getsignal(number) is before


class Swallows:
    """Python passes over what is raised in here."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)


def test_a_signal_that_a_destructor_swallows_ends_the_command_all_the_same(capsys):
    def command():
        Swallows()
        raise ConnectionError("the engine is gone")

    assert ended(command, capsys) == (143, INTERRUPTED)


def test_a_signal_that_a_destructor_swallows_is_heard_by_what_comes_next(capsys):
    before, hook = signal.getsignal(signal.SIGALRM), sys.unraisablehook
    done = []

    def command():
        Swallows()
        try:
            time.sleep(20)
        finally:
            done.append("put away")

    began = time.monotonic()
    assert ended(command, capsys) == (143, INTERRUPTED)
    assert time.monotonic() - began < 10
    assert done == ["put away"]
    assert (signal.getsignal(signal.SIGALRM), sys.unraisablehook) == (before, hook)


def test_a_signal_is_asked_again_until_it_is_heard(capsys):
    """As in a module that clears errors while it is imported, and in a destructor that is at work when we ask again."""

    class Slow:
        def __del__(self):
            time.sleep(1)

    def command():
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        Slow()
        time.sleep(20)

    began = time.monotonic()
    assert ended(command, capsys) == (143, INTERRUPTED)
    assert time.monotonic() - began < 10


def test_who_is_putting_things_away_is_not_asked_again(capsys):
    """However long it takes, in a context of its own, and whatever fails there."""
    done = []

    @contextlib.contextmanager
    def slow():
        try:
            yield
        finally:
            time.sleep(0.7)
            done.append("generator")

    def command():
        try:
            with slow():
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(20)
        finally:
            time.sleep(0.7)
            done.append("finally")
            try:
                raise OSError("a folder that was gone")
            except OSError:
                time.sleep(0.7)
                done.append("except")

    assert ended(command, capsys) == (143, INTERRUPTED)
    assert done == ["generator", "finally", "except"]


def test_a_second_signal_ends_the_process_at_once():
    command = """
import os, signal, time
from jobs.exits import Ending, leave, run_to_the_end
def command():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    finally:
        time.sleep(0.7)  # asked again meanwhile, and still putting away
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        print("put away")
leave(run_to_the_end(command, Ending()))
"""
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "")


def test_other_errors_of_destructors_are_told_as_before(capsys):
    class Fails:
        def __del__(self):
            raise ValueError("of its own")

    told = []
    sys.unraisablehook, before = told.append, sys.unraisablehook
    try:
        assert ended(Fails, capsys) == (0, "")
    finally:
        sys.unraisablehook = before
    assert [str(one.exc_value) for one in told] == ["of its own"]


def test_warnings_on_the_way_out_of_a_signal_are_not_printed():
    """Of the engine's client, say, which cannot repeat its last call."""
    command = """
import os, signal, sys, time, warnings
from jobs.exits import Ending, leave, run_to_the_end
def command():
    warnings.warn("[BEFORE]")
    try:
        if sys.argv[1:]:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
    finally:
        warnings.warn("[RETRIES_EXCEEDED]")
leave(run_to_the_end(command, Ending()))
"""

    def told(*given):
        ended = subprocess.run([sys.executable, "-c", command, *given], capture_output=True, text=True, check=False)
        return ended.returncode, ended.stderr

    code, text = told("interrupted")
    assert code == 130
    assert "[BEFORE]" in text
    assert "[RETRIES_EXCEEDED]" not in text
    assert "[RETRIES_EXCEEDED]" in told()[1], "and those of a command that was not interrupted are"


def test_an_interrupted_simulation_has_words_of_its_own(monkeypatch, capsys, tmp_path):
    def stopped(*_, **__):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr("jobs.commands.simulate.simulate_world", stopped)
    monkeypatch.setattr("jobs.cli.leave", sys.exit)
    monkeypatch.setattr(sys, "argv", ["pdmetrics", "simulate", "--out", str(tmp_path), "--extend", "1"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert capsys.readouterr().err == (
        "Interrupted; a world that was begun is cut off, and marked so. The same command writes it again.\n"
    )


def test_who_still_holds_the_lock_is_named(tmp_path):
    with Warehouse(tmp_path).lock():
        done = subprocess.run(
            [sys.executable, "-m", "jobs", "--set", "run.lock_wait_seconds=0", "--warehouse", str(tmp_path), "doctor",
             "--relocate"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 75
    assert done.stderr.startswith("error: Another command is writing: process ")


def test_who_holds_the_lock_is_waited_for_as_long_as_is_set(tmp_path):
    held = threading.Event()

    def hold() -> None:
        with Warehouse(tmp_path).lock():
            held.set()
            time.sleep(1)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    began = time.monotonic()
    with Warehouse(tmp_path, lock_wait_seconds=30).lock():
        waited = time.monotonic() - began
    holder.join()
    assert 0.5 < waited < 10
    with Warehouse(tmp_path).lock(), pytest.raises(LockedError), Warehouse(tmp_path, lock_wait_seconds=0.1).lock():
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.integration
def test_a_run_interrupted_at_its_start_leaves_no_process_and_no_traceback(tmp_path, number):
    """To the whole group, as a terminal sends it: workers that are just starting say nothing either."""
    world = tmp_path / "world"
    subprocess.run(
        [sys.executable, "-m", "jobs", "simulate", "--out", str(world), "--start", "2026-03-19", "--days", "1",
         "--scale", "0.05"], check=True, capture_output=True,
    )  # fmt: skip
    for delay in (0.6, 2.0, 4.0):
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs", "--warehouse", str(tmp_path / "warehouse"), "run", "--date", "2026-03-19",
             "--input", str(world)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        time.sleep(delay)
        os.killpg(process.pid, number)
        _, told = process.communicate(timeout=30)
        if process.returncode == 0:
            break  # it was done
        assert process.returncode in (128 + number, -number), told
        assert "Traceback" not in told
        assert "leaked" not in told
        if process.returncode > 0:
            assert f"{told.splitlines()[-1]}\n" == INTERRUPTED
        assert not _left(process.pid)


def _left(session: int) -> list[str]:
    """Return the command lines of the session's processes that are still there after a moment."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(stat.parent.name)
        if not found:
            return []
        time.sleep(0.2)
    return found
