"""Which counts of eligible editors leave: no small cell, none that gives one away, nothing that follows from them."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from jobs.report.cells_audience import COLUMNS, GROWTH, audience
from jobs.report.cells_beside import milestones
from tests.report.site_frames import cells, eligible, eligibles, milestone

UNITS = {"eligible_editors": "users"}


def shown(*rows):
    """Editors of each band and window, null where they are hidden."""
    left = eligibles(*rows)
    return left.set_index(["band", "window_days"])["n_editors"].replace(np.nan, None).to_dict()


def test_a_small_cell_is_hidden_and_nobody_is_told():
    assert shown(eligible("a", 4, 9.0)) == {("100-500", 28): None}
    assert shown(eligible("a", 4, 10.0)) == {("100-500", 28): 10.0}
    assert shown(eligible("a", 4, 0.0)) == {("100-500", 28): 0.0}


@pytest.mark.parametrize(
    ("inner", "is_hidden"),
    [
        ({"n": 491.0, "window_days": 14}, True),
        ({"n": 490.0, "window_days": 14}, False),
        ({"n": 500.0, "window_days": 14}, False),
        ({"n": 499.0, "band": "100-300"}, True),
        ({"n": 499.0, "band": "100-300", "window_days": 14}, True),
        ({"n": 499.0, "band": "50-300"}, False),  # it reaches out of the other
        ({"n": 499.0, "band": "100-300", "month": 3}, False),  # of another date
        ({"n": 499.0, "wiki": "b"}, False),
    ],
)
def test_what_leaves_few_between_itself_and_a_cell_around_it_goes(inner, is_hidden):
    usual = {"wiki": "a", "month": 4, **inner}
    left = eligibles(eligible("a", 4, 500.0), eligible(usual.pop("wiki"), usual.pop("month"), **usual))
    is_outer = (left["wiki_db"] == "a") & (left["band"] == "100-500") & (left["window_days"] == 28)
    outer = left[is_outer & (left["as_of_date"] == left["as_of_date"].max())]
    assert outer["n_editors"].tolist() == [500.0]
    others = left.drop(outer.index)
    assert others["n_editors"].isna().tolist() == [is_hidden]
    assert others["gives_away"].tolist() == [is_hidden]


def test_a_wide_band_with_few_around_a_narrow_one_goes_over_all_three():
    rows = shown(
        eligible("a", 4, 500.0), eligible("a", 4, 496.0, band="100-400"), eligible("a", 4, 492.0, band="100-300")
    )
    assert rows == {("100-500", 28): 500.0, ("100-400", 28): None, ("100-300", 28): None}


def test_who_came_and_who_left_go_with_their_cell_and_where_they_are_few_or_leave_few():
    def told(**other):
        (row,) = eligibles(eligible("a", 4, 50.0, **other)).to_dict("records")
        return [None if pd.isna(row[name]) else row[name] for name in ("n_new_to_band", "n_left_band")]

    assert told() == [40.0, 25.0]
    assert told(n_new_to_band=9.0, n_left_band=9.0) == [None, None]
    assert told(n_new_to_band=45.0, n_left_band=60.0) == [None, 60.0]  # who left is none of the 50
    assert told(n_new_to_band=50.0, n_left_band=0.0) == [50.0, 0.0]
    (few,) = eligibles(eligible("a", 4, 5.0)).to_dict("records")
    assert pd.isna([few["n_new_to_band"], few["n_left_band"]]).all()


@pytest.mark.parametrize(
    ("inner", "is_told"),
    [
        ({"n_new_to_band": 58.0}, False),  # 60 of the wide band: two came and went on
        ({"n_new_to_band": 60.0}, True),
        ({"n_new_to_band": 50.0}, True),
        ({"n_editors": 488.0, "n_new_to_band": 50.0}, False),  # 440 and 438 were there before
        ({"n_editors": 488.0, "n_new_to_band": 48.0}, True),
    ],
)
def test_newcomers_go_where_they_or_who_was_there_before_leave_few_around_them(inner, is_told):
    left = eligibles(
        eligible("a", 4, 500.0, n_new_to_band=60.0),
        eligible("a", 4, inner.pop("n_editors", 350.0), band="100-300", **inner),
    ).set_index("band")
    assert left["n_editors"].notna().all()
    assert left["n_new_to_band"].notna().to_dict() == {"100-500": True, "100-300": is_told}


def test_who_left_goes_where_few_are_between_a_cell_and_one_around_it():
    left = eligibles(eligible("a", 4, 500.0), eligible("a", 4, 350.0, band="100-300", n_left_band=23.0))
    assert left.set_index("band")["n_left_band"].dropna().to_dict() == {"100-500": 25.0}


def test_newcomers_of_a_window_with_the_same_editors_tell_those_that_are_hidden():
    left = eligibles(
        eligible("a", 4, 500.0, n_new_to_band=60.0, window_days=14),
        eligible("a", 4, 350.0, n_new_to_band=58.0, window_days=14, band="100-300"),
        eligible("a", 4, 350.0, n_new_to_band=58.0, band="100-300"),
    )
    assert left.set_index(["band", "window_days"])["n_new_to_band"].dropna().to_dict() == {("100-500", 14): 60.0}


def test_eight_weeks_of_another_snapshot_leave_a_projection():
    growth = dict.fromkeys(GROWTH, 56.0)
    rows = [eligible("a", 4, 500.0, **growth), eligible("a", 4, 700.0, window_days=56)]
    assert eligibles(*rows)["projected"].isna().all()
    assert eligibles(rows[0], {**rows[1], "snapshot": "2026-05"})["projected"].notna().tolist() == [True, False]


def test_a_projection_tells_both_windows_and_goes_with_either():
    growth = {"growth_exponent": 0.6789, "projected_days": 56.0, "projected": 812.4, "projected_lower": 700.6,
              "projected_upper": 951.5}  # fmt: skip
    left = eligibles(
        eligible("a", 4, 500.0, **growth), eligible("a", 4, 495.0, window_days=14),
        eligible("b", 4, 500.0, **growth), eligible("b", 4, 300.0, window_days=14),
    )  # fmt: skip
    long = left[left["window_days"] == 28].set_index("wiki_db")
    assert long.loc["a", list(GROWTH)].isna().all()
    assert long.loc["b", list(GROWTH)].tolist() == [0.68, 56.0, 812.0, 701.0, 952.0]


def test_a_change_is_told_where_both_months_are_shown():
    left = eligibles(
        eligible("a", 1, 100.0), eligible("a", 2, 110.0, change_from_month_before=10.0),
        eligible("a", 3, 9.0, change_from_month_before=-101.0), eligible("a", 4, 100.0, change_from_month_before=91.0),
    )  # fmt: skip
    changes = left.set_index("month")["change_from_month_before"]
    assert changes.iloc[1] == 10.0
    assert changes.iloc[[0, 2, 3]].isna().all()


def test_rows_of_another_definition_stay_inside():
    marked = [eligible("a", 4, n) | {"definition": text} for n, text in ((50.0, ""), (60.0, "bots=now"))]
    with duckdb.connect() as connection:
        connection.register("rows", pd.DataFrame(marked))
        connection.execute("create table fct_audience as from rows")
        connection.execute("create table rpt_audience_month as select *, as_of_date as window_end from rows limit 1")
        left = audience(lambda sql: connection.sql(sql).df(), 10)
    assert left["n_editors"].tolist() == [50.0]
    assert "definition" not in left.columns


def test_marts_of_before_the_month_named_two_snapshots_have_none_until_the_next_run():
    with duckdb.connect() as connection:
        connection.register("rows", pd.DataFrame([eligible("a", 4, 50.0)]))
        connection.execute("create table fct_audience as select *, '' as definition from rows")
        connection.execute(
            "create table rpt_audience_month as select * exclude snapshot_before, as_of_date as window_end from rows"
        )
        left = audience(lambda sql: connection.sql(sql).df(), 10)
    assert list(left.columns) == [*COLUMNS, "gives_away"]
    assert left.empty


def test_without_any_row_there_are_the_columns():
    assert list(eligibles().columns) == [*COLUMNS, "gives_away"]


@pytest.mark.parametrize(
    ("wiki", "n", "is_told"), [("a", 500.0, True), ("a", 495.0, False), ("a", 321.0, False), ("pilot", 700.0, False)]
)
def test_a_milestone_of_editors_leaves_where_its_count_does(wiki, n, is_told):
    """14 days of wiki a are withheld: neither they are told nor a sum that they are in."""
    audience = eligibles(eligible("a", 4, 500.0), eligible("a", 4, 495.0, window_days=14))
    days = 28 if n == 500 else 14
    row = milestone(
        metric="eligible_editors", wiki_db=wiki, window_kind="rolling", window_days=days, estimate=n, lower=n, upper=n,
        window_start=audience["window_start"].iloc[0], window_end=audience["as_of_date"].iloc[0],
    )  # fmt: skip
    left = milestones(pd.DataFrame([row]), cells(), audience, UNITS)
    assert left["estimate"].notna().tolist() == [is_told]
    assert left["share_reached"].notna().tolist() == [is_told]


def test_a_sum_over_pilots_leaves_where_no_part_is_withheld():
    audience = eligibles(eligible("a", 4, 500.0), eligible("b", 4, 200.0))
    row = milestone(metric="eligible_editors", wiki_db="pilot", window_kind="rolling", window_days=28, estimate=700.0)
    assert milestones(pd.DataFrame([row]), cells(), audience, UNITS)["estimate"].tolist() == [700.0]
    other = milestone(metric="dashboard_visitors", wiki_db="pilot", window_kind="rolling", window_days=28)
    units = {"dashboard_visitors": "users"}
    assert milestones(pd.DataFrame([other]), cells(), audience, units)["estimate"].isna().all()


WITHHELD = eligibles(eligible("a", 4, 500.0), eligible("a", 4, 495.0, window_days=14), eligible("b", 4, 200.0))
BEGIN = "The target is {} (20% of {} eligible editors of a in 28 days, as of 2026-04-30). It grows."


@pytest.mark.parametrize(("wiki", "is_told"), [("a", False), ("pilot", False), ("b", True)])
def test_the_size_of_an_audience_that_is_withheld_is_told_neither_in_words_nor_as_a_target(wiki, is_told):
    row = milestone(metric="dashboard_visitors", wiki_db=wiki, target=100.0, reason=BEGIN.format("100", "500"))
    units = {"dashboard_visitors": "users"}
    (left,) = milestones(pd.DataFrame([row]), cells(), WITHHELD, units).to_dict("records")
    assert left["reason"] == (row["reason"] if is_told else BEGIN.format("…", "…"))
    assert (left["target"] == 100.0) is is_told
    assert pd.isna(left["target"]) is not is_told


def test_a_target_of_its_own_is_told_beside_an_audience_that_is_withheld():
    shown = eligibles(eligible("a", 4, 500.0), eligible("a", 4, 490.0, band="1-300"))
    row = milestone(metric="dashboard_visitors", wiki_db="a", target=100.0, reason="It grows.")
    units = {"dashboard_visitors": "users"}
    for editors in (WITHHELD, shown):
        (left,) = milestones(pd.DataFrame([row]), cells(), editors, units).to_dict("records")
        assert (left["target"], left["reason"]) == (100.0, "It grows.")
