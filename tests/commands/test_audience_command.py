"""`audience` as it is typed: its options, and what is refused before an engine or another process starts."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

import pytest

import jobs.steps.companion
from jobs.audience import Band
from jobs.commands.audience import read_bands, read_windows
from jobs.errors import UsageError
from tests.dumps.dump_rows import put, row
from tests.integration.worlds import here

LAST = date(2026, 3, 31)


def test_bands_and_windows_are_read_in_order() -> None:
    assert read_bands("100-500, 100-300") == (Band(100, 300), Band(100, 500))
    assert read_windows("28,7, 14") == (7, 14, 28)
    assert read_windows("1,366") == (1, 366)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is no band"), ("100-500,", "is no band"), ("500-100", "is no band"), ("100", "is no band"),
     ("100-500,100-500", "100-500 stands twice")],
)  # fmt: skip
def test_a_band_that_is_none_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        read_bands(text)
    assert "--bands" in refused.value.where
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is no window"), ("14,", "is no window"), ("0", "is no window"), ("367", "is no window"),
     ("2.5", "is no window"), ("-7", "is no window"), ("²", "is no window"), ("14,28,14", "14 stands twice")],
)  # fmt: skip
def test_a_window_that_is_none_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        read_windows(text)
    assert "--windows" in refused.value.where


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot of a wiki whose February is missing; and no other process may start."""

    def starts(_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(jobs.steps.companion, "companion", starts)
    put(tmp_path, [row()], bucket="2026-01")
    put(tmp_path, [row()], bucket="2026-03")
    return tmp_path


def audience(history: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["--warehouse", str(history / "w"), "audience", "--history", str(history)]
    done = here(*command, *options, check=False)
    assert not (history / "w").exists(), "nothing is made"
    return done


MARCH = ("--snapshot", "2026-03", "--as-of", f"{LAST}")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--snapshot", "2026-04", "--as-of", f"{LAST}"), 3, "no snapshot 2026-04 yet"),
        ((*MARCH, "--windows", "60"), 3, "2026-03.trwiki.2026-02.tsv.bz2"),
        ((*MARCH, "--wiki", "xxwiki"), 2, "there are: trwiki"),
        ((*MARCH, "--as-of", "2026-04-01"), 2, "2026-03-31 is the last possible day"),
        (("--snapshot", "March", "--as-of", f"{LAST}"), 2, "name a month"),
        ((*MARCH, "--bands", "500"), 2, "--bands 500"),
        ((*MARCH, "--as-of", "soon"), 2, "write YYYY-MM-DD"),
        (("--snapshot", "2026-03"), 2, "--as-of"),
    ],
)
def test_what_cannot_succeed_is_told_at_once(history: Path, options: tuple[str, ...], code: int, message: str) -> None:
    done = audience(history, *options)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())


def test_help_names_what_can_be_asked_for() -> None:
    said = " ".join(here("audience", "--help").stdout.split())
    for words in ("who could be invited", "repeatable", "100-500,100-300", "14,28"):
        assert words in said
