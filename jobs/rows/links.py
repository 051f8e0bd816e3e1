"""Rows of the `link_*` metrics: totals and click-through rates of every element, window and segment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from jobs.estimation.intervals import FloatArray, wilson
from jobs.estimation.ratios import FEW_CLICKS, RatioEstimates, clustered_ratio, ctr_reason, ctr_status, design_ratio
from jobs.estimation.regimes import TextArray, effective_events
from jobs.estimation.remedy import ADVICE
from jobs.estimation.totals import horvitz_thompson
from jobs.rows.candidates import FINITE_ONLY, candidates
from jobs.rows.link_cells import element_windows, link_cells, link_windows
from jobs.rows.regimes import SAMPLING_COLUMNS, element_instruments, entries, kish, regimes_by_row, sampling_values
from jobs.rows.window_context import WindowContext, joined_columns
from jobs.window_sums.tables import ALL, LINK_CELL, LINK_WINDOW, LinkSums


def link_rows(sums: LinkSums, context: WindowContext, as_of: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the candidates of all link metrics but the sampled unique rate.

    Args:
        sums: window sums of the links (`transforms/links.py`).
        context: the facts about days.
        as_of: the as-of dates to build.

    Returns:
        Candidates for `settle`, and the cells behind them (one row per cell, for the unique rate under sampling).
    """
    windows = link_windows(context, as_of)
    cells = _with_all(sums.cells.drop(columns="has_user_id"), windows)
    kept = _with_all(sums.regimes, windows)
    skeleton = link_cells(windows, element_windows(context, as_of), cells[cells["n_event_units"] > 0])
    base = skeleton.merge(cells, on=LINK_CELL, how="left")
    numbers = [column for column in cells.columns if column not in LINK_CELL]
    base[numbers] = base[numbers].fillna(0)
    base = _with_samplings(base, context)
    base["row"] = np.arange(len(base))
    base["unmeasured_reason"] = (
        base["unmeasured_reason"].fillna(base["missing_reason"]).fillna(base["unrecorded_reason"])
    )
    base["caution_reason"] = joined_columns(base, "note", "caution_reason", "loss")
    base["series_break"] = joined_columns(base, "series_break", "element_break")
    kept = kept.merge(base[[*LINK_CELL, "row"]], on=LINK_CELL).drop(columns=LINK_CELL)
    regimes = entries(regimes_by_row(base), kept)
    base["kish"] = kish(regimes, "n_units", len(base))
    blocks = [*_totals(base, regimes), *_rates(base, regimes), *_unique(base)]
    return pd.concat(blocks, ignore_index=True), base


def _with_all(frame: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Keep what lies in a wiki's visible windows, and add the sums of wiki `all`."""
    visible = windows.loc[windows["wiki_db"] != ALL, LINK_WINDOW]
    own = frame.merge(visible, on=LINK_WINDOW)
    keys = [name for name in own.columns if own[name].dtype.kind not in "if"]
    keys += [name for name in ("window_days", "sample_rate") if name in own.columns]
    pooled = own.assign(wiki_db=ALL).groupby(keys, as_index=False, dropna=False).sum(numeric_only=True)
    return pd.concat([own, pooled], ignore_index=True)


def _with_samplings(base: pd.DataFrame, context: WindowContext) -> pd.DataFrame:
    """Add the sampling of every cell, and whether its instruments carry user ids; a window and element share both."""
    keys = ["wiki_db", "element_friendly_name", "metric_date", "as_of_date"]
    asked = base[[*keys, "members"]].drop_duplicates(keys)
    found = []
    for element, first, last, wikis in zip(*(asked[name].tolist() for name in (*keys[1:], "members")), strict=True):
        start, end = first.date(), last.date() + timedelta(days=1)
        instruments = element_instruments(context, wikis, element, start, end)
        sampling = context.sampling(instruments, wikis, start, end)
        found.append((*sampling_values(sampling), context.have_user_ids(instruments)))
    samplings = pd.DataFrame(found, columns=[*SAMPLING_COLUMNS, "has_user_id"], index=asked.index)
    reasons = dict.fromkeys(("loss", "unrecorded_reason", "series_break"), object)
    return base.merge(asked[keys].join(samplings.astype(reasons)), on=keys, how="left")


def _totals(base: pd.DataFrame, regimes: pd.DataFrame) -> list[pd.DataFrame]:
    """Build `link_impressions` and `link_clicks`."""
    blocks = []
    for metric, y, square, clusters, users in (
        ("link_impressions", "n_impressions", "impressions_sq", "n_impression_units", "n_shown_users"),
        ("link_clicks", "n_clicks", "clicks_sq", "n_click_units", "n_click_users"),
    ):
        total = horvitz_thompson(
            regimes["row"], regimes["sample_rate"], regimes[y], regimes[square], regimes[clusters], regimes["n_units"],
            len(base), base["is_rate_one"].astype(bool),
        )  # fmt: skip
        rate_one = base["is_rate_one"].astype(bool)
        blocks.append(
            candidates(
                base, metric, "realised",
                estimate=total.estimate, lower=total.lower, upper=total.upper,
                observed_numerator=base[y], n_users_observed=base[users].where(base["has_user_id"]),
                n_effective=total.n_effective,
                estimator=np.where(rate_one, "count", "horvitz_thompson"),
                status=total.status, status_reason=total.reason,
                caution_reason=base["caution_reason"],
            )
        )  # fmt: skip
    return blocks


def _rates(base: pd.DataFrame, regimes: pd.DataFrame) -> list[pd.DataFrame]:
    """Build the overall and the matched click-through rate, realised and process."""
    blocks = []
    for metric, y, x, yy, xy, xx, matched in (
        (
            "link_click_through_rate",
            "clicks",
            "impressions",
            "clicks_sq",
            "impressions_clicks",
            "impressions_sq",
            False,
        ),
        ("link_click_through_rate_matched", "matched", "shown", "matched_sq", "shown_matched", "shown_sq", True),
    ):
        design = design_ratio(
            regimes["row"], regimes["sample_rate"], regimes[f"n_{y}"], regimes[f"n_{x}"], regimes[yy], regimes[xy],
            regimes[xx], len(base), proportion=matched,
        )  # fmt: skip
        process = clustered_ratio(
            base["n_users"], base[f"w_{y}"], base[f"w_{x}"], base[f"uu_{yy}"], base[f"uu_{xy}"], base[f"uu_{xx}"],
            proportion=matched,
        )  # fmt: skip
        clicks = effective_events(regimes["row"], regimes["sample_rate"], regimes[f"n_{y}"], len(base))
        for inference, ratio in (("realised", design), ("process", process)):
            blocks.append(_rate_block(base, metric, inference, ratio, y, x, clicks))
    return blocks


def _rate_block(
    base: pd.DataFrame, metric: str, inference: str, ratio: RatioEstimates, y: str, x: str, clicks: FloatArray
) -> pd.DataFrame:
    has_id = base["has_user_id"]
    rate_one = base["is_rate_one"].astype(bool)
    users = base["n_click_users"].where(has_id)
    few, why = ctr_status(clicks, users), _click_reason(clicks, base[f"n_{y}"].to_numpy(float), users)
    if inference == "realised":
        few, why = np.where(rate_one, "publish", few), np.where(rate_one, "", why)
    status = np.where(np.isnan(ratio.estimate), "not_estimable", few)
    reason = np.where(np.isnan(ratio.estimate), "the link was not shown: there is nothing to divide by", why)
    if inference == "process":
        status = np.where(has_id, status, "not_estimable")
        reason = np.where(has_id, reason, FINITE_ONLY)
    else:
        reason = np.where(has_id | (reason != ""), reason, FINITE_ONLY)
    return candidates(
        base, metric, inference,
        estimate=ratio.estimate, lower=ratio.lower, upper=ratio.upper,
        observed_numerator=base[f"n_{y}"], observed_denominator=base[f"n_{x}"],
        n_users_observed=base["n_shown_users"].where(has_id), n_numerator_users=users,
        n_effective=base["kish"], estimator=np.where(rate_one, "ratio", "hajek_ratio"),
        status=status, status_reason=reason, caution_reason=base["caution_reason"],
    )  # fmt: skip


def _click_reason(worth: FloatArray, kept: FloatArray, users: pd.Series) -> TextArray:
    """Say why a rate is `caution`; clicks kept at mixed rates are worth fewer (`effective_events`)."""
    reason = ctr_reason(worth, users)
    for i in np.flatnonzero((worth < FEW_CLICKS) & (worth < kept - 1e-6)):
        reason[i] = (
            f"worth only {np.floor(worth[i]):.0f} clicks at one rate ({kept[i]:.0f} kept), fewer than {FEW_CLICKS}: "
            "the interval may be too short"
        )
    return reason


def _unique(base: pd.DataFrame) -> list[pd.DataFrame]:
    """Build the unique click-through rate of windows sampled at 100 %, and refuse what cannot be known elsewhere."""
    cells = base[(base["wiki_db"] != ALL) & (base["window_days"] > 1)]
    margin = (cells["client_platform_family"] != ALL) | (cells["edit_count_bucket"] != ALL)
    rate_one, has_id = cells["is_rate_one"].astype(bool), cells["has_user_id"].astype(bool)
    shown, clicked = cells["n_shown_users"].to_numpy(float), cells["n_shown_and_click_users"].to_numpy(float)
    share = np.divide(clicked, shown, out=np.full(shown.shape, np.nan), where=shown > 0)
    blocks = []
    for inference, (lower, upper) in (("realised", (share, share)), ("process", wilson(clicked, shown))):
        status = np.where(np.isnan(share), "not_estimable", "publish")
        reason = np.where(np.isnan(share), "the link was not shown to anybody", "")
        refused = ~rate_one & (margin | ~has_id)
        status = np.where(rate_one, status, np.where(refused, "not_estimable", "pending"))
        reason = np.where(
            refused, "under sampling the unique rate is estimated for all platforms and buckets together only", reason
        )
        status = np.where(has_id, status, "not_estimable")
        reason = np.where(has_id, reason, FINITE_ONLY)
        blocks.append(
            candidates(
                cells, "link_click_through_rate_unique", inference,
                estimate=share, lower=lower, upper=upper,
                observed_numerator=cells["n_shown_and_click_users"].where(has_id),
                observed_denominator=cells["n_shown_users"].where(has_id),
                n_users_observed=cells["n_shown_users"].where(has_id),
                n_numerator_users=cells["n_click_users"],
                n_effective=np.where(rate_one, shown, np.nan), estimator=np.where(rate_one, "ratio", "npmle_ratio"),
                status=status, status_reason=reason, caution_reason=cells["caution_reason"],
                remedy=(refused & has_id).map({True: f"{ADVICE}; at 100 %: exact", False: None}),
            )
        )  # fmt: skip
    return blocks
