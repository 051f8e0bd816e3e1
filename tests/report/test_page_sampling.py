"""The page of sampling: rates declared and seen, and what refused numbers would need."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from jobs.report.page_sampling import sampling_page
from tests.report.site_frames import MONDAY, WEEK, audit, cell, cells, nothing_yet, usual_leaving


def page(**frames):
    return sampling_page(replace(usual_leaving(), **frames))


def test_the_rate_in_force_begins_with_the_last_change():
    old, new = audit(("as declared", 0.1), declared=0.1), audit(("as declared", 1.0), ("as declared", 1.0))
    new["event_date"] += WEEK
    (row,) = page(sampling=pd.concat([old, new]))["rates"].rows
    assert (row[1], row[2], row[4]) == ("everything", "100 %", "2026-04-13")
    assert "on 2 days" in row[3]


def test_days_with_too_few_ids_are_no_rate_seen():
    chart = page(sampling=audit(("too few ids", 0.5), ("as declared", 0.99)))["charts"][0]
    assert "seen over all days: 99 %;" in chart.sentence
    assert "no day contradicts it" in chart.sentence


def test_a_day_that_contradicts_is_told():
    shown = page(sampling=audit(("as declared", 1.0), ("lower than declared", 0.8)))
    assert shown["charts"][0].sentence.endswith("1 day contradicts it.")
    assert [point["seen"] for point in shown["charts"][0].spec["data"]["values"]] == [1.0, 0.8]


def test_days_are_those_of_utc_wherever_the_reader_is():
    encoding = page()["charts"][0].spec["encoding"]
    assert [told["timeUnit"] for told in (encoding["x"], encoding["tooltip"][0])] == ["utcyearmonthdate"] * 2


def test_refusals_are_grouped_by_what_would_help():
    shown = page()
    assert shown["remedies"].rows == (
        ("Keep usage at 100 %", "3", "enwiki (3)",
         "Dashboard visitors, Two-day review rate and Click-through rate, unique"),
    )  # fmt: skip
    assert shown["refused"].groups == ("enwiki",) * 3
    assert [row[2] for row in shown["refused"].rows] == ["7 days"] * 3
    assert "1,608 – 3,824" in shown["refused"].rows[0][4]


def test_links_that_need_the_same_share_a_row():
    refused = {"status": "not_estimable", "status_reason": "why", "remedy": "more users"}
    rows = [cell("link_clicks", element_friendly_name=f"link {n}", **refused) for n in range(6)]
    (row,) = page(cells=cells(*rows))["refused"].rows
    assert row[1] == "link 0, link 1, link 2, link 3 and 2 more"


def test_links_with_bounds_of_their_own_have_a_row_each():
    why = {"status": "bounds_only", "status_reason": "why", "remedy": "more users"}
    rows = [cell("link_clicks", element_friendly_name=f"link {n}", lower=float(n), upper=float(n + 9), **why)
            for n in (1, 2)]  # fmt: skip
    refused = page(cells=cells(*rows))["refused"].rows
    assert [(row[1], row[4].split("</span> ")[-1]) for row in refused] == [
        ("link 1", "1 – 10"),
        ("link 2", "2 – 11"),
    ]


def test_older_windows_hidden_cells_and_shown_ones_wait_for_nothing():
    rows = [
        cell("dashboard_visitors", start=MONDAY - WEEK, status="not_estimable", remedy="more"),
        cell("dashboard_visitors", exact=5.0),
        cell("reviewers", status="suppressed", remedy="more"),
        cell("dashboard_pageviews", exact=5.0, status="caution", remedy="more"),
    ]
    assert page(cells=cells(*rows))["refused"].rows == ()


def test_how_estimates_did_where_the_truth_is_known():
    (row,) = page()["checked"].rows
    assert row == (
        "Dashboard visitors", "28 days", "10 % of pageviews", "6", "0", "6 of 6", "no estimate was given", "64 %",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("n_intervals", "n_covered", "told"),
    [(66, 63, "63 of 66"), (40, 38, "38 of 40; 26 of 66 refused"), (40, 0, "0 of 40; 26 of 66 refused"),
     (0, 0, "66 of 66 refused")],
)  # fmt: skip
def test_only_intervals_that_were_given_can_hold_the_truth(n_intervals, n_covered, told):
    checks = usual_leaving().self_validation.assign(n=66, n_intervals=n_intervals, n_covered=n_covered)
    (row,) = page(self_validation=checks)["checked"].rows
    assert row[5] == told


def test_before_the_first_day():
    shown = sampling_page(nothing_yet())
    assert (shown["charts"], shown["rates"].rows, shown["refused"].rows, shown["checked"].rows) == ([], (), (), ())
