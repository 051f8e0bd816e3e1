"""Input, silence and first events of a rollout: what is right, wrong, or cannot be said yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from rollout_evidence import HEALTH, VISIBLE, WIKI, evidence, loads, march, policy, timeline

from jobs.catalogue import load_catalogue
from jobs.rollout.evidence import FailedCheck
from jobs.rollout.lines import first_lines, input_line, judge, silence_lines

VISIBLE_AT_ONCE = replace(WIKI, visible_from=march(1))


def hours(first, last, **missing):
    return {march(day): missing.get(f"day_{day}", ()) for day in range(first, last + 1)}


def verdicts(card):
    return {line.what: line.verdict for line in card.lines}


def test_a_rollout_as_declared_is_live():
    card = judge(evidence(), 40, load_catalogue())
    assert card.verdict == "live"
    assert verdicts(card) == {
        "input": "ok", "menu link before display": "ok", "loads before display": "ok", "first event": "ok",
        "first load": "ok", "sampling": "ok", "volume": "ok", "measurable now": "open",
    }  # fmt: skip
    assert all(line.next_step for line in card.lines if line.verdict != "ok"), "it says what to do"


def test_one_wrong_line_makes_the_card_wrong():
    assert judge(evidence(menu_early={march(3): 1}), 40, load_catalogue()).verdict == "wrong"


def test_before_the_display_a_rollout_is_not_live_yet():
    soon = evidence(as_of=march(3), missing_hours=hours(1, 3), loads=(), audits=())
    card = judge(soon, None, load_catalogue())
    assert (card.verdict, card.is_seen) == ("not yet", False)
    assert {line.verdict for line in card.lines} == {"ok", "open"}


def test_loads_of_the_team_before_the_display_make_nobody_live():
    team = evidence(as_of=march(3), missing_hours=hours(1, 3), loads=(loads(2, 3),), audits=())
    assert judge(team, None, load_catalogue()).verdict == "not yet"


def test_missing_days_and_hours_are_named():
    line = input_line(evidence(missing_hours=hours(3, 14, day_7=(4, 5), day_9=(0, 1, 2))))
    assert line.verdict == "open"
    assert "12 of 14 days, the last 2026-03-14; without 2026-03-01, 2026-03-02" in line.found
    assert "5 hours missing (2026-03-07 04:00, 2026-03-07 05:00, 2026-03-09 00:00 and 2 more)" in line.found
    line = input_line(evidence(missing_hours=hours(3, 14, day_7=(4,))))
    assert "; 1 hour missing (2026-03-07 04:00)" in line.found
    assert "from 2026-03-01 on" in line.next_step


def test_before_the_deployment_nothing_is_asked_for():
    soon = evidence(wiki=replace(WIKI, enabled_from=march(4)), as_of=march(3), missing_hours=hours(1, 3), loads=())
    assert input_line(soon).found == "not deployed yet on 2026-03-03"
    assert [line.found for line in silence_lines(soon)] == [
        "0 impressions, 0 ingested of 0 silent days", "0 loads, 0 ingested of 0 silent days"
    ]  # fmt: skip


def test_days_that_a_gate_holds_up_are_told():
    line = input_line(evidence(hold_up="a gate stopped run_1"))
    assert (line.verdict, "is not published: a gate stopped run_1" in line.found) == ("open", True)


def test_any_menu_link_before_the_display_is_wrong():
    menu, team = silence_lines(evidence(menu_early={march(2): 3, march(4): 1}))
    assert (menu.verdict, team.verdict) == ("wrong", "ok")
    assert menu.found == "4 impressions on 2026-03-02, 2026-03-04; 4 ingested of 4 silent days"


def test_a_leak_that_stopped_a_gate_is_wrong_though_no_fact_shows_it():
    other = FailedCheck(march(14), "quarantine_share", "too many")
    assert silence_lines(evidence(failed=(other,)))[0].verdict == "ok"
    menu, _ = silence_lines(evidence(failed=(other, FailedCheck(march(4), "menu_link_before_visible", "frwiki leaks"))))
    assert (menu.verdict, menu.found) == ("wrong", "frwiki leaks; 4 ingested of 4 silent days")


def test_a_few_loads_before_the_display_are_told_and_left_to_a_person():
    menu, team = silence_lines(evidence(loads=(loads(2, 3), loads(4, 1), loads(5, 9))))
    assert (menu.verdict, team.verdict) == ("ok", "open")
    assert team.found == "4 loads as kept on 2026-03-02, 2026-03-04"


def test_silence_of_days_that_were_never_ingested_is_not_known():
    menu, _ = silence_lines(evidence(missing_hours=hours(5, 14)))
    assert (menu.verdict, menu.next_step) == ("open", "run --start 2026-03-01 --end 2026-03-05")


def test_without_silent_days_there_is_one_line_and_a_leak_shows_all_the_same():
    (line,) = silence_lines(evidence(wiki=VISIBLE_AT_ONCE))
    assert (line.what, line.verdict) == ("silence", "ok")
    leak = evidence(wiki=VISIBLE_AT_ONCE, menu_early={date(2026, 2, 27): 2})
    assert [line.verdict for line in silence_lines(leak)] == ["wrong", "ok"]


@pytest.mark.parametrize(
    ("rate", "said"),
    [(1.0, None), (0.1, "up to 28 pageviews"), (0.01, "up to 298 pageviews"), (0.0, "none could be seen")],
)
def test_silence_at_a_low_rate_says_what_could_go_unseen(rate, said):
    """0.9^28 is 5.2 % and 0.9^29 is 4.7 %."""
    menu, _ = silence_lines(evidence(timelines={HEALTH: timeline(policy(rate))}))
    assert menu.verdict == "ok"
    assert ("unseen" in menu.found or "be seen" in menu.found) == (said is not None)
    assert said is None or said in menu.found


def test_first_event_and_first_load_with_their_delay():
    late = evidence(loads=(loads(2, 1), loads(6, 0, n_events=3), loads(8, 2), loads(9, 1)))
    event, load = first_lines(late)
    assert (event.found, event.verdict) == ("2026-03-06, 1 day after display", "ok")
    assert (load.found, load.verdict) == ("2026-03-08, 3 days after display", "ok")
    assert first_lines(evidence())[0].found == f"{VISIBLE}, on the day of display"


def test_a_visible_wiki_without_any_event_is_wrong_once_a_whole_day_is_there():
    event, load = first_lines(evidence(loads=()))
    assert (event.verdict, load.verdict) == ("wrong", "open")
    assert event.found == "none on 10 whole visible days"
    broken = {march(day): (13,) for day in range(5, 15)}
    assert first_lines(evidence(loads=(), missing_hours=broken))[0].verdict == "open"


def test_silence_at_rate_zero_is_no_outage():
    event, _ = first_lines(evidence(loads=(), timelines={HEALTH: timeline(policy(0.0))}))
    assert event.verdict == "open"
