"""The estimators of totals and click-through rates, run on the sums of many worlds at once, for coverage.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from totals_worlds import REPEATED_CLICKS, FloatArray

from jobs.estimation.design_effect import Relatives, borrowed_by_ratio, borrowed_by_total
from jobs.estimation.ratios import PairSums, clustered_ratio, design_ratio, process_residuals, with_sampling
from jobs.estimation.regimes import effective_number, regime_sums
from jobs.estimation.totals import TotalSums, half_width, horvitz_thompson, kept_sessions
from jobs.estimation.totals_limits import ctr_reason


@dataclass(frozen=True)
class Group:
    """Worlds of one cell.

    Attributes:
        samples: of each world, sums as arrays of (wikis x windows) by rates; the judged wiki comes first.
        truths: of each world, what happened in each window of that wiki.
        n_wikis: wikis in a world.
        n_windows: windows of a wiki, the longest last.
        is_session: whether sessions are sampled.
    """

    samples: list[dict[str, FloatArray]]
    truths: list[dict[str, FloatArray]]
    n_wikis: int
    n_windows: int
    is_session: bool


@dataclass(frozen=True)
class Judged:
    """Of each world and window: whether the interval held the truth, its status, relative half-width and error."""

    covered: np.ndarray
    status: np.ndarray
    half_width: FloatArray
    error: FloatArray

    def of_window(self, i: int) -> Self:
        """Return one window's."""
        return type(self)(*(value[:, i] for value in (self.covered, self.status, self.half_width, self.error)))


def judge(estimate: FloatArray, lower: FloatArray, upper: FloatArray, status: np.ndarray, truth: FloatArray) -> Judged:
    """Hold estimates of all rows against the truth of the judged ones, worlds by windows."""
    wanted = [np.reshape(a, (len(truth), -1, truth.shape[1]))[:, 0] for a in (estimate, lower, upper, status)]
    value, low, high, told = wanted
    # A world without the event has truth 0; its interval is judged, its relative width is not. What is unknown above
    # (NaN) holds any truth from its lower limit on.
    base, slack = np.where(truth > 0, truth, np.nan), 1e-9 * (1 + np.nan_to_num(truth))
    above = np.isnan(high) | (truth - slack <= high)
    covered = (low <= truth + slack) & above & ~np.isnan(truth)
    told = np.where(np.isnan(truth), "not_estimable", told)
    return Judged(covered, told, (high - low) / 2 / base, (value - truth) / base)


def relatives_of(group: Group) -> Relatives:
    """Return the relatives of each row: the longest window of its wiki, and those of all wikis of its world."""
    shape = (len(group.samples), group.n_wikis, group.n_windows)
    world, wiki, window = (axis.ravel() for axis in np.indices(shape))
    longest = np.ravel_multi_index((world, wiki, np.full(len(world), group.n_windows - 1)), shape)
    return Relatives(longest, world, window == group.n_windows - 1)


def estimate_group(group: Group, ctr: float) -> dict[str, Judged]:
    """Run the estimators on all rows of a cell at once."""
    flat = {name: np.concatenate([sample[name] for sample in group.samples]) for name in group.samples[0]}
    n, n_rates = flat["rate"].shape
    row, rate = np.repeat(np.arange(n), n_rates), flat["rate"].ravel()
    truth = {name: np.stack([truths[name] for truths in group.truths]) for name in group.truths[0]}
    relatives = relatives_of(group) if group.is_session else None
    sums, found = {}, {}
    for name, title, squares, clusters in (
        ("shown", "impressions", "xx", "units"),
        ("clicks", "clicks", "clicks_yy", "clicks_clusters"),
        ("matched", "", "matched_yy", "matched_clusters"),
    ):
        columns = "x" if name == "shown" else name, squares, clusters, "units"
        sums[name] = regime_sums(row, rate, n, TotalSums(*(flat[key].ravel() for key in columns)))
        borrowed = borrowed_by_total(sums[name], sums[name], relatives) if relatives else None
        total = horvitz_thompson(sums[name], borrowed=borrowed)
        if title:
            found[title] = judge(total.estimate, total.lower, total.upper, total.status, truth[name])
    for name in ("clicks", "matched"):
        keys = (name, "x", f"{name}_yy", f"{name}_xy", "xx")
        kept = regime_sums(row, rate, n, PairSums(*(flat[key].ravel() for key in keys)))
        users = flat[f"{name}_users"].reshape(n, 7)
        lent = borrowed_by_ratio(kept, kept, sums[name], sums["shown"], relatives) if relatives else None
        sessions = kept_sessions(sums["shown"], lent.residuals if lent else None)
        least = process_residuals(kept, lent) if lent else None
        is_exact = np.all(flat["rate"] == 1, axis=1)
        realised = design_ratio(kept, name == "matched", lent)
        process = clustered_ratio(users[:, 0], PairSums(*users.T[1:6]), name == "matched", least)
        process = with_sampling(process, realised)
        happened = np.where(truth["shown"] > 0, truth[name] / np.maximum(truth["shown"], 1), np.nan)
        expected = np.full(truth["shown"].shape, ctr * (1 + (REPEATED_CLICKS if name == "clicks" else 0)))
        for reading, ratio, true in (("realised", realised, happened), ("process", process, expected)):
            width = half_width(ratio.estimate, ratio.lower, ratio.upper)
            gated = width if reading == "process" else np.where(np.isnan(sessions), np.nan, width)
            reason = ctr_reason(effective_number(kept, kept.sums.y), users[:, 6], gated, sessions)
            told = np.where(reason == "", "publish", "caution").astype(object)
            told = np.where(is_exact & (reading == "realised"), "publish", told)
            told = np.where(np.isnan(ratio.estimate), "not_estimable", told)
            found[f"{name} {reading}"] = judge(ratio.estimate, ratio.lower, ratio.upper, told, true)
    return found
