"""The wide marts name metrics, in lists and YAML: both are the catalogue's; and they read two sentences of the code."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from wide_columns import WIDE, as_yaml, columns_of, metrics_of

from jobs.catalogue import load_catalogue
from jobs.marts.build import BuiltMarts
from jobs.policy.timeline import RateChange, UnitRate, describe_changes, format_unit_rate
from jobs.rows.comparable import AT_RATE

PROJECT = Path(__file__).parents[2] / "dbt_project"
LISTS = {
    "rpt_wiki_week": "wiki_week_metrics",
    "rpt_link_week": "link_week_metrics",
    "rpt_cohort_week": "cohort_week_metrics",
}


def described(mart: str) -> list[dict[str, Any]]:
    """The columns of a mart in its YAML, those of metrics only."""
    text = (PROJECT / "models" / "marts" / "reports" / "_reports.yml").read_text(encoding="utf-8")
    (model,) = (one for one in yaml.safe_load(text)["models"] if one["name"] == mart)
    own = [column["name"] for column in model["columns"]].index("series_break") + 1
    return model["columns"][own:]


@pytest.mark.parametrize("mart", sorted(WIDE))
def test_the_columns_of_a_wide_mart_are_those_of_the_catalogue(mart: str) -> None:
    expected = columns_of(mart)
    assert described(mart) == expected, f"in _reports.yml, {mart} must have:\n{as_yaml(expected)}"


@pytest.mark.parametrize("mart", sorted(WIDE))
def test_the_list_of_a_wide_mart_is_the_catalogues(mart: str) -> None:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    assert variables[LISTS[mart]] == [metric.metric for metric in metrics_of(mart)]


def test_the_metrics_of_wikis_that_may_be_unknown_are_the_catalogues_audiences() -> None:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    audiences = [one.metric for one in load_catalogue().metrics.values() if one.family == "audience"]
    assert variables["audience_metrics"] == audiences


def test_the_sentences_that_marts_read_are_the_ones_that_are_written() -> None:
    macros = (PROJECT / "macros" / "sentences.sql").read_text(encoding="utf-8")
    (rate,) = re.findall(r"regexp_extract\(.*?, '(.*?)', 0\)", macros)
    beginning, several = re.findall(r"like '(.*?)'", macros)
    half, tenth = UnitRate("session", 0.5), UnitRate("session", 0.1)
    named = re.search(rate, f"An hour is lost; {AT_RATE.format(rate=format_unit_rate(tenth))}; so it is")
    assert named is not None
    assert named.group() == f"as seen at {format_unit_rate(tenth)}"
    changes = [RateChange(datetime(2026, 6, day, tzinfo=UTC), half, tenth) for day in (1, 2)]
    sentence = describe_changes(changes)
    assert sentence is not None
    assert sentence.startswith(beginning.removesuffix("%"))
    assert several.strip("%") not in sentence


@pytest.mark.dbt
def test_every_table_and_column_of_the_marts_file_has_its_description(
    built: BuiltMarts, manifest: dict[str, Any]
) -> None:
    marts = [node for node in manifest["nodes"].values() if node.get("schema") == "marts" and node.get("columns")]
    columns = {(m["name"], c["name"]): c["description"].strip() for m in marts for c in m["columns"].values()}
    tables = {m["name"]: m["description"].strip() for m in marts}
    with duckdb.connect(str(built.path), read_only=True) as connection:
        found = connection.execute("select table_name, column_name, comment from duckdb_columns() where not internal")
        assert {(table, column): comment for table, column, comment in found.fetchall()} == columns
        found = connection.execute("select table_name, comment from duckdb_tables()")
        assert dict(found.fetchall()) == tables
