"""Compare the main job with an analyst's own scripts: the same numbers, and what each costs.

    .venv/bin/python benchmarks/pipeline.py --scale 6.5 --folder DIR
    .venv/bin/python benchmarks/by_hand.py --world DIR/world --warehouse DIR/warehouse --date 2026-04-20

The DuckDB and the Polars script compute the commonest metrics of one day from the raw lines of the days their windows
need; the main job computes all metrics of that day, on a warehouse that holds the days before (rerunning the day if it
is there). Each is a process of its own, measured from start to end: wall seconds, CPU seconds of all its processes,
and the largest sum of their resident sizes, looked at ten times a second. Every number of the scripts must be in
`fct_metric_values`, and the other way round, but for suppressed rows and links not measured; else the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
TOLERANCE = 1e-9  # relative
PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")

# The rows of the marts that the scripts have to reproduce.
EXPECTED = """
CREATE TABLE expected AS
SELECT metric, wiki_db, metric_date, as_of_date, element_friendly_name, status, estimate, observed_numerator,
    observed_denominator
FROM warehouse.marts.fct_metric_values
WHERE inference = 'realised' AND client_platform_family = 'all' AND edit_count_bucket = 'all'
    AND as_of_date = CASE WHEN metric = 'two_week_return_rate'
        THEN date_trunc('week', $last::DATE + 1)::DATE - 1 ELSE $last::DATE END
    AND (
        (metric IN ('dashboard_pageviews', 'dashboard_visitors') AND window_kind = 'rolling')
        OR (metric IN ('pageviews_per_visitor', 'reviewers') AND window_kind = 'rolling' AND window_days IN (7, 28))
        OR (metric IN ('link_impressions', 'link_clicks', 'link_click_through_rate', 'link_click_through_rate_matched',
                'link_click_through_rate_unique', 'two_day_review_rate') AND window_days = 28)
        OR metric IN ('two_week_return_rate', 'retention_14d', 'retention_day_7')
    )
"""
NUMBERS = ("estimate", "observed_numerator", "observed_denominator")
KEY = "metric, wiki_db, metric_date, as_of_date, element_friendly_name"


@dataclass
class Cost:
    """What one command took: wall and CPU seconds, peak memory in GB."""

    name: str
    wall: float
    cpu: float
    gigabytes: float


def main() -> None:
    """Run the three, compare their numbers, print the costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=Path, required=True, help="the input directory, at 100 % (scenario unsampled)")
    parser.add_argument("--warehouse", type=Path, required=True, help="a warehouse with the days before")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the day to compute")
    parser.add_argument("--write", type=Path, help="append the table to this file")
    parser.add_argument("--compare-only", action="store_true", help="do not run the main job: the day is published")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pd-by-hand-") as folder:
        files = {name: Path(folder) / f"{name}.csv" for name in ("DuckDB", "Polars")}
        costs = [_script(name, file, options.world, options.date) for name, file in files.items()]
        if not options.compare_only:
            costs.append(_main_job(options.world, options.warehouse, options.date))
        n_different = _compare(files, options.warehouse / "personal_dashboard.duckdb", options.date)
    text = _table(costs)
    print(text)
    if options.write:
        with options.write.open("a", encoding="utf-8") as handle:
            handle.write(text)
    sys.exit(1 if n_different else 0)


def _script(name: str, file: Path, world: Path, day: date) -> Cost:
    script = HERE / f"by_hand_{name.lower()}.py"
    return _measured(f"{name} script", [str(script), "--world", str(world), "--date", str(day), "--out", str(file)])


def _main_job(world: Path, warehouse: Path, day: date) -> Cost:
    command = ["-m", "jobs", "--warehouse", str(warehouse), "run", "--date", str(day), "--input", str(world)]
    return _measured("pdmetrics run", command)


def _measured(name: str, arguments: list[str]) -> Cost:
    """Run Python with some arguments and watch all its processes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen([sys.executable, *arguments], stdout=log, stderr=subprocess.STDOUT)
        watch = Watch(process)
        watch.start()
        code = process.wait()
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        watch.join()
        if code != 0:
            log.seek(0)
            raise SystemExit(f"{name} failed with {code}:\n{log.read()[-4000:]}")
    waited_for = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # A process that nobody waits for is not in the first sum, one too short to be looked at not in the second.
    return Cost(name, wall, max(waited_for, watch.cpu), watch.gigabytes)


class Watch(threading.Thread):
    """Look at a process and all below it until it ends: the most memory at once, the CPU seconds seen."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.gigabytes = 0.0
        self._seconds: dict[int, float] = {}

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes seen, as of the last look at each."""
        return sum(self._seconds.values())

    def run(self) -> None:
        """Look ten times a second."""
        while self.process.returncode is None:
            family = _family(self.process.pid)
            self.gigabytes = max(self.gigabytes, sum(resident for resident, _ in family.values()))
            self._seconds |= {pid: seconds for pid, (_, seconds) in family.items()}
            time.sleep(0.1)


def _family(root: int) -> dict[int, tuple[float, float]]:
    """Return resident GB and CPU seconds of a process and all below it, by process id."""
    parents, found = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            pid = int(folder.name)
            parents[pid] = int(fields[1])
            found[pid] = int(fields[21]) * PAGE / 1e9, (int(fields[11]) + int(fields[12])) / TICK
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return {pid: found[pid] for pid in family if pid in found}


def _compare(files: dict[str, Path], marts: Path, day: date) -> int:
    """Print how the scripts' numbers and the marts' agree, and every difference; return how many differ."""
    connection = duckdb.connect()
    connection.execute(f"ATTACH '{marts}' AS warehouse (READ_ONLY)")
    connection.execute(EXPECTED, {"last": str(day)})
    n_different = 0
    for name, file in files.items():
        connection.execute(f"CREATE OR REPLACE TABLE found AS SELECT {KEY}, {', '.join(NUMBERS)} FROM read_csv(?)",
                           [str(file)])  # fmt: skip
        pairs = connection.sql(_pairs())
        compared, different = pairs.filter("is_compared"), pairs.filter("is_compared AND is_different")
        hidden = pairs.filter("NOT is_compared AND name = 'estimate'").aggregate("status, count(*) AS n").fetchall()
        excepted = ", ".join(f"{n} {status}" for status, n in sorted(hidden)) or "none"
        print(f"{name}: {len(compared)} numbers compared, {len(different)} differ; rows excepted: {excepted}")
        if len(different):
            different.show(max_rows=50, max_width=200)
        n_different += len(different)
    return n_different


def _pairs() -> str:
    """Return a query of every number of the script beside that of the marts."""
    theirs, ours = (
        " UNION ALL ".join(f"SELECT {KEY}, {status} '{name}' AS name, {name}::DOUBLE AS value FROM {table}"
                           for name in NUMBERS)
        for table, status in (("found", ""), ("expected", "status,"))
    )  # fmt: skip
    return f"""
        SELECT {KEY}, name, theirs.value AS by_hand, ours.value AS marts, status,
            coalesce(status NOT IN ('suppressed', 'not_measured'), true)
                AND NOT (name = 'observed_numerator' AND status IS NOT NULL AND ours.value IS NULL) AS is_compared,
            theirs.side IS NULL OR ours.side IS NULL
                OR (theirs.value IS NULL) <> (ours.value IS NULL)
                OR abs(theirs.value - ours.value) > {TOLERANCE} * greatest(abs(ours.value), 1) AS is_different
        FROM (SELECT *, 1 AS side FROM ({theirs})) AS theirs
        FULL JOIN (SELECT *, 1 AS side FROM ({ours})) AS ours USING ({KEY}, name)
    """


def _table(costs: list[Cost]) -> str:
    """Return the costs as a Markdown table, each with its ratios to the DuckDB script's."""
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE / 1e9
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"
    lines = [
        "",
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())}: {machine}, Python {platform.python_version()}",
        "",
        "| run | wall seconds | CPU seconds | peak GB | wall to DuckDB | CPU to DuckDB | memory to DuckDB |",
        "|---|---|---|---|---|---|---|",
    ]
    base = costs[0]
    for cost in costs:
        ratios = (cost.wall / base.wall, cost.cpu / base.cpu, cost.gigabytes / base.gigabytes)
        shares = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        lines.append(f"| {cost.name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.gigabytes:.2f} | {shares} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
