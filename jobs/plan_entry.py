"""Entry: which sampling unit and rate answers the questions, at what cost."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown

from jobs.errors import UsageError
from jobs.estimation.plan_people import plan_people
from jobs.estimation.plan_text import render_plan
from jobs.estimation.planning import PLANNERS, Planner, Scenario, make_plan


def plan_sampling(console: Console, scenario: Scenario, metrics: Sequence[str]) -> None:
    """Print for each unit and rate the volume and the expected width and status of each metric, then what to do.

    Raises:
        UsageError: an unknown metric.
    """
    planners: tuple[Planner, ...] = (*PLANNERS, plan_people)
    plan = make_plan(scenario, planners)
    known = list(dict.fromkeys(e.metric for setting in plan.settings for e in setting.expectations))
    unknown = [metric for metric in metrics if metric not in known]
    if unknown:
        raise UsageError(
            f"No plan for {', '.join(unknown)}.", where="--metric", next_step=f"there are {', '.join(known)}"
        )
    if metrics:
        plan = make_plan(scenario, planners, metrics)
    text = render_plan(plan)
    console.print(Markdown(text) if console.is_terminal else text, highlight=False)
