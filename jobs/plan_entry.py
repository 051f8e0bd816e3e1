"""Entry: which sampling unit and rate answers the questions, at what cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

from rich.console import Console

from jobs.estimation.plan_people import plan_people
from jobs.estimation.planning import (
    ENTRY_POINT,
    PLANNERS,
    USAGE,
    Expectation,
    Plan,
    Scenario,
    SettingPlan,
    gigabytes,
    make_plan,
)
from jobs.errors import UsageError
from jobs.policy import format_rate
from jobs.query import as_table

STREAMS = {ENTRY_POINT: "entry points", USAGE: "usage of the dashboard"}


def plan_sampling(console: Console, scenario: Scenario, metrics: Sequence[str]) -> None:
    """Print for each unit and rate the volume and the expected width and status of each metric, then what to do.

    Raises:
        UsageError: an unknown metric.
    """
    planners = (*PLANNERS, plan_people)
    plan = make_plan(scenario, planners)
    known = list(dict.fromkeys(e.metric for setting in plan.settings for e in setting.expectations))
    unknown = [metric for metric in metrics if metric not in known]
    if unknown:
        raise UsageError(f"No plan for {', '.join(unknown)}.", where="--metric", next_step=f"there are {', '.join(known)}")
    if metrics:
        plan = make_plan(scenario, planners, metrics)
    assumed = [(field.name, f"{getattr(scenario, field.name):g}") for field in fields(scenario) if field.name != "wiki"]
    console.print(as_table(["assumed", "value"], assumed, f"{scenario.wiki}: what this plan rests on"))
    console.print(as_table(["unit", "rate", "events a day", f"GB in 90 days"], [_volume(s, scenario) for s in plan.settings], "Volume"))
    for metric in metrics or known:
        console.print(_expected(plan, metric))
    _advise(console, plan)


def _volume(setting: SettingPlan, scenario: Scenario) -> tuple[str, str, str, str]:
    events = sum(setting.events_per_day.values())
    return (
        setting.setting.unit,
        format_rate(setting.setting.rate),
        f"{events:,.0f}",
        f"{gigabytes(events, scenario):,.2f}",
    )


def _expected(plan: Plan, metric: str) -> object:
    """Lay out what one metric is expected to look like in each setting."""
    rows = []
    for setting in plan.settings:
        for e in setting.expectations:
            if e.metric == metric:
                rows.append((setting.setting.unit, format_rate(setting.setting.rate), e.inference, _width(e), e.status, e.reason or ""))
    title = f"{metric}, {plan.scenario.window_days} days"
    return as_table(["unit", "rate", "inference", "interval", "status", "why"], rows, title)


def _width(expectation: Expectation) -> str:
    if math.isnan(expectation.half_width):
        return "–"
    return "exact" if expectation.half_width == 0 else f"±{100 * expectation.half_width:.1f} %"


def _advise(console: Console, plan: Plan) -> None:
    scenario = plan.scenario
    for stream, name in STREAMS.items():
        cheapest = plan.cheapest[stream]
        console.print(
            f"Cheapest for {name} at ±{100 * scenario.precision:g} %: {format_rate(cheapest.rate)} of {cheapest.unit}s",
            highlight=False,
        )
    if plan.split:
        entry = plan.cheapest[ENTRY_POINT]
        console.print(
            f"Recommended: split the instrument. Entry points at {format_rate(entry.rate)} of {entry.unit}s, without user "
            "ids; usage at 100 %, so that visitors, reviewers and retention are exact.",
            highlight=False,
        )
    else:
        console.print("Recommended: one instrument; a split would not pay here.", highlight=False)
    volume = gigabytes(plan.events_per_day, scenario)
    console.print(f"That is {plan.events_per_day:,.0f} events a day, {volume:,.2f} GB in 90 days.", highlight=False)
