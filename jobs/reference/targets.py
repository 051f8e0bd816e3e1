"""The target of a milestone: a number, or a share of the editors who could be invited."""

from __future__ import annotations

import re

from jobs.metric import Metric
from jobs.reference.csv_file import Row

OF_AUDIENCE = re.compile(r"(\d+(?:\.\d+)?) ?% of eligible_editors")
WRITE = "Write a number such as 500, or a share of the audience such as 20% of eligible_editors"


def read_target(row: Row, name: str) -> str | float:
    """Read a number, or a share of the audience, which is kept as it is written: `20% of eligible_editors`."""
    text = row.cells.get(name, "")
    if "%" not in text and "eligible" not in text:
        return row.number(name)
    share = audience_share(text)
    if share is None:
        row.fail(name, "neither a number nor a share of the audience", WRITE)
    elif not 0 < share <= 1:
        row.fail(name, "not above 0 % and up to 100 %", WRITE)
    return text


def audience_share(target: str | float) -> float | None:
    """Return the share of the audience that a target is, 0.2 for 20 %; null where it is a number."""
    found = OF_AUDIENCE.fullmatch(target) if isinstance(target, str) else None
    return float(found[1]) / 100 if found else None


def counts_people(metric: Metric) -> bool:
    """Whether a metric counts people who did something, whom an audience can be held against; the index does not."""
    return metric.unit == "users" and metric.kind == "count" and metric.part_of is not None
