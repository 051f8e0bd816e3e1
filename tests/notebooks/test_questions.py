"""The ten questions of docs/questions.md: every statement of the page runs, and answers what it says."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pdmetrics import marts

PAGE = (Path(__file__).parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```sql\n(.*?)```\n\n<!-- answer -->\n\n(.*?)\n\n<!-- end -->", re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
NO_ROW = "No row."  # what the page says of an answer that may be empty


def of_question(number: int, block: int = 0) -> str:
    """The SQL of a question."""
    text = re.split(r"^## \d+\. ", PAGE, flags=re.MULTILINE)[number]
    return BLOCK.findall(text)[block][0]


def test_there_are_ten_questions_each_with_sql_and_an_answer():
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. .+\?$", PAGE, re.MULTILINE)]
    assert numbers == list(range(1, 11))
    assert all(of_question(number) for number in numbers)
    assert PAGE.count("```sql") == len(BLOCKS), "each statement has an answer below it: make notebooks"


@pytest.mark.dbt
@pytest.mark.parametrize("sql_and_answer", BLOCKS, ids=[" ".join(sql.split())[:50] for sql, _ in BLOCKS])
def test_a_statement_has_the_columns_of_its_answer_and_rows(sql_and_answer, published):
    sql, answer = sql_and_answer
    rows = marts.sql(sql)
    if answer == NO_ROW:
        assert "No row is the best answer" in PAGE
        return
    header = [name.strip() for name in answer.splitlines()[0].strip("|").split("|")]
    assert list(rows.columns) == header, "make notebooks"
    assert len(rows) > 0


@pytest.mark.dbt
def test_the_share_of_the_quarter_is_the_contracts_row(published):
    found = marts.sql(of_question(1)).set_index("inference")
    expected = marts.sql(
        "select * from fct_metric_values where metric = 'two_day_review_rate' and wiki_db = 'idwiki'"
        " and window_kind = 'quarter_to_date'"
        " and as_of_date = (select max(as_of_date) from fct_metric_values where edit_count_bucket = 'all')"
    ).set_index("inference")
    assert list(found.index) == ["realised", "process"]
    for column in ("estimate", "lower", "upper", "status"):
        assert found[column].to_dict() == expected[column].to_dict()
    assert found.loc["realised", "lower"] == found.loc["realised", "upper"]
    assert found.loc["process", "lower"] < found.loc["realised", "estimate"] < found.loc["process", "upper"]


@pytest.mark.dbt
def test_the_change_is_this_weeks_number_less_last_weeks(published):
    found = marts.sql(of_question(2))
    shares = found["two_day_review_rate"].tolist()
    assert found["change"].tolist()[0] == pytest.approx(shares[0] - shares[1])
    assert found["lower"][0] < found["change"][0] < found["upper"][0]
    assert found["window_start"].is_monotonic_decreasing


@pytest.mark.dbt
def test_what_cannot_be_told_has_a_reason_and_a_remedy(published):
    found = marts.sql(of_question(3))
    assert set(found["status"]) == {"not_estimable"}
    assert found["status_reason"].notna().all()
    assert found["remedy"].notna().all()
    assert set(found["rate"]) == {0.1}


@pytest.mark.dbt
def test_review_clicks_by_link_add_up_to_the_groups(published):
    found = marts.sql(of_question(5, 1))
    shown = found.dropna(subset="share_of_review_clicks")
    sums = shown.groupby("wiki_db")["share_of_review_clicks"].sum()
    complete = found.groupby("wiki_db")["share_of_review_clicks"].apply(lambda shares: shares.notna().all())
    assert complete.any()
    assert sums[complete].tolist() == pytest.approx([1.0] * int(complete.sum()))


@pytest.mark.dbt
def test_editors_are_those_of_the_newest_snapshot_and_eight_weeks_are_no_double(published):
    found = marts.sql(of_question(9))
    assert set(found["snapshot"]) == {"2026-04"}
    idwiki = found[found["wiki_db"] == "idwiki"].set_index("window_days")
    assert idwiki.loc[28, "n_editors"] < idwiki.loc[28, "within_8_weeks"] < 2 * idwiki.loc[28, "n_editors"]
    assert idwiki.loc[28, "lower"] < idwiki.loc[28, "within_8_weeks"] < idwiki.loc[28, "upper"]
    rows = marts.sql(
        "select estimate from fct_metric_values where metric = 'eligible_editors' and wiki_db = 'idwiki'"
        " and edit_count_bucket = '100-500' and window_days = 28 and as_of_date = date '2026-04-30'"
    )
    assert rows["estimate"].tolist() == [idwiki.loc[28, "n_editors"]]


def test_eight_weeks_are_the_count_where_56_days_were_counted_in_the_same_snapshot() -> None:
    """idwiki's were counted; enwiki's too, but in another snapshot; of thwiki the projection stands on 42 days."""
    name = "within_8_weeks"
    rows = [("idwiki", 28, 632, "2026-03", 1014.0), ("idwiki", 56, 929, "2026-03", None),
            ("enwiki", 28, 3651, "2026-03", 5872.2), ("enwiki", 56, 5400, "2026-04", None),
            ("thwiki", 28, 351, "2026-03", None), ("thwiki", 42, 450, "2026-03", 531.0)]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute(
            "create table fct_audience (wiki_db varchar, window_days int, n_editors int, snapshot varchar, projected "
            "double, projected_lower double, projected_upper double, band varchar default '100-500', definition "
            "varchar default '', as_of_date date default date '2026-03-31', n_new_to_band int, n_left_band int)"
        )
        insert = "insert into fct_audience (wiki_db, window_days, n_editors, snapshot, projected, projected_lower, "
        connection.executemany(
            f"{insert} projected_upper) values (?, ?, ?, ?, ?, ?, ?)", [(*row, row[-1], row[-1]) for row in rows]
        )
        found = connection.sql(of_question(9)).df()
    told = found[found[name].notna()].drop_duplicates("wiki_db", keep="last").set_index("wiki_db")
    for column in (name, "lower", "upper"):
        assert told[column].to_dict() == {"idwiki": 929, "enwiki": 5872, "thwiki": 531}


@pytest.mark.dbt
def test_lines_of_the_last_days_are_those_of_the_log(published):
    found = marts.sql(of_question(7)).set_index("ingest_date")
    kept = marts.sql("select ingest_date, sum(n_lines) as n from fct_ingest_log where fate = 'kept' group by 1")
    assert len(found) == 3
    assert found["kept"].to_dict() == {day: n for day, n in kept.itertuples(index=False) if day in set(found.index)}
