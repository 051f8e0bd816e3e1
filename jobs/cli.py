"""The command line: argv -> typed settings -> an entry. No logic here."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from jobs import __version__
from jobs.commands.arguments import (
    EndDay,
    InputPlace,
    OneDay,
    SqlCommand,
    StartDay,
    WarehousePlace,
    day,
    days_asked,
    folder,
    range_or_late,
)
from jobs.commands.audience import audience
from jobs.commands.backfill import backfill
from jobs.commands.context import Context, Gate, LogFormat, OutputFormat
from jobs.commands.explain import explain
from jobs.commands.group import Commands, LoneExtend
from jobs.commands.maintain import maintain
from jobs.commands.plan_app import plan_app
from jobs.commands.policy_app import policy_app
from jobs.commands.purge import purge
from jobs.errors import UsageError
from jobs.exits import CUT_OFF, PUT_AWAY, Ending, leave, run_to_the_end
from jobs.warehouse.manifest import STEPS

app = typer.Typer(
    name="pdmetrics",
    cls=Commands,
    help="The metrics warehouse behind Special:PersonalDashboard: wire events in, trusted marts out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
ENDING = Ending()
REPORTING = (
    "run",
    "simulate",
    "audience",
    "backfill",
    "maintain",
    "purge",
)  # what they print tells how it went; of other commands it is the answer itself
app.add_typer(policy_app, name="policy")
app.add_typer(plan_app)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"pdmetrics {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(envvar="PDMETRICS_CONFIG", help="TOML settings; default ./pdmetrics.toml if it is there."),
    ] = None,
    warehouse: WarehousePlace = Path("warehouse"),
    log_format: Annotated[
        LogFormat, typer.Option(envvar="PDMETRICS_LOG_FORMAT", help="Log lines on stderr.")
    ] = LogFormat.text,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting; repeatable.")
    ] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="More detail.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors only; answers are printed.")] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Set up settings, logging and the warehouse for the command that follows."""
    from jobs.console import PatientConsole
    from jobs.log import configure_logging
    from jobs.settings import load_settings

    configure_logging(log_format.value, -1 if quiet else verbose)
    ENDING.folder, ENDING.shows_traceback = warehouse if isinstance(warehouse, Path) else None, verbose > 0
    ENDING.after_stop = CUT_OFF if context.invoked_subcommand == "simulate" else PUT_AWAY
    trouble = None
    if context.invoked_subcommand == "doctor":
        from jobs.commands.doctor import settings_to_examine

        settings, sources, trouble = settings_to_examine(config, overrides or ())
    else:
        settings, sources = load_settings(config, overrides or ())
    console = PatientConsole(quiet=quiet and context.invoked_subcommand in REPORTING)
    context.obj = Context(settings, sources, warehouse, console, trouble)
    context.call_on_close(context.obj.close)


@app.command(cls=LoneExtend)
def simulate(
    context: typer.Context,
    out: Annotated[Path, typer.Option(parser=folder, metavar="DIRECTORY", help="Where the world is written.")],
    start: StartDay = None,
    days: Annotated[int | None, typer.Option(min=1, max=730, help="Number of days.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same world.", show_default="20260319")] = None,
    scale: Annotated[float | None, typer.Option(min=0.001, help="Size of the population.", show_default="1.0")] = None,
    scenario: Annotated[
        str | None, typer.Option(help="Which world; an unknown name lists them.", show_default="default")
    ] = None,
    extend: Annotated[
        int | None, typer.Option(min=0, help="Give the world that is there so many more days; alone, --days in all.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace another world that is there.")] = False,
) -> None:
    """Write a synthetic world with known truth, in the layout that `run` reads."""
    from jobs.commands.simulate import Wanted, simulate_world

    wanted = Wanted(start=start, days=days, seed=seed, scale=scale, scenario=scenario)
    simulate_world(context.obj.console, out, wanted, extend=extend, replace=replace)


@app.command()
def run(
    context: typer.Context,
    input_dir: InputPlace,
    day: OneDay = None,
    start: StartDay = None,
    end: EndDay = None,
    steps: Annotated[str, typer.Option(help=f"Comma-separated, in order: {','.join(STEPS)}.")] = ",".join(STEPS),
    late: Annotated[
        bool, typer.Option("--late", help="Again the days of which an hour arrived after they were published.")
    ] = False,
) -> None:
    """Turn days of raw events into published marts and a report of them, with the gates between."""
    from jobs.steps.companion import companion

    span = range_or_late(late, day, start, end)
    names = [step.strip() for step in steps.split(",") if step.strip()]
    shared: Context = context.obj
    if span is None:
        from jobs.commands.run_late import Late, run_late

        run_late(shared.console, shared.settings, shared.warehouse, Late(input_dir, names))
        return
    with companion(names) as other:  # before the imports of the run, which take as long as its own
        from jobs.commands.run import Asked, run_steps

        run_steps(shared.console, shared.settings, shared.warehouse, Asked(*span, input_dir, names), other)


@app.command()
def report(
    context: typer.Context,
    out: Annotated[Path, typer.Option(parser=folder, metavar="DIRECTORY", help="Where the site goes.")],
) -> None:
    """Make the static site of what is published: the report, the metrics, the docs of dbt and of the gates."""
    from jobs.commands.report import write_report

    shared: Context = context.obj
    write_report(shared.console, shared.settings, shared.warehouse, out)


@app.command(cls=SqlCommand)
def query(
    context: typer.Context,
    sql: Annotated[
        str | None,
        typer.Argument(help='Such as "select * from fct_metric_values limit 5"; - reads standard input.'),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the SQL from a file.")] = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="How rows are printed.")] = OutputFormat.table,
    shows_all: Annotated[bool, typer.Option("--all", help="Show every row of a table, not the first 200.")] = False,
) -> None:
    """Run one read-only SQL statement on the published marts."""
    from jobs.commands.query import run_query, statement

    shared: Context = context.obj
    text = statement(sql, file)
    run_query(shared.console, shared.settings, shared.warehouse, text, output.value, shows_all=shows_all)


@app.command()
def doctor(
    context: typer.Context,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over the tables of an older version.")] = False,
    relocate: Annotated[
        bool, typer.Option("--relocate", help="Make a copied or moved warehouse one of its own.")
    ] = False,
) -> None:
    """Print versions, engine, catalog, paths, salt, disk and settings; say what is wrong and how to mend it."""
    from jobs.commands.doctor import examine_place, take_over

    shared: Context = context.obj
    if adopt and relocate:
        raise UsageError("Either --adopt or --relocate.", next_step="pdmetrics doctor says which this warehouse needs")
    if adopt or relocate:
        if shared.trouble:
            raise shared.trouble
        take_over(shared.console, shared.settings, shared.warehouse, adopt=adopt)
        return
    raise typer.Exit(examine_place(shared))


@app.command()
def audit(
    context: typer.Context,
    gate: Annotated[Gate, typer.Option(help="Which gate.")],
    day: OneDay = None,
    start: StartDay = None,
    end: EndDay = None,
    staged: Annotated[bool, typer.Option("--staged", help="Of the newest run, also of one that failed.")] = False,
    input_dir: Annotated[
        str | None,
        typer.Option("--input", metavar="DIRECTORY", help="First look whether every hour is there; exit 3 if not."),
    ] = None,
) -> None:
    """Ask a quality gate again of published or staged days; exit 1 if a check fails, 3 if hours are missing.

    Of the audience the days are as-of dates; without any they are the newest.
    """
    from jobs.commands.audit import Asked
    from jobs.commands.audit import audit as ask

    asked_days = days_asked(day, start, end, may_lack=gate is Gate.audience)
    asked = Asked(gate.value, asked_days, is_staged=staged, input_dir=input_dir)
    ask(context.obj.console, context.obj.settings, context.obj.warehouse, asked)


@app.command()
def quarantine(
    context: typer.Context,
    on: Annotated[date, typer.Option("--date", parser=day, metavar="DAY", help="Day of the lines (UTC).")],
    reason: Annotated[str | None, typer.Option(help="Only lines refused for this; an unknown one lists them.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many lines.")] = 20,
    staged: Annotated[bool, typer.Option("--staged", help="Of the newest run, also of one that failed.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Show names and ids; they are masked otherwise.")] = False,
) -> None:
    """Show lines that were refused: file, reason, line."""
    from jobs.commands.quarantine import Wanted, show_refused

    shared: Context = context.obj
    wanted = Wanted(on, reason, limit, is_staged=staged, is_raw=raw)
    show_refused(shared.console, shared.settings, shared.warehouse, wanted)


@app.command("verify-rollout")
def verify_rollout(
    context: typer.Context,
    wiki: Annotated[str, typer.Option(help="Database name; an unknown one lists them.")],
    as_of: Annotated[
        date | None, typer.Option("--as-of", parser=day, metavar="DAY", help="Last day to look at; default the newest.")
    ] = None,
    expected_per_day: Annotated[
        float | None, typer.Option(min=0, help="Loads of the dashboard that were expected.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the card that closes a deployment ticket; exit 1 if something of the rollout is wrong."""
    from jobs.commands.verify_rollout import Wanted
    from jobs.commands.verify_rollout import verify_rollout as verify

    shared: Context = context.obj
    wanted = Wanted(wiki, as_of, expected_per_day)
    raise typer.Exit(verify(shared.console, shared.settings, shared.warehouse, wanted, as_json=as_json))


@app.command()
def milestones(
    context: typer.Context,
    as_of: Annotated[
        date | None, typer.Option("--as-of", parser=day, metavar="DAY", help="Last day to look at; default the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Say of each milestone whether it is reached, on track, behind or not measurable; exit 1 if one is overdue."""
    from jobs.commands.milestones import show_milestones

    shared: Context = context.obj
    raise typer.Exit(show_milestones(shared.console, shared.settings, shared.warehouse, as_of, as_json=as_json))


for command in (explain, audience, backfill, purge, maintain):
    app.command()(command)


def main() -> None:
    """Run the command line; every expected error is a message and an exit code, never a traceback."""
    leave(run_to_the_end(lambda: app(standalone_mode=True), ENDING))


if __name__ == "__main__":
    main()
