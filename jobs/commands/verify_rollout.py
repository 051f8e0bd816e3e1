"""Entry: is a wiki's rollout as it was declared, on one card."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from jobs.catalogue import load_catalogue
from jobs.commands.cut_off import of_one_publish
from jobs.console import as_table
from jobs.errors import EXIT_GATE
from jobs.rollout.card import WRONG, Card
from jobs.rollout.lines import judge
from jobs.rollout.read import read_evidence
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse


@dataclass(frozen=True)
class Wanted:
    """Which rollout: of which wiki, up to which day (None: the last ingested), against how many loads a day."""

    wiki_db: str
    as_of: date | None
    expected_per_day: float | None


def verify_rollout(console: Console, settings: Settings, warehouse: Warehouse, wanted: Wanted, *, as_json: bool) -> int:
    """Print the card of a rollout; return the exit code: 1 if something is wrong.

    Raises:
        UsageError: nothing is published, the wiki is unknown, or nothing is ingested of the day.
    """
    evidence = of_one_publish(
        settings, warehouse, lambda: read_evidence(settings, warehouse, wanted.wiki_db, wanted.as_of)
    )
    card = judge(evidence, wanted.expected_per_day, load_catalogue())
    if as_json:
        record = {**asdict(card), "verdict": card.verdict}
        sys.stdout.write(json.dumps(record, default=str, ensure_ascii=False, indent=1) + "\n")
    else:
        _print(console, card)
    return EXIT_GATE if card.verdict == WRONG else 0


def _print(console: Console, card: Card) -> None:
    title = f"Rollout of {card.wiki_db} as of {card.as_of}, {card.source}"
    rows = [
        tuple(map(escape, (line.what, line.found, line.expected, line.verdict, line.next_step))) for line in card.lines
    ]
    console.print(as_table(["what", "found", "expected", "verdict", "what to do"], rows, escape(title)))
    console.print(as_table(["metric", "now", "from when on", "why not yet"], _by_metric(card), "What is measurable"))
    open_lines = [line.what for line in card.lines if line.verdict not in ("ok", WRONG)]
    wrong = [line.what for line in card.lines if line.verdict == WRONG]
    told = [f"{name}: {', '.join(lines)}" for name, lines in (("wrong", wrong), ("open", open_lines)) if lines]
    console.print(f"{card.wiki_db}: {card.verdict.upper()}. {escape('; '.join(told))}".strip(), soft_wrap=True)


def _by_metric(card: Card) -> list[tuple[str, str, str, str]]:
    """Lay out what each metric says now, when a run can publish its other windows, and why not yet."""
    rows = []
    for metric, states in groupby(card.windows, key=lambda state: state.metric):
        windows = list(states)
        now = [f"{state.window}: {state.status}" for state in windows if state.as_of_date is not None]
        later = [f"{state.window}: {state.publishable}" for state in windows if state.publishable is not None]
        why = dict.fromkeys(state.reason for state in windows if state.reason and not state.publishable)
        rows.append((metric, ", ".join(now), ", ".join(later), escape("; ".join(why))))
    return rows
