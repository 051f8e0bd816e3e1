"""The notebooks of the docs: each family has one, which runs and draws what the status allows; its page follows it."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import altair as alt
import pytest
from scenegraph import marks, rows

from docs.notebooks import execute
from jobs.catalogue import load_catalogue

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "execute")
WITH_ESTIMATE, WITH_LIMITS = {"publish", "caution"}, {"publish", "caution", "bounds_only"}
MOST_BYTES = 1_500_000
RENEW = "make notebooks"


def test_each_family_has_a_notebook():
    assert set(NOTEBOOKS) == {metric.family for metric in load_catalogue().metrics.values()}


@pytest.mark.dbt
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_draws_numbers_where_there_are_any_and_only_there(name, published):
    shown = execute.run(FOLDER / f"{name}.py")
    charts = [output for _, output in shown.cells if isinstance(output, alt.TopLevelMixin)]
    assert charts
    for chart in charts:
        data, drawn = rows(chart), marks(chart)
        statuses = [row["status"] for row in data]
        assert WITH_LIMITS & set(statuses), "no number at all"
        assert len(drawn["estimates"]) == sum(status in WITH_ESTIMATE for status in statuses)
        assert len(drawn["intervals"]) == sum(status in WITH_ESTIMATE for status in statuses)
        assert len(drawn["bounds"]) == sum(status == "bounds_only" for status in statuses)
        assert len(drawn["refused"]) == sum(status not in WITH_LIMITS for status in statuses)
        assert len({(item["x"], item["y"]) for item in drawn["estimates"] + drawn["bounds"]}) > 1, "all in one place"
        for row in data:
            assert (row["estimate"] is not None) == (row["status"] in WITH_ESTIMATE)
            assert (row["lower"] is not None) == (row["status"] in WITH_LIMITS)
    page, pictures = execute.page(FOLDER / f"{name}.py", shown)
    assert len(pictures) == len(charts)
    assert "What may be said" in page
    assert "What may not" in page
    assert "| --- |" in page


@pytest.mark.dbt
def test_a_refused_number_of_the_small_lake_is_refused_in_a_notebook_too(published):
    """The sampled wiki's share is not estimable: the chart has its weeks as signs, the text has its reason."""
    shown = execute.run(FOLDER / "users.py")
    weeks = shown.names["weeks"]
    assert set(weeks.loc[weeks["wiki_db"] == "enwiki", "status"]) <= {"not_estimable", "not_measured"}
    carried = [row for row in rows(shown.names["chart"]) if row["wiki_db"] == "enwiki"]
    assert len(carried) == (weeks["wiki_db"] == "enwiki").sum() > 0
    assert {row["estimate"] for row in carried} == {None}
    text = "\n".join(output._repr_markdown_() for _, output in shown.cells if hasattr(output, "_repr_markdown_"))
    assert re.search(r"- enwiki \(not_estimable\): .*the share may lie anywhere .* What would change that: \w", text)


@pytest.mark.dbt
def test_editors_of_a_hidden_window_are_neither_told_nor_projected(published):
    shown = execute.run(FOLDER / "audience.py")
    expected = shown.names["expected"].set_index("wiki_db")
    assert expected.loc["thwiki", ["estimate", "lower", "upper"]].isna().all()
    assert expected.loc["thwiki", "status"] == "not_estimable"
    assert (expected["lower"] < expected["estimate"]).sum() == 2
    text = "\n".join(output._repr_markdown_() for _, output in shown.cells if hasattr(output, "_repr_markdown_"))
    assert re.search(r"- idwiki: 1,570 editors .* to 2026-04-30; within 8 weeks 2,533 \([\d,]+ – [\d,]+\)", text)
    assert re.search(r"- thwiki: 13 editors .*; nothing is projected", text)


@pytest.mark.dbt
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_as_a_script(name, published):
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_page_shows_the_code_of_its_notebook_and_pictures_that_are_there(name):
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    codes = [code for code in execute._codes((FOLDER / f"{name}.py").read_text(encoding="utf-8")) if code]
    assert re.findall(r"```python\n(.*?)\n```", page, re.DOTALL) == codes, RENEW
    for code in codes:
        ast.parse(code)
    pictures = re.findall(r"!\[.+\]\((.+\.svg)\)", page)
    assert pictures, RENEW
    assert {path.name for path in FOLDER.glob(f"{name}-*.svg")} == set(pictures), RENEW
    for picture in pictures:
        svg = (FOLDER / picture).read_text(encoding="utf-8")
        assert "estimates_marks" in svg
        assert not re.search(r"(?:href|src)=\"https?:|url\(https?:", svg)  # a picture that fetches nothing


def test_pages_and_pictures_are_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) < MOST_BYTES
