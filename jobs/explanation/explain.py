"""Put an explanation together: the row, what it was made of, the counts behind it, and what it would be otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from jobs.catalogue import load_catalogue
from jobs.errors import UsageError, WarehouseError
from jobs.explanation.alternatives import alternatives_of
from jobs.explanation.audience import explain_audience
from jobs.explanation.choose import Asked, Fetch, choose, metric_of
from jobs.explanation.definition import definition_of
from jobs.explanation.explanation import Explanation, Sql
from jobs.explanation.formulas import formula_of
from jobs.explanation.headline import headline
from jobs.explanation.inputs import inputs_of, members
from jobs.explanation.naive import naive_of
from jobs.explanation.recount import recounts
from jobs.explanation.steps import walk
from jobs.marts.read import answer, fetch_file
from jobs.reference.load import Reference
from jobs.settings import Settings
from jobs.warehouse.lake_sql import lake_sql, quoted
from jobs.warehouse.look import tables_to_look_at
from jobs.warehouse.manifest import Run
from jobs.warehouse.receipts import purged_days
from jobs.warehouse.runs import Warehouse
from jobs.windows import DAY, days, in_words
from jobs.words import STATUSES

WHOLE = ("engagement_daily",)  # which instrument sent a link is asked of the whole history
ALWAYS = ("ingest_log", "baseline_daily", *WHOLE)


def explain_number(settings: Settings, warehouse: Warehouse, asked: Asked) -> Explanation:
    """Explain a published number.

    Args:
        settings: the catalog, the grace, and below how many users counts are hidden.
        warehouse: with marts and lake.
        asked: which number.

    Raises:
        UsageError: nothing is published, or there is no such row; it says which there are.
        WarehouseError: the warehouse cannot be read.
    """
    catalogue = load_catalogue()
    metric = metric_of(asked.metric, catalogue)
    fetch, published = _reader(warehouse, metric.metric), _published(warehouse)
    if metric.family == "audience":
        return explain_audience(asked, metric, published, fetch)
    runs = [run for run in published if not run.is_audience]
    if not runs:
        what = "No day was run yet: eligible editors are all that is published."
        raise UsageError(what, where="METRIC", next_step="pdmetrics run --date DAY --input DIR makes the other numbers")
    reference = Reference.read(warehouse.reference(runs[-1].run_id))
    chosen = choose(asked, catalogue, reference, fetch)
    row = chosen.row
    counted = recounts(row, metric, catalogue, members(row, reference))
    names = dict.fromkeys((*ALWAYS, *(name for recount in counted for name in recount.tables)))
    tables = tables_to_look_at(settings.catalog.properties(), warehouse.path)
    if gone := sorted(purged_days(tables, names) & set(days(row.metric_date, row.as_of_date + DAY))):
        counted, names = (), dict.fromkeys(ALWAYS)
    grace = timedelta(minutes=settings.ingest.rate_change_grace_minutes)
    with lake_sql(tables, list(names), row.metric_date, row.as_of_date, whole=WHOLE) as lake:
        walked = walk(row, counted, lake, settings.privacy.min_users)
        inputs = inputs_of(row, metric, catalogue, reference, runs, grace, lake, fetch)
    if gone:
        inputs = replace(inputs, measured=(*inputs.measured, _purged(gone)))
    return Explanation(
        headline=headline(row, metric.unit),
        chosen=chosen.notes,
        row=row,
        means=STATUSES[row.status].means,
        definition=definition_of(metric),
        formula=formula_of(row, metric),
        inputs=inputs,
        steps=walked.steps,
        sql=(Sql("row", "the row", "marts", chosen.sql), *walked.sql),
        naive=naive_of(row, metric, walked.kept),
        alternatives=alternatives_of(row, metric, catalogue, walked.kept, settings.estimation, fetch),
    )


def _reader(warehouse: Warehouse, metric: str) -> Fetch:
    """Return what runs a statement on the published marts."""
    # Where no marts can be read this says what is the matter, and which command makes the metric.
    with answer(warehouse, f"select {quoted(metric)}"):
        pass

    def fetch(sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        columns, rows = fetch_file(warehouse.marts, sql, parameters)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return fetch


def _published(warehouse: Warehouse) -> list[Run]:
    """Return the published runs that are left, oldest first."""
    runs = [run for run in warehouse.all_runs() if run.state == "published"]
    if not runs:
        raise WarehouseError(
            "No published run is left that says what was read.",
            where=warehouse.said(warehouse.runs),
            next_step="run a day again: its run keeps what it read",
        )
    return runs


def _purged(gone: Sequence[date]) -> str:
    """Say why nothing is counted anew."""
    span = in_words(gone[0], gone[-1] + DAY)
    return f"users' days of {span} were purged: what is behind the number cannot be counted again, the number stays"
