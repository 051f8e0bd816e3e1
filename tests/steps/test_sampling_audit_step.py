"""The audit of declared rates says the same in whatever chunks days are run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, cast

import pandas as pd
import pytest
from pyspark.sql import DataFrame
from rich.console import Console

from jobs.engine.session import Engine
from jobs.settings import load_settings
from jobs.steps.companion import Companion
from jobs.steps.job import Job
from jobs.steps.sampling_audit import stage_audit
from jobs.transforms.events import CLASSIFIED_COLUMNS
from jobs.warehouse.frames import frame_of
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.runs import Warehouse
from tests.references import HEALTH

pytestmark = pytest.mark.spark
FIRST, NEXT = date(2025, 12, 11), date(2025, 12, 12)  # the lake is shared: days of no other test
COLUMNS = (
    "event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate", "fate", "reason", "session_hash",
    "pageview_hash", "session_fraction", "pageview_fraction",
)  # fmt: skip


@pytest.fixture
def job(engine: Engine) -> Iterator[Job]:
    warehouse = Warehouse(engine.scratch.parent)
    warehouse.prepare()
    lake = Lake(engine, open_home({}, warehouse.path)[0])
    lake.ensure_tables()
    run = warehouse.new_run(FIRST, FIRST + timedelta(days=1), "in")
    yield Job(lake, warehouse, load_settings(None)[0], Console(), run, cast(Companion, None))
    lake.discard()


def _lines(day: date, wiki: str, n: int, fate: str = "kept", reason: str | None = None) -> list[dict[str, Any]]:
    """Lines of one page load each, their ids spread over the lower half of the declared rate."""
    key = {"event_date": day, "wiki_db": wiki, "instrument_name": HEALTH, "sample_unit": "pageview", "sample_rate": 0.5}
    return [
        {**key, "fate": fate, "reason": reason, "session_hash": i, "pageview_hash": i}
        | {"session_fraction": 0.1, "pageview_fraction": 0.25 * (i + 1) / n}
        for i in range(n)
    ]


def _frame(job: Job, lines: Sequence[dict[str, Any]]) -> DataFrame:
    rows = [tuple(line[name] for name in COLUMNS) for line in lines]
    return frame_of(job.lake.spark, rows, {name: CLASSIFIED_COLUMNS[name] for name in COLUMNS})


def _staged(job: Job, run_id: str | None = None) -> pd.DataFrame:
    rows = job.lake.arrow_days("sampling_audit", [FIRST, NEXT], run_id).to_pandas(date_as_object=True)
    return rows.sort_values(["event_date", "wiki_db"], ignore_index=True)


def test_days_whose_duplicates_changed_are_audited_again(job: Job) -> None:
    impossible = _lines(NEXT, "enwiki", 3, "quarantined", "not_in_sample")
    impossible += _lines(NEXT, "frwiki", 2, "quarantined", "not_in_sample")
    first, kept = _lines(FIRST, "enwiki", 40), _lines(NEXT, "enwiki", 60) + _lines(NEXT, "idwiki", 1)
    lost = [line | {"fate": "duplicate"} if n >= 15 else line for n, line in enumerate(kept)]  # idwiki's single one too

    job.run.end = NEXT + timedelta(days=1)
    stage_audit(job, _frame(job, [*first, *lost, *impossible]))
    together = _staged(job, job.run.run_id)
    assert together[["wiki_db", "n_ids", "n_impossible_pageviews", "verdict"]].to_numpy().tolist() == [
        ["enwiki", 40, 0, "lower than declared"], ["enwiki", 15, 3, "too few ids"], ["frwiki", 0, 2, "too few ids"],
    ]  # fmt: skip

    alone = job.warehouse.new_run(NEXT, NEXT + timedelta(days=1), "in")
    stage_audit(Job(job.lake, job.warehouse, job.settings, job.console, alone, job.companion),
                _frame(job, [*kept, *impossible]))  # fmt: skip
    job.lake.publish(alone.run_id)
    assert _staged(job)["verdict"].tolist() == ["lower than declared", "too few ids", "too few ids"]
    before_it = job.warehouse.new_run(FIRST, NEXT, "in")
    stage_audit(Job(job.lake, job.warehouse, job.settings, job.console, before_it, job.companion),
                _frame(job, first), _frame(job, lost), [NEXT])  # fmt: skip
    pd.testing.assert_frame_equal(_staged(job, before_it.run_id), together)
