"""Entries: check the sampling policy, import Test Kitchen records into it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console

from jobs.console import as_table, counted, told
from jobs.errors import InputError
from jobs.policy.check import TIMELINE_HEADER, check_policy, timeline_table
from jobs.policy.first_event import find_event
from jobs.policy.import_records import WARNING, import_records, write_policy
from jobs.policy.records import load_records
from jobs.policy.timeline import all_regimes
from jobs.raw.files import open_input, require_whole
from jobs.reference.load import load_reference, read_policy
from jobs.reference.rows import POLICY_CSV
from jobs.settings import Settings


def check(console: Console, settings: Settings, input_dir: str) -> None:
    """Print the timeline of the policy and everything wrong with it.

    Raises:
        InputError: it has an error; warnings are only printed.
    """
    source = open_input(input_dir)
    require_whole(source)
    with source.csv_folder() as folder:
        reference = load_reference(folder, allow_unknown_policy_wikis=True)
    grace = timedelta(minutes=settings.ingest.rate_change_grace_minutes)
    console.print(as_table(TIMELINE_HEADER, timeline_table(all_regimes(reference, grace)), "Sampling in force"))
    problems = check_policy(reference, partial(find_event, source, reference.instruments))
    for problem in problems:
        told(f"{problem.severity}: {problem}", style="red" if problem.severity == "error" else "yellow")
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InputError(
            f"The sampling policy has {counted(len(errors), 'error')}, named above.",
            where=f"{input_dir}/{POLICY_CSV}",
            next_step="mend these lines; until then events they concern are quarantined",
        )
    console.print("The policy is sound.")


def import_files(console: Console, files: Sequence[Path], input_dir: Path, effective_from: datetime | None) -> None:
    """Import records into the policy and say what was done; nothing is written if anything is wrong."""
    if not input_dir.is_dir():
        raise InputError("There is no such input directory.", where=str(input_dir), next_step="check --input")
    path = input_dir / POLICY_CSV
    records, sources = load_records(files)
    wikis = load_reference(input_dir, allow_unknown_policy_wikis=True).wikis if _is_complete(input_dir) else ()
    before = read_policy(path)
    result = import_records(
        records,
        before,
        effective_from=effective_from,
        sources=sources,
        known_wikis=frozenset(row.wiki_db for row in wikis) or None,
        folder=input_dir,
    )
    for line in result.summary:
        if line.startswith(WARNING):
            told(line, style="yellow")
        else:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if result.rows == before:
        console.print(f"{path} is unchanged: it says all of this already.", highlight=False, soft_wrap=True)
        return
    write_policy(path, result.rows)
    done = f"{path}: {counted(len(result.rows), 'row')}. Next: pdmetrics policy check --input {input_dir}"
    console.print(done, highlight=False, soft_wrap=True)


def _is_complete(input_dir: Path) -> bool:
    """Whether the directory has the files beside the policy that tell which wikis there are."""
    return (input_dir / "wikis.csv").exists() and (input_dir / POLICY_CSV).exists()
