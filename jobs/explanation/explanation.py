"""What an explanation is: one dataclass, printed as text or as JSON, whose structure is that of the fields."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class MetricRow:
    """A row of `fct_metric_values`, column by column (docs/contract.md, section 4.3)."""

    metric: str
    metric_version: int
    wiki_db: str
    window_kind: str
    metric_date: date
    as_of_date: date
    window_days: int | None
    element_friendly_name: str
    client_platform_family: str
    edit_count_bucket: str
    inference: str
    estimate: float | None
    lower: float | None
    upper: float | None
    observed_numerator: float | None
    observed_denominator: float | None
    n_users_observed: float | None
    n_effective: float | None
    estimator: str
    sampling_unit: str | None
    sampling_rate_min: float | None
    sampling_rate_max: float | None
    status: str
    status_reason: str | None
    remedy: str | None
    series_break: str | None
    is_complete: bool

    @classmethod
    def of(cls, record: dict[str, Any]) -> MetricRow:
        """Return the row of a record that may have more columns."""
        return cls(**{field.name: record[field.name] for field in fields(cls)})

    @property
    def is_exact(self) -> bool:
        """Whether it has a number and no interval: everything was kept."""
        return self.estimate is not None and self.lower == self.estimate == self.upper

    @property
    def is_whole(self) -> bool:
        """Whether no rate in the window is below 1."""
        return self.sampling_rate_min is not None and self.sampling_rate_min >= 1

    @property
    def single_rate(self) -> float | None:
        """The one rate in the window, None where there are several or none."""
        return self.sampling_rate_min if self.sampling_rate_min == self.sampling_rate_max else None


@dataclass(frozen=True)
class Definition:
    """What the catalogue says of a metric."""

    name: str
    definition: str
    numerator: str
    denominator: str
    kind: str
    unit: str
    direction: str
    caveats: tuple[str, ...]
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Formula:
    """How a number is made: in words, with the row's own numbers, where its interval comes from, where more stands."""

    estimator: str
    formula: str
    filled_in: str | None
    interval: str
    see: str


@dataclass(frozen=True)
class TableRead:
    """A table of the lake that was read, as of which snapshot."""

    table: str
    snapshot_id: int
    holds: str
    source: str


@dataclass(frozen=True)
class PolicyLine:
    """A line of `sampling_policy.csv` that concerns the window."""

    instrument_name: str
    wiki_db: str
    sample_unit: str
    sample_rate: float
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True)
class RateLine:
    """A unit and rate in force in the window, of an instrument on a wiki, and the rate that kept events carry."""

    instrument_name: str
    wiki_db: str
    sample_unit: str
    sample_rate: float
    kept_rate: float
    valid_from: datetime
    valid_to: datetime | None
    note: str


@dataclass(frozen=True)
class Inputs:
    """What a number was made of.

    Attributes:
        run_id: the newest published run, which left these snapshots.
        row_run_id: the run that made the row; None where its folder is gone.
        tables: what was read of the lake.
        policy: lines of the policy.
        carried: units and rates that kept events of the window carry, in words.
        measured: what could be measured, was lost, or was sampled otherwise than declared; a sentence each.
    """

    run_id: str
    row_run_id: str | None
    tables: tuple[TableRead, ...]
    policy: tuple[PolicyLine, ...]
    rates: tuple[RateLine, ...]
    carried: tuple[str, ...]
    measured: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """A count on the way from the lines to the number.

    Attributes:
        what: what is counted, after which filter.
        count: how many; None where it is hidden.
        noun: lines, events, users …
        is_hidden: it is not shown, to protect fewer users than `[privacy] min_users`.
        sql: the id of the statement that counted it.
        agrees: of a count that the row has as well, whether both are the same; None of others and where it is hidden.
    """

    what: str
    count: int | None
    noun: str
    is_hidden: bool
    sql: str
    agrees: bool | None = None


@dataclass(frozen=True)
class Sql:
    """A statement that was executed for this explanation, on the marts or on the tables of the lake."""

    id: str
    what: str
    runs_on: str
    text: str


@dataclass(frozen=True)
class Naive:
    """What somebody would have got who ignored a thing; None with the reason in `why` where there is no such value."""

    how: str
    value: float | None
    why: str


@dataclass(frozen=True)
class Alternative:
    """What the number is, or would be, otherwise.

    Attributes:
        kind: `inference`, `window`, `definition`, `rate` or `assumption`; of eligible editors `window`,
            `band` or `choice`.
        what: the alternative, in words.
        unit: of the value.
        estimate, lower, upper, status: as published or thinned; None where there is no such number.
        note: what to make of it, or why it is not computed.
    """

    kind: str
    what: str
    unit: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    status: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Forecast:
    """What an audience grows to.

    Attributes:
        days: in so many.
        estimate, lower, upper: None where it cannot be told.
        exponent: the power of time by which it grows.
        linear: what a straight line would say.
        how: from which counts, or why not.
        means: of what it is a forecast, and of what not.
    """

    days: int
    estimate: float | None
    lower: float | None
    upper: float | None
    exponent: float | None
    linear: float | None
    how: str
    means: str


@dataclass(frozen=True)
class Explanation:
    """All of it.

    Attributes:
        headline: the answer, in one line.
        chosen: what was chosen where an option was left out.
        row: the published row.
        means: what may be done with a row of this status.
        definition, formula, inputs: what it is, how it is made, of what.
        steps: counts, filter by filter.
        sql: the statements behind row and steps.
        naive: what others would get.
        alternatives: what the number would be under documented alternatives.
        forecast: of eligible editors, what they grow to; None of other metrics.
    """

    headline: str
    chosen: tuple[str, ...]
    row: MetricRow
    means: str
    definition: Definition
    formula: Formula
    inputs: Inputs
    steps: tuple[Step, ...]
    sql: tuple[Sql, ...]
    naive: tuple[Naive, ...]
    alternatives: tuple[Alternative, ...]
    forecast: Forecast | None = None
