"""The columns of a dump of mediawiki_history, in their order: 78 of them, 70 in older snapshots."""

from __future__ import annotations

_OF_USER = (
    "id", "central_id", "text_historical", "text", "blocks_historical", "blocks", "groups_historical", "groups",
    "is_bot_by_historical", "is_bot_by", "is_created_by_self", "is_created_by_system", "is_created_by_peer",
    "is_anonymous", "is_temporary", "is_permanent",
)  # fmt: skip
_DATES_OF_USER = ("registration_timestamp", "creation_timestamp", "first_edit_timestamp")
ALL_COLUMNS = (
    "wiki_db", "event_log_id", "event_entity", "event_type", "event_timestamp", "event_comment",
    *(f"event_user_{name}" for name in (*_OF_USER, "is_cross_wiki", *_DATES_OF_USER)),
    "event_user_revision_count", "event_user_seconds_since_previous_revision",
    "page_id", "page_title_historical", "page_title", "page_namespace_historical",
    "page_namespace_is_content_historical", "page_namespace", "page_namespace_is_content", "page_is_redirect",
    "page_is_deleted", "page_creation_timestamp", "page_first_edit_timestamp", "page_revision_count",
    "page_seconds_since_previous_revision",
    *(f"user_{name}" for name in (*_OF_USER, *_DATES_OF_USER)),
    "revision_id", "revision_parent_id", "revision_minor_edit", "revision_deleted_parts",
    "revision_deleted_parts_are_suppressed", "revision_text_bytes", "revision_text_bytes_diff", "revision_text_sha1",
    "revision_content_model", "revision_content_format", "revision_is_deleted_by_page_deletion",
    "revision_deleted_by_page_deletion_timestamp", "revision_is_identity_reverted",
    "revision_first_identity_reverting_revision_id", "revision_seconds_to_identity_revert",
    "revision_is_identity_revert", "revision_is_from_before_page_creation", "revision_tags",
)  # fmt: skip
YOUNG_COLUMNS = (
    "event_log_id", "event_user_central_id", "event_user_is_temporary", "event_user_is_permanent",
    "event_user_is_cross_wiki", "user_central_id", "user_is_temporary", "user_is_permanent",
)  # fmt: skip
"""Those that dumps of older snapshots do not have."""

OLD_COLUMNS = tuple(name for name in ALL_COLUMNS if name not in YOUNG_COLUMNS)
LAYOUTS = {len(names): names for names in (ALL_COLUMNS, OLD_COLUMNS)}
"""Nothing in a file says which layout it has, but the number of its columns."""
