"""Loads a day against what was expected: the interval, the days that count, the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from rollout_evidence import HEALTH, evidence, loads, march, policy, timeline

from jobs.rollout.volume import DayVolume, mean_volume, recent_volumes, volume_line


def test_one_rate_gives_the_exact_poisson_interval():
    """Garwood's limits of 10 events, as tables have them."""
    mean = mean_volume([DayVolume(10.0, 10.0, 1.0, 1.0)])
    assert (mean.mean, mean.lower, mean.upper) == (10.0, pytest.approx(4.795, abs=1e-3), pytest.approx(18.39, abs=5e-3))


def test_nothing_seen_at_a_tenth_is_not_nothing():
    mean = mean_volume([DayVolume(0.0, 0.0, 10.0, 1.0)] * 2)
    assert (mean.mean, mean.lower) == (0.0, 0.0)
    assert mean.upper == pytest.approx(36.89 / 2, abs=5e-3), "-ln(0.025) kept loads, times ten, over two days"


def test_days_that_differ_and_sessions_that_load_often_widen_the_interval():
    alike, apart = ([DayVolume(n, n, 1.0, 1.0) for n in counts] for counts in ((50, 50, 50), (20, 50, 80)))
    often = [DayVolume(50, 50, 1.0, 4.0)] * 3
    narrow, wide, clustered = map(mean_volume, (alike, apart, often))
    assert (narrow.dispersion, wide.dispersion, clustered.dispersion) == (1.0, pytest.approx(18.0), 4.0)
    assert wide.lower < clustered.lower < narrow.lower
    with pytest.raises(ValueError, match="no days"):
        mean_volume([])


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_interval_of_a_week_holds_the_mean_about_as_often_as_it_says(spread):
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        true = 60 * (rng.gamma(1 / spread**2, spread**2, 7) if spread else np.ones(7))
        kept = rng.poisson(true * 0.2)
        mean = mean_volume([DayVolume(n * 5, n * 25, 5.0, 1.0) for n in kept])
        held += mean.lower <= 60 <= mean.upper
    assert held / 400 > 0.9


def test_only_the_last_seven_whole_visible_days_count():
    found = evidence(
        loads=(loads(2, 900), *(loads(day, day) for day in range(5, 15))),
        missing_hours={march(day): ((7,) if day == 13 else ()) for day in range(1, 15)},
    )
    assert [day.total for day in recent_volumes(found)] == [7, 8, 9, 10, 11, 12, 14]


def test_days_are_weighted_and_days_without_a_rate_left_out():
    found = evidence(
        loads=(loads(13, 10, 0.5), loads(13, 4, 0.1, "session", n_sessions=2), loads(14, 0, 0.1, n_events=1)),
        timelines={HEALTH: timeline(policy(0.5, start=13, end=14), policy(0.1, start=14))},
    )
    first, second = recent_volumes(found)
    assert first == pytest.approx(DayVolume(60.0, 440.0, 10.0, 2.0))
    assert (second.total, second.largest_weight) == (0.0, 10.0)


def test_days_on_which_only_links_to_the_dashboard_were_sampled_do_not_count():
    both = {"usage": timeline(policy(0.0)), HEALTH: timeline(policy(1.0))}
    found = evidence(instruments={"usage": True, HEALTH: False}, timelines=both)
    assert recent_volumes(found) == []
    assert len(recent_volumes(evidence(instruments={"usage": False, HEALTH: True}, timelines=both))) == 7


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [(40, "ok"), (79, "ok"), (82, "open"), (25, "open"), (200, "wrong"), (10, "wrong"), (None, "open")],
)
def test_verdict_on_the_volume(expected, verdict):
    """40 loads a day, 36 to 45 by the interval: half of 82 is above the mean and within."""
    line = volume_line(evidence(), expected)
    assert line.found.startswith("40.0 loads a day (35.5 to 45.0, 95 %")
    assert (line.verdict, bool(line.next_step)) == (verdict, verdict != "ok")


def test_no_whole_visible_day_leaves_it_open():
    assert volume_line(evidence(as_of=march(4)), 40).verdict == "open"
