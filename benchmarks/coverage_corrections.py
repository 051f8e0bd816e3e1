"""The corrections of November 2026, each with what was measured before and what is measured now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from coverage_tally import Line, covered, percent, table, total

Measure = Callable[[Sequence[Line]], str]


@dataclass(frozen=True)
class Correction:
    """A correction: its number, what it is about, which cells show it, and what is measured there."""

    number: str
    what: str
    has: Callable[[dict[str, str]], bool]
    measure: Measure


def corrections(before: Sequence[Line], now: Sequence[Line]) -> str:
    """The table of corrections, from the cells that both studies have."""
    both = {_name(line) for line in before} & {_name(line) for line in now}
    lines = []
    for one in CORRECTIONS:
        was, then = ([x for x in rows if _name(x) in both and one.has(x.source)] for rows in (before, now))
        lines.append([one.number, one.what, *(one.measure(rows) if rows else "–" for rows in (was, then))])
    hours = [line for line in now if line.kind == "lost hours"]
    if hours:
        n = total(hours, "shown")
        was = percent(sum(int(line.source["before"]) for line in hours), n)
        lines.append(["14", "rows of windows that lost an hour", f"{was} % cover", shown(hours)])
    return table(["", "what was wrong, and where it showed", "before", "now"], lines)


def _name(line: Line) -> tuple[str, str, str]:
    return line.metric, line.inference, line.name


def shown(lines: Sequence[Line]) -> str:
    return f"{covered(lines, 'shown')} cover" if total(lines, "shown") else "nothing shown"


def publish(lines: Sequence[Line]) -> str:
    return f"{percent(total(lines, 'publish'), total(lines, 'worlds'), 0)} % published"


def publish_and_width(lines: Sequence[Line]) -> str:
    width = np.median([line.half_width for line in lines if line.counts["shown"]])
    return f"{publish(lines)}, ±{100 * width:.1f} points, {covered(lines, 'shown')} cover"


def widest(lines: Sequence[Line]) -> str:
    found = [float(line.source["publish_widest"]) for line in lines if line.counts["publish"]]
    known = [one for one in found if np.isfinite(one)]
    return f"±{100 * max(known):.0f} %" if known else "none published"


def width(lines: Sequence[Line]) -> str:
    found = [line.half_width for line in lines if line.counts["shown"]]
    return f"±{100 * np.median(found):.0f} %, {covered(lines, 'shown')} cover" if found else "nothing shown"


def some_shown(lines: Sequence[Line]) -> str:
    return f"{percent(total(lines, 'shown'), total(lines, 'worlds'), 0)} % shown"


def say_little(lines: Sequence[Line]) -> str:
    return f"{sum(int(line.source['say_little']) for line in lines):,} of {total(lines, 'worlds'):,}"


def _is(**wanted: object) -> Callable[[dict[str, str]], bool]:
    """Choose rows whose columns have these values."""
    return lambda row: all(row.get(name) == str(value) for name, value in wanted.items())


def _seen(shape: str, size: int, rate: float) -> Callable[[dict[str, str]], bool]:
    return _is(family="users", shape=shape, unit="pageview", regime="one rate", size=size, rate1=rate)


CORRECTIONS = (
    Correction("1", "60 visitors, 90 % with 40 visits, others one; 25 % kept", _seen("90 % with 40", 60, 0.25), shown),
    Correction("1", "100 visitors, 95 % with 20, others one; 25 % kept", _seen("95 % with 20", 100, 0.25), shown),
    Correction("1", "60 visitors, 80 % with 12 visits, others one; 40 % kept", _seen("80 % with 12", 60, 0.4), shown),
    Correction("2", "2 % return, 0.9 % of sessions in both windows; half kept",
               _is(shape="rare return", regime="0.9 % of all span", rate1=0.5), shown),
    Correction("2", "14-day retention, every tenth session of its first day past midnight; half kept",
               _is(shape="fortnight", rate1=0.5), shown),
    Correction("4", "2,000 visitors of all sorts, any rate", _is(family="users", size=2000), publish),
    Correction("5", "retention of 10,000 visitors who come once, half kept",
               _is(family="retention", shape="one-timers", rate1=0.5), publish),
    Correction("6", "process rows of shares where everything is kept, 60 users and fewer",
               lambda r: r["inference"] == "process" and r["rate1"] == "1.0" and int(r["size"]) <= 60, publish),
    Correction("7", "widest published pageviews per visitor, of all cells",
               _is(family="pageviews per visitor"), widest),
    Correction("8", "500 visitors with exactly 3 visits, half kept", _seen("exactly 3", 500, 0.5), shown),
    Correction("9", "realised retention, 1,000 users and more, 75 and 90 % kept",
               lambda r: r["family"] == "retention" and r["inference"] == "realised" and int(r["size"]) >= 1000
               and r["regime"] == "one rate" and float(r["rate1"]) in (0.75, 0.9) and r["rate1"] == r["rate2"],
               publish_and_width),
    Correction("10", "15 visitors, 90 % kept", _seen("five", 15, 0.9), width),
    Correction("11", "retention with two rates in its two windows",
               lambda r: r["family"] == "retention" and r["rate1"] != r["rate2"] and r["regime"] == "one rate", shown),
    Correction("12", "retention and unique CTR, 2,000 users with 40 visits, 10 % kept",
               lambda r: r["shape"] == "exactly 40" and r["family"] != "users" and r["rate1"] == "0.1", some_shown),
    Correction("13", "bounds that say next to nothing, of all cells", lambda r: True, say_little),
)  # fmt: skip
