"""Settings as they may be shown: in messages, in logs, on a screen."""

from __future__ import annotations

import re
from collections.abc import Mapping

SECRET = ("password", "secret", "token", "credential")
ADDRESSES = "urls"  # of `[alerts]`: whoever knows one can write there, so nothing but the kind of place is shown
SALT = "salt"  # of `[privacy]`; where its file is may be shown
HIDDEN = "(set)"


def shown(key: str, value: object) -> str:
    """Return a setting, or a part of one, as text, without what is nobody's business on a screen."""
    if any(word in key.lower() for word in SECRET) or key.lower() == SALT:
        return HIDDEN if value is not None else str(None)
    if key == ADDRESSES:
        return ", ".join(kind_of(str(one)) for one in (value if isinstance(value, list | tuple) else [value]))
    if isinstance(value, Mapping):
        return str({name: shown(str(name), inner) for name, inner in value.items()})
    return re.sub(r"(://[^/:@]*):[^@/]*@", r"\1:…@", str(value))


def kind_of(address: str) -> str:
    """Return what may be shown of an address for alarms: its first word, if it has one."""
    scheme, found, _ = address.partition("://")
    return f"{scheme}://…" if found and re.fullmatch(r"[a-zA-Z][\w+.-]{0,19}", scheme) else HIDDEN


def shown_wrong(key: str, value: object) -> str:
    """Return a value that is refused as it was written, so that it is found again; a secret one as it may be shown."""
    return shown(key, value) if key == ADDRESSES or shown(key, "") == HIDDEN else repr(value)


def shown_flag(text: str) -> str:
    """Return the text of `--set section.key=value`, whose key may be a wrong one: without any address or secret."""
    name, equals, value = text.partition("=")
    is_open = "://" not in value and shown_wrong(name.rpartition(".")[2].strip(), value) == repr(value)
    return text if is_open else f"{name}{equals}{HIDDEN}"
