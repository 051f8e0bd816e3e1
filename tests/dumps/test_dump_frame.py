"""Dumps as frames: the same on either engine, with a fate for each row of each file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from dump_rows import put, row

from jobs.dumps.columns import OLD_COLUMNS
from jobs.dumps.files import find_dumps
from jobs.dumps.frame import Dumps, read_dumps
from jobs.dumps.rows import FILES, REVISIONS
from jobs.engine.session import Engine
from jobs.raw.place import open_input
from jobs.schemas import spark_schema

FIRST, LAST = date(2026, 3, 4), date(2026, 3, 31)


def read(engine: Engine, root: Path, *, workers: int = 1, progress=None) -> Dumps:
    history = open_input(root)
    files = find_dumps(history, "2026-03", None, FIRST, LAST)
    return read_dumps(engine, history, files, FIRST, LAST, workers=workers, progress=progress)


def put_two(root: Path) -> None:
    put(root, [row(), row(event_entity="page"), row(event_user_id="8", event_timestamp="2026-03-31 23:59:59.9")])
    put(root, [row(OLD_COLUMNS, wiki_db="enwiki"), row(OLD_COLUMNS, wiki_db="enwiki", event_user_id="x")],
        wiki="enwiki", bucket="2026-03")  # fmt: skip
    put(root, wiki="aawiki", bucket="all-time")


@pytest.mark.spark
def test_revisions_and_fates_of_several_files(engine: Engine, tmp_path: Path) -> None:
    put_two(tmp_path)
    told: list[tuple[int, int]] = []
    found = read(engine, tmp_path, progress=lambda *counts: told.append(counts))
    assert found.revisions.schema == spark_schema(REVISIONS)
    rows = sorted(tuple(r[name] for name in ("wiki_db", "user_id", "event_time", "is_cross_wiki", "is_bot_then"))
                  for r in found.revisions.collect())  # fmt: skip
    assert [r[:2] for r in rows] == [("enwiki", 7), ("trwiki", 7), ("trwiki", 8)]
    assert [r[3:] for r in rows] == [(None, False), (True, False), (True, False)]
    assert found.files.columns.tolist() == list(FILES)
    assert found.files.astype(object).where(found.files.notna(), None).to_numpy().tolist() == [
        ["aawiki", "2026-03/aawiki/2026-03.aawiki.all-time.tsv.bz2", "kept", None, 0, None, None],
        ["enwiki", "2026-03/enwiki/2026-03.enwiki.2026-03.tsv.bz2", "kept", None, 1, 1, date(2026, 3, 10)],
        ["enwiki", "2026-03/enwiki/2026-03.enwiki.2026-03.tsv.bz2", "quarantined", "malformed:event_user_id", 1, 2,
         date(2026, 3, 10)],
        ["trwiki", "2026-03/trwiki/2026-03.trwiki.2026.tsv.bz2", "kept", None, 2, 1, date(2026, 3, 31)],
        ["trwiki", "2026-03/trwiki/2026-03.trwiki.2026.tsv.bz2", "out_of_scope", "other_event", 1, 2,
         date(2026, 3, 31)],
    ]  # fmt: skip
    assert told[-1] == (3, 3)
    assert found.revisions.where("event_time >= timestamp'2026-03-31 23:59:59Z'").count() == 1
