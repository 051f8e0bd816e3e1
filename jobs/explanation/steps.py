"""From the lines of the window to the number, filter by filter: counted in the lake, and hidden where users are few.

What the row shows is shown here, and what it hides is hidden. Every other count is that of a margin which has rows of
its own, and is hidden as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.explanation.counted import COUNTS, EVENTS, LINES, Count, Recount
from jobs.explanation.explanation import MetricRow, Sql, Step
from jobs.explanation.recount import lines_sql
from jobs.warehouse.lake_sql import LakeSql

FATES = ("kept", "duplicate", "out_of_scope", "quarantined")
LAKE = "lake"


@dataclass(frozen=True)
class Kept:
    """Sums over what was kept of a row whose observed counts are shown; None where there is no such sum.

    Attributes:
        numerator, denominator: each event weighted by 1 / rate.
        yy, xy, xx: sums of squares and products over kept pageviews.
    """

    numerator: float | None = None
    denominator: float | None = None
    yy: float | None = None
    xy: float | None = None
    xx: float | None = None


@dataclass(frozen=True)
class Walk:
    """The steps, the statements that were executed for them, and the sums behind the row."""

    steps: tuple[Step, ...]
    sql: tuple[Sql, ...]
    kept: Kept


def walk(row: MetricRow, recounts: Sequence[Recount], lake: LakeSql, min_users: int) -> Walk:
    """Count again what is behind a row.

    Args:
        row: the published row.
        recounts: the last one is the row's own.
        lake: with views of `ingest_log` and of the tables of the recounts.
        min_users: counts of fewer users, but at least one, are hidden.
    """
    text = lines_sql(row)
    steps, sql = _lines(lake.fetch(text)), [Sql(LINES, "lines by fate and reason, all wikis", LAKE, text)]
    kept = Kept()
    for recount in recounts:
        (record,) = lake.fetch(recount.sql)
        sql.append(Sql(recount.id, recount.what, LAKE, recount.sql))
        told = [count for count in recount.counts if count.noun != "users" or _has_user_ids(record)]
        steps += [_step(row, recount.id, count, record, min_users) for count in told]
        if recount.id == COUNTS and row.observed_numerator is not None:
            names = {"numerator": "weighted_numerator", "denominator": "weighted_denominator"}
            sums = {name: record.get(names.get(name, name)) for name in Kept.__dataclass_fields__}
            kept = Kept(**{name: None if value is None else float(value) for name, value in sums.items()})
    return Walk(tuple(steps), tuple(sql), kept)


def _lines(found: Sequence[dict[str, Any]]) -> list[Step]:
    """Tell the lines read, and what became of them."""
    counted = [row for row in found if row["fate"] in FATES and row["n_lines"]]
    read = sum(row["n_lines"] for row in counted)
    steps = [Step("lines read in the window, all wikis and instruments", read, "lines", False, LINES)]
    for fate in FATES[1:] + FATES[:1]:
        own = [row for row in counted if row["fate"] == fate]
        told = [row for row in own if row["reason"]] if fate != FATES[0] else []
        steps += [Step(_fate(fate, row["reason"]), row["n_lines"], "lines", False, LINES) for row in told]
        rest = sum(row["n_lines"] for row in own if row not in told)
        if rest or fate == FATES[0]:
            steps.append(Step(_fate(fate, ""), rest, "lines", False, LINES))
    return steps


def _fate(fate: str, reason: str) -> str:
    return fate.replace("_", " ") + (f": {reason}" if reason else "")


def _has_user_ids(record: dict[str, Any]) -> bool:
    """Whether events of a link come with users; those of an instrument without ids have none to count."""
    return not record.get("impressions") or record["shown_users"] > 0


def _step(row: MetricRow, sql: str, count: Count, record: dict[str, Any], min_users: int) -> Step:
    """Tell a count, or hide it."""
    value = int(record[count.column] or 0)
    users = None if count.users is None else int(record[count.users] or 0)
    is_few = users is not None and 1 <= users < min_users
    if count.role is not None:
        shown = getattr(row, count.role)
        is_hidden = shown is None or (is_few and value != shown)
        return _told(count, value, sql, is_hidden=is_hidden, agrees=value == shown)
    is_own = sql == COUNTS and _hides_all(row)
    # Kept events of users who have no other event than ones without an element: how many users is not known.
    is_unknown = sql == EVENTS and users == 0 and value > 0
    return _told(count, value, sql, is_hidden=is_few or is_own or is_unknown)


def _hides_all(row: MetricRow) -> bool:
    """Whether a row hides its users, under whatever status."""
    return row.observed_numerator is None and row.observed_denominator is None and row.n_users_observed is None


def _told(count: Count, value: int, sql: str, *, is_hidden: bool, agrees: bool | None = None) -> Step:
    if is_hidden:
        return Step(count.what, None, count.noun, True, sql)
    return Step(count.what, value, count.noun, False, sql, agrees)
