"""The wire format of dumps of mediawiki_history: columns of both layouts, escapes, rows put together of parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache

_ACCOUNT = (
    "id", "central_id", "text_historical", "text", "blocks_historical", "blocks", "groups_historical", "groups",
    "is_bot_by_historical", "is_bot_by", "is_created_by_self", "is_created_by_system", "is_created_by_peer",
    "is_anonymous", "is_temporary", "is_permanent",
)  # fmt: skip
_SINCE = ("registration_timestamp", "creation_timestamp", "first_edit_timestamp")
_EVENT = ("wiki_db", "event_log_id", "event_entity", "event_type", "event_timestamp", "event_comment")
EVENT_USER = tuple(f"event_user_{name}" for name in (*_ACCOUNT, "is_cross_wiki", *_SINCE))
_COUNTED = ("event_user_revision_count", "event_user_seconds_since_previous_revision")
PAGE = (
    "page_id", "page_title_historical", "page_title", "page_namespace_historical",
    "page_namespace_is_content_historical", "page_namespace", "page_namespace_is_content", "page_is_redirect",
    "page_is_deleted", "page_creation_timestamp", "page_first_edit_timestamp",
)  # fmt: skip
_PAGE_COUNTED = ("page_revision_count", "page_seconds_since_previous_revision")
USER = tuple(f"user_{name}" for name in (*_ACCOUNT, *_SINCE))
REVISION = (
    "revision_id", "revision_parent_id", "revision_minor_edit", "revision_deleted_parts",
    "revision_deleted_parts_are_suppressed", "revision_text_bytes", "revision_text_bytes_diff", "revision_text_sha1",
    "revision_content_model", "revision_content_format", "revision_is_deleted_by_page_deletion",
    "revision_deleted_by_page_deletion_timestamp", "revision_is_identity_reverted",
    "revision_first_identity_reverting_revision_id", "revision_seconds_to_identity_revert",
    "revision_is_identity_revert", "revision_is_from_before_page_creation", "revision_tags",
)  # fmt: skip
COLUMNS = (*_EVENT, *EVENT_USER, *_COUNTED, *PAGE, *_PAGE_COUNTED, *USER, *REVISION)
NEW = frozenset(
    {
        "event_log_id", "event_user_central_id", "event_user_is_temporary", "event_user_is_permanent",
        "event_user_is_cross_wiki", "user_central_id", "user_is_temporary", "user_is_permanent",
    }
)  # fmt: skip
"""What the layout of 78 columns has and that of 70 has not."""

_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Layout:
    """One of the two layouts, by its number of columns."""

    def __init__(self, *, is_old: bool) -> None:
        self.columns = tuple(name for name in COLUMNS if not (is_old and name in NEW))
        self._kept = frozenset(self.columns)

    def part(self, names: Iterable[str], values: Mapping[str, str]) -> str:
        """Write some columns that follow each other; what has no value is null, which is nothing at all."""
        return "\t".join(values.get(name, "") for name in names if name in self._kept)

    def row(self, values: Mapping[str, str]) -> str:
        """Write a whole row."""
        return self.part(self.columns, values)

    def template(self, fixed: Mapping[str, str], varying: Iterable[str], parts: Mapping[tuple[str, ...], str]) -> str:
        """Return a row for `%`: varying columns and parts of the row are named, as in `%(revision_id)s`.

        Args:
            fixed: values that are the same in all rows.
            varying: columns that are filled in.
            parts: names of parts that are filled in as a whole, by their columns.
        """
        first = {columns[0]: (f"%({name})s", set(columns)) for columns, name in parts.items()}
        inner = {name for columns in parts for name in columns}
        values = dict(fixed) | {name: f"%({name})s" for name in varying}
        cells = []
        for name in self.columns:
            if name in first:
                cells.append(first[name][0])
            elif name not in inner:
                cells.append(values.get(name, ""))
        return "\t".join(cells)


def text(value: str) -> str:
    """Write a text: what would end a field or a row is escaped."""
    return value.translate(_ESCAPES)


def array(values: Iterable[str]) -> str:
    """Write a list: a comma within one of its values is escaped."""
    return ",".join(text(value).replace(",", "\\,") for value in values)


def flag(value: object) -> str:
    """Write a truth value."""
    return "true" if value else "false"


@cache
def clock() -> tuple[str, ...]:
    """Return the times of a day by its second, as they stand behind the date."""
    return tuple(f" {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}.0" for s in range(86_400))


def moment(day: date, second: int) -> str:
    """Write a time."""
    return day.isoformat() + clock()[second]


def month_end(day: date) -> date:
    """Return the last day of a month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def month_after(day: date, by: int = 1) -> date:
    """Return the first day of a month later, or earlier."""
    number = day.year * 12 + day.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)
