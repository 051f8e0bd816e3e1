"""The reference files: what is read, what is refused and how it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.catalogue import load_catalogue
from jobs.errors import InputError
from jobs.reference import csv_file
from jobs.reference.load import Reference, load_reference, read_policy
from jobs.reference.rows import MilestoneRow, PolicyRow, WikiConfigRow
from jobs.reference.targets import audience_share

WIKIS = "wiki_db,domain,language,pilot,enabled_from,visible_from\n"
WIKI_LINES = (
    "enwiki,en.wikipedia.org,en,false,2026-03-19,2026-03-20\nidwiki,id.wikipedia.org,id,true,2026-02-10,2026-02-10\n"
)
POLICY = "instrument_name,wiki_db,sample_unit,sample_rate,valid_from,valid_to\n"
POLICY_LINES = "pd,*,session,1,2026-02-10,\npd,enwiki,session,0.1,2026-03-19T20:36:00Z,\n"
INSTRUMENTS = "instrument_name,role,has_user_id,valid_from,valid_to\n"
VOCABULARY = "element_friendly_name,link_group,client_platform_family,measured_from,measured_to,reason\n"
MILESTONES = "milestone,wiki_db,metric,window_kind,window_days,target,due_date,source\n"
CONFIG = "wiki_db,setting,value,valid_from,valid_to\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wikis.csv").write_text(WIKIS + WIKI_LINES)
    (tmp_path / "sampling_policy.csv").write_text(POLICY + POLICY_LINES)
    return tmp_path


def complaint(folder, **kwargs):
    with pytest.raises(InputError) as error:
        load_reference(folder, **kwargs)
    return str(error.value)


def test_a_sound_directory_with_the_shipped_defaults(folder):
    reference = load_reference(folder)
    assert [row.wiki_db for row in reference.wikis] == ["enwiki", "idwiki"]
    assert reference.wiki("enwiki").visible_from == date(2026, 3, 20)
    assert reference.wiki("idwiki").pilot
    assert reference.policy[1] == PolicyRow(
        "pd", "enwiki", "session", 0.1, datetime(2026, 3, 19, 20, 36, tzinfo=UTC), None
    )
    assert reference.policy[1].line == 3
    only = reference.instruments[0]
    assert (only.instrument_name, only.role, only.has_user_id) == ("personal-dashboard-health-metrics", "both", True)
    assert len({row.element_friendly_name for row in reference.vocabulary}) == 11
    assert reference.wiki_config == ()
    assert [(row.wiki_db, row.metric, row.target) for row in reference.milestones] == [
        ("pilot", "eligible_editors", 500), ("pilot", "dashboard_visitors", 2401),
    ]  # fmt: skip
    with pytest.raises(KeyError):
        reference.wiki("dewiki")


def test_files_of_the_user_replace_the_shipped_ones(folder):
    (folder / "instruments.csv").write_text(
        INSTRUMENTS + "usage,usage,yes,2026-03-01,\ntop-link,entry_point,no,2026-03-01,\n"
    )
    (folder / "vocabulary.csv").write_text(VOCABULARY + "Top link,entry point,*,2026-03-01,,\n")
    (folder / "milestones.csv").write_text(
        MILESTONES + "WE1,pilot,dashboard_visitors,rolling,28,500,2026-06-30,T402647\n"
        "WE2,enwiki,reviewers,quarter_to_date,,10,2026-06-30,\n"
    )
    (folder / "wiki_config.csv").write_text(CONFIG + "enwiki,minimum_edits,100,2026-03-19T20:36:00Z,\n")
    reference = load_reference(folder)
    assert [row.instrument_name for row in reference.instruments] == ["usage", "top-link"]
    assert [row.element_friendly_name for row in reference.vocabulary] == ["Top link"]
    assert reference.milestones[0] == MilestoneRow(
        "WE1", "pilot", "dashboard_visitors", "rolling", 28, 500.0, date(2026, 6, 30), "T402647"
    )
    assert reference.milestones[1].window_days is None
    assert reference.wiki_config == (
        WikiConfigRow("enwiki", "minimum_edits", "100", datetime(2026, 3, 19, 20, 36, tzinfo=UTC), None),
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("top-link,entry_point,no,2026-03-01,\n", "no instrument measures usage"),
        ("usage,usage,no,2026-03-01,\n", "counted in users"),
    ],
)
def test_usage_needs_an_instrument_with_user_ids(folder, rows, words):
    (folder / "instruments.csv").write_text(INSTRUMENTS + rows)
    with pytest.raises(InputError, match=words):
        load_reference(folder)


def test_what_is_written_reads_back_with_the_catalogue_beside_it(folder, tmp_path):
    (folder / "milestones.csv").write_text(MILESTONES + 'A,enwiki,reviewers,rolling,7,10.5,2026-06-30,"T1, T2"\n')
    reference = load_reference(folder)
    target = tmp_path / "runs" / "r1"
    reference.write(target)
    assert Reference.read(target) == reference
    assert (target / "sampling_policy.csv").read_text() == (
        POLICY + "pd,*,session,1,2026-02-10T00:00:00Z,\npd,enwiki,session,0.1,2026-03-19T20:36:00Z,\n"
    )
    metrics = (target / "metrics.csv").read_text().splitlines()
    assert metrics[0] == (
        "metric,metric_version,name,definition,numerator,denominator,kind,unit,direction,window_kinds,family,caveats,task"
    )
    assert len(metrics) == 1 + len(load_catalogue().metrics)


def test_a_share_of_the_audience_is_a_target_and_is_written_as_it_was(folder, tmp_path):
    (folder / "milestones.csv").write_text(
        MILESTONES + "A,enwiki,reviewers,rolling,7,2.5% of eligible_editors,2026-06-30,\n"
    )
    reference = load_reference(folder)
    (milestone,) = reference.milestones
    assert milestone.target == "2.5% of eligible_editors"
    assert audience_share(milestone.target) == 0.025
    assert audience_share(500.0) is None
    reference.write(tmp_path / "r")
    assert Reference.read(tmp_path / "r") == reference


def test_marks_line_ends_empty_lines_and_column_order_do_not_matter(folder):
    expected = load_reference(folder)
    text = (
        "\ufeffdomain,wiki_db, language ,pilot,enabled_from,visible_from\r\n\r\n"
        "en.wikipedia.org, enwiki ,en,FALSE,2026-03-19,2026-03-20\r\n,,,,,\r\n"
        "id.wikipedia.org,idwiki,id,1,2026-02-10,2026-02-10\r\n\r\n"
    )
    (folder / "wikis.csv").write_bytes(text.encode())
    assert load_reference(folder) == expected


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-19T20:36:00Z", datetime(2026, 3, 19, 20, 36, tzinfo=UTC)),
        ("2026-03-19T20:36:00", datetime(2026, 3, 19, 20, 36, tzinfo=UTC)),
        ("2026-03-19 20:36:00", datetime(2026, 3, 19, 20, 36, tzinfo=UTC)),
        ("2026-03-19 20:36", datetime(2026, 3, 19, 20, 36, tzinfo=UTC)),
        ("2026-03-19", datetime(2026, 3, 19, tzinfo=UTC)),
        ("2026-03-19T21:36:00+01:00", datetime(2026, 3, 19, 20, 36, tzinfo=UTC)),
        ("2026-03-19T20:36:00.250Z", datetime(2026, 3, 19, 20, 36, 0, 250000, tzinfo=UTC)),
        ("19.3.2026", None),
        ("2026-02-30", None),
        ("20260319", None),
        ("2026-W12-4", None),
        ("", None),
    ],
)
def test_times(text, moment):
    assert csv_file.parse_time(text) == moment


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_times_read_back_as_written(moment):
    assert csv_file.parse_time(csv_file.format_time(moment)) == moment


@given(st.floats(0, 1))
def test_rates_read_back_as_written(rate):
    assert csv_file.parse_number(csv_file.format_cell(rate)) == rate


def test_a_missing_directory_and_missing_files(folder):
    with pytest.raises(InputError, match="no input directory"):
        load_reference(folder / "nowhere")
    (folder / "sampling_policy.csv").unlink()
    text = complaint(folder)
    assert "sampling_policy.csv: the file is missing" in text
    assert "policy import" in text


POLICY_FAULTS = [
    ("pd,*,session,10,2026-02-10,", "sample_rate '10': outside 0 to 1", "10 looks like a percentage: write 0.1"),
    ("pd,*,session,10%,2026-02-10,", "sample_rate '10%'", "10% looks like a percentage: write 0.1"),
    ("pd,*,session,-0.1,2026-02-10,", "outside 0 to 1", "between 0 and 1"),
    ("pd,*,session,half,2026-02-10,", "sample_rate 'half': not a number", "0.1 for 10 %"),
    ("pd,*,session,nan,2026-02-10,", "sample_rate 'nan': not a number", ""),
    ("pd,*,session,,2026-02-10,", "sample_rate: not a number", ""),
    ("pd,*,mw-user,0.1,2026-02-10,", "sample_unit 'mw-user': not one of pageview, session", "the client sends nothing"),
    ("pd,*,session,0.1,soon,", "valid_from 'soon': not a time", "2026-03-19T20:36:00Z"),
    ("pd,*,session,0.1,2026-02-10,2026-02-10", "valid_to '2026-02-10': not after valid_from", ""),
    ("pd,xxwiki,session,0.1,2026-02-10,", "wiki_db 'xxwiki': not in wikis.csv", "Add xxwiki to wikis.csv"),
    (",*,session,0.1,2026-02-10,", "instrument_name: empty", ""),
    ("pd,*,session,0.1,2026-02-10", "5 cells where the first line has 6", ""),
]


@pytest.mark.parametrize(("line", "what", "hint"), POLICY_FAULTS)
def test_a_fault_in_the_policy_is_named_by_file_line_and_field(folder, line, what, hint):
    (folder / "sampling_policy.csv").write_text(POLICY + "\n" + line + "\n")
    text = complaint(folder)
    assert "sampling_policy.csv line 3" in text
    assert what in text
    assert hint in text
    assert str(folder) in text


@pytest.mark.parametrize("wiki", ["*", "enwiki"])
def test_overlaps_in_the_policy(folder, wiki):
    (folder / "sampling_policy.csv").write_text(
        POLICY + f"pd,{wiki},session,1,2026-02-10,2026-03-10\npd,{wiki},session,0.1,2026-03-09T23:59:59Z,\n"
    )
    text = complaint(folder)
    assert f"sampling_policy.csv line 3, valid_from '2026-03-09T23:59:59Z': overlaps line 2 of pd on {wiki}" in text
    with pytest.raises(InputError, match="overlaps line 2"):
        read_policy(folder / "sampling_policy.csv")


def test_what_is_no_overlap(folder):
    (folder / "sampling_policy.csv").write_text(
        POLICY + "pd,*,session,1,2026-02-10,\npd,enwiki,session,0.1,2026-03-01,2026-03-10\n"
        "pd,enwiki,session,0.5,2026-03-10,\nother,enwiki,session,0.5,2026-03-01,\n"
    )
    assert len(load_reference(folder).policy) == 4


def test_a_short_row_inside_a_long_one_does_not_hide_the_next_overlap(folder):
    (folder / "sampling_policy.csv").write_text(
        POLICY + "pd,*,session,1,2026-02-10,2026-06-01\npd,*,session,1,2026-02-11,2026-02-12\n"
        "pd,*,session,1,2026-05-01,2026-07-01\n"
    )
    text = complaint(folder)
    assert "line 3" in text
    assert "line 4, valid_from '2026-05-01T00:00:00Z': overlaps line 2" in text


def test_unknown_wikis_can_be_let_through(folder):
    (folder / "sampling_policy.csv").write_text(POLICY + "pd,xxwiki,session,0.1,2026-02-10,\n")
    reference = load_reference(folder, allow_unknown_policy_wikis=True)
    assert len(reference.policy) == 1
    reference.write(folder / "frozen")
    assert Reference.read(folder / "frozen") == reference


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("wikis.csv", WIKIS, "no wiki in it"),
        ("wikis.csv", "", "the file is empty"),
        ("wikis.csv", WIKIS + WIKI_LINES + "enwiki,x,en,false,2026-03-19,2026-03-20\n", "line 2 already"),
        ("wikis.csv", WIKIS + "enwiki,x,en,false,2026-03-19,2026-03-18\n", "visible_from '2026-03-18': before enabled"),
        ("wikis.csv", WIKIS + "enwiki,x,en,perhaps,2026-03-19,2026-03-20\n", "pilot 'perhaps': neither true nor false"),
        ("wikis.csv", WIKIS + "enwiki,x,en,false,2026-03-19T00:00:00Z,2026-03-20\n", "not a date"),
        ("wikis.csv", WIKIS + "enwiki,x,en,false,2026-W12-4,2026-03-20\n", "enabled_from '2026-W12-4': not a date"),
        ("wikis.csv", WIKIS + "enwiki,x,en,false,20260319,2026-03-20\n", "enabled_from '20260319': not a date"),
        ("wikis.csv", WIKIS + "pilot,x,en,false,2026-03-19,2026-03-20\n", "another meaning"),
        ("wikis.csv", WIKIS.replace("pilot,", ""), "pilot: the column is missing"),
        ("wikis.csv", WIKIS.strip() + ",notes\n", "notes: unknown column"),
        ("wikis.csv", WIKIS.strip() + ",pilot\n", "pilot: the column stands twice"),
        ("wikis.csv", WIKIS + 'enwiki,"x,en,false\n', "not CSV"),
        ("instruments.csv", INSTRUMENTS + "pd,viewer,true,2026-03-01,\n", "role 'viewer': not one of usage"),
        (
            "instruments.csv",
            INSTRUMENTS + "a,usage,true,2026-03-01,\nb,both,true,2026-04-01,\n",
            "role 'both': measures usage while a (line 2) does",
        ),
        (
            "instruments.csv",
            INSTRUMENTS + "a,entry_point,true,2026-03-01,\na,usage,true,2026-04-01,\n",
            "overlaps line 2 of the same instrument",
        ),
        (
            "vocabulary.csv",
            VOCABULARY + "a,review links,*,2026-03-01,,\na,review links,mobile_browser,2026-04-01,,\n",
            "measured_from '2026-04-01': overlaps line 2 of a",
        ),
        (
            "vocabulary.csv",
            VOCABULARY + "a,review links,*,2026-03-01,2026-04-01,\na,other links,*,2026-04-01,,\n",
            "is in 'review links' on line 2",
        ),
        ("vocabulary.csv", VOCABULARY + "a,review link,*,2026-03-01,,\n", "link_group 'review link': not one of"),
        ("vocabulary.csv", VOCABULARY + "a,review links,app,2026-03-01,,\n", "client_platform_family 'app'"),
        ("vocabulary.csv", VOCABULARY + "review links,review links,*,2026-03-01,,\n", "name of a pooled row"),
        ("milestones.csv", MILESTONES + "m,enwiki,visitors,rolling,7,1,2026-06-30,\n", "metric 'visitors': no such"),
        ("milestones.csv", MILESTONES + "m,enwiki,reviewers,rolling,1,1,2026-06-30,\n", "reviewers has no such window"),
        ("milestones.csv", MILESTONES + "m,enwiki,reviewers,weekly,7,1,2026-06-30,\n", "window_kind 'weekly'"),
        ("milestones.csv", MILESTONES + "m,enwiki,reviewers,rolling,a,1,2026-06-30,\n", "not a whole number of days"),
        (
            "milestones.csv",
            MILESTONES + "m,enwiki,reviewers,rolling,7,many,2026-06-30,\n",
            "target 'many': not a number",
        ),
        (
            "milestones.csv",
            MILESTONES + "m,pilot,two_day_review_rate,rolling,7,0.1,2026-06-30,\n",
            "cannot be summed over wikis",
        ),
        ("milestones.csv", MILESTONES + "m,enwiki,reviewers,rolling,7,0,2026-06-30,\n", "target '0': not above 0"),
        ("milestones.csv", MILESTONES + "m,enwiki,reviewers,rolling,7,20%,2026-06-30,\n", "a share of the audience"),
        (
            "milestones.csv",
            MILESTONES + "m,enwiki,reviewers,rolling,7,120% of eligible_editors,2026-06-30,\n",
            "up to 100 %",
        ),
        (
            "milestones.csv",
            MILESTONES + "m,enwiki,eligible_editors,rolling,28,20% of eligible_editors,2026-06-30,\n",
            "eligible_editors does not count those who could be invited",
        ),
        ("milestones.csv", MILESTONES + "m,enwiki,retention_14d,cohort,15,10,2026-06-30,\n", "Write 0.1 for 10 %"),
        ("milestones.csv", MILESTONES + "m,xxwiki,reviewers,rolling,7,1,2026-06-30,\n", "not in wikis.csv"),
        (
            "milestones.csv",
            MILESTONES + "m,enwiki,reviewers,rolling,7,1,2026-06-30,\n" * 2,
            "stands on line 2",
        ),
        ("wiki_config.csv", CONFIG + "xxwiki,s,1,2026-03-01,\n", "not in wikis.csv"),
        (
            "wiki_config.csv",
            CONFIG + "enwiki,s,1,2026-03-01,\nenwiki,s,2,2026-04-01,\n",
            "overlaps line 2 of s on enwiki",
        ),
    ],
)
def test_faults_in_the_other_files(folder, file, content, message):
    (folder / file).write_text(content)
    text = complaint(folder)
    assert file in text
    assert message in text


def test_a_milestones_file_without_a_line_means_none(folder):
    (folder / "milestones.csv").write_text(MILESTONES)
    assert load_reference(folder).milestones == ()


def test_one_instrument_may_follow_another(folder):
    (folder / "instruments.csv").write_text(
        INSTRUMENTS + "a,both,true,2026-03-01,2026-04-01\nb,usage,true,2026-04-01,\n"
        "top,entry_point,false,2026-04-01,\nside,entry_point,false,2026-04-01,\n"
    )
    assert len(load_reference(folder).instruments) == 4


def test_a_wiki_whose_own_line_is_at_fault_is_not_reported_as_unknown(folder):
    (folder / "wikis.csv").write_text(WIKIS + WIKI_LINES.replace("2026-03-19", "soon"))
    text = complaint(folder)
    assert "enabled_from 'soon'" in text
    assert "not in wikis.csv" not in text


def test_every_problem_is_told_at_once_the_first_twenty_in_full(folder):
    lines = "".join(f"pd{i},*,session,{i},2026-02-10,\n" for i in range(2, 27))
    (folder / "sampling_policy.csv").write_text(POLICY + lines)
    (folder / "milestones.csv").write_text(MILESTONES + "m,enwiki,visitors,rolling,7,1,2026-06-30,\n")
    text = complaint(folder)
    assert text.startswith("26 problems in the input files:")
    assert text.count("  - sampling_policy.csv line") == 20
    assert "and 6 more" in text


def test_text_that_is_not_utf8_is_named(folder):
    (folder / "wikis.csv").write_bytes(WIKIS.encode() + b"enwiki,\xff,en,false,2026-03-19,2026-03-20\n")
    assert "wikis.csv: not UTF-8" in complaint(folder)


def test_a_directory_in_place_of_a_file_is_named(folder):
    (folder / "milestones.csv").mkdir()
    assert "milestones.csv: cannot be read" in complaint(folder)


def test_without_a_policy_file_there_is_no_policy_yet(folder):
    assert read_policy(folder / "missing.csv") == ()
