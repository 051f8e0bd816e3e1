"""A longer world begins as the shorter one, one that is there is made longer in place, and none is lost unasked."""

import hashlib
import json
from datetime import date

import pytest
from rich.console import Console

from jobs.commands.policy import check
from jobs.errors import InputError, UsageError
from jobs.raw.files import open_input, require_raw
from jobs.settings import Settings
from jobs.simulation import SCENARIOS, extend, simulate

START = date(2026, 3, 9)
EXTENDABLE = [name for name, scenario in SCENARIOS.items() if scenario.extendable]
OTHERS = [name for name in SCENARIOS if name not in EXTENDABLE]
ABOUT_ALL_DAYS = {"truth.json", "world.json"}


def files(folder):
    """Digests of all files of a folder, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def truth(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def make(folder, days, **options):
    return simulate(folder, **{"start": START, "days": days, "scale": 0.03, **options})


def test_worlds_whose_sampling_changes_at_a_share_of_their_length_are_not_extendable():
    assert set(OTHERS) == {"rate-change", "unit-change", "policy-gaps"}


@pytest.mark.parametrize("scenario", EXTENDABLE)
def test_nine_days_begin_twelve_and_an_extension_is_the_longer_world(tmp_path, scenario):
    make(tmp_path / "nine", 9, scenario=scenario)
    make(tmp_path / "twelve", 12, scenario=scenario)
    short, long = files(tmp_path / "nine"), files(tmp_path / "twelve")
    assert {path for path in short if short[path] != long.get(path)} == ABOUT_ALL_DAYS
    nine, twelve = truth(tmp_path / "nine"), truth(tmp_path / "twelve")
    last = "2026-03-17"
    assert sorted(map(str, nine["rows"])) == sorted(str(row) for row in twelve["rows"] if row[4] <= last)
    assert {day: counts for day, counts in twelve["fates"].items() if day <= last} == nine["fates"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "nine").rglob("*.*") if path.is_file()}
    summary = extend(tmp_path / "nine", 3)
    assert files(tmp_path / "nine") == long
    touched = {path.name for path, moment in before.items() if path.stat().st_mtime_ns != moment}
    assert touched == ABOUT_ALL_DAYS
    assert summary.first == date(2026, 3, 18)
    added = sum(sum(counts.values()) for day, counts in twelve["fates"].items() if day > last)
    assert summary.n_lines == added


def test_days_are_added_one_by_one_past_lost_hours_and_copies_on_their_way(tmp_path):
    make(tmp_path / "whole", 8, scenario="truncated-file", scale=0.06)
    make(tmp_path / "grown", 1, scenario="truncated-file", scale=0.06)
    for _ in range(7):
        extend(tmp_path / "grown", 1)
    assert files(tmp_path / "grown") == files(tmp_path / "whole")
    assert truth(tmp_path / "grown")["missing_hours"] == ["2026-03-11T13"]
    assert len(truth(tmp_path / "grown")["unreadable_files"]) == 1


@pytest.mark.parametrize("told", [9, 12])
def test_an_extension_that_was_cut_off_is_made_again(tmp_path, told):
    """Killed among its hours, or after its truth was written and before the world said so."""
    make(tmp_path / "w", 9, scenario="truncated-file")
    short, world = files(tmp_path / "w"), json.loads((tmp_path / "w" / "world.json").read_text())
    nine = (tmp_path / "w" / "truth.json").read_bytes()
    extend(tmp_path / "w", 3)
    if told == 9:
        (tmp_path / "w" / "truth.json").write_bytes(nine)
    (tmp_path / "w" / "world.json").write_text(json.dumps({**world, "extending_to": 12}))
    extend(tmp_path / "w", 1)
    make(tmp_path / "ten", 10, scenario="truncated-file")
    assert files(tmp_path / "w") == files(tmp_path / "ten")
    assert set(short) <= set(files(tmp_path / "w"))


@pytest.mark.parametrize("scenario", OTHERS)
def test_worlds_that_depend_on_their_length_are_not_extended(tmp_path, scenario):
    make(tmp_path / "w", 3, scenario=scenario, scale=0.01)
    before = files(tmp_path / "w")
    with pytest.raises(UsageError, match="its sampling changes at a share of its length"):
        extend(tmp_path / "w", 1)
    assert files(tmp_path / "w") == before


def test_the_same_world_again_is_the_same_and_mends_what_was_cut_off(tmp_path):
    make(tmp_path / "w", 2)
    before = files(tmp_path / "w")
    next((tmp_path / "w").rglob("events.json.gz")).unlink()
    world = json.loads((tmp_path / "w" / "world.json").read_text())
    (tmp_path / "w" / "world.json").write_text(json.dumps({**world, "complete": False}))
    with pytest.raises(UsageError, match="cut off"):
        extend(tmp_path / "w", 1)
    make(tmp_path / "w", 2)
    assert files(tmp_path / "w") == before


def cut_off(monkeypatch, write):
    """Begin to write a world, and stop as a signal would."""
    with monkeypatch.context() as patched:
        patched.setattr("jobs.simulation.world.Delivery.write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write()


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("begun", ["world", "extension"])
def test_a_world_that_was_cut_off_is_not_read_until_it_is_whole(tmp_path, monkeypatch, begun):
    world = tmp_path / "w"
    if begun == "extension":
        make(world, 2)
        require_raw(open_input(world))
        cut_off(monkeypatch, lambda: extend(world, 1))
    else:
        cut_off(monkeypatch, lambda: make(world, 2))
        with pytest.raises(UsageError, match="another world, which was cut off: scenario default, 2 days"):
            make(world, 3)
    with pytest.raises(InputError, match="not whole"):
        require_raw(open_input(world))
    with pytest.raises(InputError, match="not whole"):
        check(Console(), Settings(), str(world))
    if begun == "extension":
        extend(world, 1)
    else:
        make(world, 2)
    require_raw(open_input(world))
    assert not (world / "INCOMPLETE").exists()


@pytest.mark.parametrize("other", [{"days": 3}, {"seed": 1}, {"scale": 0.02}, {"scenario": "clean"}])
def test_another_world_is_replaced_only_when_asked(tmp_path, other):
    make(tmp_path / "w", 1)
    before = files(tmp_path / "w")
    with pytest.raises(UsageError, match="another world: scenario default, 1 day from 2026-03-09"):
        make(tmp_path / "w", **{"days": 1, **other})
    assert files(tmp_path / "w") == before
    make(tmp_path / "w", **{"days": 1, **other}, replace=True)
    make(tmp_path / "fresh", **{"days": 1, **other})
    assert files(tmp_path / "w") == files(tmp_path / "fresh")


@pytest.mark.parametrize("place", ["notes.txt", "raw/another_stream/part.json"])
@pytest.mark.parametrize("replace", [True, False])
def test_what_is_not_of_a_world_is_never_touched(tmp_path, place, replace):
    for folder in ("world", "elsewhere"):
        if folder == "world":
            make(tmp_path / folder, 1)
        (tmp_path / folder / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / place).write_text("precious", encoding="utf-8")
        before = files(tmp_path / folder)
        with pytest.raises(UsageError, match="The directory holds something"):
            make(tmp_path / folder, 1, replace=replace)
        assert files(tmp_path / folder) == before


def test_worlds_of_earlier_versions_are_known_and_kept(tmp_path):
    make(tmp_path / "w", 1)
    (tmp_path / "w" / "world.json").unlink()
    with pytest.raises(UsageError, match="another world: one of another version"):
        make(tmp_path / "w", 1)
    with pytest.raises(UsageError, match="written by another version"):
        extend(tmp_path / "w", 1)
    make(tmp_path / "w", 1, replace=True)


@pytest.mark.parametrize(("by", "message"), [(0, "by 0 days"), (730, "at most 730 days, not 731")])
def test_impossible_extensions_are_refused(tmp_path, by, message):
    make(tmp_path / "w", 1, scale=0.01)
    with pytest.raises(UsageError, match=message):
        extend(tmp_path / "w", by)
    with pytest.raises(UsageError, match="no world to extend"):
        extend(tmp_path / "nowhere", 1)
