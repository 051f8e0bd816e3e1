"""What dbt says of a build that failed, in an analyst's words: which table, which rule, how many rows, which ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jobs.console import counted
from jobs.errors import GateError

MADE_FROM = {"dim_wiki": "it is made from wikis.csv"}
MAX_VALUES = 10  # of those that another table does not have


def failure(outcome: Any, marts_file: Path, target: Path, project: Path) -> GateError:
    """Turn dbt's result into one error that names each failed node."""
    results = getattr(outcome.result, "results", None) or []
    failed = [result for result in results if str(result.status) in {"error", "fail", "runtime error"}]
    if not failed:
        return GateError(
            f"The marts cannot be built: {_one_line(str(outcome.exception))}", where=str(project),
            next_step=f"see {target / 'dbt.log'}",
        )  # fmt: skip
    lines = [f"- {explain(result, marts_file)}" for result in failed]
    skipped = sum(str(result.status) == "skipped" for result in results)
    left_out = f" ({skipped} steps after them did not run)" if skipped else ""
    return GateError(
        "\n".join(
            [f"The marts are not fit to publish: {len(failed)} of {len(results)} steps failed{left_out}.", *lines]
        ),
        where=str(marts_file),
        next_step=f"mend the data or the model, then run the days again; SQL of each step: {target / 'compiled'}",
    )


def explain(result: Any, marts_file: Path) -> str:
    """Say what one failed node means: a table not built, a rule broken by so many rows, a unit test."""
    node = result.node
    kind = str(node.resource_type)
    if kind == "model":
        return f"table {node.schema}.{node.name} cannot be built: {_one_line(result.message)}"
    if kind == "unit_test":
        return f"unit test {node.name} fails: {_one_line(result.message)}"
    if str(result.status) not in {"fail", "warn"}:
        return f"test {node.name} cannot run: {_one_line(result.message)}"
    # Most tests find rows; these find what several rows have in common, and their examples say how many do.
    found = {"unique_combination": "key", "not_null_columns": "column", "accepted_values": "value"}
    kind_of_test = getattr(getattr(node, "test_metadata", None), "name", "")
    number = counted(int(result.failures), found.get(kind_of_test, "row"))
    if kind_of_test == "relationships":
        return f"{_rule(node)}: {number}{_lacking(node, marts_file)}"
    return f"{_rule(node)}: {number}{_examples(node.compiled_code, marts_file)}"


def _rule(node: Any) -> str:
    """Name the rule a data test checks: by its own description, or in the words of its kind."""
    metadata = getattr(node, "test_metadata", None)
    if node.description or metadata is None:
        return f"{node.description or node.name} [{node.name}]"
    arguments = {key: value for key, value in metadata.kwargs.items() if key not in {"model", "column_name"}}
    model = str(getattr(node, "attached_node", None) or "").rpartition(".")[2]
    column = metadata.kwargs.get("column_name")
    subject = f"{model}.{column}" if column else model
    words = {
        "unique_combination": "has more than one row for a key of {columns}",
        "not_null_columns": "is null in one of {columns}",
        "small_cells_are_hidden": "shows a number of too few users in {columns}",
        "ordered_interval": "breaks lower <= estimate <= upper",
        "finite_and_not_negative": "holds a number that is negative or not finite in one of {columns}",
        "accepted_values": "holds a value other than {values}",
        "relationships": "holds a value that {to} does not have in {field}",
        "values_between": "is outside {minimum} to {maximum}",
    }
    template = words.get(metadata.name, f"breaks the rule {metadata.name}")
    said = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else _table(value)
        for key, value in arguments.items()
    }
    return f"{subject} {template.format(**said)}"


def _lacking(node: Any, marts_file: Path) -> str:
    """Name the values that another table does not have, each once, and say what follows."""
    arguments = node.test_metadata.kwargs
    column, to = arguments["column_name"], _table(arguments["to"])
    distinct = f"select distinct from_field as {column} from ({node.compiled_code}) order by all"
    source = f" ({MADE_FROM[to]})" if to in MADE_FROM else ""
    return (
        f"{_examples(distinct, marts_file, MAX_VALUES)}\n    "
        f"a join with {to} loses these rows; to keep them, put the value back{source} and rerun a day"
    )


def _table(reference: object) -> str:
    """Return the name in dbt's `ref('name')`; anything else as it is."""
    return re.sub(r"^ref\('(.*)'\)$", r"\1", str(reference))


def _examples(sql: str | None, marts_file: Path, limit: int = 3) -> str:
    """Show the first failing rows, where the test reads marts only; tests over the lake's views cannot be repeated."""
    import duckdb

    try:
        with duckdb.connect(str(marts_file), read_only=True) as connection:
            found = connection.execute(f"select * from ({sql}) limit {limit}")
            names = [column[0] for column in found.description or ()]
            rows = found.fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return ""
    except duckdb.Error as error:
        return f"\n    (which ones cannot be shown: {_one_line(str(error), 200)})"
    shown = (
        "; ".join(f"{name}={value}" for name, value in zip(names, row, strict=True) if value is not None)
        for row in rows
    )
    return "".join(f"\n    e.g. {row}" for row in shown)


def _one_line(message: str | None, longest: int = 600) -> str:
    """Put a message of dbt or DuckDB on one line, without dbt's heading and DuckDB's hints at the end."""
    text = re.sub(r"^(Runtime|Compilation) Error in .*\n", "", (message or "no message").strip())
    line = re.sub(r"\s*\n\s*", " | ", text.strip())
    return line if len(line) <= longest else f"{line[:longest]} …"
