"""The panel of eligible editors: the newest of each wiki, pilots together, months as lines that break in places."""

from __future__ import annotations

from dataclasses import replace

import altair as alt
import pytest
from markupsafe import Markup

from jobs.report.charts_audience import months_chart
from jobs.report.page_audience import PILOTS, audience_of_wiki, audience_of_wikis
from jobs.report.tables import records
from tests.report.site_frames import eligible, eligibles, nothing_yet, usual_leaving


def with_audience(*rows):
    return replace(usual_leaving(), audience=eligibles(*rows))


def by_group(panel):
    found = {}
    for group, row in zip(panel["table"].groups, panel["table"].rows, strict=True):
        found.setdefault(group, []).append(row)
    return found


def test_pilots_come_first_and_their_newest_rows_with_what_eight_weeks_may_bring():
    panel = audience_of_wikis(usual_leaving())
    groups = by_group(panel)
    assert list(groups) == [PILOTS, "idwiki", "trwiki", "enwiki"]
    assert groups["idwiki"] == [
        ("100 to 500, 28 days", "1,580", "40", "25", "2,560 (2,230 – 3,191)", "2026-04-30", "2026-04"),
        ("100 to 500, 14 days", "980", "40", "25", "–", "2026-04-30", "2026-04"),
        ("100 to 300, 28 days", "1,100", "■ suppressed", "25", "–", "2026-04-30", "2026-04"),
        ("100 to 300, 14 days", "700", "40", "25", "–", "2026-04-30", "2026-04"),
    ]
    assert groups["trwiki"][1][1:4] == ("■ suppressed",) * 3


def summed(*rows, n_wikis=None):
    """Cells of the pilots' sums: count, new, left and eight weeks; pilots are idwiki and trwiki."""
    found = with_audience(*rows)
    found = replace(found, wikis=found.wikis.tail(n_wikis)) if n_wikis else found
    return [row[1:5] for row in by_group(audience_of_wikis(found)).get(PILOTS, [])]


GROWTH = {"projected": 300.0, "projected_lower": 250.0, "projected_upper": 400.0}


def test_pilots_are_added_up_and_a_sum_that_lacks_a_part_says_of_which_wiki():
    lacking = "no sum: trwiki was not counted", "–", "–", "–"
    assert [row[:5] for row in by_group(audience_of_wikis(usual_leaving()))[PILOTS]] == [
        ("100 to 500, 28 days", "2,390", "80", "50", "–"),
        ("100 to 500, 14 days", "980, without trwiki, where it is hidden", "40", "25", "–"),
        ("100 to 300, 28 days", *lacking),
        ("100 to 300, 14 days", *lacking),
    ]


def test_a_sum_has_what_all_wikis_have_and_says_where_a_part_is_hidden():
    rows = [eligible("idwiki", 4, 200.0, **GROWTH), eligible("trwiki", 3, 100.0, n_left_band=4.0, **GROWTH)]
    (told,) = by_group(audience_of_wikis(with_audience(*rows)))[PILOTS]
    assert told == (
        "100 to 500, 28 days", "300", "80", "no sum: hidden on trwiki", "600 (500 – 800)", "2026-03-31 and 2026-04-30",
        "2026-03 and 2026-04",
    )  # fmt: skip
    assert summed(eligible("idwiki", 4, 3.0), eligible("trwiki", 4, 4.0)) == [("■ suppressed", "–", "–", "–")]


def test_a_count_of_two_months_ago_is_no_part_of_a_sum():
    told = summed(eligible("idwiki", 4, 200.0), eligible("trwiki", 2, 100.0))
    assert told == [("300", "80", "50", "–")]
    told = summed(eligible("idwiki", 5, 200.0), eligible("trwiki", 2, 100.0))
    assert told == [("no sum: trwiki was not counted", "–", "–", "–")]


def test_without_any_pilot_counted_or_with_one_there_is_no_sum():
    assert summed(eligible("x", 4, 50.0), eligible("y", 4, 50.0)) == []
    assert summed(eligible("x", 4, 50.0), eligible("trwiki", 4, 50.0), n_wikis=1) == []


def test_eight_weeks_that_were_counted_stand_for_those_that_are_expected():
    both = [eligible("idwiki", 4, 500.0, window_days=56), eligible("idwiki", 4, 300.0, **GROWTH)]
    assert [row[4] for row in by_group(audience_of_wikis(with_audience(*both)))["idwiki"]] == ["500, counted", "–"]
    others = eligible("trwiki", 4, 200.0, window_days=56), eligible("trwiki", 4, 120.0)
    assert summed(*both, *others)[0][3] == "700, counted"
    own = chart(eligible("a", 3, 480.0, window_days=56), *[{**row, "wiki_db": "a"} for row in both])
    assert "Within 8 weeks: 500, counted." in own.sentence


def test_the_head_of_the_overview_has_the_first_number():
    fact = audience_of_wikis(usual_leaving())["fact"]
    told = "2,390 with 100 to 500 edits on the pilot wikis, active in 28 days to 2026-04-30"
    assert fact == Markup(f'<a href="#audience">{told}</a>')
    assert "not counted yet" in audience_of_wikis(nothing_yet())["fact"]


def test_where_nobody_was_counted_there_are_neither_rows_nor_charts():
    for panel in (audience_of_wikis(nothing_yet()), audience_of_wiki(nothing_yet(), "idwiki")):
        assert (panel["table"].rows, panel["charts"]) == ((), [])


def test_a_wiki_has_a_chart_of_each_band_with_two_months_and_the_overview_one_of_its_widest():
    assert [chart.id for chart in audience_of_wiki(usual_leaving(), "idwiki")["charts"]] == ["audience-100-500"]
    assert [chart.title.split(",")[0] for chart in audience_of_wikis(usual_leaving())["charts"]] == ["idwiki", "trwiki"]
    assert audience_of_wiki(usual_leaving(), "idwiki")["table"].groups == ()


def chart(*rows):
    return months_chart(records(eligibles(*rows)), "audience-x", "a")


@pytest.mark.parametrize(
    ("rows", "segments"),
    [
        ([eligible("a", 2, 50.0), eligible("a", 3, 60.0), eligible("a", 4, 70.0)], ["28.0", "28.0", "28.0"]),
        ([eligible("a", 1, 50.0), eligible("a", 3, 60.0)], ["28.0", "28.1"]),  # a month is left out
        ([eligible("a", 2, 50.0), eligible("a", 3, 9.0), eligible("a", 4, 70.0)], ["28.0", "28.2"]),  # one is hidden
        ([eligible("a", 12, 50.0), eligible("a", 11, 50.0)], ["28.0", "28.0"]),
    ],
)
def test_a_line_ends_where_a_month_does_not_go_on(rows, segments):
    made = chart(*rows)
    assert [record["segment"] for record in made.spec["datasets"]["shown"]] == segments


def test_the_sentence_tells_the_newest_month_and_the_table_all_the_newest_first():
    (own,) = audience_of_wiki(usual_leaving(), "idwiki")["charts"]
    assert own.sentence.startswith(
        "In the 28 days to 2026-04-30: 1,580 (−20 against the month before). In the 14 days to 2026-04-30: 980. "
        "Within 8 weeks: 2,560 (2,230 – 3,191)."
    )
    assert [row[:3] for row in own.table.rows][:3] == [
        ("28 days to 2026-04-30", "1,580", "−20"), ("14 days to 2026-04-30", "980", "–"),
        ("28 days to 2026-03-31", "1,600", "+60"),
    ]  # fmt: skip


def test_a_drawing_is_valid_and_has_bars_of_eight_weeks_only_where_they_are_projected():
    (own,) = audience_of_wiki(usual_leaving(), "idwiki")["charts"]
    alt.LayerChart.from_dict({**own.spec})  # checks it by the schema
    assert len(own.spec["datasets"]["expected"]) == 3
    assert len(own.spec["datasets"]["shown"]) == 6
    assert "expected" not in chart(eligible("a", 3, 50.0), eligible("a", 4, 50.0)).spec["datasets"]


def test_one_month_is_no_series_and_hidden_months_are_told():
    assert chart(eligible("a", 4, 50.0)) is None
    hidden = chart(eligible("a", 3, 5.0), eligible("a", 4, 5.0))
    assert "may be shown" in hidden.spec["datasets"]["told"][0]["text"]
    assert "■ suppressed" in hidden.sentence
