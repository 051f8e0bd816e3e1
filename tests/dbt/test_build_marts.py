"""The builder: what comes out of a small lake, what it refuses and how it says so."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from parquet_lake import (
    DIFF,
    HEALTH,
    MONDAY,
    baseline_day,
    link_day,
    metric_value,
    world,
    write_reference,
    write_tables,
)

from jobs.catalogue import parse_catalogue
from jobs.contracts import TABLES
from jobs.errors import GateError, WarehouseError
from jobs.marts.build import BuiltMarts, build_marts, lake_views
from jobs.reference.load import Reference
from jobs.resources import shipped
from jobs.schemas import duckdb_types
from jobs.warehouse.snapshots import LakeTable

pytestmark = pytest.mark.dbt

SEVEN = 'windows = [["rolling", 7]]\n'


def query(marts: BuiltMarts, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(marts.path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_file_holds_tables_of_marts_and_nothing_else(built: BuiltMarts) -> None:
    found = query(built, "select distinct schema_name from duckdb_tables()")
    assert found == [("marts",)]
    assert query(built, "select count(*) from duckdb_views() where not internal") == [(0,)]
    assert query(built, "select count(*) from duckdb_tables()") == [(built.n_tables,)]
    assert [path.name for path in built.path.parent.glob("*.wal")] == []


def test_the_live_file_is_not_touched(built: BuiltMarts) -> None:
    assert built.path.parent.name == "next"
    assert not (built.path.parent.parent / built.path.name).exists()


def test_metric_values_have_the_contracts_columns_and_current_versions(built: BuiltMarts) -> None:
    described = query(built, "describe marts.fct_metric_values")
    expected = duckdb_types(TABLES["metric_values"].columns)
    assert [(name, str(kind).lower()) for name, kind, *_ in described] == list(expected.items())
    versions = query(built, "select distinct metric, metric_version from marts.fct_metric_values order by 1")
    assert versions == [("dashboard_pageviews", 2), ("eligible_editors", 1), ("retention_14d", 1)]


def test_retention_has_one_row_per_cohort_with_both_intervals(built: BuiltMarts) -> None:
    rows = query(
        built,
        "select metric_date, estimate, process_lower, process_upper, n_cohort_observed, n_returned_observed"
        " from marts.fct_retention",
    )
    assert rows == [(MONDAY, 0.25, 0.14, 0.40, 40, 10)]


def test_reference_files_keep_quotes_nulls_and_utc(built: BuiltMarts) -> None:
    policy = query(built, "select sample_rate, weight, valid_from, valid_to from marts.dim_sampling_policy order by 1")
    assert policy == [
        (0.1, 10.0, datetime(2026, 3, 19, 20, 36), datetime(2026, 6, 2, 12)),
        (1.0, 1.0, datetime(2026, 2, 10), None),
    ]
    removed = query(built, "select reason from marts.dim_instrument_vocabulary where measured_to is not null")
    assert removed == [('removed, "T422512"',)]
    assert query(built, "select wiki_db, visible_from from marts.dim_wiki where pilot") == [
        ("idwiki", date(2026, 2, 12))
    ]
    assert query(built, "select count(*) from marts.dim_wiki_config") == [(0,)]


def test_sound_data_gives_no_warning_nor_do_editors_of_a_wiki_without_the_dashboard(built: BuiltMarts) -> None:
    assert built.warnings == ()
    known = query(built, "select wiki_db from marts.dim_wiki")
    counted = query(built, "select distinct wiki_db from marts.fct_metric_values where metric = 'eligible_editors'")
    assert counted
    assert not set(counted) & set(known)


def test_dates_span_from_first_to_last_window_day(built: BuiltMarts) -> None:
    assert query(built, "select min(date_day), max(date_day), count(*) from marts.dim_date") == [
        (MONDAY, date(2026, 6, 15), 15)
    ]


def test_a_warehouse_without_rows_gives_empty_marts(tmp_path: Path, live: Path) -> None:
    tables = write_tables(tmp_path / "lake", {})
    empty = build_marts(tables, write_reference(tmp_path / "reference"), live)
    assert query(empty, "select count(*) from marts.fct_metric_values") == [(0,)]
    assert query(empty, "select count(*) from marts.dim_date") == [(0,)]
    assert query(empty, "select count(*) from marts.dim_wiki") == [(2,)]


def test_a_wiki_that_left_the_input_is_a_warning(tmp_path: Path, live: Path) -> None:
    left = [
        metric_value(wiki_db=wiki, metric_date=day, as_of_date=day)
        for wiki in ("frwiki", "eswiki")
        for day in (MONDAY, date(2026, 6, 2))
    ]
    tables = write_tables(tmp_path / "lake", world() | {"metric_values": [metric_value(), *left]})
    marts = build_marts(tables, write_reference(tmp_path / "reference"), live)
    (warning,) = marts.warnings
    assert warning.startswith("fct_metric_values.wiki_db holds a value that dim_wiki does not have in wiki_db: 4 rows")
    assert warning.splitlines()[1:] == [
        "    e.g. wiki_db=eswiki",
        "    e.g. wiki_db=frwiki",
        "    a join with dim_wiki loses these rows; to keep them, put the value back (it is made from wikis.csv) and "
        "rerun a day",
    ]


def test_data_quality_has_every_run_and_marks_what_was_said_last(built: BuiltMarts) -> None:
    assert query(
        built, "select gate, run_id, attempt, success, is_latest from marts.fct_data_quality order by all"
    ) == [
        ("facts", "run_20260601_20260602_1", 1, False, False),
        ("facts", "run_20260601_20260602_2", 2, True, True),
        ("marts", None, None, True, True),
    ]


def test_a_smaller_min_users_shows_more(tmp_path: Path) -> None:
    rows = world() | {
        "baseline_daily": [baseline_day(n_visitors=5, n_reviewers=5)],
        "engagement_daily": [link_day(n_users=5, n_clicks=7)],
        "metric_values": [metric_value(n_users_observed=5.0)],
    }
    tables = write_tables(tmp_path / "lake", rows)
    shown = build_marts(
        tables, write_reference(tmp_path / "reference"), tmp_path / "personal_dashboard.duckdb", min_users=3
    )
    assert query(shown, "select n_visitors_observed, is_suppressed from marts.fct_baseline_daily") == [(5, False)]
    assert query(shown, "select n_clicks_observed from marts.fct_link_engagement_daily") == [(7,)]


def test_a_sum_over_the_days_of_links_takes_in_no_part_of_a_hidden_cell(tmp_path: Path, live: Path) -> None:
    cells = [
        link_day(edit_count_bucket="few clicks", n_impressions=1000, n_clicks=9),
        link_day(edit_count_bucket="few users", n_impressions=1000, n_users=9),
        link_day(edit_count_bucket="few matched", n_impressions=1000, n_matched=1),
        link_day(edit_count_bucket="no clicks", n_impressions=150, n_clicks=0, n_matched=0),
        link_day(edit_count_bucket="many clicks", n_impressions=200, n_clicks=40),
        link_day(element_friendly_name="review links", edit_count_bucket="many clicks", n_impressions=200, n_clicks=40),
        link_day(element_friendly_name="whole", n_impressions=70, n_clicks=10),
    ]
    tables = write_tables(tmp_path / "lake", world() | {"engagement_daily": cells})
    marts = build_marts(tables, write_reference(tmp_path / "reference"), live)
    assert query(
        marts,
        "select element_friendly_name, sum(n_impressions_observed), sum(n_clicks_observed), count(*),"
        " count(*) filter (where is_suppressed), any_value(n_hidden_cells)"
        " from marts.fct_link_engagement_daily group by 1 order by 1",
    ) == [(DIFF, 350, 40, 5, 3, 3), ("whole", 70, 10, 1, 0, 0)]
    columns = [name for name, *_ in query(marts, "describe marts.fct_link_engagement_daily")]
    numbers = [name for name in columns if str(name).endswith(("_observed", "_estimate"))]
    assert len(numbers) == 13
    held = ", ".join(f"count({name})" for name in numbers)
    (hidden,) = query(marts, f"select {held} from marts.fct_link_engagement_daily where is_suppressed")
    assert set(hidden) == {0}


def test_dim_metric_follows_the_catalogue(tmp_path: Path, live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shipped("catalogue.toml").read_text(encoding="utf-8")
    fewer = parse_catalogue(text.replace('windows = [["rolling", 1], ["rolling", 7], ["rolling", 28]]\n', SEVEN, 1))
    monkeypatch.setattr("jobs.reference.load.load_catalogue", lambda: fewer)
    Reference(wikis=(), policy=(), instruments=(), vocabulary=()).write(tmp_path / "reference")
    marts = build_marts(write_tables(tmp_path / "lake", {}), tmp_path / "reference", live)
    rows = query(marts, "select metric, kind, window_kinds from marts.dim_metric")
    assert rows[0] == ("dashboard_pageviews", "count", "rolling 7")
    assert rows == [(line.metric, line.kind, line.window_kinds) for line in fewer.table()]


def test_marts_that_do_not_reconcile_are_refused(tmp_path: Path, live: Path) -> None:
    rows = world() | {
        "baseline_daily": [baseline_day(n_loads=121)],
        "metric_values": [
            metric_value(),
            metric_value(
                metric="link_clicks", metric_version=1, element_friendly_name=DIFF, estimate=41.0, lower=41.0,
                upper=41.0, observed_numerator=41.0,
            ),
        ],
    }  # fmt: skip
    tables, reference = write_tables(tmp_path / "lake", rows), write_reference(tmp_path / "reference")
    with pytest.raises(GateError) as caught:
        build_marts(tables, reference, live)
    message = str(caught.value)
    assert "2 of " in message
    assert "dashboard_pageviews of one day differs from the loads in fct_baseline_daily" in message
    assert "observed_numerator=120.0; n_loads=121" in message
    assert "link_impressions or link_clicks of one day differs from fct_link_engagement_daily" in message


def test_a_damaged_table_is_named(tmp_path: Path, live: Path) -> None:
    tables = write_tables(tmp_path / "lake", world())
    damaged = tmp_path / "lake" / "ingest_log.parquet"
    damaged.write_bytes(b"not parquet")
    with pytest.raises(GateError, match="ingest_log"):
        build_marts(tables, write_reference(tmp_path / "reference"), live)


def test_missing_places_are_errors_that_name_them(tmp_path: Path) -> None:
    tables = write_tables(tmp_path / "lake", {})
    reference = write_reference(tmp_path / "reference")
    (reference / "wikis.csv").unlink()
    with pytest.raises(WarehouseError, match=r"copy of wikis\.csv is missing"):
        lake_views(tables, reference)
    write_reference(reference)
    gone = tables | {"ingest_log": LakeTable("ingest_log", tmp_path / "v3.metadata.json", 1)}
    with pytest.raises(WarehouseError, match="The table ingest_log is not where"):
        lake_views(gone, reference)
    with pytest.raises(ValueError, match="missing: ingest_log"):
        lake_views({name: table for name, table in tables.items() if name != "ingest_log"}, reference)


def test_tables_with_users_are_never_shown_to_dbt(tmp_path: Path) -> None:
    shown = lake_views(write_tables(tmp_path / "lake", {}), write_reference(tmp_path / "reference"))
    assert set(shown["pd"]) == {name for name, table in TABLES.items() if table.personal_data == "none"}
    assert not {"events", "quarantine", "user_days", "user_link_days"} & set(shown["pd"])


def test_iceberg_tables_are_read_at_their_snapshot(tmp_path: Path) -> None:
    metadata = tmp_path / "v2.metadata.json"
    metadata.write_text("{}")
    tables = write_tables(tmp_path / "lake", {}) | {
        "ingest_log": LakeTable("ingest_log", metadata, 42),
        "sampling_audit": LakeTable("sampling_audit", metadata, None),
    }
    shown = lake_views(tables, write_reference(tmp_path / "reference"))["pd"]
    assert (shown["ingest_log"]["kind"], shown["ingest_log"]["snapshot_id"]) == ("iceberg", 42)
    assert shown["sampling_audit"]["kind"] == "empty"


def test_the_small_lake_speaks_of_the_shipped_instrument(built: BuiltMarts) -> None:
    rows = query(built, "select distinct element_friendly_name, link_group from marts.fct_link_engagement_daily")
    assert set(rows) == {(DIFF, "review links"), ("not in the vocabulary", None)}, "groups have no rows"
    assert query(built, "select instrument_name, role from marts.dim_instrument") == [(HEALTH, "both")]
