"""Facts against the days before, on small worlds: what stays silent, and on which day each fault is caught."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from expectations.checks import CRITICAL
from expectations.history import history_checks
from expectations.thresholds import load_thresholds
from jobs.quality.history_frames import history_frames
from tests.quality.history_world import DIFF, SHOWN, TYPICAL, World

FAULT = 70  # the day of the fault, by number
HOLIDAYS = (60, 61, 62)


def failures(world: World, days: range, **changed: pd.DataFrame) -> dict[str, list[tuple[int, str]]]:
    """By check: the days (by number) and subjects that fail it. As the gate judges, but without its seconds."""
    thresholds, profiles = load_thresholds(), world.frames(days, **changed)
    found: dict[str, list[tuple[int, str]]] = {}
    for check in history_checks():
        frame = thresholds.attach(profiles[check.profile])
        numbers = frame[list(check.columns)].astype("float64")
        is_bad = numbers.iloc[:, 0] < numbers.iloc[:, 1] if numbers.shape[1] > 1 else numbers.iloc[:, 0] > 0
        rows = zip(frame.loc[is_bad, "event_date"], frame.loc[is_bad, "subject"], strict=True)
        hits = [(world.days.index(day), subject) for day, subject in rows]
        if hits:
            found[check.id] = hits
    return found


@pytest.mark.parametrize("dispersion", [1.0, 1.5])
@pytest.mark.parametrize("seed", range(2))
def test_sixty_clean_days_with_growth_and_a_holiday_say_nothing(seed: int, dispersion: float) -> None:
    world = World(seed=seed, dispersion=dispersion, holidays=HOLIDAYS)
    assert failures(world, range(40, 100)) == {}


@pytest.mark.parametrize("size", [5, 50, 5000])
def test_no_clean_day_of_any_size_stops_a_run(size: int) -> None:
    world = World({"enwiki": float(size), "idwiki": size * 0.7}, dispersion=2.0, holidays=HOLIDAYS, seed=size)
    critical = {check.id for check in history_checks() if check.severity == CRITICAL}
    assert critical & set(failures(world, range(30, 100))) == set()


def test_a_young_wiki_is_not_judged_for_a_week_and_not_stopped_for_two() -> None:
    profile = World(n_days=20).frames(range(20))["volume"]
    by_day = profile[profile["subject"] == "enwiki"].set_index("event_date")
    assert by_day["warn_low"].notna().tolist() == [False] * 7 + [True] * 13
    assert by_day["fail_low"].notna().tolist() == [False] * 14 + [True] * 6


def half_an_hour(world: World) -> None:
    world.lose(FAULT, 0.5, slice(15, 16))


def renamed(world: World) -> None:
    for wiki in world.wikis:
        for kind in (world.shown, world.clicks):
            kind[wiki, "new link"] = np.where(np.arange(world.n_days)[:, None] < FAULT, 0, kind[wiki, DIFF])
            kind[wiki, DIFF] = np.where(np.arange(world.n_days)[:, None] < FAULT, kind[wiki, DIFF], 0)


def rate_halved(world: World) -> None:
    for day in range(FAULT, world.n_days):
        world.lose(day, 0.5)


def doubled(world: World) -> None:
    world.duplicates[FAULT:] = 0.95


def bot_storm(world: World) -> None:
    world.loads["idwiki"][FAULT] *= 5
    for element in SHOWN:
        world.shown["idwiki", element][FAULT] *= 5


def link_out(world: World) -> None:
    world.shown["idwiki", DIFF][FAULT:] = 0
    world.clicks["idwiki", DIFF][FAULT:] = 0


def clicks_out(world: World) -> None:
    world.clicks["enwiki", DIFF][FAULT:] = 0


def half_of_a_link(world: World) -> None:
    world.shown["enwiki", DIFF][FAULT] //= 2


def reported_twice(world: World) -> None:
    world.shown["enwiki", DIFF][FAULT:] *= 2


def noon(world: World) -> None:
    world.lose(FAULT, 1.0, slice(12, 24))


def vanished(wiki: str) -> Callable[[World], None]:
    def fault(world: World) -> None:
        for day in range(FAULT, world.n_days):
            world.lose(day, 1.0, wiki=wiki)

    return fault


def leak(world: World) -> None:
    for day in range(FAULT, world.n_days):
        world.lose(day, 1 - 0.95 ** (day - FAULT + 1))


def wrong_zone(world: World) -> None:
    for array in [*world.loads.values(), *world.shown.values(), *world.clicks.values()]:
        array[FAULT:] = np.roll(array[FAULT:], 5, axis=1)


def wrong_clocks(world: World) -> None:
    world.skewed[FAULT:] = 0.9


def unknown_buckets(world: World) -> None:
    world.unknown[FAULT:] = 0.3


# fault, check that finds it, day of the fault on which it does at the latest, words of a subject
FAULTS: list[tuple[Callable[[World], None], str, int, str]] = [
    (half_an_hour, "hour_low", 1, "hour 15"),
    (renamed, "element_gone", 1, "diff link / impressions"),
    (rate_halved, "volume_low", 2, "enwiki"),
    (doubled, "line_share_high", 1, "duplicates"),
    (bot_storm, "volume_high_far", 1, "idwiki"),
    (bot_storm, "volume_high", 1, "idwiki"),
    (link_out, "element_gone", 1, "idwiki / diff link / impressions"),
    (link_out, "element_low", 1, "idwiki / diff link / impressions"),
    (clicks_out, "element_gone", 1, "enwiki / diff link / clicks"),
    (half_of_a_link, "element_low", 1, "enwiki / diff link"),
    (reported_twice, "element_high", 1, "enwiki / diff link"),
    (noon, "hour_low", 1, "hour 13"),
    (noon, "volume_low", 1, "enwiki"),
    (vanished("enwiki"), "instrument_silent", 1, "enwiki / "),
    (vanished("enwiki"), "volume_low_far", 1, "enwiki"),
    (vanished("enwiki"), "visitors_low", 1, "enwiki"),
    (vanished("idwiki"), "instrument_silent", 1, "idwiki / "),
    (vanished("thwiki"), "instrument_silent", 3, "thwiki / "),
    (leak, "trend_low", 15, "enwiki"),
    (wrong_zone, "hours_shifted", 1, "day"),
    (wrong_clocks, "line_share_high", 1, "kept: clock_skew"),
    (unknown_buckets, "null_share_high", 1, "enwiki / unknown bucket"),
]


@pytest.mark.parametrize(
    ("fault", "check", "at_latest", "words"), FAULTS, ids=[f"{f[0].__name__}-{f[1]}" for f in FAULTS]
)
def test_a_fault_is_caught(fault: Callable[[World], None], check: str, at_latest: int, words: str) -> None:
    world = World(seed=7, dispersion=1.5, n_days=FAULT + at_latest)
    fault(world)
    hits = failures(world, range(FAULT - 1, FAULT + at_latest)).get(check, [])
    assert [day for day, subject in hits if words in subject]
    assert all(day >= FAULT for day, _ in hits)


def test_a_bot_of_one_account_moves_volume_but_not_visitors() -> None:
    world = World(seed=7, n_days=FAULT + 1)
    bot_storm(world)
    assert set(failures(world, range(FAULT, FAULT + 1))) == {"volume_high_far", "volume_high"}


@pytest.mark.parametrize(("share", "told"), [(0.018, False), (0.035, True)])
def test_a_share_is_told_from_two_points_above_its_usual(share: float, told: bool) -> None:
    world = World(seed=7, n_days=FAULT + 1)
    world.duplicates[FAULT] = share
    assert ("line_share_high" in failures(world, range(FAULT, FAULT + 1))) is told


def test_a_steady_leak_is_no_spread_of_its_own() -> None:
    world = World({"enwiki": 1e6}, growth=0.0, n_days=FAULT + 15)
    leak(world)
    (row,) = world.frames([FAULT + 14])["trend"].to_dict("records")
    assert row["level"] == pytest.approx(0.95**12, rel=0.02)  # the middle of the last seven days
    assert row["level_high"] == pytest.approx(row["level"], rel=0.03)


def test_a_silence_does_not_become_the_usual() -> None:
    world = World(seed=7, n_days=FAULT + 12)
    vanished("idwiki")(world)
    found = failures(world, range(FAULT + 11, FAULT + 12))["instrument_silent"]
    assert [subject.split(" / ")[0] for _, subject in found] == ["idwiki"]


def test_a_wiki_that_comes_back_after_a_published_outage_is_not_stopped() -> None:
    world = World(seed=7, n_days=FAULT + 6)
    for day in range(FAULT, FAULT + 5):
        world.lose(day, 1.0, wiki="enwiki")
    found = failures(world, range(FAULT + 5, FAULT + 6))
    assert "volume_high_far" not in found
    assert "instrument_silent" not in found


def test_missing_hours_are_left_out_of_what_is_expected() -> None:
    world = World(seed=7, n_days=FAULT + 1)
    whole = world.frames([FAULT])["volume"].set_index("subject")
    for hour in range(10, 16):
        world.lose(FAULT, 1.0, slice(hour, hour + 1))
        world.missing.add((FAULT, hour))
    part = world.frames([FAULT])["volume"].set_index("subject")
    assert part.loc["enwiki", "usual"] == pytest.approx(whole.loc["enwiki", "usual"] * 0.65, rel=0.1)
    assert {check for check in failures(world, range(FAULT, FAULT + 1)) if check.startswith("volume")} == set()
    # The day is no part of the history of those after it.
    later = World(seed=7, n_days=FAULT + 2)
    later.missing.add((FAULT, 3))
    assert later.frames([FAULT + 1])["volume"]["n_days"].tolist() == [27] * len(TYPICAL)


def test_hours_that_are_late_are_told_on_the_last_judged_day() -> None:
    world = World(n_days=FAULT + 2)
    world.missing |= {(FAULT - 2, 5), (FAULT - 2, 6), (FAULT, 9), (FAULT - 9, 1)}
    late = world.frames([FAULT, FAULT + 1])["late"].set_index("subject")
    assert set(late["event_date"]) == {world.days[FAULT + 1]}
    assert late["n_missing_hours"].sum() == 2  # the judged days' own, and those of long ago, are told elsewhere
    assert late.loc[str(world.days[FAULT - 2]), "missing_hours"] == "5, 6"


def test_an_hour_that_one_stream_lacks_or_that_cannot_be_read_is_not_there() -> None:
    world = World(n_days=41)
    log = world.tables()["ingest_log"]
    rows = [
        (world.days[38], 4, "quarantined", "unreadable_file", 1),
        (world.days[39], 3, "missing_hour", None, 0),
    ]
    bad = pd.DataFrame(rows, columns=log.columns)
    late = world.frames([40], ingest_log=pd.concat([log, bad]))["late"].set_index("subject")["missing_hours"]
    assert late[[str(world.days[38]), str(world.days[39])]].tolist() == ["4", "3"]


def test_a_rate_the_policy_does_not_declare_is_named() -> None:
    world = World(n_days=40)
    baseline = world.tables()["baseline_daily"]
    wrong = (baseline["wiki_db"] == "idwiki") & (baseline["event_date"] == world.days[39])
    changed = baseline.assign(sample_rate=baseline["sample_rate"].where(~wrong, 0.5))
    found = failures(world, range(39, 40), baseline_daily=changed)["regime_undeclared"]
    assert [subject for _, subject in found] == ["idwiki / personal-dashboard-health-metrics / pageview at 0.5"]


def test_a_whole_stream_that_is_silent_is_no_silent_instrument() -> None:
    world = World({"enwiki": 900.0}, seed=7, n_days=FAULT + 1)
    world.lose(FAULT, 1.0)
    found = failures(world, range(FAULT, FAULT + 1))
    assert "instrument_silent" not in found
    assert {"volume_low_far", "hour_low"} <= set(found)


def test_an_element_whose_measurement_ended_is_not_missed() -> None:
    world = World(seed=7, n_days=FAULT + 1)
    link_out(world)
    ended = world.reference()
    rows = tuple(
        row if row.element_friendly_name != DIFF else type(row)(
            DIFF, row.link_group, "*", row.measured_from, world.days[FAULT], "removed", line=row.line
        )
        for row in ended.vocabulary
    )  # fmt: skip
    ended = type(ended)(ended.wikis, ended.policy, ended.instruments, rows)
    limits = load_thresholds().on
    profiles = history_frames(world.tables(), [world.days[FAULT]], ended, limits=limits, grace=timedelta(minutes=15))
    assert not profiles["keys"]["subject"].str.contains(DIFF).any()


def test_before_its_display_a_wiki_is_not_judged() -> None:
    world = World(n_days=40)
    later = world.reference()
    wikis = tuple(
        type(row)(row.wiki_db, row.domain, row.language, False, row.enabled_from, world.days[39]) for row in later.wikis
    )
    later = type(later)(wikis, later.policy, later.instruments, later.vocabulary)
    days, limits = [world.days[38], world.days[39]], load_thresholds().on
    profiles = history_frames(world.tables(), days, later, limits=limits, grace=timedelta(minutes=15))
    assert set(profiles["volume"]["event_date"]) == {world.days[39]}
    assert profiles["volume"]["warn_low"].isna().all()
    assert profiles["keys"].empty


def test_a_missing_table_is_named() -> None:
    world = World(n_days=2)
    with pytest.raises(KeyError, match="baseline_daily"):
        history_frames(
            {"ingest_log": world.tables()["ingest_log"]}, world.days, world.reference(),
            limits=load_thresholds().on, grace=timedelta(0),
        )  # fmt: skip


def test_weighted_counts_say_what_one_kept_event_stands_for() -> None:
    frames = World(n_days=40, rate=0.25).frames([39])
    for name in ("volume", "elements_usual"):
        assert set(frames[name]["unit"]) == {4.0}, name
    assert "unit" not in frames["visitors"], "distinct users are as kept"


def test_subjects_are_unique_within_a_day() -> None:
    for name, profile in World(n_days=40).frames([38, 39]).items():
        assert not profile.duplicated(["event_date", "subject"]).any(), name
