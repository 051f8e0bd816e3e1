"""Dumps of mediawiki_history through the reader: rows a minute, processor time, memory of all processes.

Usage: python benchmarks/history_reading.py [--rows 1000000] [--seed 1]

Writes two files of about 500 bytes a row, as those of English Wikipedia have, and reads them from beginning to end:
unzipping, parsing, judging, Parquet. First one file in this process, then both in two processes.
"""

from __future__ import annotations

import argparse
import bz2
import os
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from jobs.dumps.columns import ALL_COLUMNS
from jobs.dumps.files import find_dumps
from jobs.dumps.parquet import write_revisions
from jobs.dumps.rows import KEPT
from jobs.raw.place import open_input

SNAPSHOT, WIKI = "2026-03", "enwiki"
WIKIS = [WIKI, "enwiki2"]
FIRST, LAST = date(2026, 3, 4), date(2026, 3, 31)
SPANS = [(FIRST, LAST)]
MONTH = datetime(2026, 3, 1)
SECONDS = 31 * 86_400
MONTH_OF_ENWIKI = 6_000_000
WORDS = (
    "added",
    "fixed",
    "reverted",
    "link",
    "source",
    "section",
    "history",
    "text",
    "spelling",
    "per",
    "naïve",
    "[[ ]]",
)
TAGS = ("", "", "visualeditor", "mobile edit,mobile web edit")
GROUPS = ("", "extendedconfirmed", "extendedconfirmed,reviewer,rollbacker", "bot")


def history_row(chance: random.Random, number: int) -> str:
    """Return a row with the widths of English Wikipedia's; 1 in 10 is anonymous or temporary, 1 in 50 no revision."""
    user = int(chance.paretovariate(0.6) * 1000) % 48_000_000
    name, title = f"Contributor {user:x}", f"An_article_{number % 900_000:x}"
    moment = MONTH + timedelta(seconds=chance.randrange(SECONDS))
    is_temporary = chance.random() < 0.1
    groups = chance.choice(GROUPS)
    bot = "name,group" if groups == "bot" else ""
    page_made = f"{2001 + number % 25}-05-0{1 + number % 9} 11:23:45.0"
    count = 1 + int(chance.paretovariate(0.5)) % 400_000
    comment = " ".join(chance.choices(WORDS, k=chance.randrange(9)))
    cells = {
        "wiki_db": WIKI, "event_log_id": "", "event_entity": "revision" if chance.random() > 0.02 else "page",
        "event_type": "create", "event_timestamp": f"{moment}.0", "event_comment": comment,
        "event_user_id": str(user), "event_user_central_id": str(user * 3), "event_user_text_historical": name,
        "event_user_text": name, "event_user_groups_historical": groups, "event_user_groups": groups,
        "event_user_is_bot_by_historical": bot, "event_user_is_bot_by": bot, "event_user_is_created_by_self": "true",
        "event_user_is_created_by_system": "false", "event_user_is_created_by_peer": "false",
        "event_user_is_anonymous": "false", "event_user_is_temporary": str(is_temporary).lower(),
        "event_user_is_permanent": str(not is_temporary).lower(), "event_user_is_cross_wiki": "true",
        "event_user_registration_timestamp": page_made, "event_user_creation_timestamp": page_made,
        "event_user_first_edit_timestamp": page_made, "event_user_revision_count": str(count),
        "event_user_seconds_since_previous_revision": str(chance.randrange(90_000)),
        "page_id": str(chance.randrange(80_000_000)),
        "page_title_historical": title, "page_title": title, "page_namespace_historical": chance.choice("0001234"),
        "page_namespace_is_content_historical": "true", "page_namespace": "0", "page_namespace_is_content": "true",
        "page_is_redirect": "false", "page_is_deleted": "false", "page_creation_timestamp": page_made,
        "page_first_edit_timestamp": page_made, "page_revision_count": str(1 + number % 3000),
        "page_seconds_since_previous_revision": str(chance.randrange(9_000_000)),
        "revision_id": str(1_340_000_000 + number), "revision_parent_id": str(1_330_000_000 + number),
        "revision_minor_edit": "false", "revision_text_bytes": str(chance.randrange(200_000)),
        "revision_text_bytes_diff": str(chance.randrange(-900, 900)),
        "revision_text_sha1": f"{chance.getrandbits(155):031x}"[:31], "revision_content_model": "wikitext",
        "revision_content_format": "text/x-wiki", "revision_is_deleted_by_page_deletion": "false",
        "revision_is_identity_reverted": "false", "revision_is_identity_revert": "false",
        "revision_is_from_before_page_creation": "false", "revision_tags": chance.choice(TAGS),
    }  # fmt: skip
    return "\t".join(cells.get(name, "") for name in ALL_COLUMNS) + "\n"


def write_dump(root: Path, wiki: str, rows: int, seed: int) -> int:
    """Write a dump; return its bytes before it was zipped."""
    chance = random.Random(seed)
    folder = root / SNAPSHOT / wiki
    folder.mkdir(parents=True)
    n_bytes = 0
    with bz2.open(folder / f"{SNAPSHOT}.{wiki}.{SNAPSHOT}.tsv.bz2", "wb") as target:
        for number in range(rows):
            line = history_row(chance, number).replace(WIKI, wiki, 1).encode()
            n_bytes += len(line)
            target.write(line)
    return n_bytes


def resident_megabytes(process: int) -> Iterator[float]:
    """Give the resident memory of a process and of all below it, as far as they are still there."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    yield next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)
    for child in children:
        yield from resident_megabytes(int(child))


class Peak:
    """The most memory that this process and its workers had at a time, looked at twenty times a second."""

    def __enter__(self) -> Peak:
        self.megabytes = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            self.megabytes = max(self.megabytes, sum(resident_megabytes(os.getpid())))


def cpu_seconds() -> float:
    """Return the processor time of this process and of its workers that have ended."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def measure(root: Path, wikis: list[str], rows: int, workers: int) -> None:
    history = open_input(root)
    files = find_dumps(history, SNAPSHOT, wikis, SPANS)
    with tempfile.TemporaryDirectory() as folder, Peak() as peak:
        began, before = time.perf_counter(), cpu_seconds()
        told = write_revisions(history, files, Path(folder), SPANS, workers, None)
        seconds, cpu = time.perf_counter() - began, cpu_seconds() - before
        kept_bytes = sum(path.stat().st_size for path in Path(folder).iterdir())
    total = rows * len(files)
    assert sum(row[4] for row in told) == total
    kept = sum(row[4] for row in told if row[2] == KEPT)
    by_cpu, by_clock = (total / spent * 60 / 1e6 for spent in (cpu, seconds))
    print(
        f"{len(files)} files, {workers} workers: {total:,} rows, {kept:,} kept, in {seconds:.1f} s, {cpu:.1f} CPU s; "
        f"{by_cpu:.2f} M rows a minute a core by CPU time, {by_clock:.2f} M in all by the clock; "
        f"peak of all processes {peak.megabytes:.0f} MB; Parquet {kept_bytes / 1e6:.1f} MB"
    )
    print(f"  a month of enwiki ({MONTH_OF_ENWIKI:,} rows): {MONTH_OF_ENWIKI / total * cpu:.0f} CPU s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each of the two files")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for place, wiki in enumerate(WIKIS):
            n_bytes = write_dump(root, wiki, asked.rows, asked.seed + place)
            zipped = sum(path.stat().st_size for path in (root / SNAPSHOT / wiki).iterdir())
            print(f"{wiki}: {n_bytes / asked.rows:.0f} bytes a row, {zipped / asked.rows:.0f} zipped")
        measure(root, WIKIS[:1], asked.rows, 1)
        measure(root, WIKIS, asked.rows, 2)


if __name__ == "__main__":
    main()
