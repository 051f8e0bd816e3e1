"""Simulate a world: population, events, sampling, dirt, files and truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from jobs.errors import UsageError
from jobs.simulation import truth_table, writer
from jobs.simulation.delivery import Delivery
from jobs.simulation.events import Events, draw_events
from jobs.simulation.population import BUCKETS, Pageviews, Users, draw_pageviews, draw_users, silent_days
from jobs.simulation.sampling import DAY_MS, Int, epoch_ms, policy_rows
from jobs.simulation.scenarios import SCENARIOS, Scenario, WikiSpec
from jobs.simulation.truth import truth_rows
from jobs.simulation.vocabulary import INSTRUMENT_START

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation wrote.

    Attributes:
        out: directory of the world.
        scenario, seed, start, days, scale: what was asked for.
        wikis: databases, in the order of wikis.csv.
        n_lines: lines to be read; a file that cannot be read counts as one.
        n_files: files under raw/.
        n_population_events: events of named users before sampling and dirt.
        fates: expected lines by `fate/reason` (the fate alone where there is no reason).
        missing_hours: partitions never written, as `YYYY-MM-DDTHH`.
        unreadable_files: paths relative to `out`.
    """

    out: Path
    scenario: str
    seed: int
    start: date
    days: int
    scale: float
    wikis: tuple[str, ...]
    n_lines: int
    n_files: int
    n_population_events: int
    fates: dict[str, int]
    missing_hours: tuple[str, ...]
    unreadable_files: tuple[str, ...]


@dataclass(frozen=True)
class Population:
    """A wiki's complete population: users, page loads and events."""

    wiki: WikiSpec
    visible: int
    users: Users
    views: Pageviews
    events: Events


def simulate(
    out: Path,
    *,
    start: date,
    days: int,
    seed: int = 20260319,
    scale: float = 1.0,
    scenario: str = "default",
    progress: Progress | None = None,
) -> SimulationSummary:
    """Write a synthetic world with known truth; the same arguments give the same bytes.

    Args:
        out: directory, new or empty or an earlier world (which is replaced).
        start: first UTC day, not before the instrument existed (2026-02-10).
        days: number of days, at least 1.
        seed: seed of all randomness.
        scale: factor on the number of users.
        scenario: a key of `SCENARIOS`.
        progress: called with a stage and the done share of it.

    Raises:
        UsageError: for an unknown scenario, impossible numbers, or a directory that holds something else.
    """
    chosen = _checked(scenario, start, days, scale)
    report = progress or (lambda _stage, _share: None)
    writer.prepare(out)
    root = np.random.SeedSequence(seed)
    *seeds, delivery_seed = root.spawn(len(chosen.wikis) + 1)
    populations = []
    for number, (wiki, child) in enumerate(zip(chosen.wikis, seeds, strict=True)):
        populations.append(populate(np.random.default_rng(child), wiki, chosen, start, days, scale))
        report("population", (number + 1) / len(chosen.wikis))
    policy = policy_rows(chosen, start, days)
    writer.write_csvs(out, chosen, policy, [_wiki_row(population, start) for population in populations], start)
    delivery = Delivery(out, chosen, start, days, policy, seed)
    for population in populations:
        delivery.add_wiki(population.wiki, population.users, population.views, population.events)
    delivery.write(delivery_seed, report)
    rows = _truth(chosen, populations, start, days, report)
    fates: Counter[str] = sum(delivery.fates.values(), Counter())
    _write_truth(out, chosen, seed, start, days, rows, delivery)
    return SimulationSummary(
        out=out, scenario=scenario, seed=seed, start=start, days=days, scale=scale,
        wikis=tuple(wiki.wiki_db for wiki in chosen.wikis),
        n_lines=fates.total(), n_files=delivery.n_files,
        n_population_events=sum(len(population.events.time) for population in populations),
        fates=dict(sorted(fates.items())), missing_hours=tuple(delivery.missing_hours),
        unreadable_files=tuple(delivery.unreadable_files),
    )  # fmt: skip


def _truth(
    scenario: Scenario, populations: list[Population], start: date, days: int, report: Progress
) -> list[list[object]]:
    """Compute the truth from the complete populations."""
    frame = truth_table.Frame(start, days, scenario.vocabulary, BUCKETS, anonymous_entry=scenario.split)
    wikis = [
        truth_table.WikiTruth(population.wiki.wiki_db, population.visible, complete_events(population, start))
        for population in populations
    ]
    return truth_rows(frame, wikis, lambda share: report("truth", share))


def _checked(scenario: str, start: date, days: int, scale: float) -> Scenario:
    if scenario not in SCENARIOS:
        raise UsageError(f"There is no scenario {scenario!r}.", next_step=f"use one of {', '.join(SCENARIOS)}")
    if days < 1 or not scale > 0:
        raise UsageError(f"A world needs at least one day and a scale above zero, not {days} and {scale}.")
    if start < INSTRUMENT_START:
        raise UsageError(
            f"The instrument does not exist on {start}.", next_step=f"start on {INSTRUMENT_START} or later"
        )
    return SCENARIOS[scenario]


def populate(
    rng: np.random.Generator, wiki: WikiSpec, scenario: Scenario, start: date, days: int, scale: float
) -> Population:
    """Draw the complete population of one wiki."""
    users = draw_users(rng, max(round(wiki.users * scale), 3), days, scenario)
    views = draw_pageviews(rng, users, wiki, scenario, start, days)
    visible = silent_days(wiki, days)
    events = draw_events(rng, users, views, scenario.vocabulary, visible, start, days)
    return Population(wiki, visible, users, views, events)


def complete_events(population: Population, start: date) -> truth_table.TruthEvents:
    """Return all events of a wiki as truth sees them."""
    events, views = population.events, population.views
    page = events.pageview

    def wide(values: np.ndarray) -> Int:
        return np.asarray(values, dtype=np.int64)

    return truth_table.TruthEvents(
        day=(events.time - epoch_ms(start)) // DAY_MS, user=views.user[page], pageview=page, token=events.token,
        action=wide(events.action), element=wide(events.element), platform=wide(views.platform[page]),
        bucket=wide(views.bucket[page]),
    )  # fmt: skip


def _wiki_row(population: Population, start: date) -> dict[str, object]:
    wiki = population.wiki
    return {
        "wiki_db": wiki.wiki_db,
        "domain": wiki.domain,
        "language": wiki.language,
        "pilot": "true" if wiki.pilot else "false",
        "enabled_from": start.isoformat(),
        "visible_from": (start + timedelta(days=population.visible)).isoformat(),
    }


def _write_truth(
    out: Path, scenario: Scenario, seed: int, start: date, days: int, rows: list[list[object]], delivery: Delivery
) -> None:
    head = {
        "about": writer.ABOUT,
        "scenario": scenario.name,
        "description": scenario.description,
        "seed": seed,
        "start": start.isoformat(),
        "days": days,
        "missing_hours": delivery.missing_hours,
        "unreadable_files": delivery.unreadable_files,
        "fates": {
            (start + timedelta(days=day)).isoformat(): dict(sorted(counts.items()))
            for day, counts in sorted(delivery.fates.items())
        },
        "columns": list(truth_table.COLUMNS),
        "rows": rows,
    }
    (out / writer.TRUTH).write_text(json.dumps(head, separators=(",", ":")), encoding="utf-8")
