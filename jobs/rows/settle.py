"""The last word on every row: what degrades it, what suppresses it, what its status forbids it to show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.contracts import table

BoolArray = npt.NDArray[np.bool_]

REMEDY = "a longer window or a higher rate narrows it; at 100 %: exact"
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
    status, reason = _set(status, reason, degrade, "caution", rows["caution_reason"])
    users = rows["n_users_observed"].to_numpy(dtype=float)
    few = (users >= 1) & (users < min_users)
    unmeasured = _given(rows["unmeasured_reason"])
    status, reason = _set(
        status, reason, few, "suppressed", f"fewer than {min_users} users: not shown, to protect them"
    )
    status, reason = _set(status, reason, unmeasured, "not_measured", rows["unmeasured_reason"])
    rows["status"], rows["status_reason"] = status, reason
    _blank(rows, few, min_users)
    return rows[list(COLUMNS)]


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
    unhelped = rows["remedy"].isna() & status.isin(["caution", "bounds_only", "not_estimable"])
    rows.loc[unhelped & (rows["sampling_rate_min"].astype(float) < 1), "remedy"] = REMEDY
    rows.loc[status.isin(["publish", "not_measured"]), "remedy"] = None


def _given(reasons: pd.Series) -> BoolArray:
    return reasons.notna().to_numpy(dtype=bool)


def _set(
    status: npt.NDArray[np.object_], reason: npt.NDArray[np.object_], where: BoolArray, value: str, why: str | pd.Series
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    text = why if isinstance(why, str) else why.to_numpy(dtype=object)
    return np.where(where, value, status), np.where(where, text, reason)
