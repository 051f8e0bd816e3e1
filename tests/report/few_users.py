"""A small dashboard, drawn at random, and its cells as the marts would have them: consistent sums, many small cells."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from jobs.estimation.intervals import wilson

MONDAY = pd.Timestamp("2026-03-16")
MIN_USERS = 10
REVIEW, OTHER, MENU = "review links", "other links", "Personal Dashboard menu link"
GROUPS = {"diff link": REVIEW, "watched link": REVIEW, "thanks link": REVIEW, "policy link": OTHER, MENU: "entry point"}
PLATFORMS = ("desktop_browser", "mobile_browser")
CELL = ["wiki_db", "window_days", "window_start", "element_friendly_name", "client_platform_family"]
ROW = ["metric", *CELL]
SAMPLED, RATE = "w0wiki", 0.5
PEOPLE = ("dashboard_visitors", "pageviews_per_visitor", "reviewers", "two_day_review_rate",
          "link_click_through_rate_unique", "two_week_return_rate", "retention_day_1")  # fmt: skip


def random_cells(seed: int, *, n_weeks: int = 5, users: tuple[int, ...] = (18, 45, 160)) -> pd.DataFrame:
    """Draw a dashboard and return the rows of `fct_metric_values` that a report may show, small cells blanked.

    Beside them stand `truth`, the count or numerator, and `true_users`, how many users it stands for.

    Args:
        seed: of the draw.
        n_weeks: whole weeks from `MONDAY` on.
        users: how many users each wiki has.
    """
    return marts_of(random_events(np.random.default_rng(seed), n_weeks, users), n_weeks)


def random_events(rng: np.random.Generator, n_weeks: int, users: tuple[int, ...]) -> pd.DataFrame:
    """Draw events: wiki_db, user, day, action, element, platform (null now and then)."""
    blocks = []
    for place, n_users in enumerate(users):
        n_loads = int(n_users * n_weeks * rng.uniform(0.6, 1.6))
        own = rng.exponential(size=n_users)
        user = rng.choice(n_users, n_loads, p=own / own.sum())
        likes_mobile = rng.random(n_users) < rng.uniform(0.1, 0.5)
        platform = np.where(likes_mobile[user] ^ (rng.random(n_loads) < 0.1), PLATFORMS[1], PLATFORMS[0]).astype(object)
        platform[rng.random(n_loads) < rng.choice([0, 0, 0.01])] = None
        loads = pd.DataFrame({"wiki_db": f"w{place}wiki", "user": user, "platform": platform,
                              "day": rng.integers(7 * n_weeks, size=n_loads)})  # fmt: skip
        blocks.append(loads.assign(action="load", element="all"))
        for element in GROUPS:
            shown = loads[rng.random(n_loads) < rng.uniform(0.3, 1)]
            clicked = shown[rng.random(len(shown)) < rng.choice([0.03, 0.15, 0.5])]
            blocks += [
                shown.assign(action="impression", element=element),
                clicked.assign(action="click", element=element),
            ]
    return pd.concat(blocks, ignore_index=True)


def marts_of(events: pd.DataFrame, n_weeks: int) -> pd.DataFrame:
    """Return the rows of the marts that a report may show, made of events."""
    users = _by_user(events, n_weeks)
    sums = users.groupby(CELL, as_index=False).agg(
        loads=("load", "sum"), impressions=("impression", "sum"), clicks=("click", "sum"),
        visitors=("load", np.count_nonzero), shown=("impression", np.count_nonzero),
        clickers=("click", np.count_nonzero), both=("both", "sum"), two_day=("two_day", "sum"),
    )  # fmt: skip
    cells = _places(events, n_weeks).merge(sums, on=CELL, how="left").fillna(dict.fromkeys(sums.columns[5:], 0))
    dashboard = cells[cells["element_friendly_name"] == "all"]
    links = cells[(cells["element_friendly_name"] != "all") & (cells["window_days"] > 1)]
    local = dashboard[dashboard["wiki_db"] != "all"]
    longer = local[local["window_days"] > 1]
    review = links[(links["element_friendly_name"] == REVIEW) & (links["client_platform_family"] == "all")]
    review = review[review["wiki_db"] != "all"].assign(element_friendly_name="all")
    people = longer.drop(columns=["clickers", "two_day"]).merge(review[[*CELL, "clickers", "two_day"]], on=CELL)
    rows = [
        _rows(dashboard, "dashboard_pageviews", "loads", "visitors"),
        _rows(local, "dashboard_visitors", "visitors", "visitors"),
        _rows(longer, "pageviews_per_visitor", "loads", "visitors", "visitors"),
        _rows(people, "reviewers", "clickers", "clickers"),
        _rows(people, "two_day_review_rate", "two_day", "visitors", "visitors"),
        _rows(links, "link_impressions", "impressions", "shown"),
        _rows(links, "link_clicks", "clicks", "clickers"),
        _rows(links, "link_click_through_rate", "clicks", "shown", "impressions", few="clickers"),
        _rows(
            links[links["wiki_db"] != "all"], "link_click_through_rate_unique", "both", "shown", "shown", few="clickers"
        ),
        _return_rows(users, local),
    ]
    found = pd.concat(rows, ignore_index=True)
    group = found["element_friendly_name"].map({**GROUPS, REVIEW: REVIEW})
    found["link_group"] = group.where(found["element_friendly_name"] != "all")
    found["window_end"] = found["window_start"] + pd.to_timedelta(found["window_days"] - 1, "D")
    found = found.assign(metric_version=1, edit_count_bucket="all", sampling_rate_min=1.0, sampling_rate_max=1.0)
    return _sampled(_without_an_hour(found, pd.Timedelta(days=7 * (n_weeks - 1))))


def _sampled(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the first wiki for one that is sampled: what was drawn of it is what was kept."""
    kept, whole = rows["wiki_db"] == SAMPLED, rows["wiki_db"] == "all"
    is_event, is_user = rows["estimator"].isin(["count"]) & ~rows["metric"].isin(PEOPLE), rows["metric"].isin(PEOPLE)
    rows.loc[kept | whole, "sampling_rate_min"] = RATE
    rows.loc[kept, "sampling_rate_max"] = RATE
    numbers = ["estimate", "lower", "upper"]
    rows.loc[kept & is_event, numbers] /= RATE
    place = rows[ROW[:1] + ROW[2:]].apply(tuple, axis=1)
    more = rows[kept & is_event].assign(place=place).set_index("place")["truth"] * (1 / RATE - 1)
    rows.loc[whole & is_event, numbers] = rows.loc[whole & is_event, numbers].add(
        place[whole & is_event].map(more).fillna(0.0), axis=0
    )
    rows.loc[(kept | whole) & is_event, "estimator"] = "horvitz_thompson"
    rows.loc[(kept | whole) & (rows["metric"] == "link_click_through_rate"), "estimator"] = "hajek_ratio"
    # How many users were missed is not seen: bounds at most, and no share.
    rows.loc[kept & is_user, numbers] = np.nan
    rows.loc[kept & is_user & (rows["status"] == "publish"), ["status", "estimator"]] = ["not_estimable", "none"]
    return rows


def _without_an_hour(rows: pd.DataFrame, until: pd.Timedelta) -> pd.DataFrame:
    """Take an hour of the last week for missing: counts are at least what was kept."""
    lost = MONDAY + until
    is_lost = (rows["window_start"] <= lost) & (rows["window_end"] >= lost)
    rows.loc[is_lost, "is_complete"] = False
    rows.loc[is_lost & (rows["estimator"] == "count"), "upper"] *= 1.05
    return rows


def _by_user(events: pd.DataFrame, n_weeks: int) -> pd.DataFrame:
    """Count each user's events in every window, element or group, platform or all, wiki or all."""
    group = events["element"].map(GROUPS).where(lambda name: name == REVIEW)
    events = pd.concat([events, events[group.notna()].assign(element=REVIEW)])
    events = pd.concat(
        [events.assign(platform="all"), events[events["platform"].notna() & (events["element"] != "all")]]
    )
    events = events[(events["element"] != MENU) | (events["platform"] != "all")]
    events = events.assign(user=events["wiki_db"] + events["user"].astype(str))
    events = pd.concat([events, events.assign(wiki_db="all")])
    spans = events.merge(_days_of_windows(n_weeks), on="day")
    place = [*CELL, "user"]
    spans = spans.rename(columns={"element": "element_friendly_name", "platform": "client_platform_family"})
    counts = spans.groupby([*place, "action"], observed=True).size().unstack("action", fill_value=0)
    days = spans[spans["action"] == "click"].groupby(place)["day"].nunique()
    counts["both"] = (counts["impression"] > 0) & (counts["click"] > 0)
    counts["two_day"] = days.reindex(counts.index, fill_value=0) > 1
    return counts.reset_index()


def _days_of_windows(n_weeks: int) -> pd.DataFrame:
    windows = [(1, day) for day in range(7 * n_weeks)]
    windows += [(days, 7 * week) for week in range(n_weeks) for days in (7, 28) if 7 * week + days <= 7 * n_weeks]
    rows = [
        (days, MONDAY + pd.Timedelta(days=first), day) for days, first in windows for day in range(first, first + days)
    ]
    return pd.DataFrame(rows, columns=["window_days", "window_start", "day"])


def _places(events: pd.DataFrame, n_weeks: int) -> pd.DataFrame:
    """List every cell that has a row, also those of no event."""
    links = [(name, platform) for name in [*GROUPS, REVIEW] for platform in ("all", *PLATFORMS)]
    elements = [("all", "all"), *(place for place in links if place != (MENU, "all"))]
    windows = _days_of_windows(n_weeks)[["window_days", "window_start"]].drop_duplicates().itertuples(index=False)
    wikis = [*events["wiki_db"].unique(), "all"]
    rows = [(wiki, *window, *element) for wiki, window, element in product(wikis, windows, elements)]
    places = pd.DataFrame(rows, columns=CELL)
    return places[(places["element_friendly_name"] == "all") | (places["window_days"] > 1)]


def _return_rows(users: pd.DataFrame, local: pd.DataFrame) -> pd.DataFrame:
    """Make the rates of return: of users of a week, and of users of a Monday."""
    blocks = []
    for metric, seen, length in (("two_week_return_rate", 7, 14), ("retention_day_1", 1, 2)):
        here = users[(users["window_days"] == seen) & (users["load"] > 0) & (users["element_friendly_name"] == "all")]
        here = here[["wiki_db", "window_start", "user"]]
        later = here.assign(window_start=here["window_start"] - pd.Timedelta(days=seen), back=1)
        back = (
            here.merge(later, on=[*here.columns], how="left")
            .groupby(["wiki_db", "window_start"], as_index=False)["back"]
            .sum()
        )
        cohorts = local[(local["window_days"] == seen) & (local["window_start"].dt.weekday == 0)]
        last = local["window_start"].max() - pd.Timedelta(days=length - 1)
        cohorts = cohorts[cohorts["window_start"] <= last].merge(back, on=["wiki_db", "window_start"], how="left")
        rows = _rows(cohorts.fillna({"back": 0}), metric, "back", "visitors", "visitors")
        blocks.append(rows.assign(window_kind="cohort", window_days=length))
    return pd.concat(blocks)


def _rows(
    cells: pd.DataFrame, metric: str, numerator: str, users: str, denominator: str | None = None, few: str | None = None
) -> pd.DataFrame:
    """Make the rows of a metric: realised, and of rates process rows of the same fraction."""
    top, n_users = cells[numerator].astype(float), cells[users].astype(float)
    bottom = cells[denominator].astype(float) if denominator else pd.Series(np.nan, cells.index)
    value = (top / bottom.where(bottom > 0)) if denominator else top
    rows = cells[CELL].assign(
        metric=metric, window_kind="rolling", inference="realised", estimate=value, lower=value, upper=value,
        observed_numerator=top, observed_denominator=bottom, n_users_observed=n_users, n_effective=n_users,
        estimator="ratio" if denominator else "count", status=np.where(value.isna(), "not_estimable", "publish"),
        status_reason="", remedy=None, is_complete=True, truth=top, true_users=top if denominator else n_users,
    )  # fmt: skip
    if denominator:
        low, high = wilson(np.minimum(top, bottom), bottom)
        rows = pd.concat([rows, rows.assign(inference="process", lower=low, upper=high)], ignore_index=True)
    hidden: Any = (rows["n_users_observed"] > 0) & (rows["n_users_observed"] < MIN_USERS)
    rows.loc[
        hidden, ["estimate", "lower", "upper", "observed_numerator", "observed_denominator", "n_users_observed"]
    ] = np.nan
    rows.loc[hidden, "status"] = "suppressed"
    if few:
        n_few = np.resize(cells[few].to_numpy(float), len(rows))
        rows.loc[(n_few > 0) & (n_few < MIN_USERS), "observed_numerator"] = np.nan
    return rows
