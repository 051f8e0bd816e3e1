"""Kills at random moments: the next plain run gives the rows of an undisturbed run."""

from __future__ import annotations

import random
import re
import time

from benchmarks.reliability_site import Case, Results, Site
from tests.integration.killing import kill

BEYOND = 1.02  # of an undisturbed run: a kill in its last moments, or just too late, is one too


def kills(site: Site, results: Results, seed: int, numbers: range) -> None:
    """Kill the next day at one random moment a number, run it again and compare."""
    for number in numbers:
        name = f"kill {number}"
        if results.has("kills", site.engine, name):
            continue
        site.restore()
        delay = random.Random(f"{seed}-{number}").uniform(0.3, site.seconds * BEYOND)
        began, process = time.monotonic(), site.start(site.run())
        time.sleep(delay)
        was_running = kill(process)
        at = _step(site) if was_running else "it was done"
        note = f"after {time.monotonic() - began:.1f} s of {site.seconds:.1f}"
        rerun = site.do(site.run())
        left = [name for name in ("publish.json", "scratch") if (site.warehouse / name).exists()]
        note += f"; left behind: {left}" if left else ""
        results.add(Case("kills", site.engine, name, at, None, "", rerun.code, site.differing(), note))


def _step(site: Site) -> str:
    """Return what the killed run had said last, without its time."""
    lines = site._text("err").splitlines()
    said = re.sub(r"^\S+ \[\w+ *\] ", "", lines[-1]) if lines else "nothing said yet"
    return re.split(r"\s+\w+=", said)[0].strip()
