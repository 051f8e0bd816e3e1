"""The step `estimates` on a small lake: which dates it computes again, and what it knows of the days of a window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

import pandas as pd
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from jobs.contracts import TABLES
from jobs.engine.session import Engine
from jobs.estimation.audit import LOWER
from jobs.settings import load_settings
from jobs.steps import estimates
from jobs.steps.companion import Companion
from jobs.steps.estimates import estimate
from jobs.steps.job import Job
from jobs.transforms.daily_sums import baseline_daily, engagement_daily
from jobs.transforms.hourly_counts import hourly_counts
from jobs.transforms.link_days import unit_link_days, user_link_days
from jobs.transforms.user_days import element_pageviews, user_days
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.runs import Warehouse
from jobs.windows import days
from tests.references import BEGIN, HEALTH, element_row, policy_row, reference, wiki_row
from tests.small_world import events_frame

pytestmark = pytest.mark.spark
DAY = timedelta(days=1)
ASKED, NEXT = date(2026, 3, 11), date(2026, 3, 12)  # the run changed both: some duplicates had to be decided again
BEFORE, SILENT = ASKED - DAY, date(2026, 3, 18)
LAST_TO_HOLD_IT, FIRST_NOT_TO = date(2026, 4, 8), date(2026, 4, 9)  # windows have up to 28 days, and April's quarter
AFFECTED = [ASKED, NEXT, SILENT, LAST_TO_HOLD_IT]
PUBLISHED = [BEFORE, *AFFECTED, FIRST_NOT_TO]
SHORT = date(2026, 3, 9)  # three hours of it did not arrive
AUDITED = date(2026, 3, 4)  # 28 days to the asked one hold it, 7 do not
STUB = "what was published before"
KNOWN, REVIEW, MYSTERY = "known link", "diff link", "mystery link"


def crowd(n: int, day: date, **more: Any) -> list[dict[str, Any]]:
    return [
        {"wiki_db": "idwiki", "instrument_name": HEALTH, "event_date": day, "user_hash": f"u{user}",
         "session_hash": user, "pageview_hash": user, **more}
        for user in range(n)
    ]  # fmt: skip


PUBLISHED_EVENTS = [
    *crowd(14, BEFORE),
    *crowd(3, ASKED),
    *crowd(11, date(2026, 3, 17), wiki_db="thwiki", action="impression", element_friendly_name=MYSTERY),
    *crowd(10, LAST_TO_HOLD_IT, action="impression", element_friendly_name=KNOWN),
    *crowd(10, LAST_TO_HOLD_IT, action="impression", element_friendly_name=MYSTERY),
]
STAGED_EVENTS = [
    *crowd(12, ASKED),
    *crowd(11, ASKED, action="impression", element_friendly_name=REVIEW),
    *crowd(20, NEXT, action="impression", element_friendly_name=MYSTERY),
    *crowd(10, ASKED, wiki_db="thwiki", sample_rate=0.5),  # the policy was corrected after they were ingested
]


@dataclass(frozen=True)
class Done:
    """The step after it has run: its run, the lake, and the rows it staged."""

    job: Job
    rows: pd.DataFrame

    def row(self, **key: Any) -> pd.Series:
        """The one row with these values; rolling and realised, of idwiki, everything together, unless it says so."""
        standard = {
            "wiki_db": "idwiki", "window_kind": "rolling", "inference": "realised", "element_friendly_name": "all",
            "client_platform_family": "all", "edit_count_bucket": "all",
        }  # fmt: skip
        (row,) = self.matching(**{**standard, **key}).iloc
        return row

    def matching(self, **key: Any) -> pd.DataFrame:
        mask = pd.Series(True, index=self.rows.index)
        for column, value in key.items():
            mask &= self.rows[column] == value
        return self.rows[mask]


@pytest.fixture(scope="module")
def done(engine: Engine) -> Iterator[Done]:
    warehouse = Warehouse(engine.scratch.parent)  # the catalog that Spark opened, if it is Spark
    warehouse.prepare()
    lake = Lake(engine, open_home({}, warehouse.path)[0])
    lake.ensure_tables()
    every_day = days(BEGIN, FIRST_NOT_TO + DAY)
    _stage(lake, PUBLISHED_EVENTS, _log(set(every_day) - {ASKED, NEXT}), every_day, "run_before")
    stubs = [{"metric": STUB, "metric_date": day, "as_of_date": day} for day in PUBLISHED]
    lake.stage_pandas("metric_values", _filled("metric_values", stubs), "run_before", PUBLISHED)
    audits = [_audit("idwiki", AUDITED), _audit("idwiki", ASKED), _audit("thwiki", AUDITED, "as declared")]
    lake.stage_pandas("sampling_audit", _filled("sampling_audit", audits), "run_before", every_day)
    lake.publish("run_before")
    run = warehouse.new_run(ASKED, ASKED + DAY, "in")
    run.changed = [ASKED, NEXT]
    _stage(lake, STAGED_EVENTS, _log(run.changed), run.changed, run.run_id)
    audits = [_audit("idwiki", ASKED, "as declared"), _audit("thwiki", ASKED)]  # idwiki's policy was mended
    lake.stage_pandas("sampling_audit", _filled("sampling_audit", audits), run.run_id, run.changed)
    known = reference(
        policy_row(), wikis=[wiki_row("idwiki", BEGIN), wiki_row("thwiki", BEGIN)],
        vocabulary=[element_row(KNOWN, "other links"), element_row(REVIEW)],
    )  # fmt: skip
    known.write(warehouse.reference(run.run_id))
    job = Job(lake, warehouse, load_settings(None)[0], Console(), run, cast(Companion, None))
    estimate(job)
    yield Done(job, lake.arrow_days("metric_values", PUBLISHED, run.run_id).to_pandas(date_as_object=True))
    lake.discard()


def _stage(
    lake: Lake, events: Sequence[Mapping[str, Any]], log: pd.DataFrame, of_days: Sequence[date], run_id: str
) -> None:
    """Stage the facts of some events, and what arrived of which day."""
    kept = events_frame(lake.spark, events)
    pageviews = lake.engine.materialise(element_pageviews(kept))
    review = {"review_elements": [REVIEW]}
    links, units = user_link_days(pageviews, **review), unit_link_days(pageviews, **review)
    tables = {
        "user_days": user_days(pageviews, **review, dashboard_instruments=[HEALTH]),
        "user_link_days": links,
        "unit_link_days": units,
        "baseline_daily": baseline_daily(pageviews, **review, dashboard_instruments=[HEALTH]),
        "engagement_daily": engagement_daily(links, units),
        "hourly_counts": hourly_counts(kept, **review, dashboard_instruments=[HEALTH]),
    }
    for name, rows in tables.items():
        lake.stage(name, rows, run_id, of_days)
    lake.stage_pandas("ingest_log", log, run_id, of_days)
    lake.engine.release(pageviews)


def _audit(wiki: str, day: date, verdict: str = LOWER) -> dict[str, Any]:
    key = {"event_date": day, "wiki_db": wiki, "instrument_name": HEALTH, "sample_unit": "pageview"}
    return {**key, "declared_rate": 0.5, "likely_rate": 0.2512, "verdict": verdict}


def _log(arrived: Collection[date]) -> pd.DataFrame:
    """A kept line of each day but the silent one, and what is odd about some days."""
    hours = {SHORT: (1, 2), SILENT: range(24)}
    missing = [{"event_date": day, "event_hour": hour, "fate": "missing_hour"} for day in hours for hour in hours[day]]
    # A file of the fifth hour could be read, another could not: the hour is there, not whole. A bad line is none.
    odd = [
        {"event_date": SHORT, "event_hour": 5, "fate": "quarantined", "reason": "unreadable_file"},
        {"event_date": ASKED, "event_hour": 5, "fate": "quarantined", "reason": "not_json"},
    ]
    kept = [{"event_date": day, "event_hour": 5, "fate": "kept"} for day in arrived if day != SILENT]
    rows = [row for row in (*missing, *odd) if row["event_date"] in arrived]
    return _filled("ingest_log", [*kept, *rows]).assign(n_lines=1)


def _filled(name: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    columns = list(TABLES[name].columns)
    return pd.DataFrame([[row.get(column) for column in columns] for row in rows], columns=columns, dtype=object)


# --- Which dates are computed again


def test_a_rerun_computes_the_published_dates_whose_windows_hold_the_day(done: Done) -> None:
    assert done.job.run.as_of == AFFECTED
    saved = {run.run_id: run.as_of for run in done.job.warehouse.all_runs()}
    assert saved[done.job.run.run_id] == AFFECTED, "the steps after it find them"
    stubs = set(done.matching(metric=STUB)["as_of_date"])
    assert stubs == {BEFORE, FIRST_NOT_TO}, "other dates keep their rows"
    assert set(done.rows[done.rows["metric"] != STUB]["as_of_date"]) == set(AFFECTED)


def test_nothing_of_it_is_published(done: Done) -> None:
    published = done.job.lake.arrow_days("metric_values", PUBLISHED)
    assert published["metric"].to_pylist() == [STUB] * len(PUBLISHED)


def test_windows_hold_days_of_other_runs(done: Done) -> None:
    key = {"metric": "dashboard_visitors", "as_of_date": ASKED}
    assert done.row(window_days=1, **key)["estimate"] == 12
    assert done.row(window_days=28, **key)["estimate"] == 14
    assert done.row(window_days=28, metric="dashboard_pageviews", as_of_date=ASKED)["estimate"] == 26
    key = {"metric": "link_impressions", "element_friendly_name": MYSTERY, "as_of_date": LAST_TO_HOLD_IT}
    assert done.row(window_days=28, **key)["observed_numerator"] == 30, "its first day is the last that was changed"


def test_cohorts_are_kept_as_counted(done: Done) -> None:
    run_id = done.job.run.run_id
    every_day = days(BEGIN, FIRST_NOT_TO + DAY)
    found = done.job.lake.arrow_days("retention_windows", every_day, run_id).to_pandas(date_as_object=True)
    assert set(found["as_of_date"]) <= set(AFFECTED), "not of the dates between them"
    (row,) = found[(found["metric"] == "retention_day_1") & (found["as_of_date"] == ASKED)].to_dict("records")
    assert row == {
        "metric": "retention_day_1", "wiki_db": "idwiki", "metric_date": BEFORE, "as_of_date": ASKED,
        "window_days": 2, "n_cohort": 14, "n_returned": 12,
    }  # fmt: skip


# --- What is known of the days of a window


def test_a_day_without_any_hour_did_not_arrive(done: Done) -> None:
    row = done.row(metric="dashboard_visitors", as_of_date=SILENT, window_days=1)
    assert (row["status"], row["status_reason"]) == ("not_measured", "1 of 1 days of the window have no input")
    row = done.row(metric="dashboard_visitors", as_of_date=SILENT, window_days=7)
    assert row["status_reason"] == "1 of 7 days of the window have no input"


def test_missing_and_unreadable_hours_are_named(done: Done) -> None:
    row = done.row(metric="dashboard_visitors", as_of_date=ASKED, window_days=7)
    # A line was kept of each day's fifth hour: the two hours of which there is nothing could hold two, beside seven.
    reason = (
        "3 hours of the window did not arrive whole (2026-03-09 01:00 to 03:00, 2026-03-09 05:00 to 06:00 UTC), "
        "up to 22.2 % of its events on all wikis: counts are at least what was kept, and the interval holds what could "
        "lie there"
    )
    assert (row["status"], row["status_reason"]) == ("caution", reason)
    # Of two days it is known how much an hour holds, and the fullest had fourteen visitors.
    assert (row["lower"], row["estimate"], row["upper"]) == (14, 14, 14 + 3 * 14)
    assert not row["is_complete"]
    row = done.row(metric="dashboard_visitors", as_of_date=ASKED, window_days=1)
    assert (row["status"], row["status_reason"], row["is_complete"]) == ("publish", "", True), "a bad line is no hour"


def test_the_rates_that_events_carry_count_beside_the_policy(done: Done) -> None:
    rates = {
        (wiki, day): (row["sampling_rate_min"], row["sampling_rate_max"])
        for wiki in ("idwiki", "thwiki")
        for day in (ASKED, NEXT)
        for row in [done.row(metric="dashboard_pageviews", wiki_db=wiki, as_of_date=day, window_days=1)]
    }
    assert rates.pop(("thwiki", ASKED)) == (0.5, 1)
    assert set(rates.values()) == {(1, 1)}


def test_days_with_a_lower_rate_than_declared_are_told_until_they_are_ingested_again(done: Done) -> None:
    said = "the ids of {} on {} show a rate lower than the declared 50 % of pageviews, likely 25.12 %"
    own, other = said.format("idwiki", AUDITED), said.format("thwiki", ASKED)
    expected = {
        ("idwiki", 7): [], ("idwiki", 28): [own], ("thwiki", 7): [other], ("thwiki", 28): [other],
        ("all", 7): [other], ("all", 28): [own, other],
    }  # fmt: skip
    for (wiki, length), told in expected.items():
        row = done.row(metric="dashboard_pageviews", wiki_db=wiki, as_of_date=ASKED, window_days=length)
        assert row["status"] in ("caution", "bounds_only")
        assert [text for text in (own, other) if text in row["status_reason"]] == told
        assert row["status_reason"].count("the ids of") == len(told)


# --- Elements that the vocabulary lacks


def test_an_unknown_element_has_rows_from_the_day_it_was_first_seen(done: Done) -> None:
    assert set(done.matching(element_friendly_name=MYSTERY)["as_of_date"]) == {NEXT, SILENT, LAST_TO_HOLD_IT}
    key = {"metric": "link_impressions", "element_friendly_name": MYSTERY, "as_of_date": NEXT}
    assert done.row(window_days=1, **key)["estimate"] == 20
    row = done.row(window_days=28, **key)
    assert (row["estimate"], row["metric_date"]) == (20, date(2026, 2, 13)), "before it was not sent, which is a zero"
    row = done.row(window_days=1, wiki_db="thwiki", **key)
    assert (row["estimate"], row["status"]) == (0, "publish"), "seen on the other wiki, here not yet"


def test_a_known_element_has_rows_of_all_its_days(done: Done) -> None:
    assert set(done.matching(element_friendly_name=KNOWN)["as_of_date"]) == set(AFFECTED)
    key = {"metric": "link_impressions", "element_friendly_name": KNOWN, "window_days": 1}
    assert done.row(as_of_date=LAST_TO_HOLD_IT, **key)["estimate"] == 10
    assert done.row(as_of_date=ASKED, **key)["estimate"] == 0


def test_the_group_of_review_links_is_no_unknown_element(done: Done) -> None:
    key = {"element_friendly_name": "review links", "metric": "link_impressions", "window_days": 1}
    assert not done.rows.duplicated(list(TABLES["metric_values"].grain)).any()
    assert done.row(as_of_date=ASKED, **key)["estimate"] == 11


# --- Progress


@pytest.mark.parametrize(
    ("total", "told"),
    [(0, []), (1, []), (49, []), (50, [50]), (120, [50, 100, 120])],
)
def test_progress_is_told_of_long_work_only(total: int, told: list[int]) -> None:
    with capture_logs() as lines:
        for done in range(1, total + 1):
            estimates._progress(done, total)
    assert [(line["event"], line["done"], line["of"]) for line in lines] == [("fits", done, total) for done in told]
