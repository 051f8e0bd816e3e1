"""Why a task failed, from what Airflow passes on, and whether another try helps. Pure: Airflow is not imported."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any

AGAIN, ONCE, NEVER = "again", "once", "never"
EXIT_CODES: dict[int, tuple[str, str]] = {
    1: ("a quality gate failed and nothing was published; the log names the checks", NEVER),
    2: ("bad usage, configuration or input; the log names the file, the field and what to do", NEVER),
    3: ("there is no input for the day, or the snapshot is not whole; it is late or gone", NEVER),
    70: ("an unexpected error of pdmetrics; the log names the file with the traceback", ONCE),
    75: ("another command held the warehouse all the while; the log names it", AGAIN),
    126: ("the command could not be started: PDMETRICS_CLI is no program here", NEVER),
    127: ("the command was not found: PDMETRICS_CLI, or the installation on the worker", NEVER),
    130: ("it was interrupted by hand; nothing is half-published", NEVER),
    137: ("it was killed (SIGKILL), most likely for want of memory; nothing is half-published", AGAIN),
    143: ("it was terminated (SIGTERM), as when a worker shuts down; nothing is half-published", AGAIN),
}
ALARMS: dict[str, str] = {
    **{f"task/exit {code}": what for code, (what, _) in EXIT_CODES.items()},
    "task/unknown exit": "an exit code that pdmetrics does not have; see the task's log",
    "task/crashed": "its process crashed ({name}); nothing is half-published",
    "task/lost": "its process was lost without a word, killed or gone with its machine; nothing is half-published",
    "task/timeout": "it took longer than it may (execution_timeout) and was stopped; nothing is half-published",
    "task/trouble": "{what} (see the task's log)",
    "task/no date": "This run has no logical date, so it must be told its {what}: trigger it with {example}.",
    "task/day not over": 'The day {day} has not ended (UTC); trigger it with a day that has: {{"date": "YYYY-MM-DD"}}.',
    "task/no input": "PDMETRICS_INPUT is not set where this task runs; set it to the input directory (dags/README.md).",
    "hours/deadline": (
        "{dag}: not all hours of {day} are there {hours:g} hours after its end; it runs with what is there, and again "
        "when they come (task `late`)"
    ),
    "hours/not asked": (
        "{dag}: {hours:g} hours after the end of {day} it could not be asked whether its hours are there, as another "
        "command writes; it runs with what is there"
    ),
    "snapshot/deadline": "the snapshot did not come within the time it is waited for; the log says what is missing",
    "run/timeout": "the run took longer than it may (dagrun_timeout)",
    "run/deadline": "{dag}: {run} is not done {hours:g} hours after it was due; see which task waits",
}
"""Every kind of alarm here, by the name under which docs/operations.md says what to do, with its sentence."""

# Of the operators for bash and for spark-submit, which of Kubernetes tells the code of the driver last.
_CODE = re.compile(r"(?:exit code(?: is:)?|Error code is:) (-?\d+)")


def exit_code(exception: BaseException | str | None) -> int | None:
    """Return the exit code that an operator's exception tells, as a shell counts (128 and more: a signal), or None."""
    found = _CODE.findall(str(exception or ""))
    if not found:
        return None
    code = int(found[-1])  # the command itself, which may hold any words, is told before it
    if code == 1 and "--deploy-mode cluster" in str(exception):
        return None  # of spark-submit, which knows no more than that the driver failed elsewhere
    return 128 - code if code < 0 else code


def runbook(doc: str) -> str:
    """Return the documentation of a DAG with what each exit code means and whether Airflow tries again."""
    again = {AGAIN: "tried again", ONCE: "tried again once", NEVER: "not tried again"}
    lines = [f"- **{code}**: {what} *({again[when]})*" for code, (what, when) in EXIT_CODES.items()]
    return f"{doc.strip()}\n\n## Exit codes\n\n- **0**: done; warnings, if any, stand in the log\n" + "\n".join(lines)


def is_timeout(exception: BaseException | str | None) -> bool:
    """Say whether Airflow stopped the task for taking too long."""
    return type(exception).__name__ == "AirflowTaskTimeout"


def meaning(code: int) -> str:
    """Return the sentence that tells what an exit code of a task's command means."""
    if code in EXIT_CODES:
        return EXIT_CODES[code][0]
    if code > 128 and code - 128 in {number.value for number in signal.Signals}:
        return ALARMS["task/crashed"].format(name=signal.Signals(code - 128).name)
    return ALARMS["task/unknown exit"]


def when_to_retry(code: int) -> str:
    """Say whether the same command may succeed later: AGAIN, ONCE or NEVER."""
    if code in EXIT_CODES:
        return EXIT_CODES[code][1]
    return ONCE if code > 128 else NEVER


def cause(context: Mapping[str, Any]) -> str:
    """Return the true cause of a failure in one sentence.

    Args:
        context: Airflow's context: `exception` where the task itself failed; `reason` of a whole run.
    """
    exception = context.get("exception")
    if is_timeout(exception):
        return ALARMS["task/timeout"]
    if type(exception).__name__ == "AirflowSensorTimeout":
        return ALARMS["snapshot/deadline"]  # the other sensor lets its day run before that
    code = exit_code(exception)
    if code is not None:
        return f"{meaning(code)} (exit code {code})"
    if exception:
        return ALARMS["task/trouble"].format(what=(str(exception).splitlines() or [type(exception).__name__])[0])
    return ALARMS["run/timeout"] if context.get("reason") == "timed_out" else ALARMS["task/lost"]
