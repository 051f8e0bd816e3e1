"""A clock that jumps, for every Python process of a run: `JUMPS` says when and how far (reliability_faults.py).

Python imports this module by itself where its folder is on PYTHONPATH. Monotonic clocks go on as they are.
"""

from __future__ import annotations

import datetime
import os
import time

_PLAN = [tuple(map(float, jump.split(":"))) for jump in os.environ.get("JUMPS", "").split(",") if jump]
_time, _time_ns, _gmtime, _localtime, _datetime = (
    time.time,
    time.time_ns,
    time.gmtime,
    time.localtime,
    datetime.datetime,
)


def added() -> float:
    """Return what is added to the clock now."""
    now = time.monotonic()
    return next((shift for moment, shift in reversed(_PLAN) if now >= moment), 0.0)


class _Kind(type(_datetime)):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _datetime)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _datetime)


class _Jumping(_datetime, metaclass=_Kind):
    """The class `datetime`, whose now is the jumping clock's; what it makes are plain ones."""

    def __new__(cls, *args: object, **named: object) -> datetime.datetime:
        return _datetime(*args, **named)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return _datetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> datetime.datetime:
        return _datetime.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> datetime.datetime:
        return cls.now()


if _PLAN:
    time.time = lambda: _time() + added()
    time.time_ns = lambda: _time_ns() + int(added() * 1e9)
    time.gmtime = lambda seconds=None: _gmtime(time.time() if seconds is None else seconds)
    time.localtime = lambda seconds=None: _localtime(time.time() if seconds is None else seconds)
    datetime.datetime = _Jumping
