"""Every table of the lake, once: grain, columns, partition, owner and what personal data it holds.

The tables live in the Iceberg namespace `pd`. `jobs/warehouse` creates them from here, entries assert a frame's schema
against it before writing, the dbt sources and the privacy purge read it. Timestamps and dates are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "pd"

# Sums over kept pageviews of one element, platform, bucket and regime, unweighted. Shared by the three link tables.
LINK_SUMS = """
    n_impressions bigint, n_clicks bigint, n_shown bigint, n_matched bigint,
    n_pageviews bigint, n_shown_pageviews bigint, n_clicked_pageviews bigint, n_matched_pageviews bigint,
    n_click_pageviews bigint, n_shown_only_pageviews bigint,
    impressions_sq bigint, clicks_sq bigint, impressions_clicks bigint,
    shown_sq bigint, matched_sq bigint, shown_matched bigint"""

REGIME = "instrument_name string, sample_unit string, sample_rate double"
SEGMENT = "element_friendly_name string, client_platform_family string, edit_count_bucket string"
SESSION_SUMS = "n_impressions: bigint, n_clicks: bigint, n_shown: bigint, n_matched: bigint"

EVENT_COLUMNS = f"""
    event_date date, event_hour int, meta_id string, meta_dt timestamp, client_dt timestamp, wiki_db string,
    {REGIME}, action string, {SEGMENT}, funnel_entry_token string,
    user_hash string, session_hash bigint, pageview_hash bigint,
    session_fraction double, pageview_fraction double, is_clock_skewed boolean, line_hash bigint"""


@dataclass(frozen=True)
class Table:
    """A table of the lake.

    Attributes:
        name: its name in the namespace `pd`.
        grain: the key of a row, as column names.
        columns: DDL of the columns, in order.
        partition: the column whose values are overwritten whole.
        personal_data: `identifiable`, `pseudonymous` (keyed hashes) or `none`.
        description: one sentence.
    """

    name: str
    grain: tuple[str, ...]
    columns: str
    partition: str
    personal_data: str
    description: str


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "events",
            ("meta_id", "event_date"),
            EVENT_COLUMNS,
            "event_date",
            "pseudonymous",
            "Kept events: one row per accepted line, with the sampling unit and rate in force when it was sent.",
        ),
        Table(
            "duplicates",
            ("meta_id", "event_date", "meta_dt", "line_hash"),
            EVENT_COLUMNS,
            "event_date",
            "pseudonymous",
            "Valid copies that lost to an earlier one within 7 days; kept so that deduplication can be done again.",
        ),
        Table(
            "quarantine",
            ("event_date", "file", "line_hash"),
            "event_date date, event_hour int, reason string, file string, line string, line_hash bigint",
            "event_date",
            "identifiable",
            "Lines that could not be trusted, raw, with file and reason.",
        ),
        Table(
            "ingest_log",
            ("event_date", "event_hour", "fate", "reason"),
            "event_date date, event_hour int, fate string, reason string, n_lines bigint",
            "event_date",
            "none",
            "Lines read by input hour, fate and reason. Every arrived hour has a `kept` row, if need be with 0 lines.",
        ),
        Table(
            "user_days",
            ("event_date", "wiki_db", "user_hash", "instrument_name", "sample_unit", "sample_rate"),
            f"""event_date date, wiki_db string, user_hash string, {REGIME},
                n_loads bigint, n_pageviews bigint, n_sessions bigint, loads_sq bigint,
                n_review_clicks bigint, n_review_pageviews bigint,
                n_pageviews_at array<bigint>, n_review_pageviews_at array<bigint>,
                sessions array<struct<session_hash: bigint, session_fraction: double, n_loads: bigint,
                                      n_pageviews: bigint, n_review_pageviews: bigint>>""",
            "event_date",
            "pseudonymous",
            "A user's day on the dashboard in one sampling regime: loads, pageviews, sessions, review clicks.",
        ),
        Table(
            "user_link_days",
            (
                "event_date",
                "wiki_db",
                "user_hash",
                "instrument_name",
                "sample_unit",
                "sample_rate",
                "element_friendly_name",
                "client_platform_family",
                "edit_count_bucket",
            ),
            f"""event_date date, wiki_db string, user_hash string, {REGIME}, {SEGMENT}, {LINK_SUMS},
                sessions array<struct<session_hash: bigint, {SESSION_SUMS}>>""",
            "event_date",
            "pseudonymous",
            "A user's day with one link (or the group `review links`), by platform and bucket.",
        ),
        Table(
            "unit_link_days",
            (
                "event_date",
                "wiki_db",
                "session_hash",
                "instrument_name",
                "sample_unit",
                "sample_rate",
                "element_friendly_name",
                "client_platform_family",
                "edit_count_bucket",
            ),
            f"event_date date, wiki_db string, session_hash bigint, {REGIME}, {SEGMENT}, {LINK_SUMS}",
            "event_date",
            "pseudonymous",
            "The same for instruments without user ids: a session's day with one link.",
        ),
        Table(
            "baseline_daily",
            ("event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate"),
            f"""event_date date, wiki_db string, {REGIME}, n_events bigint, n_loads bigint, n_pageviews bigint,
                n_sessions bigint, n_visitors bigint, n_reviewers bigint, n_review_clicks bigint""",
            "event_date",
            "none",
            "A wiki's day on the dashboard in one sampling regime, as kept (unweighted).",
        ),
        Table(
            "engagement_daily",
            (
                "event_date",
                "wiki_db",
                "instrument_name",
                "sample_unit",
                "sample_rate",
                "element_friendly_name",
                "client_platform_family",
                "edit_count_bucket",
            ),
            f"event_date date, wiki_db string, {REGIME}, {SEGMENT}, n_users bigint, n_sessions bigint, {LINK_SUMS}",
            "event_date",
            "none",
            "A wiki's day with one link, by platform and bucket, as kept (unweighted).",
        ),
        Table(
            "retention_windows",
            ("metric", "wiki_db", "metric_date", "as_of_date"),
            """metric string, wiki_db string, metric_date date, as_of_date date, window_days int,
               n_cohort bigint, n_returned bigint""",
            "as_of_date",
            "none",
            "Cohorts of visitors and how many of them were seen again, as kept (unweighted).",
        ),
        Table(
            "sampling_audit",
            ("event_date", "wiki_db", "instrument_name", "sample_unit", "declared_rate"),
            """event_date date, wiki_db string, instrument_name string, sample_unit string, declared_rate double,
               n_ids bigint, largest_fraction double, upper_limit double, n_impossible_pageviews bigint,
               ks_p_value double, verdict string, likely_rate double""",
            "event_date",
            "none",
            "The client's in-sample rule replayed on the ids of a day, against the declared rate.",
        ),
        Table(
            "metric_values",
            (
                "metric",
                "metric_version",
                "wiki_db",
                "window_kind",
                "metric_date",
                "as_of_date",
                "element_friendly_name",
                "client_platform_family",
                "edit_count_bucket",
                "inference",
            ),
            """metric string, metric_version int, wiki_db string, window_kind string, metric_date date,
               as_of_date date, window_days int, element_friendly_name string, client_platform_family string,
               edit_count_bucket string, inference string, estimate double, lower double, upper double,
               observed_numerator double, observed_denominator double, n_users_observed double, n_effective double,
               estimator string, sampling_unit string, sampling_rate_min double, sampling_rate_max double,
               status string, status_reason string, remedy string, series_break string, is_complete boolean""",
            "as_of_date",
            "none",
            "Every published number with its interval, sample size, estimator, rates and status.",
        ),
        Table(
            "self_validation",
            ("wiki_db", "as_of_date", "metric", "metric_date", "rate"),
            """wiki_db string, as_of_date date, metric string, metric_date date, window_days int, sample_unit string,
               rate double, truth double, estimate double, lower double, upper double, naive double, status string,
               is_covered boolean""",
            "as_of_date",
            "none",
            "A wiki's own 100 % days thinned by the ids' hash and run through the estimators.",
        ),
        Table(
            "data_quality_metrics",
            ("event_date", "gate", "check_id", "subject"),
            """event_date date, gate string, check_id string, subject string, severity string, success boolean,
               observed string, expected string, message string""",
            "event_date",
            "none",
            "What each quality gate checked for a day, what it saw and whether it passed.",
        ),
    )
}


def table(name: str) -> Table:
    """Return the contract of a table; a KeyError names the tables there are."""
    try:
        return TABLES[name]
    except KeyError:
        raise KeyError(f"no table {name!r}; there are {', '.join(sorted(TABLES))}") from None
