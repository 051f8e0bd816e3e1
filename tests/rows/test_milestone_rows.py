"""Rows of `milestone_status` from rows of `metric_values`: which rows a milestone is about, and sums over pilots."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from jobs.contracts import table
from jobs.reference.rows import MilestoneRow
from jobs.rows.milestone_audience import Audiences
from jobs.rows.milestones import milestone_rows, series
from tests.references import BEGIN, policy_row, reference, wiki_row

DUE = date(2026, 6, 30)
VISITORS = MilestoneRow("Visitors", "idwiki", "dashboard_visitors", "rolling", 7, 100.0, DUE, "a test")
ON_PILOTS = replace(VISITORS, wiki_db="pilot")
BAND = MilestoneRow("Editors", "pilot", "eligible_editors", "rolling", 28, 500.0, DUE, "")
LATER = date(2026, 5, 1)
WIKIS = [
    replace(wiki_row("idwiki", BEGIN), pilot=True), replace(wiki_row("trwiki", BEGIN), pilot=True),
    replace(wiki_row("thwiki", LATER), pilot=True), wiki_row("enwiki", BEGIN),
]  # fmt: skip
DAY = date(2026, 4, 10)


def value(wiki: str = "idwiki", on: date = DAY, estimate: float | None = 60.0, **more: Any) -> dict[str, Any]:
    """A row of visitors of seven days, exact unless it says otherwise."""
    days = more.get("window_days") or 7
    return {
        "metric": "dashboard_visitors", "metric_version": 1, "wiki_db": wiki, "window_kind": "rolling",
        "metric_date": on - timedelta(days=days - 1), "as_of_date": on, "window_days": days,
        "element_friendly_name": "all", "client_platform_family": "all", "edit_count_bucket": "all",
        "inference": "realised", "estimate": estimate, "lower": estimate, "upper": estimate, "status": "publish",
        "status_reason": "", "remedy": None, **more,
    }  # fmt: skip


def judged(milestone: MilestoneRow, *values: dict[str, Any], on: date = DAY, wikis: Any = None) -> dict[str, Any]:
    """The row of a milestone on a day."""
    frame = pd.DataFrame(values, columns=list(table("metric_values").columns), dtype=object)
    known = replace(reference(policy_row(), wikis=WIKIS if wikis is None else wikis), milestones=(milestone,))
    (row,) = milestone_rows(frame, known, [on]).to_dict("records")
    return row


def looks(milestone: MilestoneRow, *values: dict[str, Any]) -> list[tuple[date, float | None, float | None]]:
    frame = pd.DataFrame(values, columns=list(table("metric_values").columns), dtype=object)
    return [(look.last, look.estimate, look.lower) for look in series(frame, milestone, WIKIS, Audiences(frame))]


def test_a_row_has_the_columns_of_the_contract_and_the_share_that_is_there():
    row = judged(VISITORS, value())
    assert list(row) == list(table("milestone_status").columns)
    assert (row["estimate"], row["share_reached"], row["is_overdue"]) == (60.0, 0.6, False)
    assert (row["window_start"], row["window_end"]) == (date(2026, 4, 4), DAY)


def test_only_its_own_wiki_metric_window_version_and_segment_count():
    others = [
        value("enwiki"), value(window_days=28), value(metric="reviewers"), value(metric_version=2),
        value(window_kind="quarter_to_date"), value(edit_count_bucket="100-999 edits"),
        value(client_platform_family="mobile_browser"),
    ]  # fmt: skip
    assert looks(VISITORS, *others) == []
    assert looks(VISITORS, value(on=DAY + timedelta(days=1)), *others, value(estimate=50.0)) == [
        (DAY, 50.0, 50.0), (DAY + timedelta(days=1), 60.0, 60.0),
    ]  # fmt: skip


def test_a_rate_is_about_users_in_general_and_links_are_the_review_links():
    rate = replace(VISITORS, metric="two_day_review_rate", target=0.1)
    mine = value(metric="two_day_review_rate", inference="process", estimate=0.2, lower=0.1, upper=0.3)
    assert looks(rate, value(metric="two_day_review_rate"), mine) == [(DAY, 0.2, 0.1)]
    clicks = replace(VISITORS, metric="link_clicks")
    mine = value(metric="link_clicks", element_friendly_name="review links")
    assert looks(clicks, mine, value(metric="link_clicks", element_friendly_name="a link")) == [(DAY, 60.0, 60.0)]


def test_a_metric_of_weekly_cohorts_waits_for_its_fourth_week():
    rate = replace(VISITORS, metric="two_week_return_rate", window_kind="cohort", window_days=14, target=0.5)
    cohort = {"metric": rate.metric, "window_kind": "cohort", "window_days": 14, "inference": "process"}
    weeks = [value(on=DAY - timedelta(days=7 * n), estimate=0.2, **cohort) for n in (2, 1, 0)]
    assert judged(rate, *weeks)["remedy"] == f"wait until {DAY + timedelta(days=7)}"
    days = [value(on=DAY - timedelta(days=n)) for n in (2, 1, 0)]
    assert judged(VISITORS, *days)["remedy"] == f"wait until {DAY + timedelta(days=11)}"


def test_pilots_are_added_up_with_their_limits():
    row = judged(ON_PILOTS, value(lower=50.0, upper=80.0), value("trwiki", lower=55.0, upper=70.0), value("enwiki"))
    assert (row["estimate"], row["lower"], row["upper"]) == (120.0, 105.0, 150.0)


def test_a_pilot_that_is_not_measured_leaves_no_sum_and_is_named():
    gap = value("trwiki", estimate=None, status="not_measured", status_reason="1 day has no input", remedy="run it")
    row = judged(ON_PILOTS, value(), gap)
    assert (row["status"], row["estimate"], row["share_reached"]) == ("not measurable", None, None)
    assert row["reason"] == "Not measured: trwiki (1 day has no input)."
    assert row["remedy"] == "run it"
    row = judged(ON_PILOTS, value())
    assert row["reason"] == "Not measured: trwiki (no row of this window)."


def test_nulls_of_a_column_of_texts_are_no_words():
    gaps = [value(wiki, estimate=None, status="not_measured", status_reason=None) for wiki in ("idwiki", "trwiki")]
    frame = pd.DataFrame(gaps, columns=list(table("metric_values").columns)).astype(
        {"status_reason": "str", "remedy": "str"}
    )
    (look,) = series(frame, ON_PILOTS, WIKIS, Audiences(frame))
    assert look.reason == "Not measured: idwiki (The value is not_measured.); trwiki (The value is not_measured.)."
    assert look.remedy is None


def test_a_pilot_that_is_not_visible_yet_is_no_gap_and_one_that_just_came_is():
    before, after = LATER - timedelta(days=1), LATER
    assert judged(ON_PILOTS, value(on=before), value("trwiki", before), on=before)["estimate"] == 120
    assert "thwiki" in judged(ON_PILOTS, value(on=after), value("trwiki", after), on=after)["reason"]


def test_a_pilot_hidden_for_its_few_users_adds_nothing():
    hidden = value("trwiki", estimate=None, status="suppressed", status_reason="fewer than 10 users")
    row = judged(ON_PILOTS, value(), hidden)
    assert (row["estimate"], row["lower"], row["upper"]) == (60.0, 60.0, None)
    row = judged(VISITORS, value(estimate=None, status="suppressed", status_reason="fewer than 10 users"))
    assert (row["status"], row["reason"]) == ("not measurable", "fewer than 10 users")
    assert judged(ON_PILOTS, {**hidden, "wiki_db": "idwiki"}, hidden)["status"] == "not measurable"


def test_bounds_of_a_pilot_leave_bounds_of_the_sum():
    bounds = value("trwiki", estimate=None, lower=50.0, upper=200.0, status="bounds_only", status_reason="10 %")
    row = judged(ON_PILOTS, value(), bounds)
    assert (row["estimate"], row["lower"], row["upper"], row["share_reached"]) == (None, 110.0, 260.0, 1.1)
    assert row["status"] == "on track", "past the target once; a second window has to show it"


def test_editors_are_those_of_the_first_band_and_not_measurable_before_they_are_counted():
    row = judged(BAND, value())
    assert (row["status"], row["reason"]) == (
        "not measurable",
        "Eligible editors of the band 100-500 are not counted yet.",
    )
    assert "pdmetrics audience" in row["remedy"]
    bands = [
        value(wiki, estimate=n, edit_count_bucket=band, metric="eligible_editors", window_days=28)
        for wiki in ("idwiki", "trwiki", "thwiki")
        for band, n in (("0-9999", 970.0), ("100-500", 90.0))
    ]
    assert judged(BAND, *bands)["estimate"] == 270, "of thwiki too, which has editors before it has a dashboard"
    assert "thwiki" in judged(BAND, *bands[:4])["reason"]


def test_without_pilots_there_is_nothing_to_add_up():
    row = judged(ON_PILOTS, value(), wikis=[wiki_row("idwiki", BEGIN)])
    assert row["reason"] == "No wiki is a pilot, so there is nothing to add up."
    assert "wikis.csv" in row["remedy"]


def test_overdue_is_past_the_due_date_and_not_reached():
    rows = [value(on=DUE + timedelta(days=n), estimate=90.0) for n in (0, 1)]
    assert not judged(VISITORS, *rows, on=DUE)["is_overdue"]
    assert judged(VISITORS, *rows, on=DUE + timedelta(days=1))["is_overdue"]
    rows = [value(on=DUE + timedelta(days=n), estimate=110.0) for n in range(-7, 2)]
    row = judged(VISITORS, *rows, on=DUE + timedelta(days=1))
    assert (row["status"], row["reached_on"], row["is_overdue"]) == ("reached", DUE, False)
    assert judged(VISITORS, value(), on=DUE + timedelta(days=1))["is_overdue"], "not measurable is no excuse"
