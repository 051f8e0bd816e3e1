"""Visitors, reviewers, and what is derived from them, where a window is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from jobs.estimation.answers import PeopleEstimate, refusal
from jobs.estimation.fits import FitTask
from jobs.estimation.limits import Limits
from jobs.estimation.people import pageviews_per_visitor_estimate
from jobs.estimation.remedy import ADVICE, AT_FULL_RATE
from jobs.rows.fitting import (
    PENDING,
    Fitting,
    Key,
    Record,
    Table,
    counts,
    fill,
    keys_of,
    refused,
    sampled_rate,
    tables_by,
)
from jobs.rows.reference_shapes import Shapes, with_reference
from jobs.window_sums.tables import REVIEWERS, VISIT_WINDOW, VISITORS, VisitSums

KEY = ["metric", *VISIT_WINDOW]
METRIC_OF = {VISITORS: "dashboard_visitors", REVIEWERS: "reviewers"}
ASKED = [
    "n_visitors", "n_reviewers", "n_two_day_reviewers", "n_loads", "loads_lower", "loads_estimate", "loads_upper",
    "loads_status", "regimes", "has_unit_change", "sampling_unit",
    "unmeasured_reason",
]  # fmt: skip
THINNED = "How visits vary between users is not seen where visits are sampled; only the realised ratio has an interval."


class Total(NamedTuple):
    """Dashboard pageviews of a window."""

    lower: float | None
    estimate: float | None
    upper: float | None


def fill_visits(candidates: pd.DataFrame, windows: pd.DataFrame, sums: VisitSums, fitting: Fitting) -> pd.DataFrame:
    """Answer the pending candidates of the visit metrics.

    Args:
        candidates: from `visit_rows`.
        windows: the windows behind them, from `visit_rows`.
        sums: the window sums with their tables of users by kept units.
        fitting: how fits are run.
    """
    if candidates.empty or not (candidates["status"] == PENDING).any():
        return candidates
    pending = candidates[candidates["status"] == PENDING]
    keys = keys_of(pending, KEY)
    wanted = set(keys)
    by_window = dict(zip(keys_of(windows, VISIT_WINDOW), windows.filter(items=ASKED).to_dict("records"), strict=True))
    people, tasks = _people(_counted(wanted), by_window, sums, fitting)
    units = {key: by_window[key[1]]["sampling_unit"] for key in tasks}
    # What rests on visitors takes them without an assumption.
    told = people | with_reference(people, tasks, units, Shapes(sums.laws), fitting)
    answers = {(METRIC_OF[counted], *window): answer for (counted, window), answer in told.items()}
    answers |= _two_day(
        {key[1:] for key in wanted if key[0] == "two_day_review_rate"}, by_window, people, sums, fitting
    )
    answers |= _per_visitor(wanted, by_window, people, fitting.limits)
    process = {key for key in wanted if key[0] == "pageviews_per_visitor"}
    answers |= {("process", *key): _refuse_process(answers[key]) for key in process}
    asked = [
        ("process", *key) if inference == "process" and key in process else key
        for key, inference in zip(keys, pending["inference"].tolist(), strict=True)
    ]
    return fill(candidates, asked, answers)


def _counted(wanted: set[Key]) -> set[Key]:
    """Return who is to be counted in which window: reviewers for themselves, visitors for all that rests on them."""
    return {(REVIEWERS if key[0] == METRIC_OF[REVIEWERS] else VISITORS, key[1:]) for key in wanted}


def _people(
    wanted: set[Key], windows: Mapping[Key, Record], sums: VisitSums, fitting: Fitting
) -> tuple[dict[Key, PeopleEstimate], dict[Key, FitTask]]:
    """Estimate visitors or reviewers of every wanted (population, window); also the fits made."""
    tables = tables_by(sums.user_counts, [*VISIT_WINDOW, "counted"])
    known: dict[Key, PeopleEstimate] = {}
    tasks: dict[Key, FitTask] = {}
    for counted, window in sorted(wanted, key=str):
        row = windows[window]
        seen = float(row[f"n_{counted}"])
        no = refused(row, seen, seen)
        if no is not None:
            known[counted, window] = no
        else:
            tasks[counted, window] = _task(tables.get((*window, counted)), row, counted, fitting)
    return {**known, **fitting.run(tasks)}, tasks


def _task(table: Table | None, row: Record, counted: str, fitting: Fitting) -> FitTask:
    k, m = counts(table, "k", "n_users")
    is_full = np.zeros(0, dtype=bool) if table is None else table["is_full"].astype(bool)
    sampled = ~is_full & (k > 0)
    arguments = {
        "k": k[sampled], "m": m[sampled], "rate": sampled_rate(row["regimes"]), "n_full": int(m[is_full].sum()),
        "noun": counted, "limits": fitting.limits,
    }  # fmt: skip
    return FitTask("users_estimate", arguments)


def _two_day(
    wanted: set[Key],
    windows: Mapping[Key, Record],
    people: Mapping[Key, PeopleEstimate],
    sums: VisitSums,
    fitting: Fitting,
) -> dict[Key, PeopleEstimate]:
    """Bound the two-day review rate of every wanted window; where sessions are sampled, by what was seen alone."""
    tables = tables_by(sums.two_day_counts, VISIT_WINDOW)
    known: dict[Key, PeopleEstimate] = {}
    tasks: dict[Key, FitTask] = {}
    for window in sorted(wanted, key=str):
        row, visitors = windows[window], people[VISITORS, window]
        hits, seen = int(row["n_two_day_reviewers"]), float(row["n_visitors"])
        no = refused(row, seen, hits / seen if seen else None)
        if no is not None:
            known[("two_day_review_rate", *window)] = no
            continue
        rate = sampled_rate(row["regimes"])
        arguments = {"n_two_days": hits, "users": visitors, "rate": rate, "limits": fitting.limits}
        table = tables.get(window)
        # Only a pageview lies within one day, and only without a 100 % segment are all units thinned alike. How many
        # sessions hold clicks of several days is not counted, so no row of sampled sessions has the fitted term.
        if table is not None and row["sampling_unit"] == "pageview" and not table["is_full"].any():
            click, other, users = counts(table, "k_review_units", "k_other_units", "n_users")
            arguments |= {"click_units": click, "other_units": other, "m": users}
        tasks[("two_day_review_rate", *window)] = FitTask("two_day_review_bounds", arguments)
    return known | fitting.run(tasks)


def _per_visitor(
    wanted: set[Key], windows: Mapping[Key, Record], people: Mapping[Key, PeopleEstimate], limits: Limits
) -> dict[Key, PeopleEstimate]:
    """Divide pageviews by visitors in every wanted window."""
    answers = {}
    for key in wanted:
        if key[0] == "pageviews_per_visitor":
            row = windows[key[1:]]
            loads = Total(
                row["loads_lower"],
                None if row["loads_status"] == "bounds_only" else row["loads_estimate"],
                row["loads_upper"],
            )
            visitors = people[VISITORS, key[1:]]
            answers[key] = pageviews_per_visitor_estimate(loads, visitors, float(row["n_loads"]), limits)
    return answers


def _refuse_process(realised: PeopleEstimate) -> PeopleEstimate:
    """Refuse the process row of a ratio; rates that would show the realised one do not help it."""
    reason = realised.status_reason if realised.status == "not_estimable" and realised.status_reason else THINNED
    return refusal(reason, n_seen=realised.n_seen, naive=realised.naive, advice=f"{ADVICE}; {AT_FULL_RATE}")
