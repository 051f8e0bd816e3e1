"""An outsider with the report's data tries to work small cells out of it, and fails."""

from __future__ import annotations

import pandas as pd
import pytest
from attack import EVENTS, LINKS, NEITHER, SHARES, USERS, Cell, cohort_size, ranges, read
from few_users import MIN_USERS, random_cells

from jobs.catalogue import load_catalogue
from jobs.estimation.intervals import wilson
from jobs.report.disclosure import INSIDE, hide

EACH = 4  # cells of a quantity that are attacked: a program for each
SEEDS = (5, 12)
CLOSE = 1e-6


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
    return found | {(*where, NEITHER): n for where, n in rest[(rest > 0) & (rest < MIN_USERS)].items()}


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


def test_the_same_attack_tells_most_of_what_the_marts_hide(attacked):
    cells, counts = attacked
    found = ranges(read(cells, has_rest=True), list(counts), enough=1)
    truth = found["cell"].map(counts)
    told = (found["least"] - truth).abs().lt(CLOSE) & (found["most"] - truth).abs().lt(CLOSE)
    assert told.mean() > 0.5


def test_the_truth_lies_in_every_range(attacked):
    cells, counts = attacked
    asked = dict(list(counts.items())[::6])
    for seen in (cells, hide(cells, load_catalogue(), MIN_USERS)):
        found = ranges(read(seen, has_rest=True), list(asked))
        truth = found["cell"].map(asked)
        assert ((found["least"] <= truth + CLOSE) & (truth <= found["most"] + CLOSE)).all()


@pytest.mark.parametrize(("top", "bottom"), [(0, 12), (7, 7), (12, 24), (60, 247), (240, 1455)])
def test_a_share_and_its_interval_tell_how_many_users_it_is_of(top, bottom):
    low, high = wilson([top], [bottom])
    assert cohort_size(top / bottom, low[0], high[0]) == bottom
