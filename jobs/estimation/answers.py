"""The answer to a question about people, as far as it may be shown; and the refusals that need no fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.estimation.limits import Interval, Status, Verdict, percent
from jobs.estimation.remedy import ADVICE, AT_FULL_RATE, LINK_AS_WELL

Counts = NDArray[np.int64]
Weights = NDArray[np.int64] | NDArray[np.float64]  # users per row of a table: whole, or expected
Flags = NDArray[np.bool_]


class TotalLike(Protocol):
    """A total with its interval, such as the dashboard's pageviews in the window."""

    @property
    def lower(self) -> float | None:
        """Lower end of the 95 % interval."""

    @property
    def estimate(self) -> float | None:
        """Point estimate, None where only bounds stand."""

    @property
    def upper(self) -> float | None:
        """Upper end of the 95 % interval."""


@dataclass(frozen=True)
class PeopleEstimate:
    """A number about people, as far as it may be shown.

    Attributes:
        estimate: the number; None under `bounds_only` and `not_estimable`.
        lower: lower end of the 95 % interval, or lower bound; None under `not_estimable`.
        upper: upper end or bound; None under `not_estimable`.
        status: `publish`, `caution`, `bounds_only` or `not_estimable`.
        status_reason: one sentence for analysts; None under `publish`.
        remedy: what would make it measurable; None under `publish`.
        estimator: the contract's name of the method.
        naive: the number as kept, without any correction, for `explain` only; None where nobody was seen.
        n_seen: users seen (of a share: in its denominator).
        alternative: the number under a smoother model of visits, for `explain` only; None where there is no fit.
        misfit: probability of counts as far from the fit as these, were it the truth; 1 where there is no fit.
        process: what `process` rows state, where that is not the same in every word; else None.
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    status: Status
    status_reason: str | None
    remedy: str | None
    estimator: str
    naive: float | None
    n_seen: float
    alternative: float | None = None
    misfit: float = 1.0
    process: PeopleEstimate | None = None


def restored(record: Mapping[str, Any]) -> PeopleEstimate:
    """Make an answer of its fields, as `dataclasses.asdict` gives them.

    Raises:
        TypeError: for a record of other fields.
    """
    process = record.get("process")
    return PeopleEstimate(**{**record, "process": None if process is None else restored(process)})


def refusal(
    reason: str, *, n_seen: float = 0.0, naive: float | None = None, advice: str | None = None
) -> PeopleEstimate:
    """Refuse a number: status `not_estimable`, estimator `none`."""
    return PeopleEstimate(None, None, None, "not_estimable", reason, advice, "none", naive, n_seen)


def refuse_mixed_rates(n_seen: float = 0.0, naive: float | None = None) -> PeopleEstimate:
    """Refuse a window that contains two different sampling rates below 1."""
    reason = "The sampling rate changed within the window between two values below 100 %, so visits cannot be pooled."
    advice = f"{ADVICE}; wait for a window that lies within one rate; {AT_FULL_RATE}"
    return refusal(reason, n_seen=n_seen, naive=naive, advice=advice)


def refuse_mixed_units(n_seen: float = 0.0, naive: float | None = None) -> PeopleEstimate:
    """Refuse a window that contains both sampling by pageview and by session."""
    reason = "The sampling unit changed within the window (pageviews, sessions), so visits cannot be pooled."
    advice = f"{ADVICE}; wait for a window that lies within one unit; {AT_FULL_RATE}"
    return refusal(reason, n_seen=n_seen, naive=naive, advice=advice)


def refuse_presented(rate: float, n_seen: float = 0.0, naive: float | None = None) -> PeopleEstimate:
    """Refuse the presented two-week rate below rate 1: it joins three thinned sets of users, and no fit is proven."""
    reason = (
        f"At a sampling rate of {percent(rate)} users shown the link, and their visits in two weeks, are each seen in "
        "part; no estimator of all three together is proven."
    )
    # Keeping usage whole is not enough here: who was shown the link must be known, too.
    advice = f"{ADVICE}; {LINK_AS_WELL}; both {AT_FULL_RATE}"
    return refusal(reason, n_seen=n_seen, naive=naive, advice=advice)


def refuse_failed(why: str) -> PeopleEstimate:
    """Refuse a number whose fit failed: nothing about the window is known but that."""
    return refusal(f"The estimate could not be computed ({why}).", advice="rerun the day once the cause is mended")


def as_allowed(verdict: Verdict, interval: Interval, base: PeopleEstimate, advice: str | None) -> PeopleEstimate:
    """Show of an interval what its verdict allows."""
    shown = verdict.status in ("publish", "caution")
    bounded = verdict.status != "not_estimable"
    return replace(
        base,
        estimate=float(interval.estimate) if shown else None,
        lower=float(interval.lower) if bounded else None,
        upper=float(interval.upper) if bounded else None,
        status=verdict.status,
        status_reason=verdict.reason,
        remedy=None if verdict.status == "publish" else advice,
    )


def exact(value: float, estimator: str, n_seen: float) -> PeopleEstimate:
    """State a number counted without sampling."""
    return PeopleEstimate(value, value, value, "publish", None, None, estimator, value, n_seen)
