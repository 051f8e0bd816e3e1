"""The only module that reads or writes tables: stage on a branch, read it back, fast-forward it to publish.

A run stages every table it changes on a branch named after the run. Readers of `main` see nothing of it until
`publish` fast-forwards the branches (`docs/adr/0003-one-publish-step.md`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.marts import LakeTable

CATALOG = "lake"
MAIN = "main"


class Lake:
    """The Iceberg tables of one warehouse."""

    def __init__(self, spark: SparkSession, warehouse: Path) -> None:
        self.spark, self.root = spark, warehouse.resolve() / "lake"

    def ensure_tables(self) -> None:
        """Create the namespace and the tables that are not there yet."""
        self.spark.sql(f"create namespace if not exists {CATALOG}.{contracts.NAMESPACE}")
        existing = {
            row.tableName for row in self.spark.sql(f"show tables in {CATALOG}.{contracts.NAMESPACE}").collect()
        }
        for table in contracts.TABLES.values():
            if table.name not in existing:
                self.spark.sql(
                    f"create table if not exists {self.identifier(table.name)} ({table.columns}) using iceberg "
                    f"partitioned by ({table.partition}) tblproperties ('format-version'='2', "
                    "'write.metadata.delete-after-commit.enabled'='true', 'write.metadata.previous-versions-max'='20', "
                    "'write.parquet.compression-codec'='zstd')"
                )

    def identifier(self, name: str, branch: str = MAIN) -> str:
        """Return the SQL name of a table, on a branch if one is named."""
        suffix = "" if branch == MAIN else f".branch_{branch}"
        return f"{CATALOG}.{contracts.NAMESPACE}.{contracts.table(name).name}{suffix}"

    def read(self, name: str, run_id: str | None = None) -> DataFrame:
        """Read a table as a run sees it: its branch where it staged one, else what is published."""
        branch = run_id if run_id is not None and run_id in self.refs(name) else MAIN
        return self.spark.table(self.identifier(name, branch))

    def read_between(self, name: str, start: date, end: date, run_id: str | None = None) -> DataFrame:
        """Read the partitions of [start, end) of a table as a run sees it."""
        column = F.col(contracts.table(name).partition)
        return self.read(name, run_id).where((column >= F.lit(start)) & (column < F.lit(end)))

    def stage(self, name: str, rows: DataFrame, run_id: str, partitions: Sequence[date]) -> None:
        """Overwrite whole partitions of a table on the run's branch, which starts from what is published.

        Args:
            name: a table of `contracts.py`.
            rows: all rows of these partitions, in the contract's columns and types.
            run_id: the branch.
            partitions: the values of the partition column that are overwritten; rows must lie in them.
        """
        table = contracts.table(name)
        expected = schema_of(name)
        if _shape(rows.schema) != _shape(expected):
            raise TypeError(f"{name}: frame has {_shape(rows.schema)}, the contract says {_shape(expected)}")
        if run_id not in self.refs(name):
            self.spark.sql(f"alter table {self.identifier(name)} create branch {run_id}")
        condition = F.lit(False)
        for first, last in _spans(partitions):
            condition = condition | F.col(table.partition).between(F.lit(first), F.lit(last))
        rows.writeTo(self.identifier(name, run_id)).overwrite(condition)

    def from_pandas(self, name: str, frame: pd.DataFrame) -> DataFrame:
        """Turn a small pandas frame into rows of a table, in the contract's columns and types; NaN becomes null."""
        schema = schema_of(name)
        table = pa.Table.from_pandas(frame[schema.fieldNames()], schema=to_arrow_schema(schema), preserve_index=False)
        return self.spark.createDataFrame(table, schema=schema)

    def refs(self, name: str) -> dict[str, int]:
        """Return the branches of a table and the snapshot each points to, read from its current metadata file."""
        metadata = json.loads(self.metadata_file(name).read_text(encoding="utf-8"))
        refs = cast(dict[str, dict[str, Any]], metadata.get("refs") or {})
        return {ref: int(value["snapshot-id"]) for ref, value in refs.items()}

    def metadata_file(self, name: str) -> Path:
        """Return the newest metadata file of a table, whatever the version hint says after a crash."""
        folder = self.root / contracts.NAMESPACE / contracts.table(name).name / "metadata"
        files = sorted(folder.glob("v*.metadata.json"), key=lambda path: int(path.name.split(".")[0][1:]))
        if not files:
            raise WarehouseError(
                f"Table {name} has no metadata.", where=str(folder), next_step="run `pdmetrics run` once to create it"
            )
        return files[-1]

    def staged_tables(self, run_id: str) -> dict[str, LakeTable]:
        """Return for every table the snapshot a run sees: its own branch, else what is published."""
        found = {}
        for name in contracts.TABLES:
            refs = self.refs(name)
            found[name] = LakeTable(name, self.metadata_file(name), refs.get(run_id, refs.get(MAIN)))
        return found

    def publish(self, run_id: str) -> list[str]:
        """Fast-forward every branch of a run to main and drop it. Repeatable: what is done already is passed over."""
        published = []
        for name in contracts.TABLES:
            refs = self.refs(name)
            if run_id not in refs:
                continue
            if refs.get(MAIN) != refs[run_id]:
                table = f"{contracts.NAMESPACE}.{name}"
                self.spark.sql(f"call {CATALOG}.system.fast_forward('{table}', '{MAIN}', '{run_id}')").collect()
            self._drop_branch(name, run_id)
            published.append(name)
        return published

    def discard(self, keep: Iterable[str] = ()) -> list[str]:
        """Drop every branch of runs that never got published, but those in `keep`; return their names."""
        dropped = set()
        for name in contracts.TABLES:
            for ref in self.refs(name):
                if ref != MAIN and ref not in keep:
                    self._drop_branch(name, ref)
                    dropped.add(ref)
        return sorted(dropped)

    def _drop_branch(self, name: str, branch: str) -> None:
        try:
            self.spark.sql(f"alter table {self.identifier(name)} drop branch {branch}")
        except AnalysisException as error:
            raise WarehouseError(
                f"Branch {branch} of {name} cannot be dropped: {error}.", where=str(self.root)
            ) from None


def schema_of(name: str) -> StructType:
    """Return the Spark schema that a table's contract states."""
    return cast(StructType, StructType.fromDDL(contracts.table(name).columns))


def _shape(schema: StructType) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in schema.fields]


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Group days into closed spans without holes, so that a month is one condition and not thirty."""
    spans: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if spans and (day - spans[-1][1]).days == 1:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans
