"""How many editors could be invited, from everything that the simulated editors did: brute force, editor by editor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from jobs.simulation.history_edits import MAIN, Edits
from jobs.simulation.history_people import Editors
from jobs.simulation.sampling import Bool, Int
from jobs.simulation.truth_table import ALL, COLUMNS

AUDIENCE_COLUMNS = ("snapshot", *COLUMNS, "n_new_to_band", "n_left_band")
ALTERNATIVE_COLUMNS = ("snapshot", "wiki_db", "as_of_date", "window_days", "band", "choice", "alternative", "n_editors")
BANDS = ((100, 300), (100, 500))
WINDOWS = (14, 28)
METRIC = "eligible_editors"
_DEFINITION = {
    "namespace": "historical", "edit_count": "last", "bots": "now_or_then", "temporary": "out", "cross_wiki": "in",
    "deleted_revisions": "in",
}  # fmt: skip
_OTHERWISE = {
    "namespace": ("current",), "edit_count": ("first", "largest"), "bots": ("now", "then", "counted"),
    "temporary": ("in",), "cross_wiki": ("out",), "deleted_revisions": ("out",),
}  # fmt: skip


@dataclass(frozen=True)
class WikiHistory:
    """The revisions of a wiki's editors, by time, and what the dump of a snapshot says of each.

    Attributes:
        wiki_db: the wiki.
        first: first day of detail.
        editors: its editors.
        edits: their revisions.
        then, now: namespaces of the edited pages; -1 where unknown.
        is_deleted: whether the page was deleted since.
        is_old_layout: whether the dump does not know of cross-wiki accounts.
    """

    wiki_db: str
    first: date
    editors: Editors
    edits: Edits
    then: Int
    now: Int
    is_deleted: Bool
    is_old_layout: bool


@dataclass(frozen=True)
class _Window:
    """Who did what in one window, one entry an editor who made a revision."""

    first_count: Int
    last_count: Int
    largest_count: Int
    main: dict[tuple[str, str], Bool]
    bot_then: Bool
    bot_now: Bool
    is_temporary: Bool
    is_cross_wiki: Bool


def audience_truth(
    wiki: WikiHistory, snapshot: str, as_of: list[date]
) -> tuple[list[list[object]], list[list[object]]]:
    """Return rows of AUDIENCE_COLUMNS and of ALTERNATIVE_COLUMNS, one for each day, window and band (and choice).

    A count that the dump cannot tell is null.
    """
    rows: list[list[object]] = []
    otherwise: list[list[object]] = []
    for day in as_of:
        for length in WINDOWS:
            window = _window(wiki, (day - wiki.first).days, length)
            start = day - timedelta(days=length - 1)
            for least, most in BANDS:
                band = f"{least}-{most}"
                n, new, left = _counts(window, least, most)
                key: list[object] = [
                    METRIC,
                    wiki.wiki_db,
                    "rolling",
                    start.isoformat(),
                    day.isoformat(),
                    ALL,
                    ALL,
                    band,
                ]
                rows.append([snapshot, *key, n, n, None, n, new, left])
                for choice, value, among in _alternatives(window, least, most):
                    is_known = choice != "cross_wiki" or not wiki.is_old_layout
                    n_editors = int(among.sum()) if is_known else None
                    otherwise.append([snapshot, wiki.wiki_db, day.isoformat(), length, band, choice, value, n_editors])
    return rows, otherwise


def _window(wiki: WikiHistory, last: int, length: int) -> _Window:
    inside = np.flatnonzero((wiki.edits.day <= last) & (wiki.edits.day > last - length))
    edits, editors = wiki.edits.take(inside), wiki.editors
    who, place = np.unique(edits.editor, return_inverse=True)
    # By time; at equal seconds by count. An imported revision has a small count, wherever it comes.
    in_order = edits.count[np.lexsort((edits.count, edits.second, edits.day, place))]
    ends = np.cumsum(np.bincount(place, minlength=len(who)))
    largest = np.zeros(len(who), dtype=np.int64)
    np.maximum.at(largest, place, edits.count)

    def any_of(rows: Bool) -> Bool:
        return np.asarray(np.bincount(place, weights=rows, minlength=len(who)) > 0)

    stays = ~wiki.is_deleted[inside]
    main = {
        (name, kept): any_of((at[inside] == MAIN) & (stays | (kept == "in")))
        for name, at in (("historical", wiki.then), ("current", wiki.now))
        for kept in ("in", "out")
    }
    return _Window(
        in_order[np.append(0, ends)[:-1]], in_order[ends - 1], largest, main,
        any_of(editors.bot_then(edits.editor, edits.day)), editors.bot_now(who),
        editors.is_temporary[who], editors.is_cross_wiki[who],
    )  # fmt: skip


def _eligible(window: _Window, definition: dict[str, str]) -> Bool:
    """Mark who is eligible but for the band."""
    bots = {
        "now_or_then": window.bot_now | window.bot_then, "now": window.bot_now, "then": window.bot_then,
        "counted": np.zeros_like(window.bot_now),
    }[definition["bots"]]  # fmt: skip
    among = window.main[definition["namespace"], definition["deleted_revisions"]] & ~bots
    if definition["temporary"] == "out":
        among = among & ~window.is_temporary
    if definition["cross_wiki"] == "out":
        among = among & ~window.is_cross_wiki
    return np.asarray(among)


def _counts(window: _Window, least: int, most: int) -> tuple[int, int, int]:
    """Count who is in the band; of them who grew into it in the window; and who grew out of it."""
    among, before, last = _eligible(window, _DEFINITION), window.first_count - 1, window.last_count
    inside = among & (last >= least) & (last <= most)
    left = among & (before >= least) & (before <= most) & (last > most)
    return int(inside.sum()), int((inside & (before < least)).sum()), int(left.sum())


def _alternatives(window: _Window, least: int, most: int) -> Iterator[tuple[str, str, Bool]]:
    """Yield who is eligible where the definition differs by one choice."""
    for choice, values in _OTHERWISE.items():
        for value in values:
            definition = _DEFINITION | {choice: value}
            count = {"first": window.first_count, "last": window.last_count, "largest": window.largest_count}[
                definition["edit_count"]
            ]
            yield choice, value, _eligible(window, definition) & (count >= least) & (count <= most)
