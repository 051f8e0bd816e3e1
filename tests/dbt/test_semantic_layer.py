"""dbt's semantic models, asked through MetricFlow: only what adds up, and never without what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from parquet_lake import link_week, world, write_reference, write_tables

from jobs.catalogue import load_catalogue
from jobs.marts.build import BuiltMarts, build_marts

pytestmark = pytest.mark.dbt

FIRST, SECOND = datetime(2026, 6, 1), datetime(2026, 6, 8)  # Mondays
# As in the marts, but for columns that no metric reads.
LITERAL = """
    create schema marts;
    create table marts.dim_wiki as
        select * from (values ('idwiki', true, 'id'), ('enwiki', false, 'en')) as t(wiki_db, pilot, language);
    create table marts.fct_baseline_daily as
        select cast(event_date as date) as event_date, wiki_db, 'health' as instrument_name, n_loads_estimate
        from (values
            ('2026-06-01', 'idwiki', 100.0), ('2026-06-07', 'idwiki', 20.0), ('2026-06-08', 'idwiki', 7.0),
            ('2026-06-01', 'enwiki', 50.0), ('2026-06-02', 'enwiki', null), ('2026-06-09', 'enwiki', 30.0)
        ) as t(event_date, wiki_db, n_loads_estimate);
    create table marts.rpt_link_week as
        select cast(window_start as date) as window_start, wiki_db, element_friendly_name, link_group,
            client_platform_family, is_counted_elsewhere, link_impressions, link_clicks
        from (values
            ('2026-06-01', 'idwiki', 'diff', 'review', 'all', false, 200.0, 40.0),
            ('2026-06-01', 'idwiki', 'diff', 'review', 'mobile', true, 150.0, 30.0),
            ('2026-06-01', 'idwiki', 'policy', 'other', 'all', false, 100.0, null),
            ('2026-06-01', 'enwiki', 'diff', 'review', 'all', false, 300.0, 60.0),
            ('2026-06-01', 'all', 'diff', 'review', 'all', true, 500.0, 100.0),
            ('2026-06-01', 'idwiki', 'review links', null, 'all', true, 200.0, 40.0),
            ('2026-06-08', 'idwiki', 'diff', 'review', 'all', false, 100.0, 50.0),
            ('2026-06-08', 'enwiki', 'diff', 'review', 'all', false, null, null)
        ) as t(window_start, wiki_db, element_friendly_name, link_group, client_platform_family, is_counted_elsewhere,
               link_impressions, link_clicks);
"""


class Asker:
    """MetricFlow over the semantic manifest that dbt wrote; it makes SQL, and DuckDB runs it."""

    sql_engine_type: Any
    sql_plan_renderer: Any

    def __init__(self, manifest: Any) -> None:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        self.sql_engine_type, self.sql_plan_renderer = SqlEngine.DUCKDB, DuckDbSqlPlanRenderer()
        self.manifest = manifest
        self.engine = MetricFlowEngine(SemanticManifestLookup(manifest), self)

    def sql(self, metrics: Sequence[str], by: Sequence[str]) -> str:
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        request = MetricFlowQueryRequest.create(metric_names=list(metrics), group_by_names=list(by))
        return self.engine.explain(request).sql_statement.sql

    def rows(self, file: Path, metrics: Sequence[str], by: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = ", ".join((*by, *metrics))
            return connection.execute(f"select {columns} from ({self.sql(metrics, by)}) order by all").fetchall()


@pytest.fixture(scope="module")
def asker(built: BuiltMarts) -> Asker:
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

    written = (built.path.parent / "dbt" / "semantic_manifest.json").read_text(encoding="utf-8")
    return Asker(parse_manifest_from_dbt_generated_manifest(written))


@pytest.fixture(scope="module")
def literal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few rows of the three marts that are asked, in a file that DuckDB calls as it does the published one."""
    path: Path = tmp_path_factory.mktemp("literal") / "personal_dashboard.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(LITERAL)
    return path


def test_metricflow_finds_nothing_wrong(asker: Asker) -> None:
    from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator

    found = SemanticManifestValidator[type(asker.manifest)]().validate_semantic_manifest(asker.manifest)
    assert (found.errors, found.warnings, found.future_errors) == ((), (), ())


def test_days_are_those_of_dim_date(asker: Asker) -> None:
    (spine,) = asker.manifest.project_configuration.time_spines
    assert (spine.node_relation.alias, spine.primary_column.name) == ("dim_date", "date_day")
    assert spine.primary_column.time_granularity.value == "day"


def test_only_what_adds_up_is_a_measure(asker: Asker) -> None:
    counts = {m.metric for m in load_catalogue().metrics.values() if m.kind == "count" and m.unit != "users"}
    summed = {
        (model.node_relation.alias, measure.agg.value, measure.expr.removeprefix("case when ").split()[0])
        for model in asker.manifest.semantic_models
        for measure in model.measures
    }
    assert summed
    for mart, aggregation, column in summed:
        assert aggregation == "sum"
        # Users are never divided by a rate, so no weighted total of a day is one of people.
        assert column in counts if mart.startswith("rpt_") else column.endswith("_estimate"), f"{mart}.{column}"


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory, live: Path) -> BuiltMarts:
    """Marts of a day of loads, and of a week with a link, its group, and the menu link by platform."""
    folder: Path = tmp_path_factory.mktemp("linked")
    metric_values = [*world()["metric_values"], *link_week()]
    tables = write_tables(folder / "lake", world() | {"metric_values": metric_values})
    return build_marts(tables, write_reference(folder / "reference"), live)


def test_every_metric_can_be_asked_of_the_marts(asker: Asker, linked: BuiltMarts) -> None:
    by = ["metric_time__week", "wiki", "wiki__pilot"]
    asked = {metric.name: asker.rows(linked.path, [metric.name], by) for metric in asker.manifest.metrics}
    idwiki, enwiki = (FIRST, "idwiki", True), (FIRST, "enwiki", False)
    assert asked == {
        "loads": [(*enwiki, 120 / 0.1 + 120 / 0.5), (*idwiki, 120.0)],
        "loads_at_least": [(*enwiki, 1440.0), (*idwiki, 120.0)],
        "loads_lacking": [(*enwiki, 0), (*idwiki, 0)],
        # The diff link's row of all platforms, and both of the menu link's.
        "impressions": [(*idwiki, 500.0 + 3000.0 + 2000.0)],
        "impressions_at_least": [(*idwiki, 5500.0)],
        "impressions_lacking": [(*idwiki, 0)],
        "clicks": [(*idwiki, 80.0 + 30.0 + 20.0)],
        "clicks_at_least": [(*idwiki, 130.0)],
        "clicks_lacking": [(*idwiki, 0)],
        "click_through_rate": [(*idwiki, 130.0 / 5500.0)],
    }


def test_a_sum_over_a_hidden_day_is_null_and_its_lower_bound_says_how_many_it_lacks(
    asker: Asker, literal: Path
) -> None:
    metrics = ["loads", "loads_at_least", "loads_lacking"]
    assert asker.rows(literal, metrics, ["metric_time__week", "wiki"]) == [
        (FIRST, "enwiki", None, 50.0, 1),
        (FIRST, "idwiki", 120.0, 120.0, 0),
        (SECOND, "enwiki", 30.0, 30.0, 0),
        (SECOND, "idwiki", 7.0, 7.0, 0),
    ]
    assert asker.rows(literal, metrics, ["metric_time__month", "wiki__pilot"]) == [
        (FIRST, False, None, 80.0, 1),
        (FIRST, True, 127.0, 127.0, 0),
    ]


def test_links_are_counted_once_and_not_again_in_margins(asker: Asker, literal: Path) -> None:
    both = [f"{what}{ending}" for what in ("impressions", "clicks") for ending in ("", "_at_least", "_lacking")]
    by = ["metric_time__week", "link_week__element_friendly_name"]
    assert asker.rows(literal, both, by) == [
        (FIRST, "diff", 500.0, 500.0, 0, 100.0, 100.0, 0),
        (FIRST, "policy", 100.0, 100.0, 0, None, None, 1),
        (SECOND, "diff", None, 100.0, 1, None, 50.0, 1),
    ]


def test_a_rate_of_sums_needs_both_whole(asker: Asker, literal: Path) -> None:
    assert asker.rows(literal, ["click_through_rate"], ["metric_time__week", "wiki"]) == [
        (FIRST, "enwiki", 0.2),
        (FIRST, "idwiki", None),
        (SECOND, "enwiki", None),
        (SECOND, "idwiki", 0.5),
    ]
