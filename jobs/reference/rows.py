"""The rows of the reference CSVs and the words they may use.

Dates are UTC days; timestamps are time-zone aware UTC; every stretch is half-open, its end exclusive, null while open.
`line` is the line of the file a row came from (0 if none) and does not count when rows are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

WIKIS_CSV, POLICY_CSV = "wikis.csv", "sampling_policy.csv"
INSTRUMENTS_CSV, VOCABULARY_CSV = "instruments.csv", "vocabulary.csv"
WIKI_CONFIG_CSV, MILESTONES_CSV, METRICS_CSV = "wiki_config.csv", "milestones.csv", "metrics.csv"

COLUMNS: dict[str, tuple[str, ...]] = {
    WIKIS_CSV: ("wiki_db", "domain", "language", "pilot", "enabled_from", "visible_from"),
    POLICY_CSV: ("instrument_name", "wiki_db", "sample_unit", "sample_rate", "valid_from", "valid_to"),
    INSTRUMENTS_CSV: ("instrument_name", "role", "has_user_id", "valid_from", "valid_to"),
    VOCABULARY_CSV: (
        "element_friendly_name",
        "link_group",
        "client_platform_family",
        "measured_from",
        "measured_to",
        "reason",
    ),
    WIKI_CONFIG_CSV: ("wiki_db", "setting", "value", "valid_from", "valid_to"),
    MILESTONES_CSV: (
        "milestone",
        "wiki_db",
        "metric",
        "window_kind",
        "window_days",
        "target",
        "due_date",
        "source",
    ),
    METRICS_CSV: (
        "metric",
        "metric_version",
        "name",
        "definition",
        "numerator",
        "denominator",
        "window_kinds",
        "family",
        "caveats",
        "task",
    ),
}
SHIPPED = (INSTRUMENTS_CSV, VOCABULARY_CSV)  # the package has a default
OPTIONAL = (WIKI_CONFIG_CSV, MILESTONES_CSV)

UNITS = ("pageview", "session")
ROLES = ("usage", "entry_point", "both")
USAGE_ROLES = ("usage", "both")
REVIEW_LINKS = "review links"
LINK_GROUPS = (REVIEW_LINKS, "entry point", "other links")
PLATFORMS = ("desktop_browser", "mobile_browser")
ANY_WIKI = ANY_PLATFORM = "*"
PILOT = "pilot"


@dataclass(frozen=True)
class WikiRow:
    """A wiki with its day of deployment and the day of first display."""

    wiki_db: str
    domain: str
    language: str
    pilot: bool
    enabled_from: date
    visible_from: date
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class PolicyRow:
    """A stretch of one sampling unit and rate; `wiki_db` may be `*`, an open `valid_to` is null."""

    instrument_name: str
    wiki_db: str
    sample_unit: str
    sample_rate: float
    valid_from: datetime
    valid_to: datetime | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class InstrumentRow:
    """A stretch in which an instrument has a role: `usage`, `entry_point` or `both`."""

    instrument_name: str
    role: str
    has_user_id: bool
    valid_from: date
    valid_to: date | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class VocabularyRow:
    """A stretch in which an element could be measured on a platform (`*` is every one)."""

    element_friendly_name: str
    link_group: str
    client_platform_family: str
    measured_from: date
    measured_to: date | None
    reason: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class WikiConfigRow:
    """A setting of a wiki while it held: an annotation."""

    wiki_db: str
    setting: str
    value: str
    valid_from: datetime
    valid_to: datetime | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class MilestoneRow:
    """A target for a metric; `wiki_db` is a wiki or `pilot`, `window_days` is null for quarter to date."""

    milestone: str
    wiki_db: str
    metric: str
    window_kind: str
    window_days: int | None
    target: float
    due_date: date
    source: str
    line: int = field(default=0, compare=False)
