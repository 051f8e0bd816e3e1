"""Tables of the report: escaped, captioned, in a box that scrolls, without a look of their own."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from markupsafe import Markup

from jobs.report.chart import ChartTable
from jobs.report.tables import chip, render, unbroken, verdict

TABLE = ChartTable(
    ("Wiki <b>", "Status", "Number"),
    (("<i>id</i>", chip("caution"), "1 & 2"), (Markup("<b>en</b>"), "x < y", "3 (2 – 4)")),
    numbers=("Number",),
    groups=("Big & small", "Big & small"),
)


@pytest.fixture(scope="module")
def html():
    return str(render(TABLE, "t-1", "All <wikis>"))


def test_text_is_escaped_and_markup_is_kept(html):
    assert "<i>" not in html
    assert "&lt;i&gt;id&lt;/i&gt;" in html
    assert "<b>en</b>" in html
    assert "x &lt; y" in html
    assert "Wiki &lt;b&gt;" in html
    assert ">Big &amp; small</th>" in html
    assert "&amp;lt;" not in html, "escaped twice"


def test_a_screen_reader_has_caption_headings_and_rows(html):
    assert '<caption id="t-1-caption"><span>All &lt;wikis&gt;</span></caption>' in html
    assert 'tabindex="0" role="group" aria-labelledby="t-1-caption"' in html
    assert html.count('scope="col"') == 3
    assert html.count('scope="row"') == 2
    assert html.count("Big &amp; small") == 1


def test_the_page_alone_gives_the_look(html):
    assert "<style" not in html
    assert "#333333" not in html


def test_only_columns_of_numbers_are_set_to_the_right(html):
    assert [("gt_right" in cell) for cell in re.findall(r"<t[hd] [^>]*gt_row[^>]*>", html)] == [False, False, True] * 2


def test_ids_are_of_the_table():
    ids = re.findall(r' id="([^"]+)"', str(render(TABLE, "other", "c")))
    assert ids
    assert all(name == "other" or name.startswith("other-") for name in ids)
    assert len(set(ids)) == len(ids)


def test_rows_that_paper_does_without_are_the_last_ones():
    rows = tuple((f"row {n}", "1") for n in range(4))
    found = [str(render(ChartTable(("a", "b"), rows, screen_only=n), "t", "c")) for n in (0, 3)]
    assert [html.count('class="screen-only"') for html in found] == [0, 3]
    assert found[1].index("row 0") < found[1].index("screen-only") < found[1].index("row 1")


def test_cells_of_cards_have_their_headings_and_other_tables_have_none(html):
    cards = str(render(replace(TABLE, cards=True), "t-1", "All <wikis>"))
    assert re.findall(r'<t[hd] data-label="([^"]*)" [^>]*gt_row', cards) == ["Wiki &lt;b&gt;", "Status", "Number"] * 2
    assert cards.count("data-label") == 6
    assert '<table class="gt_table cards"' in cards
    assert "data-label" not in html
    assert '<table class="gt_table"' in html


def test_a_table_without_rows_says_so():
    assert render(ChartTable(("a",), ()), "t", "Milestones") == '<p class="none">Milestones: there are no rows.</p>'


def test_rows_and_groups_must_fit():
    with pytest.raises(ValueError, match="2 cells under 1 headings"):
        ChartTable(("a",), (("1", "2"),))
    with pytest.raises(ValueError, match="1 headings of groups for 2 rows"):
        ChartTable(("a",), (("1",), ("2",)), groups=("g",))


def test_a_chip_has_symbol_and_word_beside_its_colour():
    assert chip("bounds_only") == (
        '<span class="chip chip-bounds-only"><span aria-hidden="true">↔</span> bounds only</span>'
    )
    assert "&lt;x" in verdict("<x", "bad")


def test_dates_of_a_text_are_not_broken_and_the_text_is_escaped():
    assert unbroken("<b>, since 2026-04-06") == '&lt;b&gt;, since <span class="nowrap">2026-04-06</span>'
    link = Markup('<a href="x-2026-04-06">all</a>')
    assert unbroken(link) == link


def test_dates_are_not_broken_at_their_hyphens_and_attributes_are_left_alone():
    table = ChartTable(("d",), ((Markup('<a href="x-2026-04-06;y">from 2026-04-06, on</a>'),),), groups=("2026-04-01",))
    html = str(render(table, "t", "c"))
    assert 'href="x-2026-04-06;y">from <span class="nowrap">2026-04-06</span>, on' in html
    assert html.count("nowrap") == 2
