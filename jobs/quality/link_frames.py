"""Profiles of links against their past: elements that are gone or fell, and shares of unknown segments. Pure pandas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

import pandas as pd

from jobs.quality.bands import Band, band
from jobs.quality.past import Past, Series, frame_of, sums_by_day
from jobs.quality.usual_shares import SHARE_COLUMNS, share_row
from jobs.quality.volume_frames import silence
from jobs.reference.rows import REVIEW_LINKS

MEASURES = {"impressions": "n_impressions", "clicks": "n_clicks"}
UNKNOWN = ""
SEGMENTS = ("null platform", "unknown bucket")


class ElementSeries:
    """Daily events of each element of a wiki, impressions and clicks, weighted by 1/rate, by platform.

    Args:
        engagement: rows of `engagement_daily`.
    """

    def __init__(self, engagement: pd.DataFrame) -> None:
        links = engagement[engagement["element_friendly_name"] != REVIEW_LINKS]
        # What came from an unknown platform did come: it counts whatever was measured.
        links = links.assign(platform=links["client_platform_family"].astype("object").fillna(UNKNOWN))
        key = ["wiki_db", "element_friendly_name", "platform"]
        self._parts: dict[tuple[str, str, str], dict[str, Series]] = {}
        for measure, column in MEASURES.items():
            weighted = links.assign(value=links[column] / links["sample_rate"])
            for (wiki, element, platform), series in sums_by_day(weighted, key, "value").items():
                self._parts.setdefault((wiki, element, measure), {})[platform] = series
        self.keys = tuple(self._parts)
        self.on = cache(self._on)

    def named(self, key: tuple[str, str, str], platform: str) -> Series:
        """Return the series of a wiki's element and measure of events that name a platform."""
        return self._parts[key].get(platform, {})

    def _on(self, key: tuple[str, str, str], platforms: tuple[str, ...]) -> Series:
        """Return the series of a wiki's element and measure on some platforms, together."""
        total: dict[date, float] = {}
        for platform, series in self._parts[key].items():
            if platform in platforms or platform == UNKNOWN:
                for day, value in series.items():
                    total[day] = total.get(day, 0.0) + value
        return total


def element_frames(
    past: Past, engagement: pd.DataFrame, volume: Mapping[str, Series], bands: Mapping[tuple[str, date], Band]
) -> dict[str, pd.DataFrame]:
    """Return `keys` and `elements_usual`: each measured element of a wiki with its impressions and clicks.

    `keys` says how many independent events the days without any would have held (0 on a day with some); where the
    element spoke, also of each platform, for one that breaks alone may be too small a part to be missed. For
    `elements_usual` what is expected is multiplied by the wiki's own volume against its usual, so that only a change
    of the element itself shows; on whole days.
    """
    elements, keys, usual = ElementSeries(engagement), [], []
    for day in past.days:
        for wiki, element, measure in elements.keys:
            expected_wiki, rate = bands.get((wiki, day)), past.rate(wiki, day)
            platforms = past.measured_platforms(element, day)
            if expected_wiki is None or rate is None or not platforms:
                continue
            # On the platforms of the judged day: what is no longer measured is not missing, what is new has no past.
            series = elements.on((wiki, element, measure), platforms)

            usable = _usable(past, wiki, element, platforms)
            expected, n_silent = silence(past, series, day, usable, rate)
            row = {"event_date": day, "subject": f"{wiki} / {element} / {measure}", "n_events": series.get(day, 0.0)}
            keys.append({**row, "n_silent_days": n_silent, "silent_expected": expected})
            keys += _platform_rows(past, elements, day, (wiki, element, measure), platforms, rate)
            if past.is_whole(day) and measure == "impressions":
                own = band(past.history(series, day, usable), rate)
                usual += _element_row(past, day, row, own, expected_wiki, volume[wiki].get(day, 0.0))
    return {
        "keys": frame_of(keys, ["n_events", "n_silent_days", "silent_expected"]),
        "elements_usual": frame_of(usual, ["n_events", "usual", "warn_low", "warn_high"]),
    }


def _platform_rows(
    past: Past, elements: ElementSeries, day: date, key: tuple[str, str, str], platforms: tuple[str, ...], rate: float
) -> list[dict[str, object]]:
    """Return a row for each platform of an element that spoke; none where most of what came names no platform."""
    seen, unnamed = elements.on(key, platforms).get(day, 0.0), elements.on(key, ()).get(day, 0.0)
    if len(platforms) < 2 or unnamed * 2 >= seen:
        return []
    rows: list[dict[str, object]] = []
    for platform in platforms:
        series = elements.named(key, platform)
        expected, n_silent = silence(past, series, day, _usable(past, key[0], key[1], (platform,)), rate)
        rows.append(
            {
                "event_date": day, "subject": f"{' / '.join(key)} on {platform}", "n_events": series.get(day, 0.0),
                "n_silent_days": n_silent, "silent_expected": expected,
            }
        )  # fmt: skip
    return rows


def _usable(past: Past, wiki: str, element: str, platforms: tuple[str, ...]) -> Callable[[date], bool]:
    """Return whether a wiki's day can be compared: all of the platforms were measured on it."""
    due = set(platforms)
    return lambda day: past.is_usable(wiki, day) and due <= set(past.measured_platforms(element, day) or ())


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
