"""Profiles of how much there is: volume, visitors, silent instruments, regimes and slow leaks. Pure pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from jobs.quality.bands import HISTORY, MAD_TO_SD, WEEK, Band, band
from jobs.quality.past import Past, Series, frame_of, sums_by_day
from jobs.reference.rows import REVIEW_LINKS

THREE_WEEKS = timedelta(days=21)
ENDS = ("warn_low", "warn_high", "fail_low", "fail_high")


def volumes(past: Past, baseline: pd.DataFrame, engagement: pd.DataFrame) -> dict[str, dict[date, float]]:
    """Return the weighted volume of each wiki by day.

    Loads of the dashboard; of a wiki that has none at all, impressions of the elements that were measured.
    """
    loads = sums_by_day(baseline.assign(value=baseline["n_loads"] / baseline["sample_rate"]), ["wiki_db"], "value")
    shown = _impressions(past, engagement)
    found = {}
    for row in past.reference.wikis:
        key = (row.wiki_db,)
        series = loads.get(key, {})
        found[row.wiki_db] = series if any(series.values()) else shown.get(key, {})
    return found


def volume_bands(past: Past, volume: Mapping[str, Series]) -> dict[tuple[str, date], Band]:
    """Return the band of every wiki's judged day that can be judged, of its arrived hours alone."""
    found = {}
    for wiki, series in volume.items():
        for day in past.days:
            expected = _wiki_band(past, wiki, series, day)
            if expected is not None:
                found[wiki, day] = expected
    return found


def volume_frame(past: Past, volume: Mapping[str, Series], bands: Mapping[tuple[str, date], Band]) -> pd.DataFrame:
    """One row per visible wiki and judged day: its volume, what was expected, and the ends of the band.

    Ends are null where too few days came before (`min_days_to_warn`, `min_days_to_fail`). A fall that the other wikis
    share, as on a holiday, moves the lower end of the warning with it. `is_known`: it sent something long enough
    before for its own past to say whether silence means anything.
    """
    records = []
    for day in past.days:
        limits = past.limits(day)
        for wiki, series in volume.items():
            if not past.is_visible(wiki, day):
                continue
            expected, seen = bands.get((wiki, day)), series.get(day, 0.0)
            ends = _ends(expected, limits, shared_fall(wiki, day, volume, bands, limits))
            records.append(
                {
                    "event_date": day, "subject": wiki, "volume": seen,
                    "usual": None if expected is None else expected.expected,
                    "n_days": 0 if expected is None else expected.n_days, **ends,
                    "is_known": any(
                        series.get(one, 0.0) > 0
                        for one in past.before(day)[: HISTORY + 1 - int(limits["min_days_to_warn"])]
                    ),
                }
            )  # fmt: skip
    return _numbers(frame_of(records, ["volume", "usual", "n_days", "is_known", *ENDS]), ["usual", *ENDS])


def shared_fall(
    wiki: str,
    day: date,
    volume: Mapping[str, Series],
    bands: Mapping[tuple[str, date], Band],
    limits: Mapping[str, float],
) -> float:
    """Return the level of the other wikis against their usual if it is a fall such as holidays bring, else 1.

    Where all wikis together fell below `min_shared_level` it is no holiday, and nobody is excused; nor is anybody by
    fewer than two others.
    """
    seen, usual = 0.0, 0.0
    own_seen, own_usual, n_others = 0.0, 0.0, 0
    for (name, when), expected in bands.items():
        if when == day and expected.n_days >= limits["min_days_to_warn"]:
            seen, usual = seen + volume[name].get(day, 0.0), usual + expected.expected
            if name == wiki:
                own_seen, own_usual = volume[name].get(day, 0.0), expected.expected
            else:
                n_others += 1
    least = limits["min_shared_level"]
    if n_others < 2 or usual <= own_usual or seen < least * usual:
        return 1.0
    return float(np.clip((seen - own_seen) / (usual - own_usual), least, 1.0))


def visitors_frame(
    past: Past, baseline: pd.DataFrame, volume: Mapping[str, Series], bands: Mapping[tuple[str, date], Band]
) -> pd.DataFrame:
    """One row per wiki, regime and whole judged day on which it was the only one: distinct users and their band.

    Distinct users grow less than the rate, so days are compared within one unit and rate, as kept.
    """
    key = ["wiki_db", "instrument_name", "sample_unit", "sample_rate"]
    records = []
    for (wiki, instrument, unit, rate), series in sums_by_day(baseline, key, "n_visitors").items():

        def usable(day: date, wiki: Any = wiki, own: Any = (instrument, unit, rate)) -> bool:
            name, *regime = own
            return past.is_usable(wiki, day) and past.applied(name, wiki, day) == {tuple(regime)}

        for day in past.days:
            expected = band(past.history(series, day, usable)) if usable(day) else None
            limits = past.limits(day)
            if expected is None or expected.n_days < limits["min_days_to_warn"]:
                continue
            low, high = expected.limits(limits["visitors_sds"], limits["visitors_change"])
            seen = series.get(day, 0.0)
            records.append(
                {
                    "event_date": day, "subject": f"{wiki} / {instrument} / {unit} at {float(rate):.4g}",
                    "n_visitors": seen, "usual": expected.expected,
                    "warn_low": low * shared_fall(wiki, day, volume, bands, limits), "warn_high": high,
                }
            )  # fmt: skip
    return frame_of(records, ["n_visitors", "usual", "warn_low", "warn_high"])


def instruments_frame(past: Past, baseline: pd.DataFrame) -> pd.DataFrame:
    """One row per instrument and wiki on display: how much is missing since it last spoke, while others speak.

    `silent_expected` is the number of independent events that the silent days would have held (0 on a day with events),
    null where nobody else spoke either: then the stream is silent, not the instrument.
    """
    weighted = baseline.assign(value=baseline["n_events"] / baseline["sample_rate"])
    series = sums_by_day(weighted, ["instrument_name", "wiki_db"], "value")
    records = []
    for (instrument, wiki), events in series.items():

        def usable(day: date, instrument: str = instrument, wiki: str = wiki) -> bool:
            is_visible = past.is_whole(day) and past.is_visible(wiki, day)
            return is_visible and past.covered(instrument, wiki, day) is not None

        for day in past.days:
            rate = past.covered(instrument, wiki, day)
            if rate is None or not past.is_visible(wiki, day):
                continue
            others = sum(other.get(day, 0.0) for key, other in series.items() if key != (instrument, wiki))
            expected, n_silent = silence(past, events, day, usable, rate)
            records.append(
                {
                    "event_date": day, "subject": f"{wiki} / {instrument}", "n_events": events.get(day, 0.0),
                    "n_others": others, "n_silent_days": n_silent,
                    "silent_expected": expected if others >= past.limits(day)["min_others_speak"] else None,
                }
            )  # fmt: skip
    columns = ["n_events", "n_others", "n_silent_days", "silent_expected"]
    return _numbers(frame_of(records, columns), ["silent_expected"])


def silence(past: Past, events: Series, day: date, usable: Callable[[date], bool], rate: float) -> tuple[float, int]:
    """Return how many independent events were to be expected since a series last spoke, and the days since.

    The level is the one before the silence, so that days of silence do not become the usual.
    """
    if events.get(day, 0.0) > 0:
        return 0.0, 0
    silent = [day]
    for before in reversed(past.before(day)):
        if events.get(before, 0.0) > 0:
            break
        if usable(before):
            silent.append(before)
    spoke = min(silent)
    expected = band(past.history(events, spoke, usable), rate)
    if expected is None or expected.n_days < past.limits(day)["min_days_to_warn"]:
        return 0.0, len(silent)
    return expected.n_effective * sum(past.share(one) or 0.0 for one in silent), len(silent)


def trend_frame(past: Past, volume: Mapping[str, Series]) -> pd.DataFrame:
    """One row per wiki and judged day: the week up to it against the same weekdays three weeks before.

    `level` is the median of the seven ratios; `level_high` adds the deviations of `trend_sds`, on the log scale, by
    their spread or by the numbers' own chance (Poisson), whichever is larger: what it may at most be.
    """
    records = []
    for wiki, series in volume.items():
        for day in past.days:
            pairs = [(one, one - THREE_WEEKS) for one in (day - timedelta(days=n) for n in range(WEEK))]
            pairs = [pair for pair in pairs if all(past.is_usable(wiki, one) for one in pair)]
            limits = past.limits(day)
            if len(pairs) < limits["min_trend_days"] or not past.is_usable(wiki, day):
                continue
            # Half a unit on both sides: a day without events has a logarithm too.
            units = [1 / (past.rate(wiki, one) or 1.0) for pair in pairs for one in pair]
            unit = max(units)
            counts = np.array([[series.get(one, 0.0) + unit / 2 for one in pair] for pair in pairs])
            logs = np.log(counts[:, 0] / counts[:, 1])
            middle = float(np.median(logs))
            # From day to day, so that a steady slope is no spread.
            steps = np.diff(logs)
            spread = MAD_TO_SD * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2)
            chance = float(np.sqrt(np.mean(unit / counts[:, 0] + unit / counts[:, 1])))
            sd = max(spread, chance) * np.sqrt(np.pi / 2 / len(pairs))
            high = float(np.exp(middle + limits["trend_sds"] * sd))
            records.append({"event_date": day, "subject": wiki, "level": float(np.exp(middle)), "level_high": high})
    return frame_of(records, ["level", "level_high"])


def regimes_frame(past: Past, baseline: pd.DataFrame) -> pd.DataFrame:
    """One row per recorded wiki, instrument, unit and rate of a judged day: is it one the policy declares for it."""
    key = ["event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate"]
    judged = baseline[baseline["event_date"].isin(past.days)]
    records = []
    sums = judged.groupby(key, as_index=False)["n_events"].sum()
    for day, wiki, instrument, unit, rate, n_events in sums[[*key, "n_events"]].itertuples(index=False, name=None):
        declared = past.applied(instrument, wiki, day)
        records.append(
            {
                "event_date": day, "subject": f"{wiki} / {instrument} / {unit} at {rate:.4g}",
                "n_events": int(n_events), "n_undeclared": 0 if (unit, rate) in declared else int(n_events),
                "declared": ", ".join(f"{one} at {r:.4g}" for one, r in sorted(declared)) or "nothing",
            }
        )  # fmt: skip
    return frame_of(records, ["n_events", "n_undeclared", "declared"])


def _ends(expected: Band | None, limits: Mapping[str, float], fall: float) -> dict[str, float | None]:
    """Return the ends of a volume's band, null where too few days came before; `fall` is the one that wikis share."""
    ends: dict[str, float | None] = dict.fromkeys(ENDS)
    if expected is None or expected.n_days < limits["min_days_to_warn"]:
        return ends
    low, high = expected.limits(limits["volume_warn_sds"], limits["volume_warn_change"])
    ends |= {"warn_low": low * fall, "warn_high": high}
    if expected.n_days >= limits["min_days_to_fail"]:
        far_low, far_high = expected.far_limits(limits["volume_fail_sds"], limits["volume_fail_change"])
        # The warning's upper end is wider by what is skewed or unknown, but whatever stops a run is warned of too.
        ends |= {"fail_low": far_low, "fail_high": far_high, "warn_high": min(high, far_high)}
    return ends


def _wiki_band(past: Past, wiki: str, series: Series, day: date) -> Band | None:
    rate, share = past.rate(wiki, day), past.share(day)
    if rate is None or share is None or not past.is_visible(wiki, day):
        return None
    whole = band(past.history(series, day, lambda one: past.is_usable(wiki, one)), rate)
    if whole is None or share == 1:
        return whole
    # The hours' shares are those of all wikis: one in another time zone may have had all or nothing in the lost ones.
    return whole.scaled(share, lost_sd=past.limits(day)["lost_hours_sd"] * (1 - share))


def _impressions(past: Past, engagement: pd.DataFrame) -> dict[tuple[Any, ...], dict[date, float]]:
    links = engagement[engagement["element_friendly_name"] != REVIEW_LINKS]
    return sums_by_day(
        links.assign(value=[*_measured_impressions(past, links)]).astype({"value": "float64"}), ["wiki_db"], "value"
    )


def _measured_impressions(past: Past, links: pd.DataFrame) -> Iterator[float]:
    columns = ["event_date", "element_friendly_name", "client_platform_family", "n_impressions", "sample_rate"]
    for day, element, platform, shown, rate in links[columns].itertuples(index=False, name=None):
        measured = past.measured_platforms(element, day)
        yield shown / rate if measured and (pd.isna(platform) or platform in measured) else 0.0


def _numbers(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Null where nothing is said; a column of nothing but nulls has a type too."""
    return frame.astype(dict.fromkeys(columns, "float64"))
