"""The last word on every row: what degrades it, what suppresses it, what its status forbids it to show."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.contracts import table
from jobs.estimation.remedy import AT_FULL_RATE
from jobs.rows.cautions import Cautions, remedies, sentence, told_under

BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]

USER_IDS = "an instrument with user ids"
LONGER = "a longer window"
LATER_COHORT = "a later cohort"
NARROWER = "a longer window or a higher rate narrows it"
PROCESS_AT_FULL_RATE = "at 100 %: shown with its interval"
UNSETTLED = ("caution", "bounds_only", "not_estimable")
VALUES = ("estimate", "lower", "upper")
OBSERVED = ("observed_numerator", "observed_denominator", "n_users_observed", "n_effective")
COLUMNS = tuple(table("metric_values").columns)


class RowFacts(NamedTuple):
    """What decides the remedy of a row.

    Attributes:
        status: the last one.
        estimated: the status the estimator left.
        is_process: the row is about users in general, not about those who came.
        is_cohort: its window is a cohort.
        is_sampled: some rate in the window is below 1.
        needs_user_id: it was refused since its instrument does not tell users apart.
        remedy: the estimator's own, or None.
        cautions: what else is the matter with the window.
    """

    status: str
    estimated: str
    is_process: bool
    is_cohort: bool
    is_sampled: bool
    needs_user_id: bool
    remedy: str | None
    cautions: Cautions


def settle(rows: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Apply the rules of rows to candidates and return them in the contract's columns.

    Args:
        rows: candidates with the key columns, `estimate`, `lower`, `upper`, the observed counts, `status` and
            `status_reason` as the estimator left them, and per row `cautions` (why it is `caution` at best, a tuple),
            `unmeasured_reason` (why it is `not_measured`, or null), `needs_user_id` and `n_numerator_users` (users
            behind the numerator where it is a published row of its own, else NaN).
        min_users: cells with fewer users, but at least one, are suppressed.

    Returns:
        One row per candidate, columns of `metric_values`. The status is the first that applies of `not_measured`,
        `suppressed`, `not_estimable`, `bounds_only`, `caution`, `publish`.
    """
    rows = rows.reset_index(drop=True)
    estimated = rows["status"].to_numpy(dtype=object)
    users = rows["n_users_observed"].to_numpy(dtype=float)
    is_few = (users >= 1) & (users < min_users)
    status, reason = _statuses(rows, is_few, min_users)
    rows["status"], rows["status_reason"] = status, reason
    rows["remedy"] = pd.Series(_remedies(rows, estimated), dtype=object)
    _blank(rows, status, is_few, min_users)
    return rows[list(COLUMNS)]


def remedy_for(row: RowFacts) -> str | None:
    """Return what would make a row measurable, or firmer, in one sentence; None where nothing is to mend."""
    if row.status not in UNSETTLED:
        return None
    own = _remedy_of_estimate(row)
    others = remedies(told_under(row.status, row.cautions))
    return "; ".join(dict.fromkeys([*([own] if own else []), *others])) or None


def _remedy_of_estimate(row: RowFacts) -> str | None:
    """Return what would help against the status an estimator left, before anything else degrades it."""
    if row.estimated not in UNSETTLED:
        return None
    if row.remedy is not None:
        # People have one remedy for both readings, but at no rate is it exact what chance would do again.
        return row.remedy.replace(AT_FULL_RATE, PROCESS_AT_FULL_RATE) if row.is_process else row.remedy
    if row.estimated == "not_estimable":
        if row.needs_user_id:
            return USER_IDS
        return LATER_COHORT if row.is_cohort else LONGER  # nothing to divide by
    if not row.is_sampled:
        return LONGER
    return NARROWER if row.is_process else f"{NARROWER}; {AT_FULL_RATE}"


def _statuses(rows: pd.DataFrame, is_few: BoolArray, min_users: int) -> tuple[ObjectArray, ObjectArray]:
    """Return the last status of each row and the reason for it."""
    status, reason = rows["status"].to_numpy(dtype=object).copy(), rows["status_reason"].to_numpy(dtype=object).copy()
    told = np.array([_told(*facts) for facts in zip(status, rows["cautions"], strict=True)], dtype=object)
    unmeasured = rows["unmeasured_reason"].to_numpy(dtype=object)
    is_cautioned = told != ""
    is_both = is_cautioned & (reason != "")  # a published row may say at which rate it stands
    is_unmeasured = pd.notna(unmeasured)
    own = [text.removesuffix(".") for text in reason[is_both]]
    told[is_both] = np.array(own, dtype=object) + "; " + told[is_both]
    reason[is_cautioned] = told[is_cautioned]
    status[is_cautioned & (status == "publish")] = "caution"
    status[is_few], reason[is_few] = "suppressed", f"fewer than {min_users} users: not shown, to protect them"
    status[is_unmeasured], reason[is_unmeasured] = "not_measured", unmeasured[is_unmeasured]
    return status, reason


def _remedies(rows: pd.DataFrame, estimated: ObjectArray) -> list[str | None]:
    facts = zip(
        rows["status"],
        estimated,
        rows["inference"] == "process",
        rows["window_kind"] == "cohort",
        rows["sampling_rate_min"].to_numpy(dtype=float) < 1,
        rows["needs_user_id"],
        rows["remedy"].where(rows["remedy"].notna(), None),
        rows["cautions"],
        strict=True,
    )
    return [_remedy(RowFacts(*row)) for row in facts]


def _sentence(status: str, cautions: Cautions) -> str:
    return sentence(told_under(status, cautions))


_remedy, _told = cache(remedy_for), cache(_sentence)  # many rows, few facts


def _blank(rows: pd.DataFrame, status: ObjectArray, is_few: BoolArray, min_users: int) -> None:
    """Null what the status, or suppression under whatever status, forbids to show."""
    is_refused = (status == "not_measured") | (status == "not_estimable")
    rows.loc[is_few | is_refused, list(VALUES)] = np.nan
    rows.loc[status == "bounds_only", "estimate"] = np.nan
    rows.loc[is_few, list(OBSERVED)] = np.nan
    numerator_users = rows["n_numerator_users"].to_numpy(dtype=float)
    rows.loc[(numerator_users >= 1) & (numerator_users < min_users), "observed_numerator"] = np.nan
    rows.loc[is_refused, "estimator"] = "none"
