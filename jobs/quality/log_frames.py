"""Profiles of the ingest log against its past: hours, shares of fates, hours that are still missing. Pure pandas."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from jobs.contracts import is_lost_hour
from jobs.quality.bands import MAD_TO_SD, WEEK, FloatArray, band
from jobs.quality.past import Past, Series, frame_of
from jobs.quality.usual_shares import SHARE_COLUMNS, share_row
from jobs.windows import HOURS


class Shape(NamedTuple):
    """How a day's kept lines usually spread over its hours.

    Attributes:
        shares: usual share of each hour; they add up to 1.
        spread: relative robust standard deviation of an hour and its neighbours around their shares of the day.
        dispersion: variance of an hour over its mean, the median of the hours, at least 1 (Poisson).
        days: kept lines of the history's days, a row each.
    """

    shares: FloatArray
    spread: FloatArray
    dispersion: float
    days: FloatArray


def hour_frames(past: Past) -> dict[str, pd.DataFrame]:
    """Return `hours` and `shifts`.

    `hours`: one row per judged day and hour that arrived: kept lines and the fewest that are usual, by the day's band,
    the hour's usual share, and the level of the day's better hours (their third quartile, at most 1, at least
    `min_shared_level`), so that a holiday is not told hour by hour. `shifts`: one row per judged whole day: by how many
    hours its curve fits the usual one best, and how much better (`gain`, twice the difference of log-likelihoods) than
    unmoved.
    """
    hours: list[dict[str, object]] = []
    shifts: list[dict[str, object]] = []
    for day in past.days:
        seen, shape = past.hours(day), _shape(past, day)
        if seen is None or shape is None:
            continue
        hours += _hour_rows(past, day, seen, shape)
        shifts += _shift_rows(past, day, seen, shape)
    return {
        "hours": frame_of(hours, ["n_kept", "usual", "fewest"]),
        "shifts": frame_of(shifts, ["shift", "gain", "most"]),
    }


def _shape(past: Past, day: date) -> Shape | None:
    """The usual day before a day; null where there are too few whole days, or nothing was kept."""
    rows = [hours for one in past.before(day) if past.is_whole(one) and (hours := past.hours(one)) is not None]
    days = np.array([hours for hours in rows if hours.sum() > 0])
    if len(days) < past.limits(day)["min_days_to_warn"]:
        return None
    shares = np.median(days / days.sum(axis=1, keepdims=True), axis=0)
    # An hour that is usually empty can hold a line all the same: half a line in all the days.
    shares = np.maximum(shares, 0.5 / days.sum())
    shares = shares / shares.sum()
    errors = np.abs(days / (days.sum(axis=1, keepdims=True) * shares) - 1)
    # An hour's own twenty-odd errors are few: the median of five neighbours, around midnight too.
    own = MAD_TO_SD * np.median(errors, axis=0)
    spread = np.median([np.roll(own, lag) for lag in range(-2, 3)], axis=0)
    dispersion = np.median(spread**2 * shares) * np.median(days.sum(axis=1))
    return Shape(shares, spread, max(float(dispersion), 1.0), days)


def _hour_rows(past: Past, day: date, seen: FloatArray, shape: Shape) -> list[dict[str, object]]:
    totals = {one: float(hours.sum()) for one in past.before(day) if (hours := past.hours(one)) is not None}
    total = band(past.history(totals, day, past.is_whole))
    if total is None or total.expected <= 0:
        return []
    limits, arrived = past.limits(day), ~np.isnan(seen)
    usual = total.expected * shape.shares
    if not arrived.any():
        return []
    level = float(np.clip(np.quantile(seen[arrived] / usual[arrived], 0.75), limits["min_shared_level"], 1))
    expected = usual * level
    # The dispersion that all hours share is a floor to each one's spread.
    sd = np.maximum(shape.spread * expected, np.sqrt(shape.dispersion * expected))
    sd = sd * np.sqrt(1 + np.pi / 2 / len(shape.days))
    fewest = np.maximum(expected - np.maximum(limits["hour_sds"] * sd, limits["hour_change"] * expected), 0)
    return [
        {
            "event_date": day, "subject": f"hour {hour:02d}", "n_kept": int(seen[hour]),
            "usual": float(expected[hour]), "fewest": float(fewest[hour]),
        }
        for hour in range(HOURS) if arrived[hour]
    ]  # fmt: skip


def _shift_rows(past: Past, day: date, seen: FloatArray, shape: Shape) -> list[dict[str, object]]:
    if np.isnan(seen).any() or seen.sum() == 0:
        return []
    limits = past.limits(day)
    (shift, gain), *earlier = _best_shifts(np.array([seen, *shape.days]), shape.shares, limits["shift_rest"])
    before = max(gain for _, gain in earlier)
    most = max(limits["shift_floor"], limits["shift_multiple"] * before)
    return [{"event_date": day, "subject": "day", "shift": shift, "gain": gain, "most": most}]


def _best_shifts(days: FloatArray, shares: FloatArray, rest: float) -> list[tuple[int, float]]:
    """Return of each day the shift in hours (-11 to 12) that fits best, and its gain over none.

    A shift explains a day only if at most `rest` of the misfit remains; else it is 0, with no gain.
    """
    lags = np.arange(HOURS) - HOURS // 2 + 1
    moved = shares[(np.arange(HOURS) - lags[:, None]) % HOURS]
    seen = days[:, None, :]
    curves = days.sum(axis=1)[:, None, None] * moved
    # Half a line is added on both sides, for an hour without any has no logarithm.
    misfit = 2 * ((seen + 0.5) * np.log((seen + 0.5) / (curves + 0.5)) - seen + curves).sum(axis=2)
    best, unmoved = misfit.argmin(axis=1), misfit[:, HOURS // 2 - 1]
    least = misfit.min(axis=1)
    explained = least <= rest * unmoved
    return [
        (int(lags[lag]), float(gain)) if is_explained else (0, 0.0)
        for lag, gain, is_explained in zip(best, unmoved - least, explained, strict=True)
    ]


def usual_frame(past: Past, ingest_log: pd.DataFrame) -> pd.DataFrame:
    """One row per judged day and kind of line: duplicates, skewed clocks, refused and out-of-scope lines by reason.

    Shares are of the accepted lines (duplicates), of the kept ones (clocks) and of all lines (the others). An
    unreadable file is no share of lines: its hour is missing.
    """
    lines: dict[tuple[str, str | None], dict[date, float]] = {}
    wholes: dict[str, dict[date, float]] = {"kept": {}, "accepted": {}, "all": {}}
    reasons = ingest_log["reason"].astype("object").where(ingest_log["reason"].notna(), None)
    days = zip(ingest_log["event_date"], ingest_log["fate"], reasons, ingest_log["n_lines"], strict=True)
    for day, fate, reason, n_lines in days:
        if is_lost_hour(fate, reason):
            continue
        series = lines.setdefault((fate, reason), {})
        series[day] = series.get(day, 0.0) + n_lines
        sets = ["all", *(["kept"] if fate == "kept" else []), *(["accepted"] if fate in ("kept", "duplicate") else [])]
        for name in sets:
            wholes[name][day] = wholes[name].get(day, 0.0) + n_lines
    records = []
    for subject, part, whole in _kinds(lines, wholes):
        for day in past.days:
            before = [one for one in past.before(day) if whole.get(one, 0.0) > 0]
            row = share_row(past, day, subject, part, whole, before)
            records += [row] if row is not None else []
    return frame_of(records, SHARE_COLUMNS)


def _kinds(
    lines: dict[tuple[str, str | None], dict[date, float]], wholes: dict[str, dict[date, float]]
) -> list[tuple[str, Series, Series]]:
    """Name each share, with its part and its whole."""
    duplicates: dict[date, float] = {}
    kinds: list[tuple[str, Series, Series]] = [("duplicates", duplicates, wholes["accepted"])]
    kinds.append(("kept: clock_skew", lines.get(("kept", "clock_skew"), {}), wholes["kept"]))
    for (fate, reason), series in sorted(lines.items(), key=str):
        if fate == "duplicate":
            for day, n_lines in series.items():
                duplicates[day] = duplicates.get(day, 0.0) + n_lines
        elif fate in ("quarantined", "out_of_scope"):
            kinds.append(
                (
                    f"{fate}: {reason}".replace("_", " ", 1) if fate == "out_of_scope" else f"{fate}: {reason}",
                    series,
                    wholes["all"],
                )
            )
    return kinds


def late_frame(past: Past) -> pd.DataFrame:
    """One row per day of the week before the judged ones, on the last judged day: hours that are still not there.

    The judged days' own missing hours are told by the profile `days`. Days before the first that was ever ingested
    are not late.
    """
    if not past.days or past.kept.empty:
        return frame_of([], ["n_missing_hours", "missing_hours"])
    first = past.kept.index[0]
    return frame_of(
        (
            {
                "event_date": past.days[-1], "subject": str(day), "n_missing_hours": len(missing),
                "missing_hours": ", ".join(map(str, missing)),
            }
            for day in past.before(past.days[0], WEEK) if day >= first
            for missing in [past.missing(day)]
        ),
        ["n_missing_hours", "missing_hours"],
    )  # fmt: skip
