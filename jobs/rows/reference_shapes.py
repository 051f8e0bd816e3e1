"""Reference shapes: counts of people at a rate that says little, by a declared assumption (`reference_shapes`).

Users of a wiki are taken to come about as often as they did while everything was kept, in whatever number.
The law of visits of a wiki's latest whole window of the same length stands in for what sampling left out. It is used
only where the wiki's own weeks speak for it: each whole week, thinned to 10 %, is estimated with the shape of every
other one, and the intervals shown must hold the truth in 93 of 100 pairs. The heaviest weight of the reference that
does is taken. Never for shares: there the assumption fails unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations
from typing import cast

import numpy as np
import pandas as pd

from jobs.estimation.answers import PeopleEstimate
from jobs.estimation.fits import FitTask
from jobs.rows.fitting import Fitting, Key
from jobs.rows.whole_windows import full_unit
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import REVIEWERS, ROLLING, VISITORS
from jobs.windows import DAY, TWO_YEARS, in_words, rolling_start

WEEK, LENGTHS = 7, (7, 28)
THINNED = 0.1
"""The rate at which a shape is tried out; it says nothing about lower ones."""

WEIGHTS = (100.0, 30.0, 10.0)
"""Users of the reference that are added to those seen, tried from the heaviest."""

MOST_WEEKS, FEWEST_PAIRS, COVERED = 6, 12, 0.93
LAW = ["wiki_db", "counted", "window_days", "as_of_date", "sample_unit"]
LAW_COLUMNS = [*LAW, "metric_date", "sample_rate", "n_units", "n_users"]


def law_windows(context: WindowContext, mondays: Sequence[date]) -> pd.DataFrame:
    """List the windows that end on some Mondays and were kept whole, by one sampling unit.

    Returns:
        `LAW`, `metric_date`; dates plain.
    """
    populations = {VISITORS: "dashboard_visitors", REVIEWERS: "reviewers"}
    metrics = {of: context.catalogue.metrics[name] for of, name in populations.items()}
    rows = []
    for last in mondays:
        for length in LENGTHS:
            first = rolling_start(last, length)
            for wiki in context.visible_wikis(first):
                for counted, metric in metrics.items():
                    unit = full_unit(context, metric, wiki, first, last + DAY)
                    if unit is not None and context.arrival.is_complete(first, last + DAY):
                        rows.append((wiki, counted, length, last, unit, first))
    return pd.DataFrame(rows, columns=[*LAW, "metric_date"])


def laws_of(windows: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Turn counted users into rows of `visit_laws`.

    Args:
        windows: from `law_windows`.
        counts: from `transforms.visit_laws`, of wikis' copies at rate 1 and at `THINNED` (`copy_name`).
    """
    if counts.empty:  # nobody came
        return pd.DataFrame(columns=LAW_COLUMNS)
    names = counts["wiki_db"].str.rsplit("@", n=1, expand=True)
    own = counts.assign(wiki_db=names[0], sample_rate=names[1].astype(float), as_of_date=counts["as_of_date"].dt.date)
    parts = []
    for counted, units in ((VISITORS, "k_load"), (REVIEWERS, "k_review")):
        some = own[own[units] > 0].rename(columns={units: "n_units"}).assign(counted=counted)
        parts.append(some.groupby([*LAW[:4], "sample_rate", "n_units"], as_index=False)[["n_users"]].sum())
    laws = pd.concat(parts, ignore_index=True).merge(windows, on=LAW[:4], how="inner")
    return laws[LAW_COLUMNS]


@dataclass(frozen=True)
class _Law:
    """How often users came in a window: kept units, and how many users have so many, at one rate."""

    as_of_date: date
    units: np.ndarray
    users: np.ndarray


@dataclass(frozen=True)
class _Trial:
    """What a wiki's own weeks say of a weight of the reference."""

    weight: float
    shown: int
    covered: int

    @property
    def holds(self) -> bool:
        """Whether intervals may be shown with it."""
        return self.shown >= FEWEST_PAIRS and self.covered >= COVERED * self.shown


class Shapes:
    """The laws of visits of whole windows, asked for by wiki, population, unit and date.

    Args:
        laws: rows of `visit_laws`; empty where reference shapes are not asked for.
    """

    def __init__(self, laws: pd.DataFrame) -> None:
        self._laws: dict[Key, list[_Law]] = {}
        if laws.empty:
            return
        ordered = laws.sort_values([*LAW, "sample_rate", "n_units"])
        for key, rows in ordered.groupby(["wiki_db", "counted", "window_days", "sample_unit", "sample_rate"]):
            of_key = self._laws.setdefault(key, [])
            for last, law in rows.groupby("as_of_date"):
                units, users = (law[name].to_numpy(np.int64) for name in ("n_units", "n_users"))
                of_key.append(_Law(cast(date, last), units, users))

    def __bool__(self) -> bool:
        """Whether there is any law."""
        return bool(self._laws)

    def latest(self, wiki: str, counted: str, length: int, unit: str, as_of: date) -> _Law | None:
        """Return the law of the last whole window of a length that ended by a date."""
        known = [law for law in self._laws.get((wiki, counted, length, unit, 1.0), ()) if _is_known(law, as_of)]
        return known[-1] if known else None

    def weeks(self, wiki: str, counted: str, unit: str, as_of: date) -> list[tuple[_Law, _Law]]:
        """Return the last whole weeks that ended by a date: each as it was, and thinned."""
        thinned = {law.as_of_date: law for law in self._laws.get((wiki, counted, WEEK, unit, THINNED), ())}
        whole = [law for law in self._laws.get((wiki, counted, WEEK, unit, 1.0), ()) if _is_known(law, as_of)]
        return [(law, thinned[law.as_of_date]) for law in whole if law.as_of_date in thinned][-MOST_WEEKS:]


def _is_known(law: _Law, as_of: date) -> bool:
    """Whether a window had ended by a date, and not too long before."""
    return as_of - TWO_YEARS < law.as_of_date <= as_of


def with_reference(
    answers: Mapping[Key, PeopleEstimate], tasks: Mapping[Key, FitTask], units: Mapping[Key, str], shapes: Shapes,
    fitting: Fitting,
) -> dict[Key, PeopleEstimate]:  # fmt: skip
    """Answer with a reference shape what has no estimate without one, where the wiki's own weeks speak for it.

    Args:
        answers: by (population, window); a window is named by `VISIT_WINDOW`.
        tasks: the fits behind the answers.
        units: the sampling unit of each window.
        shapes: the laws there are.
        fitting: how fits are made.

    Returns:
        The answers that a reference shape changes.
    """
    if not shapes:
        return {}
    asked = [key for key in tasks if _is_asked(key, answers[key], tasks[key])]
    laws = {key: shapes.latest(*_law_of(key, units[key])) for key in asked}
    places = {key: (key[1][0], key[0], units[key], _last_day(key[1])) for key in asked if laws[key] is not None}
    trials = _trials(set(places.values()), shapes, fitting)
    fits = {
        key: _task(tasks[key].arguments, law, key[1][3], trials[place].weight)
        for key, place in places.items()
        if (law := laws[key]) is not None and trials[place].holds
    }
    found = fitting.run(fits)
    return {
        key: _told(answer, trials[places[key]])
        for key, answer in found.items()
        if answer.estimator == "npmle_reference"
    }


def _is_asked(key: Key, plain: PeopleEstimate, task: FitTask) -> bool:
    _, kind, _, length, _ = key[1]
    is_sampled_alone = THINNED <= task.arguments["rate"] < 1 and task.arguments["n_full"] == 0
    return (
        kind == ROLLING and length in LENGTHS and is_sampled_alone and plain.status in ("bounds_only", "not_estimable")
    )


def _law_of(key: Key, unit: str) -> tuple[str, str, int, str, date]:
    counted, (wiki, _, _, length, _) = key
    return wiki, counted, length, unit, _last_day(key[1])


def _last_day(window: Key) -> date:
    last: date = pd.Timestamp(window[4]).date()
    return last


def _task(arguments: Mapping[str, object], law: _Law, length: int, weight: float) -> FitTask:
    first = rolling_start(law.as_of_date, length)
    own = {name: arguments[name] for name in ("k", "m", "rate", "noun", "limits")}
    reference = {
        "reference_n": law.units, "reference_m": law.users, "n0": weight,
        "reference_window": in_words(first, law.as_of_date + DAY),
    }  # fmt: skip
    return FitTask("reference_users_estimate", own | reference)


def _trials(places: Iterable[Key], shapes: Shapes, fitting: Fitting) -> dict[Key, _Trial]:
    """Try out the weights on each wiki's weeks; the heaviest that holds, else the last one tried."""
    open_places, found = sorted(places, key=str), {}
    for weight in WEIGHTS:
        pairs = {
            (place, *names): task for place in open_places for names, task in _pairs(place, shapes, weight, fitting)
        }
        answers = fitting.run({name: task for name, (task, _) in pairs.items()})
        for place in open_places:
            own = [(answers[name], truth) for name, (_, truth) in pairs.items() if name[0] == place]
            found[place] = _judged(weight, own)
        open_places = [place for place in open_places if not found[place].holds]
    return found


def _pairs(place: Key, shapes: Shapes, weight: float, fitting: Fitting) -> Iterator[tuple[Key, tuple[FitTask, float]]]:
    """Yield each whole week, thinned, with the shape of each other one: names of both, the fit, and the truth."""
    wiki, counted, unit, as_of = place
    for (whole, thinned), (other, _) in permutations(shapes.weeks(wiki, counted, unit, as_of), 2):
        arguments = {
            "k": thinned.units, "m": thinned.users, "rate": THINNED, "noun": counted, "limits": fitting.limits,
        }  # fmt: skip
        task = _task(arguments, other, WEEK, weight)
        yield (whole.as_of_date, other.as_of_date), (task, float(whole.users.sum()))


def _judged(weight: float, pairs: Sequence[tuple[PeopleEstimate, float]]) -> _Trial:
    shown = [(own.lower, own.upper, truth) for own, truth in pairs if own.estimator == "npmle_reference"]
    covered = sum(
        lower is not None and upper is not None and lower <= truth <= upper for lower, upper, truth in shown
    )  # fmt: skip
    return _Trial(weight, len(shown), covered)


def _told(answer: PeopleEstimate, trial: _Trial) -> PeopleEstimate:
    """Add what the wiki's own weeks say to the reason."""
    record = (
        f"tried on this wiki's whole weeks thinned to 10 % the interval held {trial.covered} of {trial.shown} times"
    )
    reason = (answer.status_reason or "").removesuffix(".")
    return replace(answer, status_reason=f"{reason}; {record}.")
