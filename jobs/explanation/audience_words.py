"""Words of an audience: what each choice of the definition means, and what became of rows of dumps."""

from __future__ import annotations

CHOICES = {
    ("namespace", "historical"): "a main-namespace page is one that was there when it was edited",
    ("namespace", "current"): "a main-namespace page is one that is there now",
    ("edit_count", "last"): "the edit count at the last revision in the window",
    ("edit_count", "first"): "the edit count at the first revision in the window",
    ("edit_count", "largest"): "the largest edit count in the window",
    ("bots", "now_or_then"): "whom any row in the window calls a bot, now or then, is one",
    ("bots", "now"): "whom the dump calls a bot now is one",
    ("bots", "then"): "whom the dump called a bot at a revision is one",
    ("bots", "counted"): "bots are counted as well",
    ("temporary", "out"): "temporary accounts are left out",
    ("temporary", "in"): "temporary accounts are counted as well",
    ("cross_wiki", "in"): "accounts that are marked as cross-wiki are counted",
    ("cross_wiki", "out"): "accounts that are marked as cross-wiki are left out",
    ("deleted_revisions", "in"): "edits of pages that were deleted since are edits",
    ("deleted_revisions", "out"): "edits of pages that were deleted since are none",
}
"""By choice and value."""
FATES = {"out_of_scope": "out of scope", "quarantined": "quarantined", "kept": "kept, revisions of the windows' days"}
"""In the order they are told."""
HIDDEN = "hidden: fewer editors than may be shown"
UNKNOWN = "not known: these dumps do not say it"


def in_words(definition: str) -> str:
    """Say what an eligible editor is taken to be; a definition is written as what differs from the contract's."""
    return f"not the contract's definition: {definition}" if definition else "the contract's definition"
