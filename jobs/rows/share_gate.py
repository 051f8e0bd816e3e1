"""The limits of widths on shares of users as statements about a process, at every rate."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.estimation.limits import Interval, Limits, Verdict
from jobs.estimation.share_limits import share_verdict

SHARE = "share of users"  # the unit of such metrics in the catalogue
WORSE = {"publish": 0, "caution": 1, "bounds_only": 2, "not_estimable": 3}
LARGER_COHORT = "a cohort of more users"
MORE_USERS = "a longer window, with more users"


def gate_shares(rows: pd.DataFrame, catalogue: Catalogue, limits: Limits) -> pd.DataFrame:
    """Show of every process row of a share of users what the width of its interval allows (statistics R2 6).

    Fits were held against the same limits, so that this decides on rows of which everything was kept, and on those
    that lost hours have widened. A realised row at rate 1 is exact and stays as it is.

    Args:
        rows: candidates before `settle`.
        catalogue: tells which metrics are shares of users.
        limits: thresholds.
    """
    shares = [name for name, metric in catalogue.metrics.items() if metric.unit == SHARE]
    is_asked = (rows["inference"] == "process") & rows["metric"].isin(shares) & rows["status"].isin(WORSE)
    asked = rows[is_asked & rows["lower"].notna() & (rows["status"] != "bounds_only")]
    verdict_of = cache(lambda *ends: share_verdict(Interval(*ends), limits))  # many rows, few small counts
    ends = zip(*(asked[name].tolist() for name in ("estimate", "lower", "upper")), strict=True)
    found: list[Verdict] = [verdict_of(*own) for own in ends]
    is_worse = [WORSE[new.status] > WORSE[old] for new, old in zip(found, asked["status"], strict=True)]
    where = asked.index[is_worse]
    if where.empty:
        return rows
    gated, verdicts = rows.copy(), [new for new, is_ in zip(found, is_worse, strict=True) if is_]
    own = gated.loc[where]
    advice = np.where(own["window_kind"] == "cohort", LARGER_COHORT, MORE_USERS)
    gated.loc[where, "status"] = [verdict.status for verdict in verdicts]
    gated.loc[where, "status_reason"] = [verdict.reason for verdict in verdicts]
    gated.loc[where, "remedy"] = own["remedy"].where(own["remedy"].notna(), pd.Series(advice, index=where))
    return gated
