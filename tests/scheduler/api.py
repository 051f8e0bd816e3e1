"""Airflow's REST API, as far as a day through the scheduler takes it: trigger, watch, clear, approve, read logs."""

from __future__ import annotations

import functools
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BEGAN = time.monotonic()
PATIENCE = 600.0  # seconds; a day takes 40 on two cores of their own, and a busy machine six times as long
ANSWER = 120.0  # seconds
OVER = ("success", "failed")  # states of a run that nothing follows


class ApiError(RuntimeError):
    """Airflow's answer where it is not what was asked for: status, place, its words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status


class Api:
    """The API at an address without a login."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str, **query: str) -> Any:
        return self._call("GET", f"/api/v2{path}" + (f"?{urllib.parse.urlencode(query)}" if query else ""))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("POST", f"/api/v2{path}", body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._call("PATCH", f"/api/v2{path}", body)

    def is_healthy(self) -> bool:
        """Say whether every component answers; an address where nobody listens yet does not."""
        try:
            parts = self.get("/monitor/health")
        except (ApiError, OSError):
            return False
        return all(parts[name]["status"] == "healthy" for name in ("scheduler", "dag_processor", "triggerer"))

    @functools.cached_property
    def _token(self) -> str:
        return str(self._call("GET", "/auth/token", token=None)["access_token"])

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str | None = "own") -> Any:
        request = urllib.request.Request(f"{self.address}{path}", method=method)
        request.add_header("Accept", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=ANSWER) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, f"{method} {path}: {error.read().decode(errors='replace')[:500]}") from error


@dataclass
class DagRun:
    """One run of a DAG, and what was seen of it so far.

    Attributes:
        api: where Airflow is.
        dag_id: of which DAG.
        run_id: as Airflow calls it.
        name: as progress lines call it.
        seen: every state in which a task was seen.
    """

    api: Api
    dag_id: str
    run_id: str
    name: str
    seen: dict[str, set[str]] = field(default_factory=dict)
    told: str = ""

    @property
    def path(self) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{urllib.parse.quote(self.run_id, safe='')}"

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return the newest try of each task."""
        found = {task["task_id"]: task for task in self.api.get(f"{self.path}/taskInstances")["task_instances"]}
        for name, task in found.items():
            self.seen.setdefault(name, set()).add(task["state"] or "none")
        return found

    def wait(self, what: str, reached: Callable[[dict[str, dict[str, Any]]], bool], seconds: float = PATIENCE) -> None:
        """Watch the tasks until they have reached something; tell every change.

        Raises:
            AssertionError: they have not in time, or the run is over before; with the tail of the last log.
        """
        deadline = time.monotonic() + seconds
        say(f"{self.name}: waiting until {what}")
        while True:
            is_over = self.api.get(self.path)["state"] in OVER  # asked first: what is over by now is what follows
            tasks = self.tasks()
            self._tell(tasks)
            if reached(tasks):
                return
            if is_over or time.monotonic() > deadline:
                why = "the run is over" if is_over else f"{seconds:.0f} seconds have passed"
                raise AssertionError(f"{self.name}: {why}, but not so that {what}: {self.told}\n{self.last_log()}")
            time.sleep(1)

    def wait_for(self, state: str = "success", seconds: float = PATIENCE) -> None:
        """Wait until the run is over, and over in this state."""
        self.wait(
            f"all is {state}",
            lambda _: self.api.get(self.path)["state"] == state,
            seconds,
        )

    def clear(self, *tasks: str) -> None:
        """Run tasks again, and what follows them, as a person does who has mended something."""
        say(f"{self.name}: {', '.join(tasks)} cleared")
        body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": list(tasks), "include_downstream": True}
        self.api.post(f"/dags/{self.dag_id}/clearTaskInstances", body | {"only_failed": False})

    def approve(self, task: str) -> None:
        """Answer a task that waits for a person: yes."""
        say(f"{self.name}: {task} approved")
        self.api.patch(f"{self.path}/taskInstances/{task}/-1/hitlDetails", {"chosen_options": ["Approve"]})

    def log(self, task: str) -> str:
        """Return the log of the newest try, a line an event; nothing where there is none yet."""
        attempt = self.tasks()[task]["try_number"]
        try:
            lines = self.api.get(f"{self.path}/taskInstances/{task}/logs/{attempt}", full_content="true")["content"]
        except ApiError as error:
            if error.status == 404:
                return ""
            raise
        return "\n".join(line if isinstance(line, str) else str(line["event"]) for line in lines)

    def last_log(self, n_lines: int = 40) -> str:
        """Return the end of the log of the task that began last."""
        begun = [task for task in self.tasks().values() if task["start_date"]]
        if not begun:
            return "no task has begun"
        last = max(begun, key=lambda task: str(task["start_date"]))
        lines = self.log(last["task_id"]).splitlines()
        return "\n".join([f"-- log of {last['task_id']}, try {last['try_number']}:", *lines[-n_lines:]])

    def _tell(self, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        now = ", ".join(f"{name} {task['state'] or '-'}" for name, task in sorted(tasks.items()))
        if now != self.told:
            self.told = now
            say(f"{self.name}: {now}")


def trigger(api: Api, dag_id: str, day: str | None = None, conf: Mapping[str, Any] | None = None) -> DagRun:
    """Begin a run, of a UTC day or with parameters only, as the button does."""
    logical_date = None if day is None else f"{day}T04:00:00Z"
    answer = api.post(f"/dags/{dag_id}/dagRuns", {"logical_date": logical_date, "conf": dict(conf or {})})
    return DagRun(
        api, dag_id, answer["dag_run_id"], f"{dag_id.removeprefix('personal_dashboard_')} {day or ''}".strip()
    )


def backfill(api: Api, dag_id: str, days: Sequence[str]) -> list[DagRun]:
    """Begin the runs of neighbouring days at once, as Airflow's own Backfill does with its defaults."""
    api.post("/backfills", {
        "dag_id": dag_id, "from_date": f"{days[0]}T00:00:00Z", "to_date": f"{days[-1]}T23:59:59Z",
    })  # fmt: skip
    runs = api.get(f"/dags/{dag_id}/dagRuns", run_type="backfill")["dag_runs"]
    by_day = {run["logical_date"][:10]: run["dag_run_id"] for run in runs}
    return [DagRun(api, dag_id, by_day[day], f"daily {day}") for day in days]


def say(words: str) -> None:
    """Print a line of progress with the seconds since the start."""
    print(f"{time.monotonic() - BEGAN:6.1f} s  {words}", flush=True)
