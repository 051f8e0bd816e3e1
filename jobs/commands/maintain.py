"""Entry: the lake kept small and fast: old snapshots, orphans, small files, manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.commands.context import Context

if TYPE_CHECKING:
    from jobs.warehouse.upkeep import Saved

COLUMNS = ("what", "before", "after", "MB saved")


def maintain(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be saved; change nothing.")] = False,
) -> None:
    """Expire snapshots past 30 days, remove orphans, compact small files, and say what it saved."""
    from jobs.console import as_table
    from jobs.steps.maintain import keep_up

    shared: Context = context.obj
    saved = keep_up(shared.settings, shared.warehouse, is_dry=dry_run)
    title = f"What maintenance {'would save' if dry_run else 'saved'}"
    shared.console.print(as_table(COLUMNS, _rows(saved), title))
    for one in sorted(saved, key=lambda one: -one.n_bytes)[:3]:
        if one.n_bytes:
            shared.console.print(f"{one.what} of {one.place}: {one.n_bytes / 1e6:,.2f} MB", highlight=False)


def _rows(saved: list[Saved]) -> list[tuple[str, str, str, str]]:
    """Return a row for each kind of thing, of all tables together."""
    rows = []
    for what in dict.fromkeys(one.what for one in saved):
        found = [one for one in saved if one.what == what]
        before, after, n_bytes = (
            sum(values) for values in zip(*((one.before, one.after, one.n_bytes) for one in found), strict=True)
        )
        rows.append((what, f"{before:,}", f"{after:,}", f"{n_bytes / 1e6:,.2f}"))
    return rows
