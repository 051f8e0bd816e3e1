"""Entry: which sampling unit and rate answers the questions, at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.markdown import Markdown

from jobs.errors import UsageError
from jobs.planning.measured_window import planned_for
from jobs.planning.people import plan_people, plan_presented
from jobs.planning.plan import PLANNERS, UNITS, Planner, make_plan
from jobs.planning.scenario import Scenario, Setting
from jobs.planning.text import UNTABLED, render_plan
from jobs.settings import Settings
from jobs.steps.fitting import limits

PRESENTED = "presented_two_week_rate"


def plan_sampling(
    console: Console, settings: Settings, scenario: Scenario, metrics: Sequence[str], taken: Sequence[str] = ()
) -> None:
    """Print for each unit and rate the volume and the expected width and status of each metric, then what to do.

    Args:
        console: where it goes.
        settings: with the limits up to which numbers are shown.
        scenario: the wiki and what is assumed.
        metrics: those that decide; all if none is named.
        taken: what was taken from the warehouse, a sentence each.

    Raises:
        UsageError: an unknown metric, a precision that is no share, or a window that what is asked for does not have.
    """
    if scenario.precision > 1:
        raise UsageError(
            f"The precision is a share of the estimate, and {scenario.precision:g} looks like a percentage: "
            f"write {scenario.precision / 100:g}.",
            where="--precision",
        )
    planners: tuple[Planner, ...] = (*PLANNERS, partial(plan_people, limits=limits(settings.estimation)))
    if PRESENTED in metrics:
        planners = (*planners, partial(plan_presented, limits=limits(settings.estimation)))
    planned = _metrics(scenario, planners)
    known = [*planned, *(name for name in UNTABLED if name not in planned)]
    unknown = [metric for metric in metrics if metric not in known]
    if unknown:
        raise UsageError(
            f"There is no metric {', '.join(unknown)}.", where="--metric", next_step=f"there are {', '.join(known)}"
        )
    asked = [metric for metric in metrics if metric in planned]
    if metrics and not asked:
        text = "".join(f"{UNTABLED[metric]}\n" for metric in dict.fromkeys(metrics))
    else:
        decisive, notes = planned_for(asked or planned, scenario.window_days, is_asked=bool(asked))
        text = render_plan(make_plan(scenario, planners, decisive), notes, taken)
    if console.is_terminal:
        console.print(Markdown(text), highlight=False)
    else:  # as it is: wrapped at a width, tables are no Markdown any more
        console.out(text, highlight=False, end="")


def _metrics(scenario: Scenario, planners: Sequence[Planner]) -> list[str]:
    """Return the metrics planned for, each once; at 100 % they cost no fit."""
    whole = Setting(UNITS[0], 1.0)
    return list(dict.fromkeys(found.metric for planner in planners for found in planner(scenario, whole)))
