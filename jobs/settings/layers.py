"""Where settings come from: a TOML file, the environment, flags. Each layer can say where a value of its own stands."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic_settings import EnvSettingsSource

from jobs.errors import UsageError
from jobs.secrets import SALT, shown_flag
from jobs.settings.sections import ENV_PREFIX, Settings

DEFAULT_FILE = Path("pdmetrics.toml")
# Variables that are no settings: of the command line, and from CLI on of the scheduler only (dags/README.md).
OTHER_VARIABLES = tuple(
    ENV_PREFIX + name
    for name in (
        "WAREHOUSE", "LOG_FORMAT", "INPUT", "CONFIG",
        "CLI", "TASKS", "RUNNER", "POOL", "RETRIES", "RETRY_MINUTES", "ASK_MINUTES", "WAIT_HOURS",
        "LATE_HOURS", "TASK_HOURS",
    )
)  # fmt: skip
_OF_TESTS = f"{ENV_PREFIX}TEST_"


@dataclass(frozen=True)
class Layer:
    """Settings of one origin.

    Attributes:
        origin: what `doctor` calls it.
        values: by section and key.
        place: where a value stands, by its path (section, key and what is inside of it), for people.
        undo: what to do about a value that should not be there.
    """

    origin: str
    values: Mapping[str, Any]
    place: Callable[[Sequence[str]], str]
    undo: str


def file_layer(config: Path | None) -> Layer:
    """Read the TOML file; None means `pdmetrics.toml` in the working directory, if it is there.

    Raises:
        UsageError: a file that is missing, cannot be read or is no TOML.
    """
    path = config or DEFAULT_FILE
    text, values = "", {}
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except FileNotFoundError:
        if config is not None:
            step = "check --config, or PDMETRICS_CONFIG"
            raise _bad_file("There is no such configuration file.", path, step) from None
    except IsADirectoryError:
        raise _bad_file(
            "The configuration is a directory, not a file.",
            path,
            f"name the file in it: --config {path}/{DEFAULT_FILE}",
        ) from None
    except OSError as error:
        raise _bad_file(f"The configuration cannot be read: {error.strerror}.", path, "check its permissions") from None
    except UnicodeDecodeError:
        raise _bad_file("The configuration is not UTF-8.", path, "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise _bad_file(f"The configuration is not TOML: {error}.", path, "mend that line") from None

    def place(keys: Sequence[str]) -> str:
        line = line_of(text, keys)
        return str(path) if line is None else f"{path}, line {line}"

    return Layer(str(path), values, place, "take that line out")


def _bad_file(what: str, path: Path, next_step: str) -> UsageError:
    return UsageError(what, where=str(path), next_step=next_step)


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """Return the line of a TOML text in which a value is complete: with the lines up to it, the key is there.

    Statements of TOML end with lines, so the lines before the end of a statement are a text of their own; a value of
    several lines is found at its last one.
    """
    lines = text.splitlines(keepends=True)
    for number in range(1, len(lines) + 1):
        try:
            found: Any = tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                break
            found = found[key]
        else:
            return number
    return None


def environment_layer() -> Layer:
    """Read the variables `PDMETRICS_<SECTION>__<KEY>`.

    Raises:
        UsageError: a variable with our prefix that nobody knows, or that is not the JSON it should be.
    """
    ours = sorted(name for name in os.environ if name.upper().startswith(ENV_PREFIX))
    unknown = [name for name in ours if not _is_known(name)]
    if unknown:
        raise _unknown_variables(unknown)
    try:
        found = EnvSettingsSource(Settings)()
    except ValueError:
        wrong = [name for name in ours if _takes_json(name) and not _is_json(os.environ[name])]
        raise UsageError(
            f"{' and '.join(wrong)} must be JSON.",
            where=", ".join(f"environment variable {name}" for name in wrong),
            next_step=f"unset it, or write {' or '.join(dict.fromkeys(_takes_json(name) for name in wrong))}",
        ) from None

    def place(keys: Sequence[str]) -> str:
        wanted = ENV_PREFIX + "__".join(keys).upper()
        setting = [name for name in ours if _is_inside(wanted, name.upper()) or _is_inside(name.upper(), wanted)]
        return f"environment variable {max(setting, key=len)}"

    return Layer("environment", {section: values for section, values in found.items() if values}, place, "unset it")


def _is_inside(name: str, other: str) -> bool:
    return f"{name}__".startswith(f"{other}__")


def _settings_variables() -> list[str]:
    return [
        f"{ENV_PREFIX}{section}__{key}".upper()
        for section, field in Settings.model_fields.items()
        for key in type(field.default).model_fields
    ]


def _is_known(name: str) -> bool:
    if name in OTHER_VARIABLES or name.startswith(_OF_TESTS) or name.upper() in _settings_variables():
        return True
    section, _, key = name.upper().removeprefix(ENV_PREFIX).lower().partition("__")
    field = Settings.model_fields.get(section)
    if field is None or not key:
        return field is not None
    return type(field.default).model_config.get("extra") == "allow" or (section, key.split("__")[0]) == (
        "spark",
        "conf",
    )


def _takes_json(name: str) -> str:
    """Return what JSON a variable takes that holds a whole section, Spark's keys or a list; else nothing."""
    setting = name.upper().removeprefix(ENV_PREFIX).lower()
    if setting == "alerts__urls":
        return 'a list such as ["json://host/path"]'
    return 'an object such as {"key": "value"}' if setting in {*Settings.model_fields, "spark__conf"} else ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _unknown_variables(names: Sequence[str]) -> UsageError:
    """Say which variables nobody reads, and which names are the nearest."""
    known = [name.removeprefix(ENV_PREFIX) for name in (*_settings_variables(), *OTHER_VARIABLES)]
    lines, right = [], []
    for name in names:
        near = get_close_matches(name.upper().removeprefix(ENV_PREFIX), known, n=1)
        right += [ENV_PREFIX + word for word in near]
        lines.append(f"Nothing reads {name}" + "".join(f"; {ENV_PREFIX}{word} is near" for word in near) + ".")
    it = "it" if len(names) == 1 else "them"
    ways = f"write {' and '.join(right)}" if right else f"name a setting: {ENV_PREFIX}<SECTION>__<KEY>"
    where = ", ".join(f"environment variable {name}" for name in names)
    return UsageError("\n".join(lines), where=where, next_step=f"unset {it}, or {ways}")


def flag_layer(overrides: Sequence[str]) -> Layer:
    """Read the values of the flag `--set`, each `section.key=value`.

    Raises:
        UsageError: a value of another form.
    """
    values: dict[str, dict[str, Any]] = {}
    texts: dict[tuple[str, ...], str] = {}
    for text in overrides:
        name, equals, raw = text.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (equals and dot and key):
            raise UsageError(
                "--set takes section.key=value.",
                where=shown_flag(text),
                next_step="for example --set privacy.min_users=20",
            )
        if (section, key) == ("privacy", SALT):
            raise UsageError(
                "The salt is not taken from a flag, which everybody who may list processes can read.",
                where=f"flag --set {shown_flag(text)}",
                next_step="set PDMETRICS_PRIVACY__SALT, or [privacy] salt_file",
            )
        try:
            value = tomllib.loads(f"value = {raw}")["value"]
        except tomllib.TOMLDecodeError:
            value = raw
        values.setdefault(section, {})[key] = value
        texts[section,] = texts[section, key] = shown_flag(text)

    def place(keys: Sequence[str]) -> str:
        return f"flag --set {texts[tuple(keys[:2])]}"

    return Layer("flag --set", values, place, "leave it out")
