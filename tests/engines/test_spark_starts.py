"""Two processes that start Spark at once do not fetch jars to the same files at once; without Spark."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jobs.engine.spark import one_start_at_a_time


def test_a_start_waits_for_another_to_end(tmp_path: Path) -> None:
    order: list[str] = []

    def start() -> None:
        with one_start_at_a_time(tmp_path):
            order.append("second")

    second = threading.Thread(target=start)
    with one_start_at_a_time(tmp_path):
        second.start()
        second.join(timeout=0.3)
        order.append("first")
    second.join(timeout=20)
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_locked_nobody_waits(tmp_path: Path) -> None:
    with one_start_at_a_time(tmp_path / "missing"):
        pass


def test_without_a_home_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_nobody(_: object) -> None:
        raise KeyError("no such user")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", of_nobody)
    with pytest.raises(RuntimeError):
        Path.home()
    with one_start_at_a_time():
        pass
