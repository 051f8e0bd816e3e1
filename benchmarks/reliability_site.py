"""What the parts of `reliability.py` share: a warehouse to disturb, what undisturbed runs give, a line a case."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.integration import worlds

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "reliability.jsonl"
FIRST, NEXT, DAYS = "2026-03-15", "2026-03-16", 4  # a Sunday, then a Monday with its self-validation
Contents = dict[str, set[tuple[object, ...]]]


@dataclass(frozen=True)
class Done:
    """How a command ended: its code, the lines of its error or else its last line, and how long it took."""

    code: int
    said: str
    seconds: float


@dataclass(frozen=True)
class Case:
    """One thing that was done to a warehouse.

    Attributes:
        part, engine, name: which case; a case that stands in the results is not done again.
        at: what the command had said last when it happened.
        code, said: how the disturbed command ended; a killed one has none.
        rerun: the exit code of the next plain run.
        differing: rows of all marts and tables that then differ from those of an undisturbed run; None if there is
            nothing to compare, since the fault is one that a person has to mend first.
        note: whatever else was seen.
    """

    part: str
    engine: str
    name: str
    at: str = ""
    code: int | None = None
    said: str = ""
    rerun: int | None = None
    differing: int | None = None
    note: str = ""


class Site:
    """A warehouse with its first day published, its copy, and what an undisturbed next day gives."""

    def __init__(
        self,
        folder: Path,
        *,
        engine: str = "embedded",
        scenario: str = "default",
        scale: float = 0.05,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.engine, self.environment = folder, engine, environment or {}
        self.world, self.warehouse, self.copy = folder / "world", folder / "warehouse", folder / "copy"
        folder.mkdir(parents=True, exist_ok=True)
        shape = ["--start", FIRST, "--days", str(DAYS), "--scenario", scenario, "--scale", str(scale), "--seed", "7"]
        self.finish(self.start(["simulate", "--out", str(self.world), *shape]))
        self.finish(self.start(self.run(FIRST)))
        shutil.copytree(self.warehouse, self.copy)
        self.before = self.contents()
        self.seconds = self.finish(self.start(self.run())).seconds
        self.expected = self.contents()

    def run(self, day: str = NEXT, steps: str = "ingest,estimates,marts") -> list[str]:
        """Return the command line of a run."""
        return [*self.command("run"), "--input", str(self.world), "--date", day, "--steps", steps]

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a command on the warehouse."""
        return ["--warehouse", str(self.warehouse), *arguments]

    def restore(self) -> None:
        """Put the warehouse back to its first day; Iceberg's paths are absolute, so it is always the same folder."""
        shutil.rmtree(self.warehouse, ignore_errors=True)
        shutil.copytree(self.copy, self.warehouse)

    def start(self, arguments: list[str], environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command in a process of its own; what it says goes to files."""
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            return subprocess.Popen(
                [sys.executable, "-m", "jobs", *arguments],
                stdout=out,
                stderr=err,
                text=True,
                cwd=ROOT,
                env={
                    **worlds.ENVIRONMENT,
                    "PDMETRICS_ENGINE__NAME": self.engine,
                    **self.environment,
                    **(environment or {}),
                },
            )

    def finish(self, process: subprocess.Popen[str], *, check: bool = True) -> Done:
        """Wait for a command."""
        began = time.monotonic()
        code = process.wait(timeout=900)
        if check and code != 0:
            raise RuntimeError(f"exit {code}: {self.said()}\n{(self.folder / 'err').read_text()}")
        return Done(code, self.said(), time.monotonic() - began)

    def do(self, arguments: list[str], environment: Mapping[str, str] | None = None) -> Done:
        """Do a command that may fail."""
        return self.finish(self.start(arguments, environment), check=False)

    def said(self) -> str:
        """Return the error of the last command, else its last line."""
        err, out = (self._text(name) for name in ("err", "out"))
        error = err.rfind("error: ")
        lines = err[error:].splitlines() if error >= 0 else (err.splitlines() or out.splitlines())[-1:]
        return " ".join(" ".join(lines).replace(str(self.folder), "…").split())[:400]

    def is_clear(self) -> bool:
        """Whether the last command, which failed, said what, where and what to do next, and showed no traceback."""
        text = self._text("err") + self._text("out")
        return "Traceback" not in text and "Unexpected" not in text

    def _text(self, name: str) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", (self.folder / name).read_text(errors="replace"))

    def contents(self) -> Contents:
        """Return every published row: of the marts, and of the tables, read past either engine."""
        return {**worlds.contents(self.warehouse), **worlds.lake_contents(self.warehouse)}

    def differing(self, expected: Contents | None = None) -> int:
        """Count the rows that are too many or missing."""
        wanted, found = expected or self.expected, self.contents()
        return sum(len(wanted.get(name, set()) ^ found.get(name, set())) for name in wanted.keys() | found.keys())


class Results:
    """The results file: one JSON line a case, appended as it is done."""

    def __init__(self, path: Path = RESULTS) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.cases = [Case(**json.loads(line)) for line in lines if line.strip()]

    def has(self, part: str, engine: str, name: str) -> bool:
        """Whether a case was done before."""
        return any((case.part, case.engine, case.name) == (part, engine, name) for case in self.cases)

    def add(self, case: Case) -> None:
        """Append a case, and print it."""
        self.cases.append(case)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(
                json.dumps({key: value for key, value in asdict(case).items() if value not in ("", None)}) + "\n"
            )
        print(
            " | ".join(map(str, (case.name, case.at, case.code, case.said, case.rerun, case.differing, case.note))),
            flush=True,
        )

    def table(self, part: str, engine: str) -> str:
        """Return the cases of a part as a table."""
        cases = [case for case in self.cases if (case.part, case.engine) == (part, engine)]
        rows = [f"| {c.name} | {c.at} | {c.code} | {c.said} | {c.rerun} | {c.differing} | {c.note} |" for c in cases]
        counted = Counter("no rows to compare" if c.differing is None else f"{c.differing} rows differ" for c in cases)
        head = [
            "| done | when | exit code | said | next run | rows differing | note |",
            "|---|---|---|---|---|---|---|",
        ]
        return "\n".join([*head, *rows, "", f"{len(cases)} cases on {engine}: {dict(counted)}"])


def work_folder(folder: Path | None) -> Path:
    """Return where to work: the folder given, emptied, or a temporary one."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="pd-reliability-"))
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def is_root() -> bool:
    """Whether a small disk can be mounted, and no permission stops us."""
    return os.geteuid() == 0
