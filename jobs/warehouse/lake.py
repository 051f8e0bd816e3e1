"""Stage rows and read them back, on either engine; the metadata behind it is that of `tables.py`.

Metadata is PyIceberg's on both engines; only the bulk of the rows goes the engine's own way
(`docs/adr/0006-engine.md`).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from datetime import date
from functools import reduce

import pandas as pd
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from jobs import contracts
from jobs.engine.session import Engine
from jobs.errors import WarehouseError
from jobs.schemas import arrow_schema, spark_schema
from jobs.warehouse.bulk import has_lists, replace_with_files, replace_with_rows, write_files, written_chunks
from jobs.warehouse.catalog import NAME, file_location, local_path
from jobs.warehouse.tables import Tables, between, copy_rows, spans, within
from jobs.windows import DAY


class Lake(Tables):
    """The Iceberg tables of one warehouse, on a running engine."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        super().__init__(catalog)
        self.engine = engine
        self._locks = {name: threading.Lock() for name in contracts.TABLES}

    @property
    def spark(self) -> SparkSession:
        """The engine's session."""
        return self.engine.spark

    def read(self, name: str, run_id: str | None = None) -> DataFrame:
        """Read a table as a run sees it: its branch where it staged one, else what is published."""
        return self._read(name, run_id, AlwaysTrue())

    def read_between(self, name: str, start: date, end: date, run_id: str | None = None) -> DataFrame:
        """Read the partitions of [start, end) of a table as a run sees it."""
        column = contracts.table(name).partition
        if end <= start:
            return self._empty(name)
        rows = self._read(name, run_id, between(column, start, end - DAY))
        return rows.where((F.col(column) >= F.lit(start)) & (F.col(column) < F.lit(end)))

    def read_days(self, name: str, days: Sequence[date], run_id: str | None = None) -> DataFrame:
        """Read the partitions of some days of a table as a run sees it."""
        column = contracts.table(name).partition
        if not days:
            return self._empty(name)
        return self._read(name, run_id, within(column, days)).where(in_spans(F.col(column), days))

    def stage(self, name: str, rows: DataFrame, run_id: str, partitions: Sequence[date]) -> None:
        """Overwrite whole partitions of a table on the run's branch, which starts from what is published.

        Args:
            name: a table of `contracts.py`.
            rows: all rows of these partitions, in the contract's columns and types.
            run_id: the branch.
            partitions: the values of the partition column that are overwritten; rows must lie in them.
        """
        expected = schema_of(name)
        if _shape(rows.schema) != _shape(expected):
            raise TypeError(f"{name}: frame has {_shape(rows.schema)}, the contract says {_shape(expected)}")
        column = contracts.table(name).partition
        if not partitions:
            return
        if not self.engine.is_embedded:
            with self._locks[name]:
                self.branch(name, run_id)
                rows.writeTo(f"{self.identifier(name)}.branch_{run_id}").overwrite(in_spans(F.col(column), partitions))
                self.table(name).refresh()
            return
        self._stage_embedded(name, rows, run_id, within(column, partitions))

    def stage_pandas(self, name: str, frame: pd.DataFrame, run_id: str, partitions: Sequence[date]) -> None:
        """Overwrite partitions as `stage` does, with a small pandas frame; its NaN becomes null."""
        table = self.arrow_table(name, frame)
        if not partitions:
            return
        if not self.engine.is_embedded:
            self.stage(name, self.spark.createDataFrame(table, schema=schema_of(name)), run_id, partitions)
            return
        with self._locks[name]:
            self.branch(name, run_id)
            condition = within(contracts.table(name).partition, partitions)
            self.table(name).overwrite(table, condition, branch=run_id)

    def _stage_embedded(self, name: str, rows: DataFrame, run_id: str, replaced: BooleanExpression) -> None:
        table, contract = self.table(name), contracts.table(name)
        schema = arrow_schema(contract.columns)
        if not has_lists(schema) and local_path(table.location()) is not None:
            files = write_files(rows, f"{table.location()}/data", contract.partition)
            with self._locks[name]:
                self.branch(name, run_id)
                replace_with_files(table, files, replaced, run_id)
            return
        with written_chunks(rows, self.engine.scratch, contract.partition, schema) as chunks, self._locks[name]:
            self.branch(name, run_id)
            replace_with_rows(table, chunks, replaced, run_id)

    def arrow_table(self, name: str, frame: pd.DataFrame) -> pa.Table:
        """Return a pandas frame in the contract's columns and types."""
        schema = arrow_schema(contracts.table(name).columns)
        return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)

    def identifier(self, name: str) -> str:
        """Return the SQL name that Spark has for a table."""
        return f"{NAME}.{contracts.NAMESPACE}.{contracts.table(name).name}"

    def _read(self, name: str, run_id: str | None, condition: BooleanExpression) -> DataFrame:
        if not self.engine.is_embedded:
            # By branch and not by snapshot, which would show the columns that the table had then.
            is_staged = run_id is not None and run_id in self.refs(name)
            return self.spark.table(self.identifier(name) + (f".branch_{run_id}" if is_staged else ""))
        scan = self.table(name).scan(condition, snapshot_id=self.snapshot(name, run_id))
        tasks = list(scan.plan_files())
        if any(task.delete_files for task in tasks):
            raise WarehouseError(
                f"Table {name} has rows that were deleted one by one, which the embedded engine would not see.",
                where=self.table(name).metadata_location,
                next_step="rewrite its data files (compact them with Spark), or set [engine] name = 'spark'",
            )
        if not tasks:
            return self._empty(name)
        files = [_as_embedded_reads(task.file.file_path) for task in tasks]
        if local_path(self.table(name).location()) is None:  # only PyIceberg has what it takes to go there
            files = [str(copy_rows(scan, name, self.engine.scratch / "copies" / uuid.uuid4().hex))]
        return self.spark.read.schema(schema_of(name)).parquet(*files)

    def _empty(self, name: str) -> DataFrame:
        schema = schema_of(name)
        return self.spark.createDataFrame(arrow_schema(contracts.table(name).columns).empty_table(), schema=schema)


def _as_embedded_reads(location: str) -> str:
    """Return where a file is as the embedded engine is told: of `file:/…`, as Spark writes it, it would see no row."""
    here = local_path(location)
    return location if here is None else file_location(here)


def schema_of(name: str) -> StructType:
    """Return the Spark schema that a table's contract states."""
    return spark_schema(contracts.table(name).columns)


def in_spans(column: Column, days: Sequence[date]) -> Column:
    """Return whether a date is one of some days."""
    return reduce(Column.__or__, [column.between(F.lit(first), F.lit(last)) for first, last in spans(days)])


def _shape(schema: StructType) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in schema.fields]
