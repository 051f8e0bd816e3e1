"""Words of a cell: true for every status, and the same in tables and sentences."""

from __future__ import annotations

import pytest

from jobs.report.charts_sentences import cell_text, change_sentence, counted, mark_text
from tests.report.site_frames import MONDAY, WEEK, cell

USERS, SHARE = "users", "share of users"
REASON = {"status_reason": "Only 12 were kept."}
CASES = [
    # row, unit, what is told, what a drawing has room for
    ({"exact": 1467.0}, USERS, "1,467 (exact)", "1,467"),
    ({"exact": 0.0}, USERS, "0 (exact)", "0"),
    ({"estimate": 0.239, "lower": 0.21, "upper": 0.268}, SHARE, "23.9 % (21.0 – 26.8)", "23.9 %"),
    ({"exact": 1.6}, "clicks per impression", "160.0 % (exact)", "160.0 %"),
    ({"exact": 5.0, "status_reason": "as seen at 10 %"}, USERS, "5 (exact); as seen at 10 %", "5"),
    (
        {"estimate": 31.0, "lower": 31.0, "upper": 40.0, "status": "caution", **REASON},
        USERS, "31 (31 – 40); caution: Only 12 were kept", "31 ▲",
    ),
    (
        {"lower": 0.0, "upper": 0.218, "status": "bounds_only", **REASON},
        SHARE, "0.0 – 21.8 %; bounds only: Only 12 were kept", "0.0 – 21.8 %",
    ),
    ({"status": "not_estimable", **REASON}, SHARE, "not estimable: Only 12 were kept", "✕ not estimable"),
    ({"status": "suppressed"}, USERS, "suppressed", "■ suppressed"),
    ({"status": "not_measured", **REASON}, USERS, "not measured: Only 12 were kept", "○ not measured"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "unit", "told", "mark"), CASES)
def test_a_cell_says_its_numbers_or_its_status_and_why(row: dict[str, object], unit: str, told: str, mark: str) -> None:
    row_of = cell("any", **row)
    assert (cell_text(row_of, unit), mark_text(row_of, unit)) == (told, mark)


def test_a_status_that_forbids_numbers_shows_none_even_where_the_row_has_them() -> None:
    for status in ("suppressed", "not_estimable", "not_measured"):
        hidden = cell("any", exact=7.0, status=status)
        assert "7" not in cell_text(hidden, USERS) + mark_text(hidden, USERS)


def test_no_row_is_no_status() -> None:
    assert cell_text(None, USERS) == mark_text(None, USERS) == "no row"


def _told(
    change: dict[str, object], unit: str, newest: float = 110, before: float = 100, *, of_process: bool = False
) -> str:
    change = {"change_reason": None, **change}
    cells = cell("any", exact=newest), cell("any", start=MONDAY - WEEK, exact=before)
    return change_sentence({f"{MONDAY:%Y-%m-%d}": change}, *cells, unit, of_process=of_process)


@pytest.mark.parametrize(
    ("change", "unit", "told"),
    [
        ((44, -20, 108), USERS, "44 (44.0 %) more than the week before (interval −20 to +108, so it may be no change "
                                "at all)."),
        ((-10, -15, -5), USERS, "10 (10.0 %) less than the week before (interval −15 to −5)."),
        ((10, 10, 10), USERS, "10 (10.0 %) more than the week before (exact)."),
        ((0, 0, 0), USERS, "The same as the week before (exact)."),
        ((3, None, None), USERS, "3 (3.0 %) more than the week before (its interval is not known)."),
    ],
)  # fmt: skip
def test_a_change_says_its_size_its_way_and_how_sure_it_is(change: tuple[object, ...], unit: str, told: str) -> None:
    assert _told(dict(zip(("change", "change_lower", "change_upper"), change, strict=True)), unit) == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((0.003, -0.037, 0.042), "0.3 pp more than the week before; in general −3.7 to +4.2 pp, so it may be chance."),
        ((0.011, 0.002, 0.02), "1.1 pp more than the week before; in general +0.2 to +2.0 pp."),
        ((0.0, -0.01, 0.01), "The same as the week before; in general −1.0 to +1.0 pp, so it may be chance."),
        ((0.011, None, None), "1.1 pp more than the week before; how much in general is not known."),
    ],
)
def test_what_happened_moved_as_it_did_and_the_interval_is_of_what_holds_in_general(
    change: tuple[object, ...], told: str
) -> None:
    row = dict(zip(("change", "change_lower", "change_upper"), change, strict=True))
    assert _told(row, SHARE, 0.134, 0.131, of_process=True) == told


def test_no_change_says_why() -> None:
    reason = {"change": None, "change_lower": None, "change_upper": None, "change_reason": "the rate changed."}
    assert _told(reason, USERS) == "No change from the week before is told: the rate changed."
    newest, lost = cell("any", exact=5.0), cell("any", start=MONDAY - WEEK, status="not_measured")
    assert (
        change_sentence({}, newest, lost, USERS, of_process=True) == "The week before has no estimate to compare with."
    )
    assert change_sentence({}, newest, None, USERS, of_process=True) == "There is no week before it to compare with."
    assert change_sentence({}, lost, newest, USERS, of_process=True) == ""


def test_a_change_from_zero_has_no_share() -> None:
    change = {"change": 4.0, "change_lower": 4.0, "change_upper": 4.0}
    assert _told(change, USERS, 4, 0) == "4 more than the week before (exact)."


def test_cells_are_counted_by_what_they_show() -> None:
    shown, hidden, lost = cell("any", exact=1.0), cell("any", status="suppressed"), cell("any", status="not_measured")
    assert counted([shown, hidden, hidden, lost, None], "weeks") == (
        "Of 5 weeks 1 has an estimate, 2 are suppressed (■), 1 is not measured (○) and 1 is without a row."
    )
    assert counted([hidden, hidden], "weeks") == "Of 2 weeks none has an estimate and 2 are suppressed (■)."
    assert counted([shown, shown], "weeks") == "Both weeks have an estimate."
    assert counted([shown], "weeks") == ""
