"""Of each check: who mends what it finds, what would be wrong without it, and the command to look closer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from expectations.checks import About, Check

ENGINEERS, ANALYSTS, INSTRUMENT = "data engineers", "analysts", "instrument owners"
LOG = "pdmetrics query \"from fct_ingest_log where ingest_date = date '{day}' order by hour\""
REFUSED = "pdmetrics quarantine --date {day}{staged}"
AUDIT = "pdmetrics query \"from fct_sampling_audit where event_date = date '{day}'\""
POLICY = "pdmetrics policy check --input DIR"
CARD = "pdmetrics verify-rollout --wiki {subject} --as-of {day}"
FACTS = "pdmetrics audit --gate facts --date {day}{staged}"
LINKS = "pdmetrics query \"from fct_link_engagement_daily where event_date > date '{day}' - 29 order by all\""
RERUN = "pdmetrics run --date {day} --input DIR"
RERUN_EARLIER = "pdmetrics run --date {subject} --input DIR"
MARTS = "pdmetrics audit --gate marts --date {day}{staged}"
VALUES = "pdmetrics query \"from fct_metric_values where as_of_date = date '{day}'\""
BASELINE = (
    "pdmetrics query \"from fct_baseline_daily where event_date > date '{day}' - 29 order by wiki_db, event_date\""
)
MART = 'pdmetrics query "from {subject}"'
METRIC = "pdmetrics query \"from fct_metric_values where metric = '{subject}' and as_of_date = date '{day}'\""
STATUSES = (
    'pdmetrics query "select as_of_date, wiki_db, status, status_reason, count(*) from fct_metric_values '
    "where as_of_date in (date '{day}', date '{day}' - 7) group by all order by all\""
)
DUMPS = "pdmetrics query \"from fct_audience_log where as_of_date = date '{day}' order by all\""
AUDIENCE = "pdmetrics query \"from fct_audience where as_of_date = date '{day}' order by all\""
AUDIENCE_PAST = "pdmetrics query \"from rpt_audience_month where wiki_db = '{subject}' order by all\""

ABOUT = {
    # What arrived.
    "quarantine_share": About(ENGINEERS, "lines that cannot be trusted are lost to every number", REFUSED),
    "missing_hours": About(ENGINEERS, "counts of a day without an hour are too low", LOG),
    "unreadable_files": About(ENGINEERS, "a file that cannot be read is a part of an hour that is lost", REFUSED),
    "stream_hours": About(ENGINEERS, "a stream that stops is not a wiki without visitors", LOG),
    "wiki_has_events": About(INSTRUMENT, "a wiki that sends nothing is not a wiki without visitors", CARD),
    "menu_link_before_visible": About(INSTRUMENT, "the dashboard was shown too early, or its date is wrong", CARD),
    "loads_before_visible": About(INSTRUMENT, "testers are no visitors", CARD),
    # The fates of lines, and what was staged of them.
    "fates_add_up": About(ENGINEERS, "a line that is in no count was lost on the way", LOG),
    "kept_rows_as_logged": About(ENGINEERS, "events and the log of their fates must be of one run", LOG),
    "duplicate_rows_as_logged": About(ENGINEERS, "duplicates and the log of their fates must be of one run", LOG),
    "quarantined_rows_as_logged": About(ENGINEERS, "a refused line that is not kept cannot be looked at", REFUSED),
    "keys_unique": About(ENGINEERS, "a row twice counts twice", FACTS),
    "keys_not_null": About(ENGINEERS, "a row without a key joins nothing, or everything", FACTS),
    "duplicate_share": About(ENGINEERS, "a copy that is not found counts twice", LOG),
    "loads_repeated": About(ENGINEERS, "what came twice under other ids counts twice", FACTS),
    "clock_skew_share": About(INSTRUMENT, "clients whose clocks are off may be robots, or sent days late", LOG),
    "unknown_element": About(ANALYSTS, "a link that the vocabulary lacks is in no group", BASELINE),
    "loads_user_days": About(ENGINEERS, "users and loads must be of the same events", FACTS),
    "loads_baseline": About(ENGINEERS, "the daily baseline must be of the same events", FACTS),
    "review_clicks_baseline": About(ENGINEERS, "reviewers and the daily baseline must agree", FACTS),
    "link_sums": About(ENGINEERS, "links by day and by user must be of the same events", FACTS),
    "link_impressions_events": About(ENGINEERS, "an impression that is in no row is lost", FACTS),
    "link_clicks_events": About(ENGINEERS, "a click that is in no row is lost", FACTS),
    "sampling_rate_higher": About(INSTRUMENT, "totals are weighted by a rate that is not the true one", AUDIT),
    "sampling_rate_lower": About(INSTRUMENT, "totals are too low until the policy says the true rate", AUDIT),
    "sampling_uniform": About(INSTRUMENT, "ids that are not spread evenly are not sampled at random", AUDIT),
    # Against the days before.
    "volume_low_far": About(ENGINEERS, "numbers wrong by so much should be seen by nobody", BASELINE),
    "volume_high_far": About(ENGINEERS, "robots, or a day delivered twice under other ids, are no visitors", BASELINE),
    "volume_low": About(ENGINEERS, "something happened to the wiki or to its events", BASELINE),
    "volume_high": About(ENGINEERS, "something happened to the wiki or to its events", BASELINE),
    "instrument_silent": About(INSTRUMENT, "silence is published as zero unless somebody says it is none", POLICY),
    "element_gone": About(INSTRUMENT, "a link that was renamed, removed or broken goes on as zero", LINKS),
    "visitors_low": About(ANALYSTS, "loads without people are a robot's", BASELINE),
    "visitors_high": About(ANALYSTS, "people without loads are a broken instrument's", BASELINE),
    "element_low": About(INSTRUMENT, "a platform or card of the link may have broken", LINKS),
    "element_high": About(INSTRUMENT, "the link may fire twice", LINKS),
    "hour_low": About(ENGINEERS, "a part of an hour's files is lost, or the stream stopped", LOG),
    "hours_shifted": About(ENGINEERS, "with times of another zone the day's ends are in the wrong day", LOG),
    "hours_still_missing": About(ENGINEERS, "windows stay incomplete until the hours come and are run", RERUN_EARLIER),
    "line_share_high": About(ENGINEERS, "what is dropped is not counted", REFUSED),
    "null_share_high": About(INSTRUMENT, "the margins of links lose what is unknown", LINKS),
    "regime_undeclared": About(ENGINEERS, "the weights of the day are not those of today's policy", RERUN),
    "trend_low": About(INSTRUMENT, "a loss of some percent a day is in no day's band", BASELINE),
    # The marts.
    "marts_not_empty": About(ENGINEERS, "a day without a row is a day that was not computed", MARTS),
    "metric_completeness_wrong": About(ENGINEERS, "a number with lost hours must not look whole", MARTS),
    "wiki_has_dashboard_rows": About(
        ENGINEERS, "a wiki that is missing is not told apart from one that is new", VALUES
    ),
    "subset_within_superset": About(ANALYSTS, "a part larger than its whole is an error of estimation", VALUES),
    "margins_within_total": About(ENGINEERS, "parts that exceed their total were counted twice", VALUES),
    "wikis_within_all": About(ENGINEERS, "wikis that exceed `all` were counted twice", VALUES),
    "wiki_all_is_sum": About(ENGINEERS, "`all` is the sum of its wikis where nothing is sampled", VALUES),
    "published_rows_unchanged": About(ENGINEERS, "a number that people have quoted must not change unsaid", MART),
    "published_rows_hidden_alike": About(ANALYSTS, "what was hidden to protect people must stay hidden", MART),
    "recomputed_rows_unchanged": About(ANALYSTS, "the same days gave other numbers: code or reference changed", METRIC),
    "keys_still_there": About(ENGINEERS, "a series that ends without a word looks like a link that is gone", METRIC),
    "unlisted_keys_still_there": About(ANALYSTS, "a link that the vocabulary lacks drops out unseen", METRIC),
    "publish_share_steady": About(ANALYSTS, "numbers that were good last week are withheld", STATUSES),
    "not_measured_share_steady": About(INSTRUMENT, "an instrument may have stopped measuring", STATUSES),
    "marts_not_older": About(ENGINEERS, "readers of the newest date would go back in time", MARTS),
    "marts_not_behind": About(ENGINEERS, "days come in and no number moves", LOG),
    # The audience.
    "audience_rows_as_logged": About(ENGINEERS, "a row of a dump that is in no count was lost on the way", DUMPS),
    "audience_revisions_counted": About(ENGINEERS, "editors must be counted of the revisions that were kept", DUMPS),
    "audience_malformed_share": About(ENGINEERS, "a dump of another format would give plausible numbers", DUMPS),
    "audience_malformed_inside": About(ENGINEERS, "editors are missed where their revisions cannot be read", DUMPS),
    "audience_dump_ends_early": About(
        ENGINEERS, "who edited after the end of a file that was cut is in no count", DUMPS
    ),
    "audience_dump_quiet": About(ENGINEERS, "a copy that lacks a day looks like a wiki with a quiet day", DUMPS),
    "audience_dump_begins_late": About(
        ENGINEERS, "a long window counts no more than a short one, and looks exact", DUMPS
    ),
    "audience_keys_unique": About(ENGINEERS, "a row twice counts twice", AUDIENCE),
    "audience_counts_possible": About(ENGINEERS, "what cannot be was counted wrongly", AUDIENCE),
    "audience_values_as_counted": About(ENGINEERS, "two tables must not tell two numbers", AUDIENCE),
    "audience_few_hidden": About(ENGINEERS, "few editors of a small wiki can be known by name", AUDIENCE),
    "audience_rows_complete": About(ENGINEERS, "a missing row looks like a wiki that was not asked for", AUDIENCE),
    "audience_nested": About(ENGINEERS, "a part larger than its whole is an error of counting", AUDIENCE),
    "audience_moved": About(ANALYSTS, "a jump is a campaign, another snapshot or a change of the dump", AUDIENCE_PAST),
    "audience_of_nobody": About(ANALYSTS, "a dump without the month looks like a wiki without editors", DUMPS),
}


def with_about(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return checks that know about themselves.

    Raises:
        KeyError: a check is not listed here.
    """
    return tuple(replace(check, about=ABOUT[check.id]) for check in checks)
