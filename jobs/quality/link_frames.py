"""Profiles of links against their past: elements that are gone or fell, and shares of unknown segments. Pure pandas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from jobs.quality.bands import Band, band
from jobs.quality.past import Past, Series, frame_of, sums_by_day
from jobs.quality.usual_shares import SHARE_COLUMNS, share_row
from jobs.quality.volume_frames import silence
from jobs.reference.rows import REVIEW_LINKS

MEASURES = {"impressions": "n_impressions", "clicks": "n_clicks"}
SEGMENTS = ("null platform", "unknown bucket")


def element_series(past: Past, engagement: pd.DataFrame, day: date) -> dict[tuple[Any, ...], dict[date, float]]:
    """Return daily events of (wiki, element, measure) up to a day, on the platforms measured on that day only."""
    window = {*past.before(day), day}
    rows = engagement[engagement["event_date"].isin(window)]
    platforms = {element: past.measured_platforms(element, day) or () for element in set(rows["element_friendly_name"])}
    is_measured = [
        platform in platforms[element]
        for element, platform in zip(rows["element_friendly_name"], rows["client_platform_family"], strict=True)
    ]
    rows = rows[pd.Series(is_measured, index=rows.index, dtype="bool")]
    found: dict[tuple[Any, ...], dict[date, float]] = {}
    for measure, column in MEASURES.items():
        # A rate that changed changes the kept events: all are counted as if at the rates' full.
        weighted = rows.assign(value=rows[column] / rows["sample_rate"])
        for (wiki, element), series in sums_by_day(weighted, ["wiki_db", "element_friendly_name"], "value").items():
            found[wiki, element, measure] = series
    return found


def element_frames(
    past: Past, engagement: pd.DataFrame, volume: Mapping[str, Series], bands: Mapping[tuple[str, date], Band]
) -> dict[str, pd.DataFrame]:
    """Return `keys` and `elements_usual`: each measured element of a wiki with its impressions and clicks.

    `keys` says how many independent events the days without any would have held (0 on a day with some). For
    `elements_usual` what is expected is multiplied by the wiki's own volume against its usual, so that only a change
    of the element itself shows; on whole days.
    """
    links = engagement[engagement["element_friendly_name"] != REVIEW_LINKS]
    keys, usual = [], []
    for day in past.days:
        for (wiki, element, measure), series in element_series(past, links, day).items():
            expected_wiki, rate = bands.get((wiki, day)), past.rate(wiki, day)
            if expected_wiki is None or rate is None:
                continue

            def usable(one: date, wiki: str = wiki, element: str = element, day: date = day) -> bool:
                measured = past.measured_platforms(element, one) or ()
                return past.is_usable(wiki, one) and set(past.measured_platforms(element, day) or ()) <= set(measured)

            expected, n_silent = silence(past, series, day, usable, rate)
            row = {"event_date": day, "subject": f"{wiki} / {element} / {measure}", "n_events": series.get(day, 0.0)}
            keys.append({**row, "n_silent_days": n_silent, "silent_expected": expected})
            if past.is_whole(day) and measure == "impressions":
                own = band(past.history(series, day, usable), rate)
                usual += _element_row(past, day, row, own, expected_wiki, volume[wiki].get(day, 0.0))
    return {
        "keys": frame_of(keys, ["n_events", "n_silent_days", "silent_expected"]),
        "elements_usual": frame_of(usual, ["n_events", "usual", "warn_low", "warn_high"]),
    }


def _element_row(
    past: Past, day: date, row: Mapping[str, object], own: Band | None, wiki: Band, volume: float
) -> list[dict[str, object]]:
    """Return the element's row beside its band, if enough days came before and the wiki itself spoke."""
    limits = past.limits(day)
    if own is None or own.n_days < limits["min_days_to_warn"] or volume <= 0 or wiki.expected <= 0:
        return []
    level = volume / wiki.expected
    low, high = own.scaled(level, lost_sd=level * wiki.sd / wiki.expected).limits(
        limits["element_sds"], limits["element_change"]
    )
    return [{**row, "usual": own.expected * level, "warn_low": low, "warn_high": high}]


def segments_frame(past: Past, engagement: pd.DataFrame) -> pd.DataFrame:
    """One row per wiki, judged day and kind of unknown: its share of the impressions, and the most that is usual."""
    links = engagement[engagement["element_friendly_name"] != REVIEW_LINKS]
    bucket = links["edit_count_bucket"]
    kinds = {
        SEGMENTS[0]: links["client_platform_family"].isna(),
        SEGMENTS[1]: bucket.isna() | (bucket == "unknown"),
    }
    shown = sums_by_day(links, ["wiki_db"], "n_impressions")
    records = []
    for kind, is_unknown in kinds.items():
        parts = sums_by_day(links[is_unknown], ["wiki_db"], "n_impressions")
        for (wiki,), whole in shown.items():
            for day in past.days:
                part = parts.get((wiki,), {})
                before = [one for one in past.before(day) if past.is_usable(wiki, one) and whole.get(one, 0.0) > 0]
                row = share_row(past, day, f"{wiki} / {kind}", part, whole, before)
                records += [row] if row is not None and past.is_visible(wiki, day) else []
    return frame_of(records, SHARE_COLUMNS)
