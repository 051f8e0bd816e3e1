"""Whether a metric has the window that is planned for: a plan must not promise a row that no run writes."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.catalogue import load_catalogue
from jobs.console import counted
from jobs.errors import UsageError
from jobs.metric import Metric

LONGEST_QUARTER = 92


def planned_for(metrics: Sequence[str], window_days: int, *, is_asked: bool) -> tuple[list[str], list[str]]:
    """Leave out the metrics without a window of so many days; cohorts stay, with windows of their own.

    Args:
        metrics: ids of the metrics that can be planned for.
        window_days: length of the window that is to be measured.
        is_asked: whether they were asked for by name.

    Returns:
        The metrics to plan for, and sentences on those that are left out or measured over another window.

    Raises:
        UsageError: a metric that was asked for, or every one, has no such window.
    """
    catalogue = load_catalogue().metrics
    lacking = [name for name in metrics if not _has_window(catalogue[name], window_days)]
    left = [name for name in metrics if name not in lacking]
    own = [name for name in left if not catalogue[name].has_window("rolling")]
    if lacking and (is_asked or len(left) == len(own)):
        raise UsageError(
            f"{', '.join(lacking)}: no window of {counted(window_days, 'day')}.",
            where="--window-days",
            next_step="; ".join(f"{name} has {catalogue[name].window_kinds}" for name in lacking),
        )
    notes = []
    if lacking:
        notes.append(f"Not planned for, having no window of {counted(window_days, 'day')}: {', '.join(lacking)}.")
    if own and (is_asked or lacking):
        windows = ", ".join(f"{name} ({counted(catalogue[name].days_of('cohort')[0], 'day')})" for name in own)
        notes.append(f"Measured over windows of their own, whatever --window-days says: {windows}.")
    return left, notes


def _has_window(metric: Metric, window_days: int) -> bool:
    """Whether the metric has rows of that length, or none whose length can be chosen; a quarter to date grows."""
    rolling = metric.days_of("rolling")
    is_quarter = metric.has_window("quarter_to_date") and max(rolling, default=0) < window_days <= LONGEST_QUARTER
    return not rolling or window_days in rolling or is_quarter
