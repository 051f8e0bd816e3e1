"""Run a gate: profiles in, rows of `data_quality_metrics` and a decision out.

Great Expectations costs 6-8 s to import, so it is imported on first use; `prefetch` does that early, in a process
beside other work.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from expectations.checks import CRITICAL, Check
from expectations.docs import docs_site
from expectations.facts import facts_suite
from expectations.marts import marts_suite
from expectations.thresholds import Thresholds
from jobs.contracts import table
from jobs.errors import GateError, UsageError

SUITES: dict[str, Callable[[], tuple[Check, ...]]] = {"facts": facts_suite, "marts": marts_suite}
# What a gate knows; `run_id` and `attempt` are the run's to say.
COLUMNS = tuple(column for column in table("data_quality_metrics").columns if column not in ("run_id", "attempt"))

ALL = "all"
Validator = Callable[[str, Sequence[Check], pd.DataFrame], Iterable[Any]]


@dataclass(frozen=True)
class GateResult:
    """What a gate found.

    Attributes:
        name: `facts` or `marts`.
        rows: rows of `data_quality_metrics` without run and attempt: one per day for a check that passed (subject
            `all`), one per day and subject that failed it.
        failed: messages of the critical checks that failed.
        warned: messages of the warnings.
    """

    name: str
    rows: pd.DataFrame
    failed: list[str]
    warned: list[str]

    @property
    def passed(self) -> bool:
        """Whether the run may be published; warnings do not stop it."""
        return not self.failed

    def error(self, *, where: str = "", shown: int = 10) -> GateError:
        """Return the error of a failed gate, naming the first few failures and where all of them are."""
        more = len(self.failed) - shown
        lines = [*self.failed[:shown], *([f"... and {more} more"] if more > 0 else [])]
        return GateError(
            f"the {self.name} gate failed, nothing was published:\n  - " + "\n  - ".join(lines),
            where=where,
            next_step="mend the input or the policy and run the days again",
        )


def prefetch() -> None:
    """Import Great Expectations, which takes seconds; meant for a process that works beside the engine."""
    _great_expectations()


def run_gate(
    name: str,
    profiles: Mapping[str, pd.DataFrame],
    thresholds: Thresholds,
    *,
    days: Sequence[date] = (),
    docs_dir: Path | None = None,
) -> GateResult:
    """Validate the profiles of a gate and decide.

    Args:
        name: `facts` or `marts`.
        profiles: frames by name, each with `event_date` and `subject`.
        thresholds: the dated thresholds; those of a row's day become columns of the row.
        days: the days of the run; what fails for no day in particular is put on the last of them.
        docs_dir: also write Great Expectations' Data Docs there.

    Returns:
        the rows and messages. A profile or column that is missing, or an expectation that raises, is a critical failure
        even of a warning: what could not be checked did not pass.
    """
    if name not in SUITES:
        raise UsageError(f"no gate {name!r}", next_step=f"gates are {', '.join(sorted(SUITES))}")
    fallback = _last_day(profiles, days)
    rows: list[dict[str, Any]] = []
    with _validator(name, docs_dir) as validate:
        for profile_name, checks in _by_profile(SUITES[name]()).items():
            frame = profiles.get(profile_name)
            if frame is None:
                rows += [_broken(check, fallback, f"the profile '{profile_name}' is missing") for check in checks]
                continue
            frame = thresholds.attach(frame.reset_index(drop=True))
            rows += _rows(checks, validate(profile_name, checks, frame), frame, fallback)
    return _decide(name, rows)


@contextmanager
def _validator(name: str, docs_dir: Path | None) -> Iterator[Validator]:
    """Give the function that checks a profile, by its name, and returns Great Expectations' results."""
    gx, expectations = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas(name)
    with docs_site(context, docs_dir) as validate:

        def validate_profile(profile: str, checks: Sequence[Check], frame: pd.DataFrame) -> Iterable[Any]:
            suite = gx.ExpectationSuite(name=f"{name}.{profile}", expectations=_build(expectations, checks))
            definition = source.add_dataframe_asset(profile).add_batch_definition_whole_dataframe("all")
            return validate(definition, suite, frame)

        yield validate_profile


def _great_expectations() -> tuple[Any, Any]:
    """Import Great Expectations quietly: no analytics, no progress bars."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    import great_expectations as gx
    import great_expectations.expectations as expectations

    # Some of its modules set a level of their own, so the level of their parent does not reach them.
    for logger in [name for name in logging.root.manager.loggerDict if name.startswith("great_expectations")]:
        logging.getLogger(logger).setLevel(logging.ERROR)
    return gx, expectations


def _by_profile(checks: Iterable[Check]) -> dict[str, list[Check]]:
    grouped: dict[str, list[Check]] = {}
    for check in checks:
        grouped.setdefault(check.profile, []).append(check)
    return grouped


def _build(expectations: Any, checks: Iterable[Check]) -> list[Any]:
    return [
        getattr(expectations, check.expectation)(
            **check.arguments, severity=check.severity, meta={"check_id": check.id}
        )
        for check in checks
    ]


def _rows(checks: Sequence[Check], results: Iterable[Any], frame: pd.DataFrame, fallback: date) -> list[dict[str, Any]]:
    """Turn the results of one profile into rows; results come in any order, the id in their meta tells them apart."""
    by_id: dict[str, Any] = {result.expectation_config.meta["check_id"]: result for result in results}
    rows: list[dict[str, Any]] = []
    for check in checks:
        result: Any = by_id.get(check.id)
        absent = [column for column in check.columns if column not in frame.columns]
        problem = "it was not evaluated" if result is None else _exception(result)
        if absent:
            problem = f"the profile '{check.profile}' has no column {', '.join(absent)}"
        if problem:
            rows.append(_broken(check, fallback, problem))
        elif not check.columns:
            rows.append(_table_row(check, bool(result.success), fallback))
        else:
            rows += _column_rows(check, result, frame, fallback)
    return rows


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
    texts = {part: _fill(getattr(check, part), values) for part in ("observed", "expected", "message")}
    return _record(check, day, subject, success, **texts)


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


def _last_day(profiles: Mapping[str, pd.DataFrame], days: Sequence[date]) -> date:
    seen = [day for frame in profiles.values() if "event_date" in frame for day in frame["event_date"]]
    return max(days or seen or [date(1970, 1, 1)])


def _decide(name: str, records: list[dict[str, Any]]) -> GateResult:
    """Split the failures by severity; never by a suite's own success, which warnings make false too."""
    rows = pd.DataFrame(records).assign(gate=name)[list(COLUMNS)]
    rows = rows.sort_values(["event_date", "check_id", "subject"], ignore_index=True)
    bad = rows[~rows["success"].astype(bool)]
    is_critical = bad["severity"] == CRITICAL
    return GateResult(name, rows, bad[is_critical]["message"].tolist(), bad[~is_critical]["message"].tolist())
