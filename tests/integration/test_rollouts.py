"""Four rollouts through the command line: as declared, silent, at an undeclared rate, and leaking; against truth."""

from __future__ import annotations

import json

import pytest

from tests.integration import worlds

pytestmark = pytest.mark.worlds
START, LEAK = "2026-03-26", "2026-03-28"
RIGHT, SILENT, LOW_RATE, LEAKING = "trwiki", "idwiki", "enwiki", "thwiki"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two days that are published and one that the facts gate stops, since a menu link leaks; and what is true."""
    folder = tmp_path_factory.mktemp("rollouts")
    worlds.simulate(folder / "world", start=START, days=3, scenario="rollouts", scale=0.1)
    run = ["--warehouse", str(folder / "warehouse"), "run", "--input", str(folder / "world")]
    worlds.here(*run, "--start", START, "--end", LEAK)
    stopped = worlds.here(*run, "--date", LEAK, "--steps", "ingest", check=False)
    assert stopped.returncode == 1, stopped.stderr
    return folder / "warehouse", json.loads((folder / "world" / "truth.json").read_text())["rollouts"]


def card_of(world, wiki, *options):
    """Return the exit code and the card, its lines by name."""
    done = worlds.here("--warehouse", str(world[0]), "verify-rollout", "--wiki", wiki, "--json", *options, check=False)
    card = json.loads(done.stdout)
    lines = {line["what"]: line for line in card["lines"]}
    return done.returncode, card["verdict"], lines, {line for line in lines if lines[line]["verdict"] == "wrong"}


def test_a_rollout_as_declared_is_live(world):
    code, verdict, lines, wrong = card_of(world, RIGHT, "--as-of", "2026-03-27", "--expected-per-day", "30")
    assert (code, verdict, wrong) == (0, "live", set())
    assert [lines[what]["verdict"] for what in ("input", "menu link before display", "first load", "volume")] == [
        "ok"
    ] * 4
    assert lines["first event"]["found"].startswith(world[1][RIGHT]["first_event"])
    assert lines["first load"]["found"].startswith(world[1][RIGHT]["first_load"])
    assert "8 publish" in lines["measurable now"]["found"]


def test_a_silent_wiki_is_wrong(world):
    code, verdict, _, wrong = card_of(world, SILENT)
    assert world[1][SILENT]["first_event"] is None
    assert (code, verdict, wrong) == (1, "wrong", {"first event"})


def test_a_rate_lower_than_declared_is_wrong(world):
    code, verdict, lines, wrong = card_of(world, LOW_RATE)
    assert (code, verdict, wrong) == (1, "wrong", {"sampling"})
    assert lines["sampling"]["found"].startswith("lower, likely 0.2")
    assert "50 % of pageviews (row of enwiki" in lines["sampling"]["expected"]


def test_a_leak_is_seen_in_the_day_that_the_gate_stopped(world):
    code, verdict, lines, wrong = card_of(world, LEAKING)
    assert (code, verdict, wrong) == (1, "wrong", {"menu link before display"})
    truth = world[1][LEAKING]
    found = lines["menu link before display"]["found"]
    assert f"{truth['menu_impressions_early']} impressions" in found
    assert LEAK in found
    assert lines["loads before display"]["found"].startswith(f"{truth['loads_early']} loads")
    assert "a gate stopped run_20260328_20260329_2" in lines["input"]["found"]


def test_before_the_leak_the_wiki_is_not_live_yet(world):
    code, verdict, _, wrong = card_of(world, LEAKING, "--as-of", "2026-03-27")
    assert (code, verdict, wrong) == (0, "not yet", set())


@pytest.mark.parametrize("options", [["--wiki", "frwiki"], ["--wiki", RIGHT, "--as-of", "2026-05-01"]])
def test_what_is_not_there_is_bad_usage(world, options):
    assert worlds.here("--warehouse", str(world[0]), "verify-rollout", *options, check=False).returncode == 2
