"""Entry: write a synthetic world."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.console import as_table
from jobs.errors import UsageError
from jobs.simulation import SCENARIOS
from jobs.simulation import simulate as simulate_scenario


def simulate_world(
    console: Console, out: Path, *, start: date, days: int, seed: int, scale: float, scenario: str
) -> None:
    """Simulate with a progress bar and print what was written and what to do with it."""
    if scenario not in SCENARIOS:
        known = "\n".join(f"  {name}: {item.description}" for name, item in SCENARIOS.items())
        raise UsageError(f"Unknown scenario {scenario!r}. There are:\n{known}", next_step="--scenario default")
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    )
    with bar:
        task = bar.add_task("simulating", total=1.0)
        summary = simulate_scenario(
            out, start=start, days=days, seed=seed, scale=scale, scenario=scenario,
            progress=lambda what, share: bar.update(task, description=what, completed=share),
        )  # fmt: skip
    rows = [
        (*key.split("/", 1), count) if "/" in key else (key, "", count) for key, count in sorted(summary.fates.items())
    ]
    console.print(
        as_table(
            ["fate", "reason", "lines"],
            rows,
            f"{summary.n_lines:,} lines of scenario {scenario}, as ingest should judge them",
        )
    )
    last = date.fromordinal(start.toordinal() + days)
    console.print(f"World in {out}, truth in {out / 'truth.json'}. Next:")
    console.print(f"  pdmetrics run --start {start} --end {last} --input {out}", highlight=False)
