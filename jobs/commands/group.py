"""What the command line says to an option in the wrong place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption

from jobs.errors import UsageError


class Commands(TyperGroup):
    """The commands of `pdmetrics`, and what to say where one does not know an option."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            UsageError: an option stands behind the command that belongs before it.
        """
        args = list(ctx.args)  # what is behind the command
        try:
            return super().invoke(ctx)
        except Exception as error:
            option = getattr(error, "option_name", None)
            ours = next((param for param in self.params if option in param.opts), None)
            if isinstance(ours, TyperOption) and isinstance(option, str):
                raise _misplaced(option, ours, ctx.invoked_subcommand or "", args) from None
            raise


def _misplaced(option: str, known: TyperOption, command: str, args: list[str]) -> UsageError:
    """Return what to do about an option of `pdmetrics` that came behind the command."""
    words = [option]
    if not known.is_flag and not known.count:
        words += _values(option, args)
    return UsageError(
        f"{option} belongs to pdmetrics, not to `{command}`.",
        next_step=f"put {option} before the command: pdmetrics {' '.join(words)} {command} …",
    )


def _values(option: str, args: Iterable[str]) -> list[str]:
    """Return the value given with an option, as `--option value` or `--option=value`."""
    words = iter(args)
    for word in words:
        if word == option:
            return [next(words, "…")]
        if word.startswith(f"{option}="):
            return [word.partition("=")[2]]
    return ["…"]


class LoneExtend(TyperCommand):
    """A command whose `--extend` may stand without a number, which is the same as 0."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Complete a lone `--extend`, then parse."""
        whole: list[str] = []
        for word, following in zip(args, [*args[1:], "--"], strict=True):
            whole.append("--extend=0" if word == "--extend" and following.startswith("-") else word)
        return super().parse_args(ctx, whole)
