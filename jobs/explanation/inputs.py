"""What a number was made of: the run, the snapshots, the policy, the rates in force, and what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from jobs.catalogue import Catalogue
from jobs.contracts import table
from jobs.estimation.audit import LOWER
from jobs.explanation.choose import Fetch
from jobs.explanation.counted import cohort_days
from jobs.explanation.explanation import Inputs, MetricRow, PolicyLine, RateLine, TableRead
from jobs.explanation.recount import hours_sql, regimes_sql, senders_sql
from jobs.metric import Metric
from jobs.policy.timeline import Regime, UnitRate, format_rate, format_unit_rate, timelines
from jobs.reference.load import Reference
from jobs.reference.rows import ANY_WIKI, USAGE_ROLES
from jobs.reference.vocabulary import Vocabulary
from jobs.rows.arrival import Arrival
from jobs.rows.regimes import element_instruments
from jobs.rows.window_context import WindowContext
from jobs.warehouse.lake_sql import LakeSql
from jobs.warehouse.manifest import Run
from jobs.window_sums.tables import ALL
from jobs.windows import DAY, days, in_words

LOWER_DAYS = """
select event_date, wiki_db, instrument_name, declared_rate, likely_rate
from fct_sampling_audit
where verdict = ? and event_date between ? and ?
order by event_date, wiki_db
"""


def members(row: MetricRow, reference: Reference) -> tuple[str, ...]:
    """Return the wikis of a row: itself, or of wiki `all` those visible on every day of the window."""
    if row.wiki_db != ALL:
        return (row.wiki_db,)
    return tuple(sorted(wiki.wiki_db for wiki in reference.wikis if wiki.visible_from <= row.metric_date))


def inputs_of(
    row: MetricRow,
    metric: Metric,
    catalogue: Catalogue,
    reference: Reference,
    runs: Sequence[Run],
    grace: timedelta,
    lake: LakeSql,
    fetch: Fetch,
) -> Inputs:
    """Collect what a row was made of.

    Args:
        row: the published row.
        metric: its metric.
        catalogue: the metrics there are.
        reference: the CSVs that the newest published run froze.
        runs: the published runs that are left, oldest first; at least one.
        grace: how long a change of rate takes to reach clients.
        lake: with views of what is read.
        fetch: runs a statement on the marts.
    """
    wikis, names = members(row, reference), _instruments(row, metric, catalogue, reference, grace, lake)
    made_by = [run.run_id for run in runs if row.as_of_date in run.as_of]
    regimes = _regimes(row, reference, names, wikis, grace)
    return Inputs(
        run_id=runs[-1].run_id,
        row_run_id=made_by[-1] if made_by else None,
        tables=tuple(
            TableRead(v.table, v.snapshot_id, table(v.table).description, v.source) for v in lake.views.values()
        ),
        policy=_policy(row, reference, names, wikis),
        rates=tuple(map(_rate_line, regimes)),
        carried=_carried(row, names, wikis, lake),
        measured=(*_vocabulary(row, metric, reference), *_arrival(row, lake), *_lower(row, names, wikis, fetch)),
    )


def _instruments(
    row: MetricRow, metric: Metric, catalogue: Catalogue, reference: Reference, grace: timedelta, lake: LakeSql
) -> tuple[str, ...]:
    """Return the instruments that a row is measured by, as its rates were decided."""
    start, end = row.metric_date, row.as_of_date + DAY
    wikis, element = members(row, reference), _element(row, metric)
    sent: dict[tuple[str, str], dict[str, date]] = {}
    for found in lake.fetch(senders_sql(element)) if element else ():
        sent.setdefault((found["wiki_db"], element or ""), {})[found["instrument_name"]] = found["first_day"]
    minutes = int(grace.total_seconds() // 60)
    context = WindowContext(reference, Arrival(()), minutes, sent=sent, catalogue=catalogue)
    usage = context.usage_instruments(start, end)
    if element is None:
        return usage
    if metric.seen is None:
        return element_instruments(context, wikis, element, start, end)
    first, last = cohort_days(metric, row)[0]
    shown = element_instruments(context, wikis, element, first, last + DAY)
    return tuple(sorted({*usage, *shown}))


def _element(row: MetricRow, metric: Metric) -> str | None:
    """Return the link a row is about: its own, or the one its cohort was shown."""
    return row.element_friendly_name if row.element_friendly_name != ALL else metric.elements


def _policy(row: MetricRow, reference: Reference, names: Sequence[str], wikis: Sequence[str]) -> tuple[PolicyLine, ...]:
    """Return the lines of the policy that touch the window; those for every wiki too, which own ones beat."""
    return tuple(
        PolicyLine(
            line.instrument_name, line.wiki_db, line.sample_unit, line.sample_rate, line.valid_from, line.valid_to
        )
        for line in reference.policy
        if line.instrument_name in names
        and line.wiki_db in (*wikis, ANY_WIKI)
        and line.valid_from.date() <= row.as_of_date
        and (line.valid_to is None or line.valid_to.date() >= row.metric_date)
    )


def _regimes(
    row: MetricRow, reference: Reference, names: Sequence[str], wikis: Sequence[str], grace: timedelta
) -> list[Regime]:
    """Return what was in force in the window, in order of wiki and time, cut to each instrument's life."""
    found = []
    lines = timelines(reference, grace)
    for wiki in wikis:
        for instrument in reference.instruments:
            cut = instrument.stretch.clip(row.metric_date, row.as_of_date + DAY)
            if instrument.instrument_name in names and cut is not None:
                timeline = lines.get((instrument.instrument_name, wiki))
                found += timeline.within(*cut) if timeline else []
    return found


def _rate_line(regime: Regime) -> RateLine:
    note = ""
    if regime.is_unit_change:
        note = "the unit changed: what these minutes brought is left out"
    elif regime.is_grace:
        note = f"a change takes some minutes to arrive: what is kept stands for {format_rate(regime.kept_rate)}"
    return RateLine(
        regime.instrument_name, regime.wiki_db, regime.sample_unit, regime.sample_rate, regime.kept_rate,
        regime.valid_from, regime.valid_to, note,
    )  # fmt: skip


def _carried(row: MetricRow, names: Sequence[str], wikis: Sequence[str], lake: LakeSql) -> tuple[str, ...]:
    """Return the units and rates that kept events carry, which a later correction of the policy leaves as they are."""
    found = lake.fetch(regimes_sql(row, wikis))
    pairs = {UnitRate(one["sample_unit"], one["sample_rate"]) for one in found if one["instrument_name"] in names}
    return tuple(map(format_unit_rate, sorted(pairs)))


def _vocabulary(row: MetricRow, metric: Metric, reference: Reference) -> Iterable[str]:
    """Say when the link of a row could be measured where."""
    element = _element(row, metric)
    if element is None:
        began = min(one.valid_from for one in reference.instruments if one.role in USAGE_ROLES)
        yield f"the dashboard is measured since {began}"
        return
    vocabulary = Vocabulary(reference.vocabulary)
    group = vocabulary.groups.get(element, (element,))
    lines = [line for line in vocabulary.rows if line.element_friendly_name in group]
    if not lines:
        yield f"{element} is not in the vocabulary: it counts as sent, and is never unmeasured"
    touching = [line for line in lines if line.stretch.touches(row.metric_date, row.as_of_date + DAY)]
    for line in touching if len(group) > 1 and touching else lines:  # of a group, those that make it measured
        where = "every platform" if line.client_platform_family == ANY_WIKI else line.client_platform_family
        until = f"to {line.measured_to - DAY}" if line.measured_to else "on"
        yield f"{line.element_friendly_name} is measured on {where} from {line.measured_from} {until} ({line.reason})"


def _arrival(row: MetricRow, lake: LakeSql) -> Iterable[str]:
    """Name the days of the window without input, and the hours that did not arrive whole."""
    window = days(row.metric_date, row.as_of_date + DAY)
    arrived = {found["event_date"]: found["lost_hours"] or [] for found in lake.fetch(hours_sql(row))}
    for day in window:
        if day not in arrived:
            yield f"{day} has no input"
        elif arrived[day]:
            yield f"{day} lacks hours {', '.join(map(str, arrived[day]))} (UTC)"
    if len(arrived) == len(window) and not any(arrived.values()):
        yield f"every hour of {in_words(window[0], window[-1] + DAY)} arrived"


def _lower(row: MetricRow, names: Sequence[str], wikis: Sequence[str], fetch: Fetch) -> Iterable[str]:
    """Name the days whose ids show a rate lower than declared."""
    for found in fetch(LOWER_DAYS, [LOWER, row.metric_date, row.as_of_date]):
        if found["wiki_db"] in wikis and found["instrument_name"] in names:
            likely, declared = format_rate(found["likely_rate"]), format_rate(found["declared_rate"])
            yield f"the ids of {found['wiki_db']} on {found['event_date']} show {likely}, declared are {declared}"
