"""What `backfill` refuses before anything is read or started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration import worlds

DAYS = ("--start", "2026-03-14", "--end", "2026-03-15")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*DAYS, "--input", "x"), "Say why"),
        ((*DAYS, "--input", "x", "--reason", " "), "Say why"),
        ((*DAYS, "--reason", "late"), "Say where"),
        (("--input", "x", "--reason", "late"), "Name the days"),
        (("--rollback", "run_1", *DAYS), "takes the days of the run"),
        (("--rollback", "run_1", "--dry-run"), "is published at once"),
        (("--rollback", "run_1", "--input", "x"), "reads no --input"),
        ((*DAYS, "--input", "x", "--reason", "late", "--chunk-days", "0"), "--chunk-days"),
    ],
)
def test_what_is_missing_or_does_not_go_together(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = worlds.here("--warehouse", str(tmp_path / "w"), "backfill", *arguments, check=False)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert not (tmp_path / "w").exists()
