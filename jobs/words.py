"""How numbers, intervals, changes and statuses are written: in the report, in notebooks and by `explain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

PERCENT_UNITS = ("share of users", "share of impressions", "clicks per impression")
MINUS = "−"


@dataclass(frozen=True)
class Status:
    """What a status is called and looks like; colour never stands alone.

    Attributes:
        word: as it is written.
        symbol: stands before the word.
        colour: of symbols and marks; of Okabe and Ito, told apart by the colour-blind, seen on light and on dark.
        means: what a reader may do with such a number.
        is_shown: whether it has numbers.
    """

    word: str
    symbol: str
    colour: str
    means: str
    is_shown: bool


STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "publish": Status("publish", "●", "#009E73", "Use the number with its interval.", True),
        "caution": Status("caution", "▲", "#C77C00", "Use it, and say why it is weak; the reason is given.", True),
        "bounds_only": Status(
            "bounds only", "↔", "#0072B2", "Say “between … and …”; there is no best guess between the two.", True
        ),
        "not_estimable": Status(
            "not estimable", "✕", "#D55E00", "No number can be had; what would change that stands beside it.", False
        ),
        "suppressed": Status(
            "suppressed", "■", "#AA5C8F", "Not shown, so that no small group of people can be seen.", False
        ),
        "not_measured": Status(
            "not measured", "○", "#767676", "The instrument did not exist or was broken, or a day is missing.", False
        ),
    }
)  # fmt: skip
"""By the word of the marts, from the best to the worst."""


def number(value: float, unit: str) -> str:
    """Write a value of a unit: shares in percent, counts whole with thousands apart, other ratios with two digits."""
    if unit in PERCENT_UNITS:
        return f"{_digits(value, unit)} %"
    return _digits(value, unit)


def interval(estimate: float | None, lower: float | None, upper: float | None, unit: str) -> str:
    """Write a number with its limits: `23.9 % (21.0 – 26.8)`, `748 (exact)`, or `21.0 – 26.8 %` without an estimate.

    An upper limit that is not known is written as `…`. Empty without any number: the caller says why there is none.
    """
    middle, low, high = _known(estimate), _known(lower), _known(upper)
    ends = "" if low is None and high is None else f"{_digits(low, unit)} – {_digits(high, unit)}"
    if middle is None:
        return f"{ends} %" if ends and unit in PERCENT_UNITS else ends
    if not ends:
        return number(middle, unit)
    return f"{number(middle, unit)} ({'exact' if low == middle == high else ends})"


def change(value: float | None, lower: float | None, upper: float | None, unit: str) -> str:
    """Write a difference with its interval, `+1.2 pp (−0.4 to +2.8)` or `+21 (exact)`: shares in percentage points."""
    middle, low, high = _known(value), _known(lower), _known(upper)
    if middle is None:
        return ""
    told = signed(middle, unit) + (" pp" if unit in PERCENT_UNITS else "")
    if low is None or high is None:
        return told
    return f"{told} ({'exact' if low == middle == high else signed_ends(low, high, unit)})"


def signed(value: float, unit: str) -> str:
    """Write a difference with its sign and without a unit; what rounds to zero has no sign."""
    digits = _digits(abs(value), unit)
    if not any(digit in "123456789" for digit in digits):
        return digits
    return f"{'+' if value > 0 else MINUS}{digits}"


def signed_ends(lower: float, upper: float, unit: str) -> str:
    """Write the limits of a difference, `−0.4 to +2.8`: beside signs a dash would read as one more."""
    return f"{signed(lower, unit)} to {signed(upper, unit)}"


def percent(share: float) -> str:
    """Write a rate or a share, `10 %`: as many digits as it takes, three at most."""
    return f"{100 * share:.3g} %"


def sampled(unit: str, smallest: float, largest: float) -> str:
    """Say what was kept: `everything`, `10 % of sessions`, `10 % to 100 % of sessions`."""
    if smallest == largest == 1:
        return "everything"
    rates = percent(smallest) if smallest == largest else f"{percent(smallest)} to {percent(largest)}"
    return f"{rates} of {'pageviews and sessions' if unit == 'mixed' else f'{unit}s'}"


def metric_window(kind: str, days: float | None) -> str:
    """Write a window: `7 days`, `quarter to date`, `cohort, 14 days`."""
    known = _known(days)
    length = "" if known is None else f"{known:.0f} day{'' if known == 1 else 's'}"
    if kind == "rolling":
        return length
    return ", ".join(part for part in (kind.replace("_", " "), length) if part)


def _digits(value: float | None, unit: str) -> str:
    if value is None:
        return "…"
    if unit in PERCENT_UNITS:
        share = 100 * value
        return f"{share:,.2f}" if 0 < abs(share) < 0.095 else f"{share:,.1f}"
    return f"{value:,.2f}" if " per " in unit else f"{value:,.0f}"


def is_null(value: Any) -> bool:
    """Whether a value of a frame is one of its nulls."""
    return bool(pd.isna(value))


def _known(value: float | None) -> float | None:
    """Return a number, or None for every null of a frame."""
    return None if value is None or is_null(value) else float(value)
