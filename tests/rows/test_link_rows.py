"""The catalogue says which link rows there are: windows, wiki `all`, inference, platforms; and statuses as decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pandas as pd
import pytest

from jobs.catalogue import load_catalogue, parse_catalogue
from jobs.reference.load import Reference
from jobs.reference.rows import ANY_PLATFORM, PLATFORMS, InstrumentRow, PolicyRow, VocabularyRow, WikiRow
from jobs.resources import shipped
from jobs.rows.candidates import FINITE_ONLY
from jobs.rows.link_cells import platform_bucket_elements
from jobs.rows.links import NO_SEGMENTS, NOT_SHOWN, SHOWN_TO_NOBODY, _rate_status, _unique_status, link_rows
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import LinkSums
from tests.references import arrival

DAY = timedelta(days=1)
SUNDAY = date(2026, 6, 14)
START = SUNDAY - 60 * DAY
RATES = {"idwiki": 1.0, "trwiki": 0.5}
COUNTS = ("impressions", "clicks", "shown", "matched")
SQUARES = ("impressions_sq", "clicks_sq", "impressions_clicks", "shown_sq", "matched_sq", "shown_matched")
USERS = ("n_shown_users", "n_click_users", "n_shown_and_click_users", "n_users")
UNITS = ("n_units", "n_impression_units", "n_click_units", "n_shown_units", "n_matched_units")
TEXT = shipped("catalogue.toml").read_text(encoding="utf-8")
LINKS = load_catalogue().of_family("links")


def _edited(metric, before, after):
    """A copy of the catalogue in which a few words of one metric are others."""
    head, found, rest = TEXT.partition(f"[metrics.{metric}]\n")
    own, following, tail = rest.partition("\n[")
    assert found
    assert own.count(before) == 1
    return parse_catalogue(head + found + own.replace(before, after) + following + tail)


def _replaced(metric, **changes):
    """A copy of the catalogue as it cannot be written, to see that rows follow it all the same."""
    catalogue = load_catalogue()
    return replace(catalogue, metrics={**catalogue.metrics, metric: replace(catalogue.metric(metric), **changes)})


def _context(catalogue=None, unit="pageview"):
    begin = datetime.combine(START, datetime.min.time(), tzinfo=UTC)
    reference = Reference(
        wikis=tuple(WikiRow(name, f"{name[:2]}.wikipedia.org", name[:2], True, START, START) for name in RATES),
        policy=tuple(PolicyRow("health", wiki, unit, rate, begin, None) for wiki, rate in RATES.items()),
        instruments=(InstrumentRow("health", "both", True, START, None),),
        vocabulary=(VocabularyRow("diff", "review links", ANY_PLATFORM, START, None, ""),),
    )
    return WindowContext(reference, arrival(START + i * DAY for i in range(61)), 15, catalogue=catalogue)


def _sums(unit="pageview"):
    """One link with 400 impressions and 80 clicks in every window of both wikis, in total, by bucket and platform."""
    place = {"as_of_date": pd.Timestamp(SUNDAY), "element_friendly_name": "diff"}
    margins = (("all", "all"), ("all", "5-99 edits"), ("desktop_browser", "all"), ("desktop_browser", "5-99 edits"))
    places = [
        {**place, "wiki_db": wiki, "window_days": days, "client_platform_family": platform, "edit_count_bucket": bucket}
        for wiki, days, (platform, bucket) in product(RATES, (1, 7, 14, 28), margins)
    ]
    amount = {"impressions": 400, "clicks": 80, "shown": 400, "matched": 80}
    counts = {f"n_{name}": amount[name] for name in COUNTS}
    weights = {f"w_{name}": 1.0 * amount[name] for name in COUNTS} | {f"uu_{name}": 40.0 for name in SQUARES}
    people = dict.fromkeys(USERS, 20) | {"n_event_units": 400}
    cells = pd.DataFrame(places).assign(**counts, **weights, **people, has_user_id=True)
    regimes = pd.DataFrame(places).assign(
        instrument_name="health", sample_unit=unit, **counts, **{f"{name}_sq": amount[name] for name in COUNTS},
        impressions_clicks=80, shown_matched=80,
        **dict.fromkeys(UNITS, 400) | {"n_click_units": 80, "n_matched_units": 80},
    )  # fmt: skip
    return LinkSums(cells, regimes.assign(sample_rate=regimes["wiki_db"].map(RATES)), pd.DataFrame())


def _rows(catalogue=None):
    return link_rows(_sums(), _context(catalogue), [SUNDAY])


def test_every_metric_has_the_windows_wikis_and_readings_of_the_catalogue():
    rows = _rows()
    found = {*zip(rows["metric"], rows["window_days"], rows["wiki_db"], rows["inference"], strict=True)}
    expected = {
        (metric.metric, days, wiki, inference)
        for metric in LINKS
        for days, inference in product(metric.days_of("rolling"), metric.inference)
        for wiki in (*RATES, *(["all"] if metric.all_wikis else []))
    }
    assert found == expected
    assert {metric.all_wikis for metric in LINKS} == {True, False}
    assert not rows.duplicated(["metric", "window_days", "wiki_db", "inference", "element_friendly_name",
                                "client_platform_family", "edit_count_bucket"]).any()  # fmt: skip


@pytest.mark.parametrize("metric", ["link_clicks", "link_click_through_rate_unique"])
def test_a_window_taken_from_a_metric_takes_its_rows_alone(metric):
    rows = _rows()
    gone = (rows["metric"] == metric) & (rows["window_days"] == 28)
    assert gone.any()
    expected = rows[~gone].reset_index(drop=True)
    shorter = _edited(metric, ', ["rolling", 28]', "")
    pd.testing.assert_frame_equal(_rows(shorter), expected, check_exact=True)


def test_a_window_that_one_metric_gains_is_its_own():
    longer = _edited("link_clicks", '["rolling", 7], ', '["rolling", 7], ["rolling", 14], ')
    rows = _rows(longer)
    assert set(rows.loc[rows["window_days"] == 14, "metric"]) == {"link_clicks"}
    old = rows[rows["window_days"] != 14].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, _rows(), check_exact=True)


@pytest.mark.parametrize("metric", [metric.metric for metric in LINKS if metric.all_wikis])
def test_a_metric_without_wiki_all_loses_those_rows_alone(metric):
    rows = _rows()
    gone = (rows["metric"] == metric) & (rows["wiki_db"] == "all")
    assert gone.any()
    local = _rows(_edited(metric, "all_wikis = true", "all_wikis = false"))
    pd.testing.assert_frame_equal(local, rows[~gone].reset_index(drop=True), check_exact=True)


@pytest.mark.parametrize("metric", [metric.metric for metric in LINKS if "process" in metric.inference])
def test_a_metric_without_a_process_loses_those_rows_alone(metric):
    rows = _rows()
    gone = (rows["metric"] == metric) & (rows["inference"] == "process")
    expected = rows[~gone].reset_index(drop=True)
    pd.testing.assert_frame_equal(_rows(_replaced(metric, inference=("realised",))), expected, check_exact=True)


def test_a_metric_nothing_here_can_build_is_named():
    unknown = replace(load_catalogue().metric("link_clicks"), metric="link_hovers")
    with pytest.raises(ValueError, match="link_hovers"):
        _rows(replace(load_catalogue(), metrics={"link_hovers": unknown}))


def test_an_element_whose_platforms_are_never_pooled():
    special = ("all_platforms = false", 'bucket_platform = "desktop_browser"', 'cautions = { mobile_browser = "menu" }')
    catalogue = parse_catalogue("\n".join([TEXT, "[elements.diff]", *special]))
    assert "diff" in platform_bucket_elements(catalogue)
    rows = _rows(catalogue)
    rows = rows[rows["element_friendly_name"] == "diff"]
    assert set(rows["client_platform_family"]) == set(PLATFORMS)
    assert set(rows.loc[rows["edit_count_bucket"] != "all", "client_platform_family"]) == {"desktop_browser"}
    assert {platform for platform, cautions in zip(rows["client_platform_family"], rows["cautions"], strict=True)
            if cautions} == {"mobile_browser"}  # fmt: skip


@pytest.mark.parametrize(
    ("is_shown", "has_user_id", "needs_user_id", "is_exact", "few", "expected"),
    [
        (True, True, False, False, "", ("publish", "")),
        (True, True, False, False, "few", ("caution", "few")),
        (True, True, False, True, "few", ("publish", "")),
        (True, False, False, False, "", ("publish", FINITE_ONLY)),
        (True, False, False, False, "few", ("caution", "few")),
        (True, False, True, False, "few", ("not_estimable", FINITE_ONLY)),
        (False, False, True, False, "few", ("not_estimable", FINITE_ONLY)),
        (False, True, True, True, "few", ("not_estimable", NOT_SHOWN)),
    ],
)
def test_status_of_a_rate_of_events(is_shown, has_user_id, needs_user_id, is_exact, few, expected):
    assert _rate_status(is_shown, has_user_id, needs_user_id, is_exact, few) == expected


@pytest.mark.parametrize(
    ("is_shown", "has_user_id", "is_rate_one", "is_segment", "expected"),
    [
        (True, True, True, True, ("publish", "")),
        (False, True, True, False, ("not_estimable", SHOWN_TO_NOBODY)),
        (True, True, False, False, ("pending", "")),
        (True, True, False, True, ("not_estimable", NO_SEGMENTS)),
        (True, False, True, False, ("not_estimable", FINITE_ONLY)),
        (True, False, False, True, ("not_estimable", FINITE_ONLY)),
    ],
)
def test_status_of_the_unique_rate(is_shown, has_user_id, is_rate_one, is_segment, expected):
    assert _unique_status(is_shown, has_user_id, is_rate_one, is_segment) == expected


def test_without_any_cell_there_are_no_rows():
    sums = LinkSums(*(frame.iloc[:0] for frame in (_sums().cells, _sums().regimes, _sums().unique_counts)))
    assert link_rows(sums, _context(), [START - 90 * DAY]).empty


def _statuses(sums, unit, metric, inference, days):
    rows = link_rows(sums, _context(unit=unit), [SUNDAY])
    chosen = (rows["metric"] == metric) & (rows["inference"] == inference) & (rows["window_days"] == days)
    whole = (rows["client_platform_family"] == "all") & (rows["edit_count_bucket"] == "all")
    whole &= rows["element_friendly_name"] == "diff"
    return rows[chosen & whole].set_index("wiki_db")


def test_sessions_of_a_short_window_borrow_from_the_longest():
    sums = _sums("session")
    giant = (sums.regimes["wiki_db"] == "trwiki") & (sums.regimes["window_days"] == 28)
    sums.regimes.loc[giant, ["impressions_sq", "clicks_sq"]] = 20_000
    for metric in ("link_impressions", "link_clicks"):
        calm = _statuses(_sums("session"), "session", metric, "realised", 1).loc["trwiki"]
        row = _statuses(sums, "session", metric, "realised", 1).loc["trwiki"]
        assert calm["status"] == "publish"
        assert (row["status"], row["estimate"]) == ("caution", calm["estimate"])
        assert "more than ±25 %" in row["status_reason"]
        assert row["upper"] > 1.2 * calm["upper"]


def test_few_sessions_are_caution_whatever_the_width():
    sums = _sums("session")
    few = sums.regimes["wiki_db"] == "trwiki"
    sums.regimes.loc[few, ["n_impression_units", "n_shown_units"]] = 29
    rows = _statuses(sums, "session", "link_click_through_rate_matched", "realised", 7)
    assert "only 29 sessions" in rows.loc["trwiki", "status_reason"]
    assert rows.loc["idwiki", "status"] == "publish"


@pytest.mark.parametrize("unit", ["pageview", "session"])
def test_process_rates_are_published_by_width_at_every_rate(unit):
    sums = _sums(unit)
    sums.cells["uu_clicks_sq"] = sums.cells["uu_clicks_sq"].where(sums.cells["wiki_db"] == "trwiki", 4000.0)
    rows = _statuses(sums, unit, "link_click_through_rate", "process", 7)
    assert rows.loc["idwiki", "status"] == "caution"
    assert "more than ±25 %" in rows.loc["idwiki", "status_reason"]
    assert _statuses(sums, unit, "link_click_through_rate", "realised", 7).loc["idwiki", "status"] == "publish"
    assert _statuses(_sums(unit), unit, "link_click_through_rate", "process", 7).loc["idwiki", "status"] == "publish"
