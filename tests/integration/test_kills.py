"""A run killed at any moment and run again gives the rows of an undisturbed run.

Named stages by default; `PDMETRICS_TEST_KILLS=10` (make kill-test) has another stage, two rows of five kills at random
moments, and kills at ten random moments more, each run again. A hundred: benchmarks/reliability.py.
"""

from __future__ import annotations

import functools
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
from tests.integration.killing import kill

pytestmark = pytest.mark.kill
DAYS = ("2026-03-16", "2026-03-17")
STEPS = ("ingest", "estimates", "marts")
N_LINES = 18  # that a run says
N_RANDOM = int(os.environ.get("PDMETRICS_TEST_KILLS", "0"))


class Site:
    """A warehouse with its first day published, its copy, and what an undisturbed second day gives."""

    def __init__(self, folder: Path) -> None:
        self.world, self.warehouse, self.copy = folder / "world", folder / "warehouse", folder / "copy"
        worlds.simulate(self.world, start=DAYS[0], days=2, scenario="unsampled", scale=0.05)
        worlds.here(*self.command(DAYS[0]))
        shutil.copytree(self.warehouse, self.copy)
        worlds.here(*self.command(DAYS[1]))
        self.expected = worlds.contents(self.warehouse), worlds.lake_contents(self.warehouse)

    @functools.cached_property
    def seconds(self) -> float:
        """How long an undisturbed second day takes in a process of its own."""
        self.restore()
        began = time.monotonic()
        assert self.start().wait() == 0
        return time.monotonic() - began

    def command(self, day: str, steps: str = ",".join(STEPS)) -> list[str]:
        command = ["--warehouse", str(self.warehouse), "run", "--input", str(self.world), "--date", day]
        return [*command, "--steps", steps]

    def restore(self) -> None:
        shutil.rmtree(self.warehouse)
        shutil.copytree(self.copy, self.warehouse)

    def start(self, steps: str = ",".join(STEPS), *, start_new_session: bool = False) -> subprocess.Popen[str]:
        """Start the second day, or some steps of it, in a process that can be killed."""
        arguments = [sys.executable, "-m", "jobs", *self.command(DAYS[1], steps)]
        return subprocess.Popen(
            arguments,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=worlds.ENVIRONMENT,
            start_new_session=start_new_session,
        )

    def kill_at(self, words: str, steps: str) -> None:
        """Start some steps and kill them as soon as they say these words."""
        process = self.start(steps)
        for line in process.stderr:
            if words in re.sub(r"\x1b\[[0-9;]*m", "", line):
                break
        else:
            pytest.fail(f"the run never came to {words!r}")
        assert kill(process)

    def kill_at_random(self, draw: random.Random) -> None:
        """Kill the second day a random moment after a random line: so it meets every step on a machine of any speed."""
        process = self.start()
        for _ in range(draw.randrange(N_LINES)):
            process.stderr.readline()
        time.sleep(draw.uniform(0, 1))
        kill(process)

    def check(self) -> None:
        """Run the day again and compare everything with the undisturbed run."""
        worlds.here(*self.command(DAYS[1]))
        assert not (self.warehouse / "publish.json").exists()
        assert not (self.warehouse / "scratch").exists(), "what the killed engine had on disk is gone"
        self.compare()

    def compare(self) -> None:
        marts, lake = worlds.contents(self.warehouse), worlds.lake_contents(self.warehouse)
        for name, expected in {**self.expected[0], **self.expected[1]}.items():
            found = {**marts, **lake}[name]
            assert found == expected, f"{name}: {len(found - expected)} rows too many, {len(expected - found)} missing"
        assert marts.keys() == self.expected[0].keys()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("kills"))


def test_the_world_says_something(site):
    assert len(site.expected[0]["fct_metric_values"]) > 500
    assert len(site.expected[1]["lake.events"]) > 500


if N_RANDOM:  # CI has no time for it

    def test_killed_between_window_sums_and_rows(site):
        site.restore()
        worlds.here(*site.command(DAYS[1], "ingest"))
        site.kill_at("window sums done", "estimates,marts")
        site.check()

    def test_killed_while_lines_are_judged(site):
        site.restore()
        site.kill_at("lines read", "ingest")
        assert (site.warehouse / "scratch").exists()
        site.check()

else:

    def test_interrupted_by_a_person(site):
        """Ctrl-C reaches every process of the run: it ends within seconds, and publishes nothing."""
        site.restore()
        process = site.start(start_new_session=True)
        for line in process.stderr:
            if "computing windows" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 130
        process.stderr.close()
        assert not (site.warehouse / "publish.json").exists()

    def test_killed_behind_the_journal(site):
        """From the journal on the run is published: the next command of any kind makes it visible, a retry too."""
        site.restore()
        worlds.here(*site.command(DAYS[1], "ingest,estimates"))
        site.kill_at("journal written", "marts")
        retried = worlds.here(*site.command(DAYS[1], "marts"))
        assert "Published" in retried.stdout
        done = worlds.here(
            "--warehouse", str(site.warehouse), "query", "--format", "csv",
            "select count(*) from fct_metric_values where as_of_date = '2026-03-17'",
        )  # fmt: skip
        assert int(done.stdout.split()[-1]) > 100
        site.compare()
        site.check()

    @pytest.mark.parametrize("seed", range(2 if N_RANDOM else 0))
    def test_killed_five_times_in_a_row_at_random(site, seed):
        """Every kill meets what those before it left."""
        site.restore()
        draw = random.Random(seed)
        for _ in range(5):
            site.kill_at_random(draw)
        site.check()


@pytest.mark.parametrize("number", range(N_RANDOM))
def test_killed_at_random(site, number):
    site.restore()
    delay = random.Random(number).uniform(5, site.seconds)
    process = site.start()
    time.sleep(delay)
    was_running = kill(process)
    print(f"killed after {delay:.1f} s of about {site.seconds:.1f} s{'' if was_running else ' (it was done)'}")
    site.check()
