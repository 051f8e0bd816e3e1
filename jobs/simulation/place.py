"""The folder of a world: what it says of itself, and whether it may be written to."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.console import counted
from jobs.errors import UsageError
from jobs.simulation.writer import CSVS, STREAM_FOLDER, day_path

ABOUT = "pdmetrics simulate: a synthetic world with known truth"
WORLD, TRUTH, HISTORY = "world.json", "truth.json", "history"
INCOMPLETE = "INCOMPLETE"  # as `jobs/raw` knows it: an input that holds it is not read
_PART = ".part"
_VERSION = 4  # of what is drawn from a seed: worlds of another one cannot be continued


@dataclass(frozen=True)
class Parameters:
    """The parameters of a world, which decide every byte of it."""

    scenario: str
    seed: int
    start: date
    days: int
    scale: float

    def __str__(self) -> str:
        length = counted(self.days, "day")
        return f"scenario {self.scenario}, {length} from {self.start}, seed {self.seed}, scale {self.scale:g}"


@dataclass(frozen=True)
class Present:
    """The world that a folder holds.

    Attributes:
        parameters: what it was made from; null of a world of another version.
        is_complete: whether it was written to its end.
        extending_to: the length of an extension that was cut off, else its own.
    """

    parameters: Parameters | None
    is_complete: bool
    extending_to: int

    def __str__(self) -> str:
        return "one of another version" if self.parameters is None else str(self.parameters)


def present(out: Path) -> Present | None:
    """Return what a folder says of the world in it; null where it holds none."""
    told = _told(out / WORLD)
    if told is None:
        return Present(None, False, 0) if _is_older_world(out) else None
    if told.get("version") != _VERSION:
        return Present(None, False, 0)
    parameters = Parameters(
        told["scenario"], told["seed"], date.fromisoformat(told["start"]), told["days"], told["scale"]
    )
    return Present(parameters, told["complete"], told["extending_to"])


def _told(path: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and told.get("about") == ABOUT else None


def _is_older_world(out: Path) -> bool:
    """Whether the folder holds a world written before worlds told their parameters."""
    try:
        with (out / TRUTH).open(encoding="utf-8") as stream:
            return ABOUT in stream.read(200)
    except OSError:
        return False


def prepare(out: Path, parameters: Parameters, *, replace: bool) -> None:
    """Make `out` ready: new, empty, or a world of the same parameters; any other world only if it is to be replaced.

    Raises:
        UsageError: `out` is a file, cannot be written, holds another world, or anything that is not of a world.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("The place for the world is a file.", where=str(out), next_step="name a directory with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        _refuse(out, parameters, replace)
        mark(out, parameters, is_complete=False)  # from here on a cut-off world is known as one
        (out / INCOMPLETE).touch()
        for name in ("raw", HISTORY):
            shutil.rmtree(out / name, ignore_errors=True)
        for name in (*CSVS, TRUTH):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write the world: {error.strerror}.", where=str(out)) from error


def _refuse(out: Path, parameters: Parameters, replace: bool) -> None:
    there = present(out)
    ours = {"raw", HISTORY, INCOMPLETE, WORLD, TRUTH, WORLD + _PART, TRUTH + _PART, *CSVS} if there else set()
    foreign = [path for path in sorted(out.iterdir()) if path.name not in ours]
    if there and (out / "raw").is_dir():
        foreign += [path for path in sorted((out / "raw").iterdir()) if path.name != STREAM_FOLDER]
    if foreign:
        what = "something that is not of the world" if there else "something, and it is no world"
        raise UsageError(
            f"The directory holds {what}.", where=str(foreign[0]), next_step="name a new directory with --out"
        )
    if there is None or there.parameters == parameters or replace:
        return
    raise UsageError(
        f"There is another world{'' if there.is_complete or not there.parameters else ', which was cut off'}: {there}.",
        where=str(out),
        next_step="--replace to write this one in its place, --extend N to give that one more days, or another --out",
    )


def extendable(out: Path) -> Parameters:
    """Return the parameters of the whole world that a folder holds.

    Raises:
        UsageError: there is none, or it was cut off or written by another version.
    """
    there = present(out)
    if there is None:
        raise UsageError(
            "There is no world to extend.", where=str(out), next_step="simulate one with --start and --days"
        )
    if there.parameters is None:
        what, step = "The world was written by another version and cannot be extended.", "simulate one of this version"
        raise UsageError(what, where=str(out), next_step=f"{step}: --start, --days and --replace")
    if not there.is_complete:
        raise UsageError(
            f"The world was cut off: {there}.", where=str(out), next_step="simulate it again, with the same options"
        )
    return there.parameters


def begin_extension(out: Path, shorter: Parameters, days: int) -> None:
    """Note that a world is being made `days` days long, and remove what an extension left that was cut off."""
    there = present(out)
    (out / INCOMPLETE).touch()
    for day in range(shorter.days, there.extending_to if there else 0):
        a_date = shorter.start + timedelta(days=day)
        shutil.rmtree(out / day_path(a_date), ignore_errors=True)
        if (a_date + timedelta(days=1)).day == 1:
            shutil.rmtree(out / HISTORY / f"{a_date:%Y-%m}", ignore_errors=True)
    mark(out, shorter, is_complete=True, extending_to=days)


def finish(out: Path, parameters: Parameters) -> None:
    """Say of a world that it is whole."""
    mark(out, parameters, is_complete=True)
    (out / INCOMPLETE).unlink(missing_ok=True)


def mark(out: Path, parameters: Parameters, *, is_complete: bool, extending_to: int | None = None) -> None:
    """Write what the folder says of its world."""
    told = {
        "about": ABOUT, "version": _VERSION, "complete": is_complete, "scenario": parameters.scenario,
        "seed": parameters.seed, "start": parameters.start.isoformat(), "days": parameters.days,
        "scale": parameters.scale,
        "extending_to": parameters.days if extending_to is None else extending_to,
    }  # fmt: skip
    write_whole(out / WORLD, json.dumps(told, indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never there by halves."""
    part = path.with_name(path.name + _PART)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
