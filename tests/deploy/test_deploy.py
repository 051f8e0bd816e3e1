"""What lies in `deploy/`: every file it copies is there, every setting it names exists, and nobody runs as root.

Docker builds and runs the image where there is an engine; elsewhere the files are read.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.settings.layers import OTHER_VARIABLES
from jobs.settings.sections import ENV_PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
UNITS = sorted((DEPLOY / "systemd").glob("*.*"))
TEXTS = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
INSTRUCTIONS = {"FROM", "ARG", "RUN", "WORKDIR", "COPY", "LABEL", "ENV", "USER", "VOLUME", "ENTRYPOINT", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def is_setting(name: str) -> bool:
    """Whether a variable sets something: a section and a key, or one of those that stand for flags."""
    section, found, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
    if not found:
        return name in OTHER_VARIABLES
    field = Settings.model_fields.get(section)
    kind: Any = type(field.default) if field is not None else None
    return kind is not None and (key in kind.model_fields or kind.model_config.get("extra") == "allow")


def test_the_image_is_made_of_instructions_that_there_are() -> None:
    assert {word for word, _ in instructions()} <= INSTRUCTIONS


def test_the_image_copies_what_there_is_and_what_is_not_left_out() -> None:
    let_in = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_the_wheel_s_own_folders_are_all_in_the_image() -> None:
    setup = (ROOT / "setup.py").read_text() + (ROOT / "pyproject.toml").read_text()
    for folder in ("jobs", "expectations", "pdmetrics", "conf", "dbt_project"):
        assert folder in setup
        assert ("COPY", f"{folder} {folder}") in instructions()


def test_the_image_has_a_pinned_base_and_no_root() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    stages = {rest.split()[-1] for word, rest in instructions() if word == "FROM"}
    assert all(base in stages or re.fullmatch(r"python:3\.1[1-3]-slim-[a-z]+", base) for base in bases)
    assert [rest for word, rest in instructions() if word == "USER"] == ["10001"]


def test_a_container_may_write_the_warehouse_only() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["user"] == "10001"
        writes = [mount["target"] for mount in service["volumes"] if not mount.get("read_only")]
        assert writes == ([] if name == "report" else ["/warehouse"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_what_is_set_is_a_setting() -> None:
    named = {name for path in TEXTS for name in re.findall(rf"\b{ENV_PREFIX}[A-Z_]+", path.read_text())}
    assert named
    assert sorted(name for name in named if not is_setting(name)) == []


def test_a_wrong_name_would_be_found() -> None:
    assert not is_setting("PDMETRICS_PRIVACY_SALT_FILE")
    assert not is_setting("PDMETRICS_PRIVACY__SALTFILE")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_one(path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if path.name in line and "is not executable" not in line]
    assert told == []


def test_a_timer_starts_a_service_that_there_is() -> None:
    for path in UNITS:
        if path.suffix == ".timer":
            assert path.with_suffix(".service") in UNITS


def test_values_of_kubernetes_keep_secrets_in_secrets() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes" / "airflow-values.yaml").read_text())
    secret = {entry["envName"] for entry in values["secret"]}
    plain = {entry["name"] for entry in values["env"]}
    assert {"PDMETRICS_PRIVACY__SALT", "PDMETRICS_CATALOG__URI", "PDMETRICS_ALERTS__URLS"} == secret
    assert not secret & plain


def test_values_of_kubernetes_have_what_our_image_and_a_pod_need() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes" / "airflow-values.yaml").read_text())
    plain = {entry["name"]: entry["value"] for entry in values["env"]}
    assert str(values["uid"]) in [rest for word, rest in instructions() if word == "USER"]
    assert ("WORKDIR", values["airflowHome"]) in instructions()
    mounts = {mount["mountPath"]: mount["name"] for mount in values["volumeMounts"]}
    assert mounts[plain["PDMETRICS_RUN__WORK_DIR"]] in {
        volume["name"] for volume in values["volumes"] if "emptyDir" in volume
    }
    locked = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None
    assert values["airflowVersion"] == locked[1]


def test_compose_guesses_no_folder_and_gives_the_salt_to_nobody_who_needs_none() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert ":-" not in text
    report = compose()["services"]["report"]
    assert report["secrets"] == []
    assert "PDMETRICS_PRIVACY__SALT_FILE" not in report["environment"]


@pytest.mark.install
def test_the_images_are_built_and_run(tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker engine is here")
    run = ["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp:exec", "--tmpfs", "/home/pdmetrics"]
    build = ["docker", "build", "--quiet", "--file", str(DOCKERFILE)]
    subprocess.run([*build, "--tag", "pdmetrics-test", str(ROOT)], check=True, timeout=1200)
    told = subprocess.run([*run, "pdmetrics-test", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("pdmetrics ")
    tmp_path.chmod(0o777)
    simulate = ["simulate", "--out", "/warehouse/world", "--start", "2026-03-19", "--days", "1", "--scale", "0.05"]
    day = ["--warehouse", "/warehouse/lake", "run", "--date", "2026-03-19", "--input", "/warehouse/world"]
    for command in (simulate, day):
        subprocess.run(
            [*run, "--volume", f"{tmp_path}:/warehouse", "pdmetrics-test", *command], check=True, timeout=600
        )
    also = "ALSO=apache-airflow[cncf-kubernetes,statsd,fab] asyncpg"
    airflow = ["--target", "airflow", "--build-arg", also, "--tag", "pdmetrics-test:airflow", str(ROOT)]
    subprocess.run([*build, *airflow], check=True, timeout=1200)
    subprocess.run(["docker", "run", "--rm", "pdmetrics-test:airflow", "airflow", "version"], check=True, timeout=120)
