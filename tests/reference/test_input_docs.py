"""docs/input.md against the code: every example loads, every column and field is told."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.metric import WINDOW_KINDS
from jobs.policy.check import check_policy
from jobs.raw.event import ORDER, decode, values
from jobs.raw.reader import FIELDS
from jobs.reference.load import Reference, load_reference
from jobs.reference.rows import (
    ANY_PLATFORM,
    ANY_WIKI,
    COLUMNS,
    LINK_GROUPS,
    METRICS_CSV,
    PILOT,
    PLATFORMS,
    ROLES,
    UNITS,
)
from jobs.transforms.events import SCHEMA_PREFIX

DOC = (Path(__file__).parents[2] / "docs" / "input.md").read_text(encoding="utf-8")
INPUT_CSVS = sorted(set(COLUMNS) - {METRICS_CSV})  # a run writes metrics.csv itself
PART_OF = {"wikis.csv": "wikis", "sampling_policy.csv": "policy"}  # else the file's name without `.csv`
EXAMPLE = re.compile(r"^Example `([^`\n]+\.csv)`:\n\n```csv\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RAW_EXAMPLE = re.compile(r"^Example line of `(raw/[^`\n]+)`.*?^```json\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def section(heading: str) -> str:
    """The text of the section whose heading names a file."""
    found = [part for part in re.split(r"^## ", DOC, flags=re.MULTILINE)[1:] if f"`{heading}`" in part.split("\n")[0]]
    assert len(found) == 1, f"sections about {heading}: {len(found)}"
    return found[0]


def told_in_rows(text: str) -> list[str]:
    """What the rows of a section's tables are about: the first cell of each that is code."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("input")
    for name, text in EXAMPLE.findall(DOC):
        (folder / name).write_text(text, encoding="utf-8")
    return load_reference(folder)


def test_every_file_has_one_example() -> None:
    assert sorted(name for name, _ in EXAMPLE.findall(DOC)) == INPUT_CSVS


@pytest.mark.parametrize("name", INPUT_CSVS)
def test_the_example_of_a_file_loads_with_all_its_lines(reference: Reference, name: str) -> None:
    text = dict(EXAMPLE.findall(DOC))[name]
    rows = getattr(reference, PART_OF.get(name, name.removesuffix(".csv")))
    assert len(rows) == len(text.splitlines()) - 1 > 0


def test_policy_check_finds_nothing_wrong_with_the_examples(reference: Reference) -> None:
    assert [str(problem) for problem in check_policy(reference)] == []


@pytest.mark.parametrize("name", INPUT_CSVS)
def test_every_column_has_a_row_in_the_section_of_its_file(name: str) -> None:
    assert told_in_rows(section(name)) == list(COLUMNS[name])


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [
        ("sampling_policy.csv", "sample_unit", UNITS),
        ("sampling_policy.csv", "wiki_db", (ANY_WIKI,)),
        ("instruments.csv", "role", ROLES),
        ("vocabulary.csv", "link_group", LINK_GROUPS),
        ("vocabulary.csv", "client_platform_family", (*PLATFORMS, ANY_PLATFORM)),
        ("milestones.csv", "window_kind", WINDOW_KINDS),
        ("milestones.csv", "wiki_db", (PILOT,)),
    ],
)
def test_every_word_that_a_column_takes_is_named(name: str, column: str, words: tuple[str, ...]) -> None:
    rows = [line for line in section(name).split("\n") if line.startswith(f"| `{column}` |")]
    assert [word for word in words if f"`{word}`" not in rows[0]] == []


def test_every_field_in_use_has_a_row() -> None:
    assert sorted(told_in_rows(section("raw/"))) == sorted({*ORDER, "agent", "instrument_name"})


def raw_example() -> tuple[str, bytes]:
    """The file that the example line is said to lie in, and the line."""
    found = RAW_EXAMPLE.search(DOC)
    assert found is not None, "no example line"
    path, text = found.groups()
    return path, text.replace("\n", " ").strip().encode()


def read_example() -> dict[str, Any]:
    event, _ = decode(raw_example()[1])
    return {} if event is None else dict(zip((name for name, _ in FIELDS), values(event), strict=True))


def test_the_example_line_parses_without_a_reason() -> None:
    event, wrong = decode(raw_example()[1])
    assert event is not None
    assert wrong is None
    read = read_example()
    assert [name for name, value in read.items() if value is None] == []
    assert read["schema_uri"].startswith(SCHEMA_PREFIX)


def test_the_example_line_lies_in_its_partition() -> None:
    received = datetime.fromisoformat(read_example()["meta_dt"])
    assert received.utcoffset() == timedelta(0)
    hour = f"year={received.year}/month={received.month}/day={received.day}/hour={received.hour}"
    assert raw_example()[0] == f"raw/product_metrics_web_base/{hour}/events.json.gz"


def test_the_example_line_is_of_the_examples_and_in_sample(reference: Reference) -> None:
    read = read_example()
    assert read["element_friendly_name"] in {row.element_friendly_name for row in reference.vocabulary}
    received = datetime.fromisoformat(read["meta_dt"])
    in_force = [
        (row.sample_unit, row.sample_rate)
        for row in reference.policy
        if (row.instrument_name, row.wiki_db) == (read["instrument_name"], read["wiki_db"])
        and row.valid_from <= received
        and (row.valid_to is None or received < row.valid_to)
    ]
    assert in_force == [("session", 0.1)]
    session, pageview = (int(read[name][:8], 16) / 0xFFFFFFFF for name in ("session_id", "pageview_id"))
    assert session < 0.1 < pageview
    assert f"= {session:.3f}`" in DOC
    assert f"has {pageview:.3f}:" in DOC
