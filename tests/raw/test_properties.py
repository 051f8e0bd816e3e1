"""Any bytes are lines with exactly one fate each, and the quick and the slow way to it agree."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_files import DAY

from jobs.raw import event
from jobs.raw.event import FLAGS, NUMBERS, ORDER, decode, values
from jobs.raw.files import RawFile, open_input
from jobs.raw.reader import FIELDS, PARSED, parse_lines, read_files

FILE = RawFile("raw/s/year=2026/month=3/day=9/hour=5/a.json", DAY, 5, 1)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def fitting(path: str) -> st.SearchStrategy[Any]:
    if path in FLAGS:
        return st.booleans()
    return st.integers(-(2**63), 2**63 - 1) if path in NUMBERS else st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def events(draw: st.DrawFn, *, odd: bool) -> dict[str, Any]:
    """An event as a page sends it: any of the fields in use and others; with `odd`, some values of any type."""
    found: dict[str, Any] = draw(st.dictionaries(st.text(max_size=5).filter(lambda name: name not in ORDER), ODD))
    for path in draw(st.lists(st.sampled_from((*ORDER, "instrument_name")), unique=True)):
        value = draw(st.none() | fitting(path) | ODD) if odd else draw(st.none() | fitting(path))
        parent, _, name = path.rpartition(".")
        at = found.setdefault(parent, {}) if parent else found
        if isinstance(at, dict):
            at[name] = value
    if odd and draw(st.booleans()):
        found[draw(st.sampled_from(tuple(event.PARENTS)))] = draw(ODD)
    return found


def mutated(line: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, new in cuts:
        at = start % (len(line) + 1)
        line = line[:at] + new + line[at + length :]
    return line


def by_the_slow_way(line: bytes) -> tuple[Any, Any]:
    found, wrong = event._look_closer(line)
    return (None if found is None else values(found)), wrong


def by_any_way(line: bytes) -> tuple[Any, Any]:
    found, wrong = decode(line)
    return (None if found is None else values(found)), wrong


@given(st.lists(st.binary(max_size=200).filter(lambda line: b"\n" not in line), max_size=20))
@settings(deadline=None)
def test_every_line_of_any_bytes_is_one_row(lines: list[bytes]) -> None:
    batch = parse_lines(lines, FILE)
    assert batch.schema == PARSED
    assert batch["line"].to_pylist() == [line.decode("utf-8", errors="replace") for line in lines]
    for row in batch.to_pylist():
        assert row["is_unreadable"] is False
        if row["is_malformed"]:
            assert all(row[name] is None for name in ("wrong_types", *(name for name, _ in FIELDS)))
        assert row["wrong_types"] != []


@given(st.binary(max_size=2000))
@settings(max_examples=50, deadline=None)
def test_a_file_of_any_bytes_has_as_many_rows_as_lines(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        path.write_bytes(content)
        file = RawFile(str(path), DAY, 5, len(content))
        found = [line for batch in read_files(open_input(folder), [file]) for line in batch["line"].to_pylist()]
    expected = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert found == [line.decode("utf-8", errors="replace") for line in (expected if expected[-1] else expected[:-1])]


@given(events(odd=False), st.booleans())
@settings(deadline=None)
def test_a_sound_line_gives_its_values_by_either_way(found: dict[str, Any], is_ascii: bool) -> None:
    try:
        line = json.dumps(found, ensure_ascii=is_ascii).encode()
    except UnicodeEncodeError:  # half a surrogate pair in a field nobody reads
        line = json.dumps(found).encode()
    assert by_any_way(line)[1] is None
    assert by_any_way(line) == by_the_slow_way(line)
    got = decode(line)[0]
    for path in ORDER:
        value: Any = found
        at: Any = got
        for name in path.split("."):
            value = None if value is None else value.get(name)
            at = None if at is None else getattr(at, "schema_uri" if name == "$schema" else name)
        assert at == value, path


@given(events(odd=True))
@settings(deadline=None)
def test_wrong_types_are_found_by_either_way(found: dict[str, Any]) -> None:
    line = json.dumps(found).encode()
    assert decode(line)[0] is not None
    assert by_any_way(line) == by_the_slow_way(line)


MUTATION = st.tuples(st.integers(0, 500), st.integers(0, 5), st.binary(max_size=5) | st.sampled_from(
    [b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u", b"\\ud83d", b"\0", b"\xff", b"NaN", b"1e999", b"-0"]
))  # fmt: skip


@given(events(odd=True), st.lists(MUTATION, min_size=1, max_size=4))
@settings(max_examples=500, deadline=None)
@example({}, [(0, 2, b"\xef\xbb\xbf{}")])
@example({"action": "x"}, [(12, 1, b"\\ud83d")])
def test_the_two_ways_agree_on_damaged_lines(found: dict[str, Any], cuts: list[tuple[int, int, bytes]]) -> None:
    line = mutated(json.dumps(found).encode(), cuts)
    assert by_any_way(line) == by_the_slow_way(line)


@pytest.mark.parametrize("content", [b'{"action":5}', b"[1]", b'{"a":1', b"", b'{"action":"x"}'])
def test_the_examples_above_reach_every_verdict(content: bytes) -> None:
    malformed, wrong = {
        b'{"action":5}': (False, True), b"[1]": (True, False), b'{"a":1': (True, False), b"": (True, False),
        b'{"action":"x"}': (False, False),
    }[content]  # fmt: skip
    found, types = decode(content)
    assert (found is None, types is not None) == (malformed, wrong)
