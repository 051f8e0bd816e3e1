"""Which alarms went to which address, and which still wait: `WAREHOUSE/alarms.json`, written under the lock only.

An address gets an alarm once per cause and data day. So a rerun of a day is silent, a cause that stays is told again
for the next day, and what could not be sent waits for the next run. The file holds no address, only a digest of each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.log import get_logger
from jobs.warehouse.manifest import write_json

OUTBOX_FILE = "alarms.json"
KEPT_DAYS = 90  # a rerun after that may tell again
WAITING_DAYS = 7  # older alarms are no news
MOST_SENT, MOST_WAITING = 5000, 500  # for each address; of a long backfill the newest


@dataclass(frozen=True)
class Alarm:
    """Something a person should know of one day of data.

    Attributes:
        cause: a stable id, such as `raw/volume_low/idwiki`; the same cause has the same id on every day.
        severity: `critical` or `warning`.
        day: the day of data it is about (UTC), not the day it was noticed.
        title, body: a line and the details, for people: wikis, elements, counts; no user, id or key.
    """

    cause: str
    severity: str
    day: date
    title: str
    body: str

    @property
    def key(self) -> str:
        """What an address is told once."""
        return f"{self.day} {self.cause}"


@dataclass
class _Box:
    """Of one address: by key the day it was sent, and by key the alarms that wait with the day since when."""

    sent: dict[str, str]
    waiting: dict[str, tuple[Alarm, str]]


class Outbox:
    """The alarms of a warehouse by address. Whoever makes one holds the warehouse's lock.

    Args:
        warehouse: the warehouse directory.
        today: the UTC day, from which ages are counted.
    """

    def __init__(self, warehouse: Path, today: date) -> None:
        self.path = warehouse / OUTBOX_FILE
        self.today = today
        self._boxes = self._read()

    def add(self, address: str, alarms: Iterable[Alarm]) -> None:
        """Let alarms wait for an address, but those it was told already."""
        box = self._boxes.setdefault(address, _Box({}, {}))
        for alarm in alarms:
            if alarm.key not in box.sent:
                since = box.waiting[alarm.key][1] if alarm.key in box.waiting else self.today.isoformat()
                box.waiting[alarm.key] = (alarm, since)

    def waiting(self, address: str) -> list[Alarm]:
        """Return what an address is still to be told: the worst first, then the newest days."""
        box = self._boxes.get(address)
        found = [alarm for alarm, _ in box.waiting.values()] if box else []
        return sorted(found, key=lambda one: (one.severity != "critical", -one.day.toordinal(), one.cause))

    def tell(self, address: str, alarms: Sequence[Alarm]) -> None:
        """Note that an address was told these."""
        box = self._boxes[address]
        for alarm in alarms:
            box.waiting.pop(alarm.key, None)
            box.sent[alarm.key] = self.today.isoformat()

    def save(self) -> None:
        """Write the file, atomically, without what is old; if that fails it is told, and a rerun may tell again."""
        boxes = {
            address: {
                "sent": dict(_newest(box.sent, self.today - timedelta(KEPT_DAYS), MOST_SENT)),
                "waiting": [[*_plain(alarm), since] for alarm, since in self._fresh(box)],
            }
            for address, box in self._boxes.items()
        }
        try:
            write_json(self.path, {name: box for name, box in boxes.items() if box["sent"] or box["waiting"]})
        except OSError as error:
            get_logger().warning("alarms cannot be remembered and may come again", file=str(self.path), why=str(error))

    def _fresh(self, box: _Box) -> list[tuple[Alarm, str]]:
        since = {key: since for key, (_, since) in box.waiting.items()}
        kept = _newest(since, self.today - timedelta(WAITING_DAYS), MOST_WAITING)
        return [box.waiting[key] for key, _ in kept]

    def _read(self) -> dict[str, _Box]:
        try:
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            return {address: _box(values) for address, values in raw.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            get_logger().warning("the file of sent alarms is damaged; they may come again", file=str(self.path))
            return {}


def _newest(days: dict[str, str], first: date, most: int) -> list[tuple[str, str]]:
    """Return the entries from a day on, in their order, at most so many of the last ones."""
    return [(key, day) for key, day in days.items() if day >= first.isoformat()][-most:]


def _plain(alarm: Alarm) -> list[str]:
    return [alarm.cause, alarm.severity, alarm.day.isoformat(), alarm.title, alarm.body]


def _box(values: Any) -> _Box:
    alarms = [
        (Alarm(cause, severity, date.fromisoformat(day), title, body), since)
        for cause, severity, day, title, body, since in values["waiting"]
    ]
    return _Box(dict(values["sent"]), {alarm.key: (alarm, since) for alarm, since in alarms})
