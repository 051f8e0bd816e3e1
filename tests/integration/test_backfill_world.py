"""Backfills of whole days through the command line: dry, published, killed, undone.

A day of the world lacks an hour when it is published first; then the hour arrives. What takes longer (chunks, kills,
policy, runs in between) is part of `make worlds`.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jobs.simulation.scenarios import SCENARIOS
from jobs.steps import companion
from jobs.steps.facts import stage_facts
from jobs.steps.job import Job
from jobs.warehouse.manifest import Run
from jobs.warehouse.runs import Warehouse
from tests.integration import worlds
from tests.integration.killing import kill

FIRST, SHORT, LAST, LATER = "2026-03-14", "2026-03-15", "2026-03-16", "2026-03-17"
AFTER = "2026-03-18"
Contents = dict[str, set[tuple[object, ...]]]
QUALITY = ("fct_data_quality", "lake.data_quality_metrics")


class Site:
    """A world of four days, of which three are published, one of them without an hour; `late` brings the hour."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.world, self.warehouse = folder, folder / "world", folder / "warehouse"
        worlds.simulate(self.world, start=FIRST, days=4, scenario="unsampled", scale=0.05)
        self.hours = sorted(self.world.glob("raw/*/year=2026/month=3/day=15/hour=15"))
        self.kept = folder / "kept"
        assert self.hours
        for number, hour in enumerate(self.hours):
            shutil.move(hour, self.kept / str(number))
        self.run(FIRST, LATER)
        self.before, self.said_before = contents(self.warehouse), said(self.warehouse)
        self.copy = folder / "copy"
        shutil.copytree(self.warehouse, self.copy)

    def late(self) -> None:
        """Let the hour arrive, unless it has."""
        for number, hour in enumerate(self.hours):
            if not hour.exists():
                shutil.copytree(self.kept / str(number), hour)

    def restore(self) -> None:
        """Begin anew with what was published first, and with the hour."""
        shutil.rmtree(self.warehouse)
        shutil.copytree(self.copy, self.warehouse)
        self.late()

    def other(self, folder: Path) -> Path:
        """Begin another warehouse, in which users have the same hashes."""
        folder.mkdir()
        shutil.copy2(self.warehouse / "salt", folder / "salt")
        return folder

    def run(self, start: str, end: str, warehouse: Path | None = None) -> subprocess.CompletedProcess[str]:
        days = ["--start", start, "--end", end, "--input", str(self.world)]
        return worlds.here("--warehouse", str(warehouse or self.warehouse), "run", *days)

    def command(self, *more: str, start: str = SHORT, end: str = LATER) -> list[str]:
        days = ["--start", start, "--end", end, "--input", str(self.world), "--reason", "an hour came"]
        return ["--warehouse", str(self.warehouse), "backfill", *days, *more]

    def backfill(self, *more: str, check: bool = True, **days: str) -> subprocess.CompletedProcess[str]:
        return worlds.here(*self.command(*more, **days), check=check)

    def rollback(self, run_id: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        return worlds.here("--warehouse", str(self.warehouse), "backfill", "--rollback", run_id, check=check)

    def newest(self) -> Run:
        return Warehouse(self.warehouse).all_runs()[-1]

    def difference(self) -> pd.DataFrame:
        return pd.read_csv(self.warehouse / "runs" / self.newest().run_id / "difference.csv", keep_default_na=False)

    def kill_at(self, words: str, *more: str) -> None:
        """Start a backfill and kill it as soon as it says these words."""
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs", *self.command(*more)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=worlds.ENVIRONMENT,
        )  # fmt: skip
        for line in process.stderr or ():
            if words in re.sub(r"\x1b\[[0-9;]*m", "", line):
                break
        else:
            pytest.fail(f"the backfill never came to {words!r}")
        assert kill(process)


def contents(warehouse: Path) -> Contents:
    """All rows, but for what the gates said: that follows from the days that were asked for at once."""
    found = {**worlds.contents(warehouse), **worlds.lake_contents(warehouse)}
    return {name: rows for name, rows in found.items() if name not in QUALITY}


def said(warehouse: Path) -> set[tuple[object, ...]]:
    """What the gates say of the lines and the facts that are published."""
    return {row for row in worlds.contents(warehouse)["fct_data_quality"] if "marts" not in row}


def assert_same(found: Contents, expected: Contents) -> None:
    for name, rows in expected.items():
        less, more = rows - found[name], found[name] - rows
        assert not less | more, f"{name}: {len(less)} missing {list(less)[:2]}, {len(more)} too many {list(more)[:2]}"
    assert found.keys() == expected.keys()


def due(difference: pd.DataFrame) -> Counter[str]:
    """How many metric rows have each cause."""
    rows = difference[difference["mart"] == "fct_metric_values"]
    sums = {cause: int(rows[f"n_{cause}"].sum()) for cause in ("new_days", "late_data", "policy", "code")}
    return +Counter(sums)


def ends_with_the_short_day(job: Job) -> None:
    """Stand for the facts of a chunk: those of the day that lacked an hour are never staged."""
    if str(job.run.start) == SHORT:
        raise RuntimeError("killed")
    stage_facts(job)


class Here:
    """A companion in the process of the test, where the imports of dbt and of the gates are done once for all."""

    def prepare(self, step: str) -> None: ...

    def begin(self, function: Callable[..., object], *arguments: Any, **named: Any) -> None: ...

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)


@pytest.fixture(scope="module", autouse=True)
def companion_here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(companion, "companion", lambda _: contextlib.nullcontext(Here()))
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("backfill"))


@pytest.fixture(scope="module")
def story(site: Site) -> dict[str, Any]:
    """Staged dry, published, undone; what each said, and what was published after it."""
    site.restore()
    told: dict[str, Any] = {"dry": site.backfill("--dry-run")}
    told["after dry"], told["difference"] = contents(site.warehouse), site.difference()
    told["published"], told["run"] = site.backfill(), site.newest()
    told["after"], told["said"] = contents(site.warehouse), said(site.warehouse)
    told["undone"] = site.rollback(told["run"].run_id)
    told["after undone"], told["undoing"] = contents(site.warehouse), site.newest()
    told["said undone"] = said(site.warehouse)
    return told


@pytest.mark.integration
def test_a_dry_run_tells_the_difference_and_publishes_nothing(site, story):
    assert_same(story["after dry"], site.before)
    assert set(due(story["difference"])) == {"late_data"}
    assert story["difference"].query("mart == 'fct_ingest_log'")["n_late_data"].sum() > 0
    assert "late data" in story["dry"].stdout
    assert "not published. To publish exactly this" in story["dry"].stdout


@pytest.mark.integration
def test_what_was_staged_dry_is_published_as_it_is(story):
    assert "lines read" in story["dry"].stderr
    assert "lines read" not in story["published"].stderr
    assert "computing windows" not in story["published"].stderr
    assert story["run"].run_id in story["dry"].stdout
    assert story["run"].state == "published"
    log = story["after"]["fct_ingest_log"]
    assert not [row for row in log if SHORT in row and "missing_hour" in row]


@pytest.mark.integration
def test_a_rollback_puts_everything_back(site, story):
    assert story["after"]["fct_metric_values"] != site.before["fct_metric_values"]
    assert_same(story["after undone"], site.before)
    assert story["said undone"] == site.said_before != story["said"]
    assert story["undoing"].backfill.undoes == story["run"].run_id
    assert f"backfill --rollback {story['undoing'].run_id}" in story["undone"].stdout
    assert "are out again stay out" in story["undone"].stdout


@pytest.mark.worlds
def test_a_rollback_is_undone_like_any_other(site, story):
    site.rollback(story["undoing"].run_id)
    assert_same(contents(site.warehouse), story["after"])


@pytest.mark.worlds
def test_rows_do_not_depend_on_chunks_and_are_those_of_a_run(site, story, tmp_path):
    site.restore()
    fresh = site.other(tmp_path / "fresh")
    site.run(FIRST, LATER, fresh)
    expected = contents(fresh)
    assert_same(story["after"], expected)
    for n_days in ("1", "2"):
        site.restore()
        site.backfill("--chunk-days", n_days, start=FIRST)
        assert_same(contents(site.warehouse), expected)


@pytest.mark.worlds
def test_chunks_of_a_sampled_world_give_the_rows_of_one_run(tmp_path, monkeypatch):
    """The rate changes within both chunks, and lines come again across their edge."""
    world, whole, chunked = (tmp_path / name for name in ("world", "whole", "chunked"))
    monkeypatch.setitem(SCENARIOS, "rate-change", replace(SCENARIOS["rate-change"], dirt=True))
    worlds.simulate(world, start=FIRST, days=6, scenario="rate-change", scale=0.2)
    days = ["--start", FIRST, "--end", "2026-03-20", "--input", str(world)]
    worlds.here("--warehouse", str(whole), "run", *days)
    chunked.mkdir()
    shutil.copy2(whole / "salt", chunked / "salt")
    worlds.here("--warehouse", str(chunked), "backfill", *days, "--reason", "history", "--chunk-days", "4")
    expected = contents(whole)
    assert_same(contents(chunked), expected)
    rates = worlds.rows(chunked, "from fct_metric_values")[["sampling_rate_min", "sampling_rate_max"]].stack()
    assert {0.1, 1.0} <= set(rates)
    copies = worlds.rows(chunked, "from fct_ingest_log where fate = 'duplicate' and ingest_date >= '2026-03-18'")
    assert len(copies)


@pytest.mark.worlds
def test_the_first_days_of_a_warehouse_can_be_backfilled_in_chunks(site, story, tmp_path):
    site.late()
    other = site.other(tmp_path / "other")
    days = ["--start", FIRST, "--end", LATER, "--input", str(site.world), "--reason", "history"]
    done = worlds.here("--warehouse", str(other), "backfill", *days, "--chunk-days", "1")
    assert "new days" in done.stdout
    assert_same(contents(other), story["after"])
    runs = Warehouse(other).all_runs()
    refused = worlds.here("--warehouse", str(other), "backfill", "--rollback", runs[-1].run_id, check=False)
    assert refused.returncode == 2
    assert "nothing would be left" in refused.stderr


@pytest.mark.worlds
@pytest.mark.parametrize(
    ("words", "again"),
    [
        ("chunk of days days=2026-03-16", ["lines read, 2026-03-16"]),
        ("chunk of as-of dates days=2026-03-16", []),
        ("marts built", []),
        ("journal written", []),
    ],
)
def test_killed_and_run_again_it_goes_on(site, story, words, again):
    site.restore()
    site.kill_at(words, "--chunk-days", "1")
    done = site.backfill("--chunk-days", "1")
    read = [day for day in (SHORT, LAST) if f"lines read, {day}" in done.stdout]
    assert [f"lines read, {day}" for day in read] == again
    assert "computing windows" not in done.stderr or words.startswith("chunk")
    assert_same(contents(site.warehouse), story["after"])


@pytest.mark.worlds
def test_a_chunk_that_was_killed_after_it_decided_lines_of_a_later_day_begins_anew(site, tmp_path, monkeypatch):
    """Lines of the hour that lacks are sent again two days later, and count there until it comes."""
    site.restore()
    for hour in site.hours:
        shutil.rmtree(hour)
    (sent,) = sorted((site.kept / "0").iterdir())[:1]
    again = next(site.world.glob(f"{site.hours[0].relative_to(site.world).parts[0]}/*/year=2026/month=3/day=17/hour=3"))
    copies = again / "copies.json.gz"
    with gzip.open(sent, "rt") as lines, gzip.open(copies, "wt") as few:
        few.writelines(line.replace(f"{SHORT}T15", f"{LATER}T03") for line in list(lines)[:9])
    try:
        site.run(LATER, AFTER)
        before = tmp_path / "before"
        shutil.copytree(site.warehouse, before)
        site.late()
        done = site.backfill("--chunk-days", "1", start=FIRST)
        assert "duplicates of later days changed" in done.stderr
        expected = contents(site.warehouse)
        shutil.rmtree(site.warehouse)
        shutil.copytree(before, site.warehouse)
        with monkeypatch.context() as patch:
            patch.setattr("jobs.steps.ingest.stage_facts", ends_with_the_short_day)
            assert site.backfill("--chunk-days", "1", start=FIRST, check=False).returncode
        site.backfill("--chunk-days", "1", start=FIRST)
        assert_same(contents(site.warehouse), expected)
    finally:
        copies.unlink()


@pytest.mark.worlds
def test_a_run_of_another_day_drops_what_is_staged_and_the_backfill_says_so(site):
    site.restore()
    site.backfill("--dry-run")
    site.run(LATER, AFTER)
    done = site.backfill()
    assert "starts over" in done.stderr
    assert "another run dropped what it had staged" in done.stderr
    after = contents(site.warehouse)
    run = site.newest()
    assert LATER in {str(day) for day in run.as_of}
    # Undone with the later day published before: it is computed again from what comes back.
    site.rollback(run.run_id)
    undone = contents(site.warehouse)
    assert undone["fct_metric_values"] != after["fct_metric_values"]
    assert site.before["fct_metric_values"] < undone["fct_metric_values"]


@pytest.mark.worlds
def test_a_day_that_was_published_later_is_computed_again(site):
    """As if the backfill had never been: the first three days, then the fourth."""
    site.restore()
    for hour in site.hours:
        shutil.rmtree(hour)
    site.run(LATER, AFTER)
    expected = contents(site.warehouse)
    site.restore()
    site.backfill()
    run = site.newest()
    site.run(LATER, AFTER)
    undone = site.rollback(run.run_id)
    assert_same(contents(site.warehouse), expected)
    assert f"run --start {LATER} --end {AFTER} --input {site.world}" in undone.stdout
    newest = site.newest()
    assert newest.run_id in site.rollback(run.run_id).stdout, "as if it was killed before the report"
    assert site.newest() == newest


@pytest.mark.worlds
def test_a_new_last_day_is_taken_away_again(site):
    site.restore()
    site.backfill(start=LATER, end=AFTER)
    run = site.newest()
    site.rollback(run.run_id)
    assert_same(contents(site.warehouse), site.before)
    assert site.newest().backfill.removed == run.as_of
    noted = pd.read_csv(site.warehouse / "runs" / site.newest().run_id / "revisions.csv")
    assert noted["n_gone"].sum() > 0


@pytest.mark.worlds
def test_days_that_were_run_again_are_not_undone(site):
    site.restore()
    site.backfill()
    run = site.newest()
    site.run(LAST, LATER)
    refused = site.rollback(run.run_id, check=False)
    assert refused.returncode == 2
    assert f"{LAST} was written again since, by {site.newest().run_id}" in refused.stderr


@pytest.mark.worlds
def test_a_gate_that_fails_publishes_nothing(site):
    site.restore()
    site.backfill()
    before, policy = contents(site.warehouse), site.world / "sampling_policy.csv"
    text = policy.read_text()
    try:
        with policy.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        for row in rows:
            row["sample_rate"] = "0.5"
        with policy.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        failed = site.backfill(check=False)  # half of the ids could not be there at this rate
        assert failed.returncode == 1
        assert "Nothing of it is published." in failed.stdout
        assert_same(contents(site.warehouse), before)
    finally:
        policy.write_text(text)


@pytest.mark.worlds
def test_other_csvs_make_it_start_over_are_told_as_policy_and_undone_with_it(site):
    site.restore()
    wikis = site.world / "wikis.csv"
    text = wikis.read_text()
    site.backfill("--dry-run")
    try:
        wikis.write_text(text.replace(LAST, SHORT))  # thwiki is shown a day earlier
        assert wikis.read_text() != text
        done = site.backfill()
    finally:
        wikis.write_text(text)
    assert "the CSVs beside the input are others" in done.stderr
    assert {"late_data", "policy"} == set(due(site.difference()))
    assert contents(site.warehouse)["dim_wiki"] != site.before["dim_wiki"]
    site.rollback(site.newest().run_id)
    assert_same(contents(site.warehouse), site.before)
