"""What a chart says in words: one cell, its change, and how many cells have no number.

A cell is a row of `Leaving.cells` as a mapping. A status is told in one way everywhere: the number and its interval,
the bounds, or the status and its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobs import words

Cell = Mapping[str, Any]
WITH_ESTIMATE = ("publish", "caution")
NO_ROW = "no row"


def day(value: Any) -> str:
    """Write a date of a frame as `YYYY-MM-DD`."""
    return f"{value:%Y-%m-%d}"


def has_estimate(cell: Cell | None) -> bool:
    """Whether a cell has a best guess that may be drawn as a point."""
    return cell is not None and cell["status"] in WITH_ESTIMATE and not words.is_null(cell["estimate"])


def estimate(cell: Cell | None) -> float | None:
    """The best guess of a cell, None where its status has none."""
    return float(cell["estimate"]) if cell is not None and has_estimate(cell) else None


def limits(cell: Cell | None) -> tuple[float, float] | tuple[None, None]:
    """Both ends of the interval of a cell, with an estimate or without; None where its status has none."""
    if (
        cell is None
        or not words.STATUSES[cell["status"]].is_shown
        or words.is_null(cell["lower"])
        or words.is_null(cell["upper"])
    ):
        return None, None
    return float(cell["lower"]), float(cell["upper"])


def clause(text: Any) -> str:
    """A reason or a remedy as a part of a sentence, without its full stop; empty where there is none."""
    return "" if words.is_null(text) else str(text).strip().rstrip(".")


def figures(cell: Cell, unit: str) -> str:
    """The numbers of a cell, `1,467 (exact)` or `21.0 – 26.8 %`; empty where its status has none."""
    if not words.STATUSES[cell["status"]].is_shown:
        return ""
    return words.interval(cell["estimate"], cell["lower"], cell["upper"], unit)


def cell_text(cell: Cell | None, unit: str) -> str:
    """Everything a cell says, for a table or a sentence: numbers, status unless it is `publish`, and reason."""
    if cell is None:
        return NO_ROW
    status, reason = cell["status"], clause(cell["status_reason"])
    numbers = figures(cell, unit)
    told = "" if status == "publish" and numbers else words.STATUSES[status].word
    return "; ".join(part for part in (numbers, ": ".join(part for part in (told, reason) if part)) if part)


def mark_text(cell: Cell | None, unit: str) -> str:
    """A cell in as few letters as a drawing has room for: the number, the bounds, or symbol and status."""
    if cell is None:
        return "no row"
    if has_estimate(cell):
        weak = f" {words.STATUSES['caution'].symbol}" if cell["status"] == "caution" else ""
        return words.number(float(cell["estimate"]), unit) + weak
    status = words.STATUSES[cell["status"]]
    return figures(cell, unit) or f"{status.symbol} {status.word}"


def change_sentence(
    changes: Mapping[Any, Cell], newest: Cell, before: Cell | None, unit: str, *, of_process: bool
) -> str:
    """Tell how a week moved against the week before it, or why nothing is told; empty where the week has no estimate.

    What happened moved as it did; the interval of a change of a rate is that of the process rows, and is told as such.

    Args:
        changes: rows of `Leaving.changes` of the metric, by the day of `window_start` as text.
        newest: the week's cell.
        before: the cell of the week before, None where there is none.
        unit: of the metric.
        of_process: whether the metric has process rows: the limits of the change are theirs.
    """
    if not has_estimate(newest):
        return ""
    if before is None:
        return "There is no week before it to compare with."
    if not has_estimate(before):
        return "The week before has no estimate to compare with."
    change = changes.get(day(newest["window_start"]))
    if change is None or words.is_null(change["change"]):
        why = "" if change is None else clause(change["change_reason"])
        return f"No change from the week before is told: {why or 'the two cannot be compared'}."
    moved = _moved(float(change["change"]), float(before["estimate"]), unit)
    return f"{moved}; {_in_general(change, unit)}." if of_process else f"{moved} ({_change_interval(change, unit)})."


def _moved(change: float, before: float, unit: str) -> str:
    if change == 0:
        return "The same as the week before"
    if unit in words.PERCENT_UNITS:
        size = f"{words.number(abs(change), unit).removesuffix(' %')} pp"
    else:
        share = f" ({words.number(abs(change) / before, 'share of users')})" if before else ""
        size = f"{words.number(abs(change), unit)}{share}"
    return f"{size} {'more' if change > 0 else 'less'} than the week before"


def _change_interval(change: Cell, unit: str) -> str:
    lower, upper = change["change_lower"], change["change_upper"]
    if words.is_null(lower) or words.is_null(upper):
        return "its interval is not known"
    if lower == upper:
        return "exact"
    chance = ", so it may be no change at all" if lower <= 0 <= upper else ""
    return f"interval {_signed(lower, upper, unit)}{chance}"


def _in_general(change: Cell, unit: str) -> str:
    lower, upper = change["change_lower"], change["change_upper"]
    if words.is_null(lower) or words.is_null(upper):
        return "how much in general is not known"
    return f"in general {_signed(lower, upper, unit)}{', so it may be chance' if lower <= 0 <= upper else ''}"


def _signed(lower: float, upper: float, unit: str) -> str:
    pp = " pp" if unit in words.PERCENT_UNITS else ""
    return f"{words.signed_ends(lower, upper, unit)}{pp}"


def counted(cells: Sequence[Cell | None], what: str) -> str:
    """Tell how many cells have an estimate and what the others are: `Of 6 weeks 4 have an estimate and 2 are …`.

    Empty where there are no cells, or one: what is said of it says all.
    """
    if len(cells) < 2:
        return ""
    shown = sum(has_estimate(cell) for cell in cells)
    if shown == len(cells):
        return f"{'Both' if shown == 2 else f'All {shown}'} {what} have an estimate."
    others = Counter(_word(cell) for cell in cells if not has_estimate(cell))
    parts = [f"{shown} {'has' if shown == 1 else 'have'} an estimate"] if shown else ["none has an estimate"]
    parts += [f"{n} {'is' if n == 1 else 'are'} {word}" for word, n in others.items()]
    return f"Of {len(cells)} {what} {listed(parts)}."


def _word(cell: Cell | None) -> str:
    if cell is None:
        return "without a row"
    status = words.STATUSES[cell["status"]]
    return f"{status.word} ({status.symbol})"


def listed(parts: Iterable[str]) -> str:
    """Join words: `a, b and c`."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def sentences(*parts: str) -> str:
    """Put sentences one after the other, leaving out empty ones."""
    return " ".join(part for part in parts if part)
