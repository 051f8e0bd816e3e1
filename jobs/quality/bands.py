"""The robust band of a daily series: what a day should hold, given the four weeks before it, and how sure that is.

Everything is a median, so that a holiday, a storm or a lost day in the history moves nothing:

1. level of a past day: the median of the seven days around it (one of each weekday, so that the week's rhythm is out);
2. factor of a weekday: the median of its days' ratios to their levels, and of one 1 beside them, so that a weekday that
   was seen twice, once on a holiday, is not taken for a weak one;
3. recent level: the median of the last seven usable days over their factors. It follows growth and a lasting change;
4. expected: the recent level times the factor of the day's weekday;
5. spread: each day of the history is predicted from the seven before it as the judged day is; 1.4826 times the median
   of the absolute relative errors is a standard deviation for normal errors (the median absolute deviation: Rousseeuw
   and Croux, "Alternatives to the median absolute deviation", JASA 88, 1993). Week-to-week changes are in it;
6. standard deviation: the spread times what is expected, at least the Poisson one of the kept units,
   sqrt(expected / rate); then times sqrt(1 + (pi / 2) / days of this weekday), for a median of n has pi/2 times the
   variance of a mean, and times sqrt(28 / days of history): young series are known less well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

HISTORY = 28
WEEK = 7
MAD_TO_SD = 1.4826
LEAST_FACTOR = 0.1  # a weekday without events divides nothing by zero
LEAST_BEFORE = 3  # days that predict a day of the history


@dataclass(frozen=True)
class Band:
    """What a day should hold.

    Attributes:
        expected: by the recent level and the weekday.
        expected_month: the same by the median level of all the history; after a lasting change the two part.
        sd: standard deviation of the day around `expected`; at least one kept unit.
        unit: what one kept event stands for, 1/rate.
        n_days: usable days of the history.
    """

    expected: float
    expected_month: float
    sd: float
    unit: float
    n_days: int

    @property
    def n_effective(self) -> float:
        """How many independent events are expected: of as many, none at all has the probability exp(-n)."""
        return (self.expected / self.sd) ** 2

    def scaled(self, share: float, lost_sd: float = 0.0) -> Band:
        """Return the band of a part of the day; `lost_sd` is a further deviation, relative to the whole day."""
        extra = lost_sd * self.expected
        sd = float(np.hypot(self.sd * np.sqrt(share), extra))
        return replace(
            self, expected=self.expected * share, expected_month=self.expected_month * share, sd=max(sd, 1e-9)
        )

    def limits(self, sds: float, change: float) -> tuple[float, float]:
        """Return the ends beyond which a day is out by more than `sds` deviations and more than a relative change.

        Fewer than sds^2 kept events are never out: sqrt(n) of so few is more than they are.
        """
        reach = max(sds * self.sd, sds**2 * self.unit, change * self.expected)
        return max(self.expected - reach, 0.0), self.expected + reach

    def far_limits(self, sds: float, change: float) -> tuple[float, float]:
        """Return the same ends where a day must also have left the month's level.

        So a series that comes back to its usual after some bad days is not far out.
        """
        low, high = min(self.expected, self.expected_month), max(self.expected, self.expected_month)
        reach = max(sds * self.sd, sds**2 * self.unit)
        return max(low - max(reach, change * low), 0.0), high + max(reach, change * high)


def band(history: npt.ArrayLike, rate: float = 1.0) -> Band | None:
    """Return the band of the day after a history, or null where nothing can be said.

    Args:
        history: the values of the `HISTORY` days before the day, oldest first; NaN where a day is not usable. Weighted
            by 1/rate if they are of a sample.
        rate: sampling rate of the judged day, for the Poisson part.
    """
    values = np.asarray(history, dtype=float)
    usable = np.isfinite(values)
    n_days = int(usable.sum())
    if n_days < LEAST_BEFORE:
        return None
    place = (len(values) - np.arange(len(values))) % WEEK  # 0 is the weekday of the judged day
    factors, counts = _weekday_factors(values, place)
    plain = values / factors[place]
    recent, month = float(np.median(plain[usable][-WEEK:])), float(np.median(plain[usable]))
    expected = recent * factors[0]
    sd = max(_spread(plain[usable]) * expected, np.sqrt(max(expected, 0.0) / rate))
    sd *= np.sqrt(1 + np.pi / 2 / max(counts[0], 1)) * np.sqrt(HISTORY / n_days)
    return Band(float(expected), float(month * factors[0]), float(max(sd, 1 / rate)), 1 / rate, n_days)


def usual_share(parts: npt.ArrayLike, wholes: npt.ArrayLike) -> tuple[float, float]:
    """Return the usual of a share and its robust standard deviation from day to day.

    Args:
        parts: counts of the history's usable days, at least one.
        wholes: what they are parts of, above 0.
    """
    shares = np.asarray(parts, dtype=float) / np.asarray(wholes, dtype=float)
    usual = float(np.median(shares))
    return usual, float(MAD_TO_SD * np.median(np.abs(shares - usual)))


def share_sd(usual: float, spread: float, whole: float) -> float:
    """Return the standard deviation of a share of `whole` units: by days or by chance, whichever is larger.

    One unit of the kind and one of the other are taken as seen (Laplace), so that what never was is still possible.
    """
    likely = (usual * whole + 1) / (whole + 2)
    return max(spread, float(np.sqrt(likely * (1 - likely) / whole)))


def _weekday_factors(values: FloatArray, place: npt.NDArray[np.int64]) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return each weekday's share of a usual day, and on how many days that rests."""
    ratios = values / _levels(values)
    factors, counts = np.ones(WEEK), np.zeros(WEEK, dtype=np.int64)
    for weekday in range(WEEK):
        found = ratios[(place == weekday) & np.isfinite(ratios)]
        counts[weekday] = len(found)
        if len(found) > 1:
            factors[weekday] = max(float(np.median([*found, 1.0])), LEAST_FACTOR)
    return factors, counts


def _levels(values: FloatArray) -> FloatArray:
    """Return the median of the seven days around each, NaN where that is 0 or there is none."""
    n = len(values)
    first = np.clip(np.arange(n) - WEEK // 2, 0, max(n - WEEK, 0))
    windows = values[np.minimum(first[:, None] + np.arange(WEEK), n - 1)]
    is_empty = ~np.isfinite(windows).any(axis=1)
    levels: FloatArray = np.nanmedian(np.where(is_empty[:, None], 0.0, windows), axis=1)
    return np.where(levels > 0, levels, np.nan)


def _spread(plain: FloatArray) -> float:
    """Return the robust relative error of predicting each day from the seven usable ones before it."""
    padded = np.concatenate([np.full(WEEK, np.nan), plain])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WEEK)[LEAST_BEFORE : len(plain)]
    if len(windows) == 0:
        return 0.0
    predicted = np.nanmedian(windows, axis=1)
    seen = plain[LEAST_BEFORE:][predicted > 0]
    errors = np.abs(seen / predicted[predicted > 0] - 1)
    return MAD_TO_SD * float(np.median(errors)) if len(errors) else 0.0
