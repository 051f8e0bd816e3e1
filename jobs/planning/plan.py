"""What a sampling unit and rate cost and what they can measure, before anything is collected: behind `plan-sampling`.

Two streams share the plan. The *entry point* shows a link on every page of an eligible editor: high volume, the
metrics that weights repair (totals and click-through rates). *Usage* is the dashboard itself: low volume, and the
people metrics, which nothing repairs. Expected widths and statuses come from the pipeline's own estimators, fed with
the sums expected of the scenario, so a plan and the rows it leads to follow the same rules.

Metrics come from planners, functions of a scenario and a setting; those for people are added to `PLANNERS`' two by
the caller: `make_plan(scenario, (*PLANNERS, people_planner))`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jobs.estimation.design_effect import Relatives, borrowed_by_ratio, borrowed_by_total
from jobs.estimation.intervals import FloatArray
from jobs.estimation.ratios import (
    PairSums,
    RatioEstimates,
    clustered_ratio,
    design_ratio,
    process_residuals,
    with_sampling,
)
from jobs.estimation.regimes import RegimeSums, regime_sums
from jobs.estimation.totals import ClusterSums, TotalEstimates, TotalSums, half_width, horvitz_thompson, kept_sessions
from jobs.estimation.totals_limits import ctr_reason
from jobs.planning.scenario import ENTRY_POINT, USAGE, Expectation, Scenario, Setting

UNITS = ("pageview", "session")
RATES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
USER_RATES = (0.01, 0.05, 0.1)
SETTINGS = (
    *(Setting(unit, rate) for unit in UNITS for rate in RATES),
    *(Setting(UNITS[0], rate, user_rate=rate) for rate in USER_RATES),
)
KEEP_DAYS = 90

SMALL_STREAM = 0.1
"""A usage stream below this share of the entry point's volume is kept whole: sampling it would save next to nothing."""

Planner = Callable[[Scenario, Setting], Sequence[Expectation]]


@dataclass(frozen=True)
class SettingPlan:
    """One setting of a plan: its expectations and, per stream, its volume.

    Attributes:
        setting: unit and rate.
        events_per_day: kept events a day, by stream.
        expectations: one per metric and inference.
    """

    setting: Setting
    events_per_day: dict[str, float]
    expectations: tuple[Expectation, ...]

    def meets(self, precision: float, stream: str) -> bool:
        """Tell whether every realised metric of the stream meets the precision."""
        return all(e.meets(precision) for e in self.expectations if e.stream == stream and e.inference == "realised")


@dataclass(frozen=True)
class Plan:
    """Every setting, the cheapest that meets the precision for each stream, and what to do.

    Attributes:
        scenario: what was assumed.
        settings: one plan per unit and rate.
        cheapest: by stream, the setting with the fewest events that meets the precision (ties: pageview), of those that
            need no change in the client.
        split: sample the entry point in an instrument of its own and keep usage at 100 %.
        chosen: the entry point's setting if split, else that of the one instrument for both.
        events_per_day: of the recommended settings, both streams together.
        with_change: the cheapest setting for both streams that meets the precision with a change in the client, if it
            is cheaper than what is recommended.
    """

    scenario: Scenario
    settings: tuple[SettingPlan, ...]
    cheapest: dict[str, Setting]
    split: bool
    chosen: Setting
    events_per_day: float
    with_change: SettingPlan | None = None


def expected_totals(scenario: Scenario, setting: Setting) -> TotalEstimates:
    """Estimate impressions and clicks of the entry point and loads of the dashboard, in this order, of a window."""
    x, yy, _, xx = _cluster_moments(scenario, setting.unit)
    impressions = scenario.impressions_per_day * scenario.window_days
    loads = scenario.loads_per_day * scenario.window_days
    size = scenario.loads_per_session if setting.unit == "session" else 1.0
    counts = np.array([impressions, impressions * scenario.ctr, loads])
    squares = np.array([impressions * xx / x, impressions * yy / x, loads * (2 * size - 1)])
    # A click is nearly always the only one of its unit.
    clusters = np.array([impressions / x, impressions * scenario.ctr, loads / size])
    kept = clusters * setting.rate
    sums = TotalSums(y=counts * setting.rate, yy=squares * setting.rate, clusters=kept, units=kept)
    expected = regime_sums(np.arange(3), np.full(3, setting.rate), 3, sums)
    borrowed = borrowed_by_total(expected, expected, Relatives.alone(3)) if setting.unit == "session" else None
    return horvitz_thompson(expected, borrowed=borrowed)


def plan_totals(scenario: Scenario, setting: Setting) -> tuple[Expectation, ...]:
    """Expect the totals: impressions and clicks of the entry point, loads of the dashboard."""
    total = expected_totals(scenario, setting)
    half = (total.upper - total.lower) / 2 / total.estimate
    names = (("link_impressions", ENTRY_POINT), ("link_clicks", ENTRY_POINT), ("dashboard_pageviews", USAGE))
    return tuple(
        Expectation(name, stream, "realised", float(half[i]), str(total.status[i]), str(total.reason[i]))
        for i, (name, stream) in enumerate(names)
    )


def plan_rates(scenario: Scenario, setting: Setting) -> tuple[Expectation, ...]:
    """Expect the entry point's click-through rate, overall and matched, realised and process.

    The two differ by repeated clicks and by clicks without an impression; a scenario has neither.
    """
    rate, clicks = setting.rate, scenario.impressions_per_day * scenario.window_days * scenario.ctr * setting.rate
    readings, sessions = _readings(scenario, setting)
    clicking = scenario.users * -math.expm1(-clicks / scenario.users)
    expectations = []
    for metric in ("link_click_through_rate", "link_click_through_rate_matched"):
        for inference, ratio in readings.items():
            width = half_width(ratio.estimate, ratio.lower, ratio.upper)
            decides = width if inference == "process" or sessions is not None else None
            is_exact = rate == 1 and inference == "realised"
            reason = "" if is_exact else str(ctr_reason(clicks, clicking, decides, sessions)[0])
            status = "caution" if reason else "publish"
            expectations.append(Expectation(metric, ENTRY_POINT, inference, float(width[0]), status, reason))
    return tuple(expectations)


def _readings(scenario: Scenario, setting: Setting) -> tuple[dict[str, RatioEstimates], FloatArray | None]:
    """Expect both readings of the entry point's rate, and the kept sessions where they decide."""
    pairs = regime_sums([0], [setting.rate], 1, _unit_sums(scenario, setting))
    borrowed = least = sessions = None
    if setting.unit == "session":
        y, x, yy, _, xx = pairs.sums.arrays()
        sums = ClusterSums(x, xx, x / scenario.pageviews_per_session)
        shown = RegimeSums(pairs.row, pairs.rate, 1, sums)
        clicks = RegimeSums(pairs.row, pairs.rate, 1, ClusterSums(y, yy, y))
        borrowed = borrowed_by_ratio(pairs, pairs, clicks, shown, Relatives.alone(1))
        least, sessions = process_residuals(pairs, borrowed), kept_sessions(shown, borrowed.residuals)
    realised = design_ratio(pairs, borrowed=borrowed)
    process = clustered_ratio(scenario.users, _user_sums(scenario, setting), least=least)
    return {"realised": realised, "process": with_sampling(process, realised)}, sessions


def _unit_sums(scenario: Scenario, setting: Setting) -> PairSums:
    """Expect the sums over kept units of the entry point."""
    x, yy, xy, xx = _cluster_moments(scenario, setting.unit)
    q, p = scenario.ctr, setting.rate
    impressions = scenario.impressions_per_day * scenario.window_days
    units = impressions / x
    return PairSums(
        y=np.array([impressions * q * p]),
        x=np.array([impressions * p]),
        yy=np.array([units * yy * p]),
        xy=np.array([units * xy * p]),
        xx=np.array([units * xx * p]),
    )


def _user_sums(scenario: Scenario, setting: Setting) -> PairSums:
    """Expect the sums over weighted user totals: what lies between users, and a unit's squares by its weight 1 / p."""
    x, yy, xy, xx = _cluster_moments(scenario, setting.unit)
    q, p = scenario.ctr, setting.rate
    impressions = scenario.impressions_per_day * scenario.window_days
    units = impressions / x
    between = impressions**2 * (1 + scenario.activity_variation) / scenario.users
    return PairSums(
        y=np.array([impressions * q]),
        x=np.array([impressions]),
        yy=np.array([(q**2 + scenario.frailty * q * (1 - q)) * between + units * yy / p]),
        xy=np.array([q * between + units * xy / p]),
        xx=np.array([between + units * xx / p]),
    )


PLANNERS: tuple[Planner, ...] = (plan_totals, plan_rates)


def make_plan(scenario: Scenario, planners: Sequence[Planner] = PLANNERS, metrics: Sequence[str] = ()) -> Plan:
    """Work out every unit and rate, the cheapest that meets the precision, and whether to split the streams.

    The split follows when the entry point meets the precision below 100 %, and usage has to be whole to meet it or is
    small beside the entry point: keeping it whole makes all its numbers, people included, exact.

    Args:
        scenario: the wiki and what is assumed.
        planners: functions that give the expected metrics of a setting.
        metrics: the metrics that must meet the precision; all by default.

    Returns:
        The plan.
    """
    settings = [_setting_plan(scenario, setting, planners, metrics) for setting in SETTINGS]
    today = [plan for plan in settings if not plan.setting.needs_client_change]
    cheapest = {
        stream: min(
            (plan for plan in today if plan.meets(scenario.precision, stream)),
            key=lambda plan: plan.setting.rate,
            default=SettingPlan(Setting(UNITS[0], 1.0), {}, ()),
        ).setting
        for stream in (ENTRY_POINT, USAGE)
    }
    usage, entry = scenario.events_per_day(USAGE), scenario.events_per_day(ENTRY_POINT)
    split = cheapest[ENTRY_POINT].rate < 1 and (cheapest[USAGE].rate == 1 or usage <= SMALL_STREAM * entry)
    chosen = cheapest[ENTRY_POINT] if split else max(cheapest.values(), key=lambda setting: setting.rate)
    volume = entry * chosen.rate + usage * (1.0 if split else chosen.rate)
    changed = [
        plan
        for plan in settings
        if plan.setting.needs_client_change
        and all(plan.meets(scenario.precision, stream) for stream in (ENTRY_POINT, USAGE))
        and sum(plan.events_per_day.values()) < volume
    ]
    with_change = min(changed, key=lambda plan: plan.setting.share, default=None)
    return Plan(scenario, tuple(settings), cheapest, split, chosen, volume, with_change)


def _setting_plan(
    scenario: Scenario, setting: Setting, planners: Sequence[Planner], metrics: Sequence[str]
) -> SettingPlan:
    """Work out one setting: what it keeps of each stream, and the asked metrics."""
    found = (e for planner in planners for e in planner(scenario, setting) if not metrics or e.metric in metrics)
    kept = {stream: scenario.events_per_day(stream) * setting.share for stream in (ENTRY_POINT, USAGE)}
    return SettingPlan(setting, kept, tuple(found))


def gigabytes(events_per_day: float, scenario: Scenario, days: int = KEEP_DAYS) -> float:
    """Compute the gigabytes (10^9 bytes) that so many events a day fill while they are kept."""
    return events_per_day * days * scenario.bytes_per_event / 1e9


def _cluster_moments(scenario: Scenario, unit: str) -> tuple[float, float, float, float]:
    """Compute E[x], E[y^2], E[xy], E[x^2] of a unit's impressions x (geometric for a session) and clicks y."""
    q, mean = scenario.ctr, scenario.pageviews_per_session if unit == "session" else 1.0
    square = 2 * mean**2 - mean
    return mean, q * (1 - q) * mean + q**2 * square, q * square, square
