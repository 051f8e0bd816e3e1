"""Entry: write a synthetic world, or give one more days."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.console import PatientConsole, as_table, counted
from jobs.errors import UsageError
from jobs.simulation import SCENARIOS, SEED, Parameters, SimulationSummary, present
from jobs.simulation import extend as extend_world
from jobs.simulation import simulate as simulate_scenario


@dataclass(frozen=True)
class Wanted:
    """What was asked of a world; null what was left open."""

    start: date | None = None
    days: int | None = None
    seed: int | None = None
    scale: float | None = None
    scenario: str | None = None


def simulate_world(console: Console, out: Path, wanted: Wanted, *, extend: int | None, replace: bool) -> None:
    """Simulate with a progress bar and print what was written and what to do with it.

    Args:
        console: where to print.
        out: directory of the world.
        wanted: the world; beside `extend`, what is given must be true of the world that is there.
        extend: days to add to the world that is there; 0 for as many as make it as long as wanted.
        replace: whether another world may be replaced.

    Raises:
        UsageError: the world cannot be, or not there.
    """
    if wanted.scenario is not None and wanted.scenario not in SCENARIOS:
        known = "\n".join(f"  {name}: {item.description}" for name, item in SCENARIOS.items())
        raise UsageError(f"Unknown scenario {wanted.scenario!r}. There are:\n{known}", next_step="--scenario default")
    by = None if extend is None else _days_to_add(out, wanted, extend, replace)
    if by == 0:
        console.print(f"The world in {out} has {counted(wanted.days or 0, 'day')} already.", highlight=False)
        return
    whole = _whole(wanted) if by is None else None
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=PatientConsole(stderr=True, quiet=console.quiet), transient=True)
    with bar:
        task = bar.add_task("simulating", total=1.0)

        def progress(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)

        if whole is None:
            summary = extend_world(out, by or 0, progress=progress)
        else:
            summary = simulate_scenario(
                out, start=whole.start, days=whole.days, seed=whole.seed, scale=whole.scale, scenario=whole.scenario,
                replace=replace, progress=progress,
            )  # fmt: skip
    _tell(console, out, summary)


def _whole(wanted: Wanted) -> Parameters:
    if wanted.start is None or wanted.days is None:
        raise UsageError("A new world needs its first day and its length.", next_step="give --start DAY and --days N")
    return Parameters(
        wanted.scenario or "default", SEED if wanted.seed is None else wanted.seed, wanted.start, wanted.days,
        1.0 if wanted.scale is None else wanted.scale,
    )  # fmt: skip


def _days_to_add(out: Path, wanted: Wanted, extend: int, replace: bool) -> int:
    """Return by how many days the world that is there is to grow."""
    if replace:
        raise UsageError("Either --extend or --replace.", next_step="--extend keeps the days that are there")
    if (extend > 0) == (wanted.days is not None):
        both = f"--extend {extend} and --days {wanted.days} both say how long the world becomes."
        raise UsageError(
            both if extend else "--extend adds 1 day or more.",
            next_step="--extend N for N more days, --days N --extend for N in all",
        )
    there = present(out)
    if there is None or there.parameters is None:
        return max(extend, 1)  # and be told that there is none
    for field in fields(Wanted):
        given, found = getattr(wanted, field.name), getattr(there.parameters, field.name)
        if field.name != "days" and given not in {None, found}:
            raise UsageError(
                f"The world has {field.name} {found}, not {given}.",
                where=str(out),
                next_step="leave it out: --extend goes on with the world that is there",
            )
    by = extend or (wanted.days or 0) - there.parameters.days
    if by < 0:
        raise UsageError(
            f"The world has {counted(there.parameters.days, 'day')} already.",
            where=str(out),
            next_step="--extend N for N more days; for a shorter world --replace instead of --extend, or another --out",
        )
    return by


def _tell(console: Console, out: Path, summary: SimulationSummary) -> None:
    """Print the fates of the lines that were written, and the commands that read them."""
    rows = [
        (*key.split("/", 1), count) if "/" in key else (key, "", count) for key, count in sorted(summary.fates.items())
    ]
    what = f"{summary.n_lines:,} lines of scenario {summary.parameters.scenario}, as ingest should judge them"
    console.print(as_table(["fate", "reason", "lines"], rows, what))
    end = summary.parameters.start + timedelta(days=summary.parameters.days)
    is_one = end - summary.first == timedelta(days=1)
    which = f"--date {summary.first}" if is_one else f"--start {summary.first} --end {end}"
    console.print(f"World in {out}, truth in {out / 'truth.json'}. Next:")
    console.print(f"  pdmetrics run {which} --input {out}", highlight=False, soft_wrap=True)
    for snapshot in summary.snapshots[-1:]:
        year, month = (int(part) for part in snapshot.split("-"))
        day = date(year, month, monthrange(year, month)[1])
        command = f"audience --history {out / 'history'} --snapshot {snapshot} --as-of {day}"
        console.print(f"  pdmetrics {command}", highlight=False, soft_wrap=True)
