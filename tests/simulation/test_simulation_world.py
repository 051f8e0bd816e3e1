"""Worlds as written: bytes by seed, fates by an independent reading, rates by the ids, truth by sets."""

import gzip
import hashlib
import json
import random
from datetime import date

import pytest
from simulation_reference import Naive, ingest, moment, partitions, read_csv

from jobs.errors import UsageError
from jobs.simulation import SCENARIOS, simulate

START = date(2026, 3, 26)
SPECIAL = ("partition_mismatch", "schema:meta.dt", "malformed_json")


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Simulate a small world once a scenario, length and scale; returns (directory, summary, truth)."""
    worlds = {}

    def get(scenario, days=9, scale=0.06):
        key = scenario, days, scale
        if key not in worlds:
            out = tmp_path_factory.mktemp("world") / scenario
            summary = simulate(out, start=START, days=days, scale=scale, scenario=scenario)
            worlds[key] = out, summary, json.loads((out / "truth.json").read_text(encoding="utf-8"))
        return worlds[key]

    return get


def digest(folder):
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def test_the_seed_decides_every_byte(tmp_path):
    def world(name, seed):
        simulate(tmp_path / name, start=START, days=2, scale=0.01, seed=seed)
        return digest(tmp_path / name)

    first = world("one", 1)
    assert world("two", 1) == first
    assert world("three", 2) != first


@pytest.mark.parametrize(
    "scenario", ["default", "unsampled", "rate-change", "unit-change", "truncated-file", "entry-points", "policy-gaps"]
)
def test_every_line_gets_the_planned_fate(build, scenario):
    out, summary, truth = build(scenario)
    fates, _ = ingest(out)
    assert fates == {day: counts for day, counts in truth["fates"].items() if counts}
    assert summary.n_lines == sum(sum(counts.values()) for counts in fates.values())


def test_dirty_world_shows_every_kind_of_dirt(build):
    _, summary, truth = build("unsampled")
    kinds = {fate.split(":")[0] for fate in summary.fates}
    assert kinds >= {
        "kept", "kept/clock_skew", "duplicate", "out_of_scope/bot", "out_of_scope/no_user_id",
        "out_of_scope/not_named_user", "out_of_scope/other_instrument", "quarantined/malformed_json",
        "quarantined/missing_meta_id", "quarantined/partition_mismatch", "quarantined/schema",
        "quarantined/unknown_wiki",
    }  # fmt: skip
    quarantined = sum(n for fate, n in summary.fates.items() if fate.startswith("quarantined"))
    assert quarantined / summary.n_lines < 0.02, "a world must pass the gate of 5 %"
    assert truth["missing_hours"] == []


def test_clean_world_keeps_every_line(build):
    _, summary, _ = build("clean")
    assert set(summary.fates) == {"kept"}
    assert summary.n_lines == summary.n_population_events


def test_wikis_without_a_policy_in_force_are_quarantined_whole(build):
    out, summary, _ = build("policy-gaps", scale=0.3)  # at less, small wikis have three users, who may stay away
    assert {"quarantined/no_sampling_policy", "quarantined/sampling_rate_zero"} <= set(summary.fates)
    _, kept = ingest(out)
    late = [event["meta"]["dt"] for event in kept if event["mediawiki"]["database"] == "tewiki"]
    assert "2026-03-30T12:17" <= min(late) <= "2026-03-31"
    assert {event["mediawiki"]["database"] for event in kept} == {"trwiki", "thwiki", "tewiki"}


def test_lost_hour_and_broken_file_are_named(build):
    out, summary, truth = build("truncated-file")
    assert len(summary.missing_hours) == len(summary.unreadable_files) == 1
    assert tuple(truth["missing_hours"]) == summary.missing_hours
    day, hour = summary.missing_hours[0].split("T")
    year, month, number = (int(part) for part in day.split("-"))
    folder = out / f"raw/product_metrics_web_base/year={year}/month={month}/day={number}/hour={int(hour)}"
    assert not folder.exists()
    with pytest.raises(EOFError):
        gzip.decompress((out / summary.unreadable_files[0]).read_bytes())
    assert summary.fates["quarantined/unreadable_file"] == 1
    assert summary.n_files == len(list(partitions(out))) == 9 * 24 - 1 + 1


def test_lines_lie_in_the_partition_of_their_receive_time(build):
    out, summary, _ = build("default")
    planned = {fate: n for fate, n in summary.fates.items() if any(name in fate for name in SPECIAL)}
    elsewhere = 0
    for path, hour_start in partitions(out):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            try:
                received = moment(json.loads(line)["meta"]["dt"])
            except (ValueError, KeyError, AttributeError, TypeError):
                continue
            elsewhere += not 0 <= (received - hour_start).total_seconds() < 3600
    assert elsewhere == planned["quarantined/partition_mismatch"]


@pytest.mark.parametrize(
    ("scenario", "unit", "rate"),
    [("session-25", "session", 0.25), ("pageview-50", "pageview", 0.5), ("undeclared-rate", "pageview", 0.25)],
)
def test_sampled_ids_lie_below_the_rate_and_reach_it(build, scenario, unit, rate):
    # Sessions have several loads each: at a fifth of the size, a standard error would be 11 % of the loads, not 5 %.
    out, _, truth = build(scenario, scale=0.3)
    _, kept = ingest(out)
    english = [event for event in kept if event["mediawiki"]["database"] == "enwiki"]
    parts = {int(event["performer"][f"{unit}_id"][:8], 16) / 0xFFFFFFFF for event in english}
    assert 0.97 * rate < max(parts) < rate
    loads = sum(event["action"] == "pageview" for event in english)
    rows = [row for row in truth["rows"] if row[:3] == ["dashboard_pageviews", "enwiki", "rolling"]]
    population = sum(row[9] for row in rows if row[3] == row[4])
    assert loads == pytest.approx(rate * population, rel=0.15)


def test_truth_of_an_unsampled_world_is_what_sets_give(build):
    """Dirt adds lines but takes none, so every truth row can be recomputed from the kept events."""
    out, summary, truth = build("unsampled", days=30)
    review_links = {name for name in SCENARIOS["unsampled"].vocabulary.elements if name.endswith("diff link")}
    _, kept = ingest(out)
    naive = {wiki: Naive(kept, wiki, review_links) for wiki in summary.wikis}
    rows = [dict(zip(truth["columns"], row, strict=True)) for row in truth["rows"]]
    by_metric = {}
    for row in rows:
        if row["wiki_db"] != "all":
            by_metric.setdefault((row["metric"], row["window_kind"]), []).append(row)
    assert len(by_metric) == 18 + 3, "every metric but eligible_editors, and three of them for the quarter too"
    chooser = random.Random(7)
    for candidates in by_metric.values():
        for row in chooser.sample(candidates, min(40, len(candidates))):
            numerator, denominator = naive[row["wiki_db"]].answer(row)
            assert (row["numerator"], row["denominator"]) == (numerator, denominator), row
            expected = numerator if denominator is None else numerator / denominator if denominator else None
            assert row["value"] == expected


def test_truth_respects_first_display_and_the_menu_links_life(build):
    out, _, truth = build("unsampled", days=30)
    visible = {row["wiki_db"]: row["visible_from"] for row in read_csv(out / "wikis.csv")}
    assert visible["thwiki"] == "2026-03-28"
    assert visible["idwiki"] == "2026-03-26"
    menu = [row for row in truth["rows"] if row[5] == "Personal Dashboard menu link"]
    assert menu
    assert max(row[4] for row in menu) == "2026-04-06"
    assert {row[6] for row in menu} == {"desktop_browser", "mobile_browser"}
    assert all(row[3] >= visible.get(row[1], START.isoformat()) for row in truth["rows"])
    assert {row[0] for row in truth["rows"] if row[1] == "all"} == {
        "dashboard_pageviews", "link_impressions", "link_clicks", "link_click_through_rate",
        "link_click_through_rate_matched",
    }  # fmt: skip


def test_silent_rollout_has_loads_but_no_menu_link(build):
    out, _, _ = build("unsampled", days=3, scale=1.0)  # a dozen silent loads are expected
    _, kept = ingest(out)
    silent = [
        event for event in kept if event["mediawiki"]["database"] == "thwiki" and event["meta"]["dt"] < "2026-03-28"
    ]
    assert any(event["action"] == "pageview" for event in silent)
    assert not any(event.get("element_friendly_name", "").endswith("menu link") for event in silent)


def test_entry_points_carry_no_user(build):
    out, _, truth = build("entry-points")
    _, kept = ingest(out)
    entries = [event for event in kept if event["instrument_name"] == "personal-dashboard-entry-points"]
    assert {event["element_friendly_name"] for event in entries} == {
        "Personal Dashboard menu link", "Personal Dashboard sidebar link",
    }  # fmt: skip
    assert not any({"id", "name"} & set(event["performer"]) for event in entries)
    sidebar = [row for row in truth["rows"] if row[5] == "Personal Dashboard sidebar link"]
    assert {row[11] for row in sidebar} == {None}
    assert "link_click_through_rate_unique" not in {row[0] for row in sidebar}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"scenario": "no-such"}, "no scenario"),
        ({"days": 0}, "at least one day"),
        ({"scale": 0.0}, "at least one day"),
        ({"start": date(2026, 2, 9)}, "does not exist"),
    ],
)
def test_impossible_worlds_are_refused(tmp_path, bad, message):
    with pytest.raises(UsageError, match=message):
        simulate(tmp_path / "w", **{"start": START, "days": 1, **bad})
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("scenario", ["leaking", "silent", "rollouts"])
def test_rollouts_of_a_world_are_as_their_events_say(build, scenario):
    out, _, truth = build(scenario, days=4, scale=0.1)
    _, kept = ingest(out)
    for wiki in read_csv(out / "wikis.csv"):
        own = [event for event in kept if event["mediawiki"]["database"] == wiki["wiki_db"]]
        early = [event for event in own if event["meta"]["dt"][:10] < wiki["visible_from"]]
        later = [event for event in own if event["meta"]["dt"][:10] >= wiki["visible_from"]]
        assert truth["rollouts"][wiki["wiki_db"]] == {
            "menu_impressions_early": sum(
                event["action"] == "impression" and "menu link" in event["element_friendly_name"] for event in early
            ),
            "loads_early": sum(event["action"] == "pageview" for event in early),
            "first_event": min((event["meta"]["dt"][:10] for event in later), default=None),
            "first_load": min(
                (event["meta"]["dt"][:10] for event in later if event["action"] == "pageview"), default=None
            ),
        }


def test_a_leak_and_a_silence_are_where_they_were_planned(build):
    leaking, silent = (build(name, days=4, scale=0.1)[2]["rollouts"] for name in ("leaking", "silent"))
    assert leaking["thwiki"]["menu_impressions_early"] > 50
    assert leaking["trwiki"]["menu_impressions_early"] == 0
    assert silent["idwiki"]["first_event"] is None
    assert silent["trwiki"]["first_event"] == "2026-03-27"
