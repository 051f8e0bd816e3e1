"""Counts of the coverage studies, added up over cells, and written as text."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

GOAL, CHANCE = 0.93, 0.01
FEW = 0.1
RESULTS = Path(__file__).parent / "results"
COUNTS = ("worlds", "shown", "covered", "publish", "publish_covered", "caution", "bounds_only", "not_estimable")


@dataclass(frozen=True)
class Line:
    """A cell of any study under one inference, and what it is called; `kind` is its chapter."""

    kind: str
    metric: str
    inference: str
    name: str
    counts: dict[str, int]
    publish_half_width: float
    half_width: float
    ideal: float
    source: dict[str, str]

    def misses(self) -> list[Miss]:
        """Where coverage is below the goal beyond chance."""
        found = []
        for status, hits in (("publish", "publish_covered"), ("shown", "covered")):
            n = self.counts[status]
            p = float(stats.binom.cdf(self.counts[hits], n, GOAL)) if n else 1.0
            if p < CHANCE:
                found.append(Miss(self, status, self.counts[hits], n, p))
        return found


@dataclass(frozen=True)
class Miss:
    """A cell whose coverage is below the goal: what of it, how many of them cover, and the probability of so few."""

    line: Line
    status: str
    covered: int
    n: int
    p: float

    @property
    def is_chosen(self) -> bool:
        """Whether so few worlds come this far that they are the odd ones."""
        return self.n < FEW * self.line.counts["worlds"]

    def text(self) -> str:
        """Write it."""
        where = f"{self.line.inference}, {self.line.name}"
        return f"{self.covered} of {self.n} {self.status} (of {self.line.counts['worlds']}; p = {self.p:.1g}): {where}"


def read_all() -> list[Line]:
    """Read the results of all studies that there are."""
    readers = {"people": read_people, "totals": read_totals, "comparable": read_comparable, "hours": read_hours}
    return [line for name, reader in readers.items() for line in reader(RESULTS / f"coverage_{name}.csv")]


def read_people(path: Path) -> list[Line]:
    """Read the rows of `coverage_people.py`."""
    return [
        Line(
            row["family"],
            row["family"],
            row["inference"],
            f"{row['shape']}, {row['unit']}, {row['regime']}, {row['size']} users, {rates(row)}",
            _counts(row, "covered"),
            float(row["publish_half_width"]),
            float(row["half_width"]),
            float(row["ideal_half_width"]),
            row,
        )
        for row in _rows(path)
    ]


def read_totals(path: Path) -> list[Line]:
    """Read the rows of `coverage.py`: totals and click-through rates."""
    own = ("study", "tail", "users", "ctr", "frailty", "unit", "setting", "window", "wikis")
    lines = []
    for row in _rows(path):
        metric, _, inference = row["metric"].partition(" ")
        is_total = not inference
        metric = metric if is_total else {"clicks": "CTR overall", "matched": "CTR matched"}[metric]
        kind = "totals" if is_total else "ratios"
        name = ", ".join([metric, *(f"{key} {row[key]}" for key in own if row.get(key))])
        counts = _counts(row, "shown_covered")
        lines.append(Line(kind, metric, inference or "realised", name, counts, math.nan, *_widths(row), row))
    return lines


def pooled(lines: Sequence[Line]) -> list[Line]:
    """Add up cells of totals and ratios over users, click-through rates and other wikis; widths are cells' medians."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        where = (f"{name} {line.source[name]}" for name in ("study", "tail", "unit", "setting", "window"))
        groups.setdefault((", ".join([line.metric, *where]), line.inference), []).append(line)
    out = []
    for (name, _), group in groups.items():
        counts = {count: total(group, count) for count in COUNTS}
        widths = (_median([line.half_width for line in group]), _median([line.ideal for line in group]))
        out.append(replace(group[0], name=name, counts=counts, half_width=widths[0], ideal=widths[1]))
    return out


def _median(values: list[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return float(np.median(finite)) if finite else math.nan


def read_comparable(path: Path) -> list[Line]:
    """Read the rows of `coverage_comparable.py`: the two metrics that outlast a change of rate."""
    lines = []
    for row in _rows(path):
        name = f"{row['metric']}, {row['shape']}, {row['users']} users, rates {row['rates']}"
        counts = _counts(row, "covered")
        lines.append(Line("comparable", row["metric"], row["inference"], name, counts, math.nan, *_widths(row), row))
    return lines


def read_hours(path: Path) -> list[Line]:
    """Read the rows of `coverage_hours.py`: windows that lost an hour; what is shown there is `caution`."""
    lines = []
    for row in _rows(path):
        name = f"{row['family']}, wiki {row['wiki']}, lost {row['lost']}, {row['window_days']} days, rate {row['rate']}"
        zero = {"publish": "0", "publish_covered": "0", "caution": row["shown"], "bounds_only": "0"}
        counts = _counts({**row, **zero}, "covered")
        width = float(row["half_width"] or "nan")
        lines.append(Line("lost hours", row["family"], "realised", name, counts, math.nan, width, math.nan, row))
    return lines


def _counts(row: dict[str, str], hits: str) -> dict[str, int]:
    return {name: int(row[hits if name == "covered" else name]) for name in COUNTS}


def _widths(row: dict[str, str]) -> tuple[float, float]:
    return float(row["half_width"] or "nan"), float(row["ideal"] or "nan")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def rates(row: dict[str, str]) -> str:
    """Write a cell's rate, or both."""
    one, two = (f"{100 * float(row[name]):.0f} %" for name in ("rate1", "rate2"))
    return one if one == two else f"{one} then {two}"


def total(lines: Iterable[Line], count: str) -> int:
    """Add a count up."""
    return sum(line.counts[count] for line in lines)


def percent(part: float, whole: float, digits: int = 1) -> str:
    """Write a share in percent, or a dash where there is nothing to take it of."""
    return f"{100 * part / whole:.{digits}f}" if whole else "–"


def covered(lines: Sequence[Line], kind: str) -> str:
    """Write what share of published (or shown) intervals holds the truth, by inference where they differ."""
    hits = "publish_covered" if kind == "publish" else "covered"
    names = [name for name in ("realised", "process") if any(line.inference == name for line in lines)]
    groups = [[line for line in lines if line.inference == name] for name in names]
    parts = [percent(total(group, hits), total(group, kind)) for group in groups]
    if not total(lines, kind):
        return "–"
    return f"{' / '.join(parts)} %"


def lowest(lines: Sequence[Line], least: int = 40) -> str:
    """Write the lowest coverage of what a cell publishes, of cells that publish enough to tell."""
    shares = [
        line.counts["publish_covered"] / line.counts["publish"] for line in lines if line.counts["publish"] >= least
    ]
    return f"{100 * min(shares):.0f} %" if shares else "–"


def statuses(lines: Sequence[Line]) -> str:
    """Write the shares of the four statuses."""
    worlds = total(lines, "worlds")
    return " / ".join(
        percent(total(lines, name), worlds, 0) for name in ("publish", "caution", "bounds_only", "not_estimable")
    )


def times_ideal(lines: Sequence[Line]) -> str:
    """Write how many times the ideal half-width that of what is shown is, the median over cells."""
    factors = [line.half_width / line.ideal for line in lines if line.counts["shown"] and line.ideal > 0]
    factors = [factor for factor in factors if math.isfinite(factor)]
    return f"{np.median(factors):.1f}" if factors else "–"


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    out = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*out, *("| " + " | ".join(line) + " |" for line in lines)])
