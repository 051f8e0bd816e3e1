"""Rows of the numbers that outlast a change of rate: rarefied visitors, and pairs of visits per visit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.estimation.answers import PeopleEstimate, refuse_mixed_units
from jobs.estimation.comparable import UserUnits, pairs_process, pairs_realised, rarefied_visitors
from jobs.estimation.limits import Limits
from jobs.metric import Metric
from jobs.policy.timeline import UnitRate, format_unit_rate
from jobs.rows.candidates import candidates
from jobs.rows.fitting import Record, Table, keys_of, tables_by
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import ROLLING, VISIT_WINDOW, VisitSums, kept_column
from jobs.windows import DAY, TWO_YEARS

RAREFIED, PAIRS = "dashboard_visitors_rarefied", "visit_pairs_per_visit"
AT_RATE = "as seen at {rate}, the smallest rate of the wiki's last two years"
ESTIMATES = {"realised": pairs_realised, "process": pairs_process}


def unit_windows(catalogue: Catalogue) -> tuple[int, ...]:
    """Return the days of the windows in which users are counted by their kept units."""
    found = (catalogue.metrics[name].days_of(ROLLING) for name in (RAREFIED, PAIRS) if name in catalogue.metrics)
    return tuple(sorted({days for lengths in found for days in lengths}))


def rarefied_rows(
    base: pd.DataFrame, metric: Metric, sums: VisitSums, context: WindowContext, limits: Limits
) -> pd.DataFrame:
    """Build `dashboard_visitors_rarefied`; every row, a published one too, names its rate in `status_reason`.

    Args:
        base: the windows, from `visit_windows`, with their sums.
        metric: the metric.
        sums: the window sums, of which `unit_counts` are used.
        context: the facts about days.
        limits: up to which widths numbers under sampling are shown.
    """
    answers = []
    for window, units in _windows(base, sums):
        smallest, named = _smallest_rate(context, window)
        answer = _rarefied(window, units, smallest, limits)
        answers.append((answer, "; ".join(_clauses(answer.status_reason, named))))
    return candidates(
        base, metric.metric, "realised", **_columns([answer for answer, _ in answers]),
        status_reason=[reason for _, reason in answers], observed_numerator=base["n_visitors"],
        n_users_observed=base["n_visitors"], n_effective=np.nan,
    )  # fmt: skip


def pair_rows(base: pd.DataFrame, metric: Metric, sums: VisitSums, limits: Limits) -> pd.DataFrame:
    """Build `visit_pairs_per_visit`; observed are the kept pairs, in either order, and the kept units.

    Args: see `rarefied_rows`.
    """
    known = _windows(base, sums)
    kept = [(units.kept.sum(axis=1), units.users) for _, units in known]
    blocks = []
    for inference in metric.inference:
        answers = [
            refuse_mixed_units(units.n_seen) if _has_units(window) else ESTIMATES[inference](units, limits)
            for window, units in known
        ]
        block = candidates(
            base, metric.metric, inference, **_columns(answers),
            status_reason=[answer.status_reason or "" for answer in answers],
            observed_numerator=[float(users @ (k * (k - 1))) for k, users in kept],
            observed_denominator=[float(users @ k) for k, users in kept],
            n_users_observed=base["n_visitors"], n_effective=[units.n_effective for _, units in known],
        )  # fmt: skip
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)


def _windows(base: pd.DataFrame, sums: VisitSums) -> list[tuple[Record, UserUnits]]:
    """Give each window with its users by their kept units."""
    tables = tables_by(sums.unit_counts, VISIT_WINDOW)
    windows = zip(base.to_dict("records"), keys_of(base, VISIT_WINDOW), strict=True)
    return [(window, _units(tables.get(key), window)) for window, key in windows]


def _units(table: Table | None, window: Record) -> UserUnits:
    """Make the users of a window of the columns of its rates: other rates kept nothing in it."""
    rates = sorted({rate for _, rate in window["regimes"]})
    users = np.zeros(0) if table is None else table["n_users"].astype(float)
    empty = np.zeros(len(users))
    columns = [empty if table is None else table.get(kept_column(rate), empty).astype(float) for rate in rates]
    kept = np.column_stack(columns) if columns else np.zeros((len(users), 0))
    return UserUnits(kept, np.array(rates, dtype=float), users)


def _has_units(window: Record) -> bool:
    """Whether visits of a window were sampled by several units, which do not add."""
    return bool(window["has_unit_change"]) or len({unit for unit, _ in window["regimes"]}) > 1


def _smallest_rate(context: WindowContext, window: Record) -> tuple[float, str]:
    """Return the smallest rate of a window's units in the two years to its end, and its name.

    The rates of the two years are those of the policy; what the window's own events carry counts with them.
    """
    end = window["as_of_date"].date() + DAY
    start = end - TWO_YEARS
    units = {unit for unit, _ in window["regimes"]}
    known = context.declared(window["wiki_db"], start, end) | window["regimes"]
    own = [UnitRate(unit, rate) for unit, rate in known if unit in units]
    if not own:
        return 1.0, ""
    smallest = min(own, key=lambda one: (one.sample_rate, one.sample_unit))
    return smallest.sample_rate, AT_RATE.format(rate=format_unit_rate(smallest))


def _rarefied(window: Record, units: UserUnits, smallest: float, limits: Limits) -> PeopleEstimate:
    """Estimate the rarefied visitors of a window; of whole windows without any lower rate these are the visitors."""
    if _has_units(window) and smallest < 1:
        return refuse_mixed_units(units.n_seen)
    return rarefied_visitors(units, smallest, limits)


def _clauses(*sentences: str | None) -> list[str]:
    return [text.removesuffix(".") for text in sentences if text]


def _columns(answers: list[PeopleEstimate]) -> dict[str, Any]:
    """Return what answers say, as columns of candidates."""
    numbers = {
        name: np.array([getattr(answer, name) for answer in answers], dtype=float)
        for name in ("estimate", "lower", "upper")
    }
    return numbers | {name: [getattr(answer, name) for answer in answers] for name in ("status", "remedy", "estimator")}
