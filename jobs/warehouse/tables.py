"""The tables' metadata: branches, what a run sees, publishing and dropping. PyIceberg alone; no engine is needed.

A run stages every table it changes on a branch named after the run. Readers of `main` see nothing of it until
`publish` fast-forwards the branches (`docs/adr/0003-one-publish-step.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import (
    AlwaysFalse,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    In,
    LessThanOrEqual,
    Or,
)
from pyiceberg.table import DataScan, Table
from pyiceberg.table.snapshots import Snapshot, ancestors_of

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.schemas import arrow_schema
from jobs.warehouse.catalog import ensure_tables, local_path
from jobs.warehouse.snapshots import KEEP_SNAPSHOTS, LakeTable
from jobs.windows import DAY

MAIN = "main"
EPOCH = date(1970, 1, 1)
NOTE = "pdmetrics.purged"  # a property of a snapshot that deleted rows for good: its receipts (`receipts.py`)


class Tables:
    """The Iceberg tables of one warehouse, by their metadata.

    Args:
        catalog: where they stand.
        check_held: raises where the warehouse's lock was lost: asked before anything is deleted, so that a machine that
            was stopped for long deletes nothing that another has staged meanwhile.
    """

    def __init__(self, catalog: Catalog, check_held: Callable[[], None] = lambda: None) -> None:
        self.catalog, self.check_held = catalog, check_held
        self._tables: dict[str, Table] = {}

    def ensure_tables(self) -> None:
        """Create the tables that are not there yet, and add what columns they lack."""
        self._tables = ensure_tables(self.catalog)

    def has(self, name: str) -> bool:
        """Whether a table is there; for somebody who only looks, one may not be made yet."""
        return name in self._tables

    @property
    def names(self) -> list[str]:
        """The tables that there are."""
        return list(self._tables)

    def table(self, name: str) -> Table:
        """Return the handle of a table, up to date with this process."""
        return self._tables[contracts.table(name).name]

    def arrow_days(
        self,
        name: str,
        days: Sequence[date],
        run_id: str | None = None,
        only: Mapping[str, Sequence[str]] | None = None,
    ) -> pa.Table:
        """Return the rows of some days of a small table, or those with `only` these values, without an engine."""
        condition = within(contracts.table(name).partition, days)
        for column, values in (only or {}).items():
            alternatives = [equal_to(column, value) for value in values]
            condition = And(condition, reduce(Or, alternatives) if alternatives else AlwaysFalse())
        scan = self.table(name).scan(condition, snapshot_id=self.snapshot(name, run_id))
        found, schema = scan.to_arrow(), arrow_schema(contracts.table(name).columns)
        for field in schema:
            if field.name not in found.column_names:  # the snapshot is older than the column
                found = found.append_column(field, pa.nulls(found.num_rows, field.type))
        return found.select(schema.names).cast(schema)

    def day_frame(
        self,
        name: str,
        days: Sequence[date],
        run_id: str | None = None,
        only: Mapping[str, Sequence[str]] | None = None,
    ) -> pd.DataFrame:
        """Return the same as pandas, with plain dates."""
        frame: pd.DataFrame = self.arrow_days(name, days, run_id, only).to_pandas(date_as_object=True)
        return frame

    def refs(self, name: str) -> dict[str, int]:
        """Return the branches of a table and the snapshot each points to."""
        return {ref: found.snapshot_id for ref, found in self.table(name).metadata.refs.items()}

    def days(self, name: str, run_id: str | None = None) -> list[date]:
        """Return the partitions of a table that hold rows as a run sees them, from its metadata alone."""
        files = self.table(name).scan(snapshot_id=self.snapshot(name, run_id)).plan_files()
        return sorted({EPOCH + timedelta(days=int(task.file.partition[0])) for task in files})

    def staged_tables(self, run_id: str, copies: Path) -> dict[str, LakeTable]:
        """Return for every table the snapshot a run sees: its own branch, else what is published.

        Args:
            run_id: the run.
            copies: a folder for tables that lie on another machine, of which those without users are copied here.
        """
        found = {}
        for name, contract in contracts.TABLES.items():
            snapshot = self.snapshot(name, run_id)
            place = local_path(self.table(name).metadata_location)
            if place is None and contract.personal_data == "none":
                place = copy_rows(self.table(name).scan(snapshot_id=snapshot), name, copies)
            found[name] = LakeTable(name, place, snapshot)
        return found

    def publish(self, run_id: str, before_each: Callable[[], None] = lambda: None) -> list[str]:
        """Fast-forward every branch of a run to main and drop it, in one commit a table.

        Repeatable: what is done already is passed over, wherever between two tables the last attempt was cut off.
        Snapshots of more than thirty days ago leave the history.

        Args:
            run_id: the run, and its branches.
            before_each: raises where this must not go on.
        """
        published = []
        for name in contracts.TABLES:
            self.table(name).refresh()
            if run_id not in self.refs(name):
                continue
            table = self.table(name)
            self._check_is_ahead(table, run_id)
            before_each()
            table.manage_snapshots().set_current_snapshot(ref_name=run_id).remove_branch(run_id).commit()
            self.expire(name, datetime.now(UTC) - KEEP_SNAPSHOTS)
            published.append(name)
        return published

    def expire(self, name: str, before: datetime) -> None:
        """Let a table's snapshots from before a moment go, but for heads and what leads from `main` to a branch.

        Those that carry receipts stay until a purge is through with the table.
        What was published at that moment stays, however old it was: what replaced it later can be undone.
        """
        if old := self.expired(name, before):
            self.check_held()
            self.table(name).maintenance.expire_snapshots().by_ids(old).commit()

    def expired(self, name: str, before: datetime) -> list[int]:
        """Return the snapshots that `expire` lets go."""
        table = self.table(name)
        metadata = table.metadata
        published = {snapshot.snapshot_id for snapshot in ancestors_of(table.snapshot_by_name(MAIN), metadata)}
        kept = set(self.refs(name).values()) | {one.snapshot_id for one in metadata.snapshots if is_noted(one)}
        limit = before.timestamp() * 1000
        kept |= {entry.snapshot_id for entry in [e for e in metadata.snapshot_log if e.timestamp_ms < limit][-1:]}
        for ref in self.refs(name):
            kept |= {
                snapshot.snapshot_id for snapshot in ancestors_of(table.snapshot_by_name(ref), metadata)
            } - published
        return [s.snapshot_id for s in metadata.snapshots if s.timestamp_ms < limit and s.snapshot_id not in kept]

    def discard(self, keep: Iterable[str] = ()) -> list[str]:
        """Drop every branch of runs that never got published, but those in `keep`; return their names."""
        dropped = set()
        for name in contracts.TABLES:
            for ref in self.refs(name):
                if ref != MAIN and ref not in keep:
                    self.check_held()
                    self.table(name).manage_snapshots().remove_branch(ref).commit()
                    dropped.add(ref)
        return sorted(dropped)

    def snapshot(self, name: str, run_id: str | None) -> int:
        """Return the snapshot of a table that a run sees."""
        refs = self.refs(name)
        return refs[run_id] if run_id is not None and run_id in refs else refs[MAIN]

    def branch(self, name: str, run_id: str) -> None:
        """Make the run's branch begin at what is published, unless it is there."""
        refs = self.refs(name)
        if run_id not in refs:
            self.table(name).manage_snapshots().create_branch(refs[MAIN], run_id).commit()

    def is_ahead(self, run_id: str) -> bool:
        """Whether a run has branches, and all of them hold what is published, so that they can be published."""
        branches = [self.table(name) for name in contracts.TABLES if run_id in self.refs(name)]
        return bool(branches) and all(_is_ahead(table, run_id) for table in branches)

    def heads(self, run_id: str) -> dict[str, int]:
        """Return the head of each branch of a run, as this process knows them, by the uuid of its table."""
        found = {str(self.table(name).metadata.table_uuid): self.refs(name) for name in self.names}
        return {uuid: refs[run_id] for uuid, refs in found.items() if run_id in refs}

    def require_staged(self, run_id: str, heads: Mapping[str, int]) -> None:
        """Refuse to publish a run without a table that it staged: its branch is there, or was published already.

        Args:
            run_id: the run.
            heads: as `heads` returned them; the tables of a relocated warehouse are others, which published them.

        Raises:
            WarehouseError: a branch is gone.
        """
        for name in self.names:
            table = self.table(name).refresh()
            head = heads.get(str(table.metadata.table_uuid))
            if head is None or run_id in self.refs(name):
                continue
            if head not in {one.snapshot_id for one in ancestors_of(table.snapshot_by_name(MAIN), table.metadata)}:
                raise WarehouseError(
                    f"What {run_id} staged of {name} is gone: another command dropped it.",
                    where=table.metadata_location,
                    next_step="run the days again, all steps",
                )

    def _check_is_ahead(self, table: Table, run_id: str) -> None:
        """Refuse to publish a branch that does not hold what is published."""
        if not _is_ahead(table, run_id):
            raise WarehouseError(
                f"{'.'.join(table.name())} was published by somebody else since {run_id} began.",
                where=table.metadata_location,
                next_step="run the days again: they start from what is published now",
            )


def is_noted(snapshot: Snapshot) -> bool:
    """Whether a snapshot carries receipts: the purge that made it is not through with the table's history."""
    return bool(snapshot.summary and snapshot.summary[NOTE])


def _is_ahead(table: Table, branch: str) -> bool:
    main = table.snapshot_by_name(MAIN)
    known = {snapshot.snapshot_id for snapshot in ancestors_of(table.snapshot_by_name(branch), table.metadata)}
    return main is None or main.snapshot_id in known


def copy_rows(scan: DataScan, name: str, folder: Path) -> Path:
    """Copy the rows of a scan of a table that lies on another machine into a Parquet file here, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, schema = folder / f"{name}.parquet", arrow_schema(contracts.table(name).columns)
    with pq.ParquetWriter(path, schema) as writer:
        for batch in scan.to_arrow_batch_reader():
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
    return path


def within(column: str, days: Sequence[date]) -> BooleanExpression:
    """Return the condition that a partition is one of some days."""
    conditions = [between(column, first, last) for first, last in spans(days)]
    return reduce(Or, conditions) if conditions else AlwaysFalse()


def between(column: str, first: date, last: date) -> BooleanExpression:
    """Return the condition that a partition lies in a closed span of days."""
    return And(
        _predicate(GreaterThanOrEqual, column, first.isoformat()), _predicate(LessThanOrEqual, column, last.isoformat())
    )


def equal_to(column: str, value: str) -> BooleanExpression:
    """Return the condition that a column has a value."""
    return _predicate(EqualTo, column, value)


def one_of(column: str, values: Collection[Any]) -> BooleanExpression:
    """Return the condition that a column has one of some values."""
    return _predicate(In, column, set(values))


def _predicate(kind: Any, column: str, value: Any) -> BooleanExpression:
    """Compare a column with a value; to a type checker PyIceberg's predicates take none of what they take."""
    found: BooleanExpression = kind(column, value)
    return found


def spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Group days into closed spans without holes, so that a month is one condition and not thirty."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and day - found[-1][1] == DAY:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
