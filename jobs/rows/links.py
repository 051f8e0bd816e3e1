"""Rows of the `link_*` metrics: totals and click-through rates of every element, window and segment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.estimation.design_effect import borrowed_by_ratio, borrowed_by_total
from jobs.estimation.intervals import FloatArray, wilson
from jobs.estimation.ratios import RatioEstimates, clustered_ratio, design_ratio, process_residuals, with_sampling
from jobs.estimation.regimes import TextArray, effective_number
from jobs.estimation.remedy import ADVICE, AT_FULL_RATE
from jobs.estimation.totals import half_width, horvitz_thompson, kept_sessions
from jobs.estimation.totals_limits import FEW_CLICKS, ctr_reason
from jobs.metric import Metric
from jobs.rows.candidates import FINITE_ONLY, candidates
from jobs.rows.fitting import PENDING
from jobs.rows.link_cells import link_cells
from jobs.rows.link_sums import RATIOS, TOTALS, LinkTables, RatioSpec, TotalSpec, numbers
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import ALL, ROLLING, LinkSums

NOT_SHOWN = "the link was not shown: there is nothing to divide by"
SHOWN_TO_NOBODY = "the link was not shown to anybody"
NO_SEGMENTS = "under sampling the unique rate is estimated for all platforms and buckets together only"


UNIQUE = "link_click_through_rate_unique"


def link_rows(sums: LinkSums, context: WindowContext, as_of: Sequence[date]) -> pd.DataFrame:
    """Build the candidates of the catalogue's link metrics; the unique rate under sampling is left `pending`.

    Args:
        sums: window sums of the links (`window_sums/links.py`).
        context: the facts about days, and the catalogue.
        as_of: the as-of dates to build.

    Returns:
        Candidates for `settle`.

    Raises:
        ValueError: for a metric of the family that nothing here builds.
    """
    tables = LinkTables.of(*link_cells(sums, context, as_of))
    blocks = [
        _of_metric(block, metric)
        for metric in context.catalogue.of_family("links")
        for block in _blocks(metric, tables)
    ]
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


def unique_windows(catalogue: Catalogue) -> tuple[int, ...]:
    """Return the days of the windows in which users are counted by their kept units."""
    return catalogue.metric(UNIQUE).days_of(ROLLING) if UNIQUE in catalogue.metrics else ()


def _blocks(metric: Metric, tables: LinkTables) -> list[pd.DataFrame]:
    """Build a metric's candidates in every cell, a block for each of its inferences."""
    if metric.metric in TOTALS:
        return _total(metric, tables)
    if metric.metric in RATIOS:
        return _rate(metric, tables)
    if metric.metric == UNIQUE:
        return _unique(metric, tables.cells)
    raise ValueError(
        f"link metric {metric.metric}: say in jobs/rows/link_sums.py what it is made of (TOTALS or RATIOS)"
    )


def _of_metric(block: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Keep the windows and wikis that a metric has rows of."""
    has_window = block["window_days"].isin(metric.days_of(ROLLING))
    has_wiki = (block["wiki_db"] != ALL) | metric.all_wikis
    return block[has_window & has_wiki]


def _total(metric: Metric, tables: LinkTables) -> list[pd.DataFrame]:
    """Build a total of events."""
    spec, cells = TOTALS[metric.metric], tables.cells
    is_rate_one = cells["is_rate_one"]
    kept, sessions = tables.sums(tables.regimes, spec.sums), tables.sums(tables.sessions, spec.sums)
    total = horvitz_thompson(kept, is_rate_one, borrowed_by_total(kept, sessions, tables.relatives))
    return [
        candidates(
            cells, metric.metric, inference,
            estimate=total.estimate, lower=total.lower, upper=total.upper,
            observed_numerator=cells[spec.events], n_users_observed=cells[spec.users].where(cells["has_user_id"]),
            n_effective=total.n_effective,
            estimator=np.where(is_rate_one, "count", "horvitz_thompson"),
            status=total.status, status_reason=total.reason,
        )
        for inference in metric.inference
    ]  # fmt: skip


def _rate(metric: Metric, tables: LinkTables) -> list[pd.DataFrame]:
    """Build a click-through rate of events."""
    spec, cells = RATIOS[metric.metric], tables.cells
    clicks, shown = (TotalSpec.of(count, "").sums for count in (spec.clicks, spec.shown))
    kept, by_session = tables.sums(tables.regimes, spec.of_units), tables.sums(tables.sessions, spec.of_units)
    totals = tables.sums(tables.sessions, clicks), tables.sums(tables.sessions, shown)
    borrowed = borrowed_by_ratio(kept, by_session, *totals, tables.relatives)
    sessions = kept_sessions(tables.sums(tables.regimes, shown), borrowed.residuals)
    least = process_residuals(kept, borrowed)
    realised = design_ratio(kept, spec.is_proportion, borrowed)
    process = clustered_ratio(cells["n_users"], spec.of_users(cells), spec.is_proportion, least)
    ratios = {"realised": realised, "process": with_sampling(process, realised)}
    blocks = []
    for inference in metric.inference:
        ratio = ratios[inference]
        width = half_width(ratio.estimate, ratio.lower, ratio.upper)
        decides = width if inference == "process" else np.where(np.isnan(sessions), np.nan, width)
        few = _caution(effective_number(kept, kept.sums.y), cells, spec, decides, sessions)
        blocks.append(_rate_block(metric, inference, cells, ratio, few))
    return blocks


def _rate_block(
    metric: Metric, inference: str, cells: pd.DataFrame, ratio: RatioEstimates, few: TextArray
) -> pd.DataFrame:
    """Build one reading of a click-through rate of events."""
    spec, is_rate_one, has_user_id = RATIOS[metric.metric], cells["is_rate_one"], cells["has_user_id"]
    is_process = inference == "process"
    is_exact = is_rate_one & (not is_process)
    needs_user_id = np.full(len(cells), is_process)
    status, reason = _decided(_rate_status, ~np.isnan(ratio.estimate), has_user_id, needs_user_id, is_exact, few)
    return candidates(
        cells, metric.metric, inference,
        estimate=ratio.estimate, lower=ratio.lower, upper=ratio.upper,
        observed_numerator=cells[f"n_{spec.clicks}"], observed_denominator=cells[f"n_{spec.shown}"],
        n_users_observed=cells["n_shown_users"].where(has_user_id),
        n_numerator_users=cells["n_click_users"].where(has_user_id),
        n_effective=cells["kish"], estimator=np.where(is_rate_one, "ratio", "hajek_ratio"),
        status=status, status_reason=reason, needs_user_id=needs_user_id & ~has_user_id,
    )  # fmt: skip


def _rate_status(is_shown: bool, has_user_id: bool, needs_user_id: bool, is_exact: bool, few: str) -> tuple[str, str]:
    """Decide the status of a click-through rate, and say why; the first that applies."""
    if needs_user_id and not has_user_id:
        return "not_estimable", FINITE_ONLY
    if not is_shown:
        return "not_estimable", NOT_SHOWN
    if few and not is_exact:
        return "caution", few
    return "publish", "" if has_user_id else FINITE_ONLY


def _caution(
    worth: FloatArray, cells: pd.DataFrame, spec: RatioSpec, width: FloatArray, sessions: FloatArray
) -> TextArray:
    """Say why a rate is `caution`, or nothing; clicks kept at mixed rates are worth fewer (`effective_number`)."""
    kept, users = numbers(cells, f"n_{spec.clicks}"), cells["n_click_users"].where(cells["has_user_id"])
    reason = ctr_reason(worth, users, width, sessions)
    for i in np.flatnonzero((worth < FEW_CLICKS) & (worth < kept - 1e-6)):
        reason[i] = f"at one rate the clicks would be worth fewer than {FEW_CLICKS}: the interval may be too short"
    return reason


def _unique(metric: Metric, cells: pd.DataFrame) -> list[pd.DataFrame]:
    """Build the unique click-through rate: exact at 100 %, pending or refused under sampling."""
    is_rate_one, has_user_id = cells["is_rate_one"], cells["has_user_id"]
    is_segment = (cells["client_platform_family"] != ALL) | (cells["edit_count_bucket"] != ALL)
    shown, clicked = numbers(cells, "n_shown_users"), numbers(cells, "n_shown_and_click_users")
    is_refused = has_user_id & ~is_rate_one & is_segment
    share = np.divide(clicked, shown, out=np.full(shown.shape, np.nan), where=shown > 0)
    status, reason = _decided(_unique_status, shown > 0, has_user_id, is_rate_one, is_segment)
    limits = {"realised": (share, share), "process": wilson(clicked, shown)}
    return [
        candidates(
            cells, metric.metric, inference,
            estimate=share, lower=limits[inference][0], upper=limits[inference][1],
            observed_numerator=cells["n_shown_and_click_users"].where(has_user_id),
            observed_denominator=cells["n_shown_users"].where(has_user_id),
            n_users_observed=cells["n_shown_users"].where(has_user_id),
            n_numerator_users=cells["n_click_users"],
            n_effective=np.where(is_rate_one, shown, np.nan),
            estimator=np.where(is_rate_one, "ratio", "npmle_ratio"),
            status=status, status_reason=reason, needs_user_id=~has_user_id,
            remedy=is_refused.map({True: f"{ADVICE}; {AT_FULL_RATE}", False: None}),
        )
        for inference in metric.inference
    ]  # fmt: skip


def _unique_status(is_shown: bool, has_user_id: bool, is_rate_one: bool, is_segment: bool) -> tuple[str, str]:
    """Decide the status of a unique click-through rate, and say why; the first that applies."""
    if not has_user_id:
        return "not_estimable", FINITE_ONLY
    if not is_rate_one:
        return ("not_estimable", NO_SEGMENTS) if is_segment else (PENDING, "")
    return ("publish", "") if is_shown else ("not_estimable", SHOWN_TO_NOBODY)


def _decided(decide: Callable[..., tuple[str, str]], *facts: Iterable[Any]) -> tuple[TextArray, TextArray]:
    """Decide every row's status and its reason from the facts about it; many rows, few different facts."""
    found = list(map(cache(decide), *facts))
    status, reason = np.array(found, dtype=object).reshape(len(found), 2).T
    return status, reason
