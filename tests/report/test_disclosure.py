"""Which cells a report hides: rule by rule, on tables small enough to see why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from few_users import MENU, MIN_USERS, MONDAY, OTHER, REVIEW, random_cells
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.catalogue import load_catalogue
from jobs.report.disclosure import INSIDE, NUMBERS, hide

CATALOGUE = load_catalogue()
POLICY, DIFF, WATCHED = "policy link", "diff link", "watched link"
BOTH = ("desktop_browser", "mobile_browser")
WEEK = pd.Timedelta(days=7)
FEW = 4
COUNTS = st.sampled_from([0, FEW, 30, 200])


def link_cells(weeks: list[dict[tuple[str, str], int]], *, wiki: str = "w0wiki") -> pd.DataFrame:
    """Make rows of `link_clicks`: by week, how often each element was clicked on each platform, a user a click."""
    rows = []
    for first, days in [(i, 7) for i in range(len(weeks))] + [(i, 28) for i in range(len(weeks) - 3)]:
        span = weeks[first : first + days // 7]
        atoms = {place: sum(week[place] for week in span) for place in span[0]}
        for element in dict.fromkeys(element for element, _ in atoms):
            own = {platform: n for (name, platform), n in atoms.items() if name == element}
            rows += [(wiki, days, first, element, platform, n) for platform, n in own.items()]
            rows.append((wiki, days, first, element, "all", sum(own.values())))
        for platform in (*BOTH, "all"):
            names = [place for place in atoms if place[0] in (DIFF, WATCHED) and platform in (place[1], "all")]
            rows.append((wiki, days, first, REVIEW, platform, sum(atoms[place] for place in names)))
    return marts_rows(rows)


def marts_rows(rows: list[tuple[str, int, int, str, str, int]]) -> pd.DataFrame:
    """Make rows of the marts of wiki, days, week, element, platform and count; small ones are blank, as there."""
    found = pd.DataFrame(rows, columns=["wiki_db", "window_days", "week", "element_friendly_name",
                                        "client_platform_family", "count"])  # fmt: skip
    value = found["count"].where((found["count"] == 0) | (found["count"] >= MIN_USERS)).astype(float)
    groups = {DIFF: REVIEW, WATCHED: REVIEW, REVIEW: REVIEW, POLICY: OTHER, MENU: "entry point"}
    return found.drop(columns="count").assign(
        metric="link_clicks", window_kind="rolling", inference="realised", window_start=MONDAY + WEEK * found["week"],
        link_group=found["element_friendly_name"].map(groups), estimate=value, lower=value, upper=value,
        observed_numerator=value, observed_denominator=np.nan, n_users_observed=value, n_effective=value,
        status=np.where(value.isna(), "suppressed", "publish"), status_reason="", remedy=None, estimator="count",
    )  # fmt: skip


def shown(cells: pd.DataFrame, *, days: int, element: str, platform: str = "all", wiki: str = "w0wiki") -> list[bool]:
    """Say of each window of a link, the oldest first, whether its number is shown."""
    found = hide(cells, CATALOGUE, MIN_USERS)
    own = found[(found["window_days"] == days) & (found["element_friendly_name"] == element)
                & (found["client_platform_family"] == platform) & (found["wiki_db"] == wiki)]  # fmt: skip
    return own.sort_values("window_start")["estimate"].notna().tolist()


def policy(desktop: int, mobile: int) -> dict[tuple[str, str], int]:
    """One week of one link that is in no group with a row."""
    return {(POLICY, BOTH[0]): desktop, (POLICY, BOTH[1]): mobile}


def test_where_nothing_is_small_everything_is_shown():
    cells = link_cells([policy(40, 30)] * 5)
    assert hide(cells, CATALOGUE, MIN_USERS)["estimate"].notna().all()


def test_zero_is_not_small():
    assert all(shown(link_cells([policy(40, 0)] * 4), days=7, element=POLICY, platform=BOTH[1]))


def test_both_platforms_are_hidden_and_their_sum_is_shown():
    cells = link_cells([policy(40, FEW)])
    assert [shown(cells, days=7, element=POLICY, platform=name) for name in (*BOTH, "all")] == [
        [False],
        [False],
        [True],
    ]


def test_events_of_neither_platform_hide_both():
    cells = link_cells([policy(40, 30)])
    is_all = cells["client_platform_family"] == "all"
    cells.loc[is_all, ["estimate", "lower", "upper", "observed_numerator"]] += 2
    assert [shown(cells, days=7, element=POLICY, platform=name) for name in (*BOTH, "all")] == [
        [False],
        [False],
        [True],
    ]


def test_from_a_small_week_on_weeks_are_hidden_and_four_weeks_are_shown():
    cells = link_cells([policy(40, 30), policy(2, 2), policy(40, 30), policy(40, 30), policy(40, 30)])
    assert shown(cells, days=7, element=POLICY) == [True, False, False, False, True]
    assert shown(cells, days=28, element=POLICY) == [True, False]  # the second overlaps what the first one tells


def test_a_small_last_week_hides_the_four_weeks():
    cells = link_cells([policy(40, 30)] * 3 + [policy(2, 2)])
    assert shown(cells, days=7, element=POLICY) == [True, True, True, False]
    assert shown(cells, days=28, element=POLICY) == [False]


def test_two_small_weeks_are_no_large_sum():
    cells = link_cells([policy(40, 30)] * 2 + [policy(2, 2)] * 2)
    assert shown(cells, days=28, element=POLICY) == [False]


def test_what_an_earlier_report_hid_a_later_one_does_not_show():
    weeks = [policy(40, 30), policy(2, 2), policy(40, 30), policy(40, 30)]
    before = [shown(link_cells(weeks[:n]), days=7, element=POLICY) for n in range(1, 5)]
    assert before == [[True], [True, False], [True, False, False], [True, False, False, False]]


def test_platforms_of_four_weeks_are_shown_where_two_weeks_hide_them():
    weeks = [policy(40, FEW), policy(40, 30), policy(40, 30), policy(40, 30)]
    assert shown(link_cells(weeks), days=28, element=POLICY, platform=BOTH[1]) == [False]
    weeks[2] = policy(FEW, 30)
    cells = link_cells(weeks)
    assert shown(cells, days=7, element=POLICY, platform=BOTH[1]) == [False, True, False, True]
    assert shown(cells, days=28, element=POLICY, platform=BOTH[1]) == [True]


def review(diff: tuple[int, int], watched: tuple[int, int]) -> dict[tuple[str, str], int]:
    """One week of the links of a group."""
    return {(name, platform): n for name, pair in ((DIFF, diff), (WATCHED, watched))
            for platform, n in zip(BOTH, pair, strict=True)}  # fmt: skip


def test_a_group_is_shown_without_its_links_where_one_is_small():
    cells = link_cells([review((50, 40), (2, 2))])
    assert shown(cells, days=7, element=REVIEW) == [True]
    assert [shown(cells, days=7, element=name) for name in (DIFF, WATCHED)] == [[False], [False]]
    assert shown(cells, days=7, element=REVIEW, platform=BOTH[0]) == [True]


def test_platforms_of_a_group_go_with_those_of_its_links():
    cells = link_cells([review((50, 40), (30, FEW))])
    assert [shown(cells, days=7, element=name) for name in (DIFF, WATCHED, REVIEW)] == [[True]] * 3
    assert [shown(cells, days=7, element=name, platform=BOTH[0]) for name in (DIFF, WATCHED, REVIEW)] == [[False]] * 3


def test_all_wikis_are_hidden_where_one_is():
    own = [link_cells([policy(40, n)], wiki=wiki) for wiki, n in (("w0wiki", FEW), ("w1wiki", 30))]
    rows = [
        ("all", 7, 0, POLICY, platform, n) for platform, n in ((BOTH[0], 80), (BOTH[1], 30 + FEW), ("all", 110 + FEW))
    ]
    cells = pd.concat([*own, marts_rows(rows)], ignore_index=True)
    assert shown(cells, days=7, element=POLICY, platform=BOTH[1], wiki="all") == [False]
    assert shown(cells, days=7, element=POLICY, platform=BOTH[1], wiki="w1wiki") == [True]
    assert shown(cells, days=7, element=POLICY, wiki="all") == [True]


def test_where_users_cannot_be_told_apart_the_row_says_so_and_few_events_are_hidden():
    counts = link_cells([policy(40, FEW)]).assign(n_users_observed=np.nan)
    unique = counts.assign(metric="link_click_through_rate_unique", status="not_estimable", estimate=np.nan,
                           lower=np.nan, upper=np.nan, observed_numerator=np.nan)  # fmt: skip
    counts["observed_numerator"] = [40.0, 4.0, 44.0, 0.0, 0.0, 0.0]
    counts["estimate"], counts["status"] = counts["observed_numerator"], "publish"
    left = hide(pd.concat([counts, unique.head(3)], ignore_index=True), CATALOGUE, MIN_USERS)
    assert left["status"].tolist()[:3] == ["suppressed", "suppressed", "publish"]
    assert left["status"].tolist()[-1] == "not_estimable"


def test_a_rate_of_hidden_clicks_is_hidden_though_its_own_numbers_are_large():
    clicks = link_cells([policy(40, FEW)])
    rates = clicks.assign(metric="link_click_through_rate_matched", estimate=0.2, observed_numerator=40.0,
                          observed_denominator=200.0, n_users_observed=90.0, status="publish")  # fmt: skip
    left = hide(pd.concat([clicks.head(3), rates.head(3)], ignore_index=True), CATALOGUE, MIN_USERS)
    assert left["status"].tolist()[3:] == ["suppressed", "suppressed", "publish"]


@pytest.mark.parametrize("days", [(), (1,), (7,), (28,), (7, 28)])
def test_a_young_warehouse_has_few_kinds_of_rows(days):
    cells = random_cells(3, n_weeks=4, users=(30,))
    kept = cells[cells["window_days"].isin(days) & (cells["metric"] != "link_clicks")]
    assert len(hide(kept, CATALOGUE, MIN_USERS)) == len(kept)


@pytest.fixture(scope="module")
def world() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A drawn dashboard as the marts have it, and as it leaves."""
    cells = random_cells(11).reset_index(drop=True)
    return cells, hide(cells, CATALOGUE, MIN_USERS)


def test_a_hidden_row_has_no_number_and_does_not_say_whether_it_is_small_itself(world):
    cells, left = world
    hidden = left[left["status"] == "suppressed"]
    assert hidden[[*NUMBERS, *INSIDE]].isna().all(axis=None)
    assert len(hidden) > (cells["status"] == "suppressed").sum() > 100
    assert hidden[["status_reason", "remedy", "estimator"]].drop_duplicates().shape[0] == 1


def test_what_is_shown_is_not_changed(world):
    cells, left = world
    is_shown = (left["status"] != "suppressed").to_numpy()
    pd.testing.assert_frame_equal(left[is_shown], cells[is_shown])


def test_both_readings_of_a_cell_go_together(world):
    _, left = world
    key = ["metric", "wiki_db", "window_days", "window_start", "element_friendly_name", "client_platform_family"]
    assert (left.assign(hidden=left["status"] == "suppressed").groupby(key)["hidden"].nunique() == 1).all()


def test_no_shown_share_stands_for_few_users(world):
    cells, left = world
    rates = left["estimate"].notna() & cells["observed_denominator"].notna()
    users = cells.loc[rates & left["metric"].isin(["two_day_review_rate", "two_week_return_rate", "retention_day_1",
                                                   "link_click_through_rate_unique"])]  # fmt: skip
    over = users["observed_denominator"] - users["observed_numerator"]
    assert len(users) > 20
    assert not users["observed_numerator"].between(1, MIN_USERS - 1).any()
    assert not over.between(1, MIN_USERS - 1).any()


def test_rates_and_cohorts_are_hidden_with_their_counts(world):
    _, left = world
    place = ["wiki_db", "window_days", "window_start", "element_friendly_name", "client_platform_family"]
    links = left[left["metric"] == "link_clicks"].set_index(place)
    rates = left[left["metric"].str.startswith("link_click_through") & left["lower"].notna()]
    assert len(rates) > 50
    assert links.loc[pd.MultiIndex.from_frame(rates[links.index.names]), "estimate"].notna().all()
    days = left[(left["metric"] == "dashboard_pageviews") & (left["window_days"] == 7)].set_index(
        ["wiki_db", "window_start"]
    )
    returns = left[(left["metric"] == "two_week_return_rate") & left["lower"].notna()]
    assert len(returns) > 3
    assert days.loc[pd.MultiIndex.from_frame(returns[days.index.names]), "estimate"].notna().all()


def test_days_of_a_week_are_shown_all_or_none(world):
    cells, left = world
    days = left[(left["metric"] == "dashboard_visitors") & (left["window_days"] == 1)]
    monday = days["window_start"] - pd.to_timedelta(days["window_start"].dt.weekday, unit="D")
    share = days["estimate"].notna().groupby([days["wiki_db"], monday]).mean()
    assert set(share) == {0.0, 1.0}
    assert cells.loc[days.index, "estimate"].notna().groupby([days["wiki_db"], monday]).mean().between(0.1, 0.9).any()


WEEKS = st.lists(st.tuples(COUNTS, COUNTS, COUNTS, COUNTS), min_size=1, max_size=5)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(WEEKS)
def test_no_small_number_is_left_by_any_subtraction_of_two_shown_cells(weeks):
    cells = link_cells([review(week[:2], week[2:]) for week in weeks])
    left = hide(cells, CATALOGUE, MIN_USERS)
    assert left.loc[cells["status"] == "suppressed", "estimate"].isna().all()
    told = left[left["estimate"].notna()]
    pairs = told.merge(told, on="wiki_db")
    inside = pairs[_lies_in(pairs, "_x", "_y")]
    assert not (inside["estimate_y"] - inside["estimate_x"]).between(1, MIN_USERS - 1).any()


def _lies_in(pairs: pd.DataFrame, part: str, whole: str) -> pd.Series:
    """Say where one cell is a part of another."""
    days = (
        pd.to_timedelta(pairs[f"window_days{part}"], unit="D"),
        pd.to_timedelta(pairs[f"window_days{whole}"], unit="D"),
    )
    starts = pairs[f"window_start{part}"], pairs[f"window_start{whole}"]
    in_window = (starts[0] >= starts[1]) & (starts[0] + days[0] <= starts[1] + days[1])
    elements = pairs[f"element_friendly_name{part}"], pairs[f"element_friendly_name{whole}"]
    platforms = pairs[f"client_platform_family{part}"], pairs[f"client_platform_family{whole}"]
    in_link = (elements[0] == elements[1]) | (elements[1] == REVIEW)
    return in_window & in_link & ((platforms[0] == platforms[1]) | (platforms[1] == "all"))
