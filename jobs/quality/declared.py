"""On which days two versions of the marts declare something else: what was sampled, what was measured, which wikis.

Compared moment by moment, and not row by row: a regime that was only ended says nothing of the days before its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

ANY = "*"
FOREVER = datetime(9999, 12, 31)  # of times without a zone, which are UTC, as the marts have them
Rows = Sequence[Mapping[str, Any]]
Versions = tuple[Rows, Rows]
DIMENSIONS = ("dim_sampling_policy", "dim_wiki", "dim_instrument_vocabulary", "dim_instrument", "dim_wiki_config")


class Stretch(NamedTuple):
    """Days on which something else is declared.

    Attributes:
        wiki_db, element, link_group: whom it concerns, `*` for all.
        first_day, last_day: closed.
    """

    wiki_db: str
    element: str
    link_group: str
    first_day: date
    last_day: date


class Span(NamedTuple):
    """What is declared from `start` to `end` (exclusive)."""

    start: datetime
    end: datetime
    what: Any


def stretches(tables: Mapping[str, Versions], grace: timedelta) -> list[Stretch]:
    """Return the days on which two versions declare something else.

    Args:
        tables: the rows of each of `DIMENSIONS`, as published and as built.
        grace: how long a change of rate takes to reach clients.
    """
    found = {
        *_policy(tables["dim_sampling_policy"], tables["dim_wiki"], grace),
        *_wikis(tables["dim_wiki"]),
        *_links(tables["dim_instrument_vocabulary"]),
    }
    for live, built in _by(tables["dim_instrument"], "instrument_name").values():
        found |= set(_told(_spans(live, "valid", "role", "has_user_id"), _spans(built, "valid", "role", "has_user_id")))
    for (wiki, _), (live, built) in _by(tables["dim_wiki_config"], "wiki_db", "setting").items():
        found |= set(_told(_spans(live, "valid", "value"), _spans(built, "valid", "value"), wiki=wiki))
    return sorted(found)


def _policy(policy: Versions, wikis: Versions, grace: timedelta) -> Iterator[Stretch]:
    """Yield the days of other regimes of a wiki, whose own row in force beats that of all wikis."""
    for wiki in sorted({row["wiki_db"] for rows in wikis for row in rows}):
        for live, built in _by(policy, "instrument_name").values():
            yield from _told(_in_force(live, wiki), _in_force(built, wiki), wiki=wiki, grace=grace)


def _in_force(rows: Rows, wiki: str) -> list[Span]:
    own, shared = (
        _spans([row for row in rows if row["wiki_db"] == name], "valid", "sample_unit", "sample_rate")
        for name in (wiki, ANY)
    )
    found = []
    for start, end in pairwise(_moments([*own, *shared])):
        here = _at(own, start) or _at(shared, start)
        found += [Span(start, end, what) for what in here]
    return found


def _wikis(wikis: Versions) -> Iterator[Stretch]:
    """Yield the days on which a wiki is deployed or on display in one version only, or has another domain.

    The day after is one of them: from it on windows begin that are cut off at the first day of display.
    """
    for (wiki,), versions in _by(wikis, "wiki_db").items():
        for since in ("enabled_from", "visible_from"):
            live, built = ([Span(_moment(row[since]), FOREVER, row["domain"]) for row in rows] for rows in versions)
            yield from _told(live, built, wiki=wiki, grace=timedelta(days=1))


def _links(vocabulary: Versions) -> Iterator[Stretch]:
    """Yield the days on which a link is measured in one version only, or belongs to another group."""
    for (element, _), (live, built) in _by(vocabulary, "element_friendly_name", "client_platform_family").items():
        for group in sorted({row["link_group"] for row in (*live, *built)}):
            spans = (_spans(rows, "measured", "link_group") for rows in (live, built))
            yield from _told(*spans, element=element, group=group)


def _told(
    live: Sequence[Span],
    built: Sequence[Span],
    *,
    wiki: str = ANY,
    element: str = ANY,
    group: str = ANY,
    grace: timedelta = timedelta(),
) -> Iterator[Stretch]:
    """Yield the days on which the versions do not declare the same, with what reaches clients later."""
    for start, end in pairwise(_moments([*live, *built])):
        if _at(live, start) != _at(built, start):
            last = date.max if end >= FOREVER else (end + grace - timedelta(microseconds=1)).date()
            yield Stretch(wiki, element, group, start.date(), last)


def _by(versions: Versions, *key: str) -> dict[tuple[Any, ...], tuple[Rows, Rows]]:
    """Group both versions by a key."""
    keys = sorted({tuple(row[name] for name in key) for rows in versions for row in rows})
    live, built = versions
    return {
        at: (
            [row for row in live if tuple(row[name] for name in key) == at],
            [row for row in built if tuple(row[name] for name in key) == at],
        )
        for at in keys
    }


def _spans(rows: Rows, ends: str, *what: str) -> list[Span]:
    return [
        Span(
            _moment(row[f"{ends}_from"]),
            FOREVER if row[f"{ends}_to"] is None else _moment(row[f"{ends}_to"]),
            tuple(row[name] for name in what),
        )
        for row in rows
    ]


def _moments(spans: Sequence[Span]) -> list[datetime]:
    return sorted({moment for span in spans for moment in (span.start, span.end)})


def _at(spans: Sequence[Span], moment: datetime) -> list[Any]:
    return sorted(span.what for span in spans if span.start <= moment < span.end)


def _moment(value: date | datetime) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
