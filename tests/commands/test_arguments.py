"""Options that name a folder, a day or a time take one, and say so of anything else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import typer

from jobs.commands.arguments import day, days_asked, folder, moment, range_or_late
from jobs.errors import UsageError
from tests.integration.worlds import here


def test_a_plain_path_is_taken_as_it_is() -> None:
    assert folder("here/w") == Path("here/w")
    assert folder("/a:b/w") == Path("/a:b/w")
    assert folder(Path("warehouse")) == Path("warehouse")


@pytest.mark.parametrize(
    ("address", "then"), [("s3://bucket/w", "folder of this machine"), ("file:///tmp/w", "path alone")]
)
def test_an_address_is_refused_with_a_way_out(address: str, then: str) -> None:
    with pytest.raises(UsageError, match=then) as refused:
        folder(address)
    assert refused.value.where == address


def test_no_command_makes_a_folder_of_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("--warehouse", "file:///tmp/w", "doctor"),
        ("simulate", "--out", "s3://bucket/w", "--start", "2026-03-19", "--days", "1"),
        ("policy", "import", "records.json", "--input", "s3://bucket/w"),
    ):
        done = here(*arguments, check=False)
        assert done.returncode == 2
        assert "is not supported here" in done.stderr
        assert "next:" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_needs_a_catalog_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = here("--warehouse", "s3://bucket/w", "run", "--date", "2026-03-19", "--input", "w", check=False)
    assert done.returncode == 2
    assert "needs a catalog that every machine reaches" in done.stderr
    assert "next:  set [catalog] type and uri" in done.stderr
    done = here("--warehouse", "s3://bucket/w", "doctor", check=False)
    assert done.returncode == 1, "it tells of the rest too"
    assert "needs a catalog" in " ".join(done.stdout.split())
    assert "1 thing to mend first: warehouse" in done.stdout
    assert here("--warehouse", "s3://bucket/w", "run", "--help").returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_variable_names_a_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tests.integration.worlds.ENVIRONMENT", {"PDMETRICS_WAREHOUSE": "gs://bucket/w"})
    assert "gs://bucket/w" in here("doctor", check=False).stdout
    assert list(tmp_path.iterdir()) == []


def test_a_day_is_written_in_one_way() -> None:
    assert day("2026-03-19") == date(2026, 3, 19)
    for text in ("20260319", "2026-W12-4", "2026W124", "2026-3-19", "2026-02-30", "2026-03-19T00:00", "٢٠٢٦-٠٣-١٩", ""):
        with pytest.raises(typer.BadParameter, match="YYYY-MM-DD"):
            day(text)


@pytest.mark.parametrize(
    "text", ["2026-03-19T20:36:00", "2026-03-19 20:36", "2026-03-19T20:36:00Z", "2026-03-19T21:36:00+01:00"]
)
def test_a_time_is_turned_into_utc(text: str) -> None:
    found = moment(text)
    assert (found, found.tzinfo) == (datetime(2026, 3, 19, 20, 36, tzinfo=UTC), UTC)


@pytest.mark.parametrize("text", ["20260319T203600", "2026-W12-4T20:36", "20:36", "2026-03-19T20:36 CET"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time"):
        moment(text)


def test_late_names_the_days_itself() -> None:
    on, after = date(2026, 3, 19), date(2026, 3, 20)
    assert range_or_late(True, None, None, None) is None
    assert range_or_late(False, on, None, None) == (on, after)
    for named in ((on, None, None), (None, on, None), (None, None, on), (None, on, after)):
        with pytest.raises(UsageError, match="--late"):
            range_or_late(True, *named)
    with pytest.raises(UsageError, match="Name the days"):
        range_or_late(False, None, None, None)


def test_days_may_be_left_out_only_where_the_newest_are_meant() -> None:
    first, second = date(2026, 3, 30), date(2026, 3, 31)
    assert days_asked(None, first, date(2026, 4, 1), may_lack=True) == [first, second]
    assert days_asked(second, None, None, may_lack=False) == [second]
    assert days_asked(None, None, None, may_lack=True) == []
    for lacking in ((None, None, None, False), (None, first, None, True)):
        with pytest.raises(UsageError, match="Name the days"):
            days_asked(*lacking[:3], may_lack=lacking[3])
