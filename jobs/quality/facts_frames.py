"""Turn the collected sums of a run's facts into the profiles its gate checks. Pure pandas, no Spark.

Every profile has the columns `event_date` and `subject` (unique together) and numbers side by side that an expectation
can compare. A number that does not apply to a row is null; the suites say which columns may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from jobs.reference.instruments import usage_instruments

if TYPE_CHECKING:
    from jobs.reference.load import Reference

LINES = ("kept", "duplicate", "out_of_scope", "quarantined")
"""The fates of a line; `missing_hour` rows of the ingest log stand for no line."""
LOADS = "loads"
"""The source of `keys` that is no table: kept loads, whose keys are their pageviews."""


def facts_frames(
    *,
    keys: pd.DataFrame,
    sums: pd.DataFrame,
    audit: pd.DataFrame,
    days: Sequence[date],
    reference: Reference,
    lines_read: Mapping[date, int] | None,
    link_measures: Sequence[str],
) -> dict[str, pd.DataFrame]:
    """Build the profiles of the facts gate.

    Args:
        keys: source (a table, or `LOADS`), event_date, n_rows, n_keys, n_null_keys.
        sums: source, the labels of `facts_profile` and its sums, long.
        audit: rows of `sampling_audit`.
        days: the days of the run.
        reference: wikis, vocabulary and instruments.
        lines_read: lines the ingest read, by day, where it did.
        link_measures: names of the sums that the link tables share.

    Returns:
        `tables` (subject a table), `fates` (a day), `loads` (a wiki), `links` (wiki, instrument, element),
        `elements` (an element), `sampling` (wiki, instrument, unit and rate).
    """
    fates = _fates(keys, sums, days, lines_read)
    events = _of(sums, "events")
    return {
        "tables": keys[keys["source"] != LOADS]
        .rename(columns={"source": "subject"})
        .assign(n_duplicate_keys=lambda frame: frame["n_rows"] - frame["n_keys"]),
        "fates": fates,
        "loads": _loads(sums, reference),
        "links": _links(sums, link_measures),
        "elements": _elements(events, reference),
        "sampling": _sampling(audit),
    }


def _fates(
    keys: pd.DataFrame, sums: pd.DataFrame, days: Sequence[date], lines_read: Mapping[date, int] | None
) -> pd.DataFrame:
    """One row a day: lines by fate as logged and as stored, shares."""
    log = _of(sums, "ingest_log")
    lines = _lookup(log.assign(lines=_counts(log, "n_lines")).groupby(["event_date", "fate"])["lines"].sum())
    rows, distinct = (_lookup(keys.set_index(["source", "event_date"])[name]) for name in ("n_rows", "n_keys"))
    skewed = log[(log["fate"] == "kept") & (log["reason"] == "clock_skew")]
    n_skewed = _lookup(skewed.assign(lines=_counts(skewed, "n_lines")).groupby("event_date")["lines"].sum())
    records = []
    for day in days:
        n = {fate: lines.get((day, fate), 0) for fate in LINES}
        n_accounted = sum(n.values())
        records.append(
            {
                "event_date": day,
                "subject": "day",
                "n_read": None if lines_read is None else lines_read.get(day),
                "n_accounted": n_accounted,
                **{f"n_{fate}_logged": n[fate] for fate in LINES},
                "n_kept_stored": rows.get(("events", day), 0),
                "n_duplicate_stored": rows.get(("duplicates", day), 0),
                "n_quarantined_stored": rows.get(("quarantine", day), 0),
                "duplicate_share": _share(n["duplicate"], n["kept"] + n["duplicate"]),
                "clock_skew_share": _share(n_skewed.get(day, 0), n["kept"]),
                "n_loads": rows.get((LOADS, day), 0),
                "repeated_share": _share(
                    rows.get((LOADS, day), 0) - distinct.get((LOADS, day), 0), rows.get((LOADS, day), 0)
                ),
            }
        )
    frame = pd.DataFrame(records)
    return frame.assign(n_read=frame["n_read"].astype("Int64"))


def _loads(sums: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """One row per day and wiki: dashboard loads in the events, the users' days and the daily baseline."""
    sources = {
        "events": _usage_events(sums, reference),
        "user_days": _of(sums, "user_days"),
        "baseline": _of(sums, "baseline_daily"),
    }
    key = ["event_date", "wiki_db"]
    parts = [frame.groupby(key)["n_loads"].sum().rename(f"n_loads_{name}") for name, frame in sources.items()]
    parts += [
        sources[name].groupby(key)["n_review_clicks"].sum().rename(f"n_review_clicks_{name}")
        for name in ("user_days", "baseline")
    ]
    return _side_by_side(parts).rename(columns={"wiki_db": "subject"})


def _links(sums: pd.DataFrame, link_measures: Sequence[str]) -> pd.DataFrame:
    """One row per day, wiki, instrument and element: daily link sums against those of users and sessions."""
    key = ["event_date", "wiki_db", "instrument_name", "element_friendly_name"]
    measures = list(link_measures)
    users, units = _of(sums, "user_link_days"), _of(sums, "unit_link_days")
    below = pd.concat([users, units]).groupby(key)[measures].sum().add_suffix("_below")
    daily = _of(sums, "engagement_daily").groupby(key)[measures].sum()
    events = _of(sums, "events").groupby(key)[["n_impressions", "n_clicks"]].sum().add_suffix("_events")
    events = events[(events["n_impressions_events"] > 0) | (events["n_clicks_events"] > 0)]
    both = _side_by_side([daily, below])
    differing = [both[measure] != both[f"{measure}_below"] for measure in measures]
    texts = [
        ", ".join(
            f"{measure} {row[measure]} against {row[f'{measure}_below']}"
            for measure in measures
            if row[measure] != row[f"{measure}_below"]
        )
        for row in both.to_dict("records")
    ]
    both = both.assign(n_differing=sum(column.astype("int64") for column in differing), differing=texts)
    # Rows of link groups have no events of their own; an element with events and no row is what must be found.
    frame = both.merge(events.reset_index(), on=key, how="outer")
    filled = {name: frame[name].fillna(0).astype("int64") for name in ("n_differing", "n_impressions", "n_clicks")}
    subject = frame["wiki_db"] + " / " + frame["instrument_name"] + " / " + frame["element_friendly_name"]
    return frame.assign(
        **filled,
        differing=frame["differing"].fillna(""),
        n_impressions_events=frame["n_impressions_events"].astype("Int64"),
        n_clicks_events=frame["n_clicks_events"].astype("Int64"),
        subject=subject,
    )[
        ["event_date", "subject", "n_differing", "differing", "n_impressions", "n_impressions_events", "n_clicks",
         "n_clicks_events"]
    ]  # fmt: skip


def _elements(events: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """One row per day and element seen: its events, and how many of them no vocabulary row explains."""
    known = {row.element_friendly_name for row in reference.vocabulary}
    grouped = events.groupby(["event_date", "element_friendly_name"])  # a null element is no element
    frame = grouped.agg(n_events=("n_events", "sum"), n_wikis=("wiki_db", "nunique")).reset_index()
    frame = frame.rename(columns={"element_friendly_name": "subject"})
    return frame.assign(n_unknown=frame["n_events"].where(~frame["subject"].isin(known), 0))


def _sampling(audit: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sampling audit, each under one name."""
    rates = audit["declared_rate"].map("{:.4g}".format)
    subject = audit["wiki_db"] + " / " + audit["instrument_name"] + " / " + audit["sample_unit"] + " at " + rates
    likely = audit["likely_rate"].astype("float64").map("{:.4g}".format).replace("nan", "unknown")
    return audit.assign(subject=subject.astype("str"), likely=likely, ks_p_value=audit["ks_p_value"].astype("float64"))


def _usage_events(sums: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """The sums of events whose instrument reports loads of the dashboard on that day."""
    events = _of(sums, "events")
    names = {day: usage_instruments(reference.instruments, day) for day in set(events["event_date"])}
    is_usage = [name in names[day] for name, day in zip(events["instrument_name"], events["event_date"], strict=True)]
    return events[pd.Series(is_usage, index=events.index, dtype="bool")]


def _of(sums: pd.DataFrame, source: str) -> pd.DataFrame:
    """The rows of one source; counts are whole numbers again (a union's holes had made them floats)."""
    frame = sums[sums["source"] == source]
    counts = [name for name in frame.columns if name not in _NAMES]
    return frame.assign(**{name: _counts(frame, name) for name in counts})


_NAMES = frozenset({"source", "event_date", "wiki_db", "instrument_name", "element_friendly_name", "fate", "reason"})


def _counts(frame: pd.DataFrame, column: str) -> pd.Series[int]:
    return frame[column].fillna(0).astype("int64")


def _side_by_side(parts: Sequence[pd.Series[int] | pd.DataFrame]) -> pd.DataFrame:
    """Join grouped sums on their keys; what one side lacks is zero."""
    return pd.concat(parts, axis=1).fillna(0).astype("int64").reset_index()


def _lookup(series: pd.Series[int]) -> dict[Any, int]:
    return {key: int(value) for key, value in series.items()}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
