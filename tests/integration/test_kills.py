"""A run killed at any moment and run again gives the rows of an undisturbed run.

Three named stages by default; `PDMETRICS_KILLS=10` (make kill-test) kills at ten random moments instead.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration import worlds

pytestmark = pytest.mark.kill
DAYS = ("2026-03-16", "2026-03-17")
STAGES = ("lines read", "window sums done", "journal written")
N_RANDOM = int(os.environ.get("PDMETRICS_KILLS", "0"))


class Site:
    """A warehouse with its first day published, its copy, and what an undisturbed second day gives."""

    def __init__(self, folder: Path) -> None:
        self.world, self.warehouse, self.copy = folder / "world", folder / "warehouse", folder / "copy"
        worlds.simulate(self.world, start=DAYS[0], days=2, scenario="unsampled", scale=0.05)
        worlds.pdmetrics(*self.command(DAYS[0]))
        shutil.copytree(self.warehouse, self.copy)
        began = time.monotonic()
        worlds.pdmetrics(*self.command(DAYS[1]))
        self.seconds = time.monotonic() - began
        self.expected = worlds.contents(self.warehouse), worlds.lake_contents(self.warehouse)

    def command(self, day: str) -> list[str]:
        return ["--warehouse", str(self.warehouse), "run", "--input", str(self.world), "--date", day]

    def restore(self) -> None:
        shutil.rmtree(self.warehouse)
        shutil.copytree(self.copy, self.warehouse)

    def start(self) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-m", "jobs", *self.command(DAYS[1])]
        return subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=worlds.ENVIRONMENT
        )

    def check(self) -> None:
        """Run the day again and compare everything with the undisturbed run."""
        worlds.pdmetrics(*self.command(DAYS[1]))
        assert not (self.warehouse / "publish.json").exists()
        marts, lake = worlds.contents(self.warehouse), worlds.lake_contents(self.warehouse)
        for name, expected in {**self.expected[0], **self.expected[1]}.items():
            found = {**marts, **lake}[name]
            assert found == expected, f"{name}: {len(found - expected)} rows too many, {len(expected - found)} missing"
        assert marts.keys() == self.expected[0].keys()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("kills"))


def kill(process: subprocess.Popen[str]) -> bool:
    """Kill as the kernel would; returns whether there was anything left to kill."""
    was_running = process.poll() is None
    if was_running:
        process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    return was_running


def test_the_world_says_something(site):
    assert len(site.expected[0]["fct_metric_values"]) > 500
    assert len(site.expected[1]["lake.events"]) > 500


@pytest.mark.parametrize("stage", STAGES if not N_RANDOM else [])
def test_killed_at_a_stage(site, stage):
    site.restore()
    process = site.start()
    for line in process.stderr:
        if stage in re.sub(r"\x1b\[[0-9;]*m", "", line):
            break
    else:
        pytest.fail(f"the run never came to {stage!r}")
    assert kill(process)
    site.check()


@pytest.mark.parametrize("number", range(N_RANDOM))
def test_killed_at_random(site, number):
    site.restore()
    delay = random.Random(number).uniform(0.1, 1.0) * site.seconds
    process = site.start()
    time.sleep(delay)
    was_running = kill(process)
    print(f"killed after {delay:.1f} s of about {site.seconds:.1f} s{'' if was_running else ' (it was done)'}")
    site.check()


def test_a_query_finishes_a_publish_that_was_cut_off(site):
    """Killed right behind the journal, the next command of any kind makes the run visible."""
    site.restore()
    process = site.start()
    for line in process.stderr:
        if "journal written" in line:
            break
    kill(process)
    done = worlds.pdmetrics(
        "--warehouse", str(site.warehouse), "query", "--format", "csv",
        "select count(*) from fct_metric_values where as_of_date = '2026-03-17'",
    )  # fmt: skip
    assert int(done.stdout.split()[-1]) > 100
    assert worlds.contents(site.warehouse) == site.expected[0]
