"""Puts raw files where tests want them, and damages them."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DAY = date(2026, 3, 9)
STREAM = "product_metrics_web_base"
# A row as it is after Refine: names and types of shared/data/stored_rows_after_refine.json, shortened.
REFINED = {
    "meta": {"dt": "2026-03-09T05:00:01.000Z", "id": "m1", "uri": None},
    "action": "pageview",
    "performer": {"id": 7, "is_bot": None},
    "_schema": "/analytics/product_metrics/web/base/2.0.0",
    "sample": None,
    "is_wmf_domain": True,
}
KINDS = (
    "truncated", "only the end is cut", "damaged in the middle", "no gzip", "garbage after the end",
    "truncated parquet", "damaged parquet", "parquet in name only",
)  # fmt: skip


def folder_of(hour: int, day: date = DAY, stream: str = STREAM) -> str:
    return f"raw/{stream}/year={day.year}/month={day.month}/day={day.day}/hour={hour}"


def put(root: Path, hour: int, name: str, content: bytes = b"", *, day: date = DAY, stream: str = STREAM) -> Path:
    folder = root / folder_of(hour, day, stream)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def put_parquet(root: Path, hour: int, name: str, rows: list[dict[str, object]]) -> Path:
    path = put(root, hour, name)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def put_damaged(root: Path, kind: str) -> Path:
    """A file of 20,000 lines or rows that cannot be read to its end."""
    data = gzip.compress(b"\n".join(b'{"a": %d}' % number for number in range(20_000)))
    damaged = {
        "truncated": data[: len(data) // 2],
        "only the end is cut": data[:-4],
        "damaged in the middle": data[:5000] + bytes(64) + data[5064:],
        "no gzip": b'{"a": 1}\n',
        "garbage after the end": data + b"garbage",
    }
    if kind in damaged:
        return put(root, 3, "bad.json.gz", damaged[kind])
    path = put_parquet(root, 3, "bad.parquet", [{"a": number} for number in range(20_000)])
    content = path.read_bytes()
    parquet = {
        "truncated parquet": content[: len(content) // 2],
        "damaged parquet": b"\0" * 500 + content[500:],
        "parquet in name only": b"PAR1",
    }
    path.write_bytes(parquet[kind])
    return path
