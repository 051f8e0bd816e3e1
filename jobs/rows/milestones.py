"""Rows of `milestone_status`: the series of each milestone from `metric_values`, and where it stands on each day.

A count is what did happen (`realised`); a ratio or rate speaks of users in general (`process`), since a rate at 100 %
is exact about those who came and still lucky or unlucky. Links have no row `all`: their row is that of all review
links. Of the bands of an audience the one with the most editors counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.contracts import table
from jobs.estimation.milestones import Goal, Look, Standing, current, standing
from jobs.metric import Metric
from jobs.reference.load import Reference
from jobs.reference.rows import PILOT, REVIEW_LINKS, MilestoneRow, WikiRow

COLUMNS = tuple(table("milestone_status").columns)
NO_ROW = "No window of this metric has a row: it has not closed yet, or began before the wiki was visible"
AUDIENCE = "pdmetrics audience counts eligible editors; until it has, there is nobody to measure"
NO_PILOT = "set `pilot` to true in wikis.csv for the wikis that count"


def milestone_rows(values: pd.DataFrame, reference: Reference, as_of: Sequence[date]) -> pd.DataFrame:
    """Judge every milestone on some days.

    Args:
        values: rows of `metric_values` of the milestones' metrics, of all days up to the last; dates as `date`.
        reference: the run's milestones and wikis.
        as_of: the days.

    Returns:
        One row per milestone and day, columns of `milestone_status`.
    """
    rows = []
    for milestone in reference.milestones:
        looks = series(values, milestone, reference.wikis)
        is_weekly = load_catalogue().metric(milestone.metric).weekday is not None
        is_nested = milestone.window_kind == "quarter_to_date"
        goal = Goal(milestone.target, milestone.due_date, is_nested=is_nested, every=7 if is_weekly else 1)
        has_pilot = milestone.wiki_db != PILOT or any(wiki.pilot for wiki in reference.wikis)
        for day in as_of:
            found = standing(looks, goal, day)
            if not looks:
                found = _nothing(milestone, found, has_pilot=has_pilot)
            rows.append(_row(milestone, day, current(looks, day), found))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def series(values: pd.DataFrame, milestone: MilestoneRow, wikis: Sequence[WikiRow]) -> list[Look]:
    """Return the looks at a milestone's metric, in the order of their last days; of `pilot` the sums over pilots."""
    metric = load_catalogue().metric(milestone.metric)
    own = _own_rows(values, milestone, metric)
    if milestone.wiki_db != PILOT:
        return [_look(row) for row in own[own["wiki_db"] == milestone.wiki_db].to_dict("records")]
    pilots = [wiki for wiki in wikis if wiki.pilot]
    by_day: dict[date, dict[str, dict[Hashable, Any]]] = {}
    for row in own[own["wiki_db"].isin([wiki.wiki_db for wiki in pilots])].to_dict("records"):
        by_day.setdefault(row["as_of_date"], {})[row["wiki_db"]] = row
    looks = []
    for day, found in by_day.items():
        # Nobody could visit a dashboard that was not shown yet, so such a wiki is no gap; editors it has all the same.
        due = [w for w in pilots if w.wiki_db in found or metric.family == "audience" or w.visible_from <= day]
        looks.append(_sum({wiki.wiki_db: found.get(wiki.wiki_db) for wiki in due}))
    return looks


def _own_rows(values: pd.DataFrame, milestone: MilestoneRow, metric: Metric) -> pd.DataFrame:
    """Return the rows that a milestone is about, one per wiki and last day, sorted by that day."""
    is_own = (
        (values["metric"] == metric.metric)
        & (values["metric_version"] == metric.version)
        & (values["window_kind"] == milestone.window_kind)
        & (values["inference"] == metric.inference[-1])
        & (values["element_friendly_name"] == (REVIEW_LINKS if metric.family == "links" else "all"))
        & (values["client_platform_family"] == "all")
    )
    if milestone.window_days is not None:
        is_own &= values["window_days"] == milestone.window_days
    if metric.family != "audience":
        is_own &= values["edit_count_bucket"] == "all"
    found = values[is_own].sort_values(["as_of_date", "wiki_db", "estimate", "edit_count_bucket"], na_position="first")
    return found.drop_duplicates(["as_of_date", "wiki_db"], keep="last")


def _look(row: Mapping[Hashable, Any]) -> Look:
    reason = _text(row["status_reason"]) or f"The value is {row['status']}."
    estimate, lower, upper = (_number(row[name]) for name in ("estimate", "lower", "upper"))
    return Look(row["metric_date"], row["as_of_date"], estimate, lower, upper, reason, _text(row["remedy"]))


def _text(value: Any) -> str | None:
    """Return a text, null for an empty one and for whatever stands for a null in a column of texts."""
    return value if isinstance(value, str) and value else None


def _sum(rows: Mapping[str, Mapping[Hashable, Any] | None]) -> Look:
    """Add up a window over wikis.

    The limits are added: a wiki's fit errs in the direction of its neighbours' rather than against it. A wiki hidden
    for its few users adds nothing, which leaves the lower limit true and tells nothing of it; the upper one is lost.
    """
    there = {wiki: row for wiki, row in rows.items() if row is not None}
    first = min(row["metric_date"] for row in there.values())
    last = next(iter(there.values()))["as_of_date"]
    hidden = [wiki for wiki, row in there.items() if row["status"] == "suppressed"]
    looks = {wiki: _look(row) for wiki, row in there.items() if wiki not in hidden}
    silent = {wiki: look for wiki, look in looks.items() if look.lower is None}
    for wiki, row in rows.items():
        if row is None:
            silent[wiki] = Look(first, last, reason="no row of this window", remedy=f"wait until {wiki} has one")
    if silent or not looks:
        reasons = [f"{wiki} ({look.reason})" for wiki, look in sorted(silent.items())]
        reasons = reasons or ["every pilot has too few users to be shown"]
        remedies = sorted({look.remedy for look in silent.values() if look.remedy})
        return Look(first, last, reason=f"Not measured: {'; '.join(reasons)}.", remedy="; ".join(remedies) or None)
    sums = [_added([getattr(look, name) for look in looks.values()]) for name in ("estimate", "lower", "upper")]
    reason = "Only bounds are known of a pilot, which cannot be projected." if sums[0] is None else None
    return Look(first, last, sums[0], sums[1], None if hidden else sums[2], reason=reason)


def _added(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _nothing(milestone: MilestoneRow, found: Standing, *, has_pilot: bool) -> Standing:
    """Say what is missing where a metric has no row at all."""
    if not has_pilot:
        return Standing(found.status, "No wiki is a pilot, so there is nothing to add up.", NO_PILOT)
    if load_catalogue().metric(milestone.metric).family == "audience":
        return Standing(found.status, "Eligible editors are not counted yet.", AUDIENCE)
    return Standing(found.status, f"{NO_ROW}.", "run days that hold a whole window")


def _row(milestone: MilestoneRow, day: date, now: Look | None, found: Standing) -> dict[str, Any]:
    value = None if now is None else now.lower if now.estimate is None else now.estimate
    return {
        "milestone": milestone.milestone, "wiki_db": milestone.wiki_db, "metric": milestone.metric,
        "window_kind": milestone.window_kind, "window_days": milestone.window_days, "target": milestone.target,
        "due_date": milestone.due_date, "source": milestone.source, "as_of_date": day, "status": found.status,
        "is_overdue": day > milestone.due_date and found.status != "reached", "reached_on": found.reached_on,
        "window_start": now.first if now else None, "window_end": now.last if now else None,
        "estimate": now.estimate if now else None, "lower": now.lower if now else None,
        "upper": now.upper if now else None, "share_reached": None if value is None else value / milestone.target,
        "expected_from": found.expected_from, "expected_to": found.expected_to, "reason": found.reason,
        "remedy": found.remedy,
    }  # fmt: skip


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
