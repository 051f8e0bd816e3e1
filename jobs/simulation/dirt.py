"""The dirt of real streams: extra lines beside the true ones, each with the fate the contract gives it.

Dirt is added, never taken away: a damaged or foreign line is a changed copy of a true line under a new `meta.id`, so
that the true lines stay complete. Only a lost hour and a broken file lose events.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from jobs.simulation.lines import timestamps, uuids
from jobs.simulation.sampling import DAY_MS, KEPT, NOT_IN_SAMPLE, Bool, Int, Regime, Units, expected_fate

Json = dict[str, Any]

# Extra lines per true line.
_SHARES = {
    "malformed": 0.001,
    "schema": 0.002,
    "missing_id": 0.0007,
    "partition": 0.0008,
    "bot": 0.003,
    "temporary": 0.003,
    "logged_out": 0.002,
    "no_user_id": 0.0015,
    "other_instrument": 0.015,
    "unknown_wiki": 0.0015,
    "harmless": 0.001,
    "duplicate": 0.008,
}
_NOT_IN_SAMPLE_DAYS = 0.4  # share of a sampled wiki's days with one impossible id: far below what fails the audit
_LATEST_COPY_MS = 6 * DAY_MS + 20 * 3_600_000  # within the 7 days in which copies are recognised


@dataclass(frozen=True)
class Extra:
    """A line to be written into the partition of `day` (of the world) and `hour`, with its expected fate."""

    day: int
    hour: int
    line: str
    fate: str


@dataclass(frozen=True)
class DayBatch:
    """True lines of one day over all wikis.

    Attributes:
        day: day of the world.
        date: the same as a date.
        first_ms: its first ms since the epoch.
        lines: wire JSON.
        key: position of each line's regimes in `regimes`.
        units: what sampling looks at.
        usable: lines that are kept, not skewed and do not get lost; dirt derives from these.
        regimes: declared settings by key.
    """

    day: int
    date: date
    first_ms: int
    lines: list[str]
    key: Int
    units: Units
    usable: Bool
    regimes: list[list[Regime]]


def draw_dirt(rng: np.random.Generator, batch: DayBatch) -> list[Extra]:
    """Return the extra lines that a day's true lines give rise to, some of them for later days."""
    usable = np.flatnonzero(batch.usable)
    if len(usable) == 0:
        return []
    extras: list[Extra] = []
    for kind, share in _SHARES.items():
        n = int(rng.poisson(share * len(usable)))
        chosen = rng.choice(usable, n)
        if kind == "duplicate":
            extras += _duplicates(rng, batch, np.unique(chosen))
        else:
            extras += [extra for i in chosen.tolist() for extra in _MAKERS[kind](rng, batch, i)]
    return extras + _impossible_ids(rng, batch, usable)


def _hour(batch: DayBatch, i: int) -> int:
    return int((batch.units.time[i] - batch.first_ms) // 3_600_000)


def _copy(rng: np.random.Generator, batch: DayBatch, i: int) -> Json:
    """Parse a true line and give it an id of its own."""
    event: Json = json.loads(batch.lines[i])
    ids, requests = uuids(rng, 1)
    event["meta"]["id"], event["meta"]["request_id"] = ids[0], requests[0]
    return event


def _extra(batch: DayBatch, i: int, event: Json, fate: str, hour: int | None = None) -> Extra:
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return Extra(batch.day, _hour(batch, i) if hour is None else hour, line, fate)


def _malformed(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    line = batch.lines[i]
    kinds = (line[: int(rng.integers(20, len(line) - 1))], line[:-1], "<html><body>502 Bad Gateway</body></html>")
    return [Extra(batch.day, _hour(batch, i), kinds[int(rng.integers(3))], "quarantined/malformed_json")]


_ABSENT = object()
_SCHEMA_FAULTS: tuple[tuple[str, object], ...] = (
    ("$schema", _ABSENT),
    ("action", _ABSENT),
    ("meta.dt", _ABSENT),
    ("agent", _ABSENT),
    ("mediawiki.database", _ABSENT),
    ("performer.pageview_id", _ABSENT),
    ("performer.session_id", _ABSENT),
    ("action", {"name": "click"}),
    ("meta.dt", 20260319),
    ("agent", "desktop"),
    ("mediawiki.database", 7),
    ("performer.id", "abc"),
    ("performer.is_temp", "no"),
    ("performer.is_bot", "no"),
    ("performer.edit_count_bucket", 100),
)


def _schema(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    path, value = _SCHEMA_FAULTS[int(rng.integers(len(_SCHEMA_FAULTS)))]
    event = _copy(rng, batch, i)
    *parents, leaf = path.split(".")
    holder = event
    for parent in parents:
        holder = holder[parent]
    if value is _ABSENT:
        del holder[leaf]
    else:
        holder[leaf] = value
    return [_extra(batch, i, event, f"quarantined/schema:{path}")]


def _missing_id(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    del event["meta"]["id"]
    return [_extra(batch, i, event, "quarantined/missing_meta_id")]


def _partition(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    wrong = (_hour(batch, i) + int(rng.integers(1, 24))) % 24
    return [_extra(batch, i, _copy(rng, batch, i), "quarantined/partition_mismatch", wrong)]


def _bot(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    event["performer"]["is_bot"] = True
    extra = _extra(batch, i, event, "out_of_scope/bot")
    return [extra] * (2 if rng.random() < 0.1 else 1)  # a second copy is out of scope again, no duplicate


def _temporary(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    performer = event["performer"]
    performer["name"] = f"~{batch.date.year}-{int(rng.integers(10_000, 99_999))}-{int(rng.integers(10, 99))}"
    performer["id"] = int(rng.integers(10**8, 2 * 10**8))
    if rng.random() < 0.3:
        performer.pop("is_temp", None)  # then the name alone says so
    else:
        performer["is_temp"] = True
    return [_extra(batch, i, event, "out_of_scope/not_named_user")]


def _logged_out(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    performer = event["performer"]
    performer["is_logged_in"] = False
    for field in ("name", "edit_count_bucket"):
        performer.pop(field, None)
    if rng.random() < 0.5:
        performer["id"] = 0
    else:
        performer.pop("id", None)
    return [_extra(batch, i, event, "out_of_scope/not_named_user")]


def _no_user_id(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    event["performer"].pop("id", None)
    event["performer"]["is_logged_in"] = True
    return [_extra(batch, i, event, "out_of_scope/no_user_id")]


def _other_instrument(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    event["instrument_name"] = ("reading-list-usage", "search-satisfaction", "account-creation")[int(rng.integers(3))]
    if rng.random() < 0.2:
        del event["performer"]  # not our business: such lines are not validated
    if rng.random() < 0.1:
        event["mediawiki"]["database"] = "commonswiki"
    return [_extra(batch, i, event, "out_of_scope/other_instrument")]


def _unknown_wiki(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    event = _copy(rng, batch, i)
    event["mediawiki"]["database"] = ("xxwiki", "testwiki")[int(rng.integers(2))]
    return [_extra(batch, i, event, "quarantined/unknown_wiki")]


def _harmless(rng: np.random.Generator, batch: DayBatch, i: int) -> list[Extra]:
    """Events the contract keeps though no metric uses them: an unknown action, an impression of nothing."""
    event = _copy(rng, batch, i)
    event["action"] = ("hover", "impression")[int(rng.integers(2))]
    event.pop("element_friendly_name", None)
    event["schema_field_of_tomorrow"] = True
    return [_extra(batch, i, event, "kept")]


_MAKERS: dict[str, Callable[[np.random.Generator, DayBatch, int], list[Extra]]] = {
    "malformed": _malformed,
    "schema": _schema,
    "missing_id": _missing_id,
    "partition": _partition,
    "bot": _bot,
    "temporary": _temporary,
    "logged_out": _logged_out,
    "no_user_id": _no_user_id,
    "other_instrument": _other_instrument,
    "unknown_wiki": _unknown_wiki,
    "harmless": _harmless,
}


def _duplicates(rng: np.random.Generator, batch: DayBatch, chosen: Int) -> list[Extra]:
    """Deliver lines again: unchanged, later in the hour, hours later, or days later within the week."""
    n = len(chosen)
    time = batch.units.time[chosen]
    last_of_hour = time // 3_600_000 * 3_600_000 + 3_599_999
    kinds = rng.choice(4, n, p=(0.15, 0.3, 0.3, 0.25))
    again = np.select(
        [kinds == 0, kinds == 1, kinds == 2],
        [
            time,
            np.minimum(time + rng.integers(1, 600_000, n), last_of_hour),
            time + rng.integers(3_600_000, 40_000_000, n),
        ],
        time + rng.integers(DAY_MS, _LATEST_COPY_MS, n),
    )
    # A copy received under another setting could have another fate than "duplicate": those are left out.
    same = _fates_at(batch, chosen, again) == KEPT
    extras = []
    rows = zip(
        chosen[same].tolist(), again[same].tolist(), timestamps(time[same]), timestamps(again[same]), strict=True
    )
    for i, moment, before, after in rows:
        day, rest = divmod(moment - batch.first_ms, DAY_MS)
        line = batch.lines[i].replace(before, after, 1)  # meta.dt comes before dt
        extras.append(Extra(batch.day + day, rest // 3_600_000, line, "duplicate"))
    return extras


def _fates_at(batch: DayBatch, chosen: Int, times: Int) -> Int:
    fates = np.full(len(chosen), NOT_IN_SAMPLE, dtype=np.int64)
    units = batch.units
    for key, regimes in enumerate(batch.regimes):
        mine = batch.key[chosen] == key
        at = chosen[mine]
        again = Units(times[mine], units.session_id[at], units.pageview_id[at], units.pick_up[at])
        fates[mine] = expected_fate(again, regimes)
    return fates


def _impossible_ids(rng: np.random.Generator, batch: DayBatch, usable: Int) -> list[Extra]:
    """Add now and then a line whose ids could not have been sampled."""
    extras = []
    for key, regimes in enumerate(batch.regimes):
        mine = usable[batch.key[usable] == key]
        if rng.random() >= _NOT_IN_SAMPLE_DAYS or len(mine) == 0:
            continue
        i = int(rng.choice(mine))
        head = np.array([0xF0A1B2C3D4E5F607], dtype=np.uint64)
        units = Units(batch.units.time[[i]], head, head, batch.units.pick_up[[i]])
        if expected_fate(units, regimes)[0] != NOT_IN_SAMPLE:
            continue
        event = _copy(rng, batch, i)
        for field in ("session_id", "pageview_id"):
            event["performer"][field] = f"{int(head[0]):016x}{int(rng.integers(2**16)):04x}"
        extras.append(_extra(batch, i, event, "quarantined/not_in_sample"))
    return extras
