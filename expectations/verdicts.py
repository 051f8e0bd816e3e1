"""From results of Great Expectations to verdicts: rows of `data_quality_metrics`, with words for people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from expectations.checks import CRITICAL, Check
from expectations.small_counts import hide_small_counts, in_words

ALL = "all"
MOST_DIGITS = 8
_PLACES = re.compile(r":\.(\d)([%f])\}")


class Verdicts:
    """What the checks of a gate said of its profiles.

    Args:
        checks: the suite.
        profiles: the frames by name, with the thresholds attached, whose indexes are the positions in the batch.
        fallback: the day of what fails for no day in particular.
    """

    def __init__(self, checks: Sequence[Check], profiles: Mapping[str, pd.DataFrame], fallback: date) -> None:
        self.checks, self.profiles, self.fallback = checks, hide_small_counts(checks, profiles), fallback
        self.records: list[dict[str, Any]] = []

    def judge(self, results: Iterable[Any]) -> None:
        """Add the rows of all checks; results come in any order, the id in their meta tells them apart."""
        by_id: dict[str, Any] = {result.expectation_config.meta["check_id"]: result for result in results}
        for check in self.checks:
            frame = self.profiles.get(check.profile)
            self.records += self._rows(check, by_id.get(check.id), frame)

    def _rows(self, check: Check, result: Any, frame: pd.DataFrame | None) -> list[dict[str, Any]]:
        if frame is None:
            return [_broken(check, self.fallback, f"the profile '{check.profile}' is missing")]
        if absent := [column for column in check.columns if column not in frame.columns]:
            problem = f"the profile '{check.profile}' has no column {', '.join(absent)}"
        else:
            problem = "it was not evaluated" if result is None else _exception(result)
        if problem:
            return [_broken(check, self.fallback, problem)]
        if not check.columns:
            return [_table_row(check, bool(result.success), self.fallback)]
        return _column_rows(check, result, frame, self.fallback)


def _column_rows(check: Check, result: Any, frame: pd.DataFrame, fallback: date) -> list[dict[str, Any]]:
    """One row per failing profile row, and one per day on which every row passed."""
    has_null = frame[list(check.columns)].isna().any(axis=1)
    unexpected = set(result.result.get("unexpected_index_list") or ())
    if not result.success and not unexpected:
        return [_broken(check, fallback, "it failed without naming a row")]
    if not check.nullable:
        unexpected |= set(frame.index[has_null])
    failing = frame.loc[sorted(unexpected)]
    rows = [_row(check, row["event_date"], str(row["subject"]), False, row) for row in _records(failing)]
    checked = frame.loc[~has_null, "event_date"]
    n_checked = Counter(checked[~checked.isin(failing["event_date"])])
    return rows + [_passed(check, day, f"{n} checked") for day, n in n_checked.items()]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, values, strict=True)) for values in frame.itertuples(index=False, name=None)]


def _row(check: Check, day: date, subject: str, success: bool, values: Mapping[str, Any]) -> dict[str, Any]:
    shown = in_words(check, values)
    n_more = 0 if success else _digits_apart(check, shown)
    texts = {part: _fill(_finer(getattr(check, part), n_more), shown) for part in ("observed", "expected", "message")}
    return _record(check, day, subject, success, **texts)


def _digits_apart(check: Check, values: Mapping[str, Any]) -> int:
    """Return how many more digits a failure needs so that what was seen and what is allowed are not the same words."""
    for n_more in range(MOST_DIGITS):
        seen, allowed = (_fill(_finer(template, n_more), values) for template in (check.observed, check.expected))
        if seen != allowed.removeprefix("at most ").removeprefix("at least "):
            return n_more
    return 0


def _finer(template: str, n_more: int) -> str:
    """Return a template whose numbers with decimal places have more of them."""
    return _PLACES.sub(lambda found: f":.{int(found[1]) + n_more}{found[2]}}}", template) if n_more else template


def _passed(check: Check, day: date, observed: str) -> dict[str, Any]:
    return _record(check, day, ALL, True, observed=observed, expected="", message="")


def _table_row(check: Check, success: bool, day: date) -> dict[str, Any]:
    return _passed(check, day, "") if success else _row(check, day, ALL, False, {"event_date": day, "subject": ALL})


def _broken(check: Check, day: date, problem: str) -> dict[str, Any]:
    row = _record(
        check, day, ALL, False, observed="not checked", expected="a result",
        message=f"{day}: the check {check.id} could not be made: {problem}",
    )  # fmt: skip
    return {**row, "severity": CRITICAL}


def _record(check: Check, day: date, subject: str, success: bool, **texts: str) -> dict[str, Any]:
    return {
        "event_date": day, "check_id": check.id, "subject": subject, "severity": check.severity, "success": success,
        **texts,
    }  # fmt: skip


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template; a null that a number format cannot take is shown as it is."""
    try:
        return template.format_map(values)
    except (TypeError, ValueError):
        shown = {name: value for name, value in values.items() if f"{{{name}" in template}
        return f"no value to compare: {shown}"


def _exception(result: Any) -> str:
    """Return the message of an expectation that raised, or nothing. GX nests the information per metric."""
    info = result.exception_info or {}
    parts = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    messages = [str(part.get("exception_message")) for part in parts if part.get("raised_exception")]
    return messages[0] if messages else ""
