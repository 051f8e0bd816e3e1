"""Dumps of mediawiki_history: a snapshot for each month that ends in the world, and how many could be invited.

A snapshot tells of its month and the one before in full, and of what was earlier by single rows: of the days of detail
one revision in twenty, and a few from before them. Its days of detail begin with the month before that of the world.

Far fewer editors edit than on the real wikis. `CALIBRATED` says what English Wikipedia was fitted to.
"""

from __future__ import annotations

import bz2
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from jobs.simulation.history_dirt import with_malformed_rows
from jobs.simulation.history_edits import Edits, Pages, draw_edits, draw_pages, namespaces
from jobs.simulation.history_layout import Layout, month_after, month_end
from jobs.simulation.history_lines import RevisionWriter, day_numbers, rows_beside
from jobs.simulation.history_people import Editors, draw_others, joined, visiting_editors
from jobs.simulation.history_truth import ALTERNATIVE_COLUMNS, AUDIENCE_COLUMNS, WikiHistory, audience_truth
from jobs.simulation.place import HISTORY, Parameters
from jobs.simulation.population import Pageviews, Users
from jobs.simulation.sampling import DAY_MS, Int, epoch_ms
from jobs.simulation.scenarios import Scenario, WikiSpec
from jobs.simulation.seeds import Purpose, Seeds

CALIBRATED = (
    "English Wikipedia is calibrated: its editors are drawn so that shares of bands and windows come near those "
    "published of the real one (100-300 of 100-500 edits: 0.717 in two weeks and 0.734 in four; four weeks over two: "
    "1.593 for 100-500 and 1.631 for 100-300), at about a third of its size. So these shares prove nothing."
)
PUBLISHED = {"share_14": 0.717, "share_28": 0.734, "growth_500": 1.593, "growth_300": 1.631}
OLD_LAYOUT = frozenset({"trwiki"})  # 70 columns
_BY_MONTH, _BY_YEAR = frozenset({"enwiki"}), frozenset({"idwiki", "trwiki"})  # the others have one file
_OTHERS = {"enwiki": 1.0, "idwiki": 0.5}
_OTHERS_ELSEWHERE = 0.5  # per dashboard user that the scenario names
_FULL_MONTHS = 2
_THINNED = 20
_BESIDE = 0.06  # other rows per revision
_BZIP_LEVEL = 1
_EARLIER_SHARE, _EARLIER_DAYS = 0.03, 120


@dataclass(frozen=True)
class Calendar:
    """The days that dumps of a world tell of.

    Attributes:
        first: first day of detail.
        snapshots: first days of the months that have a snapshot.
        days: days of detail, to the end of the last snapshot.
        offset: day of detail on which the world begins.
    """

    first: date
    snapshots: tuple[date, ...]
    days: int
    offset: int

    @classmethod
    def of(cls, start: date, days: int) -> Calendar:
        """Return that of a world."""
        first, end = month_after(start, -1), start + timedelta(days=days)
        months = [month_after(start, number) for number in range(days // 28 + 2)]
        snapshots = tuple(month for month in months if month_end(month) < end)
        last = month_end(snapshots[-1]) if snapshots else first
        return cls(first, snapshots, (last - first).days + 1, (start - first).days)

    def months(self) -> list[date]:
        """First days of the months of detail."""
        return [month_after(self.first, n) for n in range(len(self.snapshots) + _FULL_MONTHS - 1)]

    def month_of_day(self) -> list[int]:
        """Number of the month of each day of detail."""
        return [number for number, month in enumerate(self.months()) for _ in range(month_end(month).day)]

    def as_of(self, snapshot: date) -> list[date]:
        """Days that truth is told of: the end of the month before, two within the month, and its end."""
        last = month_end(snapshot)
        return [snapshot - timedelta(days=1), *(last - timedelta(days=back) for back in (14, 7, 0))]


@dataclass(frozen=True)
class WikiDumps:
    """A wiki whose dumps can be written."""

    seeds: Seeds
    history: WikiHistory
    writer: RevisionWriter


class Histories:
    """Draws what the dumps of a world tell of, wiki by wiki, then writes them.

    Attributes:
        calendar: its days.
        malformed: malformed rows by snapshot, wiki and reason.
    """

    def __init__(self, parameters: Parameters, scenario: Scenario) -> None:
        """Begin with no wiki; nothing is drawn where no month ends in the world or its scenario has no dumps."""
        self._parameters, self._is_dirty = parameters, scenario.dirt
        self.calendar = Calendar.of(parameters.start, parameters.days if scenario.history else 0)
        self._wikis: list[WikiDumps] = []

    def add_wiki(self, number: int, wiki: WikiSpec, users: Users, views: Pageviews) -> None:
        """Draw a wiki's editors, among them the users of its dashboard, and what they do."""
        calendar, seeds = self.calendar, Seeds(self._parameters.seed, number)
        if not calendar.snapshots:
            return
        others = _others(wiki, self._parameters.scale)
        editors = joined(
            [
                draw_others(seeds, others, calendar.first, calendar.months()),
                visiting_editors(users, number, calendar.offset),
            ]
        )
        pages = [draw_pages(seeds, month) for month in range(len(calendar.months()))]
        visits = _visits(views, len(editors.user_id) - len(users.user_id), calendar, self._parameters.start)
        edits = draw_edits(seeds, editors, visits, calendar.month_of_day())
        then, now = namespaces(edits, pages, day_numbers(calendar.first, calendar.days))
        is_old, name = wiki.wiki_db in OLD_LAYOUT, wiki.wiki_db
        history = WikiHistory(name, calendar.first, editors, edits, then, now, _deleted(edits, pages), is_old)
        writer = RevisionWriter(name, Layout(is_old=is_old), calendar.first, editors, pages)
        self._wikis.append(WikiDumps(seeds, history, writer))

    def write(self, out: Path, since: date, report: Callable[[float], None]) -> tuple[str, ...]:
        """Write the snapshots of months that end on `since` or later, and return their names."""
        wanted = [month for month in self.calendar.snapshots if month_end(month) >= since]
        with ThreadPoolExecutor(1) as zipping:  # bzip2 takes as long as the rows do, and needs no lock
            for number, month in enumerate(wanted):
                written = [
                    zipping.submit(_write_file, path, rows)
                    for wiki in self._wikis
                    for path, rows in self._files(out, wiki, month)
                ]
                for one in written:
                    one.result()
                report((number + 1) / len(wanted))
        return tuple(f"{month:%Y-%m}" for month in wanted)

    def _files(self, out: Path, wiki: WikiDumps, month: date) -> Iterator[tuple[Path, list[str]]]:
        """Yield the files of a snapshot, the rows of each in no order."""
        name, snapshot = wiki.history.wiki_db, f"{month:%Y-%m}"
        folder = out / HISTORY / snapshot / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, (bucket, rows) in enumerate(sorted(self.rows(wiki, month).items())):
            order = wiki.seeds.of(Purpose.dumps, self._number(month) * 1000 + number).permutation(len(rows)).tolist()
            yield folder / f"{snapshot}.{name}.{bucket}.tsv.bz2", [rows[at] for at in order]

    def _number(self, month: date) -> int:
        """Count the months since the first of detail."""
        return self.calendar.months().index(month)

    def rows(self, wiki: WikiDumps, month: date) -> dict[str, list[str]]:
        """Return the rows of a snapshot by bucket."""
        name, number = wiki.history.wiki_db, self._number(month)
        found: defaultdict[str, list[str]] = defaultdict(list)
        edits = wiki.history.edits
        for of_month, day in enumerate(self.calendar.months()[: number + 1]):
            inside = edits.month == of_month
            is_full = of_month > number - _FULL_MONTHS
            mine = edits.take(inside if is_full else inside & (edits.number % _THINNED == 0))
            rows = found[_bucket(name, day)]
            rows += wiki.writer.rows(mine)
            if is_full:
                rows += self._beside(wiki, edits.take(inside), of_month)
            if self._is_dirty and of_month == number:
                rows += self._malformed(wiki, month)[0]
        for day, row in _earlier(wiki):
            found[_bucket(name, day)].append(row)
        return found

    def _beside(self, wiki: WikiDumps, edits: Edits, of_month: int) -> list[str]:
        days, counts = np.unique(edits.day, return_counts=True)
        return [
            row
            for day, n in zip(days.tolist(), counts.tolist(), strict=True)
            for row in rows_beside(wiki.writer, wiki.seeds.of(Purpose.beside, day), day, int(n * _BESIDE))
        ]

    def _malformed(self, wiki: WikiDumps, month: date) -> tuple[list[str], Counter[str]]:
        rng = wiki.seeds.of(Purpose.dumps, self._number(month) * 1000 + 999)
        return with_malformed_rows(rng, wiki.writer, wiki.history.edits, (month_end(month) - self.calendar.first).days)

    def truth(self) -> dict[str, object]:
        """Return what truth.json says of the dumps."""
        rows: list[list[object]] = []
        otherwise: list[list[object]] = []
        malformed: dict[str, dict[str, dict[str, int]]] = {}
        for month in self.calendar.snapshots:
            snapshot = f"{month:%Y-%m}"
            for wiki in self._wikis:
                own = audience_truth(wiki.history, snapshot, self.calendar.as_of(month))
                rows += own[0]
                otherwise += own[1]
                if self._is_dirty:
                    counts = dict(sorted(self._malformed(wiki, month)[1].items()))
                    malformed.setdefault(snapshot, {})[wiki.history.wiki_db] = counts
        is_calibrated = any(wiki.history.wiki_db == "enwiki" for wiki in self._wikis)
        return {
            "calibrated": CALIBRATED if is_calibrated else None, "malformed": malformed,
            "columns": list(AUDIENCE_COLUMNS), "rows": rows,
            "alternative_columns": list(ALTERNATIVE_COLUMNS), "alternatives": otherwise,
        }  # fmt: skip


def _write_file(path: Path, rows: list[str]) -> None:
    path.write_bytes(bz2.compress("".join(f"{row}\n" for row in rows).encode(), _BZIP_LEVEL))


def _others(wiki: WikiSpec, scale: float) -> int:
    return max(round(wiki.users * scale * _OTHERS.get(wiki.wiki_db, _OTHERS_ELSEWHERE)), 10)


def _visits(views: Pageviews, first_visitor: int, calendar: Calendar, start: date) -> list[Int]:
    """Return who visits the dashboard on each day of detail, as positions behind the other editors."""
    day = (views.time - epoch_ms(start)) // DAY_MS + calendar.offset
    return [
        np.unique(views.user[(day == number) & views.is_dashboard]) + first_visitor for number in range(calendar.days)
    ]


def _deleted(edits: Edits, pages: Sequence[Pages]) -> np.ndarray:
    return np.asarray(np.array([drawn.is_deleted for drawn in pages])[edits.month, edits.page])


def _bucket(wiki_db: str, day: date) -> str:
    """Return the file that holds a day."""
    if wiki_db in _BY_MONTH:
        return f"{day:%Y-%m}"
    return f"{day:%Y}" if wiki_db in _BY_YEAR else "all-time"


def _earlier(wiki: WikiDumps) -> list[tuple[date, str]]:
    """Return single revisions from before the days of detail, each with a count its editor had then."""
    editors: Editors = wiki.history.editors
    rng = wiki.seeds.of(Purpose.beside, 100_000)
    able = np.flatnonzero((editors.count > 5) & ~editors.is_visitor & (editors.registered > _EARLIER_DAYS))
    chosen = able[rng.random(len(able)) < _EARLIER_SHARE]
    n = len(chosen)
    edits = Edits(
        day=-rng.integers(1, _EARLIER_DAYS, n), second=rng.integers(0, 86_400, n), editor=chosen,
        count=1 + (rng.random(n) * (editors.count[chosen] - 1)).astype(np.int64), month=np.zeros(n, dtype=np.int64),
        page=rng.integers(0, 1000, n), number=-1 - np.arange(n), bits=rng.integers(0, 2**64, n, dtype=np.uint64),
        is_old=np.zeros(n, dtype=bool),
    )  # fmt: skip
    days = [wiki.writer.first + timedelta(days=int(day)) for day in edits.day]
    return list(zip(days, wiki.writer.rows(edits), strict=True))
