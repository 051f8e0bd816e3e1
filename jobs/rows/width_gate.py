"""The limits of widths on numbers about people: process rows at every rate, and what lost hours have widened."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.estimation.limits import Interval, Limits, Status, Verdict
from jobs.estimation.share_limits import share_verdict, too_wide
from jobs.estimation.users_limits import bounds_verdict, width_verdict
from jobs.metric import Metric
from jobs.window_sums.tables import QUARTER, ROLLING

SHARE = "share of users"  # the unit of such metrics in the catalogue
PER_VISITOR = "pageviews_per_visitor"
COUNTED = {  # what widths are judged relative to, with what sentences call it; shares are judged in points
    "dashboard_visitors": "The number of visitors",
    "dashboard_visitors_rarefied": "The number",
    "reviewers": "The number of reviewers",
    PER_VISITOR: "The number of pageviews per visitor",
}
WORSE = {"publish": 0, "caution": 1, "bounds_only": 2, "not_estimable": 3}
JUDGED = ["metric", "estimator", "status", "estimate", "lower", "upper"]
WIDTH = "is known to ±"  # how sentences about a width go
LARGER_COHORT = "a cohort of more users"
MORE_USERS = "more users"
LONGER = f"a longer window, with {MORE_USERS}"


def gate_widths(rows: pd.DataFrame, catalogue: Catalogue, limits: Limits) -> pd.DataFrame:
    """Show of process rows of people what the width of their intervals allows (statistics R2 6 and 7).

    Fits were held against the same limits, so that this decides on rows of which everything was kept, and on those
    that lost hours have widened. A realised row at rate 1 is exact and stays as it is.

    Args:
        rows: candidates before `settle`.
        catalogue: tells which metrics are shares of users, and which windows a metric has.
        limits: thresholds.
    """
    gated, worse = lowered(rows, (rows["inference"] == "process") & is_of_people(rows, catalogue), limits)
    own = gated.loc[worse]
    facts = zip(own["metric"], own["window_kind"], own["window_days"], strict=True)
    advice = [_advice(catalogue.metric(name), kind, days) for name, kind, days in facts]
    gated.loc[worse, "remedy"] = own["remedy"].where(
        own["remedy"].notna(), pd.Series(advice, index=worse, dtype=object)
    )
    return gated


def is_of_people(rows: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """Return which rows are shares of users, counts of them, or ratios to them."""
    shares = [name for name, metric in catalogue.metrics.items() if metric.unit == SHARE]
    return rows["metric"].isin([*shares, *COUNTED])


def lowered(rows: pd.DataFrame, is_asked: pd.Series, limits: Limits) -> tuple[pd.DataFrame, pd.Index]:
    """Lower the status of rows that are shown wider than the limits allow; no status is raised.

    Args:
        rows: candidates; of people (`is_of_people`) where asked.
        is_asked: which rows are judged.
        limits: thresholds.

    Returns:
        The rows, and which of them were lowered: status and reason are new, the remedy is not.
    """
    asked = rows[is_asked & rows["status"].isin(WORSE) & rows["lower"].notna()]
    verdict_of = cache(partial(_verdict, limits))  # many rows, few small counts
    found: list[Verdict] = list(map(verdict_of, *(asked[name].tolist() for name in JUDGED)))
    is_worse = [WORSE[new.status] > WORSE[old] for new, old in zip(found, asked["status"], strict=True)]
    worse = asked.index[is_worse]
    verdicts = [verdict for verdict, is_ in zip(found, is_worse, strict=True) if is_]
    told = map(_reason, verdicts, rows.loc[worse, "status_reason"])
    changed = rows.copy()
    changed.loc[worse, "status_reason"] = np.array(list(told), dtype=object)
    changed.loc[worse, "status"] = np.array([verdict.status for verdict in verdicts], dtype=object)
    return changed, worse


def _verdict(
    limits: Limits, metric: str, estimator: str, status: Status, estimate: float, lower: float, upper: float
) -> Verdict:
    """Judge a number by its width: counts and ratios relative to themselves, shares in points."""
    interval = Interval(estimate, lower, upper)
    if noun := COUNTED.get(metric):
        verdict = Verdict(status) if status == "bounds_only" else width_verdict(interval, noun, limits)
        return bounds_verdict(verdict, lower, upper, noun)
    if estimator == "bounds":  # of the two-day rate, which has no estimate that a half-width would be one of
        wide = too_wide(lower, upper)
        return Verdict("not_estimable", wide) if wide else Verdict(status)
    return share_verdict(interval, limits)


def _reason(verdict: Verdict, before: str) -> str:
    """Say why a status is lower; what is still shown rests on what was told before, but for its width."""
    new = verdict.reason or ""
    if verdict.status == "not_estimable":
        return new
    return "; ".join([new.removesuffix("."), *(text for text in before.split("; ") if text and WIDTH not in text)])


def _advice(metric: Metric, kind: str, days: float) -> str:
    """Say what would narrow a row: a longer window where the metric has one."""
    if kind not in (ROLLING, QUARTER):
        return LARGER_COHORT
    is_longest = kind == QUARTER or (days == max(metric.days_of(ROLLING)) and not metric.has_window(QUARTER))
    return MORE_USERS if is_longest else LONGER
