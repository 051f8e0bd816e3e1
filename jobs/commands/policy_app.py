"""The command line of `policy`: argv -> an entry."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.arguments import InputDir, InputPlace, moment
from jobs.commands.context import Context

policy_app = typer.Typer(help="The sampling policy: what was recorded when, and at which rate.", no_args_is_help=True)


@policy_app.command("check")
def policy_check(context: typer.Context, input_dir: InputPlace) -> None:
    """Find overlaps, gaps and impossible rates in the sampling policy, and print its timeline."""
    from jobs.commands.policy import check

    shared: Context = context.obj
    check(shared.console, shared.settings, input_dir)


@policy_app.command("import")
def policy_import(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Test Kitchen instrument records (JSON).")],
    input_dir: InputDir,
    effective_from: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="When a change without its own time began (UTC)."),
    ] = None,
) -> None:
    """Read Test Kitchen records into sampling_policy.csv; what they replace is closed, the past is never rewritten."""
    from jobs.commands.policy import import_files

    import_files(context.obj.console, files, input_dir, effective_from)
