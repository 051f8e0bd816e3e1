"""The page of milestones: how far each is, and on which evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from jobs import words
from jobs.catalogue import load_catalogue
from jobs.metric import Metric
from jobs.reference.rows import PILOT
from jobs.report.about import metric_href
from jobs.report.chart import ChartTable
from jobs.report.charts_sentences import Cell, clause, day, listed
from jobs.report.tables import records, verdict
from jobs.rows.milestone_audience import HIDDEN_TARGET

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

KINDS = {"reached": "good", "on track": "good", "behind": "bad"}
COLUMNS = (
    "Wiki", "Status", "It stands at", "Of the target", "Metric", "Due", "Reached or expected", "Because",
    "What would help",
)  # fmt: skip
NONE, NOT_SHOWN = "no number", "no number that may be shown"
NO_WEEKS = "not shown here: its window is not of whole weeks"
NO_MONDAY = "not shown here: its cohort is not of a Monday"
UNMEASURED = "not measurable"


def milestones_page(leaving: Leaving) -> dict[str, Any]:
    """Return what `milestones.html.j2` shows.

    Args:
        leaving: the states of milestones that may leave.
    """
    states = leaving.milestones
    is_counted = states["metric"].map(lambda metric: load_catalogue().metric(metric).family == "audience")
    newest = states[states["as_of_date"] == states.groupby(is_counted)["as_of_date"].transform("max")]
    newest = newest.sort_values(["due_date", "milestone", "wiki_db", "metric"])
    rows = records(newest)
    return {
        "as_of": listed(sorted({day(row["as_of_date"]) for row in rows})) if rows else "",
        "milestones": ChartTable(
            COLUMNS,
            tuple(_row(row) for row in rows),
            groups=tuple(row["milestone"] for row in rows),
            cards=True,
        ),
    }


def _row(row: Cell) -> tuple[str, ...]:
    metric = load_catalogue().metric(row["metric"])
    window = words.metric_window(row["window_kind"], row["window_days"])
    asked = Markup('<a href="{}">{}</a>, {}').format(metric_href(metric.metric), metric.name, window)
    chip = verdict(row["status"], KINDS.get(row["status"], "open"))
    if row["is_overdue"]:
        chip += Markup(" ") + verdict("overdue", "bad")
    stands = f"{_stands(row, metric.unit)}; the target is {_target(row, metric.unit)}{_sum(row, metric)}"
    helps = clause(row["remedy"]) or ("not known" if row["status"] == "behind" else "nothing is needed")
    return (
        row["wiki_db"], chip, stands, _share(row["share_reached"]), asked, day(row["due_date"]), _when(row),
        clause(row["reason"]), helps,
    )  # fmt: skip


def _target(row: Cell, unit: str) -> str:
    if not words.is_null(row["target"]):
        return words.number(row["target"], unit)
    return "not shown" if row["reason"].startswith(HIDDEN_TARGET) else "not known yet"


def _share(share: float | None) -> str:
    """Write a share of the target with a bar; the bar is full where all of it is there."""
    if share is None or words.is_null(share):
        return "not shown"
    whole = int(100 * share + 1e-9)  # rounded down, as `pdmetrics milestones` does
    return Markup('<span class="bar" aria-hidden="true"><span style="width: {}%"></span></span> {} %').format(
        min(whole, 100), f"{whole:,}"
    )


def _stands(row: Cell, unit: str) -> str:
    """Write the number of the newest window and its days."""
    numbers = words.interval(row["estimate"], row["lower"], row["upper"], unit)
    if words.is_null(row["window_end"]):
        return "no window has closed"
    return f"{numbers or _without(row)}, {day(row['window_start'])} to {day(row['window_end'])}"


def _without(row: Cell) -> str:
    """Say why there is no number: what is measured is in the marts, though its window does not leave the house."""
    if row["status"] == UNMEASURED:
        return NONE
    if load_catalogue().metric(row["metric"]).family == "audience":
        return NOT_SHOWN
    is_monday = row["window_start"].weekday() == 0
    if row["window_kind"] == "cohort":
        return NOT_SHOWN if is_monday else NO_MONDAY
    is_weeks = row["window_kind"] == "rolling" and row["window_days"] % 7 == 0
    return NOT_SHOWN if is_weeks and is_monday else NO_WEEKS


def _sum(row: Cell, metric: Metric) -> str:
    """Say what the number of all pilot wikis is."""
    if row["wiki_db"] != PILOT:
        return ""
    twice = "; who uses two counts twice" if metric.unit == "users" else ""
    return f"; the sum over pilot wikis{twice}"


def _when(row: Cell) -> str:
    """Say when it was reached, or when it is expected to be."""
    if not words.is_null(row["reached_on"]):
        return f"reached {day(row['reached_on'])}"
    if words.is_null(row["expected_from"]):
        return "cannot be told"
    if words.is_null(row["expected_to"]):
        return f"{day(row['expected_from'])} or later"
    return f"{day(row['expected_from'])} to {day(row['expected_to'])}"
