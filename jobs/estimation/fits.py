"""Which estimators a fit may name, and a fit as data: it can wait, be sent to a process, or be looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.estimation import people
from jobs.estimation.people import PeopleEstimate
from jobs.estimation.reference_shape import reference_users_estimate

ESTIMATORS: Mapping[str, Callable[..., PeopleEstimate]] = {
    name: getattr(people, name)
    for name in ("users_estimate", "retention_estimate", "unique_ctr_estimate", "two_day_review_bounds")
} | {"reference_users_estimate": reference_users_estimate}


@dataclass(frozen=True)
class FitTask:
    """One number about people to be estimated.

    Attributes:
        estimator: a key of `ESTIMATORS`.
        arguments: its keyword arguments.
        label: what the number is about, such as (metric, wiki_db, metric_date); for messages, not part of the answer.
    """

    estimator: str
    arguments: Mapping[str, Any]
    label: tuple[Any, ...] = field(default=())
