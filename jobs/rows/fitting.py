"""People under sampling: fill the `pending` candidates with fits, bounds or refusals (`jobs/estimation/people.py`)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from jobs.estimation.answers import PeopleEstimate, refusal, refuse_mixed_rates, refuse_mixed_units
from jobs.estimation.fits import FitTask
from jobs.estimation.limits import Limits

PENDING = "pending"
ASKED = ["regimes", "has_unit_change", "unmeasured_reason", "observed_denominator", "observed_numerator"]  # of a share
Regimes = frozenset[tuple[str, float]]
Key = tuple[Any, ...]
Record = Mapping[Hashable, Any]
Table = Mapping[str, np.ndarray]


class Fit(Protocol):
    """Whatever makes many fits (`jobs/steps/fitting.py`)."""

    def __call__(self, tasks: Sequence[FitTask], /) -> list[PeopleEstimate]:
        """Return the estimates in the order of the tasks."""


@dataclass(frozen=True)
class Fitting:
    """How fits are made.

    Attributes:
        limits: up to which widths their answers are shown.
        fit: makes them.
    """

    limits: Limits
    fit: Fit

    def run(self, tasks: Mapping[Key, FitTask]) -> dict[Key, PeopleEstimate]:
        """Fit named tasks; the name is what a message says of one that fails."""
        named = [replace(task, label=key) for key, task in tasks.items()]
        return dict(zip(tasks, self.fit(named), strict=True))


def sampled_rate(regimes: Regimes) -> float:
    """Return the one rate below 1 of some regimes, or 1 if there is none."""
    return min((rate for _, rate in regimes if rate < 1), default=1.0)


def refused(window: Record, n_seen: float, naive: float | None, pools: Sequence[Regimes] = ()) -> PeopleEstimate | None:
    """Refuse a window that was not measured, or whose visits cannot be pooled: two units, or two rates below 1.

    Args:
        window: unmeasured_reason, regimes and has_unit_change of it.
        n_seen: users seen in it.
        naive: the number as kept.
        pools: the regimes under which visits are pooled, where that is not the whole window: each may have a rate of
            its own.
    """
    if isinstance(window["unmeasured_reason"], str):
        return refusal(window["unmeasured_reason"], n_seen=n_seen, naive=naive)
    pools = pools or [window["regimes"]]
    if window["has_unit_change"] or len({unit for regimes in pools for unit, _ in regimes}) > 1:
        return refuse_mixed_units(n_seen, naive)
    if any(len({rate for _, rate in regimes if rate < 1}) > 1 for regimes in pools):
        return refuse_mixed_rates(n_seen, naive)
    return None


def tables_by(frame: pd.DataFrame, keys: Sequence[str]) -> dict[Key, Table]:
    """Split a frame of users by their state into the table of each cell.

    Equal states are added up and stand in order, so that neither a fit nor the name of its answer depends on the order
    of rows, which an engine is free to choose.

    Args:
        frame: keys, columns of the state, n_users.
        keys: the columns that name a cell.
    """
    if frame.empty:
        return {}
    states = sorted(name for name in frame.columns if name not in (*keys, "n_users"))
    users = frame.groupby([*keys, *states], as_index=False)[["n_users"]].sum()
    starts = np.flatnonzero(~users.duplicated(list(keys)))
    cells = zip(*(users[name].iloc[starts].tolist() for name in keys), strict=True)
    columns = {name: users[name].to_numpy() for name in (*states, "n_users")}
    return {
        cell: {name: values[start:end] for name, values in columns.items()}
        for cell, start, end in zip(cells, starts, [*starts[1:], len(users)], strict=True)
    }


def counts(table: Table | None, *columns: str) -> tuple[np.ndarray, ...]:
    """Return columns of a table of counts as integer arrays; empty ones where there is no table."""
    if table is None:
        return tuple(np.zeros(0, dtype=np.int64) for _ in columns)
    return tuple(table[column].astype(np.int64) for column in columns)


def keys_of(rows: pd.DataFrame, columns: Sequence[str]) -> list[Key]:
    """Return the cell of each row, named as `tables_by` names it."""
    return list(zip(*(rows[name].tolist() for name in columns), strict=True))


def fill(candidates: pd.DataFrame, keys: Iterable[Key], answers: Mapping[Key, PeopleEstimate]) -> pd.DataFrame:
    """Put answers into the pending candidates; process rows take what an answer says of the process.

    Args:
        candidates: all candidates of a family; without `inference` they are about what happened.
        keys: the key of each pending candidate, in order.
        answers: by key; every pending candidate has one.
    """
    filled = candidates.copy()
    pending = (filled["status"] == PENDING).to_numpy()
    found = [answers[key] for key in keys]
    if "inference" in filled:
        is_process = (filled["inference"] == "process").to_numpy()[pending]
        found = [(is_ and answer.process) or answer for is_, answer in zip(is_process, found, strict=True)]
    for column in ("estimate", "lower", "upper"):
        values = filled[column].to_numpy(dtype=float).copy()
        values[pending] = [_number(getattr(answer, column)) for answer in found]
        filled[column] = values
    for column in ("status", "status_reason", "remedy", "estimator"):
        texts = filled[column].astype(object)
        texts[pending] = [getattr(answer, column) for answer in found]
        filled[column] = texts
    filled["status_reason"] = filled["status_reason"].fillna("")
    return filled


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)
