"""What rows of sampled sessions borrow: from the longest window, from other wikis, extrapolated to more sessions."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.estimation.design_effect import Relatives, borrowed_by_ratio, borrowed_by_total
from jobs.estimation.intervals import Z95, normal_or_student
from jobs.estimation.ratios import PairSums, clustered_ratio, design_ratio, process_residuals
from jobs.estimation.regimes import regime_sums
from jobs.estimation.totals import ClusterSums, TotalSums, horvitz_thompson


def sums_of(sessions, rate=0.5):
    """Sums of rows, each given by the events of its kept sessions."""
    rows = range(len(sessions))
    y, yy, n = (np.array([f(np.array(s, float)) for s in sessions]) for f in (np.sum, lambda s: (s * s).sum(), len))
    return regime_sums(rows, [rate] * len(sessions), len(sessions), TotalSums(y, yy, n, n))


def margin(sessions):
    events = np.array(sessions, float)
    effective = events.sum() ** 2 / (events**2).sum()
    return (normal_or_student(max(effective - 1, 2))[0] / Z95) ** 2


def test_a_short_window_borrows_from_the_longest_of_its_wiki():
    short, long = [1, 2, 1, 1] * 30, [1, 2, 1, 1] * 100 + [30, 40]
    kept = sums_of([short, long])
    both = Relatives(np.array([1, 1]), np.array([0, 0]), np.array([False, True]))
    effect = borrowed_by_total(kept, kept, both)
    plain = sum(s * s for s in long) / sum(long)
    assert effect[0] >= 1 + (plain - 1) * margin(long)
    assert effect[0] > 3 * borrowed_by_total(kept, kept, Relatives.alone(2))[0]


def test_a_wiki_borrows_from_the_others_of_its_group_and_not_beyond():
    kept = sums_of([[1, 1, 2] * 40, [1, 1, 2] * 40 + [60], [1, 1, 2] * 40])
    together = Relatives(np.arange(3), np.array([0, 0, 1]), np.ones(3, dtype=bool))
    effect = borrowed_by_total(kept, kept, together)
    assert effect[0] > 5 > effect[2]


def test_many_light_sessions_have_nothing_to_extrapolate_and_heavy_ones_have():
    light, heavy = [1, 2, 3, 4] * 500, [1] * 1990 + [100] * 10
    for sessions, grows in ((light, False), (heavy, True)):
        effect = borrowed_by_total(sums_of([sessions], 0.1), sums_of([sessions], 0.1), Relatives.alone(1))[0]
        plain = 1 + (sum(s * s for s in sessions) / sum(sessions) - 1) * margin(sessions)
        # Ten times as many sessions are behind the row as were kept: a heavy tail has a larger effect there.
        assert effect == pytest.approx(plain, rel=0.01) if not grows else effect > 10 * plain


def test_few_sessions_do_not_prove_that_tails_are_light():
    few, many = [1, 2, 3, 4] * 3, [1, 2, 3, 4] * 500
    effects = [borrowed_by_total(kept, kept, Relatives.alone(1))[0] for kept in map(sums_of, ([few], [many]))]
    assert effects[0] > 1.2 * effects[1]


def test_entries_of_other_units_borrow_nothing():
    kept = regime_sums([0, 0], [0.5, 0.1], 1, TotalSums([40, 9], [80, 20], [30, 8], [30, 8]))
    sessions = regime_sums([0], [0.1], 1, TotalSums([9], [20], [8], [8]))
    effect = borrowed_by_total(kept, sessions, Relatives.alone(1))
    assert np.isnan(effect[kept.rate == 0.5]).all()
    assert effect[kept.rate == 0.1] > 20 / 9


@pytest.mark.parametrize(
    ("sessions", "status", "said"),
    [
        ([2] * 400, "publish", ""),
        ([2] * 29, "caution", "only 29 sessions were kept, fewer than 30"),
        ([2] * 30 + [100], "caution", "the interval is ±"),
        ([2] * 14, "bounds_only", "only 28 events"),
    ],
)
def test_totals_of_sessions_are_published_by_width_and_with_thirty_sessions(sessions, status, said):
    kept = sums_of([sessions])
    total = horvitz_thompson(kept, borrowed=borrowed_by_total(kept, kept, Relatives.alone(1)))
    assert total.status[0] == status
    assert said in total.reason[0]
    assert bool(total.reason[0]) == (status != "publish")
    assert horvitz_thompson(kept).status[0] == ("bounds_only" if sum(sessions) < 30 else "publish")


def heavy_worlds(worlds, rate, seed):
    """Sums of three wikis' sessions with Pareto impressions of index 1.2 (the first is judged), and its truths."""
    rng = np.random.default_rng(seed)
    shown = np.floor((1 - rng.random((worlds, 3, 400))) ** (-1 / 1.2))
    clicks = rng.binomial(shown.astype(int), rng.beta(0.6, 1.4, shown.shape)).astype(float)
    kept = rng.random(shown.shape) < rate
    n = kept.sum(axis=2).ravel()
    y, x, yy, xy, xx = ((a * kept).sum(axis=2).ravel() for a in
                        (clicks, shown, clicks**2, clicks * shown, shown**2))  # fmt: skip
    rows, rates = np.arange(3 * worlds), np.full(3 * worlds, rate)
    sums = {
        "x": regime_sums(rows, rates, 3 * worlds, TotalSums(x, xx, n, n)),
        "y": regime_sums(rows, rates, 3 * worlds, TotalSums(y, yy, ((clicks > 0) & kept).sum(axis=2).ravel(), n)),
        "pairs": regime_sums(rows, rates, 3 * worlds, PairSums(y, x, yy, xy, xx)),
    }
    return sums, shown.sum(axis=2)[:, 0], clicks.sum(axis=2)[:, 0], Relatives(rows, rows // 3, np.ones(len(rows), bool))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_intervals_hold_the_truth_of_heavy_tailed_sessions(rate):
    sums, shown, clicks, relatives = heavy_worlds(400, rate, 5)
    lent = borrowed_by_total(sums["x"], sums["x"], relatives)
    of_ratio = borrowed_by_ratio(sums["pairs"], sums["pairs"], sums["y"], sums["x"], relatives)

    def share(result, truth):
        return float(np.mean((result.lower[::3] <= truth) & (truth <= result.upper[::3])))

    # What the kept sessions say of themselves is not enough.
    assert share(horvitz_thompson(sums["x"]), shown) < 0.9
    assert share(design_ratio(sums["pairs"]), clicks / shown) < 0.9
    assert share(horvitz_thompson(sums["x"], borrowed=lent), shown) > 0.93
    assert share(design_ratio(sums["pairs"], borrowed=of_ratio), clicks / shown) > 0.93


def test_a_process_ratio_has_at_least_the_residuals_of_sessions():
    kept = regime_sums([0], [0.5], 1, PairSums([30], [100], [90], [150], [900]))
    shown, clicks = (
        regime_sums([0], [0.5], 1, ClusterSums([y], [yy], [n])) for y, yy, n in ((100, 900, 40), (30, 90, 20))
    )
    lent = borrowed_by_ratio(kept, kept, clicks, shown, Relatives.alone(1))
    least = process_residuals(kept, lent)
    assert least[0] == pytest.approx(lent.residuals[0] * 100 / 0.25)
    users = PairSums([60], [200], [400], [1300], [4400])
    alone, borrowing = clustered_ratio([10], users), clustered_ratio([10], users, least=100 * least)
    assert borrowing.lower[0] < alone.lower[0] < alone.upper[0] < borrowing.upper[0]
