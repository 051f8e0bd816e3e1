"""The one rule by which counts of editors are added up over pilots."""

from __future__ import annotations

from datetime import date

from jobs.rows.pilots import Added, pilots_added

MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 30)
PILOTS = ["idwiki", "trwiki"]


def test_of_each_pilot_its_newest_count_of_two_months_is_added():
    counts = {"idwiki": {MARCH: 300.0, APRIL: 350.0}, "trwiki": {MARCH: 100.0}, "enwiki": {APRIL: 9000.0}}
    assert pilots_added(counts, PILOTS, MARCH) == Added(dict.fromkeys(PILOTS, MARCH), 400.0, (), ())
    assert pilots_added(counts, PILOTS, APRIL) == Added({"idwiki": APRIL, "trwiki": MARCH}, 450.0, (), ())
    assert pilots_added(counts, PILOTS, date(2026, 5, 31)).total == 450.0
    assert pilots_added(counts, PILOTS, date(2026, 6, 1)) == Added({"idwiki": APRIL}, None, ("trwiki",), ())


def test_all_pilots_are_needed_and_a_hidden_one_adds_nothing():
    counts = {"idwiki": {MARCH: 300.0}, "trwiki": {MARCH: None}}
    assert pilots_added(counts, PILOTS, MARCH) == Added({"idwiki": MARCH}, 300.0, (), ("trwiki",))
    assert pilots_added(counts, [*PILOTS, "thwiki"], MARCH).total is None
    assert pilots_added(counts, ["trwiki"], MARCH).total is None
    assert pilots_added({}, [], MARCH) == Added({}, None, (), ())
