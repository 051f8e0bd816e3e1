"""What may be shown of a number about people: the limits, and why, in a sentence for analysts.

The statuses, from the best: `publish`, `caution`, `bounds_only` (lower and upper, no estimate), `not_estimable`. The
limits apply only where a sampling rate in the window is below 1. Their thresholds come from simulations over shapes of
visiting and from real sequences (`docs/coverage.md`): wherever an interval is shown it covers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Status = Literal["publish", "caution", "bounds_only", "not_estimable"]


@dataclass(frozen=True)
class Limits:
    """What an answer must keep to be shown; half-widths are halves of the 95 % interval's length.

    Attributes:
        blind_rate: at or below this sampling rate, people and shares of them are at best `bounds_only`.
        fewest_seen: users seen below which no fit is shown.
        users_publish: half-width of a count, relative to the estimate, up to which it may be published.
        users_caution: the same for `caution`.
        share_publish: half-width of a share up to which it may be published.
        share_publish_relative: the same, relative to the share.
        share_caution: half-width of a share up to which it is `caution`.
        share_caution_relative: the same, relative to the share.
        share_bounds: half-width of a share up to which bounds are shown.
        spanning_rate: rate from which sessions in both windows are modelled; below it the few intervals narrow enough
            to be shown were the unlucky ones (coverage study, 25 %).
        spanning_bias: what sessions in both windows may add to a share where they are not modelled, relative to its
            half-width.
    """

    blind_rate: float = 0.1
    fewest_seen: int = 30
    users_publish: float = 0.10
    users_caution: float = 0.25
    share_publish: float = 0.03
    share_publish_relative: float = 0.25
    share_caution: float = 0.07
    share_caution_relative: float = 0.50
    share_bounds: float = 0.15
    spanning_rate: float = 0.5
    spanning_bias: float = 0.2


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Verdict:
    """A status and the sentence that explains it (None where there is nothing to explain)."""

    status: Status
    reason: str | None = None


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval of about 95 %, measured."""

    estimate: float
    lower: float
    upper: float

    @property
    def half_width(self) -> float:
        """Half the interval's length."""
        return (self.upper - self.lower) / 2

    @property
    def relative(self) -> float:
        """Half-width relative to the estimate."""
        return self.half_width / self.estimate if self.estimate > 0 else float("inf")


def percent(share: float) -> str:
    """Write a share as `12 %`, with a decimal below 10 % where there is one."""
    value = 100 * share
    digits = 1 if value < 10 and abs(value - round(value)) >= 0.05 else 0
    return f"{value:.{digits}f} %"


def points(share: float) -> str:
    """Write a difference of shares as `6 pp`, never rounded to nothing."""
    value = 100 * share
    return f"{value:.0f} pp" if value >= 1 else f"{max(value, 0.1):.1f} pp"


def beyond(share: float, limit: float, write: Callable[[float], str]) -> str:
    """Write a number that exceeds a limit, with more digits where both would read alike, so `10.2 %` beside `10 %`."""
    told, allowed = write(share), write(limit)
    if told != allowed or share <= limit:
        return told
    digits = next((digits for digits in (1, 2) if round(100 * share, digits) > 100 * limit), 3)
    return f"{100 * share:.{digits}f} {told.split()[-1]}"
