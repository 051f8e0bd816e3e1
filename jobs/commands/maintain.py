"""Entry: the lake kept small and fast: old snapshots, orphans, small files, manifests."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.commands.context import Context
from jobs.errors import UsageError


def maintain(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be saved; change nothing.")] = False,
) -> None:
    """Expire snapshots past 30 days, remove orphans, compact small files, and say what it saved."""
    shared: Context = context.obj
    raise UsageError(f"{shared.warehouse.path}: not yet ({dry_run}).")
