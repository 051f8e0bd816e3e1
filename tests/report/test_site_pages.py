"""What the pages of the site say of small frames, status by status."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from jobs.catalogue import load_catalogue
from jobs.report.page_metrics import FAMILIES, GOOD, metrics_page, with_code
from jobs.report.page_milestones import milestones_page
from jobs.report.page_overview import main_metrics, overview_page, wikis_of
from jobs.report.page_quality import MOST_FINDINGS, gate_states, quality_page
from jobs.report.page_revisions import revisions_page
from tests.report.site_frames import MONDAY, WEEK, about, cell, cells, milestone, nothing_yet, usual_leaving


def tiles(leaving, wiki):
    (own,) = [shown for shown in overview_page(leaving, about())["tiles_of"] if shown["name"] == wiki]
    return {tile.metric: tile for tile in own["tiles"]}


def with_cells(*rows):
    return replace(usual_leaving(), cells=cells(*rows))


class TestOverview:
    def test_every_weekly_metric_without_links_is_a_main_one(self):
        found = {metric.metric for metric in main_metrics()}
        assert {"dashboard_visitors", "two_day_review_rate", "two_week_return_rate"} <= found
        assert not found & {metric.metric for metric in load_catalogue().of_family("links", "audience", "presented")}
        assert "retention_day_1" not in found

    def test_a_tile_has_number_limits_status_and_change(self):
        own = tiles(usual_leaving(), "idwiki")
        visitors = own["dashboard_visitors"]
        assert (visitors.value, visitors.ends, visitors.status) == ("748", "exact", "publish")
        assert visitors.days == "2026-04-06 to 2026-04-12"
        change = dict(visitors.notes)["Change"]
        assert "more than the week before" in change
        assert "−33 to +41" in change

    def test_the_general_number_stands_beside_with_its_reason(self):
        own = tiles(usual_leaving(), "idwiki")
        general = dict(own["two_day_review_rate"].notes)["In general"]
        assert general == "12.4 % (10.3 – 15.0); ▲ caution: The share is known to ±3 pp only"
        assert dict(own["two_week_return_rate"].notes)["In general"] == "■ suppressed: fewer than 10 users"

    @pytest.mark.parametrize(
        ("metric", "value", "status"),
        [
            ("dashboard_pageviews", "11,150", "publish"),
            ("dashboard_visitors", "1,608 – 3,824", "bounds_only"),
            ("two_day_review_rate", "", "not_estimable"),
            ("reviewers", "", "not_measured"),
        ],
    )
    def test_a_number_that_is_not_there_has_a_reason(self, metric, value, status):
        tile = tiles(usual_leaving(), "enwiki")[metric]
        assert (tile.value, tile.status) == (value, status)
        assert status == "publish" or dict(tile.notes)["Why"]

    def test_what_would_help_stands_beside_a_refusal(self):
        tile = tiles(usual_leaving(), "enwiki")["two_day_review_rate"]
        assert dict(tile.notes)["What would help"] == "Keep usage at 100 %; at 50 %: ±5 pp"

    def test_the_newest_week_is_shown_and_only_the_week_before_is_compared_with(self):
        visitors = [
            cell("dashboard_visitors", start=MONDAY - 2 * WEEK, exact=700.0),
            cell("dashboard_visitors", exact=748.0),
        ]
        tile = tiles(with_cells(*reversed(visitors)), "idwiki")["dashboard_visitors"]
        assert tile.value == "748"
        assert dict(tile.notes)["Change"] == "There is no week before it to compare with."

    def test_a_rate_moves_as_it_did_and_in_general_within_limits(self):
        rate = "two_day_review_rate"
        rows = [cell(rate, start=start, exact=0.12, inference=kind)
                for start in (MONDAY - WEEK, MONDAY) for kind in ("realised", "process")]  # fmt: skip
        change = usual_leaving().changes.assign(metric=rate, change=0.0, change_lower=-0.01, change_upper=0.02)
        tile = tiles(replace(with_cells(*rows), changes=change), "idwiki")[rate]
        assert dict(tile.notes)["Change"] == (
            "The same as the week before; in general −1.0 to +2.0 pp, so it may be chance."
        )

    @pytest.mark.parametrize(("rarefied", "is_there"), [(748.0, False), (120.0, True)])
    def test_a_variant_that_has_the_same_number_is_no_news(self, rarefied, is_there):
        rows = [cell("dashboard_visitors", exact=748.0), cell("dashboard_visitors_rarefied", exact=rarefied)]
        assert ("dashboard_visitors_rarefied" in tiles(with_cells(*rows), "idwiki")) is is_there

    def test_variants_without_a_number_both_say_why(self):
        why = {"status": "not_estimable", "status_reason": "why"}
        rows = [cell("dashboard_visitors", **why), cell("dashboard_visitors_rarefied", **why)]
        assert len(tiles(with_cells(*rows), "idwiki")) == 2

    def test_single_days_and_long_windows_are_no_tile(self):
        days, long = (
            cell("dashboard_visitors", exact=9.0, window_days=1),
            cell("dashboard_visitors", exact=9.0, window_days=28),
        )
        assert tiles(with_cells(days, long), "idwiki") == {}

    def test_wikis_without_a_number_are_listed_and_all_wikis_come_last(self):
        leaving = usual_leaving()
        assert wikis_of(leaving) == ["enwiki", "idwiki", "trwiki"]
        assert [shown["name"] for shown in overview_page(leaving, about())["tiles_of"]][2:] == [
            "trwiki",
            "All wikis together",
        ]
        assert tiles(leaving, "trwiki") == {}
        assert tiles(leaving, "All wikis together")["dashboard_pageviews"].notes == ()

    def test_how_fresh_it_is(self):
        facts = dict(overview_page(usual_leaving(), about())["facts"])
        assert facts["Published up to"] == "2026-04-12"
        assert facts["Last closed week"] == "2026-04-06 to 2026-04-12"
        assert facts["Hours that did not arrive"] == "1: 2026-03-04 13:00 (UTC)"
        assert "raw" in facts["Gates"]
        assert "passed" in facts["Gates"]

    def test_many_missing_hours_are_counted(self):
        lines = pd.DataFrame({"ingest_date": pd.Timestamp("2026-03-04"), "hour": range(8), "fate": "missing_hour"})
        facts = dict(overview_page(replace(usual_leaving(), lines=lines), about())["facts"])
        assert facts["Hours that did not arrive"].startswith("8: 2026-03-04 07:00, 2026-03-04 06:00")
        assert facts["Hours that did not arrive"].endswith("2026-03-04 03:00 and 3 more (UTC)")

    def test_before_the_first_week(self):
        shown = overview_page(nothing_yet(), about())
        assert dict(shown["facts"])["Last closed week"] == "no whole week yet"
        assert [own["tiles"] for own in shown["tiles_of"]] == [[], [], []]


class TestQuality:
    def gates(self, *rows):
        columns = ("event_date", "gate", "check_id", "severity", "success", "is_latest")
        frame = pd.DataFrame(rows, columns=columns).assign(subject="day", message="m")
        return frame.assign(event_date=pd.to_datetime(frame["event_date"]))

    def test_a_gate_stands_as_it_judged_its_newest_day(self):
        found = gate_states(
            self.gates(
                ("2026-04-11", "raw", "missing_hours", "warning", False, True),
                ("2026-04-12", "raw", "missing_hours", "warning", True, True),
                ("2026-04-12", "facts", "fates_add_up", "critical", False, True),
                ("2026-04-12", "facts", "visitors_low", "warning", False, True),
                ("2026-04-11", "marts", "marts_not_empty", "critical", False, True),
                ("2026-04-12", "marts", "marts_not_empty", "critical", False, False),
                ("2026-04-12", "marts", "marts_not_empty", "critical", True, True),
            )
        )
        assert [(gate.name, gate.n_days, gate.n_warned, gate.n_failed) for gate in found] == [
            ("raw", 2, 1, 0), ("facts", 1, 0, 1), ("marts", 2, 0, 1),
        ]  # fmt: skip
        assert ["passed" in found[0].chip, "failed" in found[1].chip, "passed" in found[2].chip] == [True] * 3

    def test_what_was_found_says_why_it_matters_and_how_to_look(self):
        shown = quality_page(usual_leaving())
        assert shown["n_findings"] == 1
        ((when, gate, check, chip, subject, why, look),) = shown["findings"].rows
        assert (when, gate, check, subject) == ("2026-03-04", "raw", "missing_hours", "day")
        assert "warned" in chip
        assert why == "counts of a day without an hour are too low"
        assert "2026-03-04" in look

    def test_checks_stand_by_gate_in_the_order_of_a_run(self):
        rows = [("2026-04-12", gate, "a", "warning", True, True) for gate in ("marts", "raw", "facts")]
        shown = quality_page(replace(usual_leaving(), gates=self.gates(*rows)))
        assert shown["checks"].columns[-1] == "Why it matters"
        assert shown["checks"].groups == ("Gate raw", "Gate facts", "Gate marts")

    def test_only_the_newest_of_many_findings_are_listed(self):
        rows = [(f"20{n:02}-01-01", "raw", "missing_hours", "warning", False, True) for n in range(70)] * 2
        shown = quality_page(replace(usual_leaving(), gates=self.gates(*rows)))
        assert shown["n_findings"] == 140
        assert len(shown["findings"].rows) == MOST_FINDINGS
        assert shown["findings"].rows[0][0] == "2069-01-01"

    def test_before_anything_was_judged(self):
        shown = quality_page(nothing_yet())
        assert (shown["n_findings"], shown["states"].rows, shown["checks"].rows) == (0, (), ())


class TestMilestones:
    def row(self, **other):
        states = milestones_page(replace(usual_leaving(), milestones=pd.DataFrame([milestone(**other)])))["milestones"]
        (row,) = states.rows
        return dict(zip(states.columns, row, strict=True))

    def test_a_milestone_says_where_it_stands(self):
        row = self.row()
        assert row["It stands at"] == "57.1 % (53.5 – 60.6), 2026-03-30 to 2026-04-12; the target is 60.0 %"
        assert row["Of the target"].endswith(" 95 %")
        assert "on track" in row["Status"]
        assert row["Reached or expected"] == "2026-04-20 or later"
        assert row["Because"] == "It grows"

    def test_a_share_is_rounded_down_and_its_bar_is_never_longer_than_whole(self):
        assert self.row(share_reached=0.9999)["Of the target"].endswith(" 99 %")
        assert "width: 100%" in self.row(share_reached=4.5)["Of the target"]

    def test_overdue_is_said(self):
        assert "overdue" in self.row(status="behind", is_overdue=True)["Status"]
        assert "overdue" not in self.row(status="behind")["Status"]

    def test_a_target_of_an_audience_that_was_not_counted_is_not_known_yet(self):
        row = self.row(target=None, share_reached=None, status="not measurable")
        assert row["It stands at"].endswith("; the target is not known yet")

    def test_what_may_not_be_shown_is_said(self):
        row = self.row(estimate=None, lower=None, upper=None, share_reached=None, reached_on=pd.Timestamp("2026-03-02"))
        assert row["It stands at"].startswith("no number that may be shown, ")
        assert row["Of the target"] == "not shown"
        assert self.row(estimate=None, lower=None, upper=None, status="not measurable")["It stands at"].startswith(
            "no number, "
        )
        assert row["Reached or expected"] == "reached 2026-03-02"

    def test_editors_that_were_counted_later_stand_beside_what_events_say(self):
        later = milestone(metric="eligible_editors", as_of_date=pd.Timestamp("2026-04-30"))
        states = pd.DataFrame([milestone(), later, milestone(as_of_date=pd.Timestamp("2026-04-11"), wiki_db="x")])
        shown = milestones_page(replace(usual_leaving(), milestones=states))
        assert shown["as_of"] == "2026-04-12 and 2026-04-30"
        assert len(shown["milestones"].rows) == 2

    def test_editors_that_may_not_be_shown_are_not_said_to_be_of_another_window(self):
        no_monday = {"window_kind": "rolling", "window_days": 14, "window_start": pd.Timestamp("2026-03-31")}
        row = self.row(metric="eligible_editors", estimate=None, lower=None, upper=None, **no_monday)
        assert row["It stands at"].startswith("no number that may be shown, ")

    @pytest.mark.parametrize(
        ("kind", "days", "start", "told"),
        [
            ("quarter_to_date", None, "2026-03-30", "not shown here: its window is not of whole weeks, "),
            ("rolling", 28, "2026-03-17", "not shown here: its window is not of whole weeks, "),
            ("rolling", 1, "2026-03-16", "not shown here: its window is not of whole weeks, "),
            ("rolling", 28, "2026-03-16", "no number that may be shown, "),
            ("cohort", 14, "2026-03-17", "not shown here: its cohort is not of a Monday, "),
            ("cohort", 14, "2026-03-16", "no number that may be shown, "),
        ],
    )
    def test_a_window_that_stays_inside_is_told_from_a_hidden_number(self, kind, days, start, told):
        nothing = {"estimate": None, "lower": None, "upper": None, "status": "reached"}
        row = self.row(window_kind=kind, window_days=days, window_start=pd.Timestamp(start), **nothing)
        assert row["It stands at"].startswith(told)

    @pytest.mark.parametrize(
        ("wiki", "metric", "told"),
        [
            ("pilot", "dashboard_visitors", "; the sum over pilot wikis; who uses two counts twice"),
            ("pilot", "dashboard_pageviews", "; the sum over pilot wikis"),
            ("idwiki", "dashboard_visitors", "the target is 500"),
        ],
    )
    def test_a_sum_over_pilots_says_so(self, wiki, metric, told):
        row = self.row(wiki_db=wiki, metric=metric, window_kind="rolling", window_days=28, target=500.0)
        assert row["It stands at"].endswith(told)

    def test_only_the_newest_day_counts(self):
        states = pd.DataFrame([milestone(as_of_date=pd.Timestamp("2026-04-11"), wiki_db="trwiki"), milestone()])
        shown = milestones_page(replace(usual_leaving(), milestones=states))
        assert [row[0] for row in shown["milestones"].rows] == ["idwiki"]
        assert shown["as_of"] == "2026-04-12"

    def test_without_milestones(self):
        assert milestones_page(nothing_yet())["milestones"].rows == ()


class TestRevisions:
    def test_a_run_is_told_as_a_whole_and_by_metric(self):
        shown = revisions_page(about())
        assert shown["runs"].rows == (
            (
                "run_2",
                "2026-04-13 01:10",
                "2026-04-12 to 2026-04-12",
                "2,000",
                "2,400",
                "400",
                "0",
                "31",
                "4",
                "12.0 %",
            ),
        )
        ((run_id, moved),) = shown["by_metric"]
        assert run_id == "run_2"
        assert moved.rows[0][0] == "Dashboard visitors"
        assert moved.rows[0][-3:] == ("0.4 %", "12.0 %", "publish to caution: 2")
        assert moved.rows[1][-3:-1] == ("fewer than ten rows moved",) * 2

    def test_a_run_before_which_nothing_was_published_has_nothing_to_move(self):
        noted = about().revisions
        first = noted.assign(run_id="run_1", n_before=0)
        shown = revisions_page(about(revisions=pd.concat([noted, first])))
        assert shown["firsts"] == ["run_1"]

    def test_nothing_moved_is_no_few(self):
        still = about().revisions.assign(n_moved=0, median_move=None, largest_move=None)
        assert revisions_page(about(revisions=still))["runs"].rows[0][-1] == "none moved"

    def test_before_the_first_run_that_noted_anything(self):
        assert revisions_page(about(revisions=about().revisions.head(0)))["runs"].rows == ()


def test_the_page_of_metrics_has_every_metric_of_the_catalogue_once():
    shown = [metric.metric for _, metrics in metrics_page()["families"] for metric, _ in metrics]
    assert sorted(shown) == sorted(load_catalogue().metrics)


def test_families_and_directions_have_words():
    metrics = load_catalogue().metrics.values()
    assert {metric.family for metric in metrics} <= set(FAMILIES)
    assert {metric.direction for metric in metrics} <= set(GOOD)


def test_backticks_of_the_catalogue_become_code_and_nothing_else_becomes_markup():
    assert with_code("wiki `all` <b>") == "wiki <code>all</code> &lt;b&gt;"
