"""A refused line with what points to a person masked: for logs, for a terminal, for a ticket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

MASK = "***"
# Of `performer` this alone is shown: whatever else it holds, now or later, is somebody's.
_SHOWN_OF_PERFORMER = {"is_logged_in", "is_temp", "is_bot", "edit_count_bucket", "language"}
# Masked wherever they stand; funnel tokens join the events of one page load.
_HIDDEN = re.compile(r"token|session_id|pageview_id|request_id|user_id|user_?name|user_text|(^|_)ip$|^x_client", re.I)
# Fields whose values are shown of what is no JSON object.
_HARMLESS = (
    r"\$schema|action|dt|domain|stream|database|skin|client_platform(?:_family)?|instrument_name|"
    r"element_friendly_name|edit_count_bucket|is_\w+"
)
_LITERAL = "true|false|null"
# Of such a text, in this order: a harmless field with its value, the name of a field, any other text (which may break
# off), a bare word. Quotes may be escaped, as those of JSON within JSON are.
_PIECES = re.compile(
    rf'(?P<shown>\\*"(?:{_HARMLESS})\\*"\s*:\s*(?:\\*"[^"\\]*\\*"|{_LITERAL}))'
    r'|(?P<key>\\*"[$\w.]{1,40}\\*"\s*:)'
    r'|(?P<text>\\*"(?:[^"\\]|\\(?!"))*(?:\\*"|$))'
    r'|(?P<word>[^\s,:{}\[\]"]+)'
)
_LONG_RUN = re.compile(r"[0-9a-fA-F]{6,}|\d{5,}")
_PAGE_SHOWN = 60  # characters of an error page that came instead of an event


def masked(line: str) -> str:
    """Return a line with user ids, names, sessions, page views and tokens masked.

    Of a JSON object the fields are masked, and what they held wherever else it stands. Of anything else (a line that
    broke off, say) the names of fields and the values of those known to be harmless are shown, no long run of digits.
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return _masked_text(line)
    if isinstance(found, str):  # JSON within JSON
        return json.dumps(masked(found), ensure_ascii=False)
    if not isinstance(found, dict):
        return _masked_text(line)
    secrets = sorted({text for text in _secrets(found) if len(text) > 2}, key=len, reverse=True)
    return json.dumps(_masked_value(found, secrets), ensure_ascii=False, separators=(",", ":"))


def printable(text: str) -> str:
    """Return a text without what moves a terminal's cursor or cannot be written, which is shown as its escape."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _is_hidden(key: str, parent: str) -> bool:
    return key not in _SHOWN_OF_PERFORMER if parent == "performer" else bool(_HIDDEN.search(key))


def _secrets(value: Any, key: str = "", is_hidden: bool = False) -> Iterator[str]:
    """Yield the texts and numbers that hidden fields hold."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _secrets(one, name, is_hidden or _is_hidden(name, key))
    elif isinstance(value, list):
        for one in value:
            yield from _secrets(one, key, is_hidden)
    elif (is_hidden or key == "performer") and isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)


def _masked_value(value: Any, secrets: list[str], key: str = "", is_hidden: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            _without(name, secrets): _masked_value(one, secrets, name, is_hidden or _is_hidden(name, key))
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_masked_value(one, secrets, key, is_hidden) for one in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    if is_hidden or key == "performer" or str(value) in secrets:
        return MASK
    if isinstance(value, str):
        return _without(masked(value) if value.lstrip()[:1] in ("{", "[") else value, secrets)
    return value


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _masked_text(text: str) -> str:
    if text.lstrip().startswith("<"):
        return _LONG_RUN.sub(MASK, text[:_PAGE_SHOWN] + ("…" if len(text) > _PAGE_SHOWN else ""))
    return _LONG_RUN.sub(MASK, _PIECES.sub(_masked_piece, text))


def _masked_piece(found: re.Match[str]) -> str:
    if found["shown"] or found["key"] or found[0] in _LITERAL.split("|"):
        return found[0]
    return f'"{MASK}"' if found["text"] else MASK
