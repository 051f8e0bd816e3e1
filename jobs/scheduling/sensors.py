"""The sensors: one waits for the hours of a day, up to a deadline, one for a snapshot of mediawiki_history."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk.bases.sensor import BaseSensorOperator
from airflow.sdk.exceptions import AirflowException

from jobs.scheduling.causes import ALARMS
from jobs.scheduling.notifier import logger

NOT_YET = {3: "hours/deadline", 75: "hours/not asked"}
"""Exit codes after which is asked again, and the alarm where it is too late for that."""

SETTLED = timedelta(hours=1)
WIKI = re.compile(r"[a-z][a-z0-9_]*")  # names of folders that the command takes for wikis


def deadline(day: str, wait: timedelta) -> datetime:
    """Return until when the hours of a UTC day are waited for.

    Args:
        day: YYYY-MM-DD.
        wait: from the end of the day; so a day long past is not waited for.
    """
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC) + wait


class HoursSensor(BaseSensorOperator):
    """Runs a command until it exits with 0, or until the day's deadline has passed, which it says and lets the day run.

    Exit 3 (hours are missing) and 75 (another command writes) are "not yet". Any other code fails the task with it:
    to wait would hide its cause.

    Args:
        bash_command: asks whether all is there. (templated)
        day: the UTC day, YYYY-MM-DD. (templated)
        wait: how long after the end of the day its hours are waited for.
    """

    template_fields: Sequence[str] = ("bash_command", "day")

    def __init__(self, *, bash_command: str, day: str, wait: timedelta, **arguments: Any) -> None:
        super().__init__(mode="reschedule", **arguments)
        self.bash_command, self.day, self.wait = bash_command, day, wait
        self.hook = SubprocessHook()

    def poke(self, context: Any) -> bool:
        """Ask once.

        Raises:
            AirflowException: the command failed; its exit code is in the message.
        """
        code = self.hook.run_command(["bash", "-c", self.bash_command]).exit_code
        if code == 0:
            return True
        if code not in NOT_YET:
            raise AirflowException(f"The question for the day's hours failed with exit code {code}.")
        if datetime.now(UTC) < deadline(self.day, self.wait):
            return False
        hours = self.wait / timedelta(hours=1)
        logger.error("%s", ALARMS[NOT_YET[code]].format(dag=self.dag_id, day=self.day, hours=hours))
        return True

    def on_kill(self) -> None:
        """Stop the command with the task."""
        self.hook.send_sigterm()  # type: ignore[no-untyped-call]


class SnapshotSensor(BaseSensorOperator):
    """Waits for a whole snapshot of mediawiki_history beside the raw events.

    Args:
        input_dir: the input directory, a path or an address that Airflow's object storage opens. (templated)
        snapshot: its month, YYYY-MM. (templated)
    """

    template_fields: Sequence[str] = ("input_dir", "snapshot")

    def __init__(self, *, input_dir: str, snapshot: str, **arguments: Any) -> None:
        super().__init__(mode="reschedule", **arguments)
        self.input_dir, self.snapshot = input_dir, snapshot

    def poke(self, context: Any) -> bool:
        """Look once, and say what is missing."""
        from airflow.sdk import ObjectStoragePath

        place = ObjectStoragePath(self.input_dir)
        missing = what_is_missing(place, self.snapshot, datetime.now(UTC))
        if missing:
            self.log.info("not yet: %s", missing)
        return not missing


def what_is_missing(place: Any, snapshot: str, now: datetime) -> str:
    """Return what of a snapshot is not there yet, or nothing.

    It is whole when each wiki that has a folder in it, and each of `wikis.csv` where there is such a file, has its
    newest bucket, and none of a wiki's files changed within the hour: copies of dumps have no mark of their end.

    Args:
        place: the input directory, a `pathlib.Path` or what behaves like one.
        snapshot: its month, YYYY-MM.
        now: the time.
    """
    folder = place / "history" / snapshot
    wikis = _wikis(place, folder)
    if not wikis:
        return f"no wiki in {folder}"
    for wiki in wikis:
        files = list((folder / wiki).glob(f"{snapshot}.{wiki}.*.tsv.bz2")) if (folder / wiki).exists() else []
        if not any(file.name in _newest(snapshot, wiki) and file.stat().st_size for file in files):
            return f"no file of {wiki} in {folder} that holds the month: {', '.join(_newest(snapshot, wiki))}"
        newest = max(file.stat().st_mtime for file in files)
        if now.timestamp() - newest < SETTLED.total_seconds():
            return f"the files of {wiki} in {folder} are younger than an hour"
    return ""


def _wikis(place: Any, folder: Any) -> list[str]:
    """Return the wikis that a snapshot has folders of, and those of `wikis.csv`."""
    wikis = {entry.name for entry in folder.iterdir() if entry.is_dir()} if folder.exists() else set()
    if (listed := place / "wikis.csv").exists():
        with listed.open(encoding="utf-8-sig") as lines:
            wikis |= {row["wiki_db"] for row in csv.DictReader(lines)}
    return sorted(wiki for wiki in wikis if WIKI.fullmatch(wiki))


def _newest(snapshot: str, wiki: str) -> list[str]:
    """Return the names that a wiki's newest file may have: by month, by year, or with all time in one."""
    return [f"{snapshot}.{wiki}.{bucket}.tsv.bz2" for bucket in (snapshot, snapshot[:4], "all-time")]
