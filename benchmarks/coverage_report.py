"""Write docs/coverage.md, and the tables of all cells, from the results of the coverage studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coverage_cells import Cell, first_study
from coverage_corrections import corrections
from coverage_situations import EVERYTHING, NAMES, SITUATIONS
from coverage_tally import (
    RESULTS,
    Line,
    Miss,
    covered,
    lowest,
    percent,
    pooled,
    read_all,
    read_people,
    statuses,
    table,
    times_ideal,
    total,
)

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
CELLS = RESULTS / "coverage_cells.md"
COMMAND = "python benchmarks/coverage_people.py --report"


def write_report() -> None:
    """Write the page and the tables of cells."""
    lines, before = read_all(), read_people(RESULTS / "coverage_before.csv")
    PAGE.write_text(page(lines, before), encoding="utf-8")
    CELLS.write_text(cells(lines), encoding="utf-8")
    print(f"written: {PAGE}, {CELLS}")


def verdicts(lines: Sequence[Line]) -> list[list[str]]:
    """The lines of the verdict table."""
    left, out = list(lines), []
    for situation in SITUATIONS:
        chosen = [line for line in left if line.kind == situation.kind and situation.has(line.source)]
        left = [line for line in left if line not in chosen]
        if situation.name == EVERYTHING:
            chosen = [line for line in chosen if line.inference == "process"]  # realised is exact there
        if not chosen:
            continue
        name = NAMES.get(situation.kind, situation.kind)
        numbers = covered(chosen, "publish"), lowest(chosen), covered(chosen, "shown"), statuses(chosen)
        out.append([name, situation.name, *numbers, times_ideal(chosen), situation.refused])
    return out


def misses(lines: Sequence[Line]) -> list[Miss]:
    """What falls below 93 % beyond chance, the surest first."""
    return sorted((miss for line in lines for miss in line.misses()), key=lambda miss: (miss.p, miss.text()))


def missed(lines: Sequence[Line]) -> str:
    """How many cells miss the goal beyond chance, by metric."""
    out = []
    for kind in dict.fromkeys(line.kind for line in lines):
        own = [line for line in lines if line.kind == kind]
        found = misses(own)
        counts = (sum(line.counts[name] > 0 for line in own) for name in ("publish", "shown"))
        below = (sum(miss.status == name and not miss.is_chosen for miss in found) for name in ("publish", "shown"))
        chosen = sum(miss.is_chosen for miss in found)
        out.append(
            [NAMES.get(kind, kind), *(f"{n} of {all_}" for n, all_ in zip(below, counts, strict=True)), str(chosen)]
        )
    return table(["metric", "`publish` too low", "all shown too low", "too low among chosen few"], out)


def published(lines: Sequence[Line], before: Sequence[Line]) -> str:
    """How many rows the cells of the first study publish, before and now."""
    first = {cell_key(cell) for cell in first_study()}
    out = []
    for family in dict.fromkeys(line.metric for line in before):
        was, now = (
            [x for x in rows if x.metric == family and x.inference == "realised" and key_of(x) in first]
            for rows in (before, lines)
        )
        if was and now:
            numbers = [f"{total(rows, 'publish'):,} of {total(rows, 'worlds'):,}" for rows in (was, now)]
            out.append([NAMES.get(family, family), *numbers, covered(was, "publish"), covered(now, "publish")])
    return table(["metric", "published before", "now", "covered before", "now"], out)


def cell_key(cell: Cell) -> tuple[str, ...]:
    """Name a cell as its row in a file of results does."""
    return cell.family, cell.shape, cell.unit, cell.regime, str(cell.size), str(cell.rate1), str(cell.rate2)


def key_of(line: Line) -> tuple[str, ...]:
    """Name the cell of a line."""
    return tuple(line.source.get(name, "") for name in ("family", "shape", "unit", "regime", "size", "rate1", "rate2"))


def page(lines: list[Line], before: list[Line]) -> str:
    """The whole page."""
    header = ["metric", "situation", "`publish` covers", "lowest cell", "all shown cover"]
    header += ["publish / caution / bounds / refused, %", "width, × ideal", "not shown"]
    worlds = sum(line.counts["worlds"] for line in lines if line.inference == "realised")
    return f"""# Coverage of the intervals

How often does an interval that a row shows hold the truth? Measured on {worlds:,} worlds whose truth is known, in
{len(lines):,} cells, with the functions and limits that make the rows. Goal: 93 to 98.5 % wherever a status says
`publish`, at least 93 % wherever anything is shown.

{table(header, verdicts(lines))}

Cells below 93 % beyond chance (p < .01). *Chosen few*: cells in which less than one world in ten comes so far that it
is published, or shown; those are the odd ones, with unusually many events or an unusually narrow interval, a choice no
interval is meant for. All are listed in [coverage_cells.md](../benchmarks/results/coverage_cells.md).

{missed(lines)}

**How to read it.** Two numbers are *realised / process*: the first judged against what happened in that world, the
second against the habits that made it happen. *Lowest cell*: the lowest coverage of `publish` in any one combination of
habits, size and rate that publishes 40 rows or more; by chance alone a cell of forty rows at 95 % lies between 85 and
100. *Bounds* hold more often than they must: they are limits for any population. *Width, × ideal*: half-width of
what is shown over that of an observer who knows how often people come, which nobody does; the rest is the price of not
knowing. The row of what is not shown gives the reason and what would make it measurable.

What to keep in mind:

- Read a share of 95 % as "about 95 %, measured": the intervals of people are cut off a likelihood where a theorem that
  does not quite hold here would cut them, and this study is what says they cover.
- A rate of 10 % never gives a firm number of people: bounds, where they say something; of visitors and reviewers an
  estimate under `caution`, where a week at 100 % lends its shape of visits.
- At 100 % a realised number is exact; its process row has an interval, and the same limits of width as any other.
- An interval is one wiki's, one window's. Of a page with a hundred of them, five miss.

## What the corrections of November 2026 changed

{corrections(before, lines)}

Rows published in the cells of the first study, before and now (the same worlds):

{published(lines, before)}

## What was not simulated

- Users who share a browser, or one who uses two: a user is whoever the events say it is.
- Sampling that does not keep the declared share, duplicated events, lost pageviews: the rate audit and the fit's own
  check look for these, and their false alarms were measured, not their power in every case.
- Reference shapes: whether they hold on a wiki is measured on that wiki's own weeks at 100 % (self-validation).
- The process rows of pageviews per visitor and the presented two-week rate: they are refused below 100 %.
- Self-validation (thinned windows of real wikis) covers visitors, reviewers, the two-day review rate, the two-week
  return and 14-day retention; no other metric.

## Where the cells are

Each cell is a line of `benchmarks/results/coverage_people.csv` (people), `coverage_totals.csv` (totals and
click-through rates) and `coverage_hours.csv` (lost hours); `coverage_cells.md` there
shows them as tables, `coverage_before.csv` has the cells of people before the corrections. Worlds are seeded by their
cell's name: `python benchmarks/coverage_people.py` and `python benchmarks/coverage.py` give the same bytes again, and
run only what changed code made stale; `{COMMAND}` writes this page.
`tests/estimation/test_published_intervals.py` runs a fixed part of the study with every `make test`.
"""


def cells(lines: Sequence[Line]) -> str:
    """What misses, and every cell by metric; those of totals and ratios pooled over users, CTR and other wikis."""
    header = ["cell", "inference", "worlds", "`publish` covered", "shown covered"]
    header += ["publish/caution/bounds/refused", "half-width published", "shown", "ideal"]
    parts = [f"# Cells of the coverage studies\n\nWritten by `{COMMAND}`; what it means: docs/coverage.md."]
    parts.append(
        "\n".join(["## Below 93 % beyond chance (p < .01)\n", *(f"- {miss.text()}" for miss in misses(lines))])
    )
    for kind in dict.fromkeys(line.kind for line in lines):
        own = [line for line in lines if line.kind == kind]
        rows = [
            [
                line.name,
                line.inference,
                str(line.counts["worlds"]),
                _of(line, "publish_covered", "publish"),
                _of(line, "covered", "shown"),
                "/".join(str(line.counts[name]) for name in STATUSES),
                *(_width(width) for width in (line.publish_half_width, line.half_width, line.ideal)),
            ]
            for line in (pooled(own) if kind in ("totals", "ratios") else own)
        ]
        parts.append(f"## {NAMES.get(kind, kind)}\n\n{table(header, rows)}")
    return "\n\n".join(parts) + "\n"


STATUSES = ("publish", "caution", "bounds_only", "not_estimable")


def _of(line: Line, hits: str, n: str) -> str:
    return (
        f"{line.counts[hits]} of {line.counts[n]} ({percent(line.counts[hits], line.counts[n])} %)"
        if line.counts[n]
        else "–"
    )


def _width(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f} %"
