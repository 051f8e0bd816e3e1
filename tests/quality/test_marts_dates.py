"""What the dates of a run lack of the dates before: keys without a row, and another mix of statuses."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from changes_cases import (
    BEFORE,
    LONG_AGO,
    MENU_LINK,
    WEEK_AGO,
    D,
    Profile,
    Rows,
    Tables,
    compare,
    editors,
    life,
    link,
    metric,
    missing,
    visitors,
)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return partial(compare, tmp_path)


# The keys of the date before


def keys(*rows: dict[str, Any], **tables: Rows) -> Tables:
    return {"fct_metric_values": list(rows), **tables}


def test_a_key_of_the_day_before_without_a_row_is_missing_and_named(profile: Profile) -> None:
    frames = profile(keys(visitors(BEFORE), visitors(BEFORE, wiki_db="idwiki"), visitors(D)))
    assert missing(frames) == {"dashboard_visitors": (1, 0)}
    line = frames["keys"].iloc[0]
    assert (line["n_keys"], line["before"]) == (2, "2026-03-27")
    assert line["eg_missing"] == "idwiki, rolling, 7 days, all, all, realised"


def test_after_a_gap_the_newest_earlier_date_counts(profile: Profile) -> None:
    older, oldest = visitors(D - timedelta(days=5)), visitors(WEEK_AGO, wiki_db="idwiki")
    assert missing(profile(keys(oldest, older, visitors(D)))) == {"dashboard_visitors": (0, 0)}
    assert missing(profile(keys(older, link(D)))) == {"dashboard_visitors": (1, 0)}


def test_each_date_of_a_backfill_is_held_against_the_one_before(profile: Profile) -> None:
    rows = keys(visitors(D - timedelta(days=2)), link(BEFORE), visitors(D))
    frame = profile(rows, as_of=[BEFORE, D])["keys"]
    assert frame[["event_date", "subject", "n_missing"]].values.tolist() == [
        [BEFORE, "dashboard_visitors", 1],
        [D, "link_clicks", 1],
    ]


def test_a_date_without_any_row_misses_all_keys(profile: Profile) -> None:
    assert missing(profile(keys(visitors(BEFORE)))) == {"dashboard_visitors": (1, 0)}


def test_quarter_to_date_goes_on_in_the_next_quarter(profile: Profile) -> None:
    march, april = date(2026, 3, 31), date(2026, 4, 1)
    to_date = {"kind": "quarter_to_date"}
    rows = keys(visitors(march, None, **to_date), visitors(april, None, **to_date))
    assert missing(profile(rows, as_of=[april])) == {"dashboard_visitors": (0, 0)}
    assert missing(profile(keys(rows["fct_metric_values"][0], link(april)), as_of=[april])) == {
        "dashboard_visitors": (1, 0)
    }


def test_cohorts_of_weeks_are_held_against_the_week_before(profile: Profile) -> None:
    def cohort(as_of: date) -> dict[str, Any]:
        return metric("two_week_return_rate", as_of, 14, kind="cohort")

    sunday = D + timedelta(days=1)
    last = sunday - timedelta(days=7)
    assert missing(profile(keys(cohort(last), cohort(sunday), visitors(D)), as_of=[D, sunday])) == {
        "dashboard_visitors": (1, 0),  # on Sunday
        "two_week_return_rate": (0, 0),
    }
    assert missing(profile(keys(cohort(last), visitors(D), visitors(sunday)), as_of=[D, sunday])) == {
        "dashboard_visitors": (0, 0),
        "two_week_return_rate": (1, 0),
    }


def test_a_link_has_rows_as_long_as_its_life_touches_the_window(profile: Profile) -> None:
    rows = keys(link(BEFORE, MENU_LINK, 1), link(BEFORE, MENU_LINK, 7), link(D, MENU_LINK, 7))
    assert missing(profile(rows)) == {"link_clicks": (0, 0)}  # it ended on D, exclusive
    rows["fct_metric_values"].pop()
    assert missing(profile(rows)) == {"link_clicks": (1, 0)}
    later = [life("diff link", LONG_AGO), life(MENU_LINK, LONG_AGO, D + timedelta(days=1))]
    assert missing(profile(rows | {"dim_instrument_vocabulary": later})) == {"link_clicks": (2, 0)}
    for_good = [life(MENU_LINK, LONG_AGO, LONG_AGO), life(MENU_LINK, LONG_AGO)]
    assert missing(profile(rows | {"dim_instrument_vocabulary": for_good})) == {"link_clicks": (2, 0)}
    not_yet = [life(MENU_LINK, D + timedelta(days=1))]
    assert profile(rows | {"dim_instrument_vocabulary": not_yet})["keys"].empty


def test_a_group_of_links_lives_as_long_as_its_links(profile: Profile) -> None:
    rows = keys(link(BEFORE, f"group of {MENU_LINK}", 1), link(BEFORE, "group of diff link", 1))
    assert missing(profile(rows)) == {"link_clicks": (1, 0)}


def test_a_link_outside_the_vocabulary_is_counted_apart(profile: Profile) -> None:
    frames = profile(keys(link(BEFORE, "mystery link")))
    assert missing(frames) == {"link_clicks": (0, 1)}
    assert "mystery link" in frames["keys"]["eg_missing_unlisted"][0]


def test_a_cohort_of_users_shown_a_link_ends_with_the_link(profile: Profile) -> None:
    shown = metric("presented_two_week_rate", WEEK_AGO, 14, kind="cohort")
    assert missing(profile(keys(shown, visitors(D)))) == {"presented_two_week_rate": (1, 0)}
    ended = [life(MENU_LINK, LONG_AGO, D - timedelta(days=13))]
    assert profile(keys(shown, visitors(D), dim_instrument_vocabulary=ended))["keys"].empty


def test_a_wiki_that_the_input_no_longer_shows_is_not_asked_for(profile: Profile) -> None:
    row = visitors(BEFORE)
    later = [{"wiki_db": "trwiki", "visible_from": D - timedelta(days=5)}]
    assert profile(keys(row, dim_wiki=later))["keys"].empty
    later = [{"wiki_db": "trwiki", "visible_from": D - timedelta(days=6)}]
    assert missing(profile(keys(row, dim_wiki=later))) == {"dashboard_visitors": (1, 0)}
    assert profile(keys(visitors(BEFORE, wiki_db="enwiki")))["keys"].empty


def test_wiki_all_is_asked_for_where_the_catalogue_has_it(profile: Profile) -> None:
    loads = metric("dashboard_pageviews", BEFORE, wiki_db="all")
    assert missing(profile(keys(loads, visitors(BEFORE, wiki_db="all")))) == {"dashboard_pageviews": (1, 0)}


def test_buckets_windows_outside_the_catalogue_and_editors_are_not_asked_for(profile: Profile) -> None:
    rows = keys(
        link(BEFORE, edit_count_bucket="100-999 edits"),
        visitors(BEFORE, 3),
        visitors(BEFORE, inference="process"),
        metric("eligible_editors", BEFORE, 14),
    )
    assert profile(rows)["keys"].empty


def test_the_date_before_is_one_of_events(profile: Profile) -> None:
    between = editors(BEFORE, 14)
    days = {"fct_metric_values": [visitors(WEEK_AGO), between, visitors(D)]}
    assert missing(profile(days)) == {"dashboard_visitors": (0, 0)}
    assert profile(days)["keys"]["before"].tolist() == [str(WEEK_AGO)]


# The mix of statuses


def mix(as_of: date, statuses: list[str], **values: Any) -> Rows:
    return [link(as_of, f"link {number}", status=status, **values) for number, status in enumerate(statuses)]


PUBLISH, CAUTION, BROKEN = (["publish"] * 10, ["publish"] * 6 + ["caution"] * 4, ["not_measured"] * 10)


def test_shares_of_statuses_are_held_against_the_same_weekday(profile: Profile) -> None:
    frame = profile(keys(*mix(WEEK_AGO, PUBLISH), *mix(BEFORE, BROKEN), *mix(D, CAUTION)))["statuses"]
    assert frame["subject"].tolist() == ["every wiki / links / rolling 7", "trwiki / links / rolling 7"]
    shown = ["n_rows", "publish_before", "publish_now", "publish_fall", "not_measured_rise"]
    assert frame[shown].values.tolist() == [[10, 1.0, 0.6, 0.4, 0.0]] * 2


def test_rows_that_became_not_measured_are_seen(profile: Profile) -> None:
    frame = profile(keys(*mix(WEEK_AGO, CAUTION), *mix(D, BROKEN)))["statuses"]
    assert frame[["publish_fall", "not_measured_rise", "not_measured_now"]].values.tolist() == [[0.6, 1.0, 1.0]] * 2


def test_few_rows_say_nothing_by_themselves_but_together(profile: Profile) -> None:
    rows = [
        *mix(WEEK_AGO, PUBLISH[:5]), *mix(WEEK_AGO, PUBLISH[:5], wiki_db="idwiki"),
        *mix(D, BROKEN[:5]), *mix(D, BROKEN[:5], wiki_db="idwiki"),
    ]  # fmt: skip
    assert profile(keys(*rows))["statuses"]["subject"].tolist() == ["every wiki / links / rolling 7"]
    assert profile(keys(*rows[:-1]))["statuses"].empty


def test_wiki_all_is_not_counted_among_the_wikis(profile: Profile) -> None:
    rows = [row for as_of in (WEEK_AGO, D) for row in mix(as_of, PUBLISH, wiki_db="all")]
    assert profile(keys(*rows))["statuses"]["subject"].tolist() == ["all / links / rolling 7"]


@pytest.mark.parametrize(
    "values", [{"is_complete": False}, {"sampling_rate_min": 0.1}, {"sampling_rate_max": 0.5}], ids=str
)
def test_a_fall_with_a_known_reason_is_left_out(profile: Profile, values: dict[str, Any]) -> None:
    assert profile(keys(*mix(WEEK_AGO, PUBLISH), *mix(D, CAUTION, **values)))["statuses"].empty
    both = profile(keys(*mix(WEEK_AGO, PUBLISH, **values), *mix(D, CAUTION, **values)))["statuses"]
    assert len(both) == 2


def test_new_links_and_buckets_are_not_like_last_weeks(profile: Profile) -> None:
    new = mix(D, [*PUBLISH, *BROKEN])
    buckets = [row for day in (WEEK_AGO, D) for row in mix(day, [*PUBLISH, *BROKEN], edit_count_bucket="100-999 edits")]
    frame = profile(keys(*mix(WEEK_AGO, PUBLISH), *new, *buckets))["statuses"]
    assert frame["n_rows"].tolist() == [10, 10]


@pytest.mark.parametrize(("day", "groups"), [(date(2026, 4, 7), 0), (date(2026, 4, 8), 1)])
def test_a_new_quarter_is_not_compared_with_the_old_one(profile: Profile, day: date, groups: int) -> None:
    wikis = [f"wiki{number}" for number in range(10)]
    rows = [
        visitors(as_of, None, kind="quarter_to_date", wiki_db=wiki)
        for as_of in (day - timedelta(days=7), day)
        for wiki in wikis
    ]
    frame = profile(keys(*rows), as_of=[day])["statuses"]
    assert frame["subject"].tolist() == ["every wiki / users / quarter_to_date"] * groups
