"""The columns that dbt's YAML and staging queries name against those of the lake's tables and the reference CSVs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.columns import BOOLEAN, DOUBLE, Columns
from jobs.contracts import TABLES
from jobs.reference.rows import COLUMNS

MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
SHOWN: dict[str, dict[str, Columns]] = {
    "pd": {name: table.columns for name, table in TABLES.items() if table.personal_data == "none"},
    "reference": {Path(file).stem: columns for file, columns in COLUMNS.items()},
}
NOT_STAGED = {"reference.milestones", "pd.hourly_counts", "pd.visit_laws", "pd.purges"}  # read by steps, not by marts
# Marts that show every column of a table or CSV: which it is, and what they have besides.
PASSED_THROUGH: dict[str, tuple[str, Columns]] = {
    "fct_metric_values": ("pd.metric_values", {}),
    "fct_ingest_log": ("pd.ingest_log", {}),
    "fct_data_quality": ("pd.data_quality_metrics", {"is_latest": BOOLEAN}),
    "fct_sampling_audit": ("pd.sampling_audit", {"is_suppressed": BOOLEAN}),
    "fct_self_validation": (
        "pd.self_validation",
        {"estimate_error": DOUBLE, "naive_error": DOUBLE, "is_suppressed": BOOLEAN},
    ),
    "fct_milestone_status": ("pd.milestone_status", {}),
    "fct_audience": ("pd.audience", {"is_suppressed": BOOLEAN}),
    "fct_audience_alternatives": ("pd.audience_alternatives", {"is_suppressed": BOOLEAN}),
    "fct_audience_log": ("pd.audience_log", {}),
    "dim_wiki": ("reference.wikis", {}),
    "dim_wiki_config": ("reference.wiki_config", {}),
    "dim_metric": ("reference.metrics", {}),
    "dim_instrument": ("reference.instruments", {}),
    "dim_instrument_vocabulary": ("reference.vocabulary", {}),
    "dim_sampling_policy": ("reference.sampling_policy", {"weight": DOUBLE}),
}
RENAMED = {"fct_ingest_log": {"ingest_date": "event_date", "hour": "event_hour"}}


def described(kind: str, folder: str = "") -> dict[str, dict[str, Any]]:
    """What the YAML files of a folder describe, by name."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((MODELS / folder).rglob("*.yml"))]
    return {one["name"]: one for file in files for one in file.get(kind, [])}


def differences(columns: list[dict[str, Any]], expected: Columns) -> list[str]:
    """Columns that are not those expected, in their order, or state another type."""
    names = [column["name"] for column in columns]
    found = [] if names == list(expected) else [f"{names} is not {list(expected)}"]
    return found + [
        f"{column['name']} is {column['data_type']}, not {expected[column['name']]}"
        for column in columns
        if column["name"] in expected and column.get("data_type", expected[column["name"]]) != expected[column["name"]]
    ]


def staged() -> dict[str, Columns]:
    """By staging model, the columns of the table or CSV it mirrors."""
    return {
        f"stg_{source}__{name}": columns
        for source, tables in SHOWN.items()
        for name, columns in tables.items()
        if f"{source}.{name}" not in NOT_STAGED
    }


def test_sources_are_the_tables_without_users_and_the_csvs() -> None:
    sources = described("sources")
    assert {name: {table["name"] for table in source["tables"]} for name, source in sources.items()} == {
        name: set(tables) for name, tables in SHOWN.items()
    }
    for name, source in sources.items():
        for table in source["tables"]:
            own = SHOWN[name][table["name"]]
            assert differences(table.get("columns", [{"name": column} for column in own]), own) == [], table["name"]


def test_there_is_a_staging_model_for_each_source() -> None:
    assert set(described("models", "staging")) == set(staged())


@pytest.mark.parametrize("model", sorted(staged()))
def test_a_staging_model_has_the_columns_of_what_it_mirrors(model: str) -> None:
    expected = staged()[model]
    assert differences(described("models", "staging")[model]["columns"], expected) == []
    query = (MODELS / "staging" / f"{model}.sql").read_text(encoding="utf-8")
    listed = query.removeprefix("select").split("from {{")[0]
    assert re.findall(r"(\w+)(?:,\n|\n$)", listed) == list(expected)


@pytest.mark.parametrize("model", sorted(PASSED_THROUGH))
def test_a_mart_passes_columns_through_as_they_are(model: str) -> None:
    source, extra = PASSED_THROUGH[model]
    name, table = source.split(".")
    other_names = RENAMED.get(model, {})
    columns = [
        {**column, "name": other_names.get(column["name"], column["name"])}
        for column in described("models", "marts")[model]["columns"]
    ]
    passed = [column for column in columns if column["name"] not in extra]
    assert differences(passed, SHOWN[name][table]) == []
    assert {column["name"]: column["data_type"] for column in columns if column["name"] in extra} == extra
