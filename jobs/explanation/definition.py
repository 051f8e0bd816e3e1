"""What the catalogue says of a metric, as an explanation has it."""

from __future__ import annotations

from jobs.explanation.explanation import Definition
from jobs.metric import Metric


def definition_of(metric: Metric) -> Definition:
    """Return a metric's definition with its caveats and tasks."""
    return Definition(
        metric.name, metric.definition, metric.numerator, metric.denominator, metric.kind, metric.unit,
        metric.direction, metric.caveats, metric.task,
    )  # fmt: skip
