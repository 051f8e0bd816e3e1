"""Entry: who could be invited, counted in dumps of mediawiki_history, for any wiki, band, window and date."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from jobs.audience import DEFAULT_BAND, LONGEST_WINDOW, Band
from jobs.commands.arguments import day
from jobs.commands.context import Context
from jobs.errors import UsageError
from jobs.warehouse.manifest import PUBLISHES

if TYPE_CHECKING:  # what only a command needs is imported by it, so that --help is quick
    from jobs.dumps.files import DumpFile
    from jobs.steps.audience_reading import Wanted
    from jobs.steps.companion import Companion
    from jobs.warehouse.manifest import Run

T = TypeVar("T")
BANDS, WINDOWS = f"{DEFAULT_BAND},100-300", "14,28"


def audience(
    context: typer.Context,
    history: Annotated[
        str, typer.Option("--history", metavar="DIRECTORY", help="Directory with snapshots, or s3://…, hdfs://…")
    ],
    snapshot: Annotated[str, typer.Option(metavar="YYYY-MM", help="Which: the last month that it holds.")],
    as_of: Annotated[
        list[Any], typer.Option("--as-of", parser=day, metavar="DAY", help="Last day of the windows (UTC); repeatable.")
    ],
    wiki: Annotated[
        list[str] | None, typer.Option("--wiki", help="Only this one; repeatable. Default: every one of the snapshot.")
    ] = None,
    bands: Annotated[str, typer.Option(help="Bands of edit counts, both ends included.")] = BANDS,
    windows: Annotated[
        str, typer.Option(help="Days of the windows. The two longest below 56 tell how many there will be in 8 weeks.")
    ] = WINDOWS,
) -> None:
    """Count eligible editors in dumps of mediawiki_history: who could be invited, and how many in 8 weeks.

    Cells of other wikis, bands, windows and dates that were counted before stay.
    What an eligible editor is can be set: docs/audience.md.
    """
    from jobs.raw.place import open_input
    from jobs.steps.audience_reading import Wanted, wanted_dumps
    from jobs.steps.beginning import check_settings
    from jobs.steps.companion import companion

    shared: Context = context.obj
    wanted = Wanted(
        open_input(history), snapshot, tuple(sorted(set(as_of))), tuple(sorted(set(wiki))) if wiki else None,
        read_bands(bands), read_windows(windows),
    )  # fmt: skip
    # What cannot succeed is told before any other process starts.
    check_settings(shared.settings)
    files = wanted_dumps(wanted)
    with companion([PUBLISHES]) as other:
        _count(shared, wanted, files, other)


def read_bands(text: str) -> tuple[Band, ...]:
    """Return the bands of `100-500,100-300`, in order.

    Raises:
        UsageError: one is none, or stands twice, or there is none.
    """
    return _listed(text, Band.parse, "--bands", BANDS)


def read_windows(text: str) -> tuple[int, ...]:
    """Return the days of `14,28`, in order.

    Raises:
        UsageError: one is none, or stands twice, or there is none.
    """
    return _listed(text, _window, "--windows", WINDOWS)


def _window(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_WINDOW):
        raise ValueError(f"{text!r} is no window; write its days, 1 to {LONGEST_WINDOW}, as 28")
    return int(text)


def _listed(text: str, read: Callable[[str], T], option: str, example: str) -> tuple[T, ...]:
    """Return what stands between commas, in order."""
    found: list[Any] = []
    for part in text.split(","):
        try:
            one = read(part.strip())
        except ValueError as error:
            raise UsageError(
                f"{error}.", where=f"{option} {text}", next_step=f"for example {option} {example}"
            ) from None
        if one in found:
            raise UsageError(f"{one} stands twice.", where=f"{option} {text}", next_step="name it once")
        found.append(one)
    return tuple(sorted(found))


def _count(shared: Context, wanted: Wanted, files: Sequence[DumpFile], other: Companion) -> None:
    from jobs.lineage.sending import open_lineage
    from jobs.steps.audience import begin_audience, make_audience
    from jobs.steps.job import Job, open_lake
    from jobs.steps.running import make_report_of
    from jobs.steps.traced import sight_of
    from jobs.warehouse.publish import NO_DAYS

    settings, warehouse, console = shared.settings, shared.warehouse, shared.console
    lineage = open_lineage(settings.lineage)
    with open_lake(settings, warehouse, NO_DAYS) as lake:
        run = begin_audience(lake, warehouse, wanted)
        job = Job(lake, warehouse, settings, console, run, other)
        make_audience(job, wanted, files, lineage)
        make_report_of(sight_of(job), other, lineage)
    console.print(_outcome(shared, run, files[0].wiki_db), highlight=False, soft_wrap=True)


def _outcome(shared: Context, run: Run, wiki: str) -> str:
    """Say what there is now, and where to look next."""
    from jobs.steps.report import where_to_look

    days = ", ".join(map(str, run.as_of))
    place = ["pdmetrics", "--warehouse", shared.warehouse.place]
    query = shlex.join([*place, "query", "from fct_audience order by as_of_date, wiki_db, band, window_days"])
    explain = shlex.join([*place, "explain", "eligible_editors", "--wiki", wiki])
    warehouse = shared.warehouse
    report = f" {where_to_look(warehouse.said(warehouse.report))}" if shared.settings.report.build else ""
    return f"Published {run.run_id}, as of {days}.{report} Next: {query}\nWhat moves a number: {explain}"
