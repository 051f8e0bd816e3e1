"""Read the evidence of a rollout: the lake's small tables without an engine, the published marts for the numbers.

Rows are as published. Where a gate stopped the newest run, nothing of its days is published, and just there may be
what is wrong with a rollout. So its facts are read as it staged them, if it got so far, and what the gate said of the
wiki in any case; and that is told.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from expectations.checks import CRITICAL
from jobs.catalogue import load_catalogue
from jobs.contracts import is_lost_hour
from jobs.errors import UsageError
from jobs.marts.read import fetch_file
from jobs.policy.timeline import Timeline, timelines
from jobs.reference.instruments import instruments_between
from jobs.reference.load import Reference
from jobs.reference.rows import ENTRY_POINT, ROLES, USAGE_ROLES, WikiRow
from jobs.reference.vocabulary import Vocabulary
from jobs.rollout.evidence import AuditDay, Evidence, FailedCheck, LoadDay, NewestRows
from jobs.rollout.measurable import AUDIENCE, STATUSES
from jobs.settings import Settings
from jobs.warehouse.look import tables_to_look_at
from jobs.warehouse.manifest import Run
from jobs.warehouse.refused import LOG
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.warehouse.wiki_rows import wiki_rows
from jobs.windows import DAY, HOURS, in_words

FACTS = "baseline_daily"
LOAD_COLUMNS = ("event_date", "sample_unit", "sample_rate", "n_events", "n_loads", "n_sessions")
AUDIT_COLUMNS = (
    "event_date", "instrument_name", "sample_unit", "declared_rate", "n_ids", "largest_fraction",
    "n_impossible_pageviews",
)  # fmt: skip
# Of links the rows of all buckets: one a link, or two where its platforms are never pooled. An audience has bands only.
NEWEST = """
select metric, window_kind, window_days, as_of_date, status, min(status_reason) as reason
from fct_metric_values
where wiki_db = ? and inference = 'realised'
    and case when list_contains(?, metric) then as_of_date <= ? else edit_count_bucket = 'all' and as_of_date <= ? end
group by metric, window_kind, window_days, as_of_date, status
qualify as_of_date = max(as_of_date) over (partition by metric, window_kind, window_days)
"""


def read_evidence(settings: Settings, warehouse: Warehouse, wiki_db: str, as_of: date | None) -> Evidence:
    """Read what is known of a wiki's rollout up to a day, by default the last that was ingested.

    Raises:
        UsageError: nothing is published, the wiki is unknown, or nothing is ingested of the day.
        WarehouseError: the warehouse cannot be read.
    """
    tables = tables_to_look_at(settings.catalog.properties(), warehouse.path)
    stopped = _stopped(warehouse, as_of)
    reference = Reference.read(warehouse.reference((stopped or _published(warehouse)).run_id))
    wiki = _wiki(reference, wiki_db)
    staged = stopped.run_id if stopped and stopped.run_id in tables.refs(FACTS) else None
    hours = _missing_hours(tables, stopped.days if stopped and staged else (), staged)
    last = _last_day(sorted({*hours, *(_read_days(stopped) if stopped else ())}), as_of)
    verdicts = _failed(warehouse, stopped) if stopped else ()
    since = min([wiki.enabled_from, *hours])
    grace = timedelta(minutes=settings.ingest.rate_change_grace_minutes)
    usage = instruments_between(reference.instruments, USAGE_ROLES, last, last + DAY)
    names = instruments_between(reference.instruments, ROLES, last, last + DAY)
    return Evidence(
        wiki=wiki, as_of=last, source=f"as {staged} staged it" if staged else "as published",
        hold_up=_hold_up(stopped, verdicts) if stopped else None,
        failed=tuple(check for subject, check in verdicts if subject.split(" / ")[0] == wiki_db),
        missing_hours={day: found for day, found in hours.items() if day <= last},
        menu_early=_menu_early(tables, reference, wiki, since, last, staged),
        loads=tuple(LoadDay(**row) for row in sorted(
            wiki_rows(tables, FACTS, wiki_db, since, last, LOAD_COLUMNS, staged),
            key=lambda row: (row["event_date"], row["sample_unit"], row["sample_rate"]),
        )),
        audits=tuple(
            AuditDay(**row) for row in wiki_rows(tables, "sampling_audit", wiki_db, since, last, AUDIT_COLUMNS, staged)
        ),
        instruments={name: name in usage for name in names},
        timelines=_timelines(reference, wiki_db, grace),
        is_own_row={name: _is_own_row(reference, name, wiki_db, last) for name in names},
        vocabulary=Vocabulary(reference.vocabulary),
        rows=_newest_rows(warehouse, wiki_db, last, as_of or date.max),
    )  # fmt: skip


def _stopped(warehouse: Warehouse, as_of: date | None) -> Run | None:
    """Return the newest run of days if a gate stopped it and its days are asked for."""
    for newest in warehouse.runs_of_days()[-1:]:
        if newest.state == "failed" and (as_of is None or newest.start <= as_of):
            return newest
    return None


def _published(warehouse: Warehouse) -> Run:
    run = warehouse.last_of_days()
    if run is not None:
        return run
    raise UsageError(
        "No day is published in this warehouse yet.",
        where=warehouse.place,
        next_step="pdmetrics run --date DAY --input DIR (or name another warehouse with --warehouse)",
    )


def _read_days(stopped: Run) -> list[date]:
    """Return the days whose lines a stopped run has read, perhaps without making facts of them."""
    return [day for day, n_lines in stopped.lines_read.items() if n_lines]


def _failed(warehouse: Warehouse, stopped: Run) -> list[tuple[str, FailedCheck]]:
    """Return what stopped a run: the critical checks that failed, with their subject.

    They are in the run's own folder. The lake has them too, but there another run may have had its number.
    """
    found = []
    for file in sorted(warehouse.folder(stopped.run_id).glob("gate_*.csv")):
        with file.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                if row["severity"] == CRITICAL and row["success"] != "True":
                    day = date.fromisoformat(row["event_date"])
                    found.append((row["subject"], FailedCheck(day, row["check_id"], row["message"])))
    return found


def _hold_up(stopped: Run, failed: Sequence[tuple[str, FailedCheck]]) -> str:
    """Say which run was stopped, and by what."""
    messages = [check.message for _, check in failed]
    more = f" and {len(messages) - 1} more" if len(messages) > 1 else ""
    why = f": {messages[0]}{more}" if messages else ""
    return f"a gate stopped {stopped.run_id} of {in_words(stopped.start, stopped.end)}{why}"


def _wiki(reference: Reference, wiki_db: str) -> WikiRow:
    try:
        return reference.wiki(wiki_db)
    except KeyError:
        known = ", ".join(sorted(row.wiki_db for row in reference.wikis))
        raise UsageError(
            f"There is no wiki {wiki_db!r}.", where="wikis.csv of the last run", next_step=f"there are {known}"
        ) from None


def _missing_hours(tables: Tables, more: Sequence[date], run_id: str | None) -> dict[date, tuple[int, ...]]:
    """Return the hours that did not arrive whole of every day that is published, or one of `more`, in order."""
    known = sorted({*tables.days(LOG), *more})
    arrived: defaultdict[date, set[int]] = defaultdict(set)
    damaged: defaultdict[date, set[int]] = defaultdict(set)
    for row in tables.arrow_days(LOG, known, run_id).to_pylist():
        if is_lost_hour(row["fate"], row["reason"]):
            damaged[row["event_date"]].add(row["event_hour"])
        else:
            arrived[row["event_date"]].add(row["event_hour"])
    return {
        day: tuple(hour for hour in range(HOURS) if hour not in arrived[day] or hour in damaged[day])
        for day in sorted(arrived)
    }


def _last_day(known: Sequence[date], as_of: date | None) -> date:
    """Return the day that is asked for, or the last one."""
    if not known:
        raise UsageError("No day has any input.", next_step="pdmetrics run --date DAY --input DIR")
    if as_of is not None and as_of not in known:
        raise UsageError(
            f"Nothing of {as_of} is ingested.",
            where="--as-of",
            next_step=f"the days there are lie between {known[0]} and {known[-1]}; run --date {as_of} adds this one",
        )
    return as_of or known[-1]


def _menu_early(
    tables: Tables, reference: Reference, wiki: WikiRow, since: date, last: date, run_id: str | None
) -> dict[date, int]:
    """Count impressions of entry points before the first display."""
    entry = Vocabulary(reference.vocabulary).groups.get(ENTRY_POINT, ())
    columns = ("event_date", "element_friendly_name", "n_impressions")
    until = min(last, wiki.visible_from - DAY)
    found: defaultdict[date, int] = defaultdict(int)
    for row in wiki_rows(tables, "engagement_daily", wiki.wiki_db, since, until, columns, run_id):
        if row["element_friendly_name"] in entry and row["n_impressions"]:
            found[row["event_date"]] += row["n_impressions"]
    return dict(sorted(found.items()))


def _timelines(reference: Reference, wiki_db: str, grace: timedelta) -> dict[str, Timeline]:
    return {name: one for (name, wiki), one in timelines(reference, grace).items() if wiki == wiki_db}


def _is_own_row(reference: Reference, instrument: str, wiki_db: str, day: date) -> bool:
    """Whether the wiki has a row of its own in force at the end of a day."""
    own = [row for row in reference.policy if (row.instrument_name, row.wiki_db) == (instrument, wiki_db)]
    return any(row.valid_from.date() <= day and (row.valid_to is None or row.valid_to.date() > day) for row in own)


def _newest_rows(warehouse: Warehouse, wiki_db: str, last: date, counted: date) -> tuple[NewestRows, ...]:
    """Return what the published metrics say last, by metric and window the best status there is.

    An audience may be as of a later day than the `last` of any event: it is read up to `counted`.
    """
    if not warehouse.marts.exists():
        return ()
    audiences = [metric.metric for metric in load_catalogue().of_family(AUDIENCE)]
    rows = [NewestRows(*row) for row in fetch_file(warehouse.marts, NEWEST, (wiki_db, audiences, counted, last))[1]]
    best: dict[tuple[str, str, int | None], NewestRows] = {}
    for row in sorted(rows, key=lambda row: STATUSES.index(row.status), reverse=True):
        best[row.metric, row.window_kind, row.window_days] = row
    return tuple(best.values())
