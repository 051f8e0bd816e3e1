"""What README, docs and `make demo` tell to type works when copied, on a small demo."""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration import worlds

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLACEHOLDER = re.compile(r"(s3://)?[A-Z]+(/[A-Z]+)*")  # a word in capitals is for the reader to fill in
# Commands that cannot be copied as they are. A new one belongs here only if its text says what to fill in.
NOT_COPIED = {
    "pdmetrics --set engine.name=spark run --date DAY --input s3://BUCKET/INPUT",
    "pdmetrics --set engine.name=spark run --date 2026-03-24 --input INPUT",
    "pdmetrics --warehouse COPY doctor --relocate",
    "pdmetrics --warehouse s3://BUCKET/PLACE run --date 2026-03-24 --input s3://BUCKET/INPUT",
    "pdmetrics --warehouse W doctor --adopt",
    "pdmetrics audience --history HISTORY --snapshot 2026-03 --as-of 2026-03-17 --as-of 2026-03-24 --wiki idwiki",
    "pdmetrics audience --history HISTORY --snapshot 2026-03 --as-of 2026-03-31 --bands 50-1000 --windows 7,14,28",
    "pdmetrics --set audience.bots=counted audience --history HISTORY --snapshot 2026-03 --as-of 2026-03-31",
    "pdmetrics backfill --start 2026-03-01 --end 2026-04-01 --input INPUT --reason 'T400001: a wrong rate' --dry-run",
    "pdmetrics run --late --input INPUT",
    "pdmetrics explain METRIC --wiki W '[--as-of' 'D]' '[--window' 'DAYS|quarter]'",
}


def commands(text: str) -> list[str]:
    """The commands of `pdmetrics` in the blocks of a text, indented or fenced, with their comments."""
    whole = re.sub(r"\\\n\s*", " ", text)
    found, fenced = [], False
    for line in whole.splitlines():
        fenced ^= line.startswith("```")
        if (fenced or line.startswith("    ")) and re.match(r"(\.venv/bin/)?pdmetrics\s", line.strip()):
            found.append(line.strip().removeprefix(".venv/bin/"))
    return found


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def is_copied(command: str) -> bool:
    """Whether a command has no word to fill in and needs no other engine."""
    return not any(PLACEHOLDER.fullmatch(word) or word == "engine.name=spark" for word in words(command))


def exit_code(command: str) -> int:
    """The exit code that a command's comment announces, else 0."""
    told = re.search(r"#.*exit code (\d+)", command)
    return int(told.group(1)) if told else 0


def makefile(name: str) -> str:
    """The value of a variable of the Makefile."""
    found = re.search(rf"^{name} \??:?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, name
    return found.group(1)


@functools.cache
def plan_of_the_demo() -> list[str]:
    """The commands that `make demo` runs."""
    plan = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line.removeprefix(".venv/bin/") for line in plan.splitlines()]


def told_by_the_demo() -> list[str]:
    """What `make demo` prints to try next."""
    echoes = [line for line in plan_of_the_demo() if line.startswith('echo "  ')]
    printed = subprocess.run(["bash", "-c", "\n".join(echoes)], capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in printed.splitlines()]


def bare(command: str) -> str:
    """A command without its comment."""
    return command.partition("  #")[0].strip()


def is_plain(command: str) -> bool:
    """Whether a command is one program with its arguments, so that it means the same without a shell."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return "$" not in command and not any(set(word) <= set("();<>|&") for word in lexer)


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """A folder with the demo, smaller, as `make demo` leaves it; returns what types a command there.

    A command that two texts tell is typed once. What the demo prints goes through a shell; what else is plain runs in
    this process, where imports are done.
    """
    folder = tmp_path_factory.mktemp("clone")
    start, end, days = makefile("START"), makefile("END"), makefile("DAYS")
    bin_folder = folder / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    script = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m jobs "$@"\n'
    (bin_folder / "pdmetrics").write_text(script)
    (bin_folder / "pdmetrics").chmod(0o755)
    export = next(line for line in told_by_the_demo() if line.startswith("export "))

    def type_in(command: str) -> subprocess.CompletedProcess[str]:
        environment = {**worlds.ENVIRONMENT, "PATH": os.environ["PATH"]}
        return subprocess.run(
            ["bash", "-c", f"{export}\n{command}"], cwd=folder, env=environment, capture_output=True, text=True,
            check=False, timeout=600,
        )  # fmt: skip

    def run_here(command: str) -> subprocess.CompletedProcess[str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("PDMETRICS_WAREHOUSE", "demo/warehouse")
            return worlds.here(*words(command)[1:], check=False)

    told = {bare(command) for command in told_by_the_demo()}

    @functools.cache
    def once(command: str) -> subprocess.CompletedProcess[str]:
        return run_here(command) if is_plain(command) and command not in told else type_in(command)

    for command in (
        f"pdmetrics simulate --out demo/world --start {start} --days {days} --scale 0.02",
        # As README tells it: there is no report here anyway.
        *(line.replace("--set report.build=false ", "") for line in plan_of_the_demo() if " audience " in line[:60]),
        f"pdmetrics run --start {start} --end {end} --input demo/world",
    ):
        done = once(command)
        assert done.returncode == 0, done.stderr
    return lambda command: once(bare(command))


@pytest.mark.integration
@pytest.mark.parametrize("source", ["make demo", *(path.relative_to(ROOT).as_posix() for path in DOCUMENTS)])
def test_commands_work_when_copied(typed, source):
    told = told_by_the_demo() if source == "make demo" else commands((ROOT / source).read_text())
    for command in told:
        if is_copied(command):
            done = typed(command)
            assert done.returncode == exit_code(command), f"{command}\n{done.stdout}\n{done.stderr}"


def test_what_cannot_be_copied_is_known():
    every = [command for path in DOCUMENTS for command in commands(path.read_text())]
    assert len(every) > 8
    assert {shlex.join(words(command)) for command in every if not is_copied(command)} == NOT_COPIED


def test_readme_and_demo_name_the_same_warehouse():
    export = next(line for line in told_by_the_demo() if line.startswith("export "))
    assert f"    {export}\n" in (ROOT / "README.md").read_text()


def test_blocks_are_found_with_comments_and_continued_lines():
    text = (
        "pdmetrics a\n\n    pdmetrics b   # c\n```\n.venv/bin/pdmetrics d \\\n    e\n```\n    pdmetricsx\n"
        "    pdmetrics f G\n"
    )
    assert commands(text) == ["pdmetrics b   # c", "pdmetrics d  e", "pdmetrics f G"]
    assert [is_copied(command) for command in commands(text)] == [True, True, False]
    assert is_copied("pdmetrics query 'select A from B'")
    assert bare("pdmetrics b   # c") == "pdmetrics b"
    plain = ("pdmetrics query 'a > b | c'", "pdmetrics query a | head", "pdmetrics a > b", 'pdmetrics a "$b"')
    assert [is_plain(command) for command in plain] == [True, False, False, False]
    assert exit_code("pdmetrics b  # nothing there: exit code 3") == 3


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (("run", "--warehouse", "W", "--date", "2026-03-24", "--input", "I"), "pdmetrics --warehouse W run …"),
        (("run", "--date", "2026-03-24", "--input", "I", "--warehouse=W"), "pdmetrics --warehouse W run …"),
        (("policy", "check", "--input", "I", "--set", "a.b=1"), "pdmetrics --set a.b=1 policy …"),
        (("doctor", "-v"), "pdmetrics -v doctor …"),
        (("doctor", "--quiet"), "pdmetrics --quiet doctor …"),
        (("doctor", "--config"), "pdmetrics --config … doctor …"),
    ],
)
def test_an_option_in_the_wrong_place_is_told_the_right_one(arguments, right):
    done = worlds.here(*arguments, check=False)
    assert done.returncode == 2
    option = right.split()[1]
    assert f"put {option} before the command: {right}" in done.stderr


def test_options_and_commands_that_nobody_knows_are_told_as_ever():
    assert "No such option: --warehose" in worlds.here("doctor", "--warehose", "W", check=False).stderr
    assert "No such command 'reprot'" in worlds.here("reprot", check=False).stderr
