"""Importing Test Kitchen records: what becomes of the policy, and what is refused."""

from __future__ import annotations

import json
import sys
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jobs.cli import app, main
from jobs.errors import InputError
from jobs.policy.import_records import import_records, write_policy
from jobs.policy.records import load_records
from jobs.reference.load import read_policy
from tests.references import HEALTH, at, policy_row


def record(rates=None, *, unit="session", name=HEALTH, **more):
    built = {"name": name, "start": "2026-02-10T00:00:00Z", "end": None, "sample_unit": unit, **more}
    if rates is not None:
        built["sample_rate"] = rates
    return built


def short(rows):
    def brief(moment):
        return moment and f"{moment:%m-%d %H:%M}"

    return [(r.wiki_db, r.sample_unit, r.sample_rate, brief(r.valid_from), brief(r.valid_to)) for r in rows]


def run(*records, existing=(), **kwargs):
    return import_records(list(records), existing, **kwargs)


def test_rate_strings_become_wikis_and_the_default_a_star():
    rows, summary = run(record({"default": "0.5", "0.1": ["frwiki"], "0.01": ["enwiki", "dewiki"]}))
    assert short(rows) == [
        ("*", "session", 0.5, "02-10 00:00", None),
        ("dewiki", "session", 0.01, "02-10 00:00", None),
        ("enwiki", "session", 0.01, "02-10 00:00", None),
        ("frwiki", "session", 0.1, "02-10 00:00", None),
    ]
    assert summary[0] == f"{HEALTH} on *: 50 % of sessions from 2026-02-10T00:00:00Z"


@pytest.mark.parametrize("rates", [None, {}])
def test_a_missing_rate_is_zero(rates):
    assert short(run(record(rates)).rows) == [("*", "session", 0.0, "02-10 00:00", None)]


def test_a_missing_unit_is_session_and_a_plain_rate_is_the_default():
    bare = {"name": HEALTH, "start": "2026-02-10", "sample_rate": 1}
    assert short(run(bare).rows) == [("*", "session", 1.0, "02-10 00:00", None)]


def test_a_change_closes_only_what_it_replaces():
    first = run(record({"default": "1", "0.1": ["enwiki"]})).rows
    changed = record({"default": "1", "0.5": ["enwiki"]}, utc_journal_dt="2026-04-07T13:00:00Z")
    rows, summary = run(changed, existing=first)
    assert short(rows) == [
        ("*", "session", 1.0, "02-10 00:00", None),
        ("enwiki", "session", 0.1, "02-10 00:00", "04-07 13:00"),
        ("enwiki", "session", 0.5, "04-07 13:00", None),
    ]
    assert summary == (
        f"{HEALTH} on enwiki: 10 % of sessions ends at 2026-04-07T13:00:00Z",
        f"{HEALTH} on enwiki: 50 % of sessions from 2026-04-07T13:00:00Z",
    )


def test_a_wiki_that_leaves_the_record_falls_back_to_the_star():
    first = run(record({"default": "1", "0.1": ["enwiki"]})).rows
    rows = run(record({"default": "1"}), existing=first, effective_from=at("2026-04-07T13:00")).rows
    assert short(rows) == [
        ("*", "session", 1.0, "02-10 00:00", None),
        ("enwiki", "session", 0.1, "02-10 00:00", "04-07 13:00"),
    ]


def test_the_journal_time_beats_the_option_and_the_option_beats_the_start():
    both = record({"default": "1"}, utc_journal_dt="2026-02-15 08:00:00")
    assert run(both, effective_from=at("2026-03-01")).rows[0].valid_from == at("2026-02-15T08:00")
    assert run(record({"default": "1"}), effective_from=at("2026-03-01")).rows[0].valid_from == at("2026-03-01")


def test_a_record_made_before_its_start_takes_effect_at_the_start_and_the_latest_such_stands():
    made = record({"default": "0.5"}, utc_journal_dt="2026-02-01T00:00:00Z")
    mended = record({"default": "0.1"}, utc_journal_dt="2026-02-03T00:00:00Z")
    for order in ((made, mended), (mended, made)):
        rows = run(*order).rows
        assert short(rows) == [("*", "session", 0.1, "02-10 00:00", None)]
        assert run(*order, existing=rows).rows == rows


def test_a_change_without_any_time_is_refused():
    first = run(record({"default": "1"})).rows
    with pytest.raises(InputError, match="no time for the change") as error:
        run(record({"default": "0.5"}), existing=first)
    assert "--effective-from" in error.value.next_step


UNTIMED = record({"default": "1"})
JOURNALLED = record({"default": "0.1"}, utc_journal_dt="2026-03-10T09:00:00Z")


@pytest.mark.parametrize("later", [None, "2026-03-01", "2026-04-01"], ids=["start", "before", "after"])
@pytest.mark.parametrize("change", [
    {},
    {"end": "2026-03-10T09:00:00Z"},
    {"utc_journal_dt": "2026-02-01T00:00:00Z"},
    {"sample_rate": {"default": "1", "0.1": ["enwiki"]}},
    {"sample_rate": {"default": "1"}, "end": "2026-06-01"},
], ids=["rate", "end", "before-start", "one-wiki", "planned-end"])  # fmt: skip
@pytest.mark.parametrize("is_swapped", [False, True])
def test_the_same_command_twice_leaves_the_file_byte_for_byte(tmp_path, later, change, is_swapped):
    for name, content in (("a", UNTIMED), ("b", {**JOURNALLED, **change})):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    files = [str(tmp_path / f"{name}.json") for name in ("ba" if is_swapped else "ab")]
    command = ["policy", "import", *files, "--input", str(tmp_path)]
    command += ["--effective-from", later] if later else []
    path, seen = tmp_path / "sampling_policy.csv", []
    for _ in range(3):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output or result.exception
        seen.append(path.read_bytes())
    assert seen[0] == seen[1] == seen[2]


def test_effective_from_takes_an_offset(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(UNTIMED))
    command = ["policy", "import", str(tmp_path / "a.json"), "--input", str(tmp_path)]
    result = CliRunner().invoke(app, [*command, "--effective-from", "2026-04-01T01:30:00+02:00"])
    assert result.exit_code == 0, result.output or result.exception
    assert "2026-03-31T23:30:00Z" in (tmp_path / "sampling_policy.csv").read_text()


def test_a_record_without_a_time_is_known_from_before_the_change_also_where_it_began_after_its_start():
    first = run(UNTIMED, effective_from=at("2026-03-01")).rows
    rows = run(UNTIMED, JOURNALLED, existing=first).rows
    assert run(UNTIMED, JOURNALLED, existing=rows) == (rows, (f"{HEALTH}: unchanged", f"{HEALTH}: unchanged"))


def test_an_old_record_alone_changes_nothing_and_is_warned_of():
    rows = run(UNTIMED, JOURNALLED).rows
    again, summary = run(UNTIMED, existing=rows)
    assert again == rows
    assert summary[0].startswith(f"warning: {HEALTH}: unchanged; record 1 has no time and says what held at its start")
    assert "--effective-from" in summary[0]
    ended = run(UNTIMED, {**JOURNALLED, "end": "2026-03-10"}).rows
    again, summary = run(UNTIMED, existing=ended)
    assert again == ended
    assert "its end is 2026-03-10T09:00:00Z here and open in record 1" in summary[0]


def test_a_new_end_without_any_time_is_refused():
    with pytest.raises(InputError, match="no time for the change"):
        run(record({"default": "1"}, end="2026-06-01"), existing=run(UNTIMED).rows)


def test_an_end_closes_the_rows():
    first = run(record({"default": "1", "0.1": ["enwiki"]})).rows
    ended = record({"default": "1"}, end="2026-04-07T00:00:00Z", utc_journal_dt="2026-04-07T13:00:00Z")
    rows = run(ended, existing=first).rows
    assert {r[4] for r in short(rows)} == {"04-07 13:00"}
    assert len(rows) == 2


def test_a_known_end_stands_from_the_beginning_and_can_be_moved():
    planned = run(record({"default": "1"}, end="2026-06-01")).rows
    assert short(planned) == [("*", "session", 1.0, "02-10 00:00", "06-01 00:00")]
    longer = record({"default": "1"}, end="2026-08-01", utc_journal_dt="2026-05-20T00:00:00Z")
    rows, summary = run(longer, existing=planned)
    assert short(rows) == [("*", "session", 1.0, "02-10 00:00", "08-01 00:00")]
    assert summary == (f"{HEALTH} on *: the end is now 2026-08-01T00:00:00Z",)
    assert run(longer, existing=rows).rows == rows


def test_an_end_that_would_need_a_time_is_told():
    first = run(record({"default": "1"}), effective_from=at("2026-03-01")).rows
    again = run(record({"default": "1"}, end="2026-06-01"), existing=first, effective_from=at("2026-03-01"))
    assert again.rows == first
    assert "give a later --effective-from" in again.summary[0]


def test_the_past_is_never_rewritten():
    rows = run(record({"default": "1"}, utc_journal_dt="2026-03-01T00:00:00Z")).rows
    rows = run(record({"default": "0.1"}, utc_journal_dt="2026-04-01T00:00:00Z"), existing=rows).rows
    for time in ("2026-03-15T00:00:00Z", "2026-02-20T00:00:00Z", "2026-04-01T00:00:00Z"):
        with pytest.raises(InputError, match="say otherwise") as error:
            run(record({"default": "0.5"}, utc_journal_dt=time), existing=rows)
        assert "never rewrites the past" in error.value.next_step


def test_other_instruments_and_hand_written_rows_pass_through():
    other = policy_row(rate=0.1, start="2026-01-01", name="top-link")
    rows = run(record({"default": "1"}), existing=[other]).rows
    assert rows[0] == other
    assert len(rows) == 2


def test_several_instruments_in_one_go():
    rows = run(record({"default": "1"}, name="b"), record({"default": "0.1"}, name="a", unit="pageview")).rows
    assert [(r.instrument_name, r.sample_rate) for r in rows] == [("a", 0.1), ("b", 1.0)]


def test_unknown_wikis_are_imported_and_told():
    rows, summary = run(record({"default": "1", "0.1": ["frwiki"]}), known_wikis={"enwiki"})
    assert any(r.wiki_db == "frwiki" for r in rows)
    assert summary[-1].startswith("warning: frwiki is not in wikis.csv")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (record({"default": "10"}), "10 looks like a percentage: write 0.1"),
        (record({"default": "ten"}), "not a number"),
        (record({"ten": ["enwiki"], "default": "1"}), "not a number"),
        (record({"default": True}), "not a number"),
        (record({"default": "-0.1"}), "outside 0 to 1"),
        (record({"default": "1"}, unit="mw-user"), "the client sends nothing for this unit"),
        (record({"0.1": ["enwiki"], "0.2": ["enwiki"]}), "enwiki has the rates 0.1 and 0.2"),
        (record({"0.1": 3}), "no list of wikis under 0.1"),
        (record({"default": "1"}, utc_journal_dt="yesterday"), "not a time"),
        (record({"default": "1"}, end="2026-02-10"), "not after start"),
        (record({"default": "1"}, name=""), "no instrument name"),
        ("a string", "not a JSON object"),
    ],
)
def test_bad_records_are_named(bad, message):
    with pytest.raises(InputError) as error:
        run(record({"default": "1"}, name="good"), bad)
    assert message in str(error.value)
    assert "record 2" in str(error.value)


def test_two_records_that_contradict_each_other_are_refused():
    one = record({"default": "1"}, utc_journal_dt="2026-03-01T00:00:00Z")
    two = record({"default": "0.5"}, utc_journal_dt="2026-03-01T00:00:00Z")
    with pytest.raises(InputError, match="say different things"):
        run(one, two)
    assert len(run(one, one).rows) == 1


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(("1", "0.5", "0")),
            st.sampled_from(({}, {"0.1": ["enwiki"]}, {"0.1": ["enwiki"], "0.25": ["frwiki"]}, {"1": ["frwiki"]})),
            st.sampled_from((None, "2026-03-20", "2026-05-01")),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda change: change[0],
    ),
    st.randoms(use_true_random=False),
)
def test_a_journal_gives_the_same_policy_at_once_in_steps_in_any_order_and_twice(changes, random):
    journal = [
        record(
            {"default": default, **wikis},
            end=end,
            utc_journal_dt=f"2026-{2 + (day + 10) // 28:02}-{1 + (day + 10) % 28:02}T06:00:00Z",
        )
        for day, default, wikis, end in sorted(changes, key=lambda change: change[0])
    ]
    at_once = run(*journal).rows
    shuffled = list(journal)
    random.shuffle(shuffled)
    assert run(*shuffled).rows == at_once
    in_steps = ()
    for one in journal:
        before = in_steps
        in_steps = run(one, existing=in_steps).rows
        moment = datetime.fromisoformat(one["utc_journal_dt"])
        for row in before:
            assert any(
                r.wiki_db == row.wiki_db
                and (r.sample_unit, r.sample_rate, r.valid_from) == (row.sample_unit, row.sample_rate, row.valid_from)
                and (r.valid_to == row.valid_to or min(r.valid_to or moment, row.valid_to or moment) >= moment)
                for r in in_steps
            ), "the past was rewritten"
        assert run(one, existing=in_steps).rows == in_steps
    assert in_steps == at_once
    assert run(*journal, existing=at_once).rows == at_once


RATES = st.sampled_from(({"default": "1"}, {"default": "0.5"}, {"default": "1", "0.1": ["enwiki"]}))
ENDS = st.sampled_from((None, "2026-02-20", "2026-04-01"))
DAYS = st.integers(1, 28).map(lambda day: f"2026-02-{day:02}T06:00:00Z")


@settings(deadline=None)
@given(
    st.tuples(RATES, ENDS),
    st.lists(st.tuples(RATES, ENDS, DAYS), max_size=3, unique_by=lambda change: change[2]),
    st.one_of(st.none(), DAYS.map(datetime.fromisoformat)),
    st.randoms(use_true_random=False),
)
def test_what_was_imported_with_a_record_without_a_time_can_be_imported_again(untimed, changes, began, random):
    once = record(untimed[0], end=untimed[1])
    records = [once, *(record(rates, end=end, utc_journal_dt=day) for rates, end, day in changes)]
    try:
        existing = run(once, effective_from=began).rows if began else ()
        rows = run(*records, existing=existing).rows
    except InputError:
        return  # refused the first time: nothing to repeat
    random.shuffle(records)
    assert run(*records, existing=rows).rows == rows


def test_files_hold_one_record_a_list_or_an_object_with_a_list(tmp_path):
    shapes = {"one": record({}), "list": [record({}), record({})], "object": {"instruments": [record({}, name="x")]}}
    paths = []
    for name, content in shapes.items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(content))
    records, sources = load_records(paths)
    assert [r["name"] for r in records] == [HEALTH, HEALTH, HEALTH, "x"]
    assert sources == ["one.json", "list.json record 1", "list.json record 2", "object.json"]


@pytest.mark.parametrize("content", ["{", "\x00"])
def test_a_file_that_is_no_json_is_named(tmp_path, content):
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(InputError, match="cannot read instrument records") as error:
        load_records([path])
    assert error.value.where == str(path)
    with pytest.raises(InputError, match="cannot read"):
        load_records([tmp_path / "missing.json"])


def test_a_written_policy_reads_back_and_twice_is_the_same_file(tmp_path):
    path = tmp_path / "sampling_policy.csv"
    rows = run(record({"default": "0.5", "0.1": ["enwiki"]}), existing=read_policy(path)).rows
    write_policy(path, rows)
    first = path.read_bytes()
    assert read_policy(path) == rows
    write_policy(path, run(record({"default": "0.5", "0.1": ["enwiki"]}), existing=read_policy(path)).rows)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["sampling_policy.csv"], "no temporary file is left"


def test_a_policy_that_cannot_be_written_leaves_the_old_one(tmp_path):
    with pytest.raises(InputError, match="cannot write the policy"):
        write_policy(tmp_path / "missing" / "sampling_policy.csv", ())


def test_warnings_and_errors_stand_on_standard_error_unbroken_with_the_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "wikis.csv").write_text(
        "wiki_db,domain,language,pilot,enabled_from,visible_from\n"
        "trwiki,tr.wikipedia.org,tr,true,2026-03-19,2026-03-19\n"
    )
    policy, records = tmp_path / "sampling_policy.csv", tmp_path / "records.json"
    policy.write_text("instrument_name,wiki_db,sample_unit,sample_rate,valid_from,valid_to\n")
    records.write_text(json.dumps([record({"default": "1", "0.1": ["nowiki"]})]))
    monkeypatch.setattr(sys, "argv", ["pdmetrics", "policy", "import", str(records), "--input", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    assert left.value.code == 0
    assert told.err == "warning: nowiki is not in wikis.csv: add it there, or `policy check` will complain\n"
    assert told.out.endswith(f"{policy}: 2 rows. Next: pdmetrics policy check --input {tmp_path}\n")

    monkeypatch.setattr(sys, "argv", ["pdmetrics", "policy", "check", "--input", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    assert left.value.code == 2
    assert "error: sampling_policy.csv line" in told.err
    assert "error: " not in told.out
    assert all(line.startswith(("error: ", "warning: ", "  where: ", "  next: ")) for line in told.err.splitlines())

    records.write_text(json.dumps([record({"default": "0.5"}, utc_journal_dt="2026-01-01T00:00:00Z")]))
    monkeypatch.setattr(sys, "argv", ["pdmetrics", "policy", "import", str(records), "--input", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert f"where: {policy}\n" in capsys.readouterr().err
