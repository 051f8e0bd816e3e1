"""The command `explain` on a real lake and a marts file: every status, the text, the JSON, and that nobody is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import date
from functools import cache
from io import StringIO
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from rich.console import Console
from typer.testing import CliRunner

from jobs.catalogue import load_catalogue
from jobs.cli import app
from jobs.commands.explain import show_explanation
from jobs.contracts import TABLES
from jobs.errors import UsageError
from jobs.explanation.choose import Asked
from jobs.explanation.explain import explain_number
from jobs.explanation.explanation import Explanation, MetricRow
from jobs.marts.read import answer
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.warehouse.extensions import load_iceberg
from jobs.warehouse.home import open_home
from jobs.warehouse.look import tables_to_look_at
from jobs.warehouse.publish import publish
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.words import STATUSES
from tests.explanation.explained import DAY, FIRST, LAST, LINK, MENU, USAGE, facts, metric_row

SETTINGS = load_settings(None)[0]
FACTS = facts()
WIKIS = """wiki_db,domain,language,pilot,enabled_from,visible_from
idwiki,id.wikipedia.org,id,true,2026-03-01,2026-03-02
trwiki,tr.wikipedia.org,tr,true,2026-03-01,2026-03-02
"""
POLICY = f"""instrument_name,wiki_db,sample_unit,sample_rate,valid_from,valid_to
{USAGE},trwiki,session,0.1,2026-03-01T00:00:00Z,2026-03-20T12:00:00Z
{USAGE},*,pageview,1,2026-02-10T00:00:00Z,
"""
SAMPLED = {"wiki_db": "trwiki", "sampling_rate_min": 0.1, "sampling_unit": "mixed"}
WEEK = {"metric_date": LAST - 6 * DAY, "window_days": 7}
MONTH = {"metric_date": LAST - 27 * DAY, "window_days": 28}


def days_of(wiki: str, first: date, column: str) -> dict[str, set[date]]:
    """Return by user of a wiki the days since `first` on which a count of theirs is above 0."""
    found: dict[str, set[date]] = {}
    for row in FACTS["user_days"]:
        if row["wiki_db"] == wiki and row["event_date"] >= first and row[column] > 0:
            found.setdefault(row["user_hash"], set()).add(row["event_date"])
    return found


def visitors(wiki: str, first: date) -> float:
    return float(len(days_of(wiki, first, "n_loads")))


def two_days(wiki: str, first: date) -> float:
    loads, clicks = days_of(wiki, first, "n_loads"), days_of(wiki, first, "n_review_clicks")
    return float(sum(len(days) >= 2 and user in loads for user, days in clicks.items()))


def returned() -> tuple[float, float]:
    weeks = [{(day - FIRST).days // 7 for day in days} for days in days_of("idwiki", FIRST, "n_loads").values()]
    return float(sum({0, 1} <= own for own in weeks)), float(sum(0 in own for own in weeks))


BACK, COHORT = returned()
SEEN, TWO, ALL_SEEN = (visitors("idwiki", LAST - 6 * DAY), two_days("idwiki", FIRST), visitors("idwiki", FIRST))
ROWS = [
    metric_row("dashboard_visitors", **WEEK, estimate=SEEN, lower=SEEN, upper=SEEN, observed_numerator=SEEN,
               n_users_observed=SEEN),
    metric_row("dashboard_visitors", **MONTH, status="not_measured", estimator="none",
               status_reason="14 of 28 days of the window have no input", is_complete=False,
               observed_numerator=ALL_SEEN),
    metric_row("dashboard_visitors", **SAMPLED, **MONTH, status="bounds_only",
               estimator="npmle_users", lower=20.0, upper=70.0, observed_numerator=visitors("trwiki", FIRST),
               status_reason="only bounds hold", remedy="at 100 %: exact"),
    metric_row("two_day_review_rate", window_kind="quarter_to_date", window_days=None, estimate=TWO / ALL_SEEN,
               lower=TWO / ALL_SEEN, upper=TWO / ALL_SEEN, observed_numerator=TWO, observed_denominator=ALL_SEEN,
               n_users_observed=ALL_SEEN, estimator="ratio"),
    metric_row("two_day_review_rate", **SAMPLED, **MONTH, status="not_estimable",
               estimator="none", observed_numerator=two_days("trwiki", FIRST),
               n_users_observed=visitors("trwiki", FIRST), observed_denominator=visitors("trwiki", FIRST),
               status_reason="too wide even for bounds"),
    metric_row("link_clicks", **WEEK, element_friendly_name=LINK, edit_count_bucket="0 edits", status="suppressed",
               status_reason="fewer than 10 users: not shown, to protect them"),
    metric_row("link_clicks", **WEEK, element_friendly_name=MENU, client_platform_family="desktop_browser",
               status="not_measured", estimator="none", status_reason="it was not measured before"),
    metric_row("two_week_return_rate", window_kind="cohort", estimate=BACK / COHORT, lower=BACK / COHORT,
               upper=BACK / COHORT, estimator="ratio", observed_numerator=BACK, observed_denominator=COHORT,
               n_users_observed=COHORT, status="caution", status_reason="an hour is missing", is_complete=False),
]  # fmt: skip
EMPTY_MARTS = """
create table marts.fct_sampling_audit (event_date date, wiki_db varchar, instrument_name varchar, declared_rate double,
  likely_rate double, verdict varchar);
insert into marts.fct_sampling_audit values ('2026-03-28', 'trwiki', '{usage}', 1, 0.7, 'lower than declared'),
  ('2026-03-28', 'idwiki', '{usage}', 1, 0.9, 'as declared');
create table marts.fct_self_validation (metric varchar, wiki_db varchar, window_days int, metric_date date,
  as_of_date date, rate double, sample_unit varchar, truth double, estimate double, lower double, upper double,
  status varchar, naive double, is_suppressed boolean);
create table marts.dim_wiki as select unnest(['idwiki', 'trwiki']) as wiki_db, date '2026-03-02' as visible_from;
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A lake with the drawn facts, published by a run, and marts with a row of every status."""
    found = Warehouse(tmp_path_factory.mktemp("explained") / "warehouse")
    found.prepare()
    tables = Tables(open_home({}, found.path)[0])
    tables.ensure_tables()
    run = found.new_run(FIRST, LAST + DAY, "in")
    run.as_of = [LAST]
    found.save(run)
    (found.reference(run.run_id) / "wikis.csv").write_text(WIKIS)
    (found.reference(run.run_id) / "sampling_policy.csv").write_text(POLICY)
    for name, rows in FACTS.items():
        if rows:
            tables.branch(name, run.run_id)
            table = pa.Table.from_pylist(rows, schema=arrow_schema(TABLES[name].columns))
            tables.table(name).append(table, branch=run.run_id)
    found.next_marts.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(found.next_marts)) as connection:
        connection.execute("create schema marts;" + EMPTY_MARTS.format(usage=USAGE))
        types = {"metric_date": pa.date32(), "as_of_date": pa.date32(), "window_days": pa.int32()}
        names = list(asdict(ROWS[0]))
        given = [asdict(row) for row in ROWS]
        schema = pa.schema([(name, types.get(name) or _type(name, given)) for name in names])
        connection.register("given", pa.Table.from_pylist(given, schema=schema))
        connection.execute("create table marts.fct_metric_values as select * from given")
    publish(tables, found, run)
    return found


def _type(name: str, rows: list[dict[str, Any]]) -> pa.DataType:
    kinds = {type(row[name]) for row in rows} - {type(None)}
    return {str: pa.string(), float: pa.float64(), bool: pa.bool_(), int: pa.int32()}[kinds.pop() if kinds else float]


@pytest.fixture(scope="module")
def explained(warehouse: Warehouse) -> Callable[[MetricRow], dict[str, Any]]:
    """Return what explains a row, as JSON has it; each row is explained once."""

    @cache
    def explain(row: MetricRow) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            json.dumps(asdict(explain_number(SETTINGS, warehouse, asked_of(row))), default=str)
        )
        return found

    return explain


def text_of(warehouse: Warehouse, asked: Asked) -> str:
    out = StringIO()
    show_explanation(Console(file=out, width=100), SETTINGS, warehouse, asked)
    return out.getvalue()


def asked_of(row: MetricRow) -> Asked:
    """Return what means a row and no other."""
    window = "quarter" if row.window_days is None else str(row.window_days)
    segment = (row.element_friendly_name, row.client_platform_family, row.edit_count_bucket)
    return Asked(row.metric, row.wiki_db, None, window, *segment)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.metric}-{row.status}-{row.wiki_db}")
def test_every_status_is_explained_and_its_counts_are_those_of_a_recount(explained, row) -> None:
    found = explained(row)
    assert list(found) == [field.name for field in fields(Explanation)]
    assert found["row"] == json.loads(json.dumps(asdict(row), default=str))
    assert found["headline"].startswith(f"{row.metric}, {row.wiki_db}")
    assert found["headline"].endswith(f", {row.status}")
    assert found["means"] == STATUSES[row.status].means
    told = [step for step in found["steps"] if step["agrees"] is not None]
    assert all(step["agrees"] for step in told)
    observed = {value for value in (row.observed_numerator, row.observed_denominator) if value is not None}
    assert observed <= {step["count"] for step in told}
    assert (found["naive"][0]["value"] is None) == (row.observed_numerator is None)
    assert not re.search(r"\bu\d+\b", json.dumps(found, ensure_ascii=False)), "a user is told"


def test_the_statements_give_the_counts_that_are_told(warehouse, explained) -> None:
    found = explained(ROWS[3])
    with duckdb.connect() as connection:
        load_iceberg(connection)
        for table in found["inputs"]["tables"]:
            connection.execute(f"create view {table['table']} as select * from {table['source']}")
        lake = {
            one["id"]: connection.execute(one["text"]).fetchall() for one in found["sql"] if one["runs_on"] == "lake"
        }
    by_statement = {name: [s["count"] for s in found["steps"] if s["sql"] == name] for name in lake}
    assert by_statement["counts"] == list(lake["counts"][0][:4])
    assert by_statement["events"] == [lake["events"][0][0]]
    assert sorted(by_statement["lines"][1:]) == sorted(n for _, _, n in lake["lines"] if n)
    (row,) = answered(warehouse, found["sql"][0]["text"])
    assert row["estimate"] == found["row"]["estimate"]


def answered(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    with answer(warehouse, sql) as found:
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_inputs_are_the_run_the_snapshots_and_the_policy(warehouse, explained) -> None:
    inputs = explained(ROWS[2])["inputs"]
    published = tables_to_look_at({}, warehouse.path)
    (run,) = warehouse.all_runs()
    assert inputs["run_id"] == inputs["row_run_id"] == run.run_id
    assert {one["table"]: one["snapshot_id"] for one in inputs["tables"]} == {
        name: published.refs(name)["main"]
        for name in ("ingest_log", "baseline_daily", "engagement_daily", "user_days", "user_link_days")
    }
    assert [(one["wiki_db"], one["sample_rate"]) for one in inputs["policy"]] == [("trwiki", 0.1), ("*", 1.0)]
    columns = ("sample_unit", "sample_rate", "kept_rate")
    assert [(one["valid_from"][:16], *(one[name] for name in columns)) for one in inputs["rates"]] == [
        ("2026-03-02 00:00", "session", 0.1, 0.1), ("2026-03-20 12:00", "pageview", 1.0, 0.0),
        ("2026-03-20 12:15", "pageview", 1.0, 1.0),
    ]  # fmt: skip
    assert "the unit changed" in inputs["rates"][1]["note"]
    assert inputs["carried"] == ["100 % of pageviews"]


def test_what_was_lost_is_named_day_by_day_and_hour_by_hour(explained) -> None:
    told = explained(ROWS[1])["inputs"]["measured"]
    assert [line for line in told if "has no input" in line] == [
        f"{FIRST - n * DAY} has no input" for n in range(14, 0, -1)
    ]
    assert told[-1] == f"{LAST} lacks hours 5 (UTC)"
    whole = explained(ROWS[2])["inputs"]["measured"]
    assert whole[-1] == "the ids of trwiki on 2026-03-28 show 70 %, declared are 100 %"


def test_the_life_of_the_link_is_told(explained) -> None:
    menu = explained(ROWS[6])["inputs"]["measured"]
    assert f"{MENU} is measured on desktop_browser from 2026-02-10 to 2026-04-06" in menu[0]
    review = explained(ROWS[3])["inputs"]["measured"]
    assert [line.split(" is measured")[0] for line in review if "is measured" in line] == [LINK, LINK]


def test_a_lake_that_lies_elsewhere_gives_the_same_counts(warehouse, explained, monkeypatch) -> None:
    here = explained(ROWS[0])
    monkeypatch.setattr("jobs.warehouse.lake_sql.local_path", lambda location: None)
    found = explain_number(SETTINGS, warehouse, asked_of(ROWS[0]))
    assert [asdict(step) for step in found.steps] == here["steps"]
    sources = {one.table: one.source for one in found.inputs.tables}
    assert sources["user_days"].startswith(f"rows of {LAST - 6 * DAY} to {LAST} fetched from file://")
    assert sources["engagement_daily"].startswith(f"rows of all days to {LAST} fetched from file://")


def test_a_text_of_a_hundred_columns_answers_first(warehouse) -> None:
    text = text_of(warehouse, asked_of(ROWS[0]))
    assert text.splitlines()[0] == f"dashboard_visitors, idwiki, 2026-03-23..2026-03-29: {SEEN:.0f} (exact), publish"
    prose, _, statements = text.partition("SQL for `pdmetrics query`")
    assert max(map(len, prose.splitlines())) <= 100
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert [heading.split(" (")[0].split(":")[0] for heading in headings[1:]] == [
        "Status", "Dashboard visitors", "Inputs", "Rates in force", "What was measured", "Filters and counts, as kept",
        "The naive value beside ours", "Alternatives", "Alternatives", "SQL for `pdmetrics query`",
        *["SQL over the views below"] * 3, "Views of the lake",
    ]  # fmt: skip
    assert "iceberg_scan('" in statements
    assert "Rates in force (kept: everything)" in headings
    assert "Rates in force (kept: 10 % to 100 % of pageviews and sessions)" in text_of(warehouse, asked_of(ROWS[2]))


def test_a_hidden_count_is_hidden_in_the_json_of_the_command_too(warehouse, explained, capsys) -> None:
    capsys.readouterr()
    show_explanation(Console(), SETTINGS, warehouse, asked_of(ROWS[5]), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found == explained(ROWS[5])
    assert [step["count"] for step in found["steps"] if step["sql"] == "counts"] == [None] * 4
    assert [step["is_hidden"] for step in found["steps"] if step["sql"] == "margin_1"] == [False, False]


def test_an_unpublished_warehouse_and_an_unknown_key_are_errors(warehouse, tmp_path) -> None:
    with pytest.raises(UsageError, match="Nothing is published"):
        text_of(Warehouse(tmp_path), asked_of(ROWS[0]))
    with pytest.raises(UsageError, match="no row"):
        text_of(warehouse, Asked("dashboard_visitors", "idwiki", LAST + DAY, "7"))


def test_eligible_editors_are_explained_from_the_marts_and_runs_that_count_them_are_no_runs_of_days(
    warehouse, monkeypatch
) -> None:
    with pytest.raises(UsageError, match="Nobody has counted the eligible editors of idwiki"):
        explain_number(SETTINGS, warehouse, Asked("eligible_editors", "idwiki"))
    (run,) = warehouse.all_runs()
    counted = replace(run, run_id=f"{run.run_id}9", is_audience=True)
    monkeypatch.setattr("jobs.explanation.explain._published", lambda _: [run, counted])
    assert explain_number(SETTINGS, warehouse, asked_of(ROWS[0])).inputs.row_run_id == run.run_id
    monkeypatch.setattr("jobs.explanation.explain._published", lambda _: [counted])
    with pytest.raises(UsageError, match="No day was run yet"):
        explain_number(SETTINGS, warehouse, asked_of(ROWS[0]))


def test_the_command_line_hands_every_option_on(warehouse, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        "jobs.commands.explain.show_explanation", lambda *given, as_json: seen.append((given[-1], as_json))
    )
    options = ["--wiki", "idwiki", "--as-of", "2026-03-29", "--window", "quarter", "--element", LINK, "--platform", "p",
               "--bucket", "b", "--inference", "process", "--json"]  # fmt: skip
    done = CliRunner().invoke(app, ["--warehouse", str(warehouse.path), "explain", "reviewers", *options])
    assert done.exit_code == 0, done.output
    assert seen == [(Asked("reviewers", "idwiki", LAST, "quarter", LINK, "p", "b", "process"), True)]


def test_the_help_says_of_which_platform_a_link_without_all_platforms_is() -> None:
    told = " ".join(CliRunner().invoke(app, ["explain", "--help"]).output.replace("│", " ").split())
    (note,) = [note for note in load_catalogue().elements.values() if not note.all_platforms]
    assert note.element_friendly_name.endswith("menu link")
    assert f"default all, and {note.bucket_platform} of the menu link" in told
    assert f"Those of the menu link are on {note.bucket_platform}." in told
