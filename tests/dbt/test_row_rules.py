"""Every rule that a row of fct_metric_values keeps, each with rows that break it and no other."""

from __future__ import annotations

import gc
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from parquet_lake import MONDAY, Row, metric_value, retention_value, world, write_reference, write_tables

from jobs.errors import GateError
from jobs.marts.build import build_marts

pytestmark = pytest.mark.dbt

WEEK = timedelta(days=7)


def shifted(rows: list[Row]) -> list[Row]:
    """Rows of enwiki, each with windows of a week of its own, so that no two share a key."""
    return [
        row | {"wiki_db": "enwiki"} | {name: row[name] + (n + 1) * WEEK for name in ("metric_date", "as_of_date")}
        for n, row in enumerate(rows)
    ]


SAMPLED = metric_value(lower=100.0, upper=140.0, estimator="horvitz_thompson", sampling_rate_min=0.5)
SHARE = retention_value(inference="process", lower=0.14, upper=0.40)
REFUSED = SAMPLED | dict.fromkeys(("estimate", "lower", "upper")) | {"status_reason": "too few of them"}
NO_COUNTS = dict.fromkeys(("observed_numerator", "observed_denominator", "n_users_observed", "n_effective"))
QUARTER = SAMPLED | {"window_kind": "quarter_to_date", "window_days": None}

# What a build says of rows -> rows of fct_metric_values that break this rule and no other.
BROKEN: dict[str, list[Row]] = {
    "is null in one of metric, metric_version, wiki_db": [SAMPLED | {"edit_count_bucket": None}],
    "shows a number of too few users in n_users_observed": [
        SAMPLED | {"n_users_observed": 9.0},
        REFUSED | {"status": "not_estimable", "n_users_observed": 1.0},
    ],
    "breaks lower <= estimate <= upper": [
        SAMPLED | {"lower": 130.0},
        SAMPLED | {"upper": 110.0},
        REFUSED | {"status": "bounds_only", "lower": 140.0, "upper": 100.0},
    ],
    "holds a number that is negative or not finite in one of estimate, lower": [
        SAMPLED | {"lower": -1.0},
        SAMPLED | {"upper": float("inf")},
        SAMPLED | {"n_effective": float("nan")},
    ],
    "window_kind holds a value other than rolling": [SAMPLED | {"window_kind": "weekly"}],
    "inference holds a value other than realised": [SHARE | {"inference": "guessed"}],
    "estimator holds a value other than count": [SAMPLED | {"estimator": "magic"}],
    "sampling_unit holds a value other than pageview": [SAMPLED | {"sampling_unit": "day"}],
    "status holds a value other than not_measured": [SAMPLED | {"status": "fine", "status_reason": "it is"}],
    "shows an estimate or bounds although its status withholds them": [
        REFUSED | {"status": "not_measured", "estimate": 120.0},
        SAMPLED | {"status": "not_estimable", "status_reason": "too few"},
        SAMPLED | NO_COUNTS | {"status": "suppressed", "status_reason": "too few"},
    ],
    "has the status publish or caution but lacks its estimate or a bound": [
        SAMPLED | {"estimate": None},
        REFUSED | {"status": "caution"},
    ],
    "has the status bounds_only but an estimate, or not both bounds": [
        SAMPLED | {"status": "bounds_only", "status_reason": "no unique answer"},
        REFUSED | {"status": "bounds_only"},
    ],
    "is suppressed but shows a count or size of what is behind it": [
        REFUSED | NO_COUNTS | {"status": "suppressed", name: 14.0} for name in NO_COUNTS if "denominator" not in name
    ],
    "is not published and does not say why": [
        SAMPLED | {"status": "caution", "status_reason": " "},
        REFUSED | {"status": "not_measured", "status_reason": None},
    ],
    "has the status publish although an hour of its window is missing": [SAMPLED | {"is_complete": False}],
    "is realised, whole and sampled at 100 % but not exact": [
        metric_value(upper=121.0),
        metric_value(lower=119.0),
        metric_value(estimate=None, status="bounds_only", status_reason="?"),
    ],
    "has window_days other than as_of_date - metric_date + 1": [
        SAMPLED | {"window_days": 2},
        SAMPLED | {"window_days": None},
        QUARTER | {"window_days": 1},
    ],
    "has a window that ends before it begins": [
        SAMPLED | {"metric_date": MONDAY + timedelta(days=1), "window_days": 0}
    ],
    "is a count but not realised": [SAMPLED | {"inference": "process"}],
    "is a count but has a denominator": [SAMPLED | {"observed_denominator": 500.0}],
    "is a share of users or impressions but above 1": [
        SHARE | {"upper": 1.01},
        SHARE | {"estimate": 1.01, "upper": 1.02, "lower": 1.0},
    ],
    "is a share of users or impressions whose numerator exceeds its denominator": [
        SHARE | {"observed_numerator": 41.0}
    ],
}
ODD_BUT_RIGHT = [
    SAMPLED, SHARE, QUARTER,
    metric_value(**dict.fromkeys(("estimate", "lower", "upper", "observed_numerator", "n_users_observed"), 0.0)),
    SAMPLED | {"n_users_observed": 10.0},
    REFUSED | {"status": "bounds_only", "lower": 100.0, "upper": 140.0},
    REFUSED | NO_COUNTS | {"status": "suppressed"},
    metric_value(estimate=123.0, upper=140.0, is_complete=False, status="caution", status_reason="an hour is missing"),
    SAMPLED | {"metric": "link_click_through_rate", "metric_version": 1, "observed_denominator": 80.0, "estimate": 1.5,
               "lower": 1.2, "upper": 1.8},
]  # fmt: skip


@pytest.fixture(scope="module")
def refusal(tmp_path_factory: pytest.TempPathFactory, live: Path) -> str:
    """What one build says of all broken rows at once, since a build takes seconds."""
    folder = tmp_path_factory.mktemp("broken")
    rows = [metric_value(), metric_value(), *shifted(ODD_BUT_RIGHT + [row for rows in BROKEN.values() for row in rows])]
    tables = write_tables(folder / "lake", world() | {"metric_values": rows})
    live.write_bytes(b"published")
    gc.collect()  # a connection of an earlier build in this process would lead to its file, which is replaced
    with pytest.raises(GateError) as caught:
        build_marts(tables, write_reference(folder / "reference"), live)
    assert live.read_bytes() == b"published"
    live.unlink()
    return str(caught.value)


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_row_is_found_by_its_rule_and_no_other(refusal: str, words: str) -> None:
    (told,) = (part for part in refusal.split("\n- ")[1:] if words in part.splitlines()[0])
    assert "fct_metric_values" in told
    n_found = len(BROKEN[words])
    assert re.search(rf": {n_found} (row|value|column){'s' if n_found > 1 else ''}$", told.splitlines()[0])
    assert told.count("\n    e.g. ") == min(n_found, 3)


def test_a_repeated_key_is_named(refusal: str) -> None:
    assert "not fit to publish" in refusal
    assert "fct_metric_values has more than one row for a key of metric, metric_version, wiki_db" in refusal
    assert ": 1 key\n    e.g. " in refusal
    assert "n_rows=2" in refusal


def test_every_rule_of_a_metric_row_has_rows_that_break_it(refusal: str, manifest: dict[str, Any]) -> None:
    rules = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and str(node.get("attached_node")).endswith(".fct_metric_values")
        and node["config"]["severity"].lower() == "error"
    ]
    assert len(refusal.split("\n- ")[1:]) == len(rules) == len(BROKEN) + 1  # the repeated key
