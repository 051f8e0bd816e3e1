"""Disturb runs in every way that is known to happen, and see what becomes of the numbers.

    .venv/bin/python -m benchmarks.reliability --part kills                    # 100 kills at random moments
    .venv/bin/python -m benchmarks.reliability --part kills --engine spark --count 15
    .venv/bin/python -m benchmarks.reliability --part disk                     # or readonly, clock, corrupt, load

Each case is a line of `benchmarks/results/reliability.jsonl`; those that stand there are not done again (`--results`
names another file). From the root of a clone; the parts `disk` and `readonly` mount small disks where they may.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks.reliability_corrupt import corrupt
from benchmarks.reliability_faults import clock, full_disk, read_only
from benchmarks.reliability_kills import kills
from benchmarks.reliability_load import load
from benchmarks.reliability_site import RESULTS, Results, Site, work_folder

PARTS = ("kills", "disk", "readonly", "clock", "corrupt", "load")


def main() -> None:
    """Do the asked part and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, required=True, nargs="+")
    parser.add_argument("--engine", default="embedded", choices=("embedded", "spark"))
    parser.add_argument("--count", type=int, default=100, help="kills")
    parser.add_argument("--first", type=int, default=0, help="number of the first kill")
    parser.add_argument("--minutes", type=float, default=10, help="of load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--folder", type=Path, help="where to work, emptied first; default a temporary folder")
    options = parser.parse_args()
    folder, results = work_folder(options.folder), Results(options.results)
    site = None
    for part in options.part:
        if site is None or "corrupt" in options.part:
            site = _site(part, folder / part, options.engine)
        _do(part, site, results, options)
        print(results.table(part, options.engine))
    shutil.rmtree(folder)


def _site(part: str, folder: Path, engine: str) -> Site:
    """Make the warehouse of a part; damaged files take one that has something to fit."""
    if part == "corrupt":
        fits = {"PDMETRICS_ESTIMATION__MIN_SEEN": "5"}
        return Site(folder, engine=engine, scenario="pageview-50", scale=0.3, environment=fits)
    return Site(folder, engine=engine)


def _do(part: str, site: Site, results: Results, options: argparse.Namespace) -> None:
    if part == "kills":
        kills(site, results, options.seed, range(options.first, options.first + options.count))
    elif part == "load":
        load(site, results, options.minutes)
    else:
        {"disk": full_disk, "readonly": read_only, "clock": clock, "corrupt": corrupt}[part](site, results)


if __name__ == "__main__":
    main()
