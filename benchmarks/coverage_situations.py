"""The situations of the verdict table of docs/coverage.md: which cells each is made of, and what is not shown there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NAMES = {
    "users": "visitors, reviewers",
    "totals": "impressions, clicks",
    "ratios": "CTR overall, matched",
    "comparable": "rarefied visitors, pairs of visits",
    "lost hours": "all metrics",
}
"""What the page calls a kind of metric; the others are called as they are."""


@dataclass(frozen=True)
class Situation:
    """A line of the verdict table: the cells of a metric that no earlier line took."""

    kind: str
    name: str
    has: Callable[[dict[str, str]], bool]
    refused: str


def _rate(row: dict[str, str]) -> float:
    return min(float(row["rate1"]), float(row["rate2"]))


def _one_rate(row: dict[str, str]) -> bool:
    return row["regime"] == "one rate" and row["rate1"] == row["rate2"]


def _spans(row: dict[str, str]) -> bool:
    return row["regime"] not in ("one rate", "100 % segment") and row["rate1"] == row["rate2"]


def _any(row: dict[str, str]) -> bool:
    return True


EVERYTHING = "all kept (process rows)"
FIRM = "an estimate beyond ±25 %"
WIDE = "beyond ±15 points"
HUGE = "sessions kept, a few of them huge"
SITUATIONS = (
    Situation("users", "nearly all come often, a few once", lambda r: r["shape"][0].isdigit(), FIRM),
    Situation("users", "10 % kept or less", lambda r: _one_rate(r) and _rate(r) <= 0.1, "any estimate"),
    Situation("users", "11 to 49 % kept", lambda r: _one_rate(r) and _rate(r) < 0.5, FIRM),
    Situation("users", "50 % kept and more", _one_rate, f"{FIRM}, or of fewer than 30 seen"),
    Situation("users", "part of the window at 100 %", _any, FIRM),
    Situation("pageviews per visitor", "pageviews kept", lambda r: r["unit"] == "pageview", FIRM),
    Situation("pageviews per visitor", HUGE, _any, FIRM),
    Situation("retention", EVERYTHING, lambda r: _rate(r) >= 1, WIDE),
    Situation("retention", "below 50 % kept", lambda r: _one_rate(r) and _rate(r) < 0.5, f"10 % or less; {WIDE}"),
    Situation("retention", "50 % kept and more", _one_rate, f"fewer than 30 seen; {WIDE}"),
    Situation("retention", "sessions in both windows, from 50 %", lambda r: _spans(r) and _rate(r) >= 0.5, WIDE),
    Situation("retention", "sessions in both windows, below 50 %", _spans, "what they may bias beyond a fifth of ±"),
    Situation("retention", "two rates, or part of a window at 100 %", _any, WIDE),
    Situation("unique CTR", EVERYTHING, lambda r: _rate(r) >= 1, WIDE),
    Situation("unique CTR", "below 50 % kept", lambda r: _rate(r) < 0.5, f"10 % or less; {WIDE}"),
    Situation("unique CTR", "50 % kept and more", _any, WIDE),
    Situation("two-day review", "any rate", _any, "any estimate; bounds over 50 points apart"),
    Situation("totals", "ordinary sessions and pageviews", lambda r: r["study"] == "light", "under 30 events"),
    Situation("totals", HUGE, _any, "under 30 events; beyond ±25 % is `caution`"),
    Situation("ratios", "ordinary sessions and pageviews", lambda r: r["study"] == "light", ""),
    Situation("ratios", HUGE, _any, "under 30 clicks is `caution`"),
    Situation("comparable", "any rate", _any, ""),
    Situation("lost hours", "an hour or more lost", _any, "firm numbers"),
)
