"""Faults and clean days on profiles, over many seeds: how often each is caught, how late, and what is said for nothing.

    .venv/bin/python -m benchmarks.faults_profiles --seeds 10

CI does the same with one seed (`tests/quality/test_faults.py`). Appends nothing: both result files are written anew.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from expectations.checks import CRITICAL
from tests.quality.fault_runs import (
    CLEAN_DAYS,
    CLEAN_FROM,
    DAYS_BEFORE,
    SIZES,
    Hit,
    clean_world,
    judged,
    runs_of,
    world_with,
)
from tests.quality.faults import FAULTS, Fault

RESULTS = Path(__file__).parent / "results"
DISPERSIONS = (1.0, 1.5, 2.5)
GATES = ("raw", "facts")


def false_alarms(seeds: Sequence[int]) -> list[dict[str, object]]:
    """Sixty clean days of each size and dispersion, for each seed: what failed."""
    rows = []
    for size in SIZES:
        for dispersion in DISPERSIONS:
            worlds = [clean_world(size, seed, dispersion) for seed in seeds]
            profiles = [world.profiles(range(CLEAN_FROM, CLEAN_FROM + CLEAN_DAYS)) for world in worlds]
            hits = [hit for gate in GATES for own in judged(gate, [one[gate] for one in profiles]) for hit in own]
            critical = [hit for hit in hits if hit.severity == CRITICAL]
            names = Counter(f"{hit.check}" for hit in hits)
            rows.append(
                {"size": size, "dispersion": dispersion, "days": len(seeds) * CLEAN_DAYS,
                 "wiki_days": len(seeds) * CLEAN_DAYS * len(SIZES[size]), "critical": len(critical),
                 "warnings": len(hits) - len(critical),
                 "which": ", ".join(f"{name} {n}" for name, n in names.most_common())}
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


def delays(seeds: Sequence[int]) -> list[dict[str, object]]:
    """Each fault in one world a seed: how often its check caught it in time, and on which day."""
    rows = []
    for fault in (fault for fault in FAULTS if fault.gate != "marts"):
        runs = [runs_of(world_with(fault, seed)) for seed in seeds]
        days = [_first_day(fault, own) for own in judged(fault.gate, [one[fault.gate] for one in runs])]
        caught = [day for day in days if day is not None]
        rows.append(
            {"fault": fault.name, "check": f"{fault.gate}/{fault.check}", "severity": fault.severity,
             "within": fault.within, "seeds": len(seeds), "caught": len(caught),
             "median_day": median(caught) if caught else "", "latest_day": max(caught, default="")}
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def _first_day(fault: Fault, hits: Iterable[Hit]) -> int | None:
    days = [hit.day for hit in hits if hit.check == fault.check and fault.subject in hit.subject]
    return min(days) - DAYS_BEFORE + 1 if days else None


def _write(name: str, rows: Sequence[dict[str, object]]) -> None:
    with (RESULTS / name).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Measure both and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(100, 100 + parser.parse_args().seeds)
    _write("faults_delays.csv", delays(seeds))
    _write("faults_false_alarms.csv", false_alarms(seeds))


if __name__ == "__main__":
    main()
