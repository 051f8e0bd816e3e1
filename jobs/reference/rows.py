"""The rows of the reference CSVs, each stated once as a dataclass, and the words they may use.

A dataclass says which columns its file has, what they hold and how a cell is read: by its type, or by the reader
beside the type. Dates are UTC days; timestamps are time-zone aware UTC; every stretch is half-open, its end exclusive,
null while open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from jobs.columns import Columns, columns_of
from jobs.metric import WINDOW_KINDS, MetricLine
from jobs.reference.cells import FileRow, choice
from jobs.reference.csv_file import Row
from jobs.reference.stretch import Stretch
from jobs.reference.targets import read_target

WIKIS_CSV, POLICY_CSV = "wikis.csv", "sampling_policy.csv"
INSTRUMENTS_CSV, VOCABULARY_CSV = "instruments.csv", "vocabulary.csv"
WIKI_CONFIG_CSV, MILESTONES_CSV, METRICS_CSV = "wiki_config.csv", "milestones.csv", "metrics.csv"
SHIPPED = (INSTRUMENTS_CSV, VOCABULARY_CSV, MILESTONES_CSV)  # the package has a default
OPTIONAL = (WIKI_CONFIG_CSV,)

UNITS = ("pageview", "session")
ROLES = ("usage", "entry_point", "both")
USAGE_ROLES = ("usage", "both")
REVIEW_LINKS = "review links"
ENTRY_POINT = "entry point"  # links that lead to the dashboard
LINK_GROUPS = (REVIEW_LINKS, ENTRY_POINT, "other links")
PLATFORMS = ("desktop_browser", "mobile_browser")
ANY_WIKI = ANY_PLATFORM = "*"
PILOT = "pilot"


@dataclass(frozen=True)
class WikiRow(FileRow):
    """A wiki with its day of deployment and the day of first display."""

    wiki_db: str
    domain: str
    language: str
    pilot: bool
    enabled_from: date
    visible_from: date


@dataclass(frozen=True)
class PolicyRow(FileRow):
    """A stretch of one sampling unit and rate; `wiki_db` may be `*`, an open `valid_to` is null."""

    instrument_name: str
    wiki_db: str
    sample_unit: Annotated[
        str, choice(UNITS, "Write pageview or session: with any other unit the client sends nothing")
    ]
    sample_rate: Annotated[float, Row.rate]
    valid_from: datetime
    valid_to: datetime | None

    @property
    def stretch(self) -> Stretch[datetime]:
        """When it is in force."""
        return Stretch(self.valid_from, self.valid_to)


@dataclass(frozen=True)
class InstrumentRow(FileRow):
    """A stretch in which an instrument has a role: `usage`, `entry_point` or `both`."""

    instrument_name: str
    role: Annotated[str, choice(ROLES)]
    has_user_id: bool
    valid_from: date
    valid_to: date | None

    @property
    def stretch(self) -> Stretch[date]:
        """When it is in force."""
        return Stretch(self.valid_from, self.valid_to)


@dataclass(frozen=True)
class VocabularyRow(FileRow):
    """A stretch in which an element could be measured on a platform (`*` is every one)."""

    element_friendly_name: str
    link_group: Annotated[str, choice(LINK_GROUPS)]
    client_platform_family: Annotated[str, choice((*PLATFORMS, ANY_PLATFORM))]
    measured_from: date
    measured_to: date | None
    reason: Annotated[str, Row.any_text]

    @property
    def stretch(self) -> Stretch[date]:
        """When it is in force."""
        return Stretch(self.measured_from, self.measured_to)


@dataclass(frozen=True)
class WikiConfigRow(FileRow):
    """A setting of a wiki while it held: an annotation."""

    wiki_db: str
    setting: str
    value: Annotated[str, Row.any_text]
    valid_from: datetime
    valid_to: datetime | None

    @property
    def stretch(self) -> Stretch[datetime]:
        """When it is in force."""
        return Stretch(self.valid_from, self.valid_to)


@dataclass(frozen=True)
class MilestoneRow(FileRow):
    """A target for a metric; `wiki_db` is a wiki or `pilot`, `window_days` is null for quarter to date.

    The target is a number, or as text a share of the audience (`targets.py`).
    """

    milestone: str
    wiki_db: str
    metric: str
    window_kind: Annotated[str, choice(WINDOW_KINDS)]
    window_days: Annotated[int | None, Row.days]
    target: Annotated[str | float, read_target]
    due_date: date
    source: Annotated[str, Row.any_text]


COLUMNS: dict[str, Columns] = {
    WIKIS_CSV: columns_of(WikiRow),
    POLICY_CSV: columns_of(PolicyRow),
    INSTRUMENTS_CSV: columns_of(InstrumentRow),
    VOCABULARY_CSV: columns_of(VocabularyRow),
    WIKI_CONFIG_CSV: columns_of(WikiConfigRow),
    MILESTONES_CSV: columns_of(MilestoneRow),
    METRICS_CSV: columns_of(MetricLine),
}
"""The columns of each file, in order."""
