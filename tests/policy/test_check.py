"""What `policy check` finds wrong with a policy, the first events it looks for, and the timeline as a table."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.policy.check import check_policy, timeline_table
from jobs.policy.first_event import find_event
from jobs.policy.timeline import all_regimes
from jobs.raw.files import open_input
from tests.references import HEALTH, at, instrument_row, policy_row, reference

QUARTER_HOUR = timedelta(minutes=15)


def messages(*rows, **kwargs):
    return [(p.severity, p.what) for p in check_policy(reference(*rows, **kwargs))]


def test_a_sound_policy_has_no_problem():
    assert messages(policy_row("enwiki", "session", 0.1, "2026-03-01")) == []
    assert messages(policy_row("*", "session", 0.1, "2026-01-01")) == []


def test_overlaps_units_rates_and_unknown_wikis_are_errors():
    found = messages(
        policy_row("enwiki", "session", 0.1, "2026-03-01", line=2),
        policy_row("enwiki", "mw-user", 10.0, "2026-03-05", line=3),
        policy_row("xxwiki", "session", 0.1, "2026-03-01", line=4),
    )
    assert ("error", f"overlaps line 2 of {HEALTH} on enwiki") in found
    assert ("error", "outside 0 to 1") in found
    assert ("error", "the client sends nothing for this unit") in found
    assert ("error", "not in wikis.csv") in found


def test_gaps_and_late_starts_are_errors():
    found = messages(
        policy_row("enwiki", "session", 0.1, "2026-03-02", "2026-03-05"),
        policy_row("enwiki", "session", 0.1, "2026-03-06"),
    )
    assert found == [
        ("error", f"{HEALTH} on enwiki: starts after its first day 2026-03-01"),
        ("error", f"{HEALTH} on enwiki: a gap from 2026-03-05T00:00:00Z"),
    ]
    assert messages() == [("error", f"{HEALTH} on enwiki: no policy at all")]


def test_a_gap_before_the_wikis_life_is_none_of_our_business():
    rows = (policy_row("*", "session", 0.1, "2026-01-01", "2026-01-05"), policy_row("*", "session", 0.1, "2026-02-01"))
    assert messages(*rows) == []


SPLIT = (instrument_row(role="usage"), instrument_row("top-link", "entry_point", has_user_id=False))


def test_a_start_later_on_the_first_day_is_a_warning_unless_an_event_came_before():
    late = policy_row("enwiki", "session", 0.1, "2026-03-01T20:36")
    what = "starts at 20:36 of its first day 2026-03-01, no policy from 00:00 to 20:36"
    assert messages(late) == [("warning", f"{HEALTH} on enwiki: {what}")]
    asked = []
    for event, expected in (
        (None, ("warning", f"{HEALTH} on enwiki: {what}")),
        (
            at("2026-03-01T07:05"),
            ("error", f"{HEALTH} on enwiki: starts after its first event, of 2026-03-01T07:05:00Z"),
        ),
    ):
        found = check_policy(reference(late), lambda *wanted, event=event: asked.append(wanted) or event)
        assert [(p.severity, p.what) for p in found] == [expected]
    assert asked == [(HEALTH, "enwiki", at("2026-03-01"), at("2026-03-01T20:36"))] * 2


def test_an_entry_point_that_starts_late_is_an_error_and_an_end_is_a_warning():
    rows = (
        policy_row("*", "session", 1.0, "2026-03-01", "2026-05-01"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-19", name="top-link"),
        policy_row("*", "pageview", 0.1, "2026-03-19", name="misspelt"),
    )
    assert messages(*rows, instruments=SPLIT) == [
        ("error", "top-link on enwiki: starts after its first day 2026-03-01"),
        ("warning", "not in instruments.csv: its events are out of scope"),
        ("warning", f"{HEALTH} on enwiki: ends at 2026-05-01T00:00:00Z while instruments.csv goes on"),
    ]


def test_an_entry_point_whose_instrument_began_later_is_not_late():
    rows = (
        policy_row("*", "session", 1.0, "2026-03-01"),
        policy_row("*", "pageview", 0.1, "2026-03-19", name="top-link"),
    )
    began = (SPLIT[0], instrument_row("top-link", "entry_point", "2026-03-19", has_user_id=False))
    assert messages(*rows, instruments=began) == []


def test_an_entry_point_without_any_policy_is_a_warning():
    found = messages(policy_row("*", "session", 1.0, "2026-03-01"), instruments=SPLIT)
    assert found == [("warning", "top-link on enwiki: no policy at all")]


def event(moment, *, wiki="enwiki", name=HEALTH, **performer):
    who = {"id": 7, "is_logged_in": True, **performer}
    return {"instrument_name": name, "meta": {"dt": moment}, "mediawiki": {"database": wiki}, "performer": who}


def write_raw(folder, hour, *events, suffix="json"):
    path = folder / f"raw/web_base/year=2026/month=3/day=1/hour={hour}/events.{suffix}"
    path.parent.mkdir(parents=True)
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(list(events)), path)
        return
    lines = "".join(f"{json.dumps(one)}\n" for one in events).encode()
    path.write_bytes(gzip.compress(lines) if suffix == "json.gz" else lines)


@pytest.mark.parametrize("suffix", ["json", "json.gz", "parquet"])
def test_the_first_event_before_a_late_start_is_found_in_raw(tmp_path, suffix):
    wanted = (open_input(tmp_path), (instrument_row(),), HEALTH, "enwiki", at("2026-03-01"), at("2026-03-01T20:30"))
    assert find_event(*wanted) is None, "no raw events at all"
    others = (
        event("2026-03-01T02:01:00Z", wiki="trwiki"),
        event("2026-03-01T02:02:00Z", name="other"),
        event("2026-03-01T02:03:00Z", is_bot=True),
        event("2026-03-01T02:04:00Z", is_temp=True),
        event("2026-03-01T02:05:00Z", is_logged_in=False),
    )
    write_raw(tmp_path, 2, *others, suffix=suffix)
    write_raw(tmp_path, 20, event("2026-03-01T20:30:00Z"), suffix=suffix)
    assert find_event(*wanted) is None
    write_raw(tmp_path, 10, event("2026-03-01T10:09:00.5Z"), event("2026-03-01T10:08:00Z"), suffix=suffix)
    assert find_event(*wanted) == at("2026-03-01T10:08")


def test_damaged_raw_files_and_lines_are_passed_over(tmp_path):
    hours = (at("2026-03-01"), at("2026-03-01T20:30"))
    write_raw(tmp_path, 1, suffix="json.gz")
    broken = tmp_path / "raw/web_base/year=2026/month=3/day=1/hour=1/events.json.gz"
    broken.write_bytes(gzip.compress(json.dumps(event("2026-03-01T01:00:00Z")).encode())[:-9])
    write_raw(tmp_path, 2)
    lines = ['{"enwiki', '"enwiki"', '{"meta": "enwiki"}', json.dumps(event("soon")), json.dumps(event(3))]
    (tmp_path / "raw/web_base/year=2026/month=3/day=1/hour=2/events.json").write_text("\n".join(lines))
    assert find_event(open_input(tmp_path), (instrument_row(),), HEALTH, "enwiki", *hours) is None


@pytest.mark.parametrize(("first_hour", "code"), [(3, 2), (23, 0)])
def test_policy_check_of_a_policy_that_starts_late_on_the_first_day(tmp_path, first_hour, code):
    (tmp_path / "wikis.csv").write_text(
        "wiki_db,domain,language,pilot,enabled_from,visible_from\nenwiki,en.org,en,false,2026-03-01,2026-03-01\n"
    )
    (tmp_path / "sampling_policy.csv").write_text(
        "instrument_name,wiki_db,sample_unit,sample_rate,valid_from,valid_to\n"
        f"{HEALTH},*,pageview,1,2026-03-01T23:00:00Z,\n"
    )
    write_raw(tmp_path, first_hour, event(f"2026-03-01T{first_hour:02}:10:00Z"))
    result = CliRunner().invoke(app, ["policy", "check", "--input", str(tmp_path)])
    assert getattr(result.exception, "exit_code", 0) == code
    assert ("no policy from 00:00 to 23:00" in result.output) == (code == 0)


def test_the_table_shows_what_was_in_force_with_the_graces_as_notes():
    rows = (
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-10T12:00", "2026-03-20"),
    )
    built = all_regimes(reference(*rows), QUARTER_HOUR)
    assert timeline_table(built) == [
        (HEALTH, "enwiki", "pageview", "100 %", "2026-03-01 00:00", "2026-03-10 12:00", ""),
        (HEALTH, "enwiki", "pageview", "10 %", "2026-03-10 12:00", "2026-03-20 00:00", "until 12:15 kept at 10 %"),
    ]
