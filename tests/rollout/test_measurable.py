"""What can be measured now, and on which day the first window of the rest closes."""

from __future__ import annotations

from datetime import date

import pytest
from rollout_evidence import VOCABULARY, evidence, march

from jobs.catalogue import load_catalogue
from jobs.metric import MetricWindow
from jobs.reference.rows import VocabularyRow
from jobs.reference.vocabulary import Vocabulary
from jobs.rollout.evidence import NewestRows
from jobs.rollout.measurable import first_window, measurable_line, window_states

CATALOGUE = load_catalogue()
MENU, DIFF = "Personal Dashboard menu link", "diff"


def vocabulary(*life):
    return Vocabulary((VocabularyRow(MENU, "entry point", "*", *life, "why"), *VOCABULARY))


@pytest.mark.parametrize(
    ("metric", "kind", "days", "start", "last"),
    [
        ("dashboard_pageviews", "rolling", 1, march(5), march(5)),
        ("dashboard_pageviews", "rolling", 28, march(5), date(2026, 4, 1)),
        ("dashboard_visitors", "quarter_to_date", None, march(5), march(5)),
        ("retention_day_1", "cohort", 2, march(5), march(6)),
        ("two_week_return_rate", "cohort", 14, march(9), march(22)),  # 5 March is a Thursday
        ("presented_two_week_rate", "cohort", 14, march(16), march(29)),  # the link is measured from the 10th on
    ],
)
def test_first_window_of_a_metric(metric, kind, days, start, last):
    known = vocabulary(march(10), date(2026, 4, 1))
    found = first_window(CATALOGUE.metric(metric), MetricWindow(kind, days), march(5), known)
    assert found == (start, last, None)


def test_a_link_that_is_gone_is_never_measured_and_says_why():
    presented = CATALOGUE.metric("presented_two_week_rate")
    found = first_window(presented, presented.windows[0], march(5), vocabulary(march(1), march(20)))
    assert found.last is None
    assert "not measured from 2026-03-20" in found.why_not


def rows(*said):
    return tuple(NewestRows(metric, kind, days, march(14), status, None) for metric, kind, days, status in said)


def test_windows_wait_are_due_or_say_something():
    found = evidence(rows=rows(("dashboard_pageviews", "rolling", 1, "publish")))
    states = {(state.metric, state.window_days): state for state in window_states(found, CATALOGUE)}
    shown, due, waits = (states["dashboard_pageviews", days] for days in (1, 7, 28))
    assert (shown.status, shown.as_of_date, shown.publishable) == ("publish", march(14), None)
    assert (due.status, due.closes, due.publishable) == ("due", march(11), march(12))
    assert (waits.status, waits.closes, waits.publishable) == ("waits", date(2026, 4, 1), date(2026, 4, 2))
    assert states["retention_day_7", 8].closes == march(12)
    audience = states["eligible_editors", 14]
    assert (audience.status, audience.publishable) == ("uncounted", None)
    assert audience.reason.endswith("--as-of DAY --wiki frwiki")
    on_the_day = window_states(evidence(as_of=march(12)), CATALOGUE)
    assert [state.status for state in on_the_day if state.metric == "retention_day_7"] == ["due"]


def test_the_line_counts_them():
    pageviews = load_catalogue().metric("dashboard_pageviews")
    three = type(CATALOGUE)({"dashboard_pageviews": pageviews}, {})
    found = evidence(
        rows=rows(("dashboard_pageviews", "rolling", 1, "publish"), ("dashboard_pageviews", "rolling", 7, "suppressed"))
    )
    line = measurable_line(window_states(found, three))
    assert line.verdict == "open"
    assert line.found == (
        "1 of 3 windows show a number; 1 publish, 1 suppressed; 1 have no row yet, the first can be published on "
        "2026-04-02, all by 2026-04-02"
    )
    every = evidence(rows=rows(*(("dashboard_pageviews", "rolling", days, "caution") for days in (1, 7, 28))))
    assert measurable_line(window_states(every, three)).verdict == "ok"


def test_an_audience_has_a_number_once_it_was_counted_and_says_nothing_of_a_rollout_before():
    one = type(CATALOGUE)({"eligible_editors": CATALOGUE.metric("eligible_editors")}, {})
    line = measurable_line(window_states(evidence(), one))
    assert (line.verdict, line.next_step) == ("ok", "")
    assert line.found == (
        "0 of 0 windows show a number; 2 more do not hang on events, and `pdmetrics audience` counts them"
    )
    counted = evidence(rows=rows(("eligible_editors", "rolling", 14, "publish")))
    assert [state.status for state in window_states(counted, one)] == ["publish", "uncounted"]
    assert measurable_line(window_states(counted, one)).found.startswith("1 of 1 windows show a number; 1 publish;")


def test_a_window_that_closed_without_a_run_says_which_to_run():
    line = measurable_line(window_states(evidence(), CATALOGUE))
    assert line.next_step.startswith(
        "run the days from 2026-03-05 on, when the first of them closed; come back when the others"
    )
