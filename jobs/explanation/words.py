"""How an explanation writes numbers, windows and statuses."""

from __future__ import annotations

from jobs.explanation.explanation import MetricRow

MEANS = {
    "publish": "use the estimate with its interval",
    "caution": "use it and say why it is weak",
    "bounds_only": 'say "between lower and upper"; there is no best guess',
    "not_estimable": "use nothing of it: no number follows from what was kept",
    "suppressed": "use nothing of it: too few users stand behind it",
    "not_measured": "use nothing of it: it was not measured, or a day is missing",
}
"""What a reader may do with a row, by status."""


def written(value: float, unit: str) -> str:
    """Write a value of a metric: shares and click-through rates in percent, counts whole, means with two decimals."""
    if unit.startswith("share") or unit == "clicks per impression":
        return f"{100 * value:.1f} %" if abs(value) >= 0.1 else f"{100 * value:.3g} %"
    if " per " in unit:
        return f"{value:,.2f}"
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.3g}"


def interval(lower: float | None, upper: float | None, unit: str) -> str:
    """Write the ends of an interval; one of them may be open."""
    if lower is None or upper is None:
        return "" if lower is None else f"at least {written(lower, unit)}"
    return f"between {written(lower, unit)} and {written(upper, unit)}"


def value_of(estimate: float | None, lower: float | None, upper: float | None, unit: str) -> str:
    """Write a number with its interval, as far as there is one."""
    ends = interval(lower, upper, unit)
    if estimate is None:
        return ends or "no number"
    if lower == estimate == upper or not ends:
        return written(estimate, unit)
    return f"{written(estimate, unit)}, {ends}"


def headline(row: MetricRow, unit: str) -> str:
    """Write the answer: `two_day_review_rate, idwiki, 2026-01-01..2026-04-12: 23.9 % (exact, publish)`."""
    is_exact = row.inference == "realised" and row.is_exact and row.is_whole and row.is_complete
    told = f"exact, {row.status}" if is_exact else row.status
    value = value_of(row.estimate, row.lower, row.upper, unit)
    where = [
        text for text in (row.element_friendly_name, row.client_platform_family, row.edit_count_bucket) if text != "all"
    ]
    named = [row.metric, row.wiki_db, *where, f"{row.metric_date}..{row.as_of_date}"]
    reading = ", process" if row.inference != "realised" else ""
    return f"{', '.join(named)}{reading}: {value} ({told})"


def window_name(kind: str, days: int | None) -> str:
    """Name a window: `28 days`, `quarter to date`, `cohort of 14 days`."""
    if days is None:
        return kind.replace("_", " ")
    length = f"{days} day{'' if days == 1 else 's'}"
    return length if kind == "rolling" else f"{kind} of {length}"
