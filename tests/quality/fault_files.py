"""Faults put into the raw files, the CSVs or the warehouse of a simulated world; `faults.py` says what each is."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from jobs.simulation.writer import STREAM_FOLDER, hour_path

DIFF, MENU = "Personal Dashboard diff link", "Personal Dashboard menu link"
LEAST = 0xFFFFFFFF
Change = Callable[[str], Iterable[str]]


@dataclass(frozen=True)
class Files:
    """A world and a warehouse to put a fault into.

    Attributes:
        world: the input.
        warehouse: where the days before the fault are published.
        day: the day of the fault.
    """

    world: Path
    warehouse: Path
    day: date

    @property
    def random(self) -> random.Random:
        """Chance, the same each time."""
        return random.Random(7)

    def file(self, hour: int, stream: str = STREAM_FOLDER) -> Path:
        return self.world / hour_path(self.day, hour).replace(STREAM_FOLDER, stream) / "events.json.gz"

    def lines(self, hour: int) -> list[str]:
        return gzip.decompress(self.file(hour).read_bytes()).decode().splitlines()

    def write(self, hour: int, lines: Iterable[str], stream: str = STREAM_FOLDER) -> None:
        file = self.file(hour, stream)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 1, mtime=0))

    def change(self, change: Change, hours: Iterable[int] = range(24)) -> None:
        """Replace each line of some hours by what a function makes of it."""
        for hour in hours:
            self.write(hour, [new for line in self.lines(hour) for new in change(line)])


def of_wiki(line: str, wiki: str) -> bool:
    return f'"database":"{wiki}"' in line


def with_id(line: str, chance: random.Random) -> str:
    """The event as another one: under an id of its own."""
    return re.sub(r'"id":"[^"]+"', f'"id":"{other_id(chance)}"', line, count=1)


def other_id(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def fraction(line: str, name: str = "pageview_id") -> float:
    """The place of an id between 0 and 1, as clients and the audit have it; 1 where there is none."""
    found = re.search(rf'"{name}":"([0-9a-f]{{8}})', line)
    return int(found[1], 16) / LEAST if found else 1.0


def replaced(line: str, name: str, value: str) -> str:
    return re.sub(rf'"{name}":"[^"]*"', f'"{name}":"{value}"', line)


# Hours and files


def half_an_hour(files: Files) -> None:
    files.change(lambda line: [line] if re.search(r'"dt":"[^"]+T15:[0-2]', line) else [], [15])


def hour_lost(files: Files) -> None:
    shutil.rmtree(files.file(9).parent)


def hour_of_a_stream(files: Files) -> None:
    for hour in range(24):
        lines = files.lines(hour)
        if hour != 9:
            files.write(hour, lines[::2], "product_metrics_other")
        files.write(hour, lines[1::2])


def file_cut(files: Files) -> None:
    whole = files.file(20).read_bytes()
    files.file(20).write_bytes(whole[: len(whole) * 3 // 5])


def day_missing(files: Files) -> None:
    shutil.rmtree(files.file(0).parents[1])


def noon(files: Files) -> None:
    files.change(lambda line: [], range(12, 24))


def wrong_zone(files: Files) -> None:
    lines = {hour: files.lines(hour) for hour in range(24)}
    for hour, old in lines.items():
        new = (hour + 5) % 24
        files.write(new, [line.replace(f"{files.day}T{hour:02d}:", f"{files.day}T{new:02d}:") for line in old])


def delivered_twice(files: Files) -> None:
    files.change(lambda line: [line, line])


def twice_under_other_ids(files: Files) -> None:
    chance = files.random
    files.change(lambda line: [line, with_id(line, chance)])


def half_under_other_ids(files: Files) -> None:
    chance = files.random
    files.change(lambda line: [line, with_id(line, chance)] if fraction(line, "session_id") < 0.5 else [line])


# Lines


def clocks_off(files: Files) -> None:
    slow = f'"dt":"{files.day - timedelta(days=3)}T'
    files.change(lambda line: [_client_clock(line, slow) if fraction(line, "session_id") % 0.1 < 0.02 else line])


def _client_clock(line: str, clock: str) -> str:
    """The line with another day of the client; the server's, which comes first, stays."""
    head, found, rest = line.partition("},")
    return head + found + re.sub(r'"dt":"[0-9-]+T', clock, rest, count=1)


def field_renamed(files: Files) -> None:
    def change(line: str) -> list[str]:
        return [line.replace('"session_id":', '"session":') if fraction(line, "session_id") % 0.1 < 0.02 else line]

    files.change(change)


def foreign_wiki(files: Files) -> None:
    chance = files.random

    def change(line: str) -> list[str]:
        copy = re.sub(r'"database":"[a-z]+"', '"database":"xxwiki"', with_id(line, chance))
        return [line, copy] if chance.random() < 0.03 else [line]

    files.change(change)


def wiki_unlisted(files: Files) -> None:
    path = files.world / "wikis.csv"
    path.write_text("".join(row for row in path.read_text().splitlines(keepends=True) if "idwiki" not in row))
    for name in ("milestones.csv", "wiki_config.csv"):  # they may name listed wikis only
        other = files.world / name
        other.write_text("".join(row for row in other.read_text().splitlines(keepends=True) if "idwiki" not in row))


# Wikis and volume


def bot_storm(files: Files) -> None:
    chance = files.random

    def change(line: str) -> list[str]:
        if not of_wiki(line, "idwiki"):
            return [line]
        copies = (replaced(with_id(line, chance), "pageview_id", f"{chance.getrandbits(80):020x}") for _ in range(4))
        return [line, *(re.sub(r'"performer":{"id":\d+', '"performer":{"id":77', copy) for copy in copies)]

    files.change(change)


def wiki_gone(files: Files) -> None:
    files.change(lambda line: [] if of_wiki(line, "enwiki") else [line])


def one_user_id(files: Files) -> None:
    def change(line: str) -> list[str]:
        return [re.sub(r'"performer":{"id":\d+', '"performer":{"id":77', line) if of_wiki(line, "idwiki") else line]

    files.change(change)


def menu_link_early(files: Files) -> None:
    _early(files, f'"action":"impression","element_friendly_name":"{MENU}"')


def loads_early(files: Files) -> None:
    _early(files, '"action":"pageview"')


def _early(files: Files, action: str) -> None:
    """Add a wiki that waits for its display, and six events of it."""
    with (files.world / "wikis.csv").open("a") as stream:
        enabled = files.day - timedelta(days=1)
        stream.write(f"bnwiki,bn.wikipedia.org,bn,false,{enabled},{files.day + timedelta(days=30)}\n")
    chance, lines = files.random, files.lines(10)
    clicks = [line for line in lines if '"action":"pageview"' in line and of_wiki(line, "thwiki")]
    early = []
    for line in (clicks * 6)[:6]:
        copy = with_id(line.replace("thwiki", "bnwiki").replace("th.wikipedia", "bn.wikipedia"), chance)
        early.append(
            copy.replace('"action":"pageview"', f'{action},"funnel_entry_token":"{chance.getrandbits(80):020x}"')
        )
    files.write(10, lines + early)


# Links


def renamed(files: Files) -> None:
    files.change(lambda line: [line.replace(f'"{DIFF}"', '"Personal Dashboard change link"')])


def new_element(files: Files) -> None:
    chance = files.random

    def change(line: str) -> list[str]:
        is_some = '"action":"click"' in line and chance.random() < 0.2
        copy = replaced(with_id(line, chance), "element_friendly_name", "gadget link")
        return [line, copy] if is_some else [line]

    files.change(change)


def link_out(files: Files) -> None:
    files.change(lambda line: [] if of_wiki(line, "idwiki") and DIFF in line else [line])


def clicks_out(files: Files) -> None:
    files.change(lambda line: [] if of_wiki(line, "idwiki") and DIFF in line and '"click"' in line else [line])


def mobile_out(files: Files) -> None:
    files.change(lambda line: [] if of_wiki(line, "idwiki") and DIFF in line and "mobile_browser" in line else [line])


def fires_twice(files: Files) -> None:
    chance = files.random

    def change(line: str) -> list[str]:
        is_shown = of_wiki(line, "idwiki") and DIFF in line and '"impression"' in line
        return [line, with_id(line, chance)] if is_shown else [line]

    files.change(change)


def bucket_unknown(files: Files) -> None:
    files.change(lambda line: [re.sub(r'"edit_count_bucket":"[^"]*",', "", line)])


def platform_unknown(files: Files) -> None:
    files.change(lambda line: [re.sub(r',"client_platform_family":"[^"]*"', "", line)])


# Sampling


def rate_halved(files: Files) -> None:
    files.change(lambda line: [] if of_wiki(line, "idwiki") and fraction(line) >= 0.5 else [line])


def rate_raised(files: Files) -> None:
    """English Wikipedia declares 10 % of sessions: some more come, of sessions above that."""
    chance = files.random

    def change(line: str) -> list[str]:
        if not (of_wiki(line, "enwiki") and fraction(line, "session_id") < 0.01):
            return [line]
        copy = replaced(with_id(line, chance), "pageview_id", f"{chance.getrandbits(80):020x}")
        return [line, re.sub(r'"session_id":"[0-9a-f]', '"session_id":"3', copy)]

    files.change(change)


def ids_uneven(files: Files) -> None:
    def change(line: str) -> list[str]:
        if not of_wiki(line, "idwiki"):
            return [line]
        head = f"{int(fraction(line) ** 2 * LEAST):08x}"
        return [re.sub(r'"pageview_id":"[0-9a-f]{8}', f'"pageview_id":"{head}', line)]

    files.change(change)


def policy_rewritten(files: Files) -> None:
    """Declare another rate for a week that was run at 1; the day of the fault itself is as it was."""
    first, last = files.day - timedelta(days=10), files.day - timedelta(days=3)
    name = json.loads(files.lines(10)[0])["instrument_name"]
    with (files.world / "sampling_policy.csv").open("a") as stream:
        stream.write(f"{name},idwiki,pageview,0.5,{first}T00:00:00Z,{last}T00:00:00Z\n")


# The warehouse


def published_changed(files: Files) -> None:
    with duckdb.connect(str(files.warehouse / "personal_dashboard.duckdb")) as connection:
        connection.execute("update marts.fct_baseline_daily set n_visitors_observed = n_visitors_observed + 1")
