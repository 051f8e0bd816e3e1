"""The metric catalogue, typed: what `catalogue.toml` says, validated once and read by everything else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from jobs.resources import shipped

KINDS = ("count", "ratio", "rate")
LOCAL_UNITS = ("users", "pageviews per user", "share of users")  # users are local to a wiki
UNITS = ("pageviews", "events", "clicks per impression", "share of impressions", *LOCAL_UNITS)
FAMILIES = ("totals", "users", "links", "retention", "presented", "audience")
INFERENCES = ("realised", "process")
WINDOW_KINDS = ("rolling", "quarter_to_date", "cohort")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MENU_LINK = "Personal Dashboard menu link"

_METRIC_KEYS = frozenset(
    {
        *("version", "name", "definition", "numerator", "denominator", "kind", "unit", "windows", "weekday"),
        *("inference", "family", "all_wikis", "task", "caveats", "seen", "returned", "elements", "part_of"),
    }
)
_OPTIONAL_METRIC_KEYS = frozenset({"weekday", "seen", "returned", "elements", "part_of"})
_ELEMENT_KEYS = frozenset({"all_platforms", "bucket_platform", "note", "cautions"})


@dataclass(frozen=True)
class MetricWindow:
    """A window a metric has: its kind, and its days (null for quarter to date)."""

    kind: str
    days: int | None


@dataclass(frozen=True)
class Metric:
    """One metric, as section 5 of the contract defines it.

    Attributes:
        metric: its id.
        version: of the definition.
        name: for people.
        definition: one sentence.
        numerator: what is counted.
        denominator: what it is divided by, empty for a count.
        kind: `count`, `ratio` of totals or `rate`.
        unit: of the estimate.
        windows: the windows it has.
        weekday: 0 where its cohorts start on Mondays only, else null (every day).
        inference: `realised`, and `process` unless it is a count.
        family: what computes it.
        all_wikis: whether wiki `all` has rows.
        task: Phabricator task ids.
        caveats: sentences.
        seen: of a cohort, the first and last day, from `metric_date` on, on which its users are seen to belong to it.
        returned: of a cohort, the first and last day of the return.
        elements: the link, or group of links, that its users click or are shown; null where any load will do.
        part_of: of a count, another count that it can never exceed in the same window; null where there is none.
    """

    metric: str
    version: int
    name: str
    definition: str
    numerator: str
    denominator: str
    kind: str
    unit: str
    windows: tuple[MetricWindow, ...]
    weekday: int | None
    inference: tuple[str, ...]
    family: str
    all_wikis: bool
    task: tuple[str, ...]
    caveats: tuple[str, ...]
    seen: tuple[int, int] | None = None
    returned: tuple[int, int] | None = None
    elements: str | None = None
    part_of: str | None = None

    @property
    def window_kinds(self) -> str:
        """The windows in words: `rolling 1, 7, 28; quarter_to_date`."""
        words = []
        for kind in WINDOW_KINDS:
            own = [window.days for window in self.windows if window.kind == kind]
            if own:
                words.append(" ".join([kind, ", ".join(str(days) for days in own if days is not None)]).strip())
        return "; ".join(words)

    def days_of(self, kind: str) -> tuple[int, ...]:
        """The lengths in days of its windows of a kind; empty for quarter to date and where it has none."""
        return tuple(window.days for window in self.windows if window.kind == kind and window.days is not None)

    def has_window(self, kind: str) -> bool:
        """Whether it has any window of a kind."""
        return any(window.kind == kind for window in self.windows)


@dataclass(frozen=True)
class ElementNote:
    """What holds for the rows of one element.

    Attributes:
        element_friendly_name: the element.
        all_platforms: whether it has all-platform rows.
        bucket_platform: the platform its rows by bucket are of (`all` unless platforms must not be pooled).
        note: why.
        cautions: by platform, the sentence that makes its rows `caution` at best.
    """

    element_friendly_name: str
    all_platforms: bool = True
    bucket_platform: str = "all"
    note: str = ""
    cautions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SeriesBreak:
    """A change from which numbers cannot be compared with earlier ones.

    Attributes:
        day: the first day of the new state.
        elements: elements or link groups it concerns; `*` is everything.
        text: what changed.
    """

    day: date
    elements: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class MetricLine:
    """A metric as a line of `metrics.csv` (and so of `dim_metric`)."""

    metric: str
    metric_version: int
    name: str
    definition: str
    numerator: str
    denominator: str
    kind: str
    window_kinds: str
    family: str
    caveats: str
    task: str


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
        note=entry.get("note", ""),
        cautions=MappingProxyType(dict(entry.get("cautions", {}))),
    )


def _check_keys(where: str, entry: dict[str, Any], allowed: frozenset[str], required: frozenset[str]) -> None:
    missing, unknown = sorted(required - set(entry)), sorted(set(entry) - allowed)
    if missing or unknown:
        raise ValueError(f"{where}: missing {missing}, unknown {unknown}")


def _check_word(where: str, key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{where}: {key} {value!r} is not one of {', '.join(allowed)}")
