"""A small world of daily tables, written by formula: growth, weeks, holidays, noise, and faults to put into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from expectations.thresholds import load_thresholds
from jobs.quality.history_frames import history_frames
from jobs.reference.load import Reference
from tests.references import HEALTH, element_row, policy_row, reference, wiki_row

FIRST = date(2026, 6, 1)
WEEKDAYS = np.array([1.12, 1.08, 1.04, 1.0, 0.92, 0.85, 0.99])
HOURS = 1 + 0.75 * np.cos((np.arange(24) - 15) * 2 * np.pi / 24)
DIFF, WATCHED, TALK = "diff link", "watched link", "talk link"
SHOWN = {DIFF: 0.9, WATCHED: 0.6, TALK: 0.2}  # impressions per load
TYPICAL = {"enwiki": 900.0, "idwiki": 250.0, "trwiki": 80.0, "thwiki": 25.0}


@dataclass
class World:
    """Kept events by day and hour; arrays are days x 24.

    Attributes:
        wikis: loads a day at the beginning.
        n_days: days.
        growth: a day, relative.
        holidays: days (their number) at 60 %, on every wiki.
        dispersion: variance of a day's loads over their mean.
        rate: declared sampling rate.
    """

    wikis: dict[str, float] = field(default_factory=lambda: dict(TYPICAL))
    n_days: int = 100
    growth: float = 0.01
    holidays: Sequence[int] = ()
    dispersion: float = 1.0
    rate: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        rng = self.rng = np.random.default_rng(self.seed)
        day = np.arange(self.n_days)
        self.days = [FIRST + timedelta(days=int(n)) for n in day]
        self.missing: set[tuple[int, int]] = set()
        usual = (1 + self.growth) ** day * WEEKDAYS[day % 7] * np.where(np.isin(day, self.holidays), 0.6, 1.0)
        self.loads, self.visitors = {}, {}
        self.shown: dict[tuple[str, str], np.ndarray] = {}
        self.clicks: dict[tuple[str, str], np.ndarray] = {}
        for wiki, size in self.wikis.items():
            mean = size * usual * self.rate
            if self.dispersion > 1:
                shape = mean / (self.dispersion - 1)
                mean = rng.gamma(shape, mean / shape)
            self.loads[wiki] = rng.poisson(mean[:, None] * HOURS / HOURS.sum())
            self.visitors[wiki] = rng.binomial(self.loads[wiki].sum(axis=1), 0.7)
            for element, share in SHOWN.items():
                self.shown[wiki, element] = rng.poisson(self.loads[wiki] * share)
                self.clicks[wiki, element] = rng.binomial(self.shown[wiki, element], 0.12)
        self.unknown = np.full(self.n_days, 0.02)  # shares of lines or impressions, by day
        self.duplicates, self.skewed, self.refused = (np.full(self.n_days, share) for share in (0.004, 0.01, 0.001))

    def lose(self, n: int, share: float, hours: slice = slice(None), wiki: str | None = None) -> None:
        """Lose a share of every event of a day's hours."""
        arrays = [
            *(loads for name, loads in self.loads.items() if wiki in (None, name)),
            *(a for kind in (self.shown, self.clicks) for (name, _), a in kind.items() if wiki in (None, name)),
        ]
        for array in arrays:
            array[n, hours] = self.rng.binomial(array[n, hours], 1 - share)
        for name in self.visitors if wiki is None else [wiki]:
            self.visitors[name][n] = min(self.visitors[name][n], self.loads[name][n].sum())

    def kept(self) -> np.ndarray:
        """Kept lines by day and hour."""
        return sum([*self.loads.values(), *self.shown.values(), *self.clicks.values()], np.zeros((self.n_days, 24)))

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of the contract that a comparison reads, as pandas frames."""
        return {
            "ingest_log": self._log(),
            "baseline_daily": pd.DataFrame(self._baseline()),
            "engagement_daily": pd.DataFrame(self._links()),
        }

    def reference(self) -> Reference:
        return reference(
            policy_row(rate=self.rate),
            wikis=[wiki_row(name, FIRST) for name in self.wikis],
            vocabulary=[element_row(name) for name in SHOWN],
        )

    def frames(self, numbers: Sequence[int], **changed: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """The profiles of some days (by number), each table as it is or as given."""
        days = [self.days[n] for n in numbers]
        last = max(days)
        tables = {name: table[table["event_date"] <= last] for name, table in {**self.tables(), **changed}.items()}
        limits = load_thresholds().on
        return history_frames(tables, days, self.reference(), limits=limits, grace=timedelta(minutes=15))

    def _log(self) -> pd.DataFrame:
        kept, rows = self.kept(), []
        for n, day in enumerate(self.days):
            for hour in range(24):
                if (n, hour) in self.missing:
                    rows.append((day, hour, "missing_hour", None, 0))
                    continue
                lines = int(kept[n, hour])
                skewed, copies, refused = (
                    int(self.rng.binomial(lines, share[n])) for share in (self.skewed, self.duplicates, self.refused)
                )
                rows += [(day, hour, "kept", None, lines - skewed), (day, hour, "kept", "clock_skew", skewed)]
                rows += [(day, hour, "duplicate", None, copies)]
                rows += [(day, hour, "quarantined", "malformed_json", refused)]
        return pd.DataFrame(rows, columns=["event_date", "event_hour", "fate", "reason", "n_lines"])

    def _baseline(self) -> list[dict[str, object]]:
        regime = {"instrument_name": HEALTH, "sample_unit": "pageview", "sample_rate": self.rate}
        rows = []
        for wiki, loads in self.loads.items():
            links = sum(a for kind in (self.shown, self.clicks) for (name, _), a in kind.items() if name == wiki)
            for n, day in enumerate(self.days):
                n_loads, n_events = int(loads[n].sum()), int(loads[n].sum() + links[n].sum())
                if n_events:
                    rows.append(
                        {"event_date": day, "wiki_db": wiki, **regime, "n_events": n_events, "n_loads": n_loads,
                         "n_visitors": int(self.visitors[wiki][n])}
                    )  # fmt: skip
        return rows

    def _links(self) -> list[dict[str, object]]:
        regime = {"instrument_name": HEALTH, "sample_unit": "pageview", "sample_rate": self.rate}
        rows = []
        for (wiki, element), shown in self.shown.items():
            for n, day in enumerate(self.days):
                n_shown, n_clicks = int(shown[n].sum()), int(self.clicks[wiki, element][n].sum())
                unknown = int(self.rng.binomial(n_shown, self.unknown[n]))
                parts = [("100-999 edits", n_shown - unknown, n_clicks), ("unknown", unknown, 0)]
                for bucket, impressions, clicks in parts:
                    if impressions or clicks:
                        rows.append(
                            {"event_date": day, "wiki_db": wiki, **regime, "element_friendly_name": element,
                             "client_platform_family": "desktop_browser", "edit_count_bucket": bucket,
                             "n_impressions": impressions, "n_clicks": clicks}
                        )  # fmt: skip
        return rows
