"""The panel of eligible editors: the newest of each wiki, pilots together, months as lines that break in places."""

from __future__ import annotations

from dataclasses import replace

import altair as alt
import pandas as pd
import pytest
from markupsafe import Markup

from jobs.report.charts_audience import course_chart
from jobs.report.page_audience import PILOTS, audience_of_wiki, audience_of_wikis
from jobs.report.tables import records
from tests.report.site_frames import eligible, eligibles, nothing_yet, usual_leaving


def with_audience(*rows):
    return replace(usual_leaving(), audience=eligibles(*rows))


def text_of(cell):
    return cell.striptags() if isinstance(cell, Markup) else cell


def by_group(panel):
    found = {}
    for group, row in zip(panel["table"].groups, panel["table"].rows, strict=True):
        found.setdefault(group, []).append(tuple(map(text_of, row)))
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
    return course_chart(records(eligibles(*rows)), "audience-x", "a")


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
    assert [row["end"] for row in own.spec["datasets"]["expected"]] == ["2026-04-30"], "of the newest day only"
    assert len(own.spec["datasets"]["shown"]) == 6
    assert "expected" not in chart(eligible("a", 3, 50.0), eligible("a", 4, 50.0)).spec["datasets"]


def days_of(*days, month=3, **other):
    return [eligible("idwiki", month, 300.0, **{"as_of_date": pd.Timestamp(2026, month, day), **other})
            for day in days]  # fmt: skip


def test_table_and_text_are_as_of_the_newest_day_of_a_band_and_the_chart_has_all_days():
    rows = [*days_of(17, 24), *days_of(17, 24, window_days=7), *days_of(31), *days_of(24, band="100-300")]
    panel = audience_of_wiki(with_audience(*rows), "idwiki")
    assert [(row[0], row[5]) for row in panel["table"].rows] == [
        ("100 to 500, 28 days", "2026-03-31"), ("100 to 300, 28 days", "2026-03-24"),
    ]  # fmt: skip
    (own,) = panel["charts"]
    assert own.sentence.startswith("In the 28 days to 2026-03-31: 300.")
    assert "24" not in own.sentence
    assert "bar" not in own.sentence
    assert len(own.spec["datasets"]["shown"]) == len(own.table.rows) == 5
    assert {row["name"]: row["end"] for row in own.spec["datasets"]["named"]} == {
        "7 days": "2026-03-24", "28 days": "2026-03-31",
    }  # fmt: skip


def axis_of(*rows):
    return chart(*rows).spec["layer"][0]["encoding"]["x"]["axis"]


def test_days_are_written_as_months_only_where_no_month_is_there_twice():
    assert axis_of(eligible("a", 2, 50.0), eligible("a", 3, 50.0))["format"] == "%Y-%m"
    assert axis_of(*days_of(17, 31))["format"] == "%Y-%m-%d"


def test_each_window_has_a_line_of_its_own_kind_and_the_axis_says_what_is_counted():
    rows = [eligible("a", month, 100.0 * days, window_days=days) for month in (2, 3) for days in (7, 14, 28, 56)]
    line = chart(*rows).spec["layer"][0]["encoding"]
    kinds = line["strokeDash"]["scale"]
    assert kinds["domain"] == [56, 28, 14, 7]
    assert len({str(dash) for dash in kinds["range"]}) == 4
    assert (line["y"]["axis"]["title"], line["y"]["scale"]["zero"]) == ("editors", True)


def test_a_change_against_another_snapshot_is_told_with_it():
    change = {"change_from_month_before": 10.0, "snapshot_before": "2026-03"}
    rows = eligible("a", 3, 50.0), eligible("a", 4, 60.0, **change), eligible("a", 3, 50.0, window_days=14)
    assert [row[6] for row in chart(*rows).table.rows] == ["2026-04 against 2026-03", "2026-03", "2026-03"]
    same = eligible("a", 4, 60.0, **{**change, "snapshot_before": "2026-04"})
    assert chart(rows[0], same).table.rows[0][6] == "2026-04"


def test_the_head_of_the_overview_goes_by_the_window_and_the_band_of_milestones():
    rows = [eligible(wiki, 4, n * days, window_days=days, band=band)
            for wiki, n in (("idwiki", 20.0), ("trwiki", 10.0)) for days in (14, 28, 59)
            for band in ("100-500", "50-1000")]  # fmt: skip
    told = audience_of_wikis(with_audience(*rows))["fact"]
    assert "840 with 100 to 500 edits on the pilot wikis, active in 28 days" in told
    others = audience_of_wikis(with_audience(*[row for row in rows if row["window_days"] != 28]))["fact"]
    assert "1,770 with 100 to 500 edits on the pilot wikis, active in 59 days" in others


def test_a_single_wiki_is_named_over_its_rows_on_the_overview():
    assert audience_of_wikis(with_audience(eligible("x", 4, 50.0)))["table"].groups == ("x",)


def test_pilots_expect_what_was_counted_in_eight_weeks_where_it_was_and_the_projection_elsewhere():
    whole = [eligible(wiki, 4, 500.0, window_days=56) for wiki in ("idwiki", "trwiki")]
    rows = [eligible(wiki, 4, 200.0, **GROWTH) for wiki in ("idwiki", "trwiki")]
    assert summed(*rows, whole[0])[1][3] == "800 (750 – 900)"
    assert summed(*rows, *whole)[1][3] == "1,000, counted"
    assert summed(*rows, {**whole[0], "snapshot": "2026-05"})[1][3] == "600 (500 – 800)"


def test_one_month_is_no_series_and_hidden_months_are_told():
    assert chart(eligible("a", 4, 50.0)) is None
    hidden = chart(eligible("a", 3, 5.0), eligible("a", 4, 5.0))
    assert "may be shown" in hidden.spec["datasets"]["told"][0]["text"]
    assert "■ suppressed" in hidden.sentence
