"""The sampling policy's timeline: golden cases, edges of the grace, and a brute-force lookup minute by minute."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jobs.cli import app
from jobs.policy import timeline as policy
from jobs.policy.check import check_policy, timeline_table
from jobs.policy.first_event import find_event
from jobs.policy.timeline import Sampling, Span
from jobs.raw.files import open_input
from jobs.reference.load import InstrumentRow, PolicyRow, Reference, WikiRow

NAME = "personal-dashboard-health-metrics"
QUARTER_HOUR = timedelta(minutes=15)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def row(wiki, unit, rate, start, end=None, name=NAME, line=0):
    return PolicyRow(name, wiki, unit, rate, at(start), at(end) if end else None, line)


def reference(*rows, wikis=("enwiki",), enabled="2026-03-01", instruments=None):
    wiki_rows = tuple(
        WikiRow(w, f"{w}.org", "en", False, date.fromisoformat(enabled), date.fromisoformat(enabled)) for w in wikis
    )
    default = (InstrumentRow(NAME, "both", True, date(2026, 2, 10), None),)
    return Reference(wiki_rows, tuple(rows), instruments or default, ())


def regimes(*rows, grace=QUARTER_HOUR, **kwargs):
    return [
        (r.sample_unit, r.sample_rate, r.kept_rate, r.is_grace, r.is_unit_change, f"{r.valid_from:%d %H:%M}",
         r.valid_to and f"{r.valid_to:%d %H:%M}")
        for r in policy.timeline(reference(*rows, **kwargs), grace)
    ]  # fmt: skip


def test_one_row_is_one_regime():
    assert regimes(row("enwiki", "session", 0.1, "2026-03-19T20:36")) == [
        ("session", 0.1, 0.1, False, False, "19 20:36", None)
    ]


@pytest.mark.parametrize(("old", "new"), [(1.0, 0.1), (0.1, 1.0)])
def test_the_smaller_rate_applies_in_the_grace(old, new):
    found = regimes(
        row("enwiki", "pageview", old, "2026-03-01", "2026-03-10T12:00"),
        row("enwiki", "pageview", new, "2026-03-10T12:00"),
    )
    assert found == [
        ("pageview", old, old, False, False, "01 00:00", "10 12:00"),
        ("pageview", new, 0.1, True, False, "10 12:00", "10 12:15"),
        ("pageview", new, new, False, False, "10 12:15", None),
    ]


def test_a_change_of_unit_drops_the_grace():
    found = regimes(
        row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        row("enwiki", "session", 0.5, "2026-03-10T12:00"),
    )
    assert found[1] == ("session", 0.5, 0.0, True, True, "10 12:00", "10 12:15")
    assert found[2] == ("session", 0.5, 0.5, False, False, "10 12:15", None)


def test_no_grace_where_both_rates_are_1():
    found = regimes(
        row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        row("enwiki", "session", 1.0, "2026-03-10T12:00"),
    )
    assert [(r[0], r[3]) for r in found] == [("pageview", False), ("session", False)]


def test_no_grace_after_a_gap():
    found = regimes(
        row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        row("enwiki", "pageview", 0.1, "2026-03-10T12:01"),
    )
    assert [r[3] for r in found] == [False, False]


def test_the_own_row_beats_the_star_row_and_its_end_is_a_change_too():
    found = regimes(
        row("*", "pageview", 1.0, "2026-03-01"),
        row("enwiki", "pageview", 0.1, "2026-03-10T12:00", "2026-03-20T08:00"),
    )
    assert found == [
        ("pageview", 1.0, 1.0, False, False, "01 00:00", "10 12:00"),
        ("pageview", 0.1, 0.1, True, False, "10 12:00", "10 12:15"),
        ("pageview", 0.1, 0.1, False, False, "10 12:15", "20 08:00"),
        ("pageview", 1.0, 0.1, True, False, "20 08:00", "20 08:15"),
        ("pageview", 1.0, 1.0, False, False, "20 08:15", None),
    ]


def test_rows_that_say_the_same_are_one_regime():
    found = regimes(
        row("*", "pageview", 0.1, "2026-03-01"),
        row("enwiki", "pageview", 0.1, "2026-03-05", "2026-03-06"),
        row("enwiki", "pageview", 0.1, "2026-03-06", "2026-03-09"),
    )
    assert found == [("pageview", 0.1, 0.1, False, False, "01 00:00", None)]


def test_overlapping_graces_take_the_smallest_rate():
    found = regimes(
        row("enwiki", "pageview", 0.1, "2026-03-01", "2026-03-10T12:00"),
        row("enwiki", "pageview", 1.0, "2026-03-10T12:00", "2026-03-10T12:10"),
        row("enwiki", "pageview", 0.5, "2026-03-10T12:10"),
    )
    assert [r[1:] for r in found] == [
        (0.1, 0.1, False, False, "01 00:00", "10 12:00"),
        (1.0, 0.1, True, False, "10 12:00", "10 12:10"),
        (0.5, 0.1, True, False, "10 12:10", "10 12:15"),
        (0.5, 0.5, True, False, "10 12:15", "10 12:25"),
        (0.5, 0.5, False, False, "10 12:25", None),
    ]


def test_a_rate_of_zero_is_in_force_and_its_grace_keeps_nothing():
    found = regimes(
        row("enwiki", "session", 0.0, "2026-03-01", "2026-03-10"), row("enwiki", "session", 0.5, "2026-03-10")
    )
    assert [(r[1], r[2], r[3]) for r in found] == [(0.0, 0.0, False), (0.5, 0.0, True), (0.5, 0.5, False)]


def test_without_a_grace_there_is_none():
    found = regimes(
        row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10"),
        row("enwiki", "session", 0.1, "2026-03-10"),
        grace=timedelta(),
    )
    assert [(r[1], r[2], r[3]) for r in found] == [(1.0, 1.0, False), (0.1, 0.1, False)]


# --- the brute-force lookup -----------------------------------------------------------------------------------------

ORIGIN = at("2026-03-10T00:00")
MINUTES = 90
RATES = (0.0, 0.1, 0.5, 1.0)


@st.composite
def stretches(draw, wiki):
    """Non-overlapping rows of one wiki, on whole minutes."""
    cuts = sorted(draw(st.lists(st.integers(0, MINUTES), unique=True, max_size=7)))
    rows = []
    for start, end in pairwise([*cuts, None]):
        if draw(st.booleans()):
            stop = None if end is None else ORIGIN + timedelta(minutes=end)
            unit, rate = draw(st.sampled_from(("pageview", "session"))), draw(st.sampled_from(RATES))
            rows.append(PolicyRow(NAME, wiki, unit, rate, ORIGIN + timedelta(minutes=start), stop))
    return rows


def row_in_force(rows, wiki, moment):
    for key in (wiki, "*"):
        for r in rows:
            if r.wiki_db == key and r.valid_from <= moment and (r.valid_to is None or moment < r.valid_to):
                return r.sample_unit, r.sample_rate
    return None


def brute_force(rows, wiki, moment):
    """What holds at a minute: walk back over the grace minute by minute and look at each change in it."""
    now = row_in_force(rows, wiki, moment)
    if now is None:
        return None
    seen, is_grace = {now}, False
    for back in range(15):
        then = moment - timedelta(minutes=back)
        new, old = row_in_force(rows, wiki, then), row_in_force(rows, wiki, then - timedelta(minutes=1))
        if new and old and new != old and (old[1], new[1]) != (1.0, 1.0):
            seen |= {new, old}
            is_grace = True
    is_unit_change = len({unit for unit, _ in seen}) > 1
    return (*now, 0.0 if is_unit_change else min(rate for _, rate in seen), is_grace, is_unit_change)


@settings(max_examples=80, deadline=None)
@given(stretches("enwiki"), stretches("*"), stretches("frwiki"))
def test_the_timeline_agrees_with_a_lookup_minute_by_minute(own, star, other):
    rows = [*own, *star, *other]
    found = policy.timeline(reference(*rows, wikis=("enwiki", "frwiki")), QUARTER_HOUR)
    for wiki in ("enwiki", "frwiki"):
        mine = [r for r in found if r.wiki_db == wiki]
        for earlier, later in pairwise(mine):
            assert earlier.valid_to is not None
            assert earlier.valid_to <= later.valid_from
            if earlier.valid_to == later.valid_from:
                same = ("sample_unit", "sample_rate", "kept_rate", "is_grace", "is_unit_change")
                assert any(getattr(earlier, name) != getattr(later, name) for name in same), "left unmerged"
        for minute in range(-1, MINUTES + 40):
            moment = ORIGIN + timedelta(minutes=minute)
            covering = [r for r in mine if r.valid_from <= moment and (r.valid_to is None or moment < r.valid_to)]
            expected = brute_force(rows, wiki, moment)
            got = [(r.sample_unit, r.sample_rate, r.kept_rate, r.is_grace, r.is_unit_change) for r in covering]
            assert got == ([] if expected is None else [expected]), f"{wiki} at minute {minute}"


# --- windows --------------------------------------------------------------------------------------------------------

MIXED = (
    row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
    row("enwiki", "pageview", 0.1, "2026-03-10T12:00", "2026-03-20"),
    row("enwiki", "pageview", 1.0, "2026-03-22T06:00"),
)


def window(function, *rows, start, end):
    built = policy.timeline(reference(*rows), QUARTER_HOUR)
    return function(built, NAME, "enwiki", date.fromisoformat(start), date.fromisoformat(end))


def test_window_regimes_are_cut_to_the_window_and_do_not_show_the_grace():
    full, tenth = Sampling("pageview", 1.0), Sampling("pageview", 0.1)
    assert window(policy.window_regimes, *MIXED, start="2026-03-09", end="2026-03-12") == (
        Span(full, at("2026-03-09"), at("2026-03-10T12:00")),
        Span(tenth, at("2026-03-10T12:00"), at("2026-03-12")),
    )


def test_days_without_any_policy_are_uncovered():
    assert window(policy.uncovered_days, *MIXED, start="2026-02-27", end="2026-03-24") == (
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 20),
        date(2026, 3, 21),
    )
    assert window(policy.has_gap, *MIXED, start="2026-03-22", end="2026-03-23")
    assert not window(policy.has_gap, *MIXED, start="2026-03-01", end="2026-03-20")


def test_a_day_at_rate_zero_is_uncovered():
    zero = row("enwiki", "session", 0.0, "2026-03-01")
    assert window(policy.uncovered_days, zero, start="2026-03-05", end="2026-03-06") == (date(2026, 3, 5),)


def test_a_window_that_begins_in_a_grace_is_not_exact():
    rows = (
        row("enwiki", "pageview", 0.1, "2026-03-01", "2026-03-09T23:50"),
        row("enwiki", "pageview", 1.0, "2026-03-09T23:50"),
    )
    assert not window(policy.is_exact, *rows, start="2026-03-10", end="2026-03-11")
    assert window(policy.is_exact, *rows, start="2026-03-11", end="2026-03-12")
    assert window(policy.applied_rates, *rows, start="2026-03-10", end="2026-03-11") == (
        Sampling("pageview", 0.1),
        Sampling("pageview", 1.0),
    )
    assert not window(policy.is_exact, start="2026-03-10", end="2026-03-11"), "nothing covered is nothing exact"


def test_changes_inside_the_window_are_told_and_at_its_start_are_not():
    changes = window(policy.rate_changes, *MIXED, start="2026-03-05", end="2026-03-24")
    assert [change.at for change in changes] == [at("2026-03-10T12:00"), at("2026-03-22T06:00")]
    assert policy.describe_changes(changes) == (
        "sampling changed from 100 % of pageviews to 10 % of pageviews at 2026-03-10 12:00 UTC, "
        "then from 10 % of pageviews to 100 % of pageviews at 2026-03-22 06:00 UTC"
    )
    midnight = (
        row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10"),
        row("enwiki", "pageview", 0.1, "2026-03-10"),
    )
    assert window(policy.rate_changes, *midnight, start="2026-03-10", end="2026-03-12") == ()
    assert policy.describe_changes(()) is None


def test_a_unit_change_is_told_only_where_events_were_dropped():
    sampled = (row("enwiki", "pageview", 0.5, "2026-03-01", "2026-03-10"), row("enwiki", "session", 0.5, "2026-03-10"))
    whole = (row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10"), row("enwiki", "session", 1.0, "2026-03-10"))
    assert window(policy.has_unit_change, *sampled, start="2026-03-10", end="2026-03-11")
    assert not window(policy.has_unit_change, *sampled, start="2026-03-11", end="2026-03-12")
    assert not window(policy.has_unit_change, *whole, start="2026-03-09", end="2026-03-12")


# --- policy check ---------------------------------------------------------------------------------------------------


def messages(*rows, **kwargs):
    return [(p.severity, p.what) for p in check_policy(reference(*rows, **kwargs))]


def test_a_sound_policy_has_no_problem():
    assert messages(row("enwiki", "session", 0.1, "2026-03-01")) == []
    assert messages(row("*", "session", 0.1, "2026-01-01")) == []


def test_overlaps_units_rates_and_unknown_wikis_are_errors():
    found = messages(
        row("enwiki", "session", 0.1, "2026-03-01", line=2),
        row("enwiki", "mw-user", 10.0, "2026-03-05", line=3),
        row("xxwiki", "session", 0.1, "2026-03-01", line=4),
    )
    assert ("error", f"overlaps line 2 of {NAME} on enwiki") in found
    assert ("error", "outside 0 to 1") in found
    assert ("error", "the client sends nothing for this unit") in found
    assert ("error", "not in wikis.csv") in found


def test_gaps_and_late_starts_are_errors():
    found = messages(
        row("enwiki", "session", 0.1, "2026-03-02", "2026-03-05"), row("enwiki", "session", 0.1, "2026-03-06")
    )
    assert found == [
        ("error", f"{NAME} on enwiki: starts after its first day 2026-03-01"),
        ("error", f"{NAME} on enwiki: a gap from 2026-03-05T00:00:00Z"),
    ]
    assert messages() == [("error", f"{NAME} on enwiki: no policy at all")]


def test_a_gap_before_the_wikis_life_is_none_of_our_business():
    rows = (row("*", "session", 0.1, "2026-01-01", "2026-01-05"), row("*", "session", 0.1, "2026-02-01"))
    assert messages(*rows) == []


SPLIT = (
    InstrumentRow(NAME, "usage", True, date(2026, 2, 10), None),
    InstrumentRow("top-link", "entry_point", False, date(2026, 2, 10), None),
)


def test_a_start_later_on_the_first_day_is_a_warning_unless_an_event_came_before():
    late = row("enwiki", "session", 0.1, "2026-03-01T20:36")
    what = "starts at 20:36 of its first day 2026-03-01, no policy from 00:00 to 20:36"
    assert messages(late) == [("warning", f"{NAME} on enwiki: {what}")]
    asked = []
    for event, expected in (
        (None, ("warning", f"{NAME} on enwiki: {what}")),
        (at("2026-03-01T07:05"), ("error", f"{NAME} on enwiki: starts after its first event, of 2026-03-01T07:05:00Z")),
    ):
        found = check_policy(reference(late), lambda *wanted, event=event: asked.append(wanted) or event)
        assert [(p.severity, p.what) for p in found] == [expected]
    assert asked == [(NAME, "enwiki", at("2026-03-01"), at("2026-03-01T20:36"))] * 2


def test_an_entry_point_that_starts_late_is_an_error_and_an_end_is_a_warning():
    rows = (
        row("*", "session", 1.0, "2026-03-01", "2026-05-01"),
        row("enwiki", "pageview", 0.1, "2026-03-19", name="top-link"),
        row("*", "pageview", 0.1, "2026-03-19", name="misspelt"),
    )
    assert messages(*rows, instruments=SPLIT) == [
        ("error", "top-link on enwiki: starts after its first day 2026-03-01"),
        ("warning", "not in instruments.csv: its events are out of scope"),
        ("warning", f"{NAME} on enwiki: ends at 2026-05-01T00:00:00Z while instruments.csv goes on"),
    ]


def test_an_entry_point_whose_instrument_began_later_is_not_late():
    rows = (row("*", "session", 1.0, "2026-03-01"), row("*", "pageview", 0.1, "2026-03-19", name="top-link"))
    began = (SPLIT[0], InstrumentRow("top-link", "entry_point", False, date(2026, 3, 19), None))
    assert messages(*rows, instruments=began) == []


def test_an_entry_point_without_any_policy_is_a_warning():
    found = messages(row("*", "session", 1.0, "2026-03-01"), instruments=SPLIT)
    assert found == [("warning", "top-link on enwiki: no policy at all")]


def event(moment, *, wiki="enwiki", name=NAME, **performer):
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
    wanted = (open_input(tmp_path), NAME, "enwiki", at("2026-03-01"), at("2026-03-01T20:30"))
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
    write_raw(tmp_path, 1, suffix="json.gz")
    broken = tmp_path / "raw/web_base/year=2026/month=3/day=1/hour=1/events.json.gz"
    broken.write_bytes(gzip.compress(json.dumps(event("2026-03-01T01:00:00Z")).encode())[:-9])
    write_raw(tmp_path, 2)
    lines = ['{"enwiki', '"enwiki"', '{"meta": "enwiki"}', json.dumps(event("soon")), json.dumps(event(3))]
    (tmp_path / "raw/web_base/year=2026/month=3/day=1/hour=2/events.json").write_text("\n".join(lines))
    assert find_event(open_input(tmp_path), NAME, "enwiki", at("2026-03-01"), at("2026-03-01T20:30")) is None


@pytest.mark.parametrize(("first_hour", "code"), [(3, 2), (23, 0)])
def test_policy_check_of_a_policy_that_starts_late_on_the_first_day(tmp_path, first_hour, code):
    (tmp_path / "wikis.csv").write_text(
        "wiki_db,domain,language,pilot,enabled_from,visible_from\nenwiki,en.org,en,false,2026-03-01,2026-03-01\n"
    )
    (tmp_path / "sampling_policy.csv").write_text(
        "instrument_name,wiki_db,sample_unit,sample_rate,valid_from,valid_to\n"
        f"{NAME},*,pageview,1,2026-03-01T23:00:00Z,\n"
    )
    write_raw(tmp_path, first_hour, event(f"2026-03-01T{first_hour:02}:10:00Z"))
    result = CliRunner().invoke(app, ["policy", "check", "--input", str(tmp_path)])
    assert getattr(result.exception, "exit_code", 0) == code
    assert ("no policy from 00:00 to 23:00" in result.output) == (code == 0)


def test_the_table_shows_what_was_in_force_with_the_graces_as_notes():
    built = policy.timeline(reference(*MIXED[:2]), QUARTER_HOUR)
    assert timeline_table(built) == [
        (NAME, "enwiki", "pageview", "100 %", "2026-03-01 00:00", "2026-03-10 12:00", ""),
        (NAME, "enwiki", "pageview", "10 %", "2026-03-10 12:00", "2026-03-20 00:00", "until 12:15 kept at 10 %"),
    ]


@pytest.mark.parametrize(("rate", "text"), [(0.001, "0.1 %"), (0.07, "7 %"), (1.0, "100 %"), (0.0, "0 %")])
def test_rates_in_words(rate, text):
    assert policy.format_rate(rate) == text
