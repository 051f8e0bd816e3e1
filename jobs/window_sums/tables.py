"""The tiny tables that window sums end in: what the rows are made of. No engine is needed to hold one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

ALL = "all"
ROLLING, QUARTER = "rolling", "quarter_to_date"
VISITORS, REVIEWERS = "visitors", "reviewers"
# What names a row of each table: lists, as pandas takes them.
VISIT_WINDOW = ["wiki_db", "window_kind", "population", "window_length", "as_of_date"]
LINK_WINDOW = ["wiki_db", "window_days", "as_of_date"]
LINK_CELL = [*LINK_WINDOW, "element_friendly_name", "client_platform_family", "edit_count_bucket"]
UNIQUE_CELL = ["wiki_db", "element_friendly_name", "window_days", "as_of_date"]
COHORT = ["metric", "wiki_db", "metric_date"]
REGIME = ["instrument_name", "sample_unit", "sample_rate"]
QuarterStarts = Mapping[tuple[str, str, date], date]  # first day that counts, by wiki, population, first of quarter


def copy_name(wiki_db: str, rate: float) -> str:
    """Name a wiki's copy thinned to a rate, such as `idwiki@0.1`: a wiki of its own to whatever groups by `wiki_db`."""
    return f"{wiki_db}@{rate}"


def kept_column(rate: float) -> str:
    """Name the column of units kept under a rate, such as `kept@0.1`."""
    return f"kept@{rate}"


@dataclass(frozen=True)
class VisitSums:
    """Window sums of the dashboard. Every frame has the columns `VISIT_WINDOW`.

    `window_length` is the days of a rolling window and 0 for quarter to date; `population` tells the two
    quarter-to-date windows apart (reviewers may be measured later than visitors) and is `visitors` for all rolling
    ones. Windows in which nothing was kept on any asked date are absent.

    Attributes:
        cells: n_loads, n_pageviews, n_units (kept pageviews or sessions with a load or a review click; of pageviews:
            with a load), n_visitors, n_reviewers, n_two_day_reviewers, w_loads (loads weighted by 1 / rate) and
            uu_loads_sq (sum over users of their squared weighted loads).
        regimes: instrument_name, sample_unit, sample_rate with n_loads, n_pageviews, loads_sq (sum over kept units of
            squared loads in the whole window), n_units, n_load_units.
        user_counts: wikis with a rate below 1 only: `counted` (visitors or reviewers), is_full (seen in a rate-1 regime
            in the window), k (kept units of sampled regimes with a load, or with a review click), n_users.
        two_day_counts: the same wikis' visitors: is_full, k_review_units, k_other_units (kept units of sampled
            regimes with and without a review click), n_users.
        unit_counts: every wiki's visitors, in the windows of the numbers that outlast a change of rate: for each rate a
            column `kept_column(rate)` (kept units with a load under it), n_users.
        laws: rows of `visit_laws` for reference shapes; empty where they are not asked for.
    """

    cells: pd.DataFrame
    regimes: pd.DataFrame
    user_counts: pd.DataFrame
    two_day_counts: pd.DataFrame
    unit_counts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*VISIT_WINDOW, "n_users"]))
    laws: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class LinkSums:
    """Window sums of links. Cells in which nothing was kept on any asked date are absent.

    The margins are (all, all), (platform, all), (all, bucket) and, for some elements, (platform, bucket); rows without
    a platform count in `all` only.

    Attributes:
        cells: `LINK_CELL`; n_impressions, n_clicks, n_shown, n_matched; n_event_units (kept pageviews with any event
            of the element); n_shown_users, n_click_users, n_shown_and_click_users, n_users (with any event);
            has_user_id (false if anything in the window came without one); w_impressions, w_clicks, w_shown,
            w_matched (weighted by 1 / rate) and, over the weighted totals of users in the window, the sums of squares
            and products uu_impressions_sq, uu_clicks_sq, uu_impressions_clicks, uu_shown_sq, uu_matched_sq,
            uu_shown_matched.
        regimes: `LINK_CELL`, instrument_name, sample_unit, sample_rate; the four counts; n_units, n_impression_units,
            n_click_units, n_shown_units, n_matched_units (kept pageviews or sessions with any event, an impression,
            a click, …); impressions_sq, clicks_sq, impressions_clicks, shown_sq, matched_sq, shown_matched over units,
            a session over the whole window. A pageview that lasts over midnight counts once on each day.
        unique_counts: elements at (all, all) of wikis with a rate below 1, in the unique rate's windows: `UNIQUE_CELL`,
            is_full (shown in a rate-1 regime in the window), full_click (shown and clicked in such), k_click,
            k_shown_only (kept units of sampled regimes with a click, and shown without one), n_users.
    """

    cells: pd.DataFrame
    regimes: pd.DataFrame
    unique_counts: pd.DataFrame


@dataclass(frozen=True)
class CohortSums:
    """Cohorts whose window closes on an asked date. Empty cohorts are absent.

    Attributes:
        cells: metric, wiki_db, metric_date, as_of_date, n_cohort, n_returned.
        counts: for wikis with a rate below 1, every metric but the presented one: metric, wiki_db, metric_date,
            as_of_date, is_full1, is_full2 (seen in a rate-1 regime in the first and second window), k1, k2 (distinct
            kept units with a load, of sampled regimes, in each window), k_spanning (kept sessions with a load in
            both), n_users; users seen in the second window only are among them.
    """

    cells: pd.DataFrame
    counts: pd.DataFrame


@dataclass(frozen=True)
class WindowSums:
    """The sufficient statistics of every window of some as-of dates."""

    visits: VisitSums
    cohorts: CohortSums
    links: LinkSums
