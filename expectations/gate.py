"""Run a gate: profiles in, rows of `data_quality_metrics` and a decision out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pandas as pd

from expectations.about import with_about
from expectations.audience import audience_suite
from expectations.checks import CRITICAL, Check
from expectations.context import great_expectations, positioned, validate
from expectations.docs import Page
from expectations.facts import facts_suite
from expectations.marts import marts_suite
from expectations.raw import raw_suite
from expectations.thresholds import Thresholds
from expectations.verdicts import Verdicts
from jobs.contracts import table
from jobs.errors import GateError, UsageError
from jobs.windows import DAY, in_words

SUITES: dict[str, Callable[[], tuple[Check, ...]]] = {
    "raw": raw_suite, "facts": facts_suite, "marts": marts_suite, "audience": audience_suite,
}  # fmt: skip
# What a gate knows; `run_id` and `attempt` are the run's to say.
COLUMNS = tuple(column for column in table("data_quality_metrics").columns if column not in ("run_id", "attempt"))
NEXT = {
    "audience": "fetch the dumps again where they are damaged, then give the same command"
}  # else days are run again
COUNT_AGAIN = "fetch the dumps again where they are damaged, then count their wikis again with pdmetrics audience"
SHOWN = 10  # failures named by an error; the rest is counted


@dataclass(frozen=True)
class Failure:
    """A check that a subject failed.

    Attributes:
        check_id: the check.
        profile: the profile frame it looked at.
        subject: a wiki, a table, an element …
        day: the day.
        severity: `critical` or `warning`.
        message: what happened.
        observed: what was seen.
        expected: what is allowed.
        look: the command that shows more.
    """

    check_id: str
    profile: str
    subject: str
    day: date
    severity: str
    message: str
    observed: str
    expected: str
    look: str

    @property
    def in_words(self) -> str:
        """The failure on two lines: what happened, and what to look at."""
        return f"{self.message}\n    {self.check_id}: saw {self.observed}, allowed {self.expected}; look: {self.look}"


@dataclass(frozen=True)
class GateResult:
    """What a gate found.

    Attributes:
        name: `raw`, `facts`, `marts` or `audience`.
        rows: rows of `data_quality_metrics` without run and attempt: one per day for a check that passed (subject
            `all`), one per day and subject that failed it.
        failures: what failed, critical checks and warnings.
    """

    name: str
    rows: pd.DataFrame
    failures: list[Failure]

    @property
    def failed(self) -> list[str]:
        """Messages of the critical checks that failed."""
        return [failure.message for failure in self.failures if failure.severity == CRITICAL]

    @property
    def warned(self) -> list[str]:
        """Messages of the warnings."""
        return [failure.message for failure in self.failures if failure.severity != CRITICAL]

    @property
    def passed(self) -> bool:
        """Whether the run may be published; warnings do not stop it."""
        return not self.failed

    def error(self, *, where: str = "", shown: int = SHOWN, is_audit: bool = False) -> GateError:
        """Return the error of a failed gate, naming the first few failures and where all of them are."""
        critical = [failure.in_words for failure in self.failures if failure.severity == CRITICAL]
        lines = [*critical[:shown], *([f"... and {len(critical) - shown} more"] if len(critical) > shown else [])]
        again = COUNT_AGAIN if is_audit and self.name == "audience" else NEXT.get(self.name)
        return GateError(
            f"the {self.name} gate failed{'' if is_audit else ', nothing was published'}:\n  - " + "\n  - ".join(lines),
            where=where,
            next_step=again or "mend the input or the policy and run the days again",
        )


def suite_of(gate: str) -> tuple[Check, ...]:
    """Return the checks of a gate, each with its owner, its reason and the command to look closer.

    Raises:
        UsageError: there is no such gate.
    """
    if gate not in SUITES:
        raise UsageError(f"no gate {gate!r}", next_step=f"gates are {', '.join(SUITES)}")
    return with_about(SUITES[gate]())


def prefetch() -> None:
    """Import Great Expectations, which takes seconds; meant for a process that works beside the engine."""
    great_expectations()


def run_gate(
    name: str,
    profiles: Mapping[str, pd.DataFrame],
    thresholds: Thresholds,
    *,
    days: Sequence[date] = (),
    run: str = "audit",
    docs_dir: Path | None = None,
) -> GateResult:
    """Validate the profiles of a gate and decide.

    Args:
        name: `raw`, `facts`, `marts` or `audience`.
        profiles: frames by name, each with `event_date` and `subject`.
        thresholds: the dated thresholds; those of a row's day become columns of the row.
        days: the days of the run; what fails for no day in particular is put on the last of them.
        run: the run that asks, for the page.
        docs_dir: the site of Data Docs that a page is added to, if any.

    Returns:
        the rows and failures. A profile or column that is missing, or an expectation that raises, is a critical failure
        even of a warning: what could not be checked did not pass.
    """
    checks = suite_of(name)
    used = {check.profile for check in checks}
    frames = {key: thresholds.attach(frame) for key, frame in profiles.items() if key in used}
    verdicts = Verdicts(checks, positioned(frames), _last_day(profiles, days))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    validate(name, verdicts, Page(run, in_words(min(days), max(days) + DAY) if days else "", when), docs_dir)
    return _decide(name, checks, verdicts.records)


def with_recorded(result: GateResult, rows: pd.DataFrame) -> GateResult:
    """Return what a gate found with verdicts that were recorded, of checks that it could not ask again.

    Args:
        result: what it found.
        rows: of `data_quality_metrics`, of checks of the same gate.
    """
    records = pd.concat([result.rows, rows[list(COLUMNS)]]).to_dict("records")
    return _decide(result.name, suite_of(result.name), cast("list[dict[str, Any]]", records))


def _last_day(profiles: Mapping[str, pd.DataFrame], days: Sequence[date]) -> date:
    seen = [day for frame in profiles.values() if "event_date" in frame for day in frame["event_date"]]
    return max(days or seen or [date(1970, 1, 1)])


def _decide(name: str, checks: Sequence[Check], records: list[dict[str, Any]]) -> GateResult:
    """Split the failures by severity; never by a suite's own success, which warnings make false too."""
    rows = pd.DataFrame(records).assign(gate=name)[list(COLUMNS)]
    rows = rows.sort_values(["event_date", "check_id", "subject"], ignore_index=True)
    by_id = {check.id: check for check in checks}
    # A gate that says no leaves its run staged, to be looked at; one that only warns lets it be published.
    staged = " --staged" if any(not row["success"] and row["severity"] == CRITICAL for row in records) else ""
    failures = [
        Failure(
            row["check_id"], by_id[row["check_id"]].profile, row["subject"], row["event_date"], row["severity"],
            row["message"], row["observed"], row["expected"],
            by_id[row["check_id"]].about.look.format(day=row["event_date"], subject=row["subject"], staged=staged),
        )
        for row in rows[~rows["success"].astype(bool)].to_dict("records")
    ]  # fmt: skip
    return GateResult(name, rows, failures)
