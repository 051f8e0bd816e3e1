"""What `policy check` counts as an event is what ingest would have counted: the golden cases of ingest, both ways."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, time, timedelta

import pytest
import yaml

from jobs.policy.first_event import find_event
from jobs.raw.files import open_input
from jobs.reference import rules
from jobs.reference.csv_file import Problems, read_table
from jobs.reference.rows import COLUMNS, INSTRUMENTS_CSV
from tests.transforms.ingest_cases import CASES, read_cases

SCOPE = tuple(f"out_of_scope: {name}" for name in ("other_instrument", "bot", "not_named_user", "no_user_id"))
# What ingest decides before it asks for users: such a line is lost whatever the policy says.
EARLIER = tuple(
    f"quarantined: {name}" for name in ("malformed_json", "schema:", "missing_meta_id", "partition_mismatch")
)
LINES = {case.name: case for case in read_cases() if not case.expect.startswith(EARLIER)}


@pytest.fixture(scope="module")
def instruments():
    """The instruments of the golden cases."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS[INSTRUMENTS_CSV])
    for row in yaml.safe_load((CASES / "world.yaml").read_text())["instruments"]:
        writer.writerow(str(value).lower() if isinstance(value, bool) else value for value in row)
    problems = Problems()
    rows = read_table(INSTRUMENTS_CSV, text.getvalue().encode(), COLUMNS[INSTRUMENTS_CSV], rules.instrument, problems)
    assert not problems.found
    return rows


@pytest.fixture
def count(tmp_path, instruments):
    """Whether a golden line counts as an event of its instrument on its wiki."""

    def found(case):
        hour = tmp_path / f"raw/web_base/year={case.day:%Y}/month={case.day.month}/day={case.day.day}/hour={case.hour}"
        hour.mkdir(parents=True)
        (hour / "events.json").write_text(case.line)
        event = json.loads(case.line)
        start = datetime.combine(case.day, time(), tzinfo=UTC)
        name, wiki = str(event.get("instrument_name")), event.get("mediawiki", {}).get("database", "trwiki")
        end = start + timedelta(days=1)
        return find_event(open_input(tmp_path), instruments, name, wiki, start, end) is not None

    return found


@pytest.mark.parametrize("name", LINES)
def test_an_event_counts_where_ingest_finds_it_in_scope(count, name):
    assert count(LINES[name]) == (LINES[name].expect not in SCOPE)


def test_the_golden_cases_have_lines_of_every_rule():
    assert {case.expect for case in LINES.values()} >= set(SCOPE)
