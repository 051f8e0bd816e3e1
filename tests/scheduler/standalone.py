"""A local Airflow with the DAGs of this repository: what `make airflow` starts, and the tests of days through it.

    python -m tests.scheduler.standalone [--home .airflow] [--port 8080]

Scheduler, DAG processor, triggerer and API server, with a database of their own, on this machine's loopback, without a
login. Ctrl-C stops all of it. PDMETRICS_INPUT and PDMETRICS_WAREHOUSE may name input and warehouse; without them there
is a small simulated world that ends yesterday.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil

from tests.scheduler.api import Api, ApiError, say

ROOT = Path(__file__).resolve().parents[2]
POOL = "personal_dashboard"
PATIENCE = 400.0  # seconds until all components answer; 20 to 40 on two cores of their own
STOPPING = 15.0  # seconds that processes have to end by themselves
DAYS_OF_WORLD = 7
# Starts the components in one group and ends them as soon as its input closes: so nothing outlives a starter that was
# killed. No log servers, which would listen on every address of the machine: the logs are on this disk.
KEEPER = """
for part in "scheduler --skip-serve-logs" dag-processor "triggerer --skip-serve-logs" api-server; do
    "$0" -m airflow $part >"$1/${part%% *}.log" 2>&1 &
done
cat >/dev/null
trap '' TERM
kill -TERM 0
wait
"""


def free_port(wanted: int = 0) -> int:
    """Return a port of the loopback that nobody listens on: the wanted one if it is free."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        return int(tried.getsockname()[1])


def environment(home: Path, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a local Airflow: nothing of another one, secrets made for it alone.

    Args:
        home: its AIRFLOW_HOME.
        port: of the API server.
        settings: `PDMETRICS_*` of the DAGs, and whatever of Airflow's should differ.
    """
    address = f"http://127.0.0.1:{port}"
    others = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PDMETRICS_"))}
    return {
        **others,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # a machine that is busy with a day answers late
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "SCARF_ANALYTICS": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PDMETRICS_CLI": f"{sys.executable} -m jobs",
        "PDMETRICS_POOL": POOL,
        **settings,
    }


@contextlib.contextmanager
def running(home: Path, settings: Mapping[str, str], port: int = 0) -> Iterator[Api]:
    """Start a local Airflow with its pool, wait until it answers, stop all of it in the end.

    Args:
        home: its AIRFLOW_HOME, new or of an earlier start.
        settings: as of `environment`.
        port: the wanted one; 0 is any.

    Raises:
        RuntimeError: another one runs in this folder, or it does not come up.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(f"An Airflow runs in {home} already: stop it, or choose another --home.") from None
        port = free_port(port)
        variables = environment(home, port, settings)
        say(f"Airflow: making its database in {home}")
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(migrate, env=variables, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"airflow db migrate: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        keeper = subprocess.Popen(
            ["bash", "-c", KEEPER, sys.executable, str(home)],
            env=variables, cwd=home, stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            api = Api(f"http://127.0.0.1:{port}")
            _wait_until_healthy(api, home, keeper)
            _make_pool(api)
            yield api
        finally:
            _stop(keeper)


def _wait_until_healthy(api: Api, home: Path, keeper: subprocess.Popen[bytes]) -> None:
    say("Airflow: waiting for scheduler, DAG processor, triggerer and API server")
    deadline = time.monotonic() + PATIENCE
    while not (api.is_healthy() and _has_dags(api)):
        if time.monotonic() > deadline or keeper.poll() is not None:
            logs = "".join(f"\n-- {log}:\n{log.read_text()[-1500:]}" for log in sorted(home.glob("*.log")))
            raise RuntimeError(f"Airflow has not come up in {PATIENCE:.0f} seconds.{logs}")
        time.sleep(0.5)
    say(f"Airflow: {api.address}")


def _has_dags(api: Api) -> bool:
    if errors := api.get("/importErrors")["import_errors"]:
        raise RuntimeError("\n".join(f"{error['filename']}: {error['stack_trace']}" for error in errors))
    wanted = {path.stem for path in (ROOT / "dags").glob("*.py")}
    return wanted <= {dag["dag_id"] for dag in api.get("/dags")["dags"]}


def _make_pool(api: Api) -> None:
    """One slot for whatever writes, as dags/README.md asks for; one that is there stays."""
    with contextlib.suppress(ApiError):
        api.post("/pools", {"name": POOL, "slots": 1, "description": "whatever writes into the warehouse"})


def _stop(keeper: subprocess.Popen[bytes]) -> None:
    """End all components and what their tasks run, which have sessions of their own."""
    say("Airflow: stopping")
    below = psutil.Process(keeper.pid).children(recursive=True) if keeper.poll() is None else []
    assert keeper.stdin is not None
    keeper.stdin.close()
    for process in below:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(below, timeout=STOPPING)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    keeper.wait()


def own_world(home: Path) -> Path:
    """Return a small simulated world that ends yesterday; one of an earlier start is extended."""
    world, today = home / "world", datetime.now(UTC).date()
    argv = ["simulate", "--out", str(world)]
    if (world / "world.json").exists():
        n_days = (today - newest_day(world)).days - 1
        if n_days <= 0:
            return world
        argv += ["--extend", str(n_days)]
    else:
        argv += ["--start", str(today - timedelta(days=DAYS_OF_WORLD)), "--days", str(DAYS_OF_WORLD), "--scale", "0.05"]
    say("simulating a small world")
    subprocess.run([sys.executable, "-m", "jobs", *argv], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return world


def newest_day(world: Path) -> date:
    """Return the last day of a simulated world."""
    known = json.loads((world / "world.json").read_text(encoding="utf-8"))
    return date.fromisoformat(known["start"]) + timedelta(days=int(known["days"]) - 1)


def whole(place: str | Path) -> str:
    """Return a place that means the same from every folder: an address as it is, a path from the root on."""
    return place if isinstance(place, str) and "://" in place else str(Path(place).resolve())


def main() -> None:
    """Start it and keep it until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=ROOT / ".airflow", help="its AIRFLOW_HOME")
    parser.add_argument("--port", type=int, default=8080, help="any free one if this is not")
    arguments = parser.parse_args()
    home = arguments.home.resolve()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Tasks start in a folder of their own.
    settings = {name: value for name, value in os.environ.items() if name.startswith(("AIRFLOW_CONN_", "PDMETRICS_"))}
    settings["PDMETRICS_INPUT"] = whole(settings.get("PDMETRICS_INPUT") or own_world(home))
    settings["PDMETRICS_WAREHOUSE"] = whole(settings.get("PDMETRICS_WAREHOUSE") or home / "warehouse")
    with contextlib.suppress(KeyboardInterrupt), running(home, settings, arguments.port) as api:
        print(
            f"\n  {api.address}   no login, this machine only; Ctrl-C stops it"
            f"\n  input      {settings['PDMETRICS_INPUT']}\n  warehouse  {settings['PDMETRICS_WAREHOUSE']}"
            f"\n  logs       {home}\n\nThe DAGs are paused. Switch personal_dashboard_daily on and the day that ended"
            ' last is run; trigger it with {"date": "YYYY-MM-DD"} for another one.\n',
            flush=True,
        )
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
