"""An outsider with the report's data tries to work small cells out of it, and fails."""

from __future__ import annotations

import pandas as pd
import pytest
from attack import (
    BOTH,
    EVENTS,
    LEFT_OVER,
    LINKS,
    NEITHER,
    PLATFORMS,
    SHARES,
    TWO_DAY,
    UNIQUE,
    USERS,
    Cell,
    cohort_size,
    ranges,
    read,
)
from few_users import MIN_USERS, SAMPLED, random_cells

from jobs.catalogue import load_catalogue
from jobs.estimation.intervals import wilson
from jobs.report.disclosure import INSIDE, hide

EACH = 4  # cells of a quantity that are attacked: a program for each
SEEDS = (5, 12)
CLOSE = 1e-6
NARROWEST = 1  # of users of both platforms: shown clicks may bound them closely, but nothing may tell them exactly


def small_counts(cells: pd.DataFrame) -> dict[Cell, float]:
    """Return what is to be protected: every count of one to nine users, events of neither platform included."""
    realised = cells[cells["inference"] == "realised"]
    few = realised[(realised["true_users"] > 0) & (realised["true_users"] < MIN_USERS)]
    found: dict[Cell, float] = {}
    place = ["wiki_db", "window_days", "window_start", "element_friendly_name", "client_platform_family"]
    for metric, own in few.groupby("metric"):
        if metric in (*EVENTS, *USERS, *SHARES):
            quantity = f"{metric} top" if metric in SHARES else metric
            cell = own[place].itertuples(index=False, name=None)
            found |= {(quantity, *where): truth for where, truth in zip(cell, own["truth"], strict=True)}
    links = realised[realised["metric"].isin(LINKS)]
    wide = links.pivot(index=["metric", *place[:-1]], columns="client_platform_family", values="truth")
    rest = wide["all"] - wide["desktop_browser"] - wide["mobile_browser"]
    found |= {(*where, NEITHER): n for where, n in rest[(rest > 0) & (rest < MIN_USERS)].items()}
    people = realised[realised["element_friendly_name"] == "all"].pivot(index=place, columns="metric", values="truth")
    for name, less in ((USERS[1], people[USERS[0]] - people[USERS[1]]), (TWO_DAY, people[USERS[1]] - people[TWO_DAY])):
        found |= {(f"{name} {LEFT_OVER}", *where): n for where, n in less[less.between(1, MIN_USERS - 1)].items()}
    return found


def small_overlaps(cells: pd.DataFrame) -> dict[Cell, float]:
    """Return how many users of a link are on both platforms, or on one only, where they are one to nine.

    Of wikis and windows where nobody is of neither platform: there the outsider has only to subtract.
    """
    unique = cells[(cells["inference"] == "realised") & (cells["metric"] == UNIQUE)]
    place = ["wiki_db", "window_days", "window_start", "element_friendly_name"]
    wide = unique.pivot(index=place, columns="client_platform_family", values="truth").dropna()
    both = wide[PLATFORMS[0]] + wide[PLATFORMS[1]] - wide["all"]
    parts = {BOTH: both, **{f"{name} only": wide[name] - both for name in PLATFORMS}}
    return {
        (f"{UNIQUE} top", *where, name): n
        for name, count in parts.items() for where, n in count[count.between(1, MIN_USERS - 1)].items()
    }  # fmt: skip


def some(counts: dict[Cell, float]) -> dict[Cell, float]:
    """Draw a few counts of each quantity."""
    names = pd.Series(counts.keys()).groupby([cell[0] + cell[-1] * (cell[-1] == NEITHER) for cell in counts])
    drawn = [cell for _, own in names for cell in own.sample(min(EACH, len(own)), random_state=1)]
    return {cell: counts[cell] for cell in drawn}


@pytest.fixture(scope="module", params=SEEDS)
def attacked(request: pytest.FixtureRequest) -> tuple[pd.DataFrame, dict[Cell, float]]:
    """A drawn dashboard, and some of its small counts."""
    cells = random_cells(request.param)
    counts = some(small_counts(cells))
    assert len(counts) > EACH * 6
    return cells, counts


def test_no_small_count_can_be_told_to_less_than_the_threshold(attacked):
    cells, counts = attacked
    left = hide(cells, load_catalogue(), MIN_USERS).drop(columns=[*INSIDE, "truth", "true_users"])
    found = ranges(read(left, has_rest=True), list(counts), enough=MIN_USERS)
    narrow = found[found["most"] - found["least"] < MIN_USERS - CLOSE]
    assert narrow.empty, narrow.assign(truth=narrow["cell"].map(counts)).to_string()


def test_the_same_attack_tells_much_of_what_the_marts_hide(attacked):
    cells, counts = attacked
    found = ranges(read(cells, has_rest=True), list(counts), enough=1)
    truth = found["cell"].map(counts)
    told = (found["least"] - truth).abs().lt(CLOSE) & (found["most"] - truth).abs().lt(CLOSE)
    assert told.mean() > 1 / 3
    assert told[found["cell"].str[1] == SAMPLED].any(), "an estimate times the rate is what was kept"


def test_the_truth_lies_in_every_range(attacked):
    cells, counts = attacked
    asked = dict(list(counts.items())[::6])
    for seen in (cells, hide(cells, load_catalogue(), MIN_USERS)):
        found = ranges(read(seen, has_rest=True), list(asked))
        truth = found["cell"].map(asked)
        assert ((found["least"] <= truth + CLOSE) & (truth <= found["most"] + CLOSE)).all()


def test_users_of_both_platforms_are_not_told_by_subtraction(attacked):
    cells, _ = attacked
    links = cells[cells["metric"].isin([*LINKS, UNIQUE]) & ~cells["wiki_db"].isin(["all", SAMPLED])]
    wide = links[links["metric"] == LINKS[0]].pivot(
        index=["wiki_db", "window_days", "window_start", "element_friendly_name"],
        columns="client_platform_family", values="truth",
    ).dropna()  # fmt: skip
    rest = (wide["all"] - wide[list(PLATFORMS)].sum(axis=1)).groupby("wiki_db").max()
    whole = links["wiki_db"].isin(rest[rest == 0].index)
    left = hide(cells, load_catalogue(), MIN_USERS).loc[links.index]
    counts = small_overlaps(links[whole])
    assert len(counts) > EACH * 6
    found = ranges(read(left[whole]), list(counts), enough=NARROWEST)
    narrow = found[found["most"] - found["least"] < NARROWEST - CLOSE]
    assert narrow.empty, narrow.assign(truth=narrow["cell"].map(counts)).to_string()


@pytest.mark.parametrize(("top", "bottom"), [(0, 12), (7, 7), (12, 24), (60, 247), (240, 1455)])
def test_a_share_and_its_interval_tell_how_many_users_it_is_of(top, bottom):
    low, high = wilson([top], [bottom])
    assert cohort_size(top / bottom, low[0], high[0]) == bottom
