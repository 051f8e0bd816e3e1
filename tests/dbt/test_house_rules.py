"""House rules for the dbt project, checked on its manifest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jobs.contracts import TABLES
from jobs.metric import INFERENCES, KINDS, WINDOW_KINDS

pytestmark = pytest.mark.dbt

ROOT = Path(__file__).parents[2]
Node = dict[str, Any]


def models(manifest: dict[str, Any], *prefixes: str) -> list[Node]:
    found = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return [node for node in found if node["name"].startswith(prefixes)] if prefixes else found


def marts(manifest: dict[str, Any]) -> list[Node]:
    return models(manifest, "fct_", "dim_", "rpt_")


def data_tests(manifest: dict[str, Any], model: Node, name: str) -> list[Node]:
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("attached_node") == model["unique_id"]
        and (node.get("test_metadata") or {}).get("name") == name
    ]


def parents(model: Node) -> list[str]:
    return [parent.split(".")[0] + ":" + parent.split(".")[-1] for parent in model["depends_on"]["nodes"]]


def test_the_contracts_marts_are_there(manifest: dict[str, Any]) -> None:
    promised = {
        "fct_metric_values", "fct_ingest_log", "fct_baseline_daily", "fct_link_engagement_daily", "fct_retention",
        "fct_data_quality", "fct_sampling_audit", "fct_self_validation", "dim_wiki", "dim_wiki_config", "dim_metric",
        "dim_instrument_vocabulary", "dim_sampling_policy", "dim_date", "fct_milestone_status",
        "rpt_wiki_week", "rpt_link_week", "rpt_cohort_week", "rpt_latest",
        "fct_audience", "fct_audience_alternatives", "fct_audience_log", "rpt_audience_month",
    }  # fmt: skip
    assert promised <= {model["name"] for model in marts(manifest)}


def test_names_say_the_layer_and_the_folder_agrees(manifest: dict[str, Any]) -> None:
    layers = {"staging": ("stg_pd__", "stg_reference__"), "intermediate": ("int_",), "marts": ("fct_", "dim_", "rpt_")}
    for model in models(manifest):
        assert model["name"].startswith(layers[model["fqn"][1]]), model["name"]


def test_schemas_are_exactly_the_layers(manifest: dict[str, Any]) -> None:
    assert {(model["fqn"][1], model["schema"]) for model in models(manifest)} == {
        ("staging", "staging"), ("intermediate", "intermediate"), ("marts", "marts"),
    }  # fmt: skip


def test_every_model_and_column_is_described(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        assert len(model["description"]) > 15, model["name"]
        assert model["columns"], model["name"]
        for column in model["columns"].values():
            assert len(column["description"]) > 5, f"{model['name']}.{column['name']}"


def test_every_mart_is_a_table_with_an_enforced_contract_and_typed_columns(manifest: dict[str, Any]) -> None:
    for model in marts(manifest):
        assert model["contract"]["enforced"], model["name"]
        assert model["config"]["materialized"] == "table", model["name"]
        assert all(column["data_type"] for column in model["columns"].values()), model["name"]


def test_every_mart_has_a_tested_key(manifest: dict[str, Any]) -> None:
    for model in marts(manifest):
        assert len(data_tests(manifest, model, "unique_combination")) == 1, model["name"]
        assert len(data_tests(manifest, model, "not_null_columns")) == 1, model["name"]


def test_key_columns_may_be_null_only_where_the_contract_says_so(manifest: dict[str, Any]) -> None:
    nullable = {
        "fct_ingest_log": {"reason"},
        "fct_audience_log": {"days_read", "reason"},
        "fct_link_engagement_daily": {"client_platform_family"},
        "fct_data_quality": {"subject", "run_id", "attempt"},
        "dim_wiki_config": {"valid_from"},
        "dim_instrument": {"valid_from"},
        "dim_instrument_vocabulary": {"measured_from"},
    }
    for model in marts(manifest):
        (key,) = data_tests(manifest, model, "unique_combination")
        (present,) = data_tests(manifest, model, "not_null_columns")
        unchecked = set(key["test_metadata"]["kwargs"]["columns"]) - set(present["test_metadata"]["kwargs"]["columns"])
        assert unchecked == nullable.get(model["name"], set()), model["name"]


def test_every_model_has_group_access_and_owner(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        assert model["group"] == "personal_dashboard", model["name"]
        assert model["access"] == ("public" if model["fqn"][1] == "marts" else "private"), model["name"]
    assert all(group["owner"]["name"] for group in manifest["groups"].values())


def test_only_staging_reads_sources_and_one_each(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        sources = [parent for parent in parents(model) if parent.startswith("source:")]
        assert len(sources) == (1 if model["fqn"][1] == "staging" else 0), model["name"]


def test_no_staging_model_reads_another_model(manifest: dict[str, Any]) -> None:
    for model in models(manifest, "stg_"):
        assert all(parent.startswith("source:") for parent in parents(model)), model["name"]


def test_dimensions_do_not_read_facts(manifest: dict[str, Any]) -> None:
    for model in models(manifest, "dim_"):
        assert not [parent for parent in parents(model) if parent.startswith("model:fct_")], model["name"]


def test_sources_are_the_lakes_tables_without_users(manifest: dict[str, Any]) -> None:
    sources = {s["name"]: s["description"] for s in manifest["sources"].values() if s["source_name"] == "pd"}
    assert sources == {t.name: t.description for t in TABLES.values() if t.personal_data == "none"}


def test_no_mart_has_a_column_that_could_hold_a_user(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        assert not [c for c in model["columns"] if re.search(r"hash|performer|_token|meta_id", c)], model["name"]


def test_models_do_not_name_relations_or_the_clock(manifest: dict[str, Any]) -> None:
    for model in models(manifest):
        code = model["raw_code"].lower()
        assert not re.search(r"\b(from|join)\s+[a-z_]+\.[a-z_]+", code), model["name"]
        assert not re.search(r"\b(now\(|current_date|current_timestamp|today\()", code), model["name"]


def test_models_with_arithmetic_have_a_unit_test(manifest: dict[str, Any]) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    arithmetic = re.compile(
        r"\{\{ *(weighted_total|hide|days_between|is_small|side_by_side|dbt\.)|\bsum\(| / |greatest|max\(|sqrt"
    )
    calculating = {model["name"] for model in models(manifest) if arithmetic.search(model["raw_code"])}
    known = {"fct_baseline_daily", "fct_link_engagement_daily", "fct_retention", "dim_date", "int_metric_weeks"}
    assert known | {"rpt_wiki_week", "rpt_link_week", "rpt_cohort_week", "rpt_latest"} <= calculating
    assert calculating <= tested


def test_unit_tests_are_named_after_model_and_case_and_pass(
    manifest: dict[str, Any], run_results: list[dict[str, Any]]
) -> None:
    for test in manifest["unit_tests"].values():
        assert re.fullmatch(rf"test_{test['model']}__[a-z0-9_]+", test["name"]), test["name"]
        assert test["description"], test["name"]
    ran = [result["status"] for result in run_results if result["unique_id"].startswith("unit_test.")]
    assert ran == ["pass"] * len(manifest["unit_tests"])


def test_a_report_mart_names_the_ends_of_its_windows_and_does_not_only_rename(manifest: dict[str, Any]) -> None:
    reports = models(manifest, "rpt_")
    assert reports
    renamed = {"window_start": "metric_date", "window_end": "as_of_date"}
    for model in reports:
        columns = set(model["columns"])
        assert renamed.keys() <= columns, model["name"]
        assert not columns & set(renamed.values()), model["name"]
        for parent in model["depends_on"]["nodes"]:
            theirs = {renamed.get(column, column) for column in manifest["nodes"][parent]["columns"]}
            assert not {renamed.get(column, column) for column in columns} <= theirs, f"{model['name']}: {parent}"


def test_every_exposure_has_an_owner_and_reads_marts_only(manifest: dict[str, Any]) -> None:
    public = {model["unique_id"] for model in marts(manifest)}
    for exposure in manifest["exposures"].values():
        assert exposure["owner"]["name"], exposure["name"]
        assert set(exposure["depends_on"]["nodes"]) <= public, exposure["name"]


def named_in(*patterns: str) -> set[str]:
    """The marts that files of the repository name."""
    texts = [path.read_text(encoding="utf-8") for pattern in patterns for path in ROOT.glob(pattern)]
    return {name for text in texts for name in re.findall(r"\b(?:fct|dim|rpt)_[a-z_]+", text)}


def test_an_exposure_reads_what_it_says(manifest: dict[str, Any]) -> None:
    read = {
        exposure["name"]: {node.rpartition(".")[2] for node in exposure["depends_on"]["nodes"]}
        for exposure in manifest["exposures"].values()
    }
    assert read["personal_dashboard_report"] == named_in("jobs/report/**/*.py")
    named = named_in("jobs/explanation/**/*.py", "pdmetrics/**/*.py", "docs/notebooks/*.py", "docs/questions.md")
    assert "dim_wiki" in named
    assert named <= read["analysts_queries"]


def test_every_mart_is_in_an_exposure_or_says_who_reads_it(manifest: dict[str, Any]) -> None:
    exposed = {node for exposure in manifest["exposures"].values() for node in exposure["depends_on"]["nodes"]}
    assert {model["unique_id"] for model in marts(manifest)} <= exposed


def test_every_test_without_a_column_of_its_own_says_what_it_checks(manifest: dict[str, Any]) -> None:
    singular = [n for n in manifest["nodes"].values() if n["resource_type"] == "test" and "test_metadata" not in n]
    assert singular
    assert all(node["description"] for node in singular)


def test_a_rule_of_a_row_has_a_name_and_says_in_a_sentence_what_is_wrong(manifest: dict[str, Any]) -> None:
    rules = [rule for model in marts(manifest) for rule in data_tests(manifest, model, "no_row")]
    assert rules
    for rule in rules:
        assert not rule["name"].startswith("no_row"), rule["name"]
        assert re.match(r"A row of (fct|dim|rpt)_\w+ \w+", rule["description"]), rule["name"]
        assert set(rule["test_metadata"]["kwargs"].get("kinds", ())) <= set(KINDS), rule["name"]


def test_words_that_the_catalogue_uses_are_the_ones_accepted(manifest: dict[str, Any]) -> None:
    accepted = {
        (model["name"], test["column_name"]): tuple(test["test_metadata"]["kwargs"]["values"])
        for model in marts(manifest)
        for test in data_tests(manifest, model, "accepted_values")
    }
    assert accepted["fct_metric_values", "window_kind"] == WINDOW_KINDS
    assert accepted["fct_metric_values", "inference"] == INFERENCES
    assert accepted["dim_metric", "kind"] == KINDS
