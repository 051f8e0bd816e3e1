"""What a table of the lake is, and the columns that several of them share."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.columns import BOOLEAN, DATE, DOUBLE, INT, STRING, Columns

WIKI_DAY: Columns = {"event_date": DATE, "wiki_db": STRING}
REGIME: Columns = {"instrument_name": STRING, "sample_unit": STRING, "sample_rate": DOUBLE}
SEGMENT: Columns = {"element_friendly_name": STRING, "client_platform_family": STRING, "edit_count_bucket": STRING}

# A row of `fct_metric_values`: a number with its interval, sample size, estimator, rates and status.
METRIC_KEY = (
    "metric", "metric_version", "wiki_db", "window_kind", "metric_date", "as_of_date", *SEGMENT, "inference",
)  # fmt: skip
METRIC_COLUMNS: Columns = {
    "metric": STRING, "metric_version": INT, "wiki_db": STRING, "window_kind": STRING,
    "metric_date": DATE, "as_of_date": DATE, "window_days": INT, **SEGMENT, "inference": STRING,
    "estimate": DOUBLE, "lower": DOUBLE, "upper": DOUBLE, "observed_numerator": DOUBLE,
    "observed_denominator": DOUBLE, "n_users_observed": DOUBLE, "n_effective": DOUBLE,
    "estimator": STRING, "sampling_unit": STRING, "sampling_rate_min": DOUBLE,
    "sampling_rate_max": DOUBLE, "status": STRING, "status_reason": STRING, "remedy": STRING,
    "series_break": STRING, "is_complete": BOOLEAN,
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table of the lake.

    Attributes:
        name: its name in the namespace `pd`.
        grain: the key of a row, as column names.
        columns: its columns, in order.
        partition: the column whose values are overwritten whole.
        personal_data: `identifiable`, `pseudonymous` (keyed hashes) or `none`.
        description: one sentence.
        keep: whose time it has, `events` or `user_days`: its rows go after so many days (`[privacy] …_keep_days`).
            None for a table without personal data, whose rows stay.
    """

    name: str
    grain: tuple[str, ...]
    columns: Columns
    partition: str
    personal_data: str
    description: str
    keep: str | None = None
