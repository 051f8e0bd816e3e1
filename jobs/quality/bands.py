"""The robust band of a daily series: what a day should hold, given the four weeks before it, and how sure that is.

Everything is a median, so that a holiday, a storm or a lost day in the history moves nothing:

1. growth: the median of the logarithms of each day over the same weekday a week before (once fourteen such pairs tell
   it from noise); the history is brought to the judged day's level by it;
2. level of a past day: the median of the seven days around it (one of each weekday, so that the week's rhythm is out);
3. factor of a weekday: the median of its days' ratios to their levels, and of one 1 beside them, so that a weekday that
   was seen twice, once on a holiday, is not taken for a weak one;
4. expected: the median of the last seven usable days over their factors, which follows a lasting change within a week,
   times the factor of the day's weekday;
5. spread: each day of the history is predicted from the seven before it as the judged day is; 1.4826 times the median
   of the absolute relative errors (the median absolute deviation: Rousseeuw and Croux, "Alternatives to the median
   absolute deviation", JASA 88, 1993) is a standard deviation for normal errors. Of some twenty errors it is small by
   luck now and then, so the mean of the errors without the largest sixth, times 1.68 (the same for normal errors), is
   a floor to it. Week-to-week changes are in it;
6. standard deviation: the spread times what is expected, at least the Poisson one of the kept units,
   sqrt(expected / rate). For warnings, which are narrow, it is then multiplied by what is not known of the expected
   itself: sqrt(1 + (pi / 2) / days of this weekday), for a median of n has pi/2 times the variance of a mean, and
   sqrt(28 / days of history), for young series are known less well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

HISTORY = 28
WEEK = 7
MAD_TO_SD = 1.4826
TRIMMED_TO_SD = 1.68
KEPT_PART = 5 / 6
LEAST_FACTOR = 0.1  # a weekday without events divides nothing by zero
LEAST_BEFORE = 3  # days that predict a day of the history
LEAST_PAIRS = 14  # of days a week apart that tell growth from noise
LEAST_FAR = 100  # kept events, that one busy user may add to a day; from as many a day on, ten roots are more anyway


@dataclass(frozen=True)
class Band:
    """What a day should hold.

    Attributes:
        expected: by the recent level and the weekday.
        expected_month: the same by the median level of all the history; after a lasting change the two part.
        sd: standard deviation of the day around `expected`, what is not known of that included; at least one kept unit.
        spread: relative robust standard deviation of the days.
        unit: what one kept event stands for, 1/rate.
        n_days: usable days of the history.
    """

    expected: float
    expected_month: float
    sd: float
    spread: float
    unit: float
    n_days: int

    @property
    def n_effective(self) -> float:
        """How many independent events are expected: of as many, none at all has the probability exp(-n)."""
        return (self.expected / self.sd) ** 2

    def scaled(self, share: float, lost_sd: float = 0.0) -> Band:
        """Return the band of a part of the day; `lost_sd` is a further deviation, relative to the whole day."""
        extra = lost_sd * self.expected
        return replace(
            self,
            expected=self.expected * share,
            expected_month=self.expected_month * share,
            sd=max(float(np.hypot(self.sd * np.sqrt(share), extra)), 1e-9),
            spread=float(np.hypot(self.spread / np.sqrt(share), lost_sd / share)) if share > 0 else self.spread,
        )

    def limits(self, sds: float, change: float) -> tuple[float, float]:
        """Return the ends beyond which a day is out by more than `sds` deviations and more than a relative change.

        At the upper end the deviations are those of the end itself, for that of a count grows with its root: with s
        deviations of c sqrt(n), it is the n for which n - expected = s c sqrt(n). For few events, which are skewed, it
        is further away than s deviations of the expected.
        """
        level, reach = self.expected, sds * self._sd_of_one
        low = level - max(reach * np.sqrt(level), change * level)
        high = max(((reach + np.sqrt(reach**2 + 4 * level)) / 2) ** 2, level * (1 + change))
        return float(max(low, 0.0)), float(high)

    def far_limits(self, sds: float, change: float) -> tuple[float, float]:
        """Return the ends beyond which a day is far out: by more than `sds` deviations and more than a relative change.

        The deviations are those of a day, by spread or by chance, on both sides of the expected; less than `LEAST_FAR`
        kept events are never far. A day must be as far from the month's level: otherwise a series that comes back to
        its usual after a week of bad days, which are the recent level by then, would be far out.
        """
        low, high = min(self.expected, self.expected_month), max(self.expected, self.expected_month)
        return max(low - self._far(low, sds, change), 0.0), high + self._far(high, sds, change)

    def _far(self, level: float, sds: float, change: float) -> float:
        return max(sds * self._sd_of_day(level), change * level, LEAST_FAR * self.unit)

    def _sd_of_day(self, level: float) -> float:
        """The deviation of a day of this level: by the spread of days or by the chance of the kept units."""
        return float(max(self.spread * level, np.sqrt(level * self.unit)))

    @property
    def _sd_of_one(self) -> float:
        """The deviation of one expected event; that of n is sqrt(n) times as large."""
        return self.sd / float(np.sqrt(max(self.expected, self.unit)))


def band(history: npt.ArrayLike, rate: float = 1.0) -> Band | None:
    """Return the band of the day after a history, or null where nothing can be said.

    Args:
        history: the values of the `HISTORY` days before the day, oldest first; NaN where a day is not usable. Weighted
            by 1/rate if they are of a sample.
        rate: sampling rate of the judged day, for the Poisson part.
    """
    values = np.asarray(history, dtype=float)
    # Whole weeks before the judged day: column 0 of the table is its weekday.
    values = np.concatenate([np.full(-len(values) % WEEK, np.nan), values])
    usable = np.isfinite(values)
    n_days = int(usable.sum())
    if n_days < LEAST_BEFORE:
        return None
    flat = values * np.exp(_weekly_growth(values, 1 / rate) / WEEK * np.arange(len(values), 0, -1))
    factors, n_same = _weekday_factors(flat)
    plain = (flat / np.tile(factors, len(flat) // WEEK))[usable]
    is_recent = np.arange(n_days) >= n_days - WEEK
    month, recent = _medians(np.stack([plain, np.where(is_recent, plain, np.nan)]))
    expected = recent * factors[0]
    spread = _spread(plain)
    sd = max(spread * expected, np.sqrt(expected / rate))
    sd *= np.sqrt(1 + np.pi / 2 / max(n_same, 1)) * np.sqrt(HISTORY / n_days)
    return Band(float(expected), float(month * factors[0]), float(max(sd, 1 / rate)), spread, 1 / rate, n_days)


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


def _weekly_growth(values: FloatArray, unit: float) -> float:
    """Return the logarithm of a week's growth; half a kept event beside each, for 0 has no logarithm."""
    logs = np.log(values + unit / 2)
    pairs = (logs[WEEK:] - logs[:-WEEK])[None, :]
    return float(_medians(pairs)[0]) if np.isfinite(pairs).sum() >= LEAST_PAIRS else 0.0


def _weekday_factors(values: FloatArray) -> tuple[FloatArray, int]:
    """Return each weekday's share of a usual day, and on how many days that of the judged day rests."""
    ratios = (values / _levels(values)).reshape(-1, WEEK)
    counts = np.isfinite(ratios).sum(axis=0)
    factors = _medians(np.concatenate([ratios, np.ones((1, WEEK))]).T)
    return np.where(counts > 1, np.maximum(factors, LEAST_FACTOR), 1.0), int(counts[0])


def _levels(values: FloatArray) -> FloatArray:
    """Return the median of the seven days around each, NaN where that is 0 or there is none."""
    n = len(values)
    first = np.clip(np.arange(n) - WEEK // 2, 0, n - WEEK)
    levels = _medians(values[first[:, None] + np.arange(WEEK)])
    return np.where(levels > 0, levels, np.nan)


def _spread(plain: FloatArray) -> float:
    """Return the robust relative error of predicting each day from the seven usable ones before it."""
    padded = np.concatenate([np.full(WEEK, np.nan), plain])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WEEK)[LEAST_BEFORE : len(plain)]
    predicted, seen = _medians(windows), plain[LEAST_BEFORE:]
    errors = np.sort(np.abs(seen[predicted > 0] / predicted[predicted > 0] - 1))
    if len(errors) == 0:
        return 0.0
    trimmed = float(errors[: int(np.ceil(len(errors) * KEPT_PART))].mean())
    return max(MAD_TO_SD * float(np.median(errors)), TRIMMED_TO_SD * trimmed)


def _medians(rows: FloatArray) -> FloatArray:
    """Return the median of each row's numbers, NaN where it has none; many times faster than `nanmedian` on few."""
    ordered = np.sort(rows, axis=1)  # NaN last
    counts = np.isfinite(ordered).sum(axis=1)
    row = np.arange(len(rows))
    medians: FloatArray = (ordered[row, np.maximum(counts - 1, 0) // 2] + ordered[row, counts // 2 - (counts == 0)]) / 2
    return medians
