"""The sampling policy's timeline: golden cases, edges of the grace, and a brute-force lookup minute by minute."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.policy.timeline import (
    Span,
    Timeline,
    UnitRate,
    all_regimes,
    describe_changes,
    format_rate,
    timelines,
)
from tests.references import HEALTH, at, policy_row, reference, wiki_row

QUARTER_HOUR = timedelta(minutes=15)


def regimes(*rows, grace=QUARTER_HOUR, **kwargs):
    return [
        (r.sample_unit, r.sample_rate, r.kept_rate, r.is_grace, r.is_unit_change, f"{r.valid_from:%d %H:%M}",
         r.valid_to and f"{r.valid_to:%d %H:%M}")
        for r in all_regimes(reference(*rows, **kwargs), grace)
    ]  # fmt: skip


def test_one_row_is_one_regime():
    assert regimes(policy_row("enwiki", "session", 0.1, "2026-03-19T20:36")) == [
        ("session", 0.1, 0.1, False, False, "19 20:36", None)
    ]


@pytest.mark.parametrize(("old", "new"), [(1.0, 0.1), (0.1, 1.0)])
def test_the_smaller_rate_applies_in_the_grace(old, new):
    found = regimes(
        policy_row("enwiki", "pageview", old, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "pageview", new, "2026-03-10T12:00"),
    )
    assert found == [
        ("pageview", old, old, False, False, "01 00:00", "10 12:00"),
        ("pageview", new, 0.1, True, False, "10 12:00", "10 12:15"),
        ("pageview", new, new, False, False, "10 12:15", None),
    ]


def test_a_change_of_unit_drops_the_grace():
    found = regimes(
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "session", 0.5, "2026-03-10T12:00"),
    )
    assert found[1] == ("session", 0.5, 0.0, True, True, "10 12:00", "10 12:15")
    assert found[2] == ("session", 0.5, 0.5, False, False, "10 12:15", None)


def test_no_grace_where_both_rates_are_1():
    found = regimes(
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "session", 1.0, "2026-03-10T12:00"),
    )
    assert [(r[0], r[3]) for r in found] == [("pageview", False), ("session", False)]


def test_no_grace_after_a_gap():
    found = regimes(
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-10T12:01"),
    )
    assert [r[3] for r in found] == [False, False]


def test_the_own_row_beats_the_star_row_and_its_end_is_a_change_too():
    found = regimes(
        policy_row("*", "pageview", 1.0, "2026-03-01"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-10T12:00", "2026-03-20T08:00"),
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
        policy_row("*", "pageview", 0.1, "2026-03-01"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-05", "2026-03-06"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-06", "2026-03-09"),
    )
    assert found == [("pageview", 0.1, 0.1, False, False, "01 00:00", None)]


def test_overlapping_graces_take_the_smallest_rate():
    found = regimes(
        policy_row("enwiki", "pageview", 0.1, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "pageview", 1.0, "2026-03-10T12:00", "2026-03-10T12:10"),
        policy_row("enwiki", "pageview", 0.5, "2026-03-10T12:10"),
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
        policy_row("enwiki", "session", 0.0, "2026-03-01", "2026-03-10"),
        policy_row("enwiki", "session", 0.5, "2026-03-10"),
    )
    assert [(r[1], r[2], r[3]) for r in found] == [(0.0, 0.0, False), (0.5, 0.0, True), (0.5, 0.5, False)]


def test_without_a_grace_there_is_none():
    found = regimes(
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10"),
        policy_row("enwiki", "session", 0.1, "2026-03-10"),
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
            rows.append(policy_row(wiki, unit, rate, ORIGIN + timedelta(minutes=start), stop))
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
    found = all_regimes(reference(*rows, wikis=[wiki_row("enwiki"), wiki_row("frwiki")]), QUARTER_HOUR)
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
    policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10T12:00"),
    policy_row("enwiki", "pageview", 0.1, "2026-03-10T12:00", "2026-03-20"),
    policy_row("enwiki", "pageview", 1.0, "2026-03-22T06:00"),
)


def window(question, *rows, start, end):
    own = timelines(reference(*rows), QUARTER_HOUR).get((HEALTH, "enwiki"), Timeline())
    return question(own, date.fromisoformat(start), date.fromisoformat(end))


def test_spans_are_cut_to_the_window_and_do_not_show_the_grace():
    full, tenth = UnitRate("pageview", 1.0), UnitRate("pageview", 0.1)
    assert window(Timeline.spans, *MIXED, start="2026-03-09", end="2026-03-12") == (
        Span(full, at("2026-03-09"), at("2026-03-10T12:00")),
        Span(tenth, at("2026-03-10T12:00"), at("2026-03-12")),
    )


def test_days_without_any_policy_are_uncovered():
    assert window(Timeline.uncovered_days, *MIXED, start="2026-02-27", end="2026-03-24") == (
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 20),
        date(2026, 3, 21),
    )
    assert window(Timeline.has_gap, *MIXED, start="2026-03-22", end="2026-03-23")
    assert not window(Timeline.has_gap, *MIXED, start="2026-03-01", end="2026-03-20")


def test_a_day_at_rate_zero_is_uncovered():
    zero = policy_row("enwiki", "session", 0.0, "2026-03-01")
    assert window(Timeline.uncovered_days, zero, start="2026-03-05", end="2026-03-06") == (date(2026, 3, 5),)


def test_a_window_that_begins_in_a_grace_has_the_rate_of_before_too():
    rows = (
        policy_row("enwiki", "pageview", 0.1, "2026-03-01", "2026-03-09T23:50"),
        policy_row("enwiki", "pageview", 1.0, "2026-03-09T23:50"),
    )
    tenth, full = UnitRate("pageview", 0.1), UnitRate("pageview", 1.0)
    assert window(Timeline.applied_rates, *rows, start="2026-03-10", end="2026-03-11") == (tenth, full)
    assert window(Timeline.applied_rates, *rows, start="2026-03-11", end="2026-03-12") == (full,)
    assert window(Timeline.applied_rates, start="2026-03-10", end="2026-03-11") == ()


def test_a_wiki_is_sampled_while_a_rate_below_1_is_in_force():
    assert window(Timeline.is_sampled, *MIXED, start="2026-03-10", end="2026-03-11")
    assert window(Timeline.is_sampled, *MIXED, start="2026-03-19", end="2026-03-20")
    assert not window(Timeline.is_sampled, *MIXED, start="2026-03-20", end="2026-03-24"), "its grace came after a gap"


def test_before_the_first_positive_rate_is_no_gap():
    rows = (
        policy_row("enwiki", "session", 0.0, "2026-03-01", "2026-03-10T12:00"),
        policy_row("enwiki", "session", 0.5, "2026-03-10T12:00", "2026-03-20T12:00"),
    )
    assert not window(Timeline.has_gap, *rows, start="2026-03-09", end="2026-03-12")
    assert window(Timeline.has_gap, *rows, start="2026-03-19", end="2026-03-21")
    assert window(Timeline.has_empty_grace, *rows, start="2026-03-10", end="2026-03-11"), "from rate 0"
    assert not window(Timeline.has_empty_grace, *rows, start="2026-03-11", end="2026-03-12")


def test_changes_inside_the_window_are_told_and_at_its_start_are_not():
    changes = window(Timeline.rate_changes, *MIXED, start="2026-03-05", end="2026-03-24")
    assert [change.at for change in changes] == [at("2026-03-10T12:00"), at("2026-03-22T06:00")]
    assert describe_changes(changes) == (
        "sampling changed from 100 % of pageviews to 10 % of pageviews at 2026-03-10 12:00 UTC, "
        "then from 10 % of pageviews to 100 % of pageviews at 2026-03-22 06:00 UTC"
    )
    midnight = (
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10"),
        policy_row("enwiki", "pageview", 0.1, "2026-03-10"),
    )
    assert window(Timeline.rate_changes, *midnight, start="2026-03-10", end="2026-03-12") == ()
    assert describe_changes(()) is None


def test_a_unit_change_is_told_only_where_events_were_dropped():
    sampled = (
        policy_row("enwiki", "pageview", 0.5, "2026-03-01", "2026-03-10"),
        policy_row("enwiki", "session", 0.5, "2026-03-10"),
    )
    whole = (
        policy_row("enwiki", "pageview", 1.0, "2026-03-01", "2026-03-10"),
        policy_row("enwiki", "session", 1.0, "2026-03-10"),
    )
    assert window(Timeline.has_unit_change, *sampled, start="2026-03-10", end="2026-03-11")
    assert not window(Timeline.has_unit_change, *sampled, start="2026-03-11", end="2026-03-12")
    assert not window(Timeline.has_unit_change, *whole, start="2026-03-09", end="2026-03-12")


@pytest.mark.parametrize(("rate", "text"), [(0.001, "0.1 %"), (0.07, "7 %"), (1.0, "100 %"), (0.0, "0 %")])
def test_rates_in_words(rate, text):
    assert format_rate(rate) == text
