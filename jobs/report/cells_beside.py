"""What of the tables beside the cells may leave: sums that name no cell, verdicts without counts, rounded rates.

Each of these tables tells numbers of events from which a hidden cell could be worked out: the lines of an hour, the
number of ids of a wiki's day, the truth of a window that does not leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.audience import DEFAULT_BAND
from jobs.reference.rows import PILOT
from jobs.report.cells_digits import as_written
from jobs.report.cells_reasons import without_others
from jobs.report.cells_windows import WEEK
from jobs.report.disclosure import HIDDEN, NUMBERS
from jobs.rows.milestone_audience import HIDDEN_TARGET, untold
from jobs.window_sums.tables import ALL

Reader: TypeAlias = Callable[..., pd.DataFrame]
CHANGE_COLUMNS = ("metric", "wiki_db", "window_start", "change", "change_lower", "change_upper", "change_reason")
TINY = 1e-9
RATE_DIGITS = 2
INSIDE_ONLY = "what it counted stays inside the house"

LINES = """
select distinct ingest_date, case when fate = 'missing_hour' then hour end as hour,
    case when fate = 'missing_hour' then fate else 'came' end as fate
from fct_ingest_log order by ingest_date, hour nulls first
"""
SAMPLING = """
select event_date, wiki_db, instrument_name, sample_unit, declared_rate, verdict,
    case when verdict <> 'too few ids' and not is_suppressed then likely_rate end as likely_rate
from fct_sampling_audit order by all
"""
SELF_VALIDATION = """
select metric, window_days, sample_unit, rate, truth, estimate_error, naive_error, status, is_covered
from fct_self_validation where not is_suppressed
"""
GATES = f"""
select event_date, gate, check_id, subject, severity, success, run_id, attempt, is_latest,
    case when success then 'checked' else subject || ': {INSIDE_ONLY}' end as message
from fct_data_quality where is_latest order by all
"""
ELIGIBLE = "eligible_editors"
# An audience may be as of a later day than any event: on that day no other milestone has a window that is not too old.
MILESTONES = f"""
with counted as (select max(as_of_date) as day from fct_metric_values where edit_count_bucket = 'all'),
last as (
    select max(s.as_of_date) as day, max(s.as_of_date) filter (where s.as_of_date <= counted.day) as of_events
    from fct_milestone_status as s cross join counted
)
select s.* from fct_milestone_status as s cross join last
where s.as_of_date = case when s.metric = '{ELIGIBLE}' then last.day else coalesce(last.of_events, last.day) end
order by s.milestone, s.wiki_db, s.metric
"""


def changes(read: Reader, cells: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Return the changes from week to week of which both weeks are shown.

    Args:
        read: runs SQL on the marts.
        cells: the cells that leave, hidden ones marked.
        units: by metric.
    """
    if read("select 1 from duckdb_tables() where table_name = 'rpt_wiki_week'").empty:
        return pd.DataFrame(columns=list(CHANGE_COLUMNS))  # marts of an older version: the next run builds it
    wide = read("select * from rpt_wiki_week")
    metrics = [name.removesuffix("_change") for name in wide.columns if name.endswith("_change")]
    blocks = []
    for metric in metrics:
        names = {f"{metric}_{name}": name for name in CHANGE_COLUMNS[3:]}
        blocks.append(wide[["wiki_db", "window_start", *names]].rename(columns=names).assign(metric=metric))
    found = pd.concat(blocks, ignore_index=True)[list(CHANGE_COLUMNS)]
    is_week = (
        (cells["window_kind"] == "rolling") & (cells["window_days"] == WEEK) & (cells["element_friendly_name"] == ALL)
    )
    key = ["metric", "wiki_db", "window_start"]
    shown = pd.MultiIndex.from_frame(cells.loc[is_week & (cells["status"] != HIDDEN), key].drop_duplicates())
    this, before = found[key], found[key].assign(window_start=found["window_start"] - pd.Timedelta(days=WEEK))
    may = pd.MultiIndex.from_frame(this).isin(shown) & pd.MultiIndex.from_frame(before).isin(shown)
    told = as_written(found[may].reset_index(drop=True), CHANGE_COLUMNS[3:6], units)
    return told.assign(change_reason=without_others(told["change_reason"].astype(object)))


def sampling(audit: pd.DataFrame) -> pd.DataFrame:
    """Round the rate that ids were seen at: with all its digits it tells how many ids there were."""
    rate = audit["likely_rate"].to_numpy(float)  # null where there were too few ids
    return audit.assign(likely_rate=[float(f"{value:.{RATE_DIGITS}g}") for value in rate])


def self_validation(found: pd.DataFrame) -> pd.DataFrame:
    """Return how far estimates and naive values were from the truth, over all wikis and dates; no truth itself."""
    truth = found["truth"].abs()
    rated = found.assign(
        error=np.abs(found["estimate_error"]) / truth, naive=np.abs(found["naive_error"]) / truth,
        is_shown=found["estimate_error"].notna(), has_interval=found["is_covered"].notna(),
        is_covered=found["is_covered"].astype("boolean").fillna(False),
    )  # fmt: skip
    groups = rated.groupby(["metric", "window_days", "sample_unit", "rate"], as_index=False)
    return groups.agg(
        n=("truth", "size"), n_shown=("is_shown", "sum"), n_intervals=("has_interval", "sum"),
        n_covered=("is_covered", "sum"),
        median_error=("error", "median"), median_naive_error=("naive", "median"),
    ).round({"median_error": 2, "median_naive_error": 2})  # fmt: skip


def milestones(
    found: pd.DataFrame, cells: pd.DataFrame, editors: pd.DataFrame, units: Mapping[str, str]
) -> pd.DataFrame:
    """Blank the numbers of milestones whose window does not leave, or is hidden there, also those in words.

    Args:
        found: rows of `fct_milestone_status`.
        cells: the cells that leave, hidden ones marked.
        editors: the eligible editors that leave.
        units: by metric.
    """
    key = ["metric", "wiki_db", "window_kind", "window_start", "window_end"]
    shown = cells[(cells["element_friendly_name"] == ALL) & (cells["status"] != HIDDEN)]
    may = pd.MultiIndex.from_frame(shown[key]).unique()
    is_shown = pd.MultiIndex.from_frame(found[key]).isin(may) | _of_audience(found, editors)
    numbers = {name: found[name].where(is_shown) for name in (*NUMBERS, "share_reached")}
    share = numbers["share_reached"].astype(float)
    numbers["share_reached"] = (100 * share + TINY) // 1 / 100  # what is not reached is not 100 %
    without = found["reason"].str.replace(r"[\d.,]+ %", "… %", regex=True)
    reason = without_others(found["reason"]).where(is_shown, without)
    beside = _without_audience(found.assign(**numbers, reason=reason), editors)
    return as_written(beside, NUMBERS, units)


def _without_audience(found: pd.DataFrame, editors: pd.DataFrame) -> pd.DataFrame:
    """Blank how large the audience of a milestone is, also as its target, where one of its numbers is withheld."""
    is_withheld = editors["gives_away"].eq(True) & editors["band"].eq(str(DEFAULT_BAND))
    withheld = editors.loc[is_withheld, "wiki_db"].unique()
    is_told = ~found["wiki_db"].isin([*withheld, PILOT] if len(withheld) else [])
    reason = found["reason"].where(is_told, untold(found["reason"]))
    is_target = ~reason.str.startswith(HIDDEN_TARGET)
    return found.assign(
        reason=reason, target=found["target"].where(is_target), share_reached=found["share_reached"].where(is_target)
    )


def _of_audience(found: pd.DataFrame, editors: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether a milestone's number is one of eligible editors that is shown, or the sum over pilots of such."""
    key = ["wiki_db", "window_days", "window_end", "estimate"]
    shown = editors.dropna(subset="n_editors").rename(columns={"as_of_date": "window_end", "n_editors": "estimate"})
    is_shown = pd.MultiIndex.from_frame(found[key]).isin(pd.MultiIndex.from_frame(shown[key]))
    withheld = editors.loc[editors["gives_away"].eq(True), "window_days"]
    is_sum = found["wiki_db"].eq(PILOT) & ~found["window_days"].isin(withheld)
    is_own: npt.NDArray[np.bool_] = found["metric"].eq(ELIGIBLE).to_numpy() & (is_shown | is_sum.to_numpy())
    return is_own
