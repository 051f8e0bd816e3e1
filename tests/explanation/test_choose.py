"""Which row is meant: defaults that are told, and errors that say which rows there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import duckdb
import pytest

from jobs.catalogue import load_catalogue
from jobs.errors import UsageError
from jobs.explanation.choose import Asked, choose
from jobs.metric import MetricWindow
from tests.explanation.explained import DAY, LINK, MENU, metric_row
from tests.references import reference, wiki_row

CATALOGUE = load_catalogue()
SUNDAY = date(2026, 4, 12)
REFERENCE = reference(wikis=[wiki_row("idwiki", "2026-03-02"), wiki_row("trwiki", "2026-03-04")])


def row(metric, **given):
    kind, days = given.pop("window", ("rolling", 28))
    as_of = given.pop("as_of", SUNDAY)
    first = given.pop("first", as_of - ((days or 12) - 1) * DAY)
    return metric_row(metric, window_kind=kind, window_days=days, as_of_date=as_of, metric_date=first, **given)


ROWS = [
    *(row("dashboard_visitors", window=window, as_of=day) for day in (SUNDAY - DAY, SUNDAY)
      for window in (("rolling", 7), ("rolling", 28), ("quarter_to_date", None))),
    *(row("two_day_review_rate", inference=inference) for inference in ("realised", "process")),
    *(row("link_clicks", element_friendly_name=element, client_platform_family=platform, edit_count_bucket=bucket)
      for element, platform, bucket in (
          (LINK, "all", "all"), (LINK, "all", "0 edits"), ("review links", "all", "all"),
          (MENU, "desktop_browser", "all"), (MENU, "mobile_browser", "all"))),
    row("two_week_return_rate", window=("cohort", 14)),
]  # fmt: skip


@pytest.fixture(scope="module")
def fetch():
    connection = duckdb.connect()
    names = list(vars(ROWS[0]))
    connection.execute("create table dim_wiki as select unnest(['idwiki', 'trwiki']) as wiki_db")
    typed = {"metric_date": "date", "as_of_date": "date", "window_days": "int", "is_complete": "boolean"}
    numbers = ("estimate", "lower", "upper", "observed_numerator", "sampling_rate_min", "sampling_rate_max")
    columns = ", ".join(f"{n} {typed.get(n, 'double' if n in numbers else 'varchar')}" for n in names)
    connection.execute(f"create table fct_metric_values ({columns})")
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f"insert into fct_metric_values values ({marks})", [list(vars(one).values()) for one in ROWS]
    )

    def run(sql, parameters):
        result = connection.execute(sql, parameters)
        return [dict(zip([c[0] for c in result.description], found, strict=True)) for found in result.fetchall()]

    return run


def chosen(fetch, metric, wiki="idwiki", **asked):
    return choose(Asked(metric, wiki, **asked), CATALOGUE, REFERENCE, fetch)


def refusal(fetch, metric, wiki="idwiki", **asked):
    with pytest.raises(UsageError) as error:
        chosen(fetch, metric, wiki, **asked)
    return error.value


def test_four_weeks_to_the_newest_day_are_the_default_and_told(fetch):
    found = chosen(fetch, "dashboard_visitors")
    assert (found.row.window_days, found.row.as_of_date) == (28, SUNDAY)
    assert found.notes == (
        "--window 28 (there are rolling 1, 7, 28; quarter_to_date)",
        "--as-of 2026-04-12, the newest day that is published",
    )


def test_what_is_given_is_taken_and_nothing_is_told(fetch):
    found = chosen(fetch, "dashboard_visitors", as_of=SUNDAY - DAY, window="7")
    assert (found.row.window_days, found.row.as_of_date, found.notes) == (7, SUNDAY - DAY, ())
    quarter = chosen(fetch, "dashboard_visitors", as_of=SUNDAY, window="quarter")
    assert (quarter.row.window_kind, quarter.row.window_days) == ("quarter_to_date", None)


def test_the_statement_finds_the_row_alone(fetch):
    found = chosen(fetch, "two_day_review_rate", inference="process")
    assert [one["inference"] for one in fetch(found.sql, ())] == ["process"]
    assert chosen(fetch, "two_day_review_rate").row.inference == "realised"


def test_review_links_are_the_default_link_and_desktop_that_of_the_menu(fetch):
    found = chosen(fetch, "link_clicks", as_of=SUNDAY)
    assert found.row.element_friendly_name == "review links"
    assert found.notes[-1] == f"--element review links (there are {LINK}, {MENU}, review links)"
    assert chosen(fetch, "link_clicks", element=MENU).row.client_platform_family == "desktop_browser"
    assert chosen(fetch, "link_clicks", element=LINK, bucket="0 edits").row.edit_count_bucket == "0 edits"


def test_an_unknown_metric_names_those_like_it(fetch):
    assert refusal(fetch, "two_day_rewiev_rate").next_step.startswith("did you mean two_day_review_rate, ")
    assert "there are dashboard_pageviews" in refusal(fetch, "xyzzy").next_step


def test_wikis_are_listed_and_users_have_no_wiki_all(fetch):
    assert refusal(fetch, "dashboard_visitors", "xxwiki").next_step == "there are idwiki, trwiki"
    assert "do not add up" in refusal(fetch, "dashboard_visitors", "all").what
    assert refusal(fetch, "link_clicks", "xxwiki").next_step == "there are idwiki, trwiki, all"


@pytest.mark.parametrize(
    ("metric", "asked", "told"),
    [
        ("dashboard_visitors", {"window": "14"}, "there are 1, 7, 28, quarter (days)"),
        ("two_week_return_rate", {"window": "quarter"}, "there are 14 (days)"),
        ("dashboard_visitors", {"as_of": date(2026, 5, 1)}, "published are 2026-04-11 to 2026-04-12; run the days"),
        ("dashboard_visitors", {"as_of": date(2026, 3, 20)}, "begins on 2026-02-21, before idwiki was visible"),
        ("two_week_return_rate", {"as_of": date(2026, 4, 11)}, "weeks from Monday, and end on a Sunday"),
        ("link_clicks", {"element": "nothing"}, f"there are {LINK}, {MENU}, review links"),
        ("link_clicks", {"element": MENU, "platform": "all"}, "there are desktop_browser, mobile_browser"),
        ("link_clicks", {"element": LINK, "bucket": "5-99 edits"}, "there are 0 edits, all"),
        ("dashboard_visitors", {"inference": "process"}, "there are realised"),
        ("dashboard_visitors", {"window": "1"}, "run the days that are lacking"),
    ],
)
def test_a_key_without_a_row_says_which_there_are(fetch, metric, asked, told):
    assert told in refusal(fetch, metric, **asked).next_step


@pytest.mark.parametrize(
    ("metric", "wiki", "window", "as_of", "told"),
    [
        ("link_clicks", "all", "7", date(2026, 3, 7), "begins on 2026-03-01, before any wiki was visible (2026-03-02)"),
        ("link_clicks", "all", "7", date(2026, 3, 8), "run the days"),
        (
            "link_clicks",
            "trwiki",
            "7",
            date(2026, 3, 8),
            "begins on 2026-03-02, before trwiki was visible (2026-03-04)",
        ),
        ("dashboard_visitors", "trwiki", "quarter", date(2026, 3, 3), "its quarter to date begins on 2026-03-04: "),
        ("dashboard_visitors", "trwiki", "quarter", date(2026, 3, 4), "run the days"),
        ("reviewers", "trwiki", "quarter", date(2026, 3, 10), "its quarter to date begins on 2026-03-11: "),
        ("two_week_return_rate", "idwiki", None, date(2026, 3, 8), "begins on 2026-02-23, before idwiki was visible"),
        ("two_week_return_rate", "idwiki", None, date(2026, 4, 14), "weeks from Monday, and end on a Sunday"),
        ("two_week_return_rate", "idwiki", None, date(2026, 4, 19), "run the days"),
        (
            "presented_two_week_rate",
            "idwiki",
            None,
            date(2026, 5, 3),
            f"not measured in the window: {MENU} was 2026-02-10",
        ),
        ("presented_two_week_rate", "idwiki", None, date(2026, 4, 19), "run the days"),
    ],
)
def test_a_window_without_a_row_says_why(fetch, metric, wiki, window, as_of, told):
    assert told in refusal(fetch, metric, wiki, window=window, as_of=as_of).next_step


def test_without_four_weeks_the_longest_window_is_the_default(fetch):
    metric = CATALOGUE.metrics["dashboard_visitors"]
    windows = [MetricWindow("rolling", days) for days in (7, 14, 1)] + [MetricWindow("quarter_to_date", None)]
    changed = replace(CATALOGUE, metrics={"dashboard_visitors": replace(metric, windows=tuple(windows))})
    with pytest.raises(UsageError, match=r"has no row \(14 days\)"):
        choose(Asked("dashboard_visitors", "idwiki"), changed, REFERENCE, fetch)
