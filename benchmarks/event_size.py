"""Measure the bytes of one stored event, the constant behind `plan-sampling`.

Writes events of the shape of Special:PersonalDashboard's instrument, with ids drawn at random as a browser draws
them, as Refine stores them (Parquet, snappy), as our own `events` table does (Parquet, zstd), and as they arrive
(JSON lines, gzip), and divides.

    python benchmarks/event_size.py
"""

from __future__ import annotations

import gzip
import io
import json
import random
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

EVENTS = 200_000
EDITORS, SESSIONS_PER_EDITOR = 13_000, 4
BUCKETS = ("5-99 edits", "100-999 edits", "1000+ edits")
STAMP = "2026-03-24T{:02d}:{:02d}:{:02d}.{:03d}Z"


def draw_id(rng: random.Random) -> str:
    """Draw an id as the client does: 80 random bits in hex."""
    return f"{rng.getrandbits(80):020x}"


def draw_event(rng: random.Random, sessions: list[str]) -> dict[str, object]:
    """Draw one stored event: an impression of the entry point by one of some thousand editors."""
    visit = rng.randrange(len(sessions))
    number = visit // SESSIONS_PER_EDITOR
    clock = (rng.randrange(24), rng.randrange(60), rng.randrange(60))
    sent = rng.randrange(999)
    return {
        "$schema": "/analytics/product_metrics/web/base/2.0.0",
        "meta": {
            "domain": "en.wikipedia.org",
            "stream": "product_metrics.web_base",
            "dt": STAMP.format(*clock, rng.randrange(sent, 1000)),
            "id": str(uuid.UUID(int=rng.getrandbits(128))),
            "request_id": str(uuid.UUID(int=rng.getrandbits(128))),
        },
        "dt": STAMP.format(*clock, sent),
        "action": "impression",
        "element_friendly_name": "Personal Dashboard menu link",
        "funnel_entry_token": draw_id(rng),
        "instrument_name": "personal-dashboard-health-metrics",
        "funnel_event_sequence_position": 1,
        "agent": {"client_platform": "mediawiki_js", "client_platform_family": "desktop_browser"},
        "mediawiki": {"database": "enwiki", "skin": "vector-2022"},
        "performer": {
            "id": 1_000_000 + number,
            "name": f"Editor number {number}",
            "is_logged_in": True,
            "is_temp": False,
            "edit_count_bucket": BUCKETS[number % 3],
            "session_id": sessions[visit],
            "pageview_id": draw_id(rng),
        },
    }


def parquet_bytes(rows: list[dict[str, object]], compression: str) -> float:
    """Write rows as one Parquet file and return bytes per row."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer, compression=compression)
    return buffer.tell() / len(rows)


def main() -> None:
    rng = random.Random(20260324)
    sessions = [draw_id(rng) for _ in range(EDITORS * SESSIONS_PER_EDITOR)]
    rows = [draw_event(rng, sessions) for _ in range(EVENTS)]
    lines = "\n".join(json.dumps(row, separators=(",", ":")) for row in rows).encode()
    print(f"events: {EVENTS}")
    print(f"JSON lines:        {len(lines) / EVENTS:6.0f} bytes an event")
    print(f"JSON lines, gzip:  {len(gzip.compress(lines)) / EVENTS:6.0f}")
    print(f"Parquet, snappy:   {parquet_bytes(rows, 'snappy'):6.0f}")
    print(f"Parquet, zstd:     {parquet_bytes(rows, 'zstd'):6.0f}")


if __name__ == "__main__":
    main()
