"""Which tables each step reads and writes, as docs/architecture.md tells it. Files are told where they are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jobs import contracts


@dataclass(frozen=True)
class StepTables:
    """What a step does, in a sentence, and its tables.

    Attributes:
        describes: the sentence.
        reads: tables of which it may read what it did not write itself.
        writes: tables that it may stage.
    """

    describes: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


# fmt: off
OF_STEPS: Mapping[str, StepTables] = {
    "ingest": StepTables(
        "Reads raw lines, decides the fate of each, and makes events and facts of what is kept.",
        # The days before and after, for duplicates and for what is usual; verdicts to number its own.
        reads=(
            "events", "duplicates", "ingest_log", "unit_link_days", "baseline_daily", "engagement_daily",
            "data_quality_metrics",
        ),
        writes=(
            "events", "duplicates", "quarantine", "ingest_log", "user_days", "user_link_days", "unit_link_days",
            "baseline_daily", "engagement_daily", "hourly_counts", "sampling_audit", "data_quality_metrics",
        ),
    ),
    "estimates": StepTables(
        "Sums windows and estimates every metric in them.",
        # Counts by hour where an hour was lost, laws where reference shapes are switched on.
        reads=(
            "user_days", "user_link_days", "unit_link_days", "baseline_daily", "engagement_daily", "hourly_counts",
            "ingest_log", "sampling_audit", "metric_values", "visit_laws", "audience", "audience_values",
            "milestone_status",
        ),
        writes=("metric_values", "retention_windows", "self_validation", "visit_laws", "milestone_status"),
    ),
    "marts": StepTables(
        "Builds the marts of what is staged, checks them, and publishes the run.",
        reads=tuple(contracts.TABLES),
        writes=("data_quality_metrics",),
    ),
    "report": StepTables("Makes the static site of the published marts."),
    # A command of its own, which ends with `marts`.
    "audience": StepTables(
        "Counts eligible editors in dumps of mediawiki_history.",
        # Cells of other wikis, bands and windows, which stay; where milestones stand; verdicts to number its own.
        reads=(
            "audience", "audience_values", "audience_alternatives", "audience_log", "metric_values", "milestone_status",
            "data_quality_metrics",
        ),
        writes=(
            "audience", "audience_values", "audience_alternatives", "audience_log", "milestone_status",
            "data_quality_metrics",
        ),
    ),
}
# fmt: on
