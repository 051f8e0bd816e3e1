"""`pdmetrics simulate`: what it needs, what it extends, and what it says to do next."""

import json

import pytest

from tests.integration import worlds

NEW = ("--start", "2026-03-09", "--days", "2", "--scale", "0.01")


@pytest.fixture
def place(tmp_path):
    worlds.here("simulate", "--out", str(tmp_path / "w"), *NEW)
    return tmp_path / "w"


def simulate(place, *options):
    return worlds.here("simulate", "--out", str(place), *options, check=False)


def days(place):
    return json.loads((place / "truth.json").read_text())["days"]


@pytest.mark.parametrize(
    ("options", "length", "following"),
    [
        (("--extend", "1"), 3, "run --date 2026-03-11 "),
        (("--extend=3",), 5, "run --start 2026-03-11 --end 2026-03-14 "),
        (("--days", "4", "--extend"), 4, "run --start 2026-03-11 --end 2026-03-13 "),
        (("--extend", "--start", "2026-03-09", "--days", "3"), 3, "run --date 2026-03-11 "),
        (("--days", "2", "--extend"), 2, "has 2 days already"),
        (NEW, 2, "run --start 2026-03-09 --end 2026-03-11 "),
    ],
)
def test_the_world_that_is_there_goes_on(place, options, length, following):
    done = simulate(place, *options)
    assert done.returncode == 0, done.stderr
    assert days(place) == length
    assert following in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--extend",), "--extend adds 1 day or more"),
        (("--extend", "0"), "--extend adds 1 day or more"),
        (("--extend", "1", "--days", "4"), "--extend 1 and --days 4 both say how long the world becomes"),
        (("--extend", "1", "--replace"), "Either --extend or --replace"),
        (("--extend", "1", "--seed", "0"), "The world has seed 20260319, not 0"),
        (("--extend", "1", "--start", "2026-03-08"), "The world has start 2026-03-09, not 2026-03-08"),
        (("--days", "1", "--extend"), "for a shorter world --replace instead of --extend"),
        (("--start", "2026-03-09"), "A new world needs its first day and its length"),
        ((*NEW, "--seed", "0"), "There is another world"),
        (("--start", "2026-03-09", "--days", "2", "--scenario", "no-such"), "Unknown scenario 'no-such'"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(place, options, message):
    done = simulate(place, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert days(place) == 2


def test_another_world_comes_in_its_place_when_asked(place):
    assert simulate(place, *NEW, "--seed", "0", "--replace").returncode == 0
    assert json.loads((place / "world.json").read_text())["seed"] == 0
