"""Settings and command lines as they may be shown: in messages, in logs, on a screen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Names of what opens something, as PyIceberg, Hadoop and we spell them; Spark is told the same pattern.
SECRET = (
    "password|secret|token|credential|authorization|(account|access|api|shared|private)[-_.]?key|connection[-_.]?string"
)
ADDRESSES = "urls"  # of `[alerts]`: whoever knows one can write there, so nothing but the kind of place is shown
SALT = "salt"  # of `[privacy]`; where its file is may be shown
HIDDEN = "(set)"
_IN_QUERY = re.compile(rf"(?P<name>[?&;][\w.-]*({SECRET})[\w.-]*=)[^&;\s]+", re.IGNORECASE)  # `…/catalog?password=…`
PERSONAL = ("--user-id", "--user-hash")  # of `purge`: whose rows go is not to be kept anywhere


def shown(key: str, value: object) -> str:
    """Return a setting, or a part of one, as text, without what is nobody's business on a screen."""
    if is_secret(key) or key.lower() == SALT:
        return HIDDEN if value is not None else str(None)
    if key == ADDRESSES:
        return ", ".join(kind_of(str(one)) for one in (value if isinstance(value, list | tuple) else [value]))
    if isinstance(value, Mapping):
        return str(
            {name: HIDDEN if is_secret(f"{key}.{name}") else shown(str(name), inner) for name, inner in value.items()}
        )
    return _IN_QUERY.sub(r"\g<name>…", re.sub(r"(://[^/:@]*):[^@/]*@", r"\1:…@", str(value)))


def is_secret(key: str) -> bool:
    """Whether a setting, or a property of a catalog or of Spark, is called like what opens something."""
    return re.search(SECRET, key, re.IGNORECASE) is not None


def kind_of(address: str) -> str:
    """Return what may be shown of an address for alarms: its first word, if it has one."""
    scheme, found, _ = address.partition("://")
    return f"{scheme}://…" if found and re.fullmatch(r"[a-zA-Z][\w+.-]{0,19}", scheme) else HIDDEN


def shown_wrong(key: str, value: object) -> str:
    """Return a value that is refused as it was written, so that it is found again; a secret one as it may be shown."""
    may_be_shown = shown(key, value)
    return repr(value) if key != ADDRESSES and may_be_shown == str(value) else may_be_shown


def shown_flag(text: str) -> str:
    """Return the text of `--set section.key=value`, whose key may be a wrong one: without any address or secret."""
    name, equals, value = text.partition("=")
    is_open = (
        "://" not in value
        and not is_secret(name)
        and shown_wrong(name.rpartition(".")[2].strip(), value) == repr(value)
    )
    return text if is_open else f"{name}{equals}{HIDDEN}"


def shown_command(arguments: Sequence[str]) -> str:
    """Return a command line as it may be kept: without any address or secret, and without whose rows were asked for."""
    told, is_personal = [], False
    for text in arguments:
        option, equals, value = text.partition("=")
        if is_personal or (option in PERSONAL and equals):
            told.append(HIDDEN if is_personal else f"{option}={HIDDEN}")
        elif option == "--set" and equals:
            told.append(f"{option}={shown_flag(value)}")
        else:
            told.append(shown_flag(text) if equals else text)
        is_personal = option in PERSONAL and not equals and not is_personal
    return " ".join(told)
