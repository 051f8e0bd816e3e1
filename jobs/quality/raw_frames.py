"""The profiles of the raw gate: what arrived, before anything is made of it. Pure pandas, no engine.

A run has lines that are not staged yet (`tables_of`), an audit has the tables of published days; from there on it is
the same. Every profile has the columns `event_date` and `subject` (unique together) and numbers side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from jobs.contracts import is_lost_hour, table
from jobs.reference.instruments import usage_instruments
from jobs.reference.rows import ENTRY_POINT
from jobs.reference.vocabulary import Vocabulary

if TYPE_CHECKING:
    from jobs.raw.files import RawDays
    from jobs.reference.load import Reference

REGIME = ["event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate"]
LINK = [*REGIME, "element_friendly_name", "client_platform_family"]
Refused = Mapping[tuple[date, str], Mapping[str, int]]


class RawTables(NamedTuple):
    """What the raw gate reads of some days.

    Attributes:
        ingest_log: of the contract.
        baseline_daily: of the contract; a run's own days have events and loads only.
        engagement_daily: of the contract; a run's own days have impressions and clicks only, and no buckets.
    """

    ingest_log: pd.DataFrame
    baseline_daily: pd.DataFrame
    engagement_daily: pd.DataFrame


def tables_of(log: pd.DataFrame, counts: pd.DataFrame, reference: Reference) -> RawTables:
    """Return the lines of a run as the tables that will be made of them, as far as the raw gate reads these.

    Args:
        log: the run's `ingest_log`.
        counts: `transforms.raw_counts.line_counts`.
        reference: which instruments measure the dashboard.
    """
    kept = counts[counts["fate"] == "kept"]
    usage = {day: usage_instruments(reference.instruments, day) for day in set(kept["event_date"])}
    is_usage = [name in usage[day] for day, name in zip(kept["event_date"], kept["instrument_name"], strict=True)]
    is_load = (kept["action"] == "pageview") & pd.Series(is_usage, index=kept.index, dtype="bool")
    lines = kept["n_lines"]
    events = kept.assign(n_events=lines, n_loads=lines.where(is_load, 0))
    baseline = events.groupby(REGIME, as_index=False)[["n_events", "n_loads"]].sum()
    links = kept[kept["element_friendly_name"].notna()].assign(
        n_impressions=lines.where(kept["action"] == "impression", 0), n_clicks=lines.where(kept["action"] == "click", 0)
    )
    engagement = links.groupby(LINK, as_index=False, dropna=False)[["n_impressions", "n_clicks"]].sum()
    return RawTables(log, _of_contract(baseline, "baseline_daily"), _of_contract(engagement, "engagement_daily"))


def refused_of(counts: pd.DataFrame, days: Sequence[date], reference: Reference) -> Refused:
    """Return the refused lines of each known wiki's day by reason; of some days every wiki has an entry."""
    found = {(day, row.wiki_db): Counter[str]() for day in days for row in reference.wikis}
    refused = counts[counts["fate"] == "quarantined"]
    for day, wiki, reason, n_lines in refused[["event_date", "wiki_db", "reason", "n_lines"]].itertuples(index=False):
        found.setdefault((day, wiki), Counter())[str(reason)] += int(n_lines)
    return found


def raw_frames(
    tables: RawTables, days: Sequence[date], reference: Reference, *, refused: Refused, raw: RawDays | None
) -> dict[str, pd.DataFrame]:
    """Build the profiles of the raw gate that need no past.

    Args:
        tables: of the days.
        days: the judged days; each has a row in `days`.
        reference: wikis, vocabulary, instruments.
        refused: refused lines of known wikis; a day and wiki without an entry has some that nobody knows.
        raw: the listing of the files, if there is one.

    Returns:
        `days` (subject `day`: fates and hours), `streams` (a stream: its hours; without a listing no row), `wikis` (a
        wiki: events where there should be some, and where there should be none).
    """
    day_rows = _days(tables.ingest_log, days)
    n_missing = dict(zip(day_rows["event_date"], day_rows["n_missing_hours"], strict=True))
    return {
        "days": day_rows,
        "streams": _streams(raw),
        "wikis": _wikis(tables, days, reference, refused, n_missing),
    }


def with_past(raw: Mapping[str, pd.DataFrame], past: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Put the profiles of the raw gate and the comparison with the days before together.

    A wiki with a past is judged by it (`instrument_silent`): of a small one, a day without events is nothing. So
    `n_events_due` is null where `volume` says that it is known.

    Args:
        raw: `raw_frames`.
        past: `history_frames`.
    """
    volume, wikis = past["volume"], raw["wikis"]
    known = {
        (day, wiki)
        for day, wiki, is_known in volume[["event_date", "subject", "is_known"]].itertuples(index=False, name=None)
        if is_known
    }
    is_known = [key in known for key in zip(wikis["event_date"], wikis["subject"], strict=True)]
    due = wikis["n_events_due"].mask(pd.Series(is_known, index=wikis.index, dtype="bool"))
    return {**raw, "wikis": wikis.assign(n_events_due=due), **past}


def _days(log: pd.DataFrame, days: Sequence[date]) -> pd.DataFrame:
    """One row a day: lines by fate, the shares of them, the hours that are not whole."""
    lines: dict[Any, int] = log.groupby(["event_date", "fate"])["n_lines"].sum().to_dict()
    refused = log[log["fate"] == "quarantined"]
    is_lost = is_lost_hour(log["fate"], log["reason"])
    hours: dict[date, set[int]] = {}
    for day, hour in zip(log.loc[is_lost, "event_date"], log.loc[is_lost, "event_hour"], strict=True):
        hours.setdefault(day, set()).add(int(hour))
    records = []
    for day in days:
        n = {fate: int(lines.get((day, fate), 0)) for fate in ("kept", "duplicate", "out_of_scope", "quarantined")}
        n_lines, missing = sum(n.values()), sorted(hours.get(day, ()))
        of_day = refused[refused["event_date"] == day]
        reasons = of_day.groupby("reason")["n_lines"].sum().sort_values(ascending=False)
        unreadable = of_day.loc[of_day["reason"] == "unreadable_file", "n_lines"].sum()
        records.append(
            {
                "event_date": day, "subject": "day", "n_lines": n_lines, "n_kept": n["kept"],
                "n_quarantined": n["quarantined"], "quarantine_share": n["quarantined"] / n_lines if n_lines else 0.0,
                "reasons": ", ".join(f"{reason} {count:,}" for reason, count in reasons.head(3).items()) or "none",
                "n_unreadable": int(unreadable), "n_missing_hours": len(missing),
                "missing_hours": ", ".join(map(str, missing)),
            }
        )  # fmt: skip
    return pd.DataFrame(records)


def _streams(raw: RawDays | None) -> pd.DataFrame:
    """One row per day and stream that sent anything on the day: the hours it lacks though another stream has them."""
    columns = ["event_date", "subject", "n_hours", "n_hours_lost", "hours_lost", "n_files"]
    found: dict[tuple[date, str], set[int]] = {}
    n_files: Counter[tuple[date, str]] = Counter()
    for file in raw.files if raw is not None else ():
        key = (file.day, file.name.split("/")[1])
        found.setdefault(key, set()).add(file.hour)
        n_files[key] += 1
    records = []
    for (day, stream), hours in sorted(found.items()):
        of_any = set().union(*(own for (other, _), own in found.items() if other == day))
        lost = sorted(of_any - hours)
        records.append((day, stream, len(hours), len(lost), ", ".join(map(str, lost)), n_files[day, stream]))
    return pd.DataFrame(records, columns=columns)


def _wikis(
    tables: RawTables, days: Sequence[date], reference: Reference, refused: Refused, n_missing: Mapping[date, int]
) -> pd.DataFrame:
    """One row per day and wiki in life: its events, and what came before the dashboard was on display."""
    menu = Vocabulary(reference.vocabulary).groups.get(ENTRY_POINT, ())
    key = ["event_date", "wiki_db"]
    sums = tables.baseline_daily.groupby(key)[["n_events", "n_loads"]].sum()
    links = tables.engagement_daily
    shown = links[links["element_friendly_name"].isin(menu)].groupby(key)["n_impressions"].sum().to_dict()
    events, loads = sums["n_events"].to_dict(), sums["n_loads"].to_dict()
    records = []
    for day in days:
        for wiki in reference.wikis:
            place = (day, wiki.wiki_db)
            if day < wiki.enabled_from and place not in events:
                continue
            is_visible = wiki.visible_from <= day
            records.append(
                {
                    "event_date": day, "subject": wiki.wiki_db, "visible_from": str(wiki.visible_from),
                    # Silence says nothing before the display, nor on a day whose hours are not all there.
                    "n_events_due": int(events.get(place, 0)) if is_visible and not n_missing[day] else None,
                    "refused": _in_words(refused.get(place)),
                    "n_menu_impressions_early": 0 if is_visible else int(shown.get(place, 0)),
                    "n_loads_early": 0 if is_visible else int(loads.get(place, 0)),
                }
            )  # fmt: skip
    columns = ["event_date", "subject", "visible_from", "n_events_due", "refused",
               "n_menu_impressions_early", "n_loads_early"]  # fmt: skip
    frame = pd.DataFrame(records, columns=columns)
    return frame.astype({"n_events_due": "Int64"})


def _in_words(refused: Mapping[str, int] | None) -> str:
    """Name the reasons, most lines first; no numbers, for they may be of few users."""
    if refused is None:
        return "not known"
    return ", ".join(sorted(refused, key=lambda reason: (-refused[reason], reason))) or "none"


def _of_contract(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Give a frame every column of its table; counts that nobody made are 0, all else null."""
    columns: dict[str, Any] = {}
    for column in table(name).columns:
        if column in frame:
            columns[column] = frame[column]
        else:
            columns[column] = 0 if column.startswith("n_") else None
    return pd.DataFrame(columns, index=frame.index)
