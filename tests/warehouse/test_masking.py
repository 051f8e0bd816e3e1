"""What points to a person is masked in a refused line, wherever the line breaks off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.warehouse.masking import MASK, masked, printable

PERSON = {
    "id": 1234567, "name": "Ann Smith 12", "is_logged_in": True, "is_temp": False, "edit_count_bucket": "5-99 edits",
    "session_id": "0011aabbccddeeff0011", "pageview_id": "ffee00112233445566aa", "groups": ["sysop of one"],
}  # fmt: skip
EVENT: dict[str, Any] = {
    "$schema": "/analytics/product_metrics/web/base/2.1.0",
    "meta": {"dt": "2026-03-16T00:00:00.123Z", "id": "0123abcd-1111-4222-a333-444455556666", "request_id": "a-b"},
    "action": "click", "funnel_entry_token": "deadbeef00112233aaaa", "performer": PERSON,
    "page": {"title": "User:Ann Smith 12/Sandbox", "id": 1234567}, "http": {"client_ip": "192.0.2.7"},
    "action_context": json.dumps({"funnel_token": "cafe0000", "performer": {"name": "Bob"}}),
}  # fmt: skip
SECRETS = (
    "Ann", "Smith", "1234567", "0011aabb", "ffee0011", "deadbeef", "cafe0000", "Bob", "sysop", "192.0.2.7", "a-b",
)  # fmt: skip
LINE = json.dumps(EVENT)


def test_of_an_event_the_fields_are_masked_and_the_rest_is_shown() -> None:
    found = json.loads(masked(LINE))
    shown = {"is_logged_in": True, "is_temp": False, "edit_count_bucket": "5-99 edits", "groups": [MASK]}
    assert found.pop("performer") == dict.fromkeys(("id", "name", "session_id", "pageview_id"), MASK) | shown
    assert found.pop("meta") == {**EVENT["meta"], "request_id": MASK}, "the event can be found again"
    assert found.pop("funnel_entry_token") == MASK
    assert found.pop("page") == {"title": f"User:{MASK}/Sandbox", "id": MASK}, "a name is masked wherever it stands"
    assert found.pop("http") == {"client_ip": MASK}
    assert json.loads(found.pop("action_context")) == {"funnel_token": MASK, "performer": {"name": MASK}}
    assert found == {"$schema": EVENT["$schema"], "action": "click"}


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("line", [LINE, LINE.replace(", ", ",").replace(": ", ":"), json.dumps(LINE)])
def test_a_line_that_breaks_off_anywhere_tells_nobody(line: str) -> None:
    for cut in range(len(line) + 1):
        assert secrets_in(masked(line[:cut])) == [], line[:cut]
        assert secrets_in(masked(line[cut:])) == [], line[cut:]
        assert secrets_in(masked(line[cut:] + line[:cut])) == [], cut


def test_what_is_harmless_of_a_line_that_breaks_off_is_shown() -> None:
    assert masked('{"$schema":"/a/2.0.0","meta":{"dt":"2026-03-16T00:00:00Z","id":"01') == (
        '{"$schema":"/a/2.0.0","meta":{"dt":"2026-03-16T00:00:00Z","id":"***"'
    )
    assert masked('{"performer":{"is_bot":false,"name":"Ann","id":7},"action":"click",') == (
        '{"performer":{"is_bot":false,"name":"***","id":***},"action":"click",'
    )
    assert masked("<html><body>502 Bad Gateway</body></html>") == "<html><body>502 Bad Gateway</body></html>"
    assert masked(f"<p>{'Request from 192.0.2.7 ' * 9}").endswith("…")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("", ""),
        ("Ann Smith", "*** ***"),
        ('"Ann Smith"', '"*** ***"'),
        ("12345678", "***"),
        ('["Ann Smith", 7]', '["***", ***]'),
        ('{"performer":"Ann Smith"}', '{"performer":"***"}'),
        ('{"performer":["Ann Smith"]}', '{"performer":["***"]}'),
        ('{"performer":[{"id":"7","x":{"y":"Ann"}}]}', '{"performer":[{"id":"***","x":{"y":"***"}}]}'),
        ('{"performer":{"id":null,"name":"","is_bot":"no"}}', '{"performer":{"id":null,"name":"","is_bot":"no"}}'),
        ('{"performer":{"name":1e3}}', '{"performer":{"name":"***"}}'),
        ('{"performer":{"name":"Ann","name":"Bob"}}', '{"performer":{"name":"***"}}'),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_whatever_the_line_is(line: str, shown: str) -> None:
    assert masked(line) == shown


def test_a_line_cannot_steer_the_terminal_that_shows_it() -> None:
    assert printable("Ørsted สมชาย \x1b[2J\r\n\ud83d") == r"Ørsted สมชาย \x1b[2J\r\n\ud83d"


def test_the_id_of_the_event_is_shown_and_those_of_its_user_are_not():
    """It finds the line again, and is nobody's (docs/operations.md)."""
    event = {"meta": {"id": "0b1e7a3c-event"}, "performer": {"id": 1234567, "pageview_id": "deadbeef01"}}
    line = masked(json.dumps(event))
    assert "0b1e7a3c-event" in line
    assert "1234567" not in line
    assert "deadbeef01" not in line
