"""A run over a dirty world names nobody, on the screen or in what its gates leave, and what it refused can be seen."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import duckdb
import pytest

from jobs.warehouse.forget import user_hash
from tests.inside import files_with, inside, needles_of
from tests.integration import worlds
from tests.integration.killing import kill

pytestmark = pytest.mark.integration
DAY, NEXT, END = "2026-03-16", "2026-03-17", "2026-03-18"
LONG_ID = 7_700_000_000  # added to user ids, so that they are no number that might be printed otherwise


class Site(NamedTuple):
    """A world whose run failed at the raw gate, then passed; what was said, and what may not be."""

    warehouse: Path
    world: Path
    failed: CompletedProcess[str]
    looked: dict[str, CompletedProcess[str]]
    passed: CompletedProcess[str]
    secrets: set[str]


def _command(warehouse: Path, *arguments: str, **named: bool) -> CompletedProcess[str]:
    return worlds.here("--warehouse", str(warehouse), *arguments, **named)


def _with_long_ids(world: Path) -> None:
    for file in world.glob("raw/**/*.json.gz"):
        text = gzip.decompress(file.read_bytes()).decode()
        longer = re.sub(r'("performer":\{"id":)(\d+)', lambda m: f"{m[1]}{int(m[2]) + LONG_ID}", text)
        file.write_bytes(gzip.compress(longer.encode()))


def _secrets(world: Path) -> set[str]:
    """Every name and id in the raw files of the world."""
    found: set[str] = set()
    for file in world.glob("raw/**/*.json.gz"):
        for line in gzip.decompress(file.read_bytes()).decode().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            performer = event.get("performer") or {}
            values = [performer.get(name) for name in ("id", "name", "session_id", "pageview_id")]
            found |= {str(value) for value in (*values, event.get("funnel_entry_token")) if value}
    return {secret for secret in found if len(secret) > 3}  # 0, "abc": dirt


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("privacy")
    world, warehouse = folder / "world", folder / "warehouse"
    worlds.simulate(world, start=DAY, days=2, scenario="unsampled", scale=0.3)
    _with_long_ids(world)
    run = ("run", "--input", str(world), "--start", DAY, "--end", END)
    strict = ("-v", "--set", "ingest.max_quarantine_share=0.000001")
    failed = _command(warehouse, *strict, *run, check=False)
    looks = {"staged": ("--staged", "--limit", "1000"), "published": (), "raw": ("--staged", "--raw")}
    looked = {name: _command(warehouse, "quarantine", "--date", DAY, *look) for name, look in looks.items()}
    passed = _command(warehouse, "-v", "--log-format", "json", *run)
    looked["doctor"] = _command(warehouse, "doctor", check=False)
    return Site(warehouse, world, failed, looked, passed, _secrets(world))


def _left(warehouse: Path) -> list[Path]:
    """What a run leaves beside the tables, the marts, their catalog and the salt: journals, logs, compiled SQL."""
    kept = ("lake", "salt", "catalog.db", "personal_dashboard.duckdb")
    return [
        path for path in warehouse.rglob("*") if path.is_file() and path.relative_to(warehouse).parts[0] not in kept
    ]


def told(*texts: str, secrets: set[str]) -> list[str]:
    """Names and ids that a text gives away, also where quotes in them are escaped."""
    return [secret for secret in secrets for text in texts if secret in text or json.dumps(secret)[1:-1] in text]


def test_a_failed_gate_shows_what_became_of_the_lines_and_where_to_look(site: Site) -> None:
    assert site.failed.returncode == 1
    assert "lines read, 2026-03-16 to 2026-03-17" in site.failed.stdout
    assert "quarantined" in site.failed.stdout
    shown = re.findall(r"^reason +(\S+)$", site.failed.stdout, re.MULTILINE)
    counts: dict[str, int] = {}
    for (_, fate, reason), n_lines in worlds.fates(site.world).items():
        if fate == "quarantined":
            counts[reason] = counts.get(reason, 0) + n_lines
    assert len(shown) == 3
    assert sorted((counts[reason] for reason in shown), reverse=True) == sorted(counts.values(), reverse=True)[:3]
    assert len(re.findall(r"^file +raw/\S+$", site.failed.stdout, re.MULTILINE)) == 3
    told = " ".join(site.failed.stderr.split())
    assert re.search(rf"next: pdmetrics --warehouse {site.warehouse} quarantine --date 2026-03-1[67] --staged", told)


def test_what_a_failed_run_refused_can_be_looked_at(site: Site) -> None:
    reasons = re.findall(r"^reason +(\S+)$", site.looked["staged"].stdout, re.MULTILINE)
    expected = {
        reason: n for (day, fate, reason), n in worlds.fates(site.world).items() if (day, fate) == (DAY, "quarantined")
    }
    assert {reason: reasons.count(reason) for reason in set(reasons)} == expected
    assert "Nothing of 2026-03-16 is published" in site.looked["published"].stdout
    assert told(site.looked["raw"].stdout, secrets=site.secrets), "--raw shows them"


def test_nobody_is_named(site: Site) -> None:
    assert len(site.secrets) > 500
    assert '"event": "published"' in site.passed.stderr, "one of the logs is JSON"
    for done in (site.failed, site.looked["staged"], site.passed, site.looked["doctor"]):
        assert told(done.stdout, done.stderr, secrets=site.secrets) == [], done.args
    salt = (site.warehouse / "salt").read_text().strip()
    left = [path.read_bytes().decode(errors="replace") for path in _left(site.warehouse)]
    assert any("quarantine" in text for text in left), "what the gates found is among it"
    assert any(path.suffix == ".log" for path in _left(site.warehouse)), "and what dbt noted"
    said = [done.stdout + done.stderr for done in (site.failed, site.passed, *site.looked.values())]
    assert told(*left, secrets=site.secrets) == []
    assert told(*left, *said, secrets={salt}) == []


def test_verdicts_of_both_runs_are_kept_and_name_nobody(site: Site) -> None:
    lake = worlds.lake_contents(site.warehouse)["lake.data_quality_metrics"]
    assert told(*(str(row) for row in lake), secrets=site.secrets) == []
    with duckdb.connect(str(site.warehouse / "personal_dashboard.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select gate, attempt, is_latest, bool_and(success or severity = 'warning'), count(distinct run_id)"
            " from marts.fct_data_quality where event_date = ? group by all order by all",
            [DAY],
        ).fetchall()
    assert found == [
        ("facts", 1, True, True, 1), ("marts", 1, True, True, 1),
        ("raw", 1, False, False, 1), ("raw", 2, True, True, 1),
    ]  # fmt: skip


# From here on the warehouse is purged; what stands above wants it whole.


def _events(world: Path) -> list[dict[str, object]]:
    """Whole events of the raw files."""
    found = []
    for file in sorted(world.glob("raw/**/*.json.gz")):
        for text in gzip.decompress(file.read_bytes()).decode().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(text))
    return [event for event in found if isinstance(event, dict) and isinstance(event.get("performer"), dict)]


def _most_active(site: Site) -> tuple[str, int, str, str]:
    """Wiki, id, name and hash of the user with most lines, of those who have events."""
    users = Counter(
        (event["mediawiki"]["database"], event["performer"]["id"], event["performer"]["name"])
        for event in _events(site.world)
        if isinstance(event["performer"].get("id"), int) and event["performer"].get("name")
    )
    salt = (site.warehouse / "salt").read_text().strip()
    hashed = {user: user_hash(salt, *user[:2]) for user, _ in users.most_common(50)}
    events = files_with(site.warehouse / "lake/pd/events", {one.encode() for one in hashed.values()})
    kept = set().union(*events.values())
    return next((*user, found) for user, found in hashed.items() if found.encode() in kept)


def test_past_ingest_a_name_stands_in_refused_lines_alone(site: Site) -> None:
    named = [event["performer"]["name"] for event in _events(site.world) if event["performer"].get("name")]
    names = {str(name) for name in named if len(str(name)) > 6}
    drawn = random.Random(14).sample(sorted(names), 40)
    found = files_with(site.warehouse, [name.encode() for name in drawn])
    assert {file.split("/data/")[0] for file in found} <= {"lake/pd/quarantine"}
    lines = b"".join(inside(path) for path in (site.warehouse / "lake/pd/quarantine/data").rglob("*.parquet"))
    assert any(name.encode() in lines for name in names), "the search finds what is there"


def test_a_user_who_asks_for_it_is_in_no_file_any_more(site: Site) -> None:
    wiki, user_id, name, hashed = _most_active(site)
    own = needles_of(hashed, name, str(user_id))
    published = worlds.contents(site.warehouse)
    done = _command(site.warehouse, "purge", "--wiki", wiki, "--user-id", str(user_id))
    assert files_with(site.warehouse, own) == {}
    assert "a run of those days brings the rows back" in done.stdout
    assert told(done.stdout, done.stderr, secrets={hashed, name, str(user_id)}) == []
    assert worlds.contents(site.warehouse) == published, "published numbers stay"


def test_a_purge_killed_and_repeated_leaves_nothing_of_a_day(site: Site) -> None:
    """As of ninety days after the first day its events go; users' days stay."""
    metas = [event["meta"] for event in _events(site.world)]
    first = {str(meta["id"]) for meta in metas if meta.get("id") and str(meta.get("dt")).startswith(DAY)}
    own = [one.encode() for one in random.Random(14).sample(sorted(first), 40)]
    assert files_with(site.warehouse / "lake/pd/events", own)
    command = ("--warehouse", str(site.warehouse), "purge", "--as-of", "2026-06-14")
    purge = subprocess.Popen(
        [sys.executable, "-m", "jobs", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=worlds.ENVIRONMENT,
    )  # fmt: skip
    assert any("receipts written" in line for line in purge.stderr)
    assert kill(purge)
    worlds.here(*command)
    assert files_with(site.warehouse, own) == {}
    receipts = worlds.here(*command, "--receipts").stdout
    assert len(re.findall(r"keep_until +│ events +│ 2026-03-16 │ 2026-03-16", receipts)) == 1
    assert "Nothing to purge" in worlds.here(*command).stdout


def test_what_needs_purged_days_says_so_and_counts_nothing(site: Site) -> None:
    """As of 125 days after the first day its users go too."""
    _command(site.warehouse, "purge", "--as-of", "2026-07-19")
    again = _command(site.warehouse, "run", "--input", str(site.world), "--date", NEXT, check=False)
    assert again.returncode == 2
    assert "2026-03-17 cannot be run again" in again.stderr
    assert "the first day that can be run is 2026-04-13;" in " ".join(again.stderr.split())
    day = ("--as-of", NEXT, "--window", "1")
    explained = _command(site.warehouse, "explain", "dashboard_visitors", "--wiki", "idwiki", *day)
    assert "users' days" not in explained.stdout, "of the second day all users are there"
    cohort = ("explain", "retention_day_1", "--wiki", "idwiki", "--as-of", NEXT, "--window", "2")
    assert "users' days of 2026-03-16 were purged" in " ".join(_command(site.warehouse, *cohort).stdout.split())
    asked = _command(site.warehouse, "audit", "--gate", "facts", "--date", DAY, check=False)
    assert (asked.returncode, "were purged" in asked.stderr) == (2, True)
    assert "the lines were purged" in _command(site.warehouse, "quarantine", "--date", DAY).stdout
