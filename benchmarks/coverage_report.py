"""Write the people section of docs/coverage.md from the results of `coverage_people.py`."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy import stats

TARGET = Path(__file__).parent.parent / "docs" / "coverage.md"
BEGIN, END = "<!-- people: begin -->", "<!-- people: end -->"
GOAL = 0.93
Row = dict[str, str]


def write_report(results: Path) -> None:
    """Replace the text between the markers, or append it to the file."""
    with results.open() as file:
        rows = list(csv.DictReader(file))
    section = f"{BEGIN}\n{report(rows)}\n{END}"
    text = TARGET.read_text() if TARGET.exists() else "# Coverage\n"
    if BEGIN in text:
        text = text[: text.index(BEGIN)] + section + text[text.index(END) + len(END) :]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    TARGET.write_text(text)
    print(section)


def total(rows: Iterable[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def weighted_median(rows: list[Row], column: str, weight: str) -> float:
    """Median of the cells' medians, each counted as often as it has worlds of the kind."""
    values = np.array([float(row[column]) for row in rows if int(row[weight])])
    weights = np.array([int(row[weight]) for row in rows if int(row[weight])])
    return float(np.median(np.repeat(values, weights))) if len(values) else float("nan")


def chance(row: Row) -> float:
    """Probability of so low a coverage in this cell if it were 93 %."""
    return float(stats.binom.cdf(int(row["covered"]), int(row["shown"]), GOAL))


def rates(row: Row) -> str:
    one, two = (f"{100 * float(row[name]):.0f} %" for name in ("rate1", "rate2"))
    return one if one == two else f"{one} / {two}"


def table(header: list[str], lines: Iterable[list[str]]) -> str:
    out = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*out, *("| " + " | ".join(line) + " |" for line in lines)])


def grouped(rows: list[Row], key: Callable[[Row], tuple[str, ...]]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items()))


def number(value: float, is_share: bool, signed: bool = True) -> str:
    if np.isnan(value):
        return "–"
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.1f} {'pp' if is_share else '%'}"


def main_table(rows: list[Row]) -> str:
    """A line per metric, unit, regime and rate, pooled over shapes and sizes."""
    lines = []
    for key, group in grouped(rows, lambda r: (r["family"], r["unit"], r["regime"], rates(r))).items():
        is_share = key[0] in ("retention", "unique CTR", "two-day review")
        worlds, shown, published = total(group, "worlds"), total(group, "shown"), total(group, "publish")
        status = "/".join(
            f"{100 * total(group, name) / worlds:.0f}"
            for name in ("publish", "caution", "bounds_only", "not_estimable")
        )
        error = weighted_median(group, "publish_error", "publish") if published else float("nan")
        lines.append([
            *key, str(worlds), status, share(total(group, "covered"), shown),
            number(weighted_median(group, "half_width", "shown"), is_share, signed=False),
            number(error, False, signed=False),
            number(weighted_median(group, "naive_error", "worlds"), is_share),
            number(weighted_median(group, "scaled_error", "worlds"), is_share),
        ])  # fmt: skip
    header = ["metric", "unit", "regime", "rate", "worlds", "publish/caution/bounds/refused (%)", "covered where shown"]
    header += ["half-width", "error of publish", "naive", "naive over rate"]
    return table(header, lines)


def shapes_table(rows: list[Row]) -> str:
    """A line per metric and shape."""
    lines = []
    for key, group in grouped(rows, lambda r: (r["family"], r["shape"])).items():
        shown = total(group, "shown")
        worst = min((row for row in group if int(row["shown"])), key=chance, default=None)
        text = "–"
        if worst is not None:
            where = f"{worst['unit']}, {worst['regime']}, {worst['size']} users, {rates(worst)}"
            text = f"{worst['covered']} of {worst['shown']} (p = {chance(worst):.2g}; {where})"
        lines.append([*key, str(shown), share(total(group, "covered"), shown), text])
    return table(["metric", "shape", "intervals shown", "covered", "worst cell"], lines)


def report(rows: list[Row]) -> str:
    """The whole section."""
    shown, covered = total(rows, "shown"), total(rows, "covered")
    published = total(rows, "publish")
    failing = [row for row in rows if int(row["shown"]) and chance(row) < 0.01]
    at_ten = [row for row in rows if float(row["rate1"]) <= 0.1 and row["regime"] == "one rate"]
    ten = total(at_ten, "publish") + total(at_ten, "caution")
    beside = [row for row in rows if float(row["rate1"]) <= 0.1 and row["regime"] != "one rate"]
    mixed = total(beside, "publish") + total(beside, "caution")
    error = weighted_median(rows, "publish_error", "publish")
    families = ", ".join(
        f"{family} {share(total(group, 'covered'), total(group, 'shown'))}"
        for (family,), group in grouped(rows, lambda r: (r["family"],)).items()
    )
    worst = "; ".join(
        f"{r['family']}, {r['shape']}, {r['unit']}, {r['regime']}, {r['size']} users, {rates(r)}: "
        f"{r['covered']} of {r['shown']}, p = {chance(r):.2g}"
        for r in failing
    )
    return f"""## People: visitors, reviewers, shares of users

Made by `benchmarks/coverage_people.py` from {len(rows)} cells ({total(rows, "worlds"):,} worlds with known truth);
every cell is a line of `benchmarks/results/coverage_people.csv`. A world is a population of a stated shape, each of its
pageviews (or sessions) kept independently; its answer goes through the same functions and limits as a published row.
"Covered" is the share of shown intervals and bounds that hold the truth of that world.

- Intervals shown: {shown:,}; covered: **{share(covered, shown)}** (goal 93 %). By metric: {families}.
- Cells whose coverage is below 93 % with p < .01: **{len(failing)}**{f" ({worst})" if failing else ""}.
- Published numbers: {published:,}; covered {share(total(rows, "publish_covered"), published)}; median error
  **{100 * error:.1f} %** (goal under 3 %; median over cells of the cells' medians).
- Estimates shown at a rate of 10 %: **{ten}** (of {total(at_ten, "worlds"):,} worlds; bounds or refusals only). Where
  a third of the window was kept whole beside the 10 %, {mixed} of {total(beside, "worlds"):,}.
- Found by this study and mended: with spanning sessions kept at 25 %, in one shape 6 of 40 intervals were narrow enough
  to be shown, and 2 of the 6 covered: the narrow ones were the unlucky ones. Such shares are now refused below 50 %.
- The whole study takes {sum(float(row["cpu_seconds"]) for row in rows) / 60:.0f} minutes of CPU time.
- Naive numbers (as kept) and naive numbers over the rate are in the last columns: median error, relative for counts and
  in points for shares. Where they look harmless it is by luck of the shape: the ranges over shapes are wide, the sign
  changes.

### By metric, unit, regime and rate

Pooled over shapes and sizes. Two rates stand for the first and the second window. "100 % segment": a third of the
window was kept whole. "Spanning": about so many sessions touch both windows; "often": a user may have several of them.

{main_table(rows)}

### By shape

{shapes_table(rows)}
"""
