"""Who could be invited, as truth has it, against a naive reading of the dumps that were written."""

from datetime import date

import pytest
from history_reference import Naive

from jobs.audience import Choices

WIKIS = {"default": ("enwiki", "idwiki", "trwiki", "thwiki"), "clean": ("idwiki", "trwiki", "thwiki")}


@pytest.fixture(scope="module", params=["default", "clean"])
def read(request, history_world):
    """The truth of a world, and its dumps read naively."""
    out, truth = history_world(request.param)
    return truth["history"], {wiki: Naive(out, "2026-03", wiki) for wiki in WIKIS[request.param]}


def test_every_row_is_what_the_dumps_say(read):
    truth, naive = read
    rows = [dict(zip(truth["columns"], row, strict=True)) for row in truth["rows"]]
    assert len(rows) == len(naive) * 4 * 2 * 2, "wikis, days, windows, bands"
    assert {row["as_of_date"] for row in rows} == {"2026-02-28", "2026-03-17", "2026-03-24", "2026-03-31"}
    for row in rows:
        first, last = date.fromisoformat(row["metric_date"]), date.fromisoformat(row["as_of_date"])
        counts = naive[row["wiki_db"]].counts(last, (last - first).days + 1, row["edit_count_bucket"])
        assert (row["value"], row["n_new_to_band"], row["n_left_band"]) == counts, row
        assert row["value"] == row["numerator"] == row["n_users"]
    assert min(row["value"] for row in rows) > 0
    assert sum(row["n_new_to_band"] for row in rows) > 10 < sum(row["n_left_band"] for row in rows)


def test_every_alternative_is_what_the_dumps_say(read):
    truth, naive = read
    counted = {(row[2], row[5], row[8]): row[9] for row in truth["rows"] if row[5] == "2026-03-31"}
    moved = set()
    for snapshot, wiki, day, length, band, choice, value, n_editors in truth["alternatives"]:
        if day != "2026-03-31":
            continue
        assert snapshot == "2026-03"
        if (wiki, choice) == ("trwiki", "cross_wiki"):
            assert n_editors is None, "a dump of 70 columns does not know"
            continue
        assert n_editors == naive[wiki].otherwise(date.fromisoformat(day), length, band, choice, value)
        if length == 28 and n_editors != counted[wiki, day, band]:
            moved.add((choice, value))
    others = {(choice, value) for choice, value, _ in Choices().alternatives()}
    assert len(naive) < 4 or moved == others, "an answer by another definition is another number"
