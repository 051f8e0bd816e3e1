"""A million damaged lines through the reader: no crash, no lost line, bounded memory.

Usage: python benchmarks/mutated_lines.py [--lines 1000000] [--seed 1]

Each line is a good event with up to three mutations: flipped bits, cuts, insertions, nesting, huge numbers, deep
objects, halves of surrogate pairs, NULs; a few lines are 10 MB long. They lie in gzipped and plain files, as input
does.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow.compute as pc

from jobs.raw.files import discover, open_input
from jobs.raw.reader import read_files

DAY = date(2026, 3, 24)
LINES_A_FILE = 25_000
LONG_EVERY = 50_000
MEGABYTES_10 = 10 << 20
GOOD = {
    "$schema": "/analytics/product_metrics/web/base/2.0.0",
    "meta": {"domain": "tr.wikipedia.org", "dt": "2026-03-24T14:30:11.900Z", "id": "1f5c1542-c60d-4edb-90a3"},
    "dt": "2026-03-24T14:30:11.412Z",
    "action": "click",
    "element_friendly_name": "Personal Dashboard diff link",
    "funnel_entry_token": "77aa00bb11cc22dd33ee",
    "instrument_name": "personal-dashboard-health-metrics",
    "agent": {"client_platform": "mediawiki_js", "client_platform_family": "desktop_browser"},
    "mediawiki": {"database": "trwiki", "skin": "vector-2022"},
    "performer": {
        "id": 48123456, "name": "Örnek Kullanıcı", "is_logged_in": True, "is_temp": False, "is_bot": None,
        "edit_count_bucket": "100-999 edits", "session_id": "0a1b2c3d4e5f60718293",
        "pageview_id": "19af02c4d7e6b5a49382",
    },
}  # fmt: skip
SNIPPETS = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"\\ud83d", b"\\ude00", b"\\u0000", b"\0", b"\xff",
    b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"null", b"NaN", b"-Infinity", b"1e999", b"-0", b"true", b"\r",
    b"9" * 25, b"9" * 5000, b"1." + b"0" * 400, b'"action":5,', b'"performer":[],', b'"meta":null,',
)  # fmt: skip


def flip(line: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(line))
    return line[:at] + bytes([line[at] ^ (1 << chance.randrange(8))]) + line[at + 1 :]


def cut(line: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(line))
    return line[:at] if chance.random() < 0.5 else line[:at] + line[at + chance.randrange(1, 40) :]


def insert(line: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(line) + 1)
    return line[:at] + chance.choice(SNIPPETS) + line[at:]


def retype(line: bytes, chance: random.Random) -> bytes:
    """Put another value where one stands."""
    places = [at + 1 for at in range(len(line)) if line[at : at + 1] == b":"]
    if not places:
        return line
    at = chance.choice(places)
    value = chance.choice((b"5", b'"x"', b"[]", b"{}", b"null", b"true", b"1e999", b"1.0", b"9" * 30, b'"\\udfff"'))
    ends = [end for end in (line.find(b",", at), line.find(b"}", at)) if end >= 0]
    return line[:at] + value + line[min(ends, default=len(line)) :]


def nest(line: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((2, 10, 490, 510, 990, 1010, 3000))
    opened, closed = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = opened * depth + b"1" + closed * (depth if chance.random() < 0.9 else depth - 1)
    name = chance.choice((b"x", b"action", b"performer", b"meta"))
    return line[:-1] + b',"' + name + b'":' + inner + b"}"


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, flip, cut, insert, insert, retype, retype, nest)


def mutated_lines(n_lines: int, seed: int) -> Iterator[bytes]:
    """Yield lines without line feeds, the same for the same seed."""
    chance = random.Random(seed)
    good = json.dumps(GOOD, ensure_ascii=False).encode()
    for number in range(n_lines):
        line = good
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            line = chance.choice(MUTATIONS)(line or b"{}", chance)
        if number % LONG_EVERY == 0:
            long = chance.choice((b'"' + b"a" * MEGABYTES_10 + b'"', b"[" * MEGABYTES_10, b"9" * MEGABYTES_10))
            line = good[:-1] + b',"x":' + long + b"}"
        yield line.replace(b"\n", b"") or b" "


def write_world(root: Path, n_lines: int, seed: int) -> None:
    lines = mutated_lines(n_lines, seed)
    for number in range(0, n_lines, LINES_A_FILE):
        place = number // LINES_A_FILE
        folder = root / f"raw/mutated/year={DAY.year}/month={DAY.month}/day={DAY.day}/hour={place % 24}"
        folder.mkdir(parents=True, exist_ok=True)
        is_plain = place % 4 == 0
        path = folder / f"{place:05}.json{'' if is_plain else '.gz'}"
        with path.open("wb") if is_plain else gzip.open(path, "wb", 1) as target:
            for _ in range(min(LINES_A_FILE, n_lines - number)):
                target.write(next(lines) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutated-lines-") as folder:
        write_world(Path(folder), asked.lines, asked.seed)
        source = open_input(folder)
        files = discover(source, [DAY]).files
        verdicts: Counter[str] = Counter()
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in read_files(source, files):
            malformed = pc.sum(batch["is_malformed"]).as_py()
            wrong = batch.num_rows - batch["wrong_types"].null_count
            verdicts += Counter(
                unreadable=pc.sum(batch["is_unreadable"]).as_py(), malformed=malformed, wrong_type=wrong,
                event=batch.num_rows - malformed - wrong,
            )  # fmt: skip
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = sum(verdicts.values())
    counts = ", ".join(f"{name} {verdicts[name]:,}" for name in ("event", "wrong_type", "malformed", "unreadable"))
    print(
        f"{asked.lines:,} mutated lines (seed {asked.seed}): {rows:,} rows ({counts}), {wall:.1f} s, {cpu:.1f} CPU s, "
        f"{rows / cpu:,.0f} lines per CPU second, peak {peak:,.0f} MB"
    )
    if rows != asked.lines or verdicts["unreadable"]:
        raise SystemExit("lines were lost")


if __name__ == "__main__":
    main()
