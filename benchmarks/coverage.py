"""Measure the coverage of intervals for totals and click-through rates on synthetic worlds, and write docs/coverage.md.

A world is a table of pageviews and one of sessions drawn in numpy: who, when, impressions, impressions with a click,
clicks. Each world is sampled in every setting (unit and rates), reduced to the sums the pipeline makes, and estimated;
an estimate is compared with what happened in the world (realised) or with the rate that generated it (process).

    python benchmarks/coverage.py                # the whole table, minutes on one core
    python benchmarks/coverage.py --worlds 50    # a quick look, on the screen only

Only the text between this benchmark's two markers in docs/coverage.md is replaced.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats
from totals_worlds import (
    CTRS,
    FRAILTIES,
    REPEATED_CLICKS,
    SETTINGS,
    UNITS,
    USERS,
    FloatArray,
    draw_world,
    sums_of_sample,
)

from jobs.estimation.intervals import Z95
from jobs.estimation.ratios import PairSums, clustered_ratio, ctr_status, design_ratio
from jobs.estimation.regimes import effective_number, regime_sums
from jobs.estimation.totals import TotalSums, horvitz_thompson

MIN_PUBLISHED = 0.5
GOAL = (0.93, 0.97)
DOCUMENT = Path(__file__).parents[1] / "docs" / "coverage.md"
Sample = dict[str, FloatArray]
BEGIN, END = "<!-- totals: begin -->", "<!-- totals: end -->"


@dataclass(frozen=True)
class Outcome:
    """Whether each world's interval covered, its status, and its half-width relative to the truth."""

    covered: npt.NDArray[np.bool_]
    published: npt.NDArray[np.bool_]
    bounds_only: npt.NDArray[np.bool_]
    half_width: FloatArray


def judge(lower: FloatArray, upper: FloatArray, truth: FloatArray, status: npt.NDArray[np.object_]) -> Outcome:
    # A world without the event has truth 0; its interval is judged, its relative width is not.
    slack = 1e-9 * (1 + truth)
    base = np.where(truth > 0, truth, np.nan)
    return Outcome(
        (lower <= truth + slack) & (truth - slack <= upper),
        status == "publish",
        status == "bounds_only",
        (upper - lower) / 2 / base,
    )


def estimate_cell(samples: list[Sample], truths: dict[str, FloatArray], ctr: float) -> dict[str, Outcome]:
    """Run the estimators on all worlds of a cell at once, a world a row."""
    n, n_rates = len(samples), len(samples[0]["rate"])
    row = np.repeat(np.arange(n), n_rates)
    flat = {name: np.concatenate([s[name] for s in samples]) for name in samples[0]}
    rate, units = flat["rate"], flat["units"]
    outcomes: dict[str, Outcome] = {}
    for name, y, yy, clusters in (
        ("impressions", "x", "xx", "units"),
        ("clicks", "clicks", "clicks_yy", "clicks_clusters"),
    ):
        sums = TotalSums(y=flat[y], yy=flat[yy], clusters=flat[clusters], units=units)
        total = horvitz_thompson(regime_sums(row, rate, n, sums))
        outcomes[name] = judge(total.lower, total.upper, truths[name], total.status)
    for name in ("clicks", "matched"):
        of_units = PairSums(*(flat[key] for key in (name, "x", f"{name}_yy", f"{name}_xy", "xx")))
        kept = regime_sums(row, rate, n, of_units)
        users = np.stack([s[f"{name}_users"] for s in samples])
        status = ctr_status(effective_number(kept, kept.sums.y), users[:, 6])
        realised = design_ratio(kept, proportion=name == "matched")
        exact = np.all(rate.reshape(n, n_rates) == 1, axis=1)
        truth = truths[name] / truths["impressions"]
        outcomes[f"{name} realised"] = judge(realised.lower, realised.upper, truth, np.where(exact, "publish", status))
        process = clustered_ratio(users[:, 0], PairSums(*users.T[1:6]), proportion=name == "matched")
        expected = np.full(n, ctr * (1 + (REPEATED_CLICKS if name == "clicks" else 0)))
        outcomes[f"{name} process"] = judge(process.lower, process.upper, expected, status)
    return outcomes


Cell = tuple[int, float, float, str, str]


def run(worlds: int, seed: int) -> dict[Cell, dict[str, Outcome]]:
    """Measure every cell; a world is drawn once and sampled in all settings."""
    results: dict[Cell, dict[str, Outcome]] = {}
    for users, ctr, frailty in itertools.product(USERS, CTRS, FRAILTIES):
        started = time.monotonic()
        samples: dict[tuple[str, str], list[Sample]] = {key: [] for key in itertools.product(UNITS, SETTINGS)}
        truths: dict[str, list[float]] = {"impressions": [], "clicks": [], "matched": []}
        for world in range(worlds):
            rng = np.random.default_rng([seed, users, int(ctr * 1e6), int(frailty * 1e6), world])
            tables = draw_world(rng, users, ctr, frailty)
            totals = {name: float(value.sum()) for name, value in tables["session"].counts.items()}
            truths["impressions"].append(totals["shown"])
            truths["clicks"].append(totals["clicks"])
            truths["matched"].append(totals["matched"])
            for unit, setting in samples:
                samples[unit, setting].append(sums_of_sample(tables[unit], SETTINGS[setting], users))
        known = {name: np.array(values) for name, values in truths.items()}
        for (unit, setting), drawn in samples.items():
            results[users, ctr, frailty, unit, setting] = estimate_cell(drawn, known, ctr)
        print(f"{users} users, rate {ctr}, frailty {frailty}: {time.monotonic() - started:.0f} s", flush=True)
    return results


METRICS = {
    "impressions": "impressions (total)",
    "clicks": "clicks (total)",
    "clicks realised": "CTR overall, realised",
    "matched realised": "CTR matched, realised",
    "clicks process": "CTR overall, process",
    "matched process": "CTR matched, process",
}


def pooled_table(results: dict[Cell, dict[str, Outcome]], settings: list[str]) -> list[str]:
    """Coverage by metric and status over all cells of the settings."""
    lines = ["| metric | `publish` | `caution` | `bounds_only` |", "|---|---|---|---|"]
    for name, title in METRICS.items():
        outcomes = [found[name] for cell, found in results.items() if cell[4] in settings]
        covered, published, bounds = (
            np.concatenate([getattr(o, field) for o in outcomes]) for field in ("covered", "published", "bounds_only")
        )
        cells = [_share(covered[chosen]) for chosen in (published, ~published & ~bounds, bounds)]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def _share(covered: npt.NDArray[np.bool_]) -> str:
    return f"{100 * covered.mean():.1f} % of {len(covered):,}" if len(covered) else "–"


def judged_cells(results: dict[Cell, dict[str, Outcome]], name: str) -> dict[Cell, float]:
    """Coverage among published rows, of cells that sample and publish at least half of their worlds."""
    judged = {}
    for cell, found in results.items():
        outcome = found[name]
        exact = cell[4] == "1" and "process" not in name
        if not exact and outcome.published.mean() >= MIN_PUBLISHED:
            judged[cell] = float(outcome.covered[outcome.published].mean())
    return judged


def goal_table(results: dict[Cell, dict[str, Outcome]]) -> list[str]:
    """How many judged cells reach the goal, and which do not."""
    lines = ["| metric | cells | 93–97 % | above | below | lowest |", "|---|---|---|---|---|---|"]
    for name, title in METRICS.items():
        judged = judged_cells(results, name)
        below = sum(value < GOAL[0] for value in judged.values())
        above = sum(value > GOAL[1] for value in judged.values())
        lines.append(
            f"| {title} | {len(judged)} | {len(judged) - above - below} | {above} | {below} "
            f"| {100 * min(judged.values()):.1f} % |"
        )
    missed = sorted(
        (value, METRICS[name], cell)
        for name in METRICS
        for cell, value in judged_cells(results, name).items()
        if value < GOAL[0]
    )
    if missed:
        lines += ["", "Below 93 %, all of them:", ""]
    lines += [
        f"- {title}: {100 * value:.1f} % ({users} users, CTR {ctr}, frailty {frailty}, {unit}, rate {setting})"
        for value, title, (users, ctr, frailty, unit, setting) in missed
    ]
    return lines


def full_table(results: dict[Cell, dict[str, Outcome]]) -> list[str]:
    """One row per cell: share published and coverage among the published, with the median half-width of all."""
    lines = [
        "| users | CTR | frailty | unit | rate | " + " | ".join(METRICS.values()) + " |",
        "|" + "---|" * (5 + len(METRICS)),
    ]
    for (users, ctr, frailty, unit, setting), found in results.items():
        cells = []
        for name in METRICS:
            o = found[name]
            share = o.published.mean()
            covered = f"{100 * o.covered[o.published].mean():.0f}" if share > 0 else "–"
            width = np.nanmedian(o.half_width)
            cells.append(f"{covered} ({100 * share:.0f}; ±{100 * width:.0f} %)")
        lines.append(f"| {users} | {ctr} | {frailty} | {unit} | {setting} | " + " | ".join(cells) + " |")
    return lines


def section(results: dict[Cell, dict[str, Outcome]], worlds: int) -> str:
    """Write the section of docs/coverage.md."""
    sampled = [s for s in SETTINGS if s != "1"]
    return "\n".join(
        [
            "## Totals and click-through rates",
            "",
            INTRODUCTION.format(
                worlds=worlds,
                cells=len(results),
                noise=100 * Z95 * (0.95 * 0.05 / worlds) ** 0.5,
                chance=100 * _chance_of_missing(worlds),
            ),
            "",
            "**Pooled over all sampled cells**, by the status the row would have:",
            "",
            *pooled_table(results, sampled),
            "",
            "**At rate 1** realised rows are exact; process rows:",
            "",
            *[line for line in pooled_table(results, ["1"]) if "realised" not in line and "total" not in line],
            "",
            JUDGED,
            "",
            *goal_table(results),
            "",
            READING,
            "",
            "Every cell: coverage in % among published worlds (share of worlds published in %; median relative",
            "half-width over all worlds).",
            "",
            *full_table(results),
        ]
    )


INTRODUCTION = """`benchmarks/coverage.py`: {worlds:,} worlds for each of {cells} cells of users, CTR, frailty, unit
and rate. A world is drawn (gamma activity, geometric sessions, beta-binomial clicks, repeated clicks), sampled, reduced
to the sums the pipeline makes, and estimated. *Realised* is judged against what happened in that world, *process*
against the rate that generated it. Frailty is the correlation of two impressions' clicks within an editor. With this
many worlds a cell whose true coverage is 95 % shows 95 ± {noise:.1f} % in 95 of 100 cases, and lies outside 93–97 %
in {chance:.1f} of 100 by chance."""

JUDGED = """**The goal, 93–97 % wherever a status says `publish`**, by cell. Judged are cells that publish at least half
of their worlds: where fewer are published, they are the ones with unusually many clicks, a selection no interval is
meant for; they count in the pooled table."""

READING = """What to know when reading this:

- Above 97 %: parts of a row with few kept clusters are inverted exactly and their ends added, both conservative. Such
  intervals are a little too wide, never knowingly too narrow.
- Below 93 %: some cells fall there by chance. One kind does not: process rates at CTR 0.005 with strong frailty and
  about a thousand editors cover 92 to 93 %, also at rate 1 (both units then show the same worlds), although they have
  well over 30 clicks. Their clicks rest on a handful of editors; read such an interval as a little too short.
- In windows of mixed rates a log interval that trusts its own variance covered 47 to 53 % where few clicks fell into
  the sampled stretch (100 users, CTR 0.005); that is why those rows take their limits from the two totals.
- Process intervals rest on the number of editors who click. With strong frailty a handful of editors make most clicks,
  and an interval cannot know the ones it has not met. With the normal quantile such cells covered 91 to 93 %;
  Student's quantile on the effective number of clicking editors repairs most of it.
- Sessions: the design effect comes from the kept sessions themselves. With 5 to 15 of them the plain one covered 78 to
  86 % (`bounds_only` rows); Student's margin repairs most of it."""


def _chance_of_missing(worlds: int) -> float:
    """Probability that a cell with coverage of exactly 95 % is measured outside the goal."""
    low, high = np.ceil(GOAL[0] * worlds), np.floor(GOAL[1] * worlds)
    return float(1 - (stats.binom.cdf(high, worlds, 0.95) - stats.binom.cdf(low - 1, worlds, 0.95)))


def write_section(text: str, path: Path) -> None:
    """Replace the text between this benchmark's markers, and leave the rest of the file alone."""
    page = path.read_text(encoding="utf-8") if path.exists() else f"# Coverage of the intervals\n\n{BEGIN}\n{END}\n"
    if BEGIN not in page:
        page = f"{page.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000, help="worlds per cell; fewer than 500 are only printed")
    parser.add_argument("--seed", type=int, default=20260324)
    arguments = parser.parse_args()
    text = section(run(arguments.worlds, arguments.seed), arguments.worlds)
    if arguments.worlds < 500:
        print(text)
    else:
        write_section(text, DOCUMENT)
        print(f"written to {DOCUMENT}")


if __name__ == "__main__":
    main()
