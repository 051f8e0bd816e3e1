"""The world of `history_world` with all that the raw and the facts gate look at, and more that can go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd

from expectations.thresholds import load_thresholds
from jobs.quality.facts_frames import LOADS, facts_frames
from jobs.quality.facts_profile import LINK_MEASURES, MEASURES
from jobs.quality.history_frames import history_frames
from jobs.quality.raw_frames import RawTables, raw_frames, with_past
from jobs.raw.files import RawDays, RawFile
from jobs.reference.load import Reference
from jobs.reference.rows import PolicyRow
from jobs.steps.sampling_audit import audit_rows
from jobs.transforms.sampling import AUDIT_BINS
from tests.quality.history_world import FIRST, SHOWN, World
from tests.references import HEALTH, element_row, instrument_row, policy_row, reference, wiki_row

ENTRY = "personal-dashboard-entry-points"
MENU = "menu link"
ELEMENTS = (*SHOWN, MENU)
COMING = "bnwiki"  # deployed, and not on display before the world ends
STREAMS = ("web_base", "entry_points")
MOBILE = "mobile_browser"
MOBILE_SHARE = 0.45
GRACE = timedelta(minutes=15)


@dataclass
class FaultWorld(World):
    """Dashboard, and a menu link with an instrument of its own, on four wikis and one that waits for its display.

    Attributes:
        rates: declared sampling rate of a wiki, where it is not `rate`.
    """

    rates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {wiki: size * self.rates.get(wiki, 1.0) for wiki, size in self.wikis.items()}
        self.wikis = {**kept, COMING: 1e-9}
        super().__post_init__()
        for wiki in self.wikis:
            self.shown[wiki, MENU] = self.rng.poisson(self.loads[wiki] * 0.8)
            self.clicks[wiki, MENU] = self.rng.binomial(self.shown[wiki, MENU], 0.3)
        self.mobile = {key: np.full(self.n_days, MOBILE_SHARE) for key in self.shown}
        self.no_platform = np.zeros(self.n_days)
        self.refused_by: dict[str, np.ndarray] = {}  # more refused lines: reason, share of the kept ones by day
        self.unreadable: set[tuple[int, int]] = set()
        self.lost_of_stream: set[tuple[int, int]] = set()  # hours that the second stream lacks
        self.true_rate = {wiki: np.full(self.n_days, self.rate_of(wiki)) for wiki in self.wikis}
        self.impossible = {wiki: np.zeros(self.n_days, dtype=int) for wiki in self.wikis}
        self.bent = {wiki: np.ones(self.n_days) for wiki in self.wikis}  # exponent: 1 is uniform
        self.repeated = np.zeros(self.n_days)  # share of loads whose page view was loaded already
        self.stored_share = np.ones(self.n_days)  # of the kept lines
        self.doubled_rows = np.zeros(self.n_days, dtype=int)
        self.policy_rewritten_from: int | None = None  # since then it declares half, and says so afterwards

    def rate_of(self, wiki: str) -> float:
        return self.rates.get(wiki, self.rate)

    def halve_rate(self, wiki: str, first: int) -> None:
        """Let clients send half of what the policy says from a day on."""
        for day in range(first, self.n_days):
            self.lose(day, 0.5, wiki=wiki)
        self.true_rate[wiki][first:] = self.rate_of(wiki) / 2

    def grow(self, wiki: str, day: int, times: float) -> None:
        """Let a wiki's day hold so many times what it held, and its visitors with it."""
        arrays = [self.loads[wiki]]
        arrays += [part for kind in (self.shown, self.clicks) for (name, _), part in kind.items() if name == wiki]
        for part in arrays:
            part[day] = (part[day] * times).astype(int)

    def reference(self) -> Reference:
        shown = FIRST + timedelta(days=10_000)
        rows: list[PolicyRow] = [policy_row(rate=self.rate), policy_row(rate=1.0, name=ENTRY)]
        rows += [policy_row(wiki, rate=rate) for wiki, rate in self.rates.items()]
        if self.policy_rewritten_from is not None:
            rows[0] = policy_row(rate=self.rate, end=self.days[self.policy_rewritten_from])
            rows.append(policy_row(rate=self.rate / 2, start=self.days[self.policy_rewritten_from]))
        return reference(
            *rows,
            wikis=[wiki_row(name, FIRST, shown if name == COMING else None) for name in self.wikis],
            instruments=[instrument_row(), instrument_row(ENTRY, "entry_point", has_user_id=False)],
            vocabulary=[*map(element_row, SHOWN), element_row(MENU, "entry point")],
        )

    def profiles(
        self, numbers: Sequence[int], given: dict[str, pd.DataFrame] | None = None
    ) -> dict[str, dict[str, pd.DataFrame]]:
        """What the raw and the facts gate would look at of some days (by number); the tables are drawn or given."""
        days, reference_, limits = [self.days[n] for n in numbers], self.reference(), load_thresholds().on
        tables = {name: frame[frame["event_date"] <= max(days)] for name, frame in (given or self.tables()).items()}
        past = history_frames(tables, days, reference_, limits=limits, grace=GRACE)
        judged = {name: frame[frame["event_date"].isin(days)] for name, frame in tables.items()}
        raw = raw_frames(RawTables(**judged), days, reference_, refused={}, raw=self._listing(numbers))
        facts = self._facts(judged, numbers, reference_)
        return {"raw": with_past(raw, past), "facts": {**facts, **past}}

    def _listing(self, numbers: Sequence[int]) -> RawDays:
        files = [
            RawFile(f"raw/{stream}/year={day.year}/month={day.month}/day={day.day}/hour={hour}/e.json.gz", day, hour, 9)
            for n in numbers for day in [self.days[n]] for hour in range(24) for stream in STREAMS
            if (n, hour) not in self.missing and (stream == STREAMS[0] or (n, hour) not in self.lost_of_stream)
        ]  # fmt: skip
        return RawDays(tuple(files), (), (), ())

    def _log(self) -> pd.DataFrame:
        log, kept, more = super()._log(), self.kept().sum(axis=1), []
        for reason, share in self.refused_by.items():
            more += [(day, 12, "quarantined", reason, int(kept[n] * share[n])) for n, day in enumerate(self.days)]
        more += [(self.days[n], hour, "quarantined", "unreadable_file", 1) for n, hour in self.unreadable]
        more += [(self.days[n], hour, "missing_hour", None, 0) for n, hour in self.lost_of_stream]
        return pd.concat([log, pd.DataFrame(more, columns=log.columns)]) if more else log

    def _regime(self, wiki: str, instrument: str) -> dict[str, object]:
        rate = 1.0 if instrument == ENTRY else self.rate_of(wiki)
        return {"instrument_name": instrument, "sample_unit": "pageview", "sample_rate": rate}

    def _instrument(self, element: str) -> str:
        return ENTRY if element == MENU else HEALTH

    def _baseline(self) -> list[dict[str, object]]:
        rows = []
        for wiki in self.wikis:
            for instrument in (HEALTH, ENTRY):
                own = [key for key in self.shown if key[0] == wiki and self._instrument(key[1]) == instrument]
                links = sum(self.shown[key] + self.clicks[key] for key in own).sum(axis=1)
                loads = self.loads[wiki].sum(axis=1) * (instrument == HEALTH)
                visitors = self.visitors[wiki] * (instrument == HEALTH)
                rows += [
                    {"event_date": day, "wiki_db": wiki, **self._regime(wiki, instrument), "n_loads": int(loads[n]),
                     "n_events": int(loads[n] + links[n]), "n_visitors": int(visitors[n])}
                    for n, day in enumerate(self.days) if loads[n] + links[n] > 0
                ]  # fmt: skip
        return rows

    def _links(self) -> list[dict[str, object]]:
        rows = []
        for (wiki, element), shown in self.shown.items():
            totals = shown.sum(axis=1), self.clicks[wiki, element].sum(axis=1)
            regime = self._regime(wiki, self._instrument(element))
            for n, day in enumerate(self.days):
                counts = [int(total[n]) for total in totals]
                nowhere = [int(self.rng.binomial(count, self.no_platform[n])) for count in counts]
                share = self.mobile[wiki, element][n]
                mobile = [int(self.rng.binomial(c - lost, share)) for c, lost in zip(counts, nowhere, strict=True)]
                desktop = [c - a - b for c, a, b in zip(counts, nowhere, mobile, strict=True)]
                parts = [(None, nowhere), (MOBILE, mobile), ("desktop_browser", desktop)]
                rows += [
                    {"event_date": day, "wiki_db": wiki, **regime, "element_friendly_name": element,
                     "client_platform_family": platform, "edit_count_bucket": bucket, "n_impressions": n_shown,
                     "n_clicks": n_clicked}
                    for platform, (impressions, clicks) in parts
                    for bucket, n_shown, n_clicked in self._buckets(n, impressions, clicks) if n_shown or n_clicked
                ]  # fmt: skip
        return rows

    def _buckets(self, n: int, impressions: int, clicks: int) -> list[tuple[str, int, int]]:
        unknown = int(self.rng.binomial(impressions, self.unknown[n]))
        return [("100-999 edits", impressions - unknown, clicks), ("unknown", unknown, 0)]

    def _facts(
        self, tables: dict[str, pd.DataFrame], numbers: Sequence[int], reference_: Reference
    ) -> dict[str, pd.DataFrame]:
        """The profiles of the staged tables that the judged days would have."""
        days, log = [self.days[n] for n in numbers], tables["ingest_log"]
        links = tables["engagement_daily"].assign(
            n_events=lambda frame: frame["n_impressions"] + frame["n_clicks"], n_loads=0
        )
        events = pd.concat([tables["baseline_daily"].assign(n_events=lambda f: f["n_loads"]), links])
        sources = {
            "events": events, "ingest_log": log, "user_days": tables["baseline_daily"],
            "baseline_daily": tables["baseline_daily"], "user_link_days": links.drop(columns="n_loads"),
            "engagement_daily": links.drop(columns="n_loads"),
        }  # fmt: skip
        labels = ("event_date", "wiki_db", "instrument_name", "element_friendly_name", "fate", "reason")
        sums = pd.concat([frame.assign(source=name) for name, frame in sources.items()])
        sums = sums.reindex(columns=["source", *labels, *MEASURES]).astype({"element_friendly_name": "object"})
        return facts_frames(
            keys=self._keys(log, numbers), sums=sums, audit=audit_rows(self._audit(numbers)), days=days,
            reference=reference_, lines_read=None, link_measures=LINK_MEASURES,
        )  # fmt: skip

    def _keys(self, log: pd.DataFrame, numbers: Sequence[int]) -> pd.DataFrame:
        rows = []
        for n in numbers:
            lines = log[log["event_date"] == self.days[n]].groupby("fate")["n_lines"].sum()
            for table, fate in (("events", "kept"), ("duplicates", "duplicate"), ("quarantine", "quarantined")):
                stored = int(lines.get(fate, 0) * (self.stored_share[n] if fate == "kept" else 1))
                rows.append((table, self.days[n], stored, stored, 0))
            loads = int(sum(loads[n].sum() for loads in self.loads.values()))
            rows.append((LOADS, self.days[n], loads, int(loads * (1 - self.repeated[n])), 0))
            rows.append(("user_days", self.days[n], 90, 90 - int(self.doubled_rows[n]), 0))
        return pd.DataFrame(rows, columns=["source", "event_date", "n_rows", "n_keys", "n_null_keys"])

    def _audit(self, numbers: Sequence[int]) -> pd.DataFrame:
        """The sums of the sampling audit: fractions of ids are uniform below the true rate."""
        rows = []
        for n in numbers:
            for wiki, loads in self.loads.items():
                n_ids, rate = int(loads[n].sum()), self.rate_of(wiki)
                if n_ids == 0:
                    continue
                fractions = min(self.true_rate[wiki][n], rate) * self.rng.random(n_ids) ** self.bent[wiki][n]
                bins = np.bincount(np.minimum(fractions / rate * AUDIT_BINS, AUDIT_BINS - 1).astype(int))
                rows.append(
                    {"event_date": self.days[n], "wiki_db": wiki, "instrument_name": HEALTH, "sample_unit": "pageview",
                     "declared_rate": rate, "n_ids": n_ids, "largest_fraction": fractions.max(),
                     "n_impossible_pageviews": int(self.impossible[wiki][n]),
                     "histogram": [{"bin": b, "ids_in_bin": c} for b, c in enumerate(bins.tolist()) if c]}
                )  # fmt: skip
        return pd.DataFrame(rows)
