"""The metric catalogue, typed: what `catalogue.toml` says, validated once and read by everything else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from jobs.metric import (
    DIRECTIONS,
    FAMILIES,
    INFERENCES,
    KINDS,
    LOCAL_UNITS,
    UNITS,
    WEEKDAYS,
    WINDOW_KINDS,
    ElementNote,
    Metric,
    MetricLine,
    MetricWindow,
    SeriesBreak,
)
from jobs.resources import shipped

_METRIC_KEYS = frozenset(
    {
        *("version", "name", "definition", "numerator", "denominator", "kind", "unit", "direction", "windows"),
        *("weekday", "inference", "family", "all_wikis", "task", "caveats", "seen", "returned", "elements", "part_of"),
    }
)
_OPTIONAL_METRIC_KEYS = frozenset({"weekday", "seen", "returned", "elements", "part_of"})
_ELEMENT_KEYS = frozenset({"all_platforms", "bucket_platform", "cautions"})


@dataclass(frozen=True)
class Catalogue:
    """Every metric by id, in the order of the contract, and the notes on elements."""

    metrics: Mapping[str, Metric]
    elements: Mapping[str, ElementNote]
    series_breaks: tuple[SeriesBreak, ...] = ()

    def breaks(self, element: str, start: date, end: date) -> str | None:
        """Tell what changed inside the days [start, end) for an element, a link group, or `*`; None if nothing did."""
        told = [
            item.text
            for item in self.series_breaks
            if start < item.day < end and (element in item.elements or "*" in item.elements)
        ]
        return "; ".join(told) or None

    def metric(self, metric_id: str) -> Metric:
        """Return a metric; a KeyError names those there are."""
        try:
            return self.metrics[metric_id]
        except KeyError:
            raise KeyError(f"no metric {metric_id!r}; there are {', '.join(self.metrics)}") from None

    def element(self, element_friendly_name: str) -> ElementNote:
        """Return what holds for an element; nothing special unless the catalogue says so."""
        return self.elements.get(element_friendly_name, ElementNote(element_friendly_name))

    def of_family(self, *families: str) -> tuple[Metric, ...]:
        """Return the metrics of some families, in order."""
        return tuple(metric for metric in self.metrics.values() if metric.family in families)

    def window_days(self, kind: str, *families: str) -> tuple[int, ...]:
        """Return the lengths in days of the windows of a kind that some metric of some families has, ascending."""
        return tuple(sorted({days for metric in self.of_family(*families) for days in metric.days_of(kind)}))

    @property
    def longest_days(self) -> int:
        """The days of the longest window, but for quarter to date, that is made of events."""
        families = [family for family in FAMILIES if family != "audience"]
        return max(day for kind in ("rolling", "cohort") for day in (1, *self.window_days(kind, *families)))

    def table(self) -> tuple[MetricLine, ...]:
        """Return the lines of `metrics.csv`."""
        return tuple(
            MetricLine(
                metric=m.metric,
                metric_version=m.version,
                name=m.name,
                definition=m.definition,
                numerator=m.numerator,
                denominator=m.denominator,
                kind=m.kind,
                unit=m.unit,
                direction=m.direction,
                window_kinds=m.window_kinds,
                family=m.family,
                caveats=" ".join(m.caveats),
                task=" ".join(m.task),
            )
            for m in self.metrics.values()
        )


@cache
def load_catalogue() -> Catalogue:
    """Read the shipped catalogue; a ValueError says what is wrong with it."""
    return parse_catalogue(shipped("catalogue.toml").read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> Catalogue:
    """Parse and validate the text of a catalogue.

    Raises:
        ValueError: naming the metric or element and the key that is missing, unknown or not one of its words.
    """
    data = tomllib.loads(text)
    unknown = set(data) - {"metrics", "elements", "series_breaks"}
    if unknown:
        raise ValueError(f"catalogue: unknown table {', '.join(sorted(unknown))}")
    metrics = {metric_id: _metric(metric_id, entry) for metric_id, entry in data.get("metrics", {}).items()}
    for built in metrics.values():
        _check_part(built, metrics)
    elements = {name: _element(name, entry) for name, entry in data.get("elements", {}).items()}
    breaks = tuple(SeriesBreak(e["date"], tuple(e["elements"]), e["text"]) for e in data.get("series_breaks", []))
    return Catalogue(MappingProxyType(metrics), MappingProxyType(elements), breaks)


def _metric(metric_id: str, entry: dict[str, Any]) -> Metric:
    where = f"catalogue: metric {metric_id}"
    _check_keys(where, entry, _METRIC_KEYS, _METRIC_KEYS - _OPTIONAL_METRIC_KEYS)
    windows = tuple(_window(where, window) for window in entry["windows"])
    weekday = entry.get("weekday")
    if weekday is not None:
        _check_word(where, "weekday", weekday, WEEKDAYS)
    built = Metric(
        metric=metric_id,
        version=entry["version"],
        name=entry["name"],
        definition=entry["definition"],
        numerator=entry["numerator"],
        denominator=entry["denominator"],
        kind=entry["kind"],
        unit=entry["unit"],
        direction=entry["direction"],
        windows=windows,
        weekday=None if weekday is None else WEEKDAYS.index(weekday),
        inference=tuple(entry["inference"]),
        family=entry["family"],
        all_wikis=entry["all_wikis"],
        task=tuple(entry["task"]),
        caveats=tuple(entry["caveats"]),
        seen=_days(entry, "seen"),
        returned=_days(entry, "returned"),
        elements=entry.get("elements"),
        part_of=entry.get("part_of"),
    )
    _check_metric(where, built)
    return built


def _check_metric(where: str, built: Metric) -> None:
    """Check the words, and what must agree between the keys of one metric."""
    _check_word(where, "kind", built.kind, KINDS)
    _check_word(where, "unit", built.unit, UNITS)
    _check_word(where, "direction", built.direction, DIRECTIONS)
    _check_word(where, "family", built.family, FAMILIES)
    if built.version < 1:
        raise ValueError(f"{where}: version {built.version} is not a positive whole number")
    if not built.windows or len(set(built.windows)) != len(built.windows):
        raise ValueError(f"{where}: windows must be given, each once")
    expected = INFERENCES[:1] if built.kind == "count" else INFERENCES
    if built.inference != expected:
        raise ValueError(f"{where}: inference of a {built.kind} is {list(expected)}, not {list(built.inference)}")
    if bool(built.denominator) == (built.kind == "count"):
        raise ValueError(f"{where}: a count has no denominator, everything else has one")
    if built.all_wikis and built.unit in LOCAL_UNITS:
        raise ValueError(f"{where}: users are local to a wiki, so there is no wiki `all`")
    _check_cohort(where, built)


def _check_cohort(where: str, built: Metric) -> None:
    """Check that a cohort says when its users are seen and when they return, and that nothing else does."""
    is_cohort = built.has_window("cohort")
    if built.weekday is not None and not is_cohort:
        raise ValueError(f"{where}: weekday is for cohorts")
    if (built.seen is None or built.returned is None) if is_cohort else (built.seen or built.returned):
        raise ValueError(f"{where}: a cohort has seen and returned, everything else has neither")
    if built.seen is None or built.returned is None:
        return
    if not (0 == built.seen[0] <= built.seen[1] < built.returned[0] <= built.returned[1]):
        raise ValueError(f"{where}: seen {built.seen} begins on day 0, and returned {built.returned} after it ends")
    if built.days_of("cohort") != (built.returned[1] + 1,):
        raise ValueError(f"{where}: the window of a cohort ends with the last day of the return")
    of_day, of_week = built.seen == (0, 0), (built.seen, built.returned) == ((0, 6), (7, 13))
    if not (of_day and built.weekday is None) and not (of_week and built.weekday == 0):
        # `transforms/cohort_days.py` knows these two kinds.
        raise ValueError(f"{where}: a cohort is of a day, or of a week from Monday whose users return in the next")
    if of_day and built.elements is not None:
        raise ValueError(f"{where}: only a cohort of a week asks who was shown a link")


def _check_part(built: Metric, metrics: Mapping[str, Metric]) -> None:
    """Check that a part is a count, of another count that there is."""
    if built.part_of is None:
        return
    whole = metrics.get(built.part_of)
    if whole is None or whole is built or not (built.kind == whole.kind == "count"):
        raise ValueError(f"catalogue: metric {built.metric}: part_of is for a count, and names another")


def _days(entry: dict[str, Any], key: str) -> tuple[int, int] | None:
    if key not in entry:
        return None
    first, last = entry[key]
    return int(first), int(last)


def _window(where: str, window: list[Any]) -> MetricWindow:
    kind, days = (window[0], window[1]) if len(window) == 2 else (window[0], None)
    _check_word(where, "windows", kind, WINDOW_KINDS)
    if (days is None) != (kind == "quarter_to_date") or (days is not None and days < 1):
        raise ValueError(f"{where}: window {window} needs a number of days, quarter_to_date none")
    return MetricWindow(kind, days)


def _element(name: str, entry: dict[str, Any]) -> ElementNote:
    _check_keys(f"catalogue: element {name}", entry, _ELEMENT_KEYS, frozenset())
    return ElementNote(
        element_friendly_name=name,
        all_platforms=entry.get("all_platforms", True),
        bucket_platform=entry.get("bucket_platform", "all"),
        cautions=MappingProxyType(dict(entry.get("cautions", {}))),
    )


def _check_keys(where: str, entry: dict[str, Any], allowed: frozenset[str], required: frozenset[str]) -> None:
    missing, unknown = sorted(required - set(entry)), sorted(set(entry) - allowed)
    if missing or unknown:
        raise ValueError(f"{where}: missing {missing}, unknown {unknown}")


def _check_word(where: str, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{where}: {key} {value!r} is not one of {', '.join(allowed)}")
