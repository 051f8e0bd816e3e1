"""The last word on every row: what degrades it, what suppresses it, what its status forbids it to show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.contracts import table
from jobs.rows.candidates import FINITE_ONLY
from jobs.rows.situation import GAP, LOST, joined

BoolArray = npt.NDArray[np.bool_]

USER_IDS = "an instrument with user ids"
LONGER = "a longer window"
LATER_COHORT = "a later cohort"
NARROWER = "a longer window or a higher rate narrows it"
AT_FULL_RATE = "at 100 %: exact"
PROCESS_AT_FULL_RATE = "at 100 %: shown with its interval"
HOURS = "rerun the day when the hours arrive"
AFTER_CHANGE = "a window that does not hold the change of sampling"
NO_GAP = "a window with a rate above 0 throughout"
OWN_INSTRUMENT = "an instrument that measures this link alone"
UNSETTLED = ("caution", "bounds_only", "not_estimable")
STATUSES = ("publish", "caution", "bounds_only", "not_estimable", "suppressed", "not_measured")
VALUES = ("estimate", "lower", "upper")
OBSERVED = ("observed_numerator", "observed_denominator", "n_users_observed", "n_effective")
COLUMNS = tuple(
    column.split()[0] for column in table("metric_values").columns.replace("\n", " ").split(",") if column.strip()
)


def settle(rows: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Apply the rules of rows to candidates and return them in the contract's columns.

    Args:
        rows: candidates with the key columns, `estimate`, `lower`, `upper`, the observed counts, `status` and
            `status_reason` as the estimator left them, and per row `caution_reason` (why it is `caution` at best, or
            null), `unmeasured_reason` (why it is `not_measured`, or null) and `n_numerator_users` (users behind the
            numerator where it is a published row of its own, else NaN).
        min_users: cells with fewer users, but at least one, are suppressed.

    Returns:
        One row per candidate, columns of `metric_values`. The status is the first that applies of `not_measured`,
        `suppressed`, `not_estimable`, `bounds_only`, `caution`, `publish`.
    """
    rows = rows.reset_index(drop=True)
    status = rows["status"].to_numpy(dtype=object).copy()
    reason = rows["status_reason"].to_numpy(dtype=object).copy()
    caution = _given(rows["caution_reason"])
    reason = np.where(caution & (status == "caution"), reason + "; " + rows["caution_reason"].fillna(""), reason)
    degrade = caution & (status == "publish")
    rows["remedy"] = _own_remedies(rows)
    status, reason = _set(status, reason, degrade, "caution", rows["caution_reason"])
    users = rows["n_users_observed"].to_numpy(dtype=float)
    few = (users >= 1) & (users < min_users)
    unmeasured = _given(rows["unmeasured_reason"])
    status, reason = _set(
        status, reason, few, "suppressed", f"fewer than {min_users} users: not shown, to protect them"
    )
    status, reason = _set(status, reason, unmeasured, "not_measured", rows["unmeasured_reason"])
    rows["status"], rows["status_reason"] = status, reason
    rows["remedy"] = _remedies(rows)
    _blank(rows, few, min_users)
    return rows[list(COLUMNS)]


def _own_remedies(rows: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Return what would help against the status an estimator left, before anything else degrades it."""
    given, status = rows["remedy"].astype(object), rows["status"]
    is_process, is_refused = rows["inference"] == "process", status == "not_estimable"
    is_sampled = rows["sampling_rate_min"].astype(float) < 1
    # People have one remedy for both readings, but at no rate is it exact what chance would do again.
    told = given.where(~is_process, given.str.replace(AT_FULL_RATE, PROCESS_AT_FULL_RATE, regex=False))
    choices = [
        (given.notna(), told),
        (is_refused & (rows["status_reason"] == FINITE_ONLY), USER_IDS),
        (is_refused & (rows["window_kind"] == "cohort"), LATER_COHORT),  # nothing to divide by
        (is_refused | ~is_sampled, LONGER),
        (is_process, NARROWER),
    ]
    helped = np.full(len(rows), f"{NARROWER}; {AT_FULL_RATE}", dtype=object)
    for where, remedy in reversed(choices):
        helped = np.where(where, np.asarray(remedy, dtype=object), helped)
    return np.where(status.isin(UNSETTLED), helped, np.asarray(None, dtype=object))


def _remedies(rows: pd.DataFrame) -> pd.Series:
    """Return the remedy of each row of final status: an estimator's own, then those for a row's circumstances."""
    columns = rows[["remedy", "status", "caution_reason", "is_complete"]].itertuples(index=False, name=None)
    remedies = [
        joined(own, *(_circumstances(reason, whole) if status == "caution" and isinstance(reason, str) else ()))
        if status in UNSETTLED
        else None
        for own, status, reason, whole in columns
    ]
    return pd.Series(remedies, index=rows.index, dtype=object)


def _circumstances(reason: str, is_complete: bool) -> list[str]:
    """Return a remedy for each part of a caution: a loss of events, missing hours, an element's standing caveat."""
    found = [remedy for part, remedy in ((LOST, AFTER_CHANGE), (GAP, NO_GAP)) if part in reason]
    found += [] if is_complete else [HOURS]
    # A caveat comes first in the sentence, and the other parts begin with a number of hours or with one of the losses.
    is_caveat = not (reason[0].isdigit() or reason.startswith((LOST, GAP)))
    return [*found, OWN_INSTRUMENT] if is_caveat else found


def _blank(rows: pd.DataFrame, few: BoolArray, min_users: int) -> None:
    """Null what the status, or suppression under whatever status, forbids to show."""
    status = rows["status"]
    without_values = few | status.isin(["not_measured", "not_estimable"]).to_numpy()
    rows.loc[without_values, list(VALUES)] = np.nan
    rows.loc[status == "bounds_only", "estimate"] = np.nan
    rows.loc[few, list(OBSERVED)] = np.nan
    numerator_users = rows["n_numerator_users"].to_numpy(dtype=float)
    rows.loc[(numerator_users >= 1) & (numerator_users < min_users), "observed_numerator"] = np.nan
    rows.loc[status.isin(["not_measured", "not_estimable"]), "estimator"] = "none"


def _given(reasons: pd.Series) -> BoolArray:
    return reasons.notna().to_numpy(dtype=bool)


def _set(
    status: npt.NDArray[np.object_], reason: npt.NDArray[np.object_], where: BoolArray, value: str, why: str | pd.Series
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    text = why if isinstance(why, str) else why.to_numpy(dtype=object)
    return np.where(where, value, status), np.where(where, text, reason)
