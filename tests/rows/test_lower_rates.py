"""A rate that a day's ids show to be lower than declared: whose windows tell of it, and in which words."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.rows.cautions import EVENTS_LOST, LowerRate, lower_rates
from jobs.rows.self_validation import validation_windows
from jobs.rows.window_context import WindowContext
from jobs.windows import DAY, days
from tests.references import HEALTH, arrival, instrument_row, policy_row, reference, wiki_row

MONDAY = date(2026, 3, 9)
EVERY_DAY = days(MONDAY - 40 * DAY, MONDAY + 40 * DAY)
OTHER = "entry-point-metrics"


def _lower(day, wiki="enwiki", likely=0.2512, declared=0.5):
    return LowerRate(wiki, "pageview", declared, day, likely)


def _context(audited, *changes):
    known = reference(
        *(policy_row(name=name, rate=0.5) for name in (HEALTH, OTHER)),
        *changes,
        wikis=[wiki_row(name, EVERY_DAY[0]) for name in ("enwiki", "frwiki", "idwiki")],
        instruments=[instrument_row(start=EVERY_DAY[0]), instrument_row(OTHER, "entry_point", EVERY_DAY[0])],
    )
    return WindowContext(known, arrival(EVERY_DAY), 15, audited=audited)


def test_windows_that_hold_the_day_tell_of_it_and_no_others():
    context = _context({(HEALTH, "enwiki"): [_lower(MONDAY)]})

    def losses(start, end, wikis=("enwiki",), instrument=HEALTH):
        return context.sampling((instrument,), wikis, start, end).losses

    assert losses(MONDAY, MONDAY + DAY) == losses(MONDAY - 27 * DAY, MONDAY + DAY) == lower_rates([_lower(MONDAY)])
    assert losses(MONDAY - 7 * DAY, MONDAY) == losses(MONDAY + DAY, MONDAY + 8 * DAY) == ()
    assert losses(MONDAY, MONDAY + DAY, ("frwiki",)) == ()
    assert losses(MONDAY, MONDAY + DAY, instrument=OTHER) == (), "nothing of the metric was measured by it"
    assert losses(MONDAY, MONDAY + DAY, ("frwiki", "enwiki")) == lower_rates([_lower(MONDAY)])


def test_it_is_told_beside_what_was_lost_around_a_change():
    change = policy_row("enwiki", "session", 0.5, MONDAY)
    context = _context({(HEALTH, "enwiki"): [_lower(MONDAY)]}, change)
    losses = context.sampling((HEALTH,), ("enwiki",), MONDAY, MONDAY + DAY).losses
    assert losses == (EVENTS_LOST, *lower_rates([_lower(MONDAY)]))


def test_of_several_wikis_all_are_told_whatever_their_order():
    audited = {(HEALTH, "enwiki"): [_lower(MONDAY)], (HEALTH, "frwiki"): [_lower(MONDAY, "frwiki", 0.1)]}
    (caution,) = _context(audited).sampling((HEALTH,), ("idwiki", "frwiki", "enwiki"), MONDAY, MONDAY + DAY).losses
    assert caution.sentence == (
        "the ids of enwiki on 2026-03-09 show a rate lower than the declared 50 % of pageviews, likely 25.12 %; "
        "the ids of frwiki on 2026-03-09 show a rate lower than the declared 50 % of pageviews, likely 10 %: "
        "counts of these days are too low"
    )


def test_what_was_not_kept_whole_is_no_truth_to_hold_estimates_against():
    known = reference(wikis=[wiki_row("enwiki", EVERY_DAY[0])], instruments=[instrument_row(start=EVERY_DAY[0])])
    full = reference(policy_row(start=EVERY_DAY[0]), wikis=known.wikis, instruments=known.instruments)
    monday = MONDAY + 28 * DAY
    audited = {(HEALTH, "enwiki"): [_lower(monday, declared=1.0)]}
    plain, wrong = (WindowContext(full, arrival(EVERY_DAY), 15, audited=known) for known in ({}, audited))
    assert "dashboard_visitors" in set(validation_windows(plain, [monday])["metric"])
    assert "dashboard_visitors" not in set(validation_windows(wrong, [monday])["metric"])


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        (
            [_lower(MONDAY, likely=0.2493), _lower(MONDAY + DAY), _lower(MONDAY + 2 * DAY, likely=0.25)],
            "the ids of enwiki on 2026-03-09 to 2026-03-11 show a rate lower than the declared 50 % of pageviews, "
            "likely 24.93 to 25.12 %",
        ),
        (
            [_lower(MONDAY + n * DAY) for n in (0, 2, 3, 6, 8, 9, 10)],
            "the ids of enwiki on 2026-03-09, 2026-03-11 to 2026-03-12, 2026-03-15 and 3 more days show a rate lower "
            "than the declared 50 % of pageviews, likely 25.12 %",
        ),
        (
            [_lower(MONDAY), _lower(MONDAY + DAY, declared=1.0, likely=0.9)],
            "the ids of enwiki on 2026-03-09 show a rate lower than the declared 50 % of pageviews, likely 25.12 %; "
            "the ids of enwiki on 2026-03-10 show a rate lower than the declared 100 % of pageviews, likely 90 %",
        ),
    ],
)
def test_days_in_a_row_are_named_together(rates, told):
    (caution,) = lower_rates(reversed(rates))
    assert caution.sentence == f"{told}: counts of these days are too low"


def test_more_than_three_wikis_are_counted():
    (caution,) = lower_rates(_lower(MONDAY, wiki) for wiki in ("arwiki", "bnwiki", "enwiki", "frwiki", "idwiki"))
    assert caution.sentence.count("the ids of") == 3
    assert caution.sentence.endswith("likely 25.12 %; likewise 2 more wikis or rates: counts of these days are too low")


def test_nothing_is_told_of_rates_as_declared():
    assert lower_rates([]) == ()
