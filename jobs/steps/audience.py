"""Entry of `audience`: dumps of mediawiki_history -> eligible editors -> cells of the lake -> audience gate -> marts.

A command may count a wiki, a band or a date again, and others stay: what it counted replaces the same cells of its
as-of dates, whatever snapshot they were of. So commands accumulate, and one that was killed is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from jobs.contracts import table
from jobs.dumps.files import DumpFile
from jobs.errors import PdmetricsError, WarehouseError
from jobs.lineage.sending import Lineage
from jobs.log import get_logger
from jobs.reference.load import Reference
from jobs.rows.audience import Asked, audience_rows, with_projection
from jobs.steps.audience_reading import Wanted, read_wanted, require_events
from jobs.steps.audience_told import tell_cells, with_counted
from jobs.steps.gates import audience_gate
from jobs.steps.job import Job, engine_errors
from jobs.steps.marts import build_checked, publish_built
from jobs.steps.milestones import stage_milestones
from jobs.steps.running import announced, ended_by_gates
from jobs.steps.traced import sight_of, traced
from jobs.transforms.audience import band_cells, editors
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import AUDIENCE, PUBLISHES, Run
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import Warehouse
from jobs.windows import DAY

CELL = ("wiki_db", "band", "window_days")
COUNTED, LOG = "audience", "audience_log"
REPLACED_BY = {
    COUNTED: (*CELL, "definition"),
    "audience_values": ("wiki_db", "edit_count_bucket", "window_days"),
    "audience_alternatives": CELL,
    LOG: ("read_from", "days_read", "wiki_db", "snapshot"),
}
"""What of a row, within its as-of date, has to be the same for a new one to replace it."""
READING = ["read_from", "wiki_db", "snapshot"]


def begin_audience(lake: Lake, warehouse: Warehouse, wanted: Wanted) -> Run:
    """Open the run, after dropping what unfinished ones had staged; its reference is that of what is published.

    Raises:
        WarehouseError: the CSVs of the newest published run are gone: marts without them would lose wikis and rates.
    """
    reference = _reference(warehouse)
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    run = warehouse.new_run(wanted.as_of[0], wanted.as_of[-1] + DAY, wanted.history.whole, audience=wanted.options)
    run.as_of = list(wanted.as_of)
    warehouse.save(run)
    reference.write(warehouse.reference(run.run_id))
    return run


def _reference(warehouse: Warehouse) -> Reference:
    last = warehouse.last_published()
    if last is None:
        return Reference.of_nothing()
    folder = warehouse.reference(last.run_id)
    try:
        return Reference.read(folder)
    except PdmetricsError as error:
        raise WarehouseError(
            f"The CSVs that {last.run_id} was published with cannot be read.",
            where=warehouse.said(folder),
            next_step=f"run its days again ({error.what.splitlines()[0]})",
        ) from None


def make_audience(job: Job, wanted: Wanted, files: Sequence[DumpFile], lineage: Lineage | None = None) -> None:
    """Count, check, stage and publish.

    Raises:
        UsageError: an as-of date lies behind the last event of the snapshot.
        InputError: a dump is damaged, or no dump.
        GateError: the audience gate or a rule of rows failed, or other rows would change; nothing is published.
    """
    with announced(AUDIENCE, job.run), traced(lineage, AUDIENCE, sight_of(job, files)), ended_by_gates(job):
        counted = _count(job, wanted, files)
        if not job.settings.audience.choices().in_words():  # by another definition nothing is the metric
            stage_milestones(job.lake, job.reference, job.run.run_id, wanted.as_of)
        job.run.done.append(AUDIENCE)
        job.save()
    job.companion.prepare(PUBLISHES)
    with announced(PUBLISHES, job.run), traced(lineage, PUBLISHES, sight_of(job)), ended_by_gates(job):
        build_checked(job)
        publish_built(job)
    tell_cells(job.console, counted, job.settings.privacy.min_users)


def _count(job: Job, wanted: Wanted, files: Sequence[DumpFile]) -> pd.DataFrame:
    """Read the dumps, count, and stage the cells, which the gate judges; return the new rows of `audience`."""
    dumps = read_wanted(job, wanted, files)
    require_events(wanted, files, dumps.files)
    wikis = sorted({file.wiki_db for file in files})
    choices = job.settings.audience.choices()
    asked = Asked(
        wanted.snapshot, wikis, wanted.as_of, wanted.bands, wanted.windows, choices,
        wanted.first, wanted.last, days_read(wanted),
    )  # fmt: skip
    users = editors(dumps.revisions, wanted.as_of, wanted.windows)
    cells = band_cells(users, wanted.bands, choices).toPandas()
    get_logger().info("editors counted", wikis=len(wikis), as_of_dates=len(wanted.as_of))
    rows = audience_rows(cells, asked, job.settings.privacy.min_users)
    tables = dict(zip(REPLACED_BY, (*rows, log_rows(dumps.files, wanted)), strict=True))
    revisions = {row["wiki_db"]: row["count"] for row in dumps.revisions.groupBy("wiki_db").count().collect()}
    counted = stage_cells(job, tables, wanted.as_of)  # before the gate: what it stops can be looked at
    audience_gate(job, tables, dumps.files, revisions)
    return counted


def days_read(wanted: Wanted) -> str:
    """Name the days whose revisions are read, which need not be all from the first to the last: `first/last,…`."""
    return ",".join(f"{first}/{last}" for first, last in wanted.spans)


def log_rows(told: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Add up what became of the rows of files: rows of `audience_log`."""
    keys = ["wiki_db", "fate", "reason"]
    sums = told.groupby(keys, as_index=False, dropna=False)["n_rows"].sum()
    read = {"as_of_date": wanted.last, "read_from": wanted.first, "days_read": days_read(wanted)}
    found: pd.DataFrame = sums.assign(**read, snapshot=wanted.snapshot)
    return found[list(table("audience_log").columns)]


def stage_cells(job: Job, tables: Mapping[str, pd.DataFrame], as_of: Sequence[date]) -> pd.DataFrame:
    """Put cells into their as-of dates on the run's branch: the same ones are replaced, others stay.

    Args:
        job: the run and its surroundings.
        tables: the new rows of each table of an audience; one without any is left as it is.
        as_of: the dates.

    Returns:
        The new rows of `audience`, with projections from all windows that there are now, and whether one of them is
        the eight weeks that are projected (`was_counted`).
    """
    merged = {name: _merged(job, name, new, as_of) for name, new in tables.items() if len(new)}
    if LOG in merged:
        merged[LOG] = _in_use(job, merged, tables[LOG], as_of)
    counted = with_projection(merged[COUNTED], job.settings.privacy.min_users)
    for name, rows in (merged | {COUNTED: counted}).items():
        job.lake.stage_pandas(name, rows, job.run.run_id, as_of)
    return with_counted(counted).tail(len(tables[COUNTED]))


def _merged(job: Job, name: str, new: pd.DataFrame, as_of: Sequence[date]) -> pd.DataFrame:
    """Return the rows of a table as of dates with new ones, which stand last and replace the same."""
    # As Python's own numbers: whole ones beside nulls would come as floats.
    known, added = (
        arrow.to_pandas(date_as_object=True, integer_object_nulls=True)
        for arrow in (job.lake.arrow_days(name, as_of, job.run.run_id), job.lake.arrow_table(name, new))
    )
    cell = ["as_of_date", *REPLACED_BY[name]]
    replaced = pd.MultiIndex.from_frame(added[cell])
    kept = known[~pd.MultiIndex.from_frame(known[cell]).isin(replaced)]
    merged: pd.DataFrame = pd.concat([kept, added], ignore_index=True)
    return merged


def _in_use(job: Job, merged: Mapping[str, pd.DataFrame], new: pd.DataFrame, as_of: Sequence[date]) -> pd.DataFrame:
    """Return the log without older readings whose days were not noted, where a new one has their first and last day.

    Which days those had in between is not known, so their rows stay as long as a cell is of them.
    """
    log = merged[LOG]
    readings = _tuples(log, "as_of_date")
    is_old = log["days_read"].isna() & readings.isin(set(_tuples(new, "as_of_date")))
    if not is_old.any():
        return log
    # One reading may serve several as-of dates, the last of which it is noted at.
    span = pd.date_range(log.loc[is_old, "read_from"].min(), max(as_of)).date
    others = job.lake.arrow_days(COUNTED, sorted({*span} - {*as_of}), job.run.run_id).to_pandas(date_as_object=True)
    used = {reading for cells in (merged[COUNTED], others)
            for reading in _tuples(cells[cells["days_read"].isna()], "read_to")}  # fmt: skip
    return log[~is_old | readings.isin(used)]


def _tuples(rows: pd.DataFrame, last: str) -> pd.Series[Any]:
    """Return the reading that each row is of, by its first and last day."""
    return pd.Series(list(rows[[last, *READING]].itertuples(index=False, name=None)), index=rows.index, dtype=object)
