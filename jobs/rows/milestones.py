"""Rows of `milestone_status`: the series of each milestone from `metric_values`, and where it stands on each day.

A count is what did happen (`realised`); a ratio or rate speaks of users in general (`process`), since a rate at 100 %
is exact about those who came and still lucky or unlucky. Links have no row `all`: their row is that of all review
links. Of the bands of an audience the one counts that the contract has first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pandas as pd

from jobs.audience import DEFAULT_BAND
from jobs.catalogue import load_catalogue
from jobs.contracts import table
from jobs.estimation.looks import Goal, Look, Standing
from jobs.estimation.milestones import current, standing
from jobs.metric import Metric
from jobs.reference.load import Reference
from jobs.reference.rows import PILOT, REVIEW_LINKS, MilestoneRow, WikiRow
from jobs.reference.targets import audience_share, counts_people
from jobs.rows.milestone_audience import COUNT, DAYS, Audience, Audiences, asked, told
from jobs.rows.milestone_audience import METRIC as AUDIENCE

COLUMNS = tuple(table("milestone_status").columns)
NO_ROW = "No window of this metric has a row: it has not closed yet, or began before the wiki was visible"
NOT_YET = "wait until {wiki} has one"
Record = Mapping[Hashable, Any]
AudienceOn = Callable[[date], Audience | None]
NO_PILOT = "set `pilot` to true in wikis.csv for the wikis that count"


def milestone_rows(
    values: pd.DataFrame, reference: Reference, as_of: Sequence[date], audience: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Judge every milestone on some days.

    Args:
        values: rows of `metric_values` of the milestones' metrics, of all days up to the last; dates as `date`.
        reference: the run's milestones and wikis.
        as_of: the days.
        audience: rows of `audience` of the same days, which tell the snapshot of each count of editors.

    Returns:
        One row per milestone and day, columns of `milestone_status`.
    """
    audiences, rows = Audiences(values, audience), []
    for milestone in reference.milestones:
        looks = series(values, milestone, reference.wikis, audiences)
        wikis = _wikis(milestone, reference.wikis)
        audience_on = partial(audiences.on, wikis)
        goal = _goal(milestone, looks, audience_on)
        for day in as_of:
            now = replace(goal, target=_target(milestone, audience_on, day))
            found = _judged(milestone, looks, now, day, has_wiki=bool(wikis))
            if _is_about_people(milestone):
                found = _with_audience(found, milestone, now.target, audience_on(day))
            rows.append(_row(milestone, day, now, current(looks, day, goal.stands), found))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)


def metrics_read(milestones: Sequence[MilestoneRow]) -> list[str]:
    """Return the metrics whose rows `milestone_rows` needs: their own, and the audience of those that count people."""
    needs_audience = any(map(_is_about_people, milestones))
    return sorted({*(row.metric for row in milestones), *([AUDIENCE] if needs_audience else [])})


def _is_about_people(milestone: MilestoneRow) -> bool:
    """Whether an audience is told beside a milestone."""
    metric = load_catalogue().metric(milestone.metric)
    return metric.family == "audience" or counts_people(metric)


def _with_audience(found: Standing, milestone: MilestoneRow, target: float | None, beside: Audience | None) -> Standing:
    """Add to the reason what a target is a share of, and how many could be invited to what is not reached."""
    if beside is None:
        return found
    reason, share = found.reason, audience_share(milestone.target)
    if found.status != "reached":
        reason = f"{reason.removesuffix('.')}. {told(beside, milestone, target)}"
    if share is not None and target is not None:
        reason = f"{asked(beside, milestone, share, target)} {reason}"
    return replace(found, reason=reason)


def _wikis(milestone: MilestoneRow, wikis: Sequence[WikiRow]) -> list[str]:
    """Return the wikis that a milestone is about."""
    return [wiki.wiki_db for wiki in wikis if wiki.pilot] if milestone.wiki_db == PILOT else [milestone.wiki_db]


def _goal(milestone: MilestoneRow, looks: Sequence[Look], audience_on: AudienceOn) -> Goal:
    """Return what is asked, but for the target of a day; a share of the audience was another number on other days."""
    metric = load_catalogue().metric(milestone.metric)
    targets = {look.last: _target(milestone, audience_on, look.last) for look in looks}
    return Goal(
        None,
        milestone.due_date,
        is_nested=milestone.window_kind == "quarter_to_date",
        every=1 if metric.weekday is None else 7,
        is_audience=metric.family == "audience",
        targets={day: target for day, target in targets.items() if target is not None},
    )


def _target(milestone: MilestoneRow, audience_on: AudienceOn, day: date) -> float | None:
    """Return the target as a number; null where it is a share of an audience that nobody has counted."""
    if not isinstance(milestone.target, str):
        return milestone.target
    share, found = audience_share(milestone.target), audience_on(day)
    return None if share is None or found is None or found.lacking else share * found.n or None


def _judged(milestone: MilestoneRow, looks: Sequence[Look], goal: Goal, day: date, *, has_wiki: bool) -> Standing:
    found = standing(looks, goal, day)
    if not looks:
        return _nothing(milestone, found, has_wiki=has_wiki)
    if goal.target is None and found.status != "reached":
        reason = f"The target is {milestone.target}, and they are not counted as of the two months to {day}."
        return Standing("not measurable", reason, COUNT)
    return found


def series(values: pd.DataFrame, milestone: MilestoneRow, wikis: Sequence[WikiRow], audiences: Audiences) -> list[Look]:
    """Return the looks at a milestone's metric, in the order of their last days; of `pilot` the sums over pilots."""
    metric = load_catalogue().metric(milestone.metric)
    if metric.family == "audience":
        return audiences.looks(_wikis(milestone, wikis), milestone.window_days or DAYS)
    own = _own_rows(values, milestone, metric)
    own = own[own["wiki_db"].isin(_wikis(milestone, wikis))]
    if milestone.wiki_db != PILOT:
        return [_look(row) for row in own.to_dict("records")]
    by_day: dict[date, dict[str, Record]] = {}
    for row in own.to_dict("records"):
        by_day.setdefault(row["as_of_date"], {})[row["wiki_db"]] = row
    pilots = [wiki for wiki in wikis if wiki.pilot]
    looks = []
    for day, found in by_day.items():
        # Nobody could visit a dashboard that was not shown yet, so such a wiki is no gap.
        due = [w for w in pilots if w.wiki_db in found or w.visible_from <= day]
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
    return values[is_own & (values["edit_count_bucket"] == "all")].sort_values(["as_of_date", "wiki_db"])


def _look(row: Mapping[Hashable, Any]) -> Look:
    reason = _text(row["status_reason"]) or f"The value is {row['status']}."
    estimate, lower, upper = (_number(row[name]) for name in ("estimate", "lower", "upper"))
    return Look(row["metric_date"], row["as_of_date"], estimate, lower, upper, reason, _text(row["remedy"]))


def _text(value: Any) -> str | None:
    """Return a text, null for an empty one and for whatever stands for a null in a column of texts."""
    return value if isinstance(value, str) and value else None


def _sum(rows: Mapping[str, Record | None]) -> Look:
    """Add up a window over wikis.

    The limits are added: a wiki's fit errs in the direction of its neighbours' rather than against it. A wiki hidden
    for its few users adds nothing, which leaves the lower limit true and tells nothing of it; the upper one is lost.
    """
    there = {wiki: row for wiki, row in rows.items() if row is not None}
    first = min(row["metric_date"] for row in there.values())
    last = max(row["as_of_date"] for row in there.values())
    hidden = [wiki for wiki, row in there.items() if row["status"] == "suppressed"]
    looks = {wiki: _look(row) for wiki, row in there.items() if wiki not in hidden}
    silent = {wiki: look for wiki, look in looks.items() if look.lower is None}
    for wiki, row in rows.items():
        if row is None:
            silent[wiki] = Look(first, last, reason="no row of this window", remedy=NOT_YET.format(wiki=wiki))
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


def _nothing(milestone: MilestoneRow, found: Standing, *, has_wiki: bool) -> Standing:
    """Say what is missing where a metric has no row at all."""
    if not has_wiki:
        return Standing(found.status, "No wiki is a pilot, so there is nothing to add up.", NO_PILOT)
    if load_catalogue().metric(milestone.metric).family == "audience":
        return Standing(found.status, f"Eligible editors of the band {DEFAULT_BAND} are not counted yet.", COUNT)
    return Standing(found.status, f"{NO_ROW}.", "run days that hold a whole window")


def _row(milestone: MilestoneRow, day: date, goal: Goal, now: Look | None, found: Standing) -> dict[str, Any]:
    value = None if now is None else now.lower if now.estimate is None else now.estimate
    share = None if value is None or goal.target is None else value / goal.target
    return {
        "milestone": milestone.milestone, "wiki_db": milestone.wiki_db, "metric": milestone.metric,
        "window_kind": milestone.window_kind, "window_days": milestone.window_days, "target": goal.target,
        "due_date": milestone.due_date, "source": milestone.source, "as_of_date": day, "status": found.status,
        "is_overdue": day > milestone.due_date and found.status != "reached", "reached_on": found.reached_on,
        "window_start": now.first if now else None, "window_end": now.last if now else None,
        "estimate": now.estimate if now else None, "lower": now.lower if now else None,
        "upper": now.upper if now else None, "share_reached": share,
        "expected_from": found.expected_from, "expected_to": found.expected_to, "reason": found.reason,
        "remedy": found.remedy,
    }  # fmt: skip


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
