"""Print the tables of benchmarks/results/coverage_totals.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from scipy import stats

GOAL, CHANCE = 0.93, 0.01
SITUATION = ["study", "tail", "unit"]


def print_report(path: Path) -> None:
    """Print coverage by metric and situation, and every cell that misses the goal beyond chance."""
    rows = pd.read_csv(path)
    for name, chosen in (("light", rows[rows["study"] == "light"]), ("heavy", rows[rows["study"] == "heavy"])):
        print(f"\n== {name}: {len(chosen)} rows of cells and metrics")
        for by in (["metric", "unit"], ["tail", "metric"], ["wikis", "metric"], ["setting", "metric"]):
            print(table(chosen, by).to_string())
    for kind in ("publish", "shown"):
        missed = misses(rows, kind)
        print(f"\n== {kind}: {len(missed)} below {GOAL:.0%} beyond chance")
        columns = ["study", "tail", "users", "ctr", "frailty", "unit", "setting", "window", "wikis", "metric"]
        print(missed[[*columns, kind, f"{kind}_covered", "coverage", "half_width", "ideal"]].head(60).to_string())


def table(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Pool cells: shares of publish, caution and so on, coverage of publish and shown, the worst cell of each."""
    sums = rows.groupby(by)[
        ["worlds", "publish", "publish_covered", "caution", "bounds_only", "shown", "shown_covered"]
    ]
    found = sums.sum()
    out = pd.DataFrame(index=found.index)
    for name in ("publish", "caution", "bounds_only", "shown"):
        out[f"{name} %"] = (100 * found[name] / found["worlds"]).round(1)
    for name in ("publish", "shown"):
        out[f"{name} covers"] = (100 * found[f"{name}_covered"] / found[name]).round(2)
        enough = rows[rows[name] >= 50]
        cells = 100 * enough[f"{name}_covered"] / enough[name]
        out[f"{name} lowest"] = cells.groupby([enough[key] for key in by]).min().round(1)
        out[f"{name} missed"] = misses(rows, name).groupby(by).size()
    out["median width / ideal"] = (
        (rows["half_width"] / rows["ideal"]).groupby([rows[key] for key in by]).median().round(2)
    )
    return out.fillna({"publish missed": 0, "shown missed": 0})


def misses(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the cells whose coverage is below the goal with a chance under 1 % if it were met, lowest first."""
    n, hits = rows[kind], rows[f"{kind}_covered"]
    is_low = stats.binom.cdf(hits, n, GOAL) < CHANCE
    return rows[is_low & (n > 0)].assign(coverage=(hits / n).round(3)).sort_values("coverage")
