"""Which row is meant: what was asked, completed by what there is; a key without a row gets an error that says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from jobs.catalogue import Catalogue
from jobs.errors import UsageError
from jobs.explanation.explanation import MetricRow
from jobs.explanation.no_row import RUN, why_none
from jobs.metric import Metric, MetricWindow
from jobs.reference.load import Reference
from jobs.reference.rows import REVIEW_LINKS
from jobs.warehouse.lake_sql import quoted
from jobs.window_sums.tables import ALL
from jobs.words import metric_window

QUARTER = "quarter"
DEFAULT_DAYS = 28
Records = list[dict[str, Any]]
Fetch = Callable[[str, Sequence[Any]], Records]
SEGMENT = ("element_friendly_name", "client_platform_family", "edit_count_bucket")
KEY = ("window_kind", "metric_date", "as_of_date", *SEGMENT, "inference")
PUBLISHED = """
select min(as_of_date) as first, max(as_of_date) as last
from fct_metric_values
where metric = ? and wiki_db = ? and window_kind = ? and window_days is not distinct from ?
"""
KEYS = f"""
select distinct {", ".join(KEY)}
from fct_metric_values
where metric = ? and wiki_db = ? and window_kind = ? and window_days is not distinct from ? and as_of_date = ?
"""


@dataclass(frozen=True)
class Asked:
    """What was asked for; None is left to choose.

    Attributes:
        metric: its id.
        wiki_db: a wiki, or `all`.
        as_of: last day of the window.
        window: a number of days, or `quarter`.
        element, platform, bucket: the segment.
        inference: `realised` or `process`.
    """

    metric: str
    wiki_db: str
    as_of: date | None = None
    window: str | None = None
    element: str | None = None
    platform: str | None = None
    bucket: str | None = None
    inference: str | None = None


@dataclass(frozen=True)
class Chosen:
    """The row that is meant, the statement that finds it, and what was chosen, a sentence each."""

    row: MetricRow
    sql: str
    notes: tuple[str, ...]


def choose(asked: Asked, catalogue: Catalogue, reference: Reference, fetch: Fetch) -> Chosen:
    """Find the row that is meant.

    Args:
        asked: what was asked.
        catalogue: the metrics there are.
        reference: of the newest published run, for what to say of a row that is not there.
        fetch: runs a statement with parameters on the published marts.

    Raises:
        UsageError: there is no such metric, wiki, window, day or row; it says which there are.
    """
    metric = metric_of(asked.metric, catalogue)
    _check_wiki(asked.wiki_db, metric, fetch)
    notes: list[str] = []
    window = _window(asked.window, metric, notes)
    keys = _keys(asked, metric, window, reference, notes, fetch)
    key = _one(keys, asked, metric, catalogue, notes)
    sql = statement(metric.metric, asked.wiki_db, key)
    return Chosen(MetricRow.of(fetch(sql, ())[0]), sql, tuple(notes))


def metric_of(name: str, catalogue: Catalogue) -> Metric:
    """Return the metric that is meant; a UsageError names those like it."""
    if name not in catalogue.metrics:
        near = get_close_matches(name, catalogue.metrics, n=5, cutoff=0.5)
        step = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(catalogue.metrics)}"
        raise UsageError(f"There is no metric {name!r}.", where="METRIC", next_step=step)
    return catalogue.metrics[name]


def _check_wiki(wiki_db: str, metric: Metric, fetch: Fetch) -> None:
    known = [row["wiki_db"] for row in fetch("select wiki_db from dim_wiki order by 1", ())]
    if metric.all_wikis:
        known.append(ALL)
    if wiki_db in known:
        return
    if wiki_db == ALL:
        what = f"{metric.metric} has no wiki `all`: users are local to a wiki and do not add up."
    else:
        what = f"There is no wiki {wiki_db!r}."
    raise UsageError(what, where="--wiki", next_step=f"there are {', '.join(known)}")


def _window(text: str | None, metric: Metric, notes: list[str]) -> MetricWindow:
    """Return the window that is asked for, else four weeks, else the longest."""
    if text is None:
        by_days = {window.days: window for window in metric.windows}
        found = by_days.get(DEFAULT_DAYS) or max(metric.windows, key=lambda window: window.days or 0)
        if len(metric.windows) > 1:
            notes.append(f"--window {QUARTER if found.days is None else found.days} (there are {metric.window_kinds})")
        return found
    for window in metric.windows:
        if text == (QUARTER if window.days is None else str(window.days)):
            return window
    known = ", ".join(QUARTER if window.days is None else str(window.days) for window in metric.windows)
    raise UsageError(
        f"{metric.metric} has no window {text!r}.", where="--window", next_step=f"there are {known} (days)"
    )


def _keys(
    asked: Asked, metric: Metric, window: MetricWindow, reference: Reference, notes: list[str], fetch: Fetch
) -> Records:
    """Return the keys of the rows of a day, by default of the newest that has any."""
    place = [metric.metric, asked.wiki_db, window.kind, window.days]
    (days,) = fetch(PUBLISHED, place)
    as_of = asked.as_of or days["last"]
    keys = fetch(KEYS, [*place, as_of]) if as_of else []
    if keys:
        if asked.as_of is None:
            notes.append(f"--as-of {as_of}, the newest day that is published")
        return keys
    name = metric_window(window.kind, window.days)
    why = RUN if as_of is None else why_none(asked.wiki_db, as_of, metric, window, reference)
    if days["last"] is None:
        what = f"{metric.metric} of {asked.wiki_db} has no row ({name}) yet: no such window has closed."
        raise UsageError(what, where="--window", next_step=why)
    raise UsageError(
        f"{metric.metric} of {asked.wiki_db} has no row ({name}) that ends on {as_of}.",
        where="--as-of",
        next_step=f"published are {days['first']} to {days['last']}; {why}",
    )


def _one(keys: Records, asked: Asked, metric: Metric, catalogue: Catalogue, notes: list[str]) -> dict[str, Any]:
    """Narrow the keys down to one, option by option."""
    element = REVIEW_LINKS if any(key[SEGMENT[0]] == REVIEW_LINKS for key in keys) else ALL
    keys = _narrow(keys, SEGMENT[0], "--element", asked.element, element, notes)
    note = catalogue.element(keys[0][SEGMENT[0]])
    platform = ALL if note.all_platforms else note.bucket_platform
    keys = _narrow(keys, SEGMENT[1], "--platform", asked.platform, platform, notes)
    keys = _narrow(keys, SEGMENT[2], "--bucket", asked.bucket, ALL, notes)
    keys = _narrow(keys, "inference", "--inference", asked.inference, metric.inference[0], notes)
    return keys[0]


def _narrow(keys: Records, column: str, option: str, wanted: str | None, default: str, notes: list[str]) -> Records:
    """Keep the keys with the wanted value of a column, or the default one, which is told where there are others."""
    known = sorted({key[column] for key in keys})
    value = default if wanted is None else wanted
    found = [key for key in keys if key[column] == value]
    if not found:
        what = f"There is no row with {column} {value!r}." if wanted else f"It takes {option} to say which row."
        raise UsageError(what, where=option, next_step=f"there are {', '.join(known)}")
    if wanted is None and len(known) > 1:
        notes.append(f"{option} {value} (there are {', '.join(known)})")
    return found


def statement(metric: str, wiki_db: str, key: dict[str, Any]) -> str:
    """Write the statement that finds a row, for `pdmetrics query`."""
    conditions = [f"metric = {quoted(metric)}", f"wiki_db = {quoted(wiki_db)}"]
    for column in KEY:
        value = f"date '{key[column]}'" if column.endswith("_date") else quoted(key[column])
        conditions.append(f"{column} = {value}")
    return "select * from fct_metric_values\nwhere " + "\n  and ".join(conditions)
