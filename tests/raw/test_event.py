"""What the golden cases of tests/cases/ingest leave open, and how a line's verdict looks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.raw.event import MAX_DEPTH, ORDER, decode, values

EVENT = yaml.safe_load((Path(__file__).parent.parent / "cases" / "ingest" / "good.yaml").read_text())
GOOD = json.dumps(EVENT).encode()
OPEN = GOOD[:-1]


def changed(old: bytes, new: bytes) -> bytes:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_good_line_gives_its_values() -> None:
    event, wrong = decode(GOOD)
    assert event is not None
    assert wrong is None
    assert values(event) == (
        "/analytics/product_metrics/web/base/2.0.0", True, "2026-03-24T14:30:11.900Z", "2026-03-24T14:30:11.412Z",
        None, "trwiki", "personal-dashboard-health-metrics", "click", "Personal Dashboard diff link",
        "desktop_browser", "100-999 edits", "77aa00bb11cc22dd33ee", "0a1b2c3d4e5f60718293", "19af02c4d7e6b5a49382",
        48123456, "ExampleUser", True, False, None,
    )  # fmt: skip


def test_an_empty_object_has_no_values_and_no_agent() -> None:
    event, wrong = decode(b"{}")
    assert event is not None
    assert wrong is None
    assert [value for value in values(event) if value is not None] == [False]


SOUND = {
    "white space of JSON around it": b"\t " + GOOD + b" \r",
    "a name with an escape": GOOD.replace(b'"action"', b'"\\u0061ction"'),
    "the last of two values counts": OPEN + b', "action": 5, "action": "click"}',
    "the last of two objects counts": b'{"performer": 5, ' + GOOD[1:],
    "no UTF-8 where nobody reads": OPEN + b', "x": "\xff"}',
    "no UTF-8 in a name nobody reads": OPEN + b', "\xff": 1}',
    "half a pair where nobody reads": OPEN + b', "x": "\\ud83d"}',
    "a number beyond double where nobody reads": OPEN + b', "x": 1e999}',
    "5,000 digits where nobody reads": OPEN + b', "x": ' + b"9" * 5000 + b"}",
    "nested as deep as allowed": OPEN + b', "x": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
    "brackets in a text": OPEN + b', "x": "' + b'\\"[' * 2 * MAX_DEPTH + b'"}',
    "many objects beside each other": OPEN + b', "x": [' + b",".join([b"{}"] * 2 * MAX_DEPTH) + b"]}",
    "a dotted name is no path": OPEN + b', "meta.id": 5}',
}


@pytest.mark.parametrize("line", SOUND.values(), ids=SOUND)
def test_tolerated(line: bytes) -> None:
    event, wrong = decode(line)
    assert event is not None
    assert wrong is None
    assert values(event) == values(decode(GOOD)[0])  # type: ignore[arg-type]


MALFORMED = {
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "other white space before": b"\x0b" + GOOD,
    "other white space after": GOOD + b"\x0c",
    "a space that JSON does not know": b"\xc2\xa0" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32-le"),
    "no UTF-8 in a field in use": changed(b"ExampleUser", b"Example\xff"),
    "a surrogate as bytes": changed(b"ExampleUser", b"\xed\xa0\x80"),
    "an overlong form": changed(b"ExampleUser", b"\xc0\x80"),
    "beyond Unicode": changed(b"ExampleUser", b"\xf4\x90\x80\x80"),
    "no UTF-8 in the schema": changed(b"base/2.0.0", b"base/\xff"),
    "no UTF-8 in the instrument": changed(b"health-metrics", b"\xff"),
    "no UTF-8 and a wrong type": changed(b"ExampleUser", b"\xff").replace(b"48123456", b'"x"'),
    "a NUL in a text": changed(b"ExampleUser", b"a\0b"),
    "a control character where nobody reads": OPEN + b', "x": "\x01"}',
    "an unknown escape where nobody reads": OPEN + b', "x": "\\q"}',
    "half an escape": OPEN + b', "x": "\\u12"}',
    "NaN where nobody reads": OPEN + b', "x": NaN}',
    "infinity where nobody reads": OPEN + b', "x": -Infinity}',
    "a leading zero": changed(b"48123456", b"007"),
    "a number without an end": OPEN + b', "x": 1.}',
    "a plus": OPEN + b', "x": +1}',
    "half a literal": OPEN + b', "x": tru}',
    "a comma at the end": OPEN + b",}",
    "no comma": OPEN + b' "x": 1}',
    "a comment": OPEN + b"/* x */}",
    "nested too deep": OPEN + b', "x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    "nested too deep in a field in use": OPEN + b', "action": ' + b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH + b"}",
    "100,000 deep": OPEN + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 deep and not closed": b'{"x":' * 100_000,
    "a carriage return only": b"\r",
}  # fmt: skip


@pytest.mark.parametrize("line", MALFORMED.values(), ids=MALFORMED)
def test_malformed(line: bytes) -> None:
    assert decode(line) == (None, None)


WRONG = {
    "an integer as a fraction": (changed(b"48123456", b"48123456.0"), ["performer.id"]),
    "an integer with an exponent": (changed(b"48123456", b"1e3"), ["performer.id"]),
    "2 to the power of 63": (changed(b"48123456", b"9223372036854775808"), ["performer.id"]),
    "below 64 bits": (changed(b"48123456", b"-9223372036854775809"), ["performer.id"]),
    "5,000 digits": (changed(b"48123456", b"9" * 5000), ["performer.id"]),
    "true is no number": (changed(b"48123456", b"true"), ["performer.id"]),
    "the last of two values has the wrong type": (OPEN + b', "action": 5}', ["action"]),
    "the last of two objects is none": (OPEN + b', "performer": []}', ["performer"]),
    "a parent instead of its children": (OPEN + b', "meta": {"dt": 5}, "performer": "x"}', ["performer", "meta.dt"]),
    "no UTF-8 where nobody reads": (OPEN + b', "x": "\xff", "dt": 5}', ["dt"]),
    "nested as deep as allowed": (OPEN + b', "action": ' + b"[" * 499 + b"]" * 499 + b"}", ["action"]),
}


@pytest.mark.parametrize(("line", "wrong"), WRONG.values(), ids=WRONG)
def test_wrong_type(line: bytes, wrong: list[str]) -> None:
    event, found = decode(line)
    assert event is not None
    assert found == wrong


def test_wrong_types_come_in_the_order_of_the_contract_and_the_rest_is_kept() -> None:
    event = json.loads(GOOD)
    for path in ORDER:
        parent, _, name = path.rpartition(".")
        (event[parent] if parent else event)[name] = [1]
    found, wrong = decode(json.dumps(event).encode())
    assert wrong == list(ORDER)
    assert found is not None
    assert [value for value in values(found) if value is not None] == [True, "personal-dashboard-health-metrics"]


def test_an_instrument_of_another_type_is_another_instrument() -> None:
    event, wrong = decode(OPEN + b', "instrument_name": 5}')
    assert event is not None
    assert event.instrument_name is None
    assert wrong is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\ud83d", "?"), (rb"cut \ud83d here", "cut ? here"), (rb"\ude00\ud83d", "??"), (rb"\udcff", "?"),
        (rb"\ud83d\ude00", "😀"), (rb"\ud83d\ud83d\ude00", "?😀"), (rb"\\ud83d", r"\ud83d"), (rb"\\\ud83d", "\\?"),
    ],
)  # fmt: skip
def test_half_a_surrogate_pair_is_read_as_a_question_mark(written: bytes, read: str) -> None:
    event, wrong = decode(changed(b"ExampleUser", written))
    assert wrong is None
    assert event is not None
    assert event.performer is not None
    assert event.performer.name == read


def test_the_limits_of_an_id() -> None:
    for number in (-(2**63), 2**63 - 1, 0):
        event, wrong = decode(changed(b"48123456", str(number).encode()))
        assert wrong is None
        assert event is not None
        assert event.performer is not None
        assert event.performer.id == number


def test_the_verdict_does_not_hang_on_how_deep_the_caller_is() -> None:
    line = SOUND["nested as deep as allowed"]

    def at(depth: int) -> Any:
        return decode(line) if depth == 0 else at(depth - 1)

    room = (sys.getrecursionlimit() - MAX_DEPTH) // 2
    assert at(room) == at(0) != (None, None)
