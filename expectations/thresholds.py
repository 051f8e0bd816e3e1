"""Dated thresholds: what counted as too much on which day."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from jobs.errors import UsageError
from jobs.resources import shipped

NAMES = (
    "max_quarantine_share", "max_duplicate_share", "max_repeated_share", "max_clock_skew_share", "max_missing_hours",
    "min_ks_p_value", "max_published_changes", "max_missing_keys", "max_publish_fall", "max_not_measured_rise",
    "min_days_to_warn", "min_days_to_fail", "volume_warn_sds", "volume_warn_change", "volume_fail_sds",
    "volume_fail_change", "min_shared_level", "lost_hours_sd", "visitors_sds", "visitors_change",
    "element_sds", "element_change", "max_silent_expected", "min_others_speak", "hour_sds", "hour_change",
    "shift_floor", "shift_multiple", "shift_rest", "share_sds", "share_floor", "min_trend_level", "min_trend_days",
    "trend_sds", "audience_sds", "max_audience_change",
)  # fmt: skip
"""Every threshold there is. All of them are in the first entry of the shipped file."""


@dataclass(frozen=True)
class Thresholds:
    """The thresholds in force, by day.

    Attributes:
        periods: (valid_from, all thresholds from then on), in order of time.
        min_users: counts of fewer users, but at least one, are told to nobody (`[privacy] min_users`); on every day.
    """

    periods: tuple[tuple[date, Mapping[str, float]], ...]
    min_users: int = 10

    def on(self, day: date) -> Mapping[str, float]:
        """Return the thresholds of a day; a day before the first entry is judged by the first."""
        in_force = [values for valid_from, values in self.periods if valid_from <= day]
        return in_force[-1] if in_force else self.periods[0][1]

    def attach(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add each row's thresholds, by its `event_date`, as columns: one expectation serves every period."""
        by_day = {day: self.on(day) for day in frame["event_date"].unique()}
        columns = {name: [by_day[day][name] for day in frame["event_date"]] for name in NAMES}
        return frame.assign(
            min_users=self.min_users,
            **{name: pd.Series(values, index=frame.index, dtype="float64") for name, values in columns.items()},
        )


def load_thresholds(file: Path | None = None, *, overrides: Mapping[str, float] | None = None) -> Thresholds:
    """Read a thresholds file.

    Args:
        file: a TOML file of `[[thresholds]]` entries; the shipped one if None.
        overrides: values that hold on every day, such as the setting `max_quarantine_share`.

    Raises:
        UsageError: the file is not there or not TOML, it has no entry, an entry has no date, a name is unknown, or a
            value is no number. What a file of one's own leaves out is as shipped.
    """
    path = file or shipped("thresholds.toml", "expectations")
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("thresholds", [])
    except OSError as error:
        raise UsageError(f"the thresholds file cannot be read: {error.strerror}", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the thresholds file is not TOML: {error}", where=str(path)) from error
    fixed = dict(overrides or {})
    _require_known(fixed, "overrides")
    dated = sorted((_entry(raw, path) for raw in entries), key=lambda entry: entry[0])
    if not dated:
        raise UsageError("the file has no entry [[thresholds]]", where=str(path))
    in_force = {} if file is None else dict(load_thresholds().on(dated[0][0]))
    periods = []
    for valid_from, values in dated:
        in_force = {**in_force, **values}
        periods.append((valid_from, {**in_force, **fixed}))
    if missing := sorted(set(NAMES) - set(in_force)):
        raise UsageError(f"the first entry lacks {', '.join(missing)}", where=str(path))
    return Thresholds(tuple(periods))


def _entry(raw: Mapping[str, object], path: Path) -> tuple[date, dict[str, float]]:
    """Check one entry of the file and take it apart."""
    valid_from = raw.get("valid_from")
    if not isinstance(valid_from, date):
        raise UsageError("an entry has no `valid_from` date", where=str(path), next_step="valid_from = 2026-01-01")
    values = {name: value for name, value in raw.items() if name not in {"valid_from", "reason"}}
    _require_known(values, str(path))
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    if len(numbers) < len(values):
        wrong = ", ".join(sorted(set(values) - set(numbers)))
        raise UsageError(f"no number: {wrong}", where=f"{path}, entry of {valid_from}")
    return valid_from, numbers


def _require_known(values: Mapping[str, object], where: str) -> None:
    unknown = sorted(set(values) - set(NAMES))
    if unknown:
        raise UsageError(
            f"unknown threshold {', '.join(unknown)}", where=where, next_step=f"known are {', '.join(NAMES)}"
        )
