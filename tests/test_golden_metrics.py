"""Golden cases of metric rows: a handful of kept events in, the rows they must give out (tests/cases/metrics)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from metric_cases import KEY_DEFAULTS, KEYS, MetricCase, matching, metric_rows, read_cases, unlisted
from pyspark.sql import SparkSession

from jobs.catalogue import load_catalogue

CASES = read_cases()
of_each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, pd.DataFrame]:
    return metric_rows(spark, CASES)


@pytest.mark.spark
@of_each_case
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


@pytest.mark.spark
@of_each_case
def test_rows_that_must_not_be_there_are_not(rows: dict[str, pd.DataFrame], case: MetricCase) -> None:
    dates = {pd.Timestamp(day) for day in case.as_of}
    assert set(rows[case.name]["as_of_date"]) == dates  # else their absence would say nothing
    others = unlisted(rows[case.name], case)
    for unwanted in case.no_rows:
        assert _told(matching(others, unwanted)) == [], unwanted


@pytest.mark.spark
@of_each_case
def test_a_metric_that_is_not_open_has_the_listed_rows_only(rows: dict[str, pd.DataFrame], case: MetricCase) -> None:
    others = unlisted(rows[case.name], case)
    assert _told(others[~others["metric"].isin(case.open)]) == []


def _told(rows: pd.DataFrame) -> list[str]:
    """Rows as an analyst would list them."""
    columns = ["metric", "window_kind", "window_days", "as_of_date", "metric_date", "wiki_db", "element_friendly_name",
               "client_platform_family", "edit_count_bucket", "inference", "estimate", "status"]  # fmt: skip
    return [
        ", ".join(f"{name}: {value}" for name, value in zip(columns, map(_plain, row), strict=True) if value != "all")
        for row in rows[columns].itertuples(index=False)
    ]


# --- What a case must say


MINIMAL = """
what: nothing happens
wikis: {idwiki: 2026-02-10}
events: []
rows:
  - {metric: dashboard_visitors, window_days: 1, as_of_date: 2026-03-10, estimate: 0}
"""


def read(folder: Path, text: str) -> MetricCase:
    (folder / "small.yaml").write_text(MINIMAL + text)
    (case,) = read_cases(folder)
    return case


def everything_but(*left_out: str) -> str:
    """What to write under `open` for all metrics but some: families, and the other metrics of families of theirs."""
    metrics = load_catalogue().metrics
    halved = {metrics[name].family for name in left_out}
    others = [metric for metric in metrics.values() if metric.metric not in left_out]
    return ", ".join(dict.fromkeys(one.metric if one.family in halved else one.family for one in others))


def test_a_metric_is_listed_denied_or_open(tmp_path: Path) -> None:
    case = read(
        tmp_path,
        "no_rows: [{metric: two_week_return_rate}, {metric: reviewers, window_days: 1}]\n"
        f"open: [{everything_but('dashboard_visitors', 'two_week_return_rate')}]",
    )
    assert {"dashboard_pageviews", "link_clicks", "presented_two_week_rate", "retention_14d"} <= case.open
    assert case.open.isdisjoint({"dashboard_visitors", "two_week_return_rate"})
    assert case.as_of == [date(2026, 3, 10)], "what is denied on every date asks about none"


def test_a_list_in_a_key_is_a_row_for_each_and_no_other_row_is_listed(tmp_path: Path) -> None:
    case = read(
        tmp_path,
        "  - {metric: [dashboard_visitors, reviewers], window_days: [7, 28], as_of_date: 2026-03-10, estimate: 1}\n"
        f"open: [{everything_but()}]",
    )
    assert [(row["metric"], row["window_days"], row["estimate"]) for row in case.rows] == [
        ("dashboard_visitors", 1, 0),
        ("dashboard_visitors", 7, 1),
        ("dashboard_visitors", 28, 1),
        ("reviewers", 7, 1),
        ("reviewers", 28, 1),
    ]
    there = {**KEY_DEFAULTS, "wiki_db": "idwiki", "metric": "reviewers", "as_of_date": pd.Timestamp(2026, 3, 10)}
    rows = pd.DataFrame([there | more for more in ({"window_days": 7}, {"window_days": 1}, {"window_days": 28},
                                                   {"window_days": 7, "inference": "process"})])  # fmt: skip
    assert list(unlisted(rows, case).index) == [1, 3]


def test_a_case_that_says_nothing_of_a_metric_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="small: says nothing of dashboard_pageviews, pageviews_per_visitor, link_imp"):
        read(tmp_path, "")
    every = everything_but("dashboard_visitors", "two_day_review_rate")
    with pytest.raises(ValueError, match=r"says nothing of two_day_review_rate\. Of each metric"):
        read(tmp_path, f"open: [{every}]")
    with pytest.raises(ValueError, match="says nothing of two_day_review_rate"):  # that denies some of its rows only
        read(tmp_path, f"open: [{every}]\nno_rows: [{{metric: two_day_review_rate, window_days: 1}}]")
    assert read(tmp_path, f"open: [{every}]\nno_rows: [{{metric: two_day_review_rate}}]")
    assert "dashboard_visitors" in read(tmp_path, f"open: [{every}, users]").open, "listed rows need not be all"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("open: [totals, user]", "no metric or family user"),
        ("no_rows: [{metric: reviewer}]", "no metric or family reviewer"),
        ("open: [users]\nno_rows: [{metric: reviewers}]", "both open and without any row: reviewers"),
    ],
)
def test_a_case_that_contradicts_itself_or_misspells_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"small: {words}"):
        read(tmp_path, text)


def _plain(value: Any) -> Any:
    """A cell as YAML writes it: null for what is missing, dates for timestamps."""
    if pd.isna(value):
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


def _is_same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool | str | date) or wanted is None or found is None:
        return bool(found == wanted)
    return bool(found == pytest.approx(wanted, abs=5e-5))
