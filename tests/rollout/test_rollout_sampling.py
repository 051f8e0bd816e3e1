"""The rate as declared and as the ids show it."""

from __future__ import annotations

import pytest
from rollout_evidence import HEALTH, audit, evidence, march, policy, timeline

from jobs.rollout.sampling import sampling_lines, seen_rate


def line_of(rows, audits, **changes):
    (line,) = sampling_lines(evidence(timelines={HEALTH: timeline(*rows)}, audits=tuple(audits), **changes))
    return line


@pytest.mark.parametrize(
    ("audits", "verdict", "said"),
    [
        ([audit(13, 150, 0.498, 0.5), audit(14, 150, 0.49, 0.5)], "ok", "at most 0.503"),
        ([audit(13, 150, 0.24, 0.5), audit(14, 150, 0.249, 0.5)], "wrong", "lower, likely 0.25"),
        ([audit(13, 99, 0.498, 0.5, n_impossible=6), audit(14, 99, 0.4, 0.5)], "wrong", "higher: 6 pageviews"),
        ([audit(14, 19, 0.1, 0.5)], "open", "19 pageviews"),
        ([], "open", "no id seen, 2026-03-08 to 2026-03-14"),
    ],
)
def test_verdict_on_the_rate(audits, verdict, said):
    line = line_of([policy(0.5)], audits)
    assert line.verdict == verdict
    assert said in line.found
    assert line.expected == "health: 50 % of pageviews (row of *, since 2026-03-01 00:00 UTC)"


def test_few_ids_say_how_many_more_are_needed():
    assert "1 more are needed" in line_of([policy(0.5)], [audit(14, 19, 0.1, 0.5)]).next_step


def test_only_the_regime_in_force_is_audited():
    rows = [policy(1.0, end=12), policy(0.5, "session", "frwiki", start=12)]
    audits = [audit(11, 500, 0.2), audit(12, 500, 0.2), audit(12, 80, 0.499, 0.5, "session")]
    line = line_of(rows, audits, is_own_row={HEALTH: True})
    assert (line.verdict, "of 80 sessions" in line.found) == ("ok", True)
    assert line.expected == "health: 50 % of sessions (row of frwiki, since 2026-03-12 00:00 UTC)"


def test_older_days_of_the_regime_do_not_speak_for_a_rate_that_was_mended():
    line = line_of([policy(0.5)], [audit(7, 500, 0.2, 0.5), audit(8, 80, 0.499, 0.5)])
    assert (line.verdict, "of 80 pageviews" in line.found) == ("ok", True)


def test_sessions_of_several_days_are_not_counted_twice():
    assert seen_rate([audit(day, 30, 0.4, 0.5, "session") for day in (12, 13)], 0.5).n_ids == 30
    assert seen_rate([audit(day, 30, 0.4, 0.5) for day in (12, 13)], 0.5).n_ids == 60


@pytest.mark.parametrize("rows", [[], [policy(1.0, end=14)]])
def test_without_a_row_in_force_nothing_can_arrive(rows):
    line = line_of(rows, [])
    assert (line.verdict, line.found) == ("wrong", "no row of sampling_policy.csv is in force on 2026-03-14")


def test_rate_zero_is_a_decision():
    line = line_of([policy(0.0)], [])
    assert (line.verdict, line.found) == ("open", "nothing can be seen at this rate")


def test_without_an_instrument_nothing_is_measured():
    (line,) = sampling_lines(evidence(instruments={}))
    assert line.verdict == "wrong"
    assert str(march(14)) in line.found
