"""A run is never silent for long, and not talkative either."""

from __future__ import annotations

import time

import pytest

from jobs import progress
from jobs.log import configure_logging, get_logger


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    configure_logging("text", 0)
    monkeypatch.setattr(progress, "SILENCE", 0.15)
    monkeypatch.setattr(progress, "LOOK", 0.02)


def test_silent_work_says_now_and_then_that_it_goes_on(capsys):
    configure_logging("text", 0)
    get_logger().info("begins")
    with progress.still_at("computing windows"):
        time.sleep(0.5)
    said = capsys.readouterr().err
    assert 1 <= said.count("still computing windows") <= 3


def test_work_that_talks_is_not_interrupted(capsys):
    configure_logging("text", 0)
    with progress.still_at("computing windows"):
        for number in range(20):
            get_logger().info("fit", number=number)
            time.sleep(0.02)
    assert "still" not in capsys.readouterr().err


def test_work_of_known_size_says_how_far_it_is_in_a_log(capsys):
    configure_logging("text", 0)
    told = progress.Told("files read")
    get_logger().info("begins")
    for number in range(1, 11):
        told(number, 10)
        time.sleep(0.05)
    said = capsys.readouterr().err
    assert "files read" in said
    assert "of=10" in said
    assert said.count("files read") <= 4


def test_a_bar_is_drawn_on_a_terminal_and_goes_when_all_is_done(monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    told = progress.Told("files read")
    told(1, 2)
    assert told._bar is not None
    told(2, 2)
    assert told._bar is None
