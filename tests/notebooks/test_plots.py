"""Charts that honour the status of a number."""

from __future__ import annotations

import pandas as pd
import pytest
from scenegraph import marks, rows

from jobs.errors import UsageError
from jobs.words import STATUSES
from pdmetrics import plots

# Rows whose status forbids a number have one all the same here: it must not be drawn.
EVERY_STATUS = pd.DataFrame(
    {
        "window_start": pd.date_range("2026-03-02", periods=6, freq="7D"),
        "element_friendly_name": [f"link {letter}" for letter in "fedcba"],
        "estimate": [0.2] * 6,
        "lower": [0.1] * 6,
        "upper": [0.3] * 6,
        "status": list(STATUSES),
        "status_reason": ["because"] * 6,
    }
)


def test_each_status_is_drawn_as_what_it_may_say():
    chart = plots.with_intervals(EVERY_STATUS, "window_start", title="A share", unit="share of users")
    drawn = marks(chart)
    assert {name: len(items) for name, items in drawn.items()} == {
        "intervals": 2, "bounds": 1, "estimates": 2, "refused": 3,
    }  # fmt: skip
    assert {item["y"] for item in drawn["refused"]} == {plots.HEIGHT}
    assert [item["text"] for item in drawn["refused"]] == ["✕", "■", "○"]
    assert all(0 < item["y"] < plots.HEIGHT for item in drawn["estimates"])
    assert len({item["shape"] for item in drawn["estimates"]}) == 2


def test_a_number_that_the_status_forbids_is_not_even_carried():
    carried = {row["status"]: row for row in rows(plots.with_intervals(EVERY_STATUS, "window_start", title="A share"))}
    assert [status for status, row in carried.items() if row["estimate"] is not None] == ["publish", "caution"]
    assert [status for status, row in carried.items() if row["lower"] is not None] == [
        "publish", "caution", "bounds_only",
    ]  # fmt: skip


def test_days_go_to_the_right_and_names_down_in_their_order():
    days = marks(plots.with_intervals(EVERY_STATUS, "window_start", title="Days"))
    assert rows(plots.with_intervals(EVERY_STATUS, "window_start", title="Days"))[0]["window_start"] == "2026-03-02"
    across = [item["x"] for item in (*days["estimates"], *days["bounds"], *days["refused"])]
    assert across == sorted(across)
    names = marks(plots.with_intervals(EVERY_STATUS, "element_friendly_name", title="Names"))
    assert {item["x"] for item in names["refused"]} == {0}
    down = [item["y"] for item in (*names["estimates"], *names["bounds"], *names["refused"])]
    assert down == sorted(down)


def test_a_panel_for_each_value_and_a_legend_of_what_is_there():
    twice = pd.concat([EVERY_STATUS.assign(wiki_db="a"), EVERY_STATUS.assign(wiki_db="b")])
    chart = plots.with_intervals(twice[twice["status"] != "suppressed"], "window_start", by="wiki_db", title="Two")
    assert len(marks(chart)["estimates"]) == 4
    assert chart.title.subtitle == "● publish, ▲ caution, ↔ bounds only, ✕ not estimable, ○ not measured"


def test_shares_are_in_per_cent_and_counts_are_not():
    for unit, format_of_axis in (("share of users", "%"), ("users", None)):
        spec = plots.with_intervals(EVERY_STATUS, "window_start", title="x", unit=unit).to_dict()
        axis = spec["layer"][0]["encoding"]["y"]["axis"]
        assert axis.get("format") == format_of_axis


@pytest.mark.parametrize("along", ["window_start", "wiki_db"])
def test_an_axis_begins_at_zero_where_sizes_are_compared(along):
    for from_zero in (False, True):
        spec = plots.with_intervals(EVERY_STATUS.assign(wiki_db="a"), along, title="x", from_zero=from_zero).to_dict()
        measured = spec["layer"][2]["encoding"]["y" if along == "window_start" else "x"]
        assert measured["scale"]["zero"] is from_zero


def test_no_row_and_a_missing_column_are_errors_that_say_so():
    with pytest.raises(UsageError, match="no row"):
        plots.with_intervals(EVERY_STATUS[:0], "window_start", title="x")
    with pytest.raises(UsageError, match="no column lower, wiki_db"):
        plots.with_intervals(EVERY_STATUS.drop(columns="lower"), "window_start", by="wiki_db", title="x")
