"""Every table of the lake, once: grain, columns, partition, owner and what personal data it holds.

The tables live in the Iceberg namespace `pd`. `jobs/warehouse` creates them from here, entries assert a frame's schema
against it before writing, the dbt sources and the privacy purge read it. Timestamps and dates are UTC.
"""

from __future__ import annotations

from typing import Any

from jobs.audience_tables import AUDIENCE_TABLES
from jobs.columns import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, TIMESTAMP, Array, Columns, Struct
from jobs.table import METRIC_COLUMNS, METRIC_KEY, REGIME, SEGMENT, WIKI_DAY, Table

NAMESPACE = "pd"

SELF_VALIDATION_RATES = (0.1, 0.25, 0.5)  # what the arrays `…_at` of user_days count below

# Sums over kept pageviews of one element, platform, bucket and regime, unweighted. Shared by the three link tables.
SESSION_LINK_SUMS: Columns = {"n_impressions": BIGINT, "n_clicks": BIGINT, "n_shown": BIGINT, "n_matched": BIGINT}
LINK_SUMS: Columns = {
    **SESSION_LINK_SUMS, "n_pageviews": BIGINT, "n_shown_pageviews": BIGINT, "n_clicked_pageviews": BIGINT,
    "n_matched_pageviews": BIGINT, "n_click_pageviews": BIGINT, "n_shown_only_pageviews": BIGINT,
    "impressions_sq": BIGINT, "clicks_sq": BIGINT, "impressions_clicks": BIGINT, "shown_sq": BIGINT,
    "matched_sq": BIGINT, "shown_matched": BIGINT,
}  # fmt: skip

EVENT_COLUMNS: Columns = {
    "event_date": DATE, "event_hour": INT, "meta_id": STRING, "meta_dt": TIMESTAMP, "client_dt": TIMESTAMP,
    "wiki_db": STRING, **REGIME, "action": STRING, **SEGMENT, "funnel_entry_token": STRING, "user_hash": STRING,
    "session_hash": BIGINT, "pageview_hash": BIGINT, "session_fraction": DOUBLE, "pageview_fraction": DOUBLE,
    "is_clock_skewed": BOOLEAN, "line_hash": BIGINT,
}  # fmt: skip


# fmt: off
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
            keep="events",
        ),
        Table(
            "duplicates",
            ("meta_id", "event_date", "meta_dt", "line_hash"),
            EVENT_COLUMNS,
            "event_date",
            "pseudonymous",
            "Valid copies that lost to an earlier one within 7 days; kept so that deduplication can be done again.",
            keep="events",
        ),
        Table(
            "quarantine",
            ("event_date", "file", "line_hash"),
            {
                "event_date": DATE, "event_hour": INT, "reason": STRING, "file": STRING, "line": STRING,
                "line_hash": BIGINT,
            },
            "event_date",
            "identifiable",
            "Lines that could not be trusted, raw, with file and reason.",
            keep="events",
        ),
        Table(
            "ingest_log",
            ("event_date", "event_hour", "fate", "reason"),
            {"event_date": DATE, "event_hour": INT, "fate": STRING, "reason": STRING, "n_lines": BIGINT},
            "event_date",
            "none",
            "Lines read by input hour, fate and reason. Every arrived hour has a `kept` row, if need be with 0 lines.",
        ),
        Table(
            "user_days",
            ("event_date", "wiki_db", "user_hash", *REGIME),
            {
                **WIKI_DAY, "user_hash": STRING, **REGIME,
                "n_loads": BIGINT, "n_pageviews": BIGINT, "n_sessions": BIGINT, "loads_sq": BIGINT,
                "n_review_clicks": BIGINT, "n_review_pageviews": BIGINT,
                "n_pageviews_at": Array(BIGINT), "n_review_pageviews_at": Array(BIGINT),
                "sessions": Array(Struct({
                    "session_hash": BIGINT, "session_fraction": DOUBLE, "n_loads": BIGINT, "n_pageviews": BIGINT,
                    "n_review_pageviews": BIGINT,
                })),
            },
            "event_date",
            "pseudonymous",
            "A user's day on the dashboard in one sampling regime: loads, pageviews, sessions, review clicks.",
            keep="user_days",
        ),
        Table(
            "user_link_days",
            ("event_date", "wiki_db", "user_hash", *REGIME, *SEGMENT),
            {
                **WIKI_DAY, "user_hash": STRING, **REGIME, **SEGMENT, **LINK_SUMS,
                "sessions": Array(Struct({"session_hash": BIGINT, **SESSION_LINK_SUMS})),
            },
            "event_date",
            "pseudonymous",
            "A user's day with one link (or the group `review links`), by platform and bucket.",
            keep="user_days",
        ),
        Table(
            "unit_link_days",
            ("event_date", "wiki_db", "session_hash", *REGIME, *SEGMENT),
            {**WIKI_DAY, "session_hash": BIGINT, **REGIME, **SEGMENT, **LINK_SUMS},
            "event_date",
            "pseudonymous",
            "The same for instruments without user ids: a session's day with one link.",
            keep="user_days",
        ),
        Table(
            "baseline_daily",
            ("event_date", "wiki_db", *REGIME),
            {
                **WIKI_DAY, **REGIME, "n_events": BIGINT, "n_loads": BIGINT, "n_pageviews": BIGINT,
                "n_sessions": BIGINT, "n_visitors": BIGINT, "n_reviewers": BIGINT, "n_review_clicks": BIGINT,
            },
            "event_date",
            "none",
            "A wiki's day on the dashboard in one sampling regime, as kept (unweighted).",
        ),
        Table(
            "engagement_daily",
            ("event_date", "wiki_db", *REGIME, *SEGMENT),
            {**WIKI_DAY, **REGIME, **SEGMENT, "n_users": BIGINT, "n_sessions": BIGINT, **LINK_SUMS},
            "event_date",
            "none",
            "A wiki's day with one link, by platform and bucket, as kept (unweighted).",
        ),
        Table(
            "hourly_counts",
            ("event_date", "wiki_db", "event_hour", *REGIME, *SEGMENT),
            {
                **WIKI_DAY, "event_hour": INT, **REGIME, **SEGMENT, "n_loads": BIGINT, "n_impressions": BIGINT,
                "n_clicks": BIGINT, "n_visitors": BIGINT, "n_shown_users": BIGINT, "n_click_users": BIGINT,
            },
            "event_date",
            "none",
            "A wiki's hour on the dashboard (no element) or with one link, as kept: what a lost hour could have held.",
        ),
        Table(
            "retention_windows",
            ("metric", "wiki_db", "metric_date", "as_of_date"),
            {
                "metric": STRING, "wiki_db": STRING, "metric_date": DATE, "as_of_date": DATE, "window_days": INT,
                "n_cohort": BIGINT, "n_returned": BIGINT,
            },
            "as_of_date",
            "none",
            "Cohorts of visitors and how many of them were seen again, as kept (unweighted).",
        ),
        Table(
            "sampling_audit",
            ("event_date", "wiki_db", "instrument_name", "sample_unit", "declared_rate"),
            {
                **WIKI_DAY, "instrument_name": STRING, "sample_unit": STRING, "declared_rate": DOUBLE,
                "n_ids": BIGINT, "largest_fraction": DOUBLE, "upper_limit": DOUBLE, "n_impossible_pageviews": BIGINT,
                "ks_p_value": DOUBLE, "verdict": STRING, "likely_rate": DOUBLE,
            },
            "event_date",
            "none",
            "The client's in-sample rule replayed on the ids of a day, against the declared rate.",
        ),
        Table(
            "metric_values",
            METRIC_KEY,
            METRIC_COLUMNS,
            "as_of_date",
            "none",
            "Every published number with its interval, sample size, estimator, rates and status.",
        ),
        Table(
            "self_validation",
            ("wiki_db", "as_of_date", "metric", "metric_date", "rate"),
            {
                "wiki_db": STRING, "as_of_date": DATE, "metric": STRING, "metric_date": DATE, "window_days": INT,
                "sample_unit": STRING, "rate": DOUBLE, "truth": DOUBLE, "estimate": DOUBLE, "lower": DOUBLE,
                "upper": DOUBLE, "naive": DOUBLE, "status": STRING, "is_covered": BOOLEAN,
            },
            "as_of_date",
            "none",
            "A wiki's own 100 % days thinned by the ids' hash and run through the estimators.",
        ),
        Table(
            "visit_laws",
            ("wiki_db", "as_of_date", "counted", "window_days", "sample_unit", "sample_rate", "n_units"),
            {
                "wiki_db": STRING, "as_of_date": DATE, "metric_date": DATE, "counted": STRING, "window_days": INT,
                "sample_unit": STRING, "sample_rate": DOUBLE, "n_units": BIGINT, "n_users": BIGINT,
            },
            "as_of_date",
            "none",
            "How often visitors and reviewers of a wiki's whole windows came, as kept and thinned: reference shapes.",
        ),
        Table(
            "milestone_status",
            ("milestone", "wiki_db", "metric", "as_of_date"),
            {
                "milestone": STRING, "wiki_db": STRING, "metric": STRING, "window_kind": STRING, "window_days": INT,
                "target": DOUBLE, "due_date": DATE, "source": STRING, "as_of_date": DATE, "status": STRING,
                "is_overdue": BOOLEAN, "reached_on": DATE, "window_start": DATE, "window_end": DATE,
                "estimate": DOUBLE, "lower": DOUBLE, "upper": DOUBLE, "share_reached": DOUBLE,
                "expected_from": DATE, "expected_to": DATE, "reason": STRING, "remedy": STRING,
            },
            "as_of_date",
            "none",
            "Where each milestone stood on each day: reached, on track, behind or not measurable, and why.",
        ),
        *AUDIENCE_TABLES,
        Table(
            "data_quality_metrics",
            ("event_date", "gate", "check_id", "subject", "run_id", "attempt"),
            {
                "event_date": DATE, "gate": STRING, "check_id": STRING, "subject": STRING, "severity": STRING,
                "success": BOOLEAN, "observed": STRING, "expected": STRING, "message": STRING,
                "run_id": STRING, "attempt": INT,
            },
            "event_date",
            "none",
            "What each quality gate checked for a day, what it saw and whether it passed, by run; of failed runs too.",
        ),
        Table(
            "purges",
            ("table_name", "event_date", "snapshot_id"),
            {
                "purged_on": DATE, "as_of_date": DATE, "cause": STRING, "table_name": STRING, "event_date": DATE,
                "n_rows": BIGINT, "n_bytes": BIGINT, "n_files": BIGINT, "snapshot_id": BIGINT,
            },
            "purged_on",
            "none",
            "Receipts of `purge`: rows of a day that were deleted, why, and of which files; no user, no key.",
        ),
    )
}
# fmt: on


def table(name: str) -> Table:
    """Return the contract of a table; a KeyError names the tables there are."""
    try:
        return TABLES[name]
    except KeyError:
        raise KeyError(f"no table {name!r}; there are {', '.join(sorted(TABLES))}") from None


def is_lost_hour(fate: Any, reason: Any) -> Any:
    """Return whether `fate` and `reason` of a row of `ingest_log` say that its hour is not whole; columns, row by row.

    Spark and SQL have the rule in `transforms.arrival` and `quality.marts_sql`.
    """
    return (fate == "missing_hour") | (reason == "unreadable_file")
