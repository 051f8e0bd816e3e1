"""Rows of the audience: every asked cell once, hidden where few, projected on the longest window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pandas as pd
import pytest

from jobs.audience import Band, Choices
from jobs.contracts import table
from jobs.errors import UsageError
from jobs.rows.audience import PROJECTED, Asked, AudienceRows, audience_rows, with_projection

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)
COLUMNS = [
    "as_of_date", "wiki_db", "band", "window_days", "choice", "alternative", "n_editors", "n_new_to_band",
    "n_left_band",
]  # fmt: skip
ASKED = Asked(
    "2026-02", ["trwiki", "idwiki"], [FEBRUARY], [Band(100, 500), Band(100, 300)], [28, 14], Choices(),
    date(2026, 1, 4), FEBRUARY, "2026-01-04/2026-02-28",
)  # fmt: skip
NUMBERS = ["estimate", "lower", "upper", "observed_numerator", "n_users_observed", "n_effective"]


def cell(n: int | None, days: int = 28, wiki: str = "idwiki", band: str = "100-500", **other: Any) -> dict[str, Any]:
    own = {"as_of_date": FEBRUARY, "wiki_db": wiki, "band": band, "window_days": days, "choice": None,
           "alternative": None, "n_editors": n, "n_new_to_band": 3, "n_left_band": 2}  # fmt: skip
    return own | other


def alternative(choice: str, other: str, n: int | None, **more: Any) -> dict[str, Any]:
    return cell(n, choice=choice, alternative=other, n_new_to_band=None, n_left_band=None, **more)


def made(*cells: dict[str, Any], asked: Asked = ASKED, min_users: int = 10) -> AudienceRows:
    return audience_rows(pd.DataFrame(list(cells), columns=COLUMNS), asked, min_users)


def one(frame: pd.DataFrame, wiki: str = "idwiki", band: str = "100-500", days: int = 28) -> dict[str, Any]:
    bands = frame["band"] if "band" in frame else frame["edit_count_bucket"]
    (row,) = frame[(frame["wiki_db"] == wiki) & (bands == band) & (frame["window_days"] == days)].to_dict("records")
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def test_every_asked_cell_has_a_row_in_the_contracts_columns() -> None:
    asked = replace(ASKED, as_of=[FEBRUARY, JANUARY, FEBRUARY], bands=[*ASKED.bands, *ASKED.bands])
    rows = made(cell(25), asked=asked)
    for frame, name in zip(rows, ("audience", "audience_values", "audience_alternatives"), strict=True):
        assert list(frame.columns) == list(table(name).columns)
        assert not frame.duplicated(list(table(name).grain)).any()
    keys = list(product([JANUARY, FEBRUARY], ["idwiki", "trwiki"], ["100-300", "100-500"], [14, 28]))
    assert (
        list(rows.audience[["as_of_date", "wiki_db", "band", "window_days"]].itertuples(index=False, name=None)) == keys
    )
    assert len(rows.values) == len(keys)
    assert len(rows.alternatives) == 9 * len(keys)
    assert rows.audience["n_editors"].sum() == 25
    assert rows.alternatives["n_editors"].sum() == 0


def test_a_row_of_the_table() -> None:
    row = one(made(cell(160), cell(100, days=14)).audience)
    assert row == {
        "as_of_date": FEBRUARY, "wiki_db": "idwiki", "band": "100-500", "window_days": 28,
        "window_start": date(2026, 2, 1), "snapshot": "2026-02", "definition": "",
        "read_from": date(2026, 1, 4), "read_to": FEBRUARY, "days_read": "2026-01-04/2026-02-28",
        "n_editors": 160, "n_new_to_band": 3, "n_left_band": 2, "growth_exponent": pytest.approx(0.678, abs=5e-4),
        "projected_days": 56, "projected": pytest.approx(256), "projected_lower": pytest.approx(181.02, abs=0.01),
        "projected_upper": pytest.approx(320),
    }  # fmt: skip


def test_a_metric_value() -> None:
    assert one(made(cell(160)).values) == {
        "metric": "eligible_editors", "metric_version": 1, "wiki_db": "idwiki", "window_kind": "rolling",
        "metric_date": date(2026, 2, 1), "as_of_date": FEBRUARY, "window_days": 28, "element_friendly_name": "all",
        "client_platform_family": "all", "edit_count_bucket": "100-500", "inference": "realised", "estimate": 160,
        "lower": 160, "upper": 160, "observed_numerator": 160, "observed_denominator": None,
        "n_users_observed": 160, "n_effective": 160, "estimator": "count", "sampling_unit": None,
        "sampling_rate_min": 1, "sampling_rate_max": 1, "status": "publish", "status_reason": "", "remedy": None,
        "series_break": None, "is_complete": True,
    }  # fmt: skip


@pytest.mark.parametrize(("n", "is_hidden"), [(0, False), (1, True), (9, True), (10, False)])
def test_few_editors_are_hidden_as_everywhere(n: int, is_hidden: bool) -> None:
    row = one(made(cell(n)).values)
    assert [row[name] for name in NUMBERS] == [None if is_hidden else n] * len(NUMBERS)
    assert row["status"] == ("suppressed" if is_hidden else "publish")
    assert row["status_reason"] == ("fewer than 10 users: not shown, to protect them" if is_hidden else "")


def test_the_projection_stands_on_the_longest_shorter_window_only() -> None:
    rows = made(cell(160), cell(100, days=14), cell(40, days=7), asked=replace(ASKED, windows=[7, 14, 28])).audience
    assert one(rows)["projected"] == pytest.approx(256)
    for days in (7, 14):
        assert [one(rows, days=days)[name] for name in PROJECTED] == [None] * len(PROJECTED)


@pytest.mark.parametrize("cells", [[cell(160), cell(9, days=14)], [cell(9), cell(4, days=14)], [cell(160)]])
def test_a_hidden_count_is_not_told_by_a_projection(cells: list[dict[str, Any]]) -> None:
    row = one(made(*cells).audience)
    assert (row["projected"], row["growth_exponent"]) == (None, None)


def test_the_metric_has_no_value_by_another_definition() -> None:
    asked = replace(ASKED, choices=Choices(namespace="current", bots="now"))
    rows = made(cell(25), asked=asked)
    assert set(rows.audience["definition"]) == {"namespace=current, bots=now"}
    assert one(rows.audience)["n_editors"] == 25
    for frame, name in ((rows.values, "audience_values"), (rows.alternatives, "audience_alternatives")):
        assert list(frame.columns) == list(table(name).columns)
        assert frame.empty


def test_windows_are_projected_with_those_of_their_own_source_only() -> None:
    rows = made(cell(160), cell(100, days=14), cell(230, days=56), asked=replace(ASKED, windows=[14, 28, 56])).audience
    assert [one(rows, days=days)["projected"] for days in (14, 28, 56)] == [None, pytest.approx(256), None]
    for column, other in (("definition", "bots=now"), ("snapshot", "2026-03")):
        apart = rows.assign(**{column: rows[column].mask(rows["window_days"] == 14, other)})
        assert with_projection(apart, 10)["projected"].isna().all()
    assert with_projection(rows, 10).equals(rows)


def test_a_longer_window_of_the_same_snapshot_is_the_most_there_can_be() -> None:
    cells = cell(160), cell(100, days=14), cell(230, days=59)
    rows = made(*cells, asked=replace(ASKED, windows=[14, 28, 59])).audience
    row = one(rows)
    assert (row["projected"], row["projected_upper"]) == (230, 230)
    assert row["projected_lower"] == pytest.approx(181.02, abs=0.01)
    other = rows.assign(snapshot=rows["snapshot"].mask(rows["window_days"] == 59, "2026-03"))
    assert one(with_projection(other, 10))["projected"] == pytest.approx(256)
    hidden = with_projection(rows, 231)
    assert hidden["projected"].isna().all()


def test_alternatives_are_zero_where_nobody_is_and_null_where_nobody_knows() -> None:
    cells = [cell(25), alternative("bots", "now", 26), alternative("cross_wiki", "out", None)]
    rows = made(*cells).alternatives
    own = rows[(rows["wiki_db"] == "idwiki") & (rows["band"] == "100-500") & (rows["window_days"] == 28)]
    found = {row.alternative: row.n_editors for row in own.itertuples() if row.choice in ("bots", "cross_wiki")}
    assert found == {"now": 26, "then": 0, "counted": 0, "out": pd.NA}


def test_nobody_can_be_left_out_whom_the_dump_does_not_mark() -> None:
    asked = replace(ASKED, choices=Choices(cross_wiki="out"))
    with pytest.raises(UsageError, match="cross-wiki accounts of idwiki") as caught:
        made(cell(None), asked=asked)
    assert caught.value.where == '[audience] cross_wiki = "out"'
    assert made(cell(12), asked=asked).audience["n_editors"].sum() == 12
