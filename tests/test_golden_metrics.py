"""Golden cases of metric rows: a handful of kept events in, the rows they must give out (tests/cases/metrics)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from metric_cases import KEYS, MetricCase, matching, metric_rows, read_cases
from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
CASES = read_cases()


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, pd.DataFrame]:
    return metric_rows(spark, CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_rows_are_as_listed(rows: dict[str, pd.DataFrame], case: MetricCase) -> None:
    wrong = []
    for wanted in case.rows:
        key = {name: wanted[name] for name in KEYS if name in wanted}
        found = matching(rows[case.name], key)
        if len(found) != 1:
            wrong.append(f"{len(found)} rows instead of one: {key}")
            continue
        row = found.iloc[0]
        differing = {
            name: f"{_plain(row[name])!r} instead of {value!r}"
            for name, value in wanted.items()
            if not _is_same(_plain(row[name]), value)
        }
        if differing:
            wrong.append(f"{key}: {differing}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_rows_that_must_not_be_there_are_not(rows: dict[str, pd.DataFrame], case: MetricCase) -> None:
    dates = {pd.Timestamp(day) for day in case.as_of}
    assert set(rows[case.name]["as_of_date"]) == dates  # else their absence would say nothing
    for unwanted in case.no_rows:
        assert matching(rows[case.name], unwanted).empty, unwanted


def _plain(value: Any) -> Any:
    """A cell as YAML writes it: null for what is missing, dates for timestamps."""
    if pd.isna(value):
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


def _is_same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool | str | date) or wanted is None or found is None:
        return bool(found == wanted)
    return bool(found == pytest.approx(wanted, abs=5e-5))
