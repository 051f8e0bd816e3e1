"""Entry: identifiable rows past their keep-until, or one user's, deleted for good, with a receipt."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from jobs.commands.arguments import day
from jobs.commands.context import Context
from jobs.errors import UsageError


def purge(
    context: typer.Context,
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=day, metavar="DAY", help="The day from which ages count (UTC); default today."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go; delete nothing.")] = False,
    user_hash: Annotated[str | None, typer.Option(help="Forget this user, of whatever day.")] = None,
) -> None:
    """Delete identifiable rows past their keep-until, or one user's, from every file, with a receipt."""
    shared: Context = context.obj
    raise UsageError(f"{shared.warehouse.path}: not yet ({as_of}, {dry_run}, {user_hash}).")
