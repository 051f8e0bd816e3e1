"""People under sampling: fill the `pending` candidates with fits, bounds or refusals (`jobs/estimation/people.py`)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jobs.estimation.answers import PeopleEstimate, refuse_mixed_rates, refuse_mixed_units
from jobs.estimation.fits import FitTask, Progress, fit_many
from jobs.estimation.gate import Gates

PENDING = "pending"
Regimes = frozenset[tuple[str, float]]
Key = tuple[Any, ...]
Record = Mapping[Hashable, Any]


@dataclass(frozen=True)
class Fitting:
    """How fits are run: the gates, the number of processes, the folder of earlier answers, who is told of progress."""

    gates: Gates
    workers: int
    cache_dir: Path | None
    progress: Progress | None = None

    def run(self, tasks: Mapping[Key, FitTask]) -> dict[Key, PeopleEstimate]:
        """Fit named tasks."""
        return dict(
            zip(tasks, fit_many(list(tasks.values()), self.workers, self.cache_dir, self.progress), strict=True)
        )


def sampled_rate(regimes: Regimes) -> float:
    """Return the one rate below 1 of some regimes, or 1 if there is none."""
    return min((rate for _, rate in regimes if rate < 1), default=1.0)


def refused(regimes: Regimes, has_unit_change: bool, n_seen: float, naive: float | None) -> PeopleEstimate | None:
    """Refuse a window whose visits cannot be pooled: two units, or two rates below 1."""
    if has_unit_change or len({unit for unit, _ in regimes}) > 1:
        return refuse_mixed_units(n_seen, naive)
    if len({rate for _, rate in regimes if rate < 1}) > 1:
        return refuse_mixed_rates(n_seen, naive)
    return None


def tables_by(frame: pd.DataFrame, keys: Sequence[str]) -> dict[Key, pd.DataFrame]:
    """Split a frame of counts by cell, so that each fit finds its table."""
    if frame.empty:
        return {}
    return {key if isinstance(key, tuple) else (key,): part for key, part in frame.groupby(list(keys), sort=False)}


def counts(table: pd.DataFrame | None, *columns: str) -> tuple[np.ndarray, ...]:
    """Return columns of a table of counts as integer arrays; empty ones where there is no table."""
    if table is None:
        return tuple(np.zeros(0, dtype=np.int64) for _ in columns)
    return tuple(table[column].to_numpy(dtype=np.int64) for column in columns)


def fill(candidates: pd.DataFrame, keys: Iterable[Key], answers: Mapping[Key, PeopleEstimate]) -> pd.DataFrame:
    """Put answers into the pending candidates.

    Args:
        candidates: all candidates of a family.
        keys: the key of each candidate, in order.
        answers: by key; every pending candidate has one.
    """
    filled = candidates.copy()
    pending = np.flatnonzero((filled["status"] == PENDING).to_numpy())
    names = list(keys)
    found = [answers[names[place]] for place in pending]
    for column in ("estimate", "lower", "upper"):
        values = filled[column].to_numpy(dtype=float).copy()
        values[pending] = [_number(getattr(answer, column)) for answer in found]
        filled[column] = values
    for column in ("status", "status_reason", "remedy", "estimator"):
        texts = filled[column].to_numpy(dtype=object).copy()
        for place, answer in zip(pending, found, strict=True):
            texts[place] = getattr(answer, column)
        filled[column] = texts
    filled["status_reason"] = filled["status_reason"].fillna("")
    return filled


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)
