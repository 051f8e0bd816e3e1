"""What editors do, day by day: their revisions, each with the edit count it brings its editor to, and the pages.

Every day is drawn by itself, so a longer world begins with the same revisions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from jobs.simulation.history_people import Editors
from jobs.simulation.sampling import Bool, Ids, Int
from jobs.simulation.seeds import Purpose, Seeds

MAIN, TALK, USER, USER_TALK, PROJECT, TEMPLATE, DRAFT = 0, 1, 2, 3, 4, 10, 118
_NAMESPACES = np.array([MAIN, TALK, USER, USER_TALK, PROJECT, TEMPLATE, DRAFT])
_NAMESPACE_SHARES = (0.71, 0.09, 0.04, 0.04, 0.05, 0.03, 0.04)
_MOVED_OUT, _MOVED_IN = 0.03, 0.6  # of articles that become drafts or user pages, of drafts that become articles
_DELETED = 0.03
_NAMELESS = 0.004  # pages of which nothing but the id is known
_MOVES_FROM = 18  # day of the month; all moves lie behind it
PAGES = 4000  # a month
_EDIT_AGAIN = 0.18  # of an edit on an edit day, that another follows
_SPREE, _SPREE_MEAN = 0.003, 25.0
_SAME_SECOND = 0.05
_OLD, _OLD_SAME_SECOND, _OLD_COUNT = 0.03, 0.5, 3  # of edits, that an imported one comes with; its count is a third
_OF_DAY = 300_000  # revision ids of a day
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Pages:
    """The pages of a month: edited in it and never again.

    Attributes:
        namespace, later_namespace: before and from `moved_on` on; -1 where it is unknown.
        moved_on: day of the month (0 the first), behind its end where a page is not moved.
        is_deleted: whether it is deleted in the last second of the month.
    """

    namespace: Int
    later_namespace: Int
    moved_on: Int
    is_deleted: Bool


@dataclass(frozen=True)
class Edits:
    """Revisions of one wiki's editors, by day and time; days count from the first day of detail.

    Attributes:
        day, second: when.
        editor: position in `Editors`.
        count: the editor's edits with this one.
        month, page: the page, by month of detail and number in it.
        number: revision id, without what is common to all of a wiki.
        bits: 64 random bits, for what does not matter.
        is_old: whether it was imported: it has the count its editor had where it was made, far below the others.
    """

    day: Int
    second: Int
    editor: Int
    count: Int
    month: Int
    page: Int
    number: Int
    bits: Ids
    is_old: Bool

    def take(self, where: Bool | Int) -> Edits:
        """Return the revisions of a mask or of positions."""
        return Edits(**{field.name: getattr(self, field.name)[where] for field in fields(Edits)})


def draw_pages(seeds: Seeds, month: int) -> Pages:
    """Draw the pages of a month."""
    rng = seeds.of(Purpose.pages, month)
    namespace = rng.choice(_NAMESPACES, PAGES, p=_NAMESPACE_SHARES)
    draw = rng.random(PAGES)
    out = np.where(rng.random(PAGES) < 0.5, DRAFT, USER)
    later = np.where((namespace == MAIN) & (draw < _MOVED_OUT), out, namespace)
    later = np.where((namespace == DRAFT) & (draw < _MOVED_IN), MAIN, later)
    nameless = rng.random(PAGES) < _NAMELESS
    return Pages(
        np.where(nameless, -1, namespace), np.where(nameless, -1, later),
        np.where(later != namespace, rng.integers(_MOVES_FROM, 28, PAGES), 31), rng.random(PAGES) < _DELETED,
    )  # fmt: skip


def draw_edits(seeds: Seeds, editors: Editors, visits: list[Int], months: list[int]) -> Edits:
    """Draw the revisions of all days.

    Args:
        seeds: of the wiki.
        editors: the others, then the dashboard's users.
        visits: by day, the positions of those who visit the dashboard on it, in their order.
        months: number of the month of each day.
    """
    count, parts = editors.count.copy(), []
    known = np.flatnonzero(editors.first_day <= len(visits))
    for day, visitors in enumerate(visits):
        rng = seeds.of(Purpose.edits, day)
        at_work = _at_work(rng, editors, known, visitors, day)
        editor, new = _allowed(editors, count, at_work, _edits_each(rng, len(at_work)), day)
        parts.append(_revisions(rng, editor, count[editor], new, day, months[day]))
        count[editor] += new
    return _joined(parts)


def _at_work(rng: np.random.Generator, editors: Editors, known: Int, visitors: Int, day: int) -> Int:
    """Return who edits on a day, in their order; those who visit and those with a rate are drawn one by one."""
    there = known[(editors.first_day[known] <= day) & (day < editors.last_day[known])]
    by_rate = there[rng.random(len(there)) < editors.rate[there]]
    by_visit = visitors[rng.random(len(visitors)) < editors.on_visit[visitors]]
    return np.union1d(by_rate, by_visit)


def _edits_each(rng: np.random.Generator, n: int) -> Int:
    """Draw the edits of an edit day: mostly one or two, seldom a spree."""
    edits = rng.geometric(1 - _EDIT_AGAIN, n)
    spree = rng.random(n) < _SPREE
    return np.asarray(edits + np.where(spree, rng.geometric(1 / _SPREE_MEAN, n), 0), dtype=np.int64)


def _allowed(editors: Editors, count: Int, at_work: Int, edits: Int, day: int) -> tuple[Int, Int]:
    """Keep the edit counts of dashboard users within the buckets that their events tell of.

    Who changes bucket on this day makes the edits that it takes; nobody makes more than his bucket has room for.
    """
    changing = np.flatnonzero(editors.change_day == day)
    editor = np.union1d(at_work, changing)
    wanted = np.zeros(len(editor), dtype=np.int64)
    wanted[np.searchsorted(editor, at_work)] = edits
    wanted = np.where(
        editors.change_day[editor] == day, np.maximum(wanted, editors.next_least[editor] - count[editor]), wanted
    )
    end = np.where(editors.change_day[editor] <= day, editors.later_end[editor], editors.end[editor])
    new = np.clip(wanted, 0, np.maximum(end - count[editor], 0))
    return editor[new > 0], new[new > 0]


def _revisions(rng: np.random.Generator, editor: Int, count: Int, new: Int, day: int, month: int) -> Edits:
    """Return a day's revisions by time; of one editor later ones have larger counts, also within one second."""
    n = int(new.sum())
    who = np.repeat(editor, new)
    second = rng.integers(0, _DAY_SECONDS, n)
    second = second[np.lexsort((second, who))]
    nth = np.arange(n) - np.repeat(np.cumsum(new) - new, new)
    again = (nth > 0) & (rng.random(n) < _SAME_SECOND)
    second = np.where(again, np.roll(second, 1), second)
    page, bits = rng.integers(0, PAGES, n), rng.integers(0, 2**64, n, dtype=np.uint64)
    order = np.argsort(second, kind="stable")
    own = Edits(
        day=np.full(n, day), second=second[order], editor=who[order],
        count=(np.repeat(count, new) + nth + 1)[order], month=np.full(n, month), page=page[order],
        number=day * _OF_DAY + np.arange(n), bits=bits[order], is_old=np.zeros(n, dtype=bool),
    )  # fmt: skip
    return _with_old(rng, own)


def _with_old(rng: np.random.Generator, own: Edits) -> Edits:
    """Let revisions be imported, in the same second as one of their editor's or later on its day.

    So an editor's largest count is not always that of his last revision, and at equal seconds the file decides nothing.
    """
    chosen = own.take(np.flatnonzero(rng.random(len(own.day)) < _OLD))
    n = len(chosen.day)
    later = chosen.second + (rng.random(n) * (_DAY_SECONDS - chosen.second)).astype(np.int64)
    old = replace(
        chosen,
        second=np.where(rng.random(n) < _OLD_SAME_SECOND, chosen.second, later),
        count=np.maximum(chosen.count // _OLD_COUNT, 1), page=rng.integers(0, PAGES, n),
        number=chosen.number + len(own.day), bits=rng.integers(0, 2**64, n, dtype=np.uint64),
        is_old=np.ones(n, dtype=bool),
    )  # fmt: skip
    return _joined([own, old]).take(np.argsort(np.concatenate([own.second, old.second]), kind="stable"))


def _joined(parts: list[Edits]) -> Edits:
    """Put revisions one behind the other."""
    return Edits(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Edits)}
    )


def namespaces(edits: Edits, pages: list[Pages], day_of_month: Int) -> tuple[Int, Int]:
    """Return the namespaces of the edited pages, then and now; -1 where they are unknown."""
    then, now = np.empty(len(edits.page), dtype=np.int64), np.empty(len(edits.page), dtype=np.int64)
    for month, drawn in enumerate(pages):
        mine = np.flatnonzero(edits.month == month)
        page = edits.page[mine]
        moved = day_of_month[edits.day[mine]] >= drawn.moved_on[page]
        then[mine] = np.where(moved, drawn.later_namespace[page], drawn.namespace[page])
        now[mine] = drawn.later_namespace[page]
    return then, now
