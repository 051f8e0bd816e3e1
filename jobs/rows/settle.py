"""The last word on every row: what degrades it, what suppresses it, what its status forbids it to show."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.contracts import table
from jobs.estimation.regimes import TextArray
from jobs.rows.candidates import FINITE_ONLY
from jobs.rows.window_context import GAP, LOST, joined

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
    status, reason = rows["status"].to_numpy(dtype=object).copy(), rows["status_reason"].to_numpy(dtype=object).copy()
    cautions, unmeasured = (rows[name].to_numpy(dtype=object) for name in ("caution_reason", "unmeasured_reason"))
    caution, is_unmeasured = pd.notna(cautions), pd.notna(unmeasured)
    remedy = _own_remedies(rows, status, reason)
    doubly = caution & (status == "caution")
    reason[doubly] = reason[doubly] + "; " + cautions[doubly]
    users = rows["n_users_observed"].to_numpy(dtype=float)
    few = (users >= 1) & (users < min_users)
    for where, value, why in (
        (caution & (status == "publish"), "caution", cautions),
        (few, "suppressed", np.full(len(rows), f"fewer than {min_users} users: not shown, to protect them")),
        (is_unmeasured, "not_measured", unmeasured),
    ):
        status[where], reason[where] = value, why[where]
    rows["status"], rows["status_reason"] = status, reason
    remedy = _remedies(remedy, status, cautions, rows["is_complete"].to_numpy(dtype=bool))
    rows["remedy"] = pd.Series(remedy, dtype=object)
    _blank(rows, status, few, min_users)
    return rows[list(COLUMNS)]


def _own_remedies(rows: pd.DataFrame, status: TextArray, reason: TextArray) -> TextArray:
    """Return what would help against the status an estimator left, before anything else degrades it."""
    is_process = (rows["inference"] == "process").to_numpy(dtype=bool)
    is_cohort = (rows["window_kind"] == "cohort").to_numpy(dtype=bool)
    is_sampled = rows["sampling_rate_min"].to_numpy(dtype=float) < 1
    is_refused = status == "not_estimable"
    told = rows["remedy"].to_numpy(dtype=object).copy()
    given = pd.notna(told)
    # People have one remedy for both readings, but at no rate is it exact what chance would do again.
    both = given & is_process
    told[both] = [text.replace(AT_FULL_RATE, PROCESS_AT_FULL_RATE) for text in told[both]]
    helped = np.full(len(rows), f"{NARROWER}; {AT_FULL_RATE}", dtype=object)
    helped[is_process] = NARROWER
    helped[is_refused | ~is_sampled] = LONGER
    helped[is_refused & is_cohort] = LATER_COHORT  # nothing to divide by
    helped[is_refused & (reason == FINITE_ONLY)] = USER_IDS
    helped[given] = told[given]
    helped[~np.isin(status, UNSETTLED)] = None
    return helped


def _remedies(own: TextArray, status: TextArray, cautions: TextArray, is_complete: BoolArray) -> TextArray:
    """Return the remedy of each row of final status: an estimator's own, then those for a row's circumstances."""
    remedies = own.copy()
    remedies[~np.isin(status, UNSETTLED)] = None
    found = cache(lambda first, reason, whole: joined(first, *_circumstances(reason, whole)))
    degraded = (status == "caution") & pd.notna(cautions)
    remedies[degraded] = list(map(found, remedies[degraded], cautions[degraded], is_complete[degraded]))
    return remedies


def _circumstances(reason: str, is_complete: bool) -> list[str]:
    """Return a remedy for each part of a caution: a loss of events, missing hours, an element's standing caveat."""
    found = [remedy for part, remedy in ((LOST, AFTER_CHANGE), (GAP, NO_GAP)) if part in reason]
    found += [] if is_complete else [HOURS]
    # A caveat comes first in the sentence, and the other parts begin with a number of hours or with one of the losses.
    is_caveat = not (reason[0].isdigit() or reason.startswith((LOST, GAP)))
    return [*found, OWN_INSTRUMENT] if is_caveat else found


def _blank(rows: pd.DataFrame, status: TextArray, few: BoolArray, min_users: int) -> None:
    """Null what the status, or suppression under whatever status, forbids to show."""
    is_refused = (status == "not_measured") | (status == "not_estimable")
    rows.loc[few | is_refused, list(VALUES)] = np.nan
    rows.loc[status == "bounds_only", "estimate"] = np.nan
    rows.loc[few, list(OBSERVED)] = np.nan
    numerator_users = rows["n_numerator_users"].to_numpy(dtype=float)
    rows.loc[(numerator_users >= 1) & (numerator_users < min_users), "observed_numerator"] = np.nan
    rows.loc[is_refused, "estimator"] = "none"
