"""Import the dashboard of `bi/superset` into a real Apache Superset, ask every chart for its data, and take a picture.

    python benchmarks/superset_dashboard.py --marts demo/warehouse/personal_dashboard.duckdb

Superset pins libraries of its own, so it lives in an environment of its own (`--environment`, made where it is
missing: half a minute). Its home is a temporary folder, its server listens on loopback and ends with the script. The
picture needs Chromium; without one the rest is done all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

BUNDLE = Path(__file__).resolve().parent.parent / "bi" / "superset"
PACKAGES = (
    "apache-superset==6.1.0",
    "duckdb-engine==0.17.0",
    "duckdb==1.5.5",
    "flask-caching<2.4",  # Superset's own cache does not know an argument of later ones
    "cachetools",  # it and the next are imported unasked
    "rich",
)
PLACEHOLDER = "/path/to/warehouse/personal_dashboard.duckdb"
ADMIN = ("--username", "admin", "--firstname", "A", "--lastname", "D", "--email", "a@localhost")
CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
FAB_ADD_SECURITY_API = True
"""


def main() -> int:
    """Import, ask, take the picture; 1 where a chart gives an error or no row."""
    arguments = _arguments()
    python = _environment(arguments.environment)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = _configured(home)
        password = secrets.token_hex(8)
        superset = [str(python.parent / "superset")]
        for command in (
            ["db", "upgrade"],
            ["fab", "create-admin", *ADMIN, "--password", password],
            ["init"],
            ["import-dashboards", "--path", str(_bundle(home, arguments.marts)), "--username", "admin"],
        ):  # fmt: skip
            _call([*superset, *command], environment)
        port = _free_port()
        server = subprocess.Popen(
            [*superset, "run", "--host", "127.0.0.1", "--port", str(port), "--with-threads"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/health", server)
            faults = _ask_charts(address, password)
            if arguments.picture:
                _picture(address, password, arguments.picture)
        finally:
            server.terminate()
            server.wait(20)
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--marts", type=Path, required=True, help="a published personal_dashboard.duckdb")
    parser.add_argument("--environment", type=Path, default=Path(".superset"), help="virtual environment of Superset")
    parser.add_argument("--picture", type=Path, help="where the picture goes, a PNG")
    found = parser.parse_args()
    if not found.marts.is_file():
        parser.error(f"{found.marts} is no file: make demo, or name the marts of a warehouse")
    return found


def _environment(folder: Path) -> Path:
    """Return the Python of Superset's environment, made now where there is none."""
    python = folder.resolve() / "bin" / "python"
    if not python.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", str(python), *PACKAGES], check=True)
    return python


def _configured(home: Path) -> dict[str, str]:
    config = home / "superset_config.py"
    config.write_text(CONFIG.format(secret=secrets.token_hex(32), home=home), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PDMETRICS_"))}
    return {
        **kept,
        "SUPERSET_CONFIG_PATH": str(config),
        "SUPERSET_HOME": str(home),
        "FLASK_APP": "superset.app:create_app()",
    }


def _bundle(home: Path, marts: Path) -> Path:
    """Return the bundle as Superset takes it, a zip, with the address of these marts in it."""
    path = home / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(BUNDLE.rglob("*.yaml")):
            text = file.read_text(encoding="utf-8").replace(PLACEHOLDER, str(marts.resolve()))
            archive.writestr(f"personal_dashboard/{file.relative_to(BUNDLE)}", text)
    return path


def _call(command: list[str], environment: dict[str, str]) -> None:
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:3])} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    print(f"superset {command[1]}: {time.monotonic() - began:.1f} s")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(address: str, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit(f"Superset ended with {server.returncode}")
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"Superset does not answer at {address} after {seconds:.0f} s")


def _ask_charts(address: str, password: str) -> int:
    """Ask every chart for its data, and say how many rows it gives; the number of charts that give none."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def ask(path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        data = None if body is None else json.dumps(body).encode()
        with opener.open(urllib.request.Request(f"{address}/api/v1/{path}", data, headers), timeout=60) as answer:
            return json.load(answer)

    credentials = {"username": "admin", "password": password, "provider": "db"}
    token = ask("security/login", credentials)["access_token"]
    faults = 0
    for chart in ask("dashboard/personal-dashboard/charts", token=token)["result"]:
        form = chart["form_data"]
        dataset = int(str(form["datasource"]).split("__")[0])
        columns = form.get("all_columns") or [form["x_axis"], *_as_list(form.get("groupby"))]
        metrics = [] if "all_columns" in form else [*_as_list(form.get("metrics")), *_as_list(form.get("metric"))]
        filters = [
            {"col": f["subject"], "op": f["operator"], "val": f["comparator"]} for f in form.get("adhoc_filters", [])
        ]
        query = {"columns": columns, "metrics": metrics, "filters": filters, "row_limit": 10000}
        body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "result_type": "full"}
        try:
            rows = ask("chart/data", body, token)["result"][0]["rowcount"]
        except urllib.error.HTTPError as error:
            print(f"{chart['slice_name']}: {error.read().decode()[:300]}")
            faults += 1
            continue
        print(f"{chart['slice_name']}: {rows} rows")
        faults += not rows
    return faults


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _picture(address: str, password: str, picture: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here: no picture")
        return
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        ) as opened,
    ):
        page = opened.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{address}/login/")
        page.fill("#username", "admin")
        page.fill("#password", password)
        page.click("[type=submit]")
        page.wait_for_load_state("networkidle")
        page.goto(f"{address}/superset/dashboard/personal-dashboard/?standalone=1")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(8000)
        page.screenshot(path=picture, full_page=True)
    print(f"picture: {picture}")


if __name__ == "__main__":
    sys.exit(main())
