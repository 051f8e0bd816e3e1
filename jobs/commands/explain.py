"""Entry: why a published number is what it is; and the options of the command, which are many.

What only a call needs is imported by the call, so that `--help` is quick.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.commands.arguments import day
from jobs.commands.context import Context

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.explanation.choose import Asked
    from jobs.settings import Settings
    from jobs.warehouse.runs import Warehouse


class Inference(StrEnum):
    """Of which reading the number is."""

    realised = "realised"
    process = "process"


def explain(
    context: typer.Context,
    metric: Annotated[str, typer.Argument(help="Id of the metric; an unknown one names those like it.")],
    wiki: Annotated[str, typer.Option(help="Database name, or all; an unknown one lists them.")],
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=day, metavar="DAY", help="The window's last day; default the newest."),
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="DAYS|quarter", help="Default 28 days, or the longest that there is.")
    ] = None,
    element: Annotated[str | None, typer.Option(help="A link; default all review links.")] = None,
    platform: Annotated[
        str | None,
        typer.Option(
            help="Such as desktop_browser; default all, and desktop_browser of the menu link, which has no all."
        ),
    ] = None,
    bucket: Annotated[
        str | None,
        typer.Option(help='Such as "5-99 edits"; default all. Those of the menu link are on desktop_browser.'),
    ] = None,
    inference: Annotated[Inference | None, typer.Option(help="Default realised: what happened.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/explain.md).")] = False,
) -> None:
    """Explain a published number: formula, inputs, rates, counts, SQL, the naive value beside it, alternatives."""
    from jobs.explanation.choose import Asked

    reading = None if inference is None else inference.value
    asked = Asked(metric, wiki, as_of, window, element, platform, bucket, reading)
    shared: Context = context.obj
    show_explanation(shared.console, shared.settings, shared.warehouse, asked, as_json=as_json)


def show_explanation(
    console: Console, settings: Settings, warehouse: Warehouse, asked: Asked, *, as_json: bool = False
) -> None:
    """Print why a published number is what it is.

    Args:
        console: where the text goes.
        settings: with the catalog, and below how many users counts are hidden.
        warehouse: with marts and lake.
        asked: which number.
        as_json: print the structure of `Explanation` instead.

    Raises:
        UsageError: nothing is published, or there is no such row; it says which there are.
    """
    from jobs.commands.cut_off import of_one_publish
    from jobs.explanation.explain import explain_number
    from jobs.explanation.text import show

    found = of_one_publish(settings, warehouse, lambda: explain_number(settings, warehouse, asked))
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), default=str, ensure_ascii=False, indent=1) + "\n")
    else:
        show(console, found)
