"""Simulated dumps of mediawiki_history: their files, what stands in them, and that they agree with the events."""

import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise

import history_reference as dumps
import pytest
from simulation_reference import partitions

from jobs.errors import UsageError
from jobs.simulation import Parameters, extend, simulate
from jobs.simulation.history import PUBLISHED, Histories
from jobs.simulation.history_lines import IMPORTED
from jobs.simulation.scenarios import SCENARIOS
from jobs.simulation.seeds import Seeds
from jobs.simulation.world import populate

SNAPSHOT, START = "2026-03", date(2026, 3, 18)
BUCKETS = {  # as events name them: the least and the most edits
    "0 edits": (0, 0), "1-4 edits": (1, 4), "5-99 edits": (5, 99), "100-999 edits": (100, 999),
    "1000+ edits": (1000, 10**9),
}  # fmt: skip


@pytest.fixture(scope="module")
def english(history_world):
    return dumps.rows(history_world("default")[0], SNAPSHOT, "enwiki")


def revisions(rows):
    """Rows of revisions by accounts that can be read."""
    return [row for row in rows if row[dumps.ENTITY] == "revision" and re.fullmatch("[0-9]+", row[dumps.USER])]


def test_files_are_named_by_snapshot_wiki_and_bucket(history_world):
    out, _ = history_world("default")
    names = [path.relative_to(out / "history").as_posix() for path in sorted((out / "history").rglob("*.bz2"))]
    months = ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03")
    assert names == [
        *(f"2026-03/enwiki/2026-03.enwiki.{month}.tsv.bz2" for month in months),
        *(f"2026-03/idwiki/2026-03.idwiki.{year}.tsv.bz2" for year in (2025, 2026)),
        "2026-03/thwiki/2026-03.thwiki.all-time.tsv.bz2",
        *(f"2026-03/trwiki/2026-03.trwiki.{year}.tsv.bz2" for year in (2025, 2026)),
    ]


def test_a_wiki_has_one_of_both_layouts_and_its_rows_lie_in_their_bucket(history_world):
    out, _ = history_world("default")
    for wiki in ("enwiki", "idwiki", "thwiki", "trwiki"):
        for path in dumps.files(out, SNAPSHOT, wiki):
            bucket = path.name.split(".")[2]
            for row in dumps.rows_of(path):
                assert (row[dumps.TEMPORARY] is None) == (wiki == "trwiki")
                if dumps.malformed(row, wiki) is None and bucket != "all-time":
                    assert row[dumps.TIME].startswith(bucket)
                assert row[dumps.REVISION] == "" or row[dumps.ENTITY] == "revision"


def test_dumps_hold_what_real_ones_do(english):
    """Each of these is something that a reader can get wrong."""
    mine, moved = revisions(english), {"then": 0, "now": 0}
    assert {row[dumps.ENTITY] for row in english} == {"revision", "page", "user"}
    assert {"create", "rename", "altergroups", "move", "delete", "create-page"} <= {row[dumps.KIND] for row in english}
    bots = {(row[dumps.BOT_THEN], row[dumps.BOT_NOW]) for row in mine}
    assert {("", ""), ("group", "group"), ("name", "name"), ("group", ""), ("", "group")} <= bots
    assert any(row[dumps.TEXT_THEN] != row[dumps.TEXT] for row in mine), "renamed"
    temporary = [row[dumps.TEXT] for row in mine if row[dumps.TEMPORARY] == "true"]
    assert temporary
    assert all(re.fullmatch(r"~2026-\d{5}-\d\d", name) for name in temporary)
    assert any(row[dumps.TEXT].startswith("~ ") for row in mine if row[dumps.PERMANENT] == "true")
    assert any(row[dumps.CROSS] == "true" for row in mine)
    nobody = {row[dumps.TEXT][:3] for row in english if row[dumps.ENTITY] == "revision" and not row[dumps.USER]}
    assert nobody == {"192", "de>", ""}
    for row in mine:
        moved["then"] += row[dumps.NAMESPACE_THEN] == "0" != row[dumps.NAMESPACE]
        moved["now"] += row[dumps.NAMESPACE_THEN] != "0" == row[dumps.NAMESPACE]
    assert min(moved.values()) > 0
    assert {row[dumps.GONE] for row in mine} == {"true", "false"}
    assert all(row[dumps.GONE_AT] > row[dumps.TIME] for row in mine if row[dumps.GONE] == "true")
    assert any(row[dumps.NAMESPACE] == "" for row in mine), "pages that nothing is known of"
    texts = "".join(row[dumps.COMMENT] + row[dumps.TAGS] + row[dumps.BLOCKS] + row[dumps.GROUPS] for row in english)
    assert all(escape in texts for escape in ("\\t", "\\n", "\\,", '"', ","))
    assert min(row[dumps.TIME] for row in mine) < "2026", "some of what was earlier"


def is_other(row):
    """Whether a row is no edit of its own day, or cannot be read."""
    return row[dumps.COMMENT] == IMPORTED or dumps.malformed(row, "enwiki") is not None


def test_the_edits_of_an_editor_are_numbered_also_within_a_second(english):
    by_editor, same = defaultdict(list), 0
    for row in revisions(english):
        if row[dumps.TIME][:7] in ("2026-02", "2026-03") and not is_other(row):
            by_editor[row[dumps.USER]].append((row[dumps.TIME], int(row[dumps.COUNT])))
    for mine in by_editor.values():
        ordered = sorted(mine)
        assert [count for _, count in ordered] == list(range(ordered[0][1], ordered[0][1] + len(ordered)))
        same += sum(one[0] == other[0] for one, other in pairwise(ordered))
    assert same > 5
    assert len(by_editor) > 500


def test_malformed_rows_are_few_and_told_by_reason(history_world):
    out, truth = history_world("default")
    counts = {wiki: dumps.refused(out, SNAPSHOT, wiki) for wiki in ("enwiki", "idwiki", "thwiki", "trwiki")}
    assert counts == truth["history"]["malformed"][SNAPSHOT]
    for wiki, refused in counts.items():
        assert 0 < sum(refused.values()) < 0.01 * len(dumps.rows(out, SNAPSHOT, wiki))


def test_malformed_rows_are_of_eligible_editors_whom_no_other_row_knows(history_world, english):
    """Who reads them leniently counts an editor more."""
    refused = [row for row in english if dumps.malformed(row, "enwiki")]
    assert len({row[dumps.USER] for row in refused}) == len(refused) > 1
    assert {row[dumps.USER] for row in refused}.isdisjoint(row[dumps.USER] for row in english if row not in refused)
    for row in refused:
        assert "2026-03-20" <= row[dumps.TIME][:10] <= "2026-03-31"
        assert float(row[dumps.COUNT]) == 150
        assert "0" in (row[dumps.NAMESPACE_THEN], row[dumps.NAMESPACE])
        assert row[dumps.BOT_THEN] == row[dumps.BOT_NOW] == ""


def test_imported_revisions_come_last_or_in_the_second_of_another(english):
    """So an editor's largest count is not that of his last revision, and the order of rows decides nothing."""
    mine = defaultdict(list)
    for row in revisions(english):
        if row[dumps.TIME][:7] == "2026-03" and dumps.malformed(row, "enwiki") is None:
            mine[row[dumps.USER]].append((row[dumps.TIME], int(row[dumps.COUNT]), row[dumps.COMMENT] == IMPORTED))
    last = [(max(rows), max(count for _, count, _ in rows)) for rows in mine.values()]
    assert sum(is_old and largest > 2 * count for (_, count, is_old), largest in last) > 5
    seconds = [(user, time) for user, rows in mine.items() for time in {time for time, _, is_old in rows if is_old}]
    own = {(user, time) for user, rows in mine.items() for time, _, is_old in rows if not is_old}
    assert sum(second in own for second in seconds) > 5


def test_users_of_the_dashboard_edit_when_they_visit_and_within_their_bucket(history_world):
    """Where every line is kept; somebody who changes bucket edits on that day without a visit."""
    out, _ = history_world("clean")
    loads = defaultdict(set)
    for path, hour in partitions(out):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            if '"action":"pageview"' in line:
                event = json.loads(line)
                who = event["performer"]
                seen = who.get("edit_count_bucket"), who["name"]
                loads[event["mediawiki"]["database"], str(who["id"]), hour.date().isoformat()].add(seen)
    last = {}
    for wiki in ("idwiki", "trwiki", "thwiki"):
        for row in revisions(dumps.rows(out, SNAPSHOT, wiki)):
            day = row[dumps.TIME][:10]
            if int(row[dumps.USER]) < 10_000_000 and day >= START.isoformat():
                key = wiki, row[dumps.USER], day
                last[key] = max(last.get(key, (0, "")), (int(row[dumps.COUNT]), row[dumps.TEXT]))
    visits = [(count, name, seen) for key, (count, name) in last.items() for seen in loads.get(key, ())]
    for count, name, (bucket, performer) in visits:
        low, high = BUCKETS.get(bucket, (1, 10**9))
        assert (name, low <= count <= high) == (performer, True)
    assert len(visits) > 100
    assert len(last) < 1.5 * len(visits)


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "history").rglob("*.bz2"))
    }


def test_a_longer_world_begins_with_the_same_dumps_and_an_extension_adds_the_next(tmp_path):
    for name, days in (("short", 3), ("long", 33)):
        simulate(tmp_path / name, start=date(2026, 3, 29), days=days, scale=0.01)
    short, long = digests(tmp_path / "short"), digests(tmp_path / "long")
    assert len(short) > 8
    assert short.items() <= long.items()
    assert {path.split("/")[1] for path in long} == {"2026-03", "2026-04"}
    left = tmp_path / "short" / "history" / "2026-04"
    left.mkdir()  # by an extension that was cut off
    (left / "part").touch()
    world = json.loads((tmp_path / "short" / "world.json").read_text())
    (tmp_path / "short" / "world.json").write_text(json.dumps(world | {"extending_to": 33}))
    extend(tmp_path / "short", 29)
    assert not left.exists()
    assert extend(tmp_path / "short", 1).snapshots == ("2026-04",)
    assert digests(tmp_path / "short") == long
    told = [json.loads((tmp_path / name / "truth.json").read_text())["history"] for name in ("short", "long")]
    assert told[0] == told[1]
    assert {row[0] for row in told[0]["rows"]} == {"2026-03", "2026-04"}


def test_worlds_without_a_whole_month_and_other_scenarios_have_no_dumps(tmp_path):
    for name, last, scenario in (("short", 30, "default"), ("other", 31, "session-25")):
        out = tmp_path / name
        summary = simulate(out, start=date(2026, 3, last), days=1, scale=0.01, scenario=scenario)
        assert summary.snapshots == ()
        assert not (out / "history").exists()
        assert json.loads((out / "truth.json").read_text())["history"]["rows"] == []


def test_dumps_of_another_world_go_with_it_and_a_file_of_ones_own_stays(tmp_path):
    out = tmp_path / "world"
    simulate(out, start=date(2026, 3, 31), days=1, scale=0.01, scenario="clean")
    assert (out / "history" / SNAPSHOT).is_dir()
    simulate(out, start=date(2026, 3, 30), days=1, scale=0.01, scenario="clean", replace=True)
    assert not (out / "history").exists()
    (out / "history.txt").touch()
    with pytest.raises(UsageError, match="not of the world"):
        simulate(out, start=date(2026, 3, 31), days=1, scale=0.01, scenario="clean", replace=True)


def test_calibration_of_english_wikipedia_and_the_size_of_the_pilots():
    """Calibration, not proof: English Wikipedia was fitted to these shares. Pilots must be able to reach 500."""
    scenario, start = SCENARIOS["default"], date(2026, 3, 2)
    n = Counter()
    for seed in (20260319, 1, 2):
        parameters = Parameters("default", seed, start, 42, 1.0)
        histories = Histories(parameters, scenario)
        for number, wiki in enumerate(scenario.wikis if seed == 20260319 else scenario.wikis[:1]):
            drawn = populate(Seeds(seed, number), wiki, scenario, parameters)
            histories.add_wiki(number, wiki, drawn.users, drawn.views)
        told = histories.truth()
        for row in told["rows"]:
            days = (date.fromisoformat(row[5]) - date.fromisoformat(row[4]) + timedelta(days=1)).days
            if row[5] == "2026-03-31":
                n[row[2], row[8], days] += row[10]
        if seed == 20260319:
            assert "calibrated" in told["calibrated"]
            assert sum(n[wiki.wiki_db, "100-500", 28] for wiki in scenario.wikis if wiki.pilot) > 1000
    english = {key[1:]: count for key, count in n.items() if key[0] == "enwiki"}
    assert {
        "share_14": english["100-300", 14] / english["100-500", 14],
        "share_28": english["100-300", 28] / english["100-500", 28],
        "growth_500": english["100-500", 28] / english["100-500", 14],
        "growth_300": english["100-300", 28] / english["100-300", 14],
    } == pytest.approx(PUBLISHED, rel=0.04)
