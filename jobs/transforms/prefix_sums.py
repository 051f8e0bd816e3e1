"""What a unit summed up to by any of its days: the one step of the windows that is told row by row, in Arrow.

Window functions say the same, with one frame for each window and value; on the embedded engine each of these costs a
microsecond a row, and there are dozens. A pass over sorted arrays costs a twentieth of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

PARTITIONS = 8  # each is in memory as a whole
_UNIT = "_unit"


def prefix_sums(rows: DataFrame, *, unit: Sequence[str], values: Sequence[str], ends: Mapping[str, int]) -> DataFrame:
    """Add, for each unit and day, the sums of its values up to days that lie some way off.

    Args:
        rows: any number of rows per unit and `event_date`; they are added up.
        unit: columns that name a unit.
        values: columns of numbers.
        ends: by name, how many days after a row's own day its sums end (0 its own day, -7 a week before).

    Returns:
        One row per unit and day with the columns of `rows` (of several rows those of the first, values added up) and
        `<name>_<value>`: the sum of the unit's value from its first day to that one, in order
        of the days, so that the last digit does not depend on how rows lie.
    """
    keyed = rows.withColumn(_UNIT, F.xxhash64(*unit)).repartition(PARTITIONS, _UNIT)
    types = {field.name: field.dataType for field in rows.schema.fields}
    added = [StructField(f"{name}_{value}", types[value]) for name in ends for value in values]
    schema = StructType([*keyed.schema.fields, *added])
    return keyed.mapInArrow(_summing(tuple(values), dict(ends)), schema).drop(_UNIT)


def _summing(
    values: Sequence[str], ends: Mapping[str, int]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    def of_partition(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        found = list(batches)
        if found:
            yield from add_prefix_sums(pa.Table.from_batches(found), values, ends).to_batches()

    return of_partition


def add_prefix_sums(table: pa.Table, values: Sequence[str], ends: Mapping[str, int]) -> pa.Table:
    """Do for whole units what `prefix_sums` does for a frame; `_unit`, `event_date` and the values are there."""
    table = _by_day(table, values)
    unit, day = table[_UNIT].to_numpy(), _days(table)
    is_first = np.r_[True, unit[1:] != unit[:-1]]
    number = np.cumsum(is_first) - 1
    first = np.flatnonzero(is_first)[number]
    # A place on one axis for each row: units lie further apart than any two days.
    place = number.astype(np.int64) * (1 << 24) + day
    before = {name: np.searchsorted(place, place + end, side="right") for name, end in ends.items()}
    columns = {}
    for value in values:
        kind = table.schema.field(value).type
        sums = _running(table[value].fill_null(0).to_numpy(), np.arange(len(unit)) - first)
        for name in ends:
            there = before[name] > first
            columns[f"{name}_{value}"] = pa.array(np.where(there, sums[before[name] - 1], 0), type=kind)
    for name in (f"{end}_{value}" for end in ends for value in values):
        table = table.append_column(name, columns[name])
    return table


def _by_day(table: pa.Table, values: Sequence[str]) -> pa.Table:
    """Put rows in order, and those of one unit and day into one."""
    order = np.lexsort((_days(table), table[_UNIT].to_numpy()))
    table = pc.take(table, pa.array(order))
    unit, day = table[_UNIT].to_numpy(), _days(table)
    starts = np.flatnonzero(np.r_[True, (unit[1:] != unit[:-1]) | (day[1:] != day[:-1])])
    if len(starts) == len(unit):
        return table
    summed = {name: np.add.reduceat(table[name].fill_null(0).to_numpy(), starts) for name in values}
    table = pc.take(table, pa.array(starts))
    for name, sums in summed.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(sums, type=table.schema.field(name).type))
    return table


def _days(table: pa.Table) -> npt.NDArray[np.int32]:
    days: npt.NDArray[np.int32] = table["event_date"].cast(pa.int32()).to_numpy()
    return days


def _running(values: npt.NDArray[Any], rank: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Sum each unit's values from its first row on, a rank at a time: units do not touch each other's digits."""
    sums = values.copy()
    by_rank = np.argsort(rank, kind="stable")
    for rows in np.split(by_rank, np.flatnonzero(np.diff(rank[by_rank])) + 1)[1:]:
        sums[rows] = sums[rows - 1] + values[rows]
    return sums
