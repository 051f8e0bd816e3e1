"""Rows of mediawiki_history: revisions of the simulated editors, and what else stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from jobs.simulation.history_edits import MAIN, PAGES, Edits, Pages
from jobs.simulation.history_layout import (
    EVENT_USER,
    PAGE,
    Layout,
    array,
    clock,
    flag,
    moment,
    month_after,
    month_end,
    text,
)
from jobs.simulation.history_people import Bot, Editors, editor_name, registered_on
from jobs.simulation.sampling import Int

_COMMENTS = (
    "", "typo", "/* History */ new section", "copyedit, see [[talk]]", "fixed a table\nin two lines", "ref\tadded",
    'rv "vandalism" by an IP', "düzeltme", "/* เกิด */ แก้ไข", "+1", "kategori", "link \\ fixed",
)  # fmt: skip
_TAGS = ((), (), (), ("visualeditor",), ("mobile edit", "mobile web edit"), ("mw-undo",), ("wikilove, sent", "mw-new"))
_TITLES = ("River", "Saint-Étienne", "Küçük Ağa", "ประเทศไทย", 'The "Great" Fire', "Kota, Jawa", "List_of_lists")
_SEEN = {
    "event_entity": "revision", "event_type": "create", "page_is_redirect": "false", "revision_deleted_parts": "",
    "revision_deleted_parts_are_suppressed": "false", "revision_content_model": "wikitext",
    "revision_content_format": "text/x-wiki", "revision_is_identity_reverted": "false",
    "revision_is_identity_revert": "false", "revision_is_from_before_page_creation": "false",
}  # fmt: skip
_VARYING = (
    "event_timestamp", "event_comment", "event_user_revision_count", "page_revision_count", "revision_id",
    "revision_parent_id", "revision_minor_edit", "revision_text_bytes", "revision_text_bytes_diff",
    "revision_text_sha1", "revision_is_deleted_by_page_deletion", "revision_deleted_by_page_deletion_timestamp",
    "revision_tags",
)  # fmt: skip
IMPORTED = "1 revision imported"
_FIRST_REVISION = 1_200_000_000
_RENAMED, _BOT_THEN = 1, 2


@dataclass(frozen=True)
class RevisionWriter:
    """Writes the revisions of one wiki.

    Attributes:
        wiki_db: the wiki.
        layout: of its dumps.
        first: first day of detail.
        editors: its editors.
        pages: its pages by month.
    """

    wiki_db: str
    layout: Layout
    first: date
    editors: Editors
    pages: list[Pages]

    def rows(self, edits: Edits) -> list[str]:
        """Return a row for each revision."""
        if len(edits.day) == 0:
            return []
        template = self.layout.template(
            _SEEN | {"wiki_db": self.wiki_db}, _VARYING, {EVENT_USER: "editor", PAGE: "page"}
        )
        days = {day: self.first + timedelta(days=day) for day in np.unique(edits.day).tolist()}
        names = {day: a_date.isoformat() for day, a_date in days.items()}
        ends = {day: moment(month_end(a_date), 86_399) for day, a_date in days.items()}
        deleted = np.array([self.pages[m].is_deleted for m in range(len(self.pages))])[edits.month, edits.page]
        who, page, times = self._who(edits), self._page(edits, days), clock()
        comments, tags = [text(one) for one in _COMMENTS], [array(one) for one in _TAGS]
        return [
            template % {
                "event_timestamp": names[day] + times[second],
                "event_comment": IMPORTED if is_old else comments[bits % 12], "editor": editor,
                "event_user_revision_count": count, "page": of_page, "page_revision_count": 1 + bits % 977,
                "revision_id": _FIRST_REVISION + number, "revision_parent_id": number + bits % 100_000,
                "revision_minor_edit": "true" if bits & 3 == 0 else "false",
                "revision_text_bytes": 400 + bits % 40_009, "revision_text_bytes_diff": bits % 613 - 150,
                "revision_text_sha1": f"{bits:x}",
                "revision_is_deleted_by_page_deletion": "true" if gone else "false",
                "revision_deleted_by_page_deletion_timestamp": ends[day] if gone else "",
                "revision_tags": tags[bits % 7],
            }
            for day, second, editor, count, of_page, number, bits, gone, is_old in zip(
                edits.day.tolist(), edits.second.tolist(), who, edits.count.tolist(), page, edits.number.tolist(),
                edits.bits.tolist(), deleted.tolist(), edits.is_old.tolist(), strict=True,
            )
        ]  # fmt: skip

    def _who(self, edits: Edits) -> list[str]:
        """Return the editor's columns of each revision; they change when he is renamed or loses his group."""
        editors = self.editors
        state = (edits.day >= editors.renamed_on[edits.editor]) * _RENAMED
        state = state + editors.bot_then(edits.editor, edits.day) * _BOT_THEN
        keys, inverse = np.unique(edits.editor * 4 + state, return_inverse=True)
        parts = [self.layout.part(EVENT_USER, self._editor(key // 4, key % 4)) for key in keys.tolist()]
        return [parts[i] for i in inverse.tolist()]

    def _editor(self, number: int, state: int) -> dict[str, str]:
        editors, bot = self.editors, int(self.editors.bot[number])
        is_temporary = bool(editors.is_temporary[number])
        name = editor_name(
            int(editors.label[number]), is_visitor=bool(editors.is_visitor[number]), is_temporary=is_temporary, bot=bot
        )
        renames = editors.renamed_on[number] > 0
        made = moment(registered_on(self.first, int(editors.registered[number])), int(editors.user_id[number]) % 86_400)
        by_name = ["name"] if bot in (Bot.by_name, Bot.by_both) else []
        then = ["group"] if bot in (Bot.by_group, Bot.by_both) or (bot == Bot.lost_group and state & _BOT_THEN) else []
        now = ["group"] if bot in (Bot.by_group, Bot.by_both, Bot.new_group) else []
        user_id = int(editors.user_id[number])
        groups = ["extendedconfirmed", "editor, of pages"] if user_id % 5 == 0 else []
        return {
            "event_user_id": str(user_id), "event_user_central_id": str(user_id * 3 + 77),
            "event_user_text_historical": text(f"{name} (old name)" if renames and not state & _RENAMED else name),
            "event_user_text": text(name), "event_user_blocks_historical": "",
            "event_user_groups_historical": array(["bot"] * len(then) + groups),
            "event_user_groups": array(["bot"] * len(now) + groups),
            "event_user_is_bot_by_historical": array(by_name + then), "event_user_is_bot_by": array(by_name + now),
            "event_user_is_created_by_self": flag(not is_temporary),
            "event_user_is_created_by_system": flag(is_temporary), "event_user_is_created_by_peer": "false",
            "event_user_is_anonymous": "false", "event_user_is_temporary": flag(is_temporary),
            "event_user_is_permanent": flag(not is_temporary),
            "event_user_is_cross_wiki": flag(editors.is_cross_wiki[number]),
            "event_user_registration_timestamp": made, "event_user_creation_timestamp": "" if user_id % 4 else made,
        }  # fmt: skip

    def _page(self, edits: Edits, days: dict[int, date]) -> list[str]:
        """Return the page's columns of each revision; they change when it is moved."""
        of_month = {day: a_date.day - 1 for day, a_date in days.items()}
        at = np.array([of_month[day] for day in edits.day.tolist()])
        moved_on = np.array([pages.moved_on for pages in self.pages])[edits.month, edits.page]
        keys, inverse = np.unique((edits.month * PAGES + edits.page) * 2 + (at >= moved_on), return_inverse=True)
        parts = [self.layout.part(PAGE, self.page(key // 2, has_moved=bool(key % 2))) for key in keys.tolist()]
        return [parts[i] for i in inverse.tolist()]

    def page(self, key: int, *, has_moved: bool) -> dict[str, str]:
        """Return the columns of a page: then, before or after its move, and now."""
        month, number = divmod(key, PAGES)
        pages = self.pages[month]
        then, now = int(pages.namespace[number]), int(pages.later_namespace[number])
        title = f"{_TITLES[number % len(_TITLES)]} {number}"
        moves = then != now
        made = moment(month_after(self.first, month), number)
        if now < 0:
            return {"page_id": str(5_000_000 + key), "page_is_redirect": "false", "page_is_deleted": "false"}
        seen = now if has_moved else then
        return {
            "page_id": str(5_000_000 + key), "page_title": text(title),
            "page_title_historical": text(f"{title} (draft)" if moves and not has_moved else title),
            "page_namespace_historical": str(seen), "page_namespace_is_content_historical": flag(seen == MAIN),
            "page_namespace": str(now), "page_namespace_is_content": flag(now == MAIN), "page_is_redirect": "false",
            "page_is_deleted": flag(pages.is_deleted[number]), "page_creation_timestamp": made,
        }  # fmt: skip


def rows_beside(writer: RevisionWriter, rng: np.random.Generator, day: int, n: int) -> Iterator[str]:
    """Yield other rows of a day: revisions by nobody who has an account here, and events of pages and users."""
    a_date, layout = writer.first + timedelta(days=day), writer.layout
    month = (a_date.year - writer.first.year) * 12 + a_date.month - writer.first.month
    draws: list[list[int]] = rng.integers(0, 2**31, (n, 3)).tolist()
    for number, (kind, second, what) in enumerate(draws):
        page = writer.page(month * PAGES + what % PAGES, has_moved=False)
        at = {"wiki_db": writer.wiki_db, "event_timestamp": moment(a_date, second % 86_400)}
        if kind % 10 < 6:
            seen = _SEEN | {"revision_id": str(_FIRST_REVISION + day * 300_000 + 250_000 + number)}
            yield layout.row(seen | {"revision_is_deleted_by_page_deletion": "false"} | page | at | _nobody(kind, what))
        elif kind % 10 < 8:
            yield layout.row(at | page | _acting(what) | {
                "event_entity": "page", "event_type": ("create", "create-page", "move", "delete", "restore")[what % 5],
                "event_log_id": str(what),
            })  # fmt: skip
        else:
            changed = {name.removeprefix("event_"): value for name, value in _acting(what // 3).items()}
            yield layout.row(at | _acting(what) | changed | {
                "event_entity": "user", "event_type": ("create", "rename", "altergroups", "alterblocks")[what % 4],
                "event_log_id": str(what), "user_blocks": array(["sitewide, for a day"]) if what % 4 == 3 else "",
            })  # fmt: skip


def _nobody(kind: int, what: int) -> dict[str, str]:
    """Columns of a revision without an account: an address, an editor of another wiki, or somebody who is hidden."""
    if kind % 10 == 5:
        return {"revision_deleted_parts": array(["text", "user"])}
    is_imported = kind % 10 == 4
    name = f"de>Autor {what % 999}" if is_imported else f"192.0.2.{what % 255}"
    return {
        "event_user_text_historical": name, "event_user_text": name, "event_user_is_anonymous": "true",
        "event_user_is_temporary": "false", "event_user_is_permanent": "false",
        "event_user_is_cross_wiki": flag(is_imported), "event_comment": text(_COMMENTS[what % len(_COMMENTS)]),
    }  # fmt: skip


def _acting(what: int) -> dict[str, str]:
    """Columns of somebody who does something that is no revision; his count of revisions is not told."""
    name = f"Warden {what % 50}"
    return {
        "event_user_id": str(500 + what % 50), "event_user_text_historical": name, "event_user_text": name,
        "event_user_groups_historical": array(["sysop"]), "event_user_groups": array(["sysop"]),
        "event_user_is_anonymous": "false", "event_user_is_temporary": "false", "event_user_is_permanent": "true",
        "event_user_is_cross_wiki": "false",
    }  # fmt: skip


def day_numbers(first: date, days: int) -> Int:
    """Return the day of the month, 0 the first, of each day of detail."""
    return np.array([(first + timedelta(days=day)).day - 1 for day in range(days)], dtype=np.int64)
