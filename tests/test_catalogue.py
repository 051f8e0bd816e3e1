"""The metric catalogue against section 5 of the contract, and what the loader refuses."""

from __future__ import annotations

import pytest

from jobs.catalogue import load_catalogue, parse_catalogue
from jobs.metric import MetricWindow

CONTRACT = {
    "dashboard_pageviews": "rolling 1, 7, 28",
    "dashboard_visitors": "rolling 1, 7, 28; quarter_to_date",
    "pageviews_per_visitor": "rolling 7, 28",
    "link_impressions": "rolling 1, 7, 28",
    "link_clicks": "rolling 1, 7, 28",
    "link_click_through_rate": "rolling 1, 7, 28",
    "link_click_through_rate_matched": "rolling 1, 7, 28",
    "link_click_through_rate_unique": "rolling 7, 28",
    "reviewers": "rolling 7, 28; quarter_to_date",
    "two_day_review_rate": "rolling 7, 28; quarter_to_date",
    "two_week_return_rate": "cohort 14",
    "retention_14d": "cohort 15",
    "retention_day_1": "cohort 2",
    "retention_day_7": "cohort 8",
    "retention_day_14": "cohort 15",
    "presented_two_week_rate": "cohort 14",
    "dashboard_visitors_rarefied": "rolling 7, 28",
    "visit_pairs_per_visit": "rolling 28",
    "eligible_editors": "rolling 14, 28",
}
COUNTS = {
    "dashboard_pageviews",
    "dashboard_visitors",
    "link_impressions",
    "link_clicks",
    "reviewers",
    "dashboard_visitors_rarefied",
    "eligible_editors",
}
ALL_WIKIS = {
    "dashboard_pageviews",
    "link_impressions",
    "link_clicks",
    "link_click_through_rate",
    "link_click_through_rate_matched",
}


def test_every_metric_of_the_contract_with_its_windows():
    found = {m.metric: m.window_kinds for m in load_catalogue().metrics.values()}
    assert found == CONTRACT
    assert list(found) == list(CONTRACT)


@pytest.mark.parametrize("metric", CONTRACT)
def test_rows_of_each_metric(metric):
    entry = load_catalogue().metric(metric)
    assert entry.version == 1
    assert entry.inference == (("realised",) if metric in COUNTS else ("realised", "process"))
    assert entry.all_wikis == (metric in ALL_WIKIS)
    assert (entry.family == "links") == metric.startswith("link_")
    assert (entry.returned is not None) == (CONTRACT[metric].startswith("cohort"))
    assert (entry.weekday == 0) == (metric in ("two_week_return_rate", "presented_two_week_rate"))
    assert entry.definition.endswith(".")
    assert bool(entry.denominator) == (metric not in COUNTS)


def test_windows_are_typed():
    visitors = load_catalogue().metric("dashboard_visitors")
    assert visitors.windows[-1] == MetricWindow("quarter_to_date", None)
    assert visitors.days_of("rolling") == (1, 7, 28)
    assert visitors.has_window("quarter_to_date")
    assert not visitors.has_window("cohort")


def test_what_is_special_about_the_menu_link():
    note = load_catalogue().element("Personal Dashboard menu link")
    assert not note.all_platforms
    assert note.bucket_platform == "desktop_browser"
    assert "whole personal menu" in note.cautions["mobile_browser"]
    other = load_catalogue().element("Personal Dashboard diff link")
    assert other.all_platforms
    assert other.bucket_platform == "all"
    assert not other.cautions


def test_families_and_lookups():
    catalogue = load_catalogue()
    assert catalogue.window_days("rolling", "totals", "users") == (1, 7, 28)
    assert catalogue.window_days("rolling", "audience") == (14, 28)
    assert catalogue.longest_days == 28
    assert [m.metric for m in catalogue.of_family("presented", "audience")] == [
        "presented_two_week_rate",
        "eligible_editors",
    ]
    with pytest.raises(KeyError, match="there are dashboard_pageviews"):
        catalogue.metric("visitors")
    assert load_catalogue() is catalogue


def test_the_table_has_a_line_per_metric():
    lines = load_catalogue().table()
    assert [line.metric for line in lines] == list(CONTRACT)
    assert lines[9].task == "T422024"


WEEKS, NEXT_DAY = "seen = [0, 6]\nreturned = [7, 13]", "seen = [0, 0]\nreturned = [1, 1]"
SOUND = """
[metrics.m]
version = 1
name = "M"
definition = "Users."
numerator = "Users"
denominator = ""
kind = "count"
unit = "users"
direction = "higher"
windows = [["rolling", 7]]
inference = ["realised"]
family = "users"
all_wikis = false
task = []
caveats = []
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1", "version = 0", "version 0"),
        ('unit = "users"', "", "missing \\['unit'\\]"),
        ("task = []", "task = []\nowner = 1", "unknown \\['owner'\\]"),
        ('kind = "count"', 'kind = "sum"', "kind 'sum' is not one of"),
        ('["rolling", 7]', '["rolling"]', "needs a number of days"),
        ('["rolling", 7]', '["quarter_to_date", 7]', "quarter_to_date none"),
        ('["rolling", 7]', '["weekly", 7]', "windows 'weekly'"),
        ('[["rolling", 7]]', "[]", "windows must be given"),
        ('["rolling", 7]', '["rolling", 7], ["rolling", 7]', "each once"),
        ('inference = ["realised"]', 'inference = ["realised", "process"]', "inference of a count"),
        ('kind = "count"', 'kind = "rate"', "inference of a rate"),
        ('denominator = ""', 'denominator = "x"', "a count has no denominator"),
        ("all_wikis = false", "all_wikis = true", "users are local to a wiki"),
        ("task = []", 'task = []\nweekday = "monday"', "weekday is for cohorts"),
        ("task = []", 'task = []\nweekday = "moonday"', "weekday 'moonday'"),
        ("task = []", "task = []\nseen = [0, 0]", "everything else has neither"),
        ('["rolling", 7]', '["cohort", 2]', "a cohort has seen and returned"),
        ('[["rolling", 7]]', '[["cohort", 2]]\nseen = [0, 1]\nreturned = [1, 1]', "begins on day 0"),
        ('[["rolling", 7]]', '[["cohort", 3]]\nseen = [0, 0]\nreturned = [1, 1]', "ends with the last day"),
        ('[["rolling", 7]]', '[["cohort", 14]]\nseen = [0, 6]\nreturned = [7, 13]', "of a week from Monday"),
        (
            '[["rolling", 7]]',
            '[["cohort", 14]]\nweekday = "sunday"\nseen = [0, 6]\nreturned = [7, 13]',
            "week from Monday",
        ),
        (
            '[["rolling", 7]]',
            '[["cohort", 2]]\nseen = [0, 0]\nreturned = [1, 1]\nelements = "x"',
            "who was shown a link",
        ),
        ('unit = "users"', 'unit = "visitors"', "unit 'visitors'"),
        ('direction = "higher"', 'direction = "up"', "direction 'up'"),
        ("task = []", 'task = []\npart_of = "n"', "part_of is for a count, and names another"),
        ("task = []", 'task = []\npart_of = "m"', "part_of is for a count, and names another"),
        ("[metrics.m]", "[metric.m]", "unknown table metric"),
    ],
)
def test_a_faulty_catalogue_is_refused(old, new, message):
    assert old in SOUND
    with pytest.raises(ValueError, match=message):
        parse_catalogue(SOUND.replace(old, new))


def test_a_sound_catalogue_and_an_unknown_key_of_an_element():
    assert list(parse_catalogue(SOUND).metrics) == ["m"]
    with pytest.raises(ValueError, match="element x"):
        parse_catalogue(SOUND + '[elements."x"]\ncolour = "red"\n')
