"""The counts behind a row: against plain Python, and hidden as the marts hide them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.catalogue import load_catalogue
from jobs.explanation.recount import recounts
from jobs.explanation.steps import walk
from tests.explanation.explained import DAY, FIRST, LAST, LINK, MENU, facts, filled, lake, metric_row, per_user

CATALOGUE = load_catalogue()
FACTS = facts()
LAKE = lake(FACTS)


def walked(row, wikis=("idwiki",), min_users=10, found=LAKE):
    counted = recounts(row, CATALOGUE.metric(row.metric), CATALOGUE, wikis)
    return walk(row, counted, found, min_users)


def counts(row, **more):
    """Return the steps of the row's own statement and of the margins before it, by what they say."""
    return [(step.noun, step.count) for step in walked(row, **more).steps if step.sql not in ("lines", "events")]


def links(element=LINK, wikis=("idwiki",), **where):
    return [
        row
        for row in FACTS["user_link_days"]
        if row["element_friendly_name"] == element
        and row["wiki_db"] in wikis
        and all(row[column] == value for column, value in where.items())
    ]


def positive(sums):
    return sum(value > 0 for value in sums.values())


def test_lines_add_up_and_every_reason_is_told():
    steps = walked(metric_row("dashboard_visitors")).steps[:5]
    assert [(step.what, step.count) for step in steps] == [
        ("lines read in the window, all wikis and instruments", 14 * (2400 + 7 + 5 + 2)), ("duplicate", 28),
        ("out of scope: bot", 70), ("quarantined: unknown_wiki", 98), ("kept", 14 * 2400),
    ]  # fmt: skip


def test_events_of_the_wiki_are_counted_whatever_instrument_sent_them():
    (step,) = [step for step in walked(metric_row("dashboard_visitors")).steps if step.sql == "events"]
    assert step.count == sum(row["n_events"] for row in FACTS["baseline_daily"] if row["wiki_db"] == "idwiki")


def test_visitors_reviewers_and_loads():
    loads, clicks = per_user(FACTS["user_days"], "n_loads"), per_user(FACTS["user_days"], "n_review_clicks")
    visitors, reviewers, total = positive(loads), positive(clicks), sum(loads.values())
    shown = {"observed_numerator": float(visitors), "n_users_observed": float(visitors)}
    assert counts(metric_row("dashboard_visitors", **shown)) == [("loads", total), ("users", visitors)]
    row = metric_row("reviewers", observed_numerator=float(reviewers))
    assert counts(row) == [("loads", total), ("users", visitors), ("users", reviewers)]
    row = metric_row("dashboard_pageviews", observed_numerator=float(total), n_users_observed=float(visitors))
    assert counts(row) == [("loads", total), ("users", visitors)]
    row = metric_row("pageviews_per_visitor", observed_numerator=float(total), observed_denominator=float(visitors))
    assert counts(row) == [("users", visitors), ("loads", total)]


def test_two_day_reviewers_have_a_load_and_clicks_on_two_days():
    days = {}
    for row in FACTS["user_days"]:
        if row["wiki_db"] == "idwiki" and row["n_review_clicks"]:
            days.setdefault(row["user_hash"], set()).add(row["event_date"])
    loads = per_user(FACTS["user_days"], "n_loads")
    hits = sum(len(found) >= 2 and loads[user] > 0 for user, found in days.items())
    row = metric_row("two_day_review_rate", observed_numerator=float(hits), observed_denominator=float(positive(loads)))
    assert counts(row)[-1] == ("users", hits)
    assert [step.agrees for step in walked(row).steps if step.agrees is not None] == [True, True]


def test_a_count_that_differs_from_the_row_says_so():
    row = metric_row("dashboard_visitors", observed_numerator=12.0)
    assert walked(row).steps[-1].agrees is False


@pytest.mark.parametrize("unit", ["pageview", "session"])
def test_pairs_are_of_loads_or_of_sessions_with_one(unit):
    days = [{**row, "sample_unit": unit} for row in FACTS["user_days"]]
    units = {}
    for row in days:
        if row["wiki_db"] == "idwiki" and row["n_loads"]:
            own = units.setdefault(row["user_hash"], [])
            own += [row["sessions"][0]["session_hash"]] if unit == "session" else range(row["n_pageviews"])
    kept = [len(set(own)) if unit == "session" else len(own) for own in units.values()]
    row = metric_row("visit_pairs_per_visit", observed_numerator=1.0, observed_denominator=1.0, n_users_observed=1.0)
    found = counts(row, found=lake({**FACTS, "user_days": days}))
    assert found == [("users", len(kept)), ("visits", sum(kept)), ("pairs", sum(k * (k - 1) for k in kept))]


@pytest.mark.parametrize("metric", ["retention_day_1", "retention_day_7", "retention_14d", "two_week_return_rate"])
def test_cohorts_are_seen_and_return_on_the_days_of_the_catalogue(metric):
    entry = CATALOGUE.metric(metric)
    visits = {}
    for row in FACTS["user_days"]:
        if row["wiki_db"] == "idwiki" and row["n_loads"]:
            visits.setdefault(row["user_hash"], set()).add((row["event_date"] - FIRST).days)
    seen, back = (set(range(first, last + 1)) for first, last in (entry.seen, entry.returned))
    cohort = [days for days in visits.values() if days & seen]
    returned = sum(bool(days & back) for days in cohort)
    last = FIRST + entry.returned[1] * DAY
    row = metric_row(
        metric, as_of_date=last, observed_numerator=float(returned), observed_denominator=float(len(cohort))
    )
    assert counts(row) == [("users", len(cohort)), ("users", returned)]


def test_a_presented_cohort_was_shown_the_link_and_loads_in_both_weeks():
    shown = {r["user_hash"] for r in links(MENU) if r["n_shown"] and r["event_date"] < FIRST + 7 * DAY}
    weeks = {}
    for row in FACTS["user_days"]:
        if row["wiki_db"] == "idwiki" and row["n_loads"]:
            weeks.setdefault(row["user_hash"], set()).add((row["event_date"] - FIRST).days // 7)
    both = sum(weeks.get(user) == {0, 1} for user in shown)
    row = metric_row(
        "presented_two_week_rate",
        observed_numerator=float(both),
        observed_denominator=float(len(shown)),
        as_of_date=LAST,
    )
    assert counts(row) == [("users", len(shown)), ("users", both)]


def test_links_are_counted_margin_by_margin():
    on = {"client_platform_family": "mobile_browser"}
    every, mobile = links(), links(**on)
    users = [positive(per_user(rows, "n_impressions")) for rows in (every, mobile)]
    sums = [sum(row["n_impressions"] for row in rows) for rows in (every, mobile)]
    clicks, clicked = sum(row["n_clicks"] for row in mobile), positive(per_user(mobile, "n_clicks"))
    row = metric_row(
        "link_click_through_rate", element_friendly_name=LINK, **on, observed_numerator=float(clicks),
        observed_denominator=float(sums[1]), n_users_observed=float(users[1]),
    )  # fmt: skip
    assert counts(row) == [
        ("events", sums[0]), ("users", users[0]), ("events", sums[1]), ("users", users[1]), ("events", clicks),
        ("users", clicked),
    ]  # fmt: skip
    kept = walked(row).kept
    assert (kept.numerator, kept.denominator) == (clicks, sums[1])
    assert (kept.yy, kept.xx) == (sum(r["n_clicks"] ** 2 for r in mobile), sum(r["n_impressions"] ** 2 for r in mobile))


def test_platforms_of_the_menu_link_are_not_pooled():
    row = metric_row("link_clicks", element_friendly_name=MENU, client_platform_family="desktop_browser")
    assert {step.sql for step in walked(row).steps} == {"lines", "events", "counts"}


def test_unique_clickers_are_those_shown_the_link():
    shown, clicked = per_user(links(), "n_impressions"), per_user(links(), "n_clicks")
    both = sum(shown[user] > 0 and clicked[user] > 0 for user in shown)
    row = metric_row(
        "link_click_through_rate_unique", element_friendly_name=LINK, observed_numerator=float(both),
        observed_denominator=float(positive(shown)),
    )  # fmt: skip
    assert counts(row)[-1] == ("users", both)


def test_wiki_all_is_the_sum_of_its_wikis():
    row = metric_row("link_impressions", wiki_db="all", element_friendly_name=LINK, observed_numerator=1.0)
    wikis = ("idwiki", "trwiki")
    total = sum(one["n_impressions"] for one in links(wikis=wikis))
    assert ("events", total) in counts(row, wikis=wikis)


def test_what_a_suppressed_row_hides_is_hidden_and_its_margin_is_not():
    on = {"edit_count_bucket": "0 edits"}
    row = metric_row("link_impressions", element_friendly_name=LINK, **on, status="suppressed")
    steps = [step for step in walked(row).steps if step.sql not in ("lines", "events")]
    assert [step.count is None for step in steps] == [False, False, True, True]
    assert walked(row).kept.numerator is None


def test_a_suppressed_row_hides_what_no_column_of_it_says_as_well():
    row = metric_row(
        "link_click_through_rate", element_friendly_name=LINK, edit_count_bucket="0 edits", status="suppressed"
    )
    own = [step for step in walked(row, min_users=1).steps if step.sql == "counts"]
    assert [step.noun for step in own] == ["events", "users", "events", "users"]
    assert all(step.is_hidden and step.count is None for step in own)


def test_a_few_users_are_hidden_wherever_the_row_does_not_show_them():
    few = facts(users=12)  # eight on idwiki
    seen = positive(per_user(few["user_days"], "n_loads"))
    row = metric_row("two_day_review_rate", observed_numerator=99.0, observed_denominator=float(seen))
    hidden = [step.is_hidden for step in walked(row, found=lake(few)).steps if step.sql in ("events", "counts")]
    assert hidden == [True, True, False, True, True]  # the row shows its visitors; 99 is no count of it


def test_an_instrument_without_ids_has_events_and_no_users():
    none = {name: [] for name in FACTS} | {
        "unit_link_days": [
            filled("unit_link_days", event_date=FIRST, wiki_db="idwiki", session_hash=1, element_friendly_name=LINK,
                   client_platform_family="desktop_browser", edit_count_bucket="unknown", n_impressions=3)
        ]
    }  # fmt: skip
    row = metric_row("link_impressions", element_friendly_name=LINK, observed_numerator=3.0)
    assert counts(row, found=lake(none)) == [("events", 3)]
    assert counts(replace(row, observed_numerator=None, status="suppressed"), found=lake(none)) == [("events", None)]
