"""One shape for candidate rows of every family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

SHARED = (
    "wiki_db", "metric_date", "as_of_date", "window_days", "sampling_unit", "sampling_rate_min", "sampling_rate_max",
    "series_break", "is_complete", "unmeasured_reason", "regimes", "has_unit_change", "cautions",
)  # fmt: skip
BEHIND = ("population", "window_length")  # name the window a visit metric is about
SEGMENTS = ("element_friendly_name", "client_platform_family", "edit_count_bucket")
FINITE_ONLY = "finite-population only: this instrument carries no user id, so users cannot be told apart"
ABSENT = {
    "observed_denominator": np.nan, "n_numerator_users": np.nan, "remedy": None,
    "needs_user_id": False,
}  # fmt: skip


def candidates(base: pd.DataFrame, metric: str | pd.Series, inference: str, **columns: Any) -> pd.DataFrame:
    """Return one candidate row per row of `base`.

    Args:
        base: the columns `SHARED`, and where it has them window_kind (else `rolling`), `SEGMENTS` (else `all`) and
            `BEHIND`.
        metric: id from the catalogue, of all rows or of each.
        inference: `realised` or `process`.
        **columns: the value columns that `settle` expects; absent ones are null.
    """
    absent = dict.fromkeys((name for name in SEGMENTS if name not in base), "all")
    if "window_kind" not in base:
        absent["window_kind"] = "rolling"
    own = [name for name in (*SHARED, *SEGMENTS, "window_kind") if name not in absent]
    own += [name for name in BEHIND if name in base]
    named = {"metric": metric, "inference": inference}
    values = {**base[own], **absent, **named, **ABSENT, **columns}
    # Arrays, not series: rows are matched by place, and blocks have indexes of their own.
    arrays = {name: value.array if isinstance(value, pd.Series) else value for name, value in values.items()}
    return pd.DataFrame(arrays, index=pd.RangeIndex(len(base)))
