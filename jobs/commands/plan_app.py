"""The command line of `plan-sampling`, which has an option for each of its assumptions: argv -> an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.commands.context import Context
from jobs.errors import UsageError

if TYPE_CHECKING:  # what only the command needs is imported by it, so that --help is quick
    from jobs.planning.scenario import Scenario

plan_app = typer.Typer()
TakesAudience = Annotated[
    bool,
    typer.Option("--from-audience", help="Take them from the published audience: newest count over 28 days, no other."),
]
VisitingShare = Annotated[
    float | None,
    typer.Option(help="Share of eligible editors who may visit at all; default 1, from an audience what is published."),
]
Metrics = Annotated[list[str] | None, typer.Option(help="Only these metrics must meet the precision; repeatable.")]
Precision = Annotated[
    float, typer.Option(help="Wanted half-width of the intervals, relative; realised numbers decide, process do not.")
]
Variation = Annotated[float, typer.Option(help="Variance over squared mean of editors' pageviews; 0 if all are alike.")]


@plan_app.command("plan-sampling")
def plan_sampling(
    context: typer.Context,
    wiki: Annotated[str, typer.Option(help="Database name: of the title, and of the audience.")],
    pageviews_per_hour: Annotated[float, typer.Option(help="Pageviews of logged-in users in an hour.")],
    users: Annotated[float | None, typer.Option(help="Editors eligible for the dashboard.")] = None,
    from_audience: TakesAudience = False,
    band: Annotated[str | None, typer.Option(help="Of edit counts, as 100-500; default 100-500.")] = None,
    visiting_share: VisitingShare = None,
    eligible_share: Annotated[float, typer.Option(help="Share of these pageviews that show the entry point.")] = 0.04,
    ctr: Annotated[float, typer.Option(help="Clicks per impression of the entry point.")] = 0.005,
    metric: Metrics = None,
    precision: Precision = 0.1,
    window_days: Annotated[int, typer.Option(help="Days of the window that is measured.")] = 7,
    pageviews_per_session: Annotated[float, typer.Option(help="Mean pageviews in a session.")] = 4.0,
    loads_per_click: Annotated[float, typer.Option(help="Dashboard loads per click on the entry point.")] = 1.0,
    loads_per_session: Annotated[float, typer.Option(help="Mean dashboard loads in a session that has one.")] = 1.3,
    events_per_load: Annotated[float, typer.Option(help="Events sent by a dashboard load.")] = 7.0,
    activity_variation: Variation = 1.25,
    frailty: Annotated[float, typer.Option(help="Correlation of clicks within an editor.")] = 0.05,
    review_share: Annotated[float, typer.Option(help="Share of dashboard loads with a click on a review link.")] = 0.3,
    bytes_per_event: Annotated[float, typer.Option(help="Bytes of a stored event; the default is measured.")] = 156.0,
) -> None:
    """Say for each unit and rate what it costs, what each metric will look like, and which is cheapest."""
    from jobs.commands.cut_off import finish_cut_off
    from jobs.commands.plan_sampling import plan_sampling as plan
    from jobs.steps.plan_audience import FromAudience
    from jobs.steps.plan_audience import from_audience as take

    _check(users, band, from_audience=from_audience)
    shared: Context = context.obj
    taken = FromAudience(users or 0, visiting_share, ())
    if from_audience:
        finish_cut_off(shared.settings, shared.warehouse)
        taken = take(shared.warehouse, wiki, band, visiting_share)
    visiting = 1.0 if taken.visiting_share is None else taken.visiting_share
    scenario = _scenario({**context.params, "users": taken.users, "visiting_share": visiting})
    plan(shared.console, shared.settings, scenario, metric or (), taken.told)


def _scenario(given: Mapping[str, Any]) -> Scenario:
    """Return the wiki that the options describe."""
    from jobs.planning.scenario import Scenario

    try:
        return Scenario(**{field.name: given[field.name] for field in fields(Scenario)})
    except ValueError as error:
        raise UsageError(f"No wiki can be like that: {error}.", next_step="check the numbers") from None


def _check(users: float | None, band: str | None, *, from_audience: bool) -> None:
    """Refuse users from two places, or from none."""
    if users is not None and from_audience:
        raise UsageError("Users are given twice.", where="--users", next_step="leave out --users or --from-audience")
    if users is None and not from_audience:
        what = "It takes the number of eligible editors."
        raise UsageError(what, where="--users", next_step="give --users N, or --from-audience where they were counted")
    if band is not None and not from_audience:
        raise UsageError("A band is one of the audience's.", where="--band", next_step="give --from-audience with it")
