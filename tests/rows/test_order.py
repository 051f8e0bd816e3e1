"""Rows, and the names of the fits behind them, do not follow the order in which an engine returns its sums."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest

from jobs.contracts import SELF_VALIDATION_RATES
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.rows.build import build_rows
from jobs.rows.fitting import Fitting, tables_by
from jobs.rows.self_validation import self_validation_rows, validation_windows
from jobs.rows.window_context import WindowContext
from jobs.steps.fitting import fit_many
from jobs.window_sums.tables import CohortSums, LinkSums, VisitSums, WindowSums, copy_name, kept_column
from tests.references import HEALTH, arrival, element_row, instrument_row, policy_row, reference, wiki_row

DAY = timedelta(days=1)
MONDAY = date(2026, 6, 8)
WIKIS = ("idwiki", "trwiki", "viwiki")
REGIME = {"instrument_name": HEALTH, "sample_unit": "pageview"}
LINK_COUNTS = ("impressions", "clicks", "shown", "matched")
LINK_SQUARES = ("impressions_sq", "clicks_sq", "impressions_clicks", "shown_sq", "matched_sq", "shown_matched")
BUCKETS = ("all", "0 edits", "1-4 edits")


def _context(rate):
    start = MONDAY - 60 * DAY
    known = reference(
        policy_row(rate=rate),
        wikis=[wiki_row(name, start) for name in WIKIS],
        instruments=[instrument_row(start=start)],
        vocabulary=[element_row("diff", start=start)],
    )
    return WindowContext(known, arrival(start + i * DAY for i in range(61)), 15)


def _frame(places, columns, rng):
    """One row a place; whole numbers under every name but those of weights, which have fractions."""
    frame = pd.DataFrame(places)
    for name in columns:
        whole = rng.integers(60, 90, len(frame))
        frame[name] = whole / 0.3 if name.startswith(("w_", "uu_")) else whole
    return frame


def _users(places, states, rng):
    """Users by state in every place, each state in two rows, as two partitions of an engine would leave it."""
    rows = [{**place, **state} for place, state in product(places, states)] * 2
    return pd.DataFrame(rows).assign(n_users=rng.integers(1, 40, len(rows)))


def _visits(rng, wikis=WIKIS):
    days = {"window_kind": "rolling", "population": "visitors", "as_of_date": pd.Timestamp(MONDAY)}
    places = [{**days, "wiki_db": wiki, "window_length": length} for wiki in wikis for length in (1, 7, 28)]
    users = _users(
        [{**place, "counted": counted} for place in places for counted in ("visitors", "reviewers")],
        [{"is_full": False, "k": k} for k in range(1, 6)],
        rng,
    )
    pairs = [{"is_full": False, "k_review_units": a, "k_other_units": b} for a in range(3) for b in range(1, 3)]
    sums = ("n_loads", "n_pageviews", "n_units", "n_visitors", "n_reviewers", "n_two_day_reviewers")
    return VisitSums(
        _frame(places, (*sums, "w_loads", "uu_loads_sq"), rng),
        _frame(
            [{**place, **REGIME, "sample_rate": 0.3} for place in places],
            ("n_loads", "n_pageviews", "loads_sq", "n_units", "n_load_units"),
            rng,
        ),
        users,
        _users(places, pairs, rng),
        unit_counts=_users(places, [{kept_column(0.3): k, kept_column(1.0): 0} for k in range(1, 6)], rng),
    )


def _cohorts(rng, wikis=WIKIS):
    place = {
        "metric": "two_week_return_rate",
        "metric_date": pd.Timestamp(MONDAY - 14 * DAY),
        "as_of_date": pd.Timestamp(MONDAY - DAY),
    }
    places = [{**place, "wiki_db": wiki} for wiki in wikis]
    full = {"is_full1": False, "is_full2": False, "k_spanning": 0}
    return CohortSums(
        _frame(places, ("n_cohort", "n_returned"), rng),
        _users(places, [{**full, "k1": a, "k2": b} for a in range(3) for b in range(1, 4)], rng),
    )


def _links(rng):
    place = {"element_friendly_name": "diff", "as_of_date": pd.Timestamp(MONDAY)}
    users = [{**place, "wiki_db": wiki, "window_days": days} for wiki in WIKIS for days in (1, 7, 28)]
    places = [
        {**cell, "client_platform_family": "all", "edit_count_bucket": bucket} for cell in users for bucket in BUCKETS
    ]
    counts = [f"n_{name}" for name in LINK_COUNTS]
    people = ("n_event_units", "n_shown_users", "n_click_users", "n_shown_and_click_users", "n_users")
    weights = [*(f"w_{name}" for name in LINK_COUNTS), *(f"uu_{name}" for name in LINK_SQUARES)]
    units = ("n_units", "n_impression_units", "n_click_units", "n_shown_units", "n_matched_units")
    full = {"is_full": False, "full_click": False}
    return LinkSums(
        _frame(places, (*counts, *people, *weights), rng).assign(has_user_id=True),
        _frame([{**cell, **REGIME, "sample_rate": 0.3} for cell in places], (*counts, *units, *LINK_SQUARES), rng),
        _users(users, [{**full, "k_click": a, "k_shown_only": b} for a in range(3) for b in range(1, 3)], rng),
    )


def _shuffled(sums, seed):
    frames = {field.name: getattr(sums, field.name) for field in fields(sums)}
    return replace(sums, **{name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()})


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_and_fits_do_not_follow_the_order_of_the_sums(tmp_path, seed):
    rng = np.random.default_rng(7)
    sums = WindowSums(_visits(rng), _cohorts(rng), _links(rng))
    other = WindowSums(*(_shuffled(part, seed) for part in (sums.visits, sums.cohorts, sums.links)))
    fitting = Fitting(DEFAULT_LIMITS, partial(fit_many, cache_dir=tmp_path))
    days = [MONDAY - DAY, MONDAY]
    rows = build_rows(sums, _context(0.3), days, {}, fitting, 10)
    fits = sorted(tmp_path.iterdir())
    again = build_rows(other, _context(0.3), days, {}, fitting, 10)
    assert len(fits) > 10
    assert sorted(tmp_path.iterdir()) == fits
    pd.testing.assert_frame_equal(again, rows, check_exact=True)


def test_self_validation_does_not_follow_the_order_of_the_sums(tmp_path):
    rng = np.random.default_rng(8)
    copies = [copy_name(wiki, rate) for wiki in WIKIS for rate in (1.0, *SELF_VALIDATION_RATES)]
    visits, cohorts = _visits(rng, copies), _cohorts(rng, copies)
    windows = validation_windows(_context(1.0), [MONDAY])
    fitting = Fitting(DEFAULT_LIMITS, partial(fit_many, cache_dir=tmp_path))
    rows = self_validation_rows(windows, visits, cohorts, fitting, 10)
    fits = sorted(tmp_path.iterdir())
    again = self_validation_rows(windows, _shuffled(visits, 1), _shuffled(cohorts, 1), fitting, 10)
    assert len(fits) > 10
    assert sorted(tmp_path.iterdir()) == fits
    pd.testing.assert_frame_equal(again, rows, check_exact=True)


def test_equal_states_are_added_up_and_stand_in_order():
    frame = pd.DataFrame({"wiki_db": ["b", "a", "b", "b"], "k": [2, 1, 1, 2], "n_users": [5, 1, 3, 4]})
    tables = tables_by(frame, ["wiki_db"])
    assert {cell: {name: list(values) for name, values in table.items()} for cell, table in tables.items()} == {
        ("a",): {"k": [1], "n_users": [1]},
        ("b",): {"k": [1, 2], "n_users": [3, 9]},
    }
