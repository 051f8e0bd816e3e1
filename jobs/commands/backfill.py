"""Entry: days computed again beside what is published, the difference told, then published in one step; or undone."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.commands.arguments import EndDay, InputPlace, StartDay, day_range
from jobs.commands.context import Context
from jobs.errors import UsageError


def backfill(
    context: typer.Context,
    input_dir: InputPlace = "",
    start: StartDay = None,
    end: EndDay = None,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever reads the history; kept with the run.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stage and tell the difference; publish nothing.")] = False,
    rollback: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Undo a backfill of the last 30 days.")] = None,
) -> None:
    """Compute days again beside what is published, show the difference and its cause, then publish in one step."""
    shared: Context = context.obj
    first, last = day_range(None, start, end)
    raise UsageError(
        f"{first} to {last} of {input_dir} at {shared.warehouse.path}: not yet ({reason}, {dry_run}, {rollback})."
    )
