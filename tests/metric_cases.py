"""Reads the golden cases of tests/cases/metrics and takes their events to metric rows: one Spark pass for all of them.

Each case is a small world of its own. The facts and window sums of all cases are made together, the wikis of a case
told apart by its name; then each case gets its own sums back and the rows are built from them as
`jobs/steps/estimates.py` does.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.catalogue import load_catalogue
from jobs.contracts import EVENT_COLUMNS
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.metric import FAMILIES
from jobs.policy.timeline import Regime, all_regimes
from jobs.reference.load import Reference
from jobs.rows.build import build_rows
from jobs.rows.cautions import LowerRate
from jobs.rows.comparable import unit_windows
from jobs.rows.fitting import Fitting
from jobs.rows.hourly import HourlyCounts
from jobs.rows.link_cells import platform_bucket_elements
from jobs.rows.links import unique_windows
from jobs.rows.visits import quarter_starts
from jobs.rows.window_context import WindowContext
from jobs.steps.fitting import fit_many
from jobs.transforms.hourly_counts import hourly_counts
from jobs.transforms.link_days import unit_link_days, user_link_days
from jobs.transforms.user_days import element_pageviews, user_days
from jobs.warehouse.frames import frame_of
from jobs.window_sums.cohorts import cohort_sums
from jobs.window_sums.links import link_window_sums
from jobs.window_sums.tables import CohortSums, LinkSums, VisitSums, WindowSums
from jobs.window_sums.visits import visit_window_sums
from jobs.windows import days
from tests.references import HEALTH, arrival, policy_row, reference, wiki_row

CASES = Path(__file__).parent / "cases" / "metrics"
DAY = timedelta(days=1)
GRACE_MINUTES = 15
MIN_USERS = 10
YEAR = days(date(2026, 1, 1), date(2027, 1, 1))
EVERYTHING = ({"wiki": "*", "unit": "pageview", "rate": 1, "from": date(2026, 2, 10)},)
EVENT_KEYS = {
    "user", "time", "action", "wiki", "element", "platform", "bucket", "pageview", "session", "token", "times",
}  # fmt: skip
KEY_DEFAULTS = {
    "window_kind": "rolling", "element_friendly_name": "all", "client_platform_family": "all",
    "edit_count_bucket": "all", "inference": "realised",
}  # fmt: skip
KEYS = ("metric", "wiki_db", "window_days", "as_of_date", *KEY_DEFAULTS)

Sums = TypeVar("Sums", VisitSums, CohortSums, LinkSums)


@dataclass(frozen=True)
class MetricCase:
    """A small world, and what its metric rows should say.

    Attributes:
        name: of the file.
        reference: wikis and policy of the case; instruments and vocabulary as shipped.
        context: with the days and hours that did not arrive.
        events: kept events, by column of the contract; their wikis are named as in the file.
        rows: expected rows: the key columns (what is left out is as in `KEY_DEFAULTS`) and the columns to compare.
        no_rows: columns of rows that must not be there, but for those listed.
        open: metrics that may have other rows than those listed.
    """

    name: str
    reference: Reference
    context: WindowContext
    events: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    no_rows: list[dict[str, Any]]
    open: frozenset[str]

    @property
    def as_of(self) -> list[date]:
        """The dates the case asks about."""
        return sorted({row["as_of_date"] for row in (*self.rows, *self.no_rows) if "as_of_date" in row})

    def own(self, wiki_db: str) -> str:
        """Name a wiki of the case among the wikis of all cases."""
        return f"{self.name}/{wiki_db}"


def read_cases(folder: Path = CASES) -> list[MetricCase]:
    """Every case, in order of its file's name."""
    return [_case(path.stem, yaml.safe_load(path.read_text())) for path in sorted(folder.glob("*.yaml"))]


def _case(name: str, spec: dict[str, Any]) -> MetricCase:
    unknown = set(spec) - {"what", "wikis", "policy", "missing_hours", "missing_days", "lower_rates", "defaults",
                           "events", "rows", "no_rows", "open"}  # fmt: skip
    assert not unknown, f"{name}: {unknown}"
    left_open = _open(name, spec)
    known = _reference(spec["wikis"], spec.get("policy", EVERYTHING))
    missing = set(spec.get("missing_days", []))
    there = arrival([day for day in YEAR if day not in missing], spec.get("missing_hours", {}))
    first_wiki = next(iter(spec["wikis"]))
    context = WindowContext(known, there, GRACE_MINUTES, audited=_audited(spec.get("lower_rates", []), first_wiki))
    regimes = all_regimes(known, timedelta(minutes=GRACE_MINUTES))
    events = [
        _event({"wiki": first_wiki, **spec.get("defaults", {}), **one}, regimes)
        for short in spec["events"]
        for one in _opened(short)
    ]
    rows = [{**KEY_DEFAULTS, "wiki_db": first_wiki, **row} for short in spec["rows"] for row in _spread(short)]
    return MetricCase(name, known, context, events, rows, spec.get("no_rows", []), left_open)


def _open(name: str, spec: Mapping[str, Any]) -> frozenset[str]:
    """Return the metrics that a case leaves open, and refuse a case that says nothing of some metric."""
    metrics = load_catalogue().metrics
    families = {family: {m.metric for m in metrics.values() if m.family == family} for family in FAMILIES}
    named = {word: families.get(word, {word}) for word in spec.get("open", [])}
    left_open = set().union(*named.values())
    listed = {row["metric"] for short in spec["rows"] for row in _spread(short)}
    no_rows = spec.get("no_rows", [])
    denied = {row["metric"] for row in no_rows if set(row) == {"metric"}}
    if unknown := (left_open | listed | {row["metric"] for row in no_rows if "metric" in row}) - set(metrics):
        raise ValueError(f"{name}: no metric or family {', '.join(sorted(unknown))}")
    if both := left_open & denied:
        raise ValueError(f"{name}: both open and without any row: {', '.join(sorted(both))}")
    if untold := [metric for metric in metrics if metric not in left_open | listed | denied]:
        raise ValueError(
            f"{name}: says nothing of {', '.join(untold)}. Of each metric a case lists every row under `rows`, denies "
            "them under `no_rows` ({metric: ...}), or names it, or its family, under `open`"
        )
    return frozenset(left_open)


def _spread(short: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a row once for each value that a key column lists."""
    lists = {name: value for name, value in short.items() if name in KEYS and isinstance(value, list)}
    return [{**short, **dict(zip(lists, values, strict=True))} for values in product(*lists.values())]


def _reference(wikis: Mapping[str, date], policy: Sequence[Mapping[str, Any]]) -> Reference:
    """Wikis and policy of a case; instruments and vocabulary as shipped."""
    return reference(
        *(policy_row(row["wiki"], row["unit"], row["rate"], row["from"], row.get("to")) for row in policy),
        wikis=[wiki_row(name, day) for name, day in wikis.items()],
    )


def _audited(lower_rates: Sequence[Mapping[str, Any]], first_wiki: str) -> dict[tuple[str, str], list[LowerRate]]:
    """Days of a case whose ids showed a rate lower than declared."""
    found: dict[tuple[str, str], list[LowerRate]] = {}
    for row in lower_rates:
        wiki = row.get("wiki", first_wiki)
        rate = LowerRate(wiki, row["unit"], row["declared"], row["day"], row["likely"])
        found.setdefault((HEALTH, wiki), []).append(rate)
    return found


def _opened(short: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a short event once per user (`a1..a12` is twelve of them) and as often as `times` says."""
    assert set(short) <= EVENT_KEYS, f"unknown keys {set(short) - EVENT_KEYS}"
    several = re.fullmatch(r"(\D+)(\d+)\.\.\1(\d+)", short["user"])
    users = [short["user"]]
    if several:
        users = [f"{several[1]}{n}" for n in range(int(several[2]), int(several[3]) + 1)]
    for user in users:
        for _ in range(short.get("times", 1)):
            yield {**short, "user": user}


def _event(short: Mapping[str, Any], regimes: Sequence[Regime]) -> dict[str, Any]:
    """Write an event out in full. What is left out: one page load and one session per user and day, one impression key
    per page load and element, desktop, 100-999 edits; unit and rate are those of the policy at that time."""
    time = datetime.fromisoformat(str(short["time"])).replace(tzinfo=UTC)
    wiki, user, element = short["wiki"], short["user"], short.get("element")
    regime = next(r for r in regimes if r.wiki_db == wiki and r.stretch.holds(time))
    assert regime.kept_rate > 0, f"nothing is kept on {wiki} at {time}"
    page = f"{user} {time.date()}"
    return {
        "event_date": time.date(),
        "event_hour": time.hour,
        "meta_dt": time,
        "wiki_db": wiki,
        "instrument_name": HEALTH,
        "sample_unit": regime.sample_unit,
        "sample_rate": regime.kept_rate,
        "action": short.get("action", "pageview"),
        "element_friendly_name": element,
        "client_platform_family": short.get("platform", "desktop_browser"),
        "edit_count_bucket": short.get("bucket", "100-999 edits"),
        "funnel_entry_token": short.get("token", element),
        "user_hash": user,
        "session_hash": _number(wiki, user, short.get("session", page)),
        "pageview_hash": _number(wiki, user, short.get("pageview", page)),
        "session_fraction": 0.0,
        "pageview_fraction": 0.0,
        "is_clock_skewed": False,
    }


def _number(*parts: str) -> int:
    return zlib.crc32("|".join(parts).encode())


def metric_rows(spark: SparkSession, cases: Sequence[MetricCase]) -> dict[str, pd.DataFrame]:
    """Return all rows of the dates each case asks about, by name of the case."""
    *facts, hours = _facts(spark, cases)
    user_facts, link_facts, unit_facts = facts
    hourly = hours.toPandas()
    start = min(day for case in cases for day in case.as_of)
    end = max(day for case in cases for day in case.as_of) + DAY
    starts = {
        (case.own(wiki), population, quarter): first
        for case in cases
        for (wiki, population, quarter), first in quarter_starts(case.context, case.as_of).items()
    }
    first = start - 90 * DAY
    below = [case.own(wiki) for case in cases for wiki in case.context.sampled_wikis(first, end)]
    catalogue = load_catalogue()
    lengths = catalogue.window_days("rolling", "totals", "users")
    visits = visit_window_sums(
        user_facts, windows=lengths, quarter_starts=starts, start=start, end=end, sampled=below,
        unit_windows=unit_windows(catalogue),
    )  # fmt: skip
    metrics = catalogue.of_family("retention", "presented")
    cohorts = cohort_sums(user_facts, link_facts, metrics=metrics, start=start, end=end, sampled=below)
    own = platform_bucket_elements(catalogue)
    links = link_window_sums(
        link_facts,
        unit_facts,
        platform_bucket_elements=own,
        windows=catalogue.window_days("rolling", "links"),
        unique_windows=unique_windows(catalogue),
        start=start,
        end=end,
        sampled=below,
    )
    fitting = Fitting(DEFAULT_LIMITS, fit_many)
    return {
        case.name: build_rows(
            WindowSums(_of(case, visits), _of(case, cohorts), _of(case, links)),
            _with_hours(case, hourly),
            case.as_of,
            quarter_starts(case.context, case.as_of),
            fitting,
            MIN_USERS,
        )
        for case in cases
    }


def _facts(spark: SparkSession, cases: Sequence[MetricCase]) -> list[DataFrame]:
    """Make user days, user link days, unit link days and hourly counts of all cases' events, as local frames."""
    events = [event | {"wiki_db": case.own(event["wiki_db"])} for case in cases for event in case.events]
    rows = [tuple((event | {"meta_id": f"m{n}"}).get(name) for name in EVENT_COLUMNS) for n, event in enumerate(events)]
    kept = frame_of(spark, rows, EVENT_COLUMNS)
    pageviews = element_pageviews(kept)
    review = cases[0].context.vocabulary.review_elements
    facts = (
        user_days(pageviews, review_elements=review, dashboard_instruments=[HEALTH]),
        user_link_days(pageviews, review_elements=review),
        unit_link_days(pageviews, review_elements=review),
        hourly_counts(kept, review_elements=review, dashboard_instruments=[HEALTH]),
    )
    return [spark.createDataFrame(frame.toArrow(), schema=frame.schema) for frame in facts]


def _of(case: MetricCase, sums: Sums) -> Sums:
    """Keep a case's own wikis, under their own names."""
    return replace(sums, **{field.name: _own_wikis(case, getattr(sums, field.name)) for field in fields(sums)})


def _own_wikis(case: MetricCase, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        return frame
    mine = frame[frame["wiki_db"].str.startswith(case.own(""))]
    return mine.assign(wiki_db=mine["wiki_db"].str.removeprefix(case.own(""))).reset_index(drop=True)


def _with_hours(case: MetricCase, hourly: pd.DataFrame) -> WindowContext:
    """Let a case's context know its hours."""
    context = copy(case.context)
    context.hourly = HourlyCounts(_own_wikis(case, hourly), context.arrival)
    return context


def unlisted(rows: pd.DataFrame, case: MetricCase) -> pd.DataFrame:
    """Return the rows that a case does not list."""
    listed = [matching(rows, {name: row[name] for name in KEYS if name in row}) for row in case.rows]
    return rows.drop(pd.concat([rows.iloc[:0], *listed]).index.unique())


def matching(rows: pd.DataFrame, wanted: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that agree in every given column."""
    mask = pd.Series(True, index=rows.index)
    for column, value in wanted.items():
        given = pd.Timestamp(value) if isinstance(value, date) else value
        mask &= rows[column].isna() if given is None else rows[column] == given
    return rows[mask]
