"""Entry: identifiable rows past their keep-until, or one user's, deleted for good, with a receipt."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.commands.arguments import day
from jobs.commands.context import Context
from jobs.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.steps.purge import Plan, User
    from jobs.warehouse.forget import OwnLines
    from jobs.warehouse.receipts import Receipt

COLUMNS = ("table", "days", "first", "last", "rows", "MB", "files")
IN_HISTORY = (
    " Older versions of the tables, and what runs have staged, stay; whether the user is in them was not looked at. "
    "They leave in about 30 days, or at once with --history. If the user should be there, check wiki and id."
)
AFTER_REQUEST = (
    "Published numbers stay as they are. The raw input is not touched: delete the user there, "
    "or a run of those days brings the rows back."
)


def purge(
    context: typer.Context,
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=day, metavar="DAY", help="The day from which ages count (UTC); default today."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go; delete nothing.")] = False,
    user_hash: Annotated[
        str | None, typer.Option(help="Forget this user, of whatever day; the hash that the facts have.")
    ] = None,
    wiki: Annotated[str | None, typer.Option(help="Forget the user of this wiki who has --user-id.")] = None,
    user_id: Annotated[int | None, typer.Option(min=1, help="performer.id of the user to forget.")] = None,
    history: Annotated[
        bool,
        typer.Option("--history", help="Of a user, let old versions go even where no published row is the user's."),
    ] = False,
    shows_receipts: Annotated[bool, typer.Option("--receipts", help="Only show what went so far, and why.")] = False,
) -> None:
    """Delete identifiable rows past their keep-until, or one user's, from every file, with a receipt."""
    from jobs.steps import purge as steps

    shared: Context = context.obj
    if shows_receipts:
        _show_receipts(shared.console, steps.all_receipts(shared.settings, shared.warehouse))
        return
    user, day_of = _user(user_hash, wiki, user_id, history=history), as_of or datetime.now(UTC).date()
    if dry_run:
        plan = steps.plan(shared.settings, shared.warehouse, day_of, user)
        _tell(shared.console, plan, "would go", day_of)
        return
    done = steps.purge(shared.settings, shared.warehouse, day_of, user)
    _tell(shared.console, done[0] if done else None, "went", day_of)
    if done and not done[0].is_empty:
        text = f"{done[1]:,} files went from the lake, {done[2] / 1e6:,.1f} MB. Receipts: "
        _say(shared.console, f"{text}pdmetrics --warehouse {shared.warehouse.place} purge --receipts")


def _user(user_hash: str | None, wiki: str | None, user_id: int | None, *, history: bool) -> User | None:
    """Return whose rows are asked for, None for what is past its time.

    Raises:
        UsageError: the options do not name one user.
    """
    from jobs.steps.purge import User

    if user_hash is None and wiki is None and user_id is None:
        if history:
            raise UsageError("--history is of a user's request.", next_step="name the user too, or leave it out")
        return None
    if user_hash is not None and (wiki is not None or user_id is not None):
        raise UsageError("Either --user-hash or --wiki with --user-id.", next_step="leave one of them out")
    if user_hash is None and (wiki is None or user_id is None):
        raise UsageError("A user is named by --wiki and --user-id together.", next_step="give both")
    if user_hash is not None and not re.fullmatch("[0-9a-f]{16}", user_hash):
        raise UsageError(
            "That is no hash of a user, which has 16 digits of 0-9a-f.",
            where="--user-hash",
            next_step="name the user with --wiki and --user-id instead",
        )
    return User(user_hash, wiki, user_id, goes_with_history=history)


def _tell(console: Console, plan: Plan | None, went: str, as_of: date) -> None:
    """Print what went, or would go."""
    from jobs.console import as_table, counted

    if plan is None:
        _say(console, "Nothing to purge: nothing was ever ingested.")
        return
    rows = [
        (
            one.name, len(one.going), str(one.going[0].event_date), str(one.going[-1].event_date),
            f"{sum(due.n_rows for due in one.going):,}", f"{sum(due.n_bytes for due in one.going) / 1e6:,.2f}",
            f"{sum(due.n_files for due in one.going):,}",
        )
        for one in plan.tables
        if one.going
    ]  # fmt: skip
    if rows:
        console.print(as_table(COLUMNS, rows, f"What {went} of the published rows, as of {as_of}"))
    elif plan.lines is not None:
        _say(console, f"No published row is this user's.{IN_HISTORY if plan.keeps_history else ''}")
    elif plan.is_empty:
        _say(console, f"Nothing to purge as of {as_of}.")
    due = [one.name for one in plan.tables if one.is_due]
    if due:
        _say(console, f"The history of {', '.join(due)} {went}: whatever is not published now.")
    if orphans := sum(len(one.orphans) for one in plan.tables):
        _say(console, f"{counted(orphans, 'file')} that nothing named before {went}.")
    if plan.files:
        _say(console, f"{', '.join(path.name for path in plan.files)} {went}.")
    if plan.lines is not None:
        _tell_lines(console, plan.lines)


def _tell_lines(console: Console, lines: OwnLines) -> None:
    from jobs.console import counted

    if lines.untold_until is not None:
        text = f"{counted(lines.n_untold, 'refused line')} of which nobody can say whose: they go with their day, "
        _say(console, f"{text}the last is {lines.untold_until} ([privacy] events_keep_days).")
    _say(console, AFTER_REQUEST)


def _show_receipts(console: Console, found: list[Receipt]) -> None:
    """Print receipts, by purge and table."""
    from jobs.console import as_table
    from jobs.warehouse.receipts import receipt_frame

    if not found:
        _say(console, "Nothing was purged so far.")
        return
    columns = ("purged_on", "cause", "table_name", "first_day", "last_day", "n_rows", "n_bytes", "n_files")
    rows = receipt_frame(found)[list(columns)].astype(object).to_numpy().tolist()
    console.print(as_table(columns, rows))


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
