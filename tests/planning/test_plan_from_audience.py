"""`plan-sampling --from-audience`: which count is taken, who of it visits, and what is said where there is none."""

from __future__ import annotations

import dataclasses
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from jobs.audience_tables import AUDIENCE_TABLES
from jobs.cli import main
from jobs.columns import BOOLEAN
from jobs.errors import UsageError
from jobs.planning.people import plan_people, plan_presented
from jobs.planning.scenario import Scenario, Setting
from jobs.schemas import arrow_schema
from jobs.steps.plan_audience import from_audience
from jobs.table import METRIC_COLUMNS
from jobs.warehouse.runs import Warehouse

MARCH, FEBRUARY = date(2026, 3, 31), date(2026, 2, 28)
GROWN = {"projected_days": 56, "projected": 2010.0, "projected_lower": 1422.0, "projected_upper": 2480.0}


def count(wiki: str = "idwiki", n: int | None = 1240, days: int = 28, **more: Any) -> dict[str, Any]:
    row = {
        "wiki_db": wiki,
        "as_of_date": MARCH,
        "band": "100-500",
        "window_days": days,
        "snapshot": "2026-03",
        "definition": "",
    }
    return {**row, "n_editors": n, "is_suppressed": True, **more}  # of newcomers, say


def visitors(n: float | None, on: date = date(2026, 4, 12), **more: Any) -> dict[str, Any]:
    return {
        "metric": "dashboard_visitors", "wiki_db": "idwiki", "window_kind": "rolling", "window_days": 28,
        "inference": "realised", "edit_count_bucket": "all", "as_of_date": on, "estimate": n, "status": "publish",
        **more,
    }  # fmt: skip


COUNTS = [
    count(**GROWN), count(days=14, n=800), count(band="100-300", n=900), count(band="1-9999", n=9000),
    count(n=777, definition="bots=counted"), count(as_of_date=FEBRUARY, n=5000),
    count("thwiki", None), count("trwiki", 70, days=14),
]  # fmt: skip


def published(folder: Path, counts: list[dict[str, Any]], *values: dict[str, Any]) -> Warehouse:
    warehouse = Warehouse(folder)
    columns = {"audience": {**AUDIENCE_TABLES[0].columns, "is_suppressed": BOOLEAN}, "metric_values": METRIC_COLUMNS}
    with duckdb.connect(str(warehouse.marts)) as connection:
        connection.execute("create schema marts")
        for name, rows in (("audience", counts), ("metric_values", list(values))):
            connection.register("given", pa.Table.from_pylist(rows, schema=arrow_schema(columns[name])))
            connection.execute(f"create table marts.fct_{name} as select * from given")
            connection.unregister("given")
    return warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    given = [visitors(93.0), visitors(80.0, FEBRUARY), visitors(None, date(2026, 4, 20), status="bounds_only"),
             visitors(5.0, date(2026, 4, 20), window_days=7)]  # fmt: skip
    return published(tmp_path_factory.mktemp("marts"), COUNTS, *given)


def refusal(warehouse: Warehouse, wiki: str, band: str | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        from_audience(warehouse, wiki, band)
    return caught.value


def test_the_newest_four_weeks_of_the_first_band_are_taken_and_told(warehouse: Warehouse) -> None:
    found = from_audience(warehouse, "idwiki", None)
    assert found.users == 1240
    assert found.told[0] == (
        "Eligible editors: 1,240 in 28 days to 2026-03-31, band 100-500 (--band takes another: 1-9999, 100-300), "
        "snapshot 2026-03 (fct_audience); in 8 weeks about 2,010 (1,422 to 2,480), projected."
    )
    assert from_audience(warehouse, "idwiki", "100-300").users == 900


def test_who_visits_is_what_is_published_of_the_newest_four_weeks(warehouse: Warehouse) -> None:
    found = from_audience(warehouse, "idwiki", None)
    assert found.visiting_share == pytest.approx(93 / 1240)
    assert found.told[1] == "Who visits: 93 visitors in 28 days to 2026-04-12 over these editors is 7.5 %."


def test_visitors_need_not_be_eligible_and_may_be_unknown(tmp_path: Path) -> None:
    found = from_audience(published(tmp_path, COUNTS, visitors(2480.0)), "idwiki", None)
    assert found.visiting_share == 1
    assert found.told[1].endswith("is 200 %; more than are eligible, since anyone with the address may visit.")
    (tmp_path / "none").mkdir()
    found = from_audience(published(tmp_path / "none", COUNTS), "idwiki", None)
    assert found.visiting_share is None
    assert found.told[1] == (
        "No number of visitors of idwiki in 28 days is published: it is assumed that every eligible editor visits; "
        "if you know that fewer do, --visiting-share takes it."
    )


@pytest.mark.parametrize(
    ("lower", "upper", "told"),
    [
        (
            1847.4, 3458.0,
            "1,847 to 3,458: more than are eligible, since anyone with the address may visit; it is assumed that "
            "every eligible editor visits; if you know that fewer do, --visiting-share takes it.",
        ),
        (700.0, None, "at least 700: it is assumed that every eligible editor visits; if you know"),
        (
            70.0, 300.0,
            "70 to 300: it is assumed that every eligible editor visits, which is too many; --visiting-share takes "
            "less.",
        ),
    ],
)  # fmt: skip
def test_bounds_of_the_visitors_say_whether_everybody_is_too_many(
    tmp_path: Path, lower: float, upper: float | None, told: str
) -> None:
    """What is published is told, and nothing that it contradicts: not every visitor is eligible."""
    bounds = visitors(None, lower=lower, upper=upper, status="bounds_only")
    found = from_audience(published(tmp_path, COUNTS, bounds), "idwiki", None)
    assert found.visiting_share is None
    begin = "Of the visitors of idwiki in 28 days to 2026-04-12 only bounds are published, "
    assert found.told[1].startswith(f"{begin}{told}")


def test_eight_weeks_that_were_counted_are_told_instead_of_the_projection(tmp_path: Path) -> None:
    found = from_audience(published(tmp_path, [*COUNTS, count(days=56, n=1903)]), "idwiki", None)
    assert found.told[0].endswith("(fct_audience); in 8 weeks 1,903, which were counted.")
    for n, less in enumerate(({"n": None}, {"snapshot": "2026-04"}, {"band": "1-9999"})):
        (tmp_path / str(n)).mkdir()
        other = count(**{"days": 56, "n": 1903, **less})
        found = from_audience(published(tmp_path / str(n), [*COUNTS, other]), "idwiki", None)
        assert "about 2,010 (1,422 to 2,480), projected." in found.told[0], "which is another cell, or hidden"


def test_the_newest_count_is_that_of_the_band(tmp_path: Path) -> None:
    older, newer = count(as_of_date=FEBRUARY, n=900), count(band="50-1000", n=3000)
    warehouse = published(tmp_path, [older, newer, count(band="50-1000", days=14, as_of_date=date(2026, 4, 2))])
    found = from_audience(warehouse, "idwiki", None)
    assert found.users == 900
    assert "in 28 days to 2026-02-28, band 100-500 (--band takes another: 50-1000 to 2026-03-31)" in found.told[0]
    assert from_audience(warehouse, "idwiki", "50-1000").users == 3000


@pytest.mark.parametrize(
    ("band", "what", "step"),
    [
        ("100–500", "this is: en dash", "write --band 100-500"),
        ("100 − 500", "no band of edit counts; write the least and the most", ""),
        ("1−9", "this is: minus sign", "write --band 1-9"),
        ("500–100", "no band of edit counts; write the least and the most", ""),
        ("many", "no band of edit counts; write the least and the most", ""),
        ("", "no band of edit counts; write the least and the most", ""),
    ],
)  # fmt: skip
def test_what_is_no_band_is_refused_with_what_to_write(warehouse: Warehouse, band: str, what: str, step: str) -> None:
    error = refusal(warehouse, "idwiki", band)
    assert (error.where, error.next_step) == ("--band", step)
    assert what in error.what
    assert from_audience(warehouse, "idwiki", " 100-0500").users == 1240


@pytest.mark.parametrize(
    ("wiki", "band", "where", "step"),
    [
        ("enwiki", None, "--from-audience", "--snapshot YYYY-MM --as-of DAY --wiki enwiki counts them"),
        ("trwiki", None, "--from-audience", "--wiki trwiki counts them; or give --users"),
        ("idwiki", "1-9", "--band", "there are 1-9999, 100-300, 100-500; pdmetrics audience"),
        ("thwiki", None, "--from-audience", "give --users"),
    ],
)  # fmt: skip
def test_what_is_not_counted_or_hidden_is_an_error_with_the_next_step(
    warehouse: Warehouse, wiki: str, band: str | None, where: str, step: str
) -> None:
    error = refusal(warehouse, wiki, band)
    assert error.where == where
    assert step in (error.next_step or "")


def test_a_warehouse_without_anything_published_is_told(tmp_path: Path) -> None:
    assert "Nothing is published" in refusal(Warehouse(tmp_path), "idwiki").what


# --- The command


def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *flags: str, place: Path | None = None
) -> tuple[Any, str, str]:
    before = [] if place is None else ["--warehouse", str(place)]
    asked = ["plan-sampling", "--wiki", "idwiki", "--pageviews-per-hour", "10000", "--metric", "link_clicks"]
    monkeypatch.setattr(sys, "argv", ["pdmetrics", *before, *asked, *flags])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    return end.value.code, out, err


def test_the_plan_says_what_it_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], warehouse: Warehouse
) -> None:
    monkeypatch.setattr("jobs.commands.plan_sampling.plan_people", lambda *_, limits: ())
    code, out, err = printed(monkeypatch, capsys, "--from-audience", place=warehouse.path)
    assert (code, err) == (0, "")
    assert "- which makes 9,600 impressions of the entry point and 48 dashboard loads a day\n\n" in out
    assert "- eligible editors: 1,240\n- of them may visit the dashboard at all: 7.5 %\n" in out
    assert "\nEligible editors: 1,240 in 28 days to 2026-03-31, band 100-500" in out
    assert "\nWho visits: 93 visitors" in out
    code, out, _ = printed(monkeypatch, capsys, "--from-audience", "--visiting-share", "0.5", place=warehouse.path)
    assert "- of them may visit the dashboard at all: 50 %\n" in out
    assert "\nWho visits: as --visiting-share says.\n" in out
    assert "93 visitors" not in out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--users", "10", "--from-audience"), "leave out --users or --from-audience"),
        ((), "give --users N, or --from-audience"),
        (("--users", "10", "--band", "100-500"), "give --from-audience with it"),
    ],
)
def test_users_come_from_one_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], told: str
) -> None:
    code, out, err = printed(monkeypatch, capsys, *flags)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())


# --- What the share means


def test_the_loads_are_spread_over_those_who_may_visit_and_impressions_over_all() -> None:
    wiki = Scenario("idwiki", users=10_000, pageviews_per_hour=10_000, visiting_share=0.1)
    few = dataclasses.replace(wiki, users=1_000, visiting_share=1.0)
    kept = Setting("pageview", 0.1, user_rate=0.1)
    assert repr(plan_people(wiki, kept)) == repr(plan_people(few, kept)), "which may have no number, so as text"
    assert repr(plan_people(wiki, kept)) != repr(plan_people(dataclasses.replace(wiki, visiting_share=1.0), kept))
    (share,) = plan_presented(wiki, kept)
    (all_visit,) = plan_presented(dataclasses.replace(wiki, visiting_share=1.0), kept)
    assert share != all_visit, "those who were shown the link are all, those who come back are a few"
