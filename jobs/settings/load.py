"""Settings from all layers, and what is said of a wrong one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jobs.errors import UsageError
from jobs.secrets import shown_wrong
from jobs.settings.layers import Layer, environment_layer, file_layer, flag_layer
from jobs.settings.sections import Settings

NEAR_ELSEWHERE = 0.75  # how alike a key of another section has to be, from 0 to 1
Sources = dict[tuple[str, str], str]


def load_settings(config: Path | None = None, overrides: Sequence[str] = ()) -> tuple[Settings, Sources]:
    """Merge file, environment and `section.key=value` overrides into settings.

    Args:
        config: a TOML file; None means `pdmetrics.toml` in the working directory, if it is there.
        overrides: values of the flag `--set`, each `section.key=value`; values are TOML, bare words are strings.

    Returns:
        The settings, and for each (section, key) where its value came from.

    Raises:
        UsageError: a missing or broken file, an unknown key or variable, or a value of the wrong type.
    """
    merged: dict[str, dict[str, Any]] = {}
    setters: dict[tuple[str, str], Layer] = {}
    for layer in (file_layer(config), environment_layer(), flag_layer(overrides)):
        for section, values in layer.values.items():
            if section not in Settings.model_fields or not isinstance(values, Mapping):
                raise _no_section(section, layer)
            for key, value in values.items():
                merged.setdefault(section, {})[key] = value
                setters[section, key] = layer
    try:
        settings = Settings(**merged)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _invalid(error, setters) from None
    sources = {name: layer.origin for name, layer in setters.items()}
    for section, field in Settings.model_fields.items():
        for key in type(field.default).model_fields:
            sources.setdefault((section, key), "default")
    # Each section anew: merging forgets which of its keys were set, and one set to its default was set all the same.
    fresh = {name: type(field.default)(**merged.get(name, {})) for name, field in Settings.model_fields.items()}
    return settings.model_copy(update=fresh), sources


def _no_section(name: str, layer: Layer) -> UsageError:
    """Say that something stands where only a section may."""
    known = Settings.model_fields
    if name in known:
        what, right = f"{name!r} is a section of settings, not a value.", f"give its keys: {', '.join(_keys(name))}"
    elif homes := [section for section in known if name in _keys(section)]:
        what, right = f"{name!r} stands outside of its section.", f"write it under [{' or ['.join(homes)}]"
    else:
        near = get_close_matches(name, known, n=1)
        values = layer.values[name]
        elsewhere = [_nearest(key) for key in values] if isinstance(values, Mapping) and not near else []
        found = dict.fromkeys(setting for setting in elsewhere if setting)
        what, right = f"Unknown settings section {name!r}.", f"write one of {', '.join(found or near or known)}"
    return UsageError(what, where=layer.place([name]), next_step=f"{layer.undo}, or {right}")


def _nearest(key: str) -> str:
    """Return the setting of any section whose key is nearest, as `[section] key`; nothing where none is near."""
    homes = {own: section for section in Settings.model_fields for own in _keys(section)}
    near = get_close_matches(key, homes, n=1, cutoff=NEAR_ELSEWHERE)
    return f"[{homes[near[0]]}] {near[0]}" if near else ""


def _keys(section: str) -> list[str]:
    return list(type(Settings.model_fields[section].default).model_fields)


def _invalid(error: ValidationError, setters: Mapping[tuple[str, str], Layer]) -> UsageError:
    """Say in one line each which key is wrong, where it was set and what would be right."""
    lines, where, mending = [], [], []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        section, key = path[:2]
        layer = setters[section, key]
        place = layer.place(path)
        line, right = _told(problem, section, key)
        lines.append(line)
        where.append(place)
        mending.append(f"{layer.undo}, or {right}")
    next_step = (
        mending[0]
        if len(mending) == 1
        else "; ".join(f"{place}: {mend}" for place, mend in zip(where, mending, strict=True))
    )
    return UsageError("\n".join(lines), where=", ".join(dict.fromkeys(where)), next_step=next_step)


def _told(problem: ErrorDetails, section: str, key: str) -> tuple[str, str]:
    """Return what is wrong with a setting, and what to write instead."""
    if problem["type"] == "extra_forbidden":
        known = _keys(section)
        near = get_close_matches(key, known, n=1)
        what = f"Unknown setting [{section}] {key}; that section has {', '.join(known)}."
        elsewhere = "" if near else _nearest(key)
        return what, f"write {near[0]}" if near else f"write {elsewhere}" if elsewhere else "write one of these"
    default = type(Settings.model_fields[section].default).model_fields[key].get_default(call_default_factory=True)
    such_as = "" if default in (None, {}, ()) else f" such as {default}"
    value = shown_wrong(key, problem["input"])
    return f"Setting [{section}] {key} = {value}: {problem['msg']}.", f"give a value{such_as}"
