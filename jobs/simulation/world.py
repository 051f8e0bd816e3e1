"""Simulate a world: population, events, sampling, dirt, files and truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as replace_in
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from jobs.errors import UsageError
from jobs.simulation import place, truth_table, writer
from jobs.simulation.delivery import Delivery
from jobs.simulation.events import Events, draw_events
from jobs.simulation.history import Histories
from jobs.simulation.place import Parameters
from jobs.simulation.population import BUCKETS, Pageviews, Users, draw_pageviews, draw_users
from jobs.simulation.sampling import DAY_MS, Int, PolicyRow, epoch_ms, policy_rows
from jobs.simulation.scenarios import HEALTH_METRICS, SCENARIOS, USAGE, Scenario, WikiSpec
from jobs.simulation.seeds import Seeds
from jobs.simulation.truth import truth_rows
from jobs.simulation.truth_comparable import declared_settings
from jobs.simulation.vocabulary import INSTRUMENT_START

Progress = Callable[[str, float], None]
SEED = 20260319
LONGEST = 730  # days


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation wrote.

    Attributes:
        out: directory of the world.
        parameters: what decides it.
        first: first day that was written; counts and names below are of it and the days after.
        wikis: databases, in the order of wikis.csv.
        n_lines: lines to be read; a file that cannot be read counts as one.
        n_files: files under raw/.
        n_population_events: events of named users before sampling and dirt.
        fates: expected lines by `fate/reason` (the fate alone where there is no reason).
        missing_hours: partitions never written, as `YYYY-MM-DDTHH`.
        unreadable_files: paths relative to `out`.
        snapshots: of mediawiki_history that were written, as `2026-03`.
    """

    out: Path
    parameters: Parameters
    first: date
    wikis: tuple[str, ...]
    n_lines: int
    n_files: int
    n_population_events: int
    fates: dict[str, int]
    missing_hours: tuple[str, ...]
    unreadable_files: tuple[str, ...]
    snapshots: tuple[str, ...]


@dataclass(frozen=True)
class Population:
    """A wiki's complete population: users, page loads and events."""

    wiki: WikiSpec
    users: Users
    views: Pageviews
    events: Events


def simulate(
    out: Path,
    *,
    start: date,
    days: int,
    seed: int = SEED,
    scale: float = 1.0,
    scenario: str = "default",
    replace: bool = False,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Write a synthetic world with known truth; the same arguments give the same bytes.

    A world of more days begins with the days of a shorter one, byte for byte, where its scenario is extendable.

    Args:
        out: directory, new or empty, or that of a world of the same arguments, which is written again.
        start: first UTC day, not before the instrument existed (2026-02-10).
        days: number of days, at least 1.
        seed: seed of all randomness.
        scale: factor on the number of users.
        scenario: a key of `SCENARIOS`.
        replace: whether a world of other arguments may be replaced.
        progress: called with a stage and the done share of it.

    Raises:
        UsageError: for an unknown scenario, impossible numbers, or a directory that holds something else.
    """
    parameters = Parameters(scenario, seed, start, days, scale)
    chosen = _checked(parameters)
    place.prepare(out, parameters, replace=replace)
    return _write(out, parameters, chosen, _Earlier(0, {}, [], []), progress)


def extend(out: Path, by: int, *, progress: Progress | None = None) -> SimulationSummary:
    """Add days to the world in `out`; files of its days stay as they are, its truth is written anew.

    Args:
        out: directory of a world.
        by: days to add, at least 1.
        progress: called with a stage and the done share of it.

    Raises:
        UsageError: there is no world, or it is cut off, or it cannot be extended.
    """
    shorter = place.extendable(out)
    parameters = replace_in(shorter, days=shorter.days + by)
    chosen = _checked(parameters)
    if by < 1:
        raise UsageError(f"A world cannot be extended by {by} days.", next_step="--extend 1 or more")
    if not chosen.extendable:
        raise UsageError(
            f"A world of scenario {chosen.name} cannot be extended: its sampling changes at a share of its length.",
            where=str(out),
            next_step=f"simulate {parameters.days} days into another directory",
        )
    earlier = _Earlier.read(out, shorter)
    place.begin_extension(out, shorter, parameters.days)
    return _write(out, parameters, chosen, earlier, progress)


@dataclass(frozen=True)
class _Earlier:
    """What is known of the lines of the `days` days of a world that are there."""

    days: int
    fates: dict[str, dict[str, int]]
    missing_hours: list[str]
    unreadable_files: list[str]

    @classmethod
    def read(cls, out: Path, shorter: Parameters) -> _Earlier:
        """Read it from a truth, which may be that of an extension cut off at its very end."""
        truth = json.loads((out / place.TRUTH).read_text(encoding="utf-8"))
        days = [shorter.start + timedelta(days=day) for day in range(shorter.days)]
        return cls(
            shorter.days,
            {day.isoformat(): truth["fates"][day.isoformat()] for day in days},
            [hour for hour in truth["missing_hours"] if date.fromisoformat(hour[:10]) <= days[-1]],
            [path for path in truth["unreadable_files"] if any(writer.day_path(day) + "/" in path for day in days)],
        )


def _write(
    out: Path, parameters: Parameters, scenario: Scenario, earlier: _Earlier, progress: Progress | None
) -> SimulationSummary:
    """Draw the world and write its files, those of the days that are there excepted, and its truth."""
    report = progress or (lambda _stage, _share: None)
    start, days = parameters.start, parameters.days
    populations = []
    for number, wiki in enumerate(scenario.wikis):
        populations.append(populate(Seeds(parameters.seed, number), wiki, scenario, parameters))
        report("population", (number + 1) / len(scenario.wikis))
    policy = policy_rows(scenario, start, days)
    if earlier.days == 0:
        writer.write_csvs(out, scenario, policy, [_wiki_row(wiki, start) for wiki in scenario.wikis], start)
    delivery = Delivery(out, scenario, start, days, policy, parameters.seed, earlier.days)
    for population in populations:
        delivery.add_wiki(population.wiki, population.users, population.views, population.events)
    delivery.write(report)
    histories = Histories(parameters, scenario)
    for number, population in enumerate(populations):
        histories.add_wiki(number, population.wiki, population.users, population.views)
    snapshots = histories.write(out, start + timedelta(days=earlier.days), lambda share: report("history", share))
    rows = _truth(scenario, populations, policy, start, days, report)
    _write_truth(out, parameters, rows, delivery, earlier, histories)
    place.finish(out, parameters)
    return _summary(out, parameters, earlier.days, populations, delivery, snapshots)


def _summary(
    out: Path, parameters: Parameters, first: int, populations: list[Population], delivery: Delivery,
    snapshots: tuple[str, ...],
) -> SimulationSummary:  # fmt: skip
    fates: Counter[str] = sum(delivery.fates.values(), Counter())
    since = epoch_ms(parameters.start) + first * DAY_MS
    return SimulationSummary(
        out=out, parameters=parameters, first=parameters.start + timedelta(days=first),
        wikis=tuple(population.wiki.wiki_db for population in populations),
        n_lines=fates.total(), n_files=delivery.n_files,
        n_population_events=sum(int((population.events.time >= since).sum()) for population in populations),
        fates=dict(sorted(fates.items())), missing_hours=tuple(delivery.missing_hours),
        unreadable_files=tuple(delivery.unreadable_files), snapshots=snapshots,
    )  # fmt: skip


def _truth(
    scenario: Scenario, populations: list[Population], policy: list[PolicyRow], start: date, days: int, report: Progress
) -> list[list[object]]:
    """Compute the truth from the complete populations."""
    frame = truth_table.Frame(start, days, scenario.vocabulary, BUCKETS, anonymous_entry=scenario.split)
    usage = USAGE if scenario.split else HEALTH_METRICS
    wikis = [
        truth_table.WikiTruth(
            population.wiki.wiki_db,
            population.wiki.silent_days,
            complete_events(population, start),
            declared_settings(policy, usage, population.wiki.wiki_db, start),
        )
        for population in populations
    ]
    return truth_rows(frame, wikis, lambda share: report("truth", share))


def _checked(parameters: Parameters) -> Scenario:
    """Return the scenario of parameters that can be simulated."""
    scenario, days, scale = parameters.scenario, parameters.days, parameters.scale
    if scenario not in SCENARIOS:
        raise UsageError(f"There is no scenario {scenario!r}.", next_step=f"use one of {', '.join(SCENARIOS)}")
    if days < 1 or not scale > 0:
        raise UsageError(f"A world needs at least one day and a scale above zero, not {days} and {scale}.")
    if days > LONGEST:
        raise UsageError(f"A world has at most {LONGEST} days, not {days}.")
    if parameters.seed < 0:
        raise UsageError(f"A seed is zero or more, not {parameters.seed}.")
    if parameters.start < INSTRUMENT_START:
        raise UsageError(
            f"The instrument does not exist on {parameters.start}.", next_step=f"start on {INSTRUMENT_START} or later"
        )
    return SCENARIOS[scenario]


def populate(seeds: Seeds, wiki: WikiSpec, scenario: Scenario, parameters: Parameters) -> Population:
    """Draw the complete population of one wiki."""
    start, days = parameters.start, parameters.days
    users = draw_users(seeds, max(round(wiki.users * parameters.scale), 3), days, scenario)
    views = draw_pageviews(seeds, users, wiki, scenario, start, days)
    events = draw_events(seeds, users, views, scenario.vocabulary, wiki.shown_from, start, days)
    return Population(wiki, users, views, events)


def complete_events(population: Population, start: date) -> truth_table.TruthEvents:
    """Return all events of a wiki as truth sees them."""
    events, views = population.events, population.views
    page = events.pageview

    def wide(values: np.ndarray) -> Int:
        return np.asarray(values, dtype=np.int64)

    return truth_table.TruthEvents(
        day=(events.time - epoch_ms(start)) // DAY_MS, user=views.user[page], pageview=page, token=events.token,
        action=wide(events.action), element=wide(events.element), platform=wide(views.platform[page]),
        bucket=wide(views.bucket[page]), session=wide(views.session[page]),
    )  # fmt: skip


def _wiki_row(wiki: WikiSpec, start: date) -> dict[str, object]:
    return {
        "wiki_db": wiki.wiki_db,
        "domain": wiki.domain,
        "language": wiki.language,
        "pilot": "true" if wiki.pilot else "false",
        "enabled_from": start.isoformat(),
        "visible_from": (start + timedelta(days=wiki.silent_days)).isoformat(),
    }


def _write_truth(
    out: Path, parameters: Parameters, rows: list[list[object]], delivery: Delivery, earlier: _Earlier,
    histories: Histories,
) -> None:  # fmt: skip
    fates = {
        (parameters.start + timedelta(days=day)).isoformat(): dict(sorted(counts.items()))
        for day, counts in sorted(delivery.fates.items())
    }
    head = {
        "about": place.ABOUT,
        "scenario": parameters.scenario,
        "description": SCENARIOS[parameters.scenario].description,
        "seed": parameters.seed,
        "start": parameters.start.isoformat(),
        "days": parameters.days,
        "missing_hours": earlier.missing_hours + delivery.missing_hours,
        "unreadable_files": earlier.unreadable_files + delivery.unreadable_files,
        "fates": earlier.fates | fates,
        "rollouts": delivery.rollouts,
        "columns": list(truth_table.COLUMNS),
        "rows": rows,
        "history": histories.truth(),
    }
    place.write_whole(out / place.TRUTH, json.dumps(head, separators=(",", ":")))
