"""The typed JSON of a line: the fields in use, and what is wrong with a line that does not fit.

The common line takes one strict pass of `msgspec` into the structs below. A line that fails takes the slow way once: it
is parsed as plain JSON, and every field in use is looked at in the contract's order. Both are strict JSON (RFC 8259: no
NaN, no raw control characters, nothing after the object). What the contract leaves open is decided here:

- In a field nobody reads anything goes that JSON allows, numbers of any length and bytes that are no UTF-8 included. In
  a field in use such bytes make the line malformed, whatever else is wrong with it.
- An escaped half of a surrogate pair (a browser cut a text in the middle of an emoji) is read as `?`.
- Of a repeated name the last value counts, its type included.
- A null is absent. An integer written as `1.0` or `1e3`, or beyond 64 bits, is a wrong type.
- Values nested deeper than MAX_DEPTH make the line malformed, wherever they stand: how deep a parser can go depends on
  where it is called from, and a line has one fate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np

Text = str | None
Flag = bool | None
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None


# No cycles are possible among them, so the garbage collector need not look: that halves the time.
class Meta(msgspec.Struct, gc=False):
    """`meta`."""

    id: Text = None
    dt: Text = None


class Agent(msgspec.Struct, gc=False):
    """`agent`."""

    client_platform_family: Text = None


class Mediawiki(msgspec.Struct, gc=False):
    """`mediawiki`."""

    database: Text = None


class Performer(msgspec.Struct, gc=False):
    """`performer`."""

    id: Whole = None
    name: Text = None
    is_logged_in: Flag = None
    is_temp: Flag = None
    is_bot: Flag = None
    edit_count_bucket: Text = None
    session_id: Text = None
    pageview_id: Text = None


class Event(msgspec.Struct, gc=False, rename={"schema_uri": "$schema"}):
    """The fields in use of an event; unknown fields are tolerated, so nothing else is ever looked at."""

    schema_uri: Text = None
    action: Text = None
    dt: Text = None
    instrument_name: Text = None
    element_friendly_name: Text = None
    funnel_entry_token: Text = None
    meta: Meta | None = None
    agent: Agent | None = None
    mediawiki: Mediawiki | None = None
    performer: Performer | None = None


PARENTS: Mapping[str, type[msgspec.Struct]] = {
    "meta": Meta, "agent": Agent, "mediawiki": Mediawiki, "performer": Performer,
}  # fmt: skip
# The order in which a wrongly typed field is looked for; the first one names the reason. A wrong `instrument_name`
# names none: such a line is another instrument's.
ORDER = (
    "$schema", "action", "meta.dt", "mediawiki.database", "performer.pageview_id", "performer.session_id", "dt",
    "element_friendly_name", "funnel_entry_token", "agent.client_platform_family", "performer.id", "performer.name",
    "performer.is_logged_in", "performer.is_temp", "performer.is_bot", "performer.edit_count_bucket", "meta.id",
)  # fmt: skip
NUMBERS, FLAGS = {"performer.id"}, {"performer.is_logged_in", "performer.is_temp", "performer.is_bot"}

Wrong = list[str] | None
_NO_META, _NO_AGENT, _NO_WIKI, _NO_PERFORMER = Meta(), Agent(), Mediawiki(), Performer()
_decode = msgspec.json.Decoder(Event).decode
_LONGEST_INTEGER = 20  # digits and sign; what is longer is beyond 64 bits
MAX_DEPTH = 500
_SHALLOW = 2 * MAX_DEPTH  # bytes; what is deeper than MAX_DEPTH and closed again is longer
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# Any escape; `half` is one of half a surrogate pair without the other.
_ESCAPE = re.compile(
    rb"\\(?:[^u]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|u)",
    re.DOTALL,
)


def decode(line: bytes) -> tuple[Event | None, Wrong]:
    """Read one line.

    Returns:
        The event with what is well typed of it, or None where the line is no JSON object; and the dotted paths of the
        wrongly typed fields in the contract's order, a parent instead of its children, None where there is none.
    """
    if len(line) > _SHALLOW and _is_deep(line):
        return None, None
    try:
        return _decode(line), None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _look_closer(line)


def values(event: Event) -> tuple[Any, ...]:
    """Return an event's fields in the order of `reader.FIELDS`; an empty name or id counts as absent."""
    meta, performer = event.meta or _NO_META, event.performer or _NO_PERFORMER
    return (
        event.schema_uri,
        event.agent is not None,
        meta.dt,
        event.dt,
        meta.id or None,
        (event.mediawiki or _NO_WIKI).database or None,
        event.instrument_name or None,
        event.action or None,
        event.element_friendly_name or None,
        (event.agent or _NO_AGENT).client_platform_family or None,
        performer.edit_count_bucket or None,
        event.funnel_entry_token or None,
        performer.session_id or None,
        performer.pageview_id or None,
        performer.id,
        performer.name,
        performer.is_logged_in,
        performer.is_temp,
        performer.is_bot,
    )


def _look_closer(line: bytes) -> tuple[Event | None, Wrong]:
    """Read a line that the strict pass refused."""
    try:
        text = _ESCAPE.sub(_whole, line).decode("utf-8", errors="surrogateescape")
        found = json.loads(text, parse_int=_integer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    wrong = [name for name in PARENTS if not isinstance(found.get(name), dict | None)]
    fitting: dict[str, Any] = {name: {} for name in PARENTS if isinstance(found.get(name), dict)}
    for path in (*ORDER, "instrument_name"):
        parent, _, child = path.rpartition(".")
        if parent and parent not in fitting:
            continue
        value = found[parent].get(child) if parent else found.get(path)
        if isinstance(value, str) and not _is_text(value):
            return None, None
        if value is None or _fits(path, value):
            (fitting[parent] if parent else fitting)[child or path] = value
        elif path in ORDER:
            wrong.append(path)
    return msgspec.convert(fitting, Event), wrong or None


def _fits(path: str, value: Any) -> bool:
    if path in FLAGS:
        return isinstance(value, bool)
    if path in NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, str)


def _is_deep(line: bytes) -> bool:
    """Whether something in a line is nested deeper than MAX_DEPTH; brackets in strings do not count."""
    if line.count(b"{") + line.count(b"[") <= MAX_DEPTH:
        return False
    brackets = np.frombuffer(_STRING.sub(b"", line).translate(None, _NO_BRACKETS), dtype=np.uint8)
    steps = np.where((brackets == ord("{")) | (brackets == ord("[")), 1, -1)
    return bool(steps.size and np.cumsum(steps).max() > MAX_DEPTH)


def _whole(escape: re.Match[bytes]) -> bytes:
    return b"?" if escape["half"] else escape[0]


def _is_text(value: str) -> bool:
    """Whether every byte of a string was UTF-8."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _integer(digits: str) -> int | float:
    """Read an integer; one of thousands of digits, which Python refuses to read, is just too large."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float("inf")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
