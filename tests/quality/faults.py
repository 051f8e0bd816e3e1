"""The catalogue of faults: what goes wrong, and which check of which gate must say so, how loudly and how soon.

Each is put into tables (CI: `test_faults.py`), and most into the raw files of a simulated world
(`benchmarks/faults.py`). docs/quality.md has the same list; `test_quality_docs.py` holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from expectations.checks import CRITICAL, WARNING
from tests.quality import fault_files as files
from tests.quality import fault_tables as tables
from tests.quality.fault_files import Files


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: a few words.
        what: what happens, in a sentence.
        gate, check, severity: what must catch it.
        within: on which day of the fault at the latest; 1 is its first.
        subject: words of the subject that must fail.
        into_tables: puts it into a `FaultWorld`, for the marts gate into `FaultMarts`.
        into_files: puts it into the raw files, the CSVs or the warehouse of a simulated world; None where only a defect
            of the pipeline itself, or weeks, would bring it about.
    """

    name: str
    what: str
    gate: str
    check: str
    severity: str
    within: int
    subject: str
    into_tables: Callable[..., None]
    into_files: Callable[[Files], Any] | None = None


FAULTS = (
    # Hours and files.
    Fault(
        "half an hour missing", "the files of hour 15 hold its first half only",
        "raw", "hour_low", WARNING, 1, "hour 15", tables.half_an_hour, files.half_an_hour,
    ),
    Fault(
        "an hour lost", "the folder of hour 9 never comes",
        "raw", "missing_hours", WARNING, 1, "day", tables.hour_lost, files.hour_lost,
    ),
    Fault(
        "an hour of one stream", "one of two streams has no file for hour 9",
        "raw", "stream_hours", WARNING, 1, "", tables.hour_of_a_stream, files.hour_of_a_stream,
    ),
    Fault(
        "a file cut off", "the zipped file of hour 20 ends in the middle",
        "raw", "unreadable_files", WARNING, 1, "day", tables.file_cut, files.file_cut,
    ),
    Fault(
        "a day missing in the middle", "nothing of a day comes, the next day is run",
        "raw", "hours_still_missing", WARNING, 2, "", tables.day_missing, files.day_missing,
    ),
    Fault(
        "a stream stops at noon", "files of the hours from 12 on come and are empty",
        "raw", "hour_low", WARNING, 1, "hour 13", tables.noon, files.noon,
    ),
    Fault(
        "another time zone", "times and folders are five hours ahead",
        "raw", "hours_shifted", WARNING, 1, "day", tables.wrong_zone, files.wrong_zone,
    ),
    Fault(
        "doubled delivery", "every line comes twice",
        "raw", "line_share_high", WARNING, 1, "duplicates", tables.delivered_twice, files.delivered_twice,
    ),
    Fault(
        "a day twice under other ids", "every line comes twice, the copy with an id of its own",
        "raw", "volume_high_far", CRITICAL, 1, "", tables.twice_under_other_ids, files.twice_under_other_ids,
    ),
    Fault(
        "half a day twice under other ids", "the lines of half of the sessions come twice, the copies with other ids",
        "facts", "loads_repeated", CRITICAL, 1, "day", tables.half_under_other_ids, files.half_under_other_ids,
    ),
    # Lines.
    Fault(
        "a wave of wrong clocks", "the clocks of a fifth of the clients are three days slow",
        "raw", "line_share_high", WARNING, 1, "kept: clock_skew", tables.clocks_off, files.clocks_off,
    ),
    Fault(
        "a field renamed", "a fifth of the clients send `session` for `session_id`",
        "raw", "quarantine_share", CRITICAL, 1, "day", tables.field_renamed, files.field_renamed,
    ),
    Fault(
        "events of a foreign wiki", "three lines in a hundred are of a wiki that wikis.csv lacks",
        "raw", "line_share_high", WARNING, 1, "quarantined: unknown_wiki", tables.foreign_wiki, files.foreign_wiki,
    ),
    Fault(
        "a wiki taken out of wikis.csv", "its lines go on coming",
        "raw", "quarantine_share", CRITICAL, 1, "day", tables.wiki_unlisted, files.wiki_unlisted,
    ),
    # Wikis and volume.
    Fault(
        "a storm of robots", "a wiki has five times its events, by one user who is not called a robot",
        "raw", "volume_high_far", CRITICAL, 1, "idwiki", tables.bot_storm, files.bot_storm,
    ),
    Fault(
        "a wiki vanishes", "a large wiki sends nothing any more",
        "raw", "instrument_silent", CRITICAL, 1, "enwiki", tables.wiki_gone, files.wiki_gone,
    ),
    Fault(
        "a small wiki vanishes", "a wiki of 25 loads a day sends nothing any more",
        "raw", "instrument_silent", CRITICAL, 3, "thwiki", tables.small_wiki_gone,
    ),
    Fault(
        "an instrument falls silent", "one of a wiki's two instruments stops, the other goes on",
        "raw", "instrument_silent", CRITICAL, 1, "idwiki / personal-dashboard-entry-points", tables.instrument_gone,
    ),
    Fault(
        "a slow leak", "of all events 5 % more are lost each day",
        "raw", "trend_low", WARNING, 15, "", tables.leak,
    ),
    Fault(
        "users under one id", "a wiki's clients send the same user id for everybody",
        "facts", "visitors_low", WARNING, 1, "idwiki", tables.one_user_id, files.one_user_id,
    ),
    Fault(
        "the menu link too early", "it is shown on a wiki before the dashboard is to be visible",
        "raw", "menu_link_before_visible", CRITICAL, 1, "bnwiki", tables.menu_link_early, files.menu_link_early,
    ),
    Fault(
        "loads too early", "the dashboard is opened on a wiki before it is to be visible",
        "raw", "loads_before_visible", WARNING, 1, "bnwiki", tables.loads_early, files.loads_early,
    ),
    # Links.
    Fault(
        "an element renamed", "the diff link comes under another name",
        "facts", "element_gone", WARNING, 1, "diff link / impressions", tables.renamed, files.renamed,
    ),
    Fault(
        "an element nobody knows", "a few events of a link that the vocabulary lacks",
        "facts", "unknown_element", WARNING, 1, "gadget link", tables.new_element, files.new_element,
    ),
    Fault(
        "outage of one link", "the diff link is neither shown nor clicked on a wiki",
        "facts", "element_gone", WARNING, 1, "diff link / impressions", tables.link_out, files.link_out,
    ),
    Fault(
        "clicks of one link stop", "the diff link is shown on a wiki, and its clicks are not sent",
        "facts", "element_gone", WARNING, 1, "diff link / clicks", tables.clicks_out, files.clicks_out,
    ),
    Fault(
        "mobile lost for one link", "the diff link is not sent from phones on a wiki",
        "facts", "element_gone", WARNING, 1, "diff link / impressions on mobile_browser", tables.mobile_out,
        files.mobile_out,
    ),
    Fault(
        "a link fires twice", "each impression of the diff link is sent twice on a wiki",
        "facts", "element_high", WARNING, 1, "diff link / impressions", tables.fires_twice, files.fires_twice,
    ),
    Fault(
        "edit counts stop", "no client sends its bucket of edits",
        "facts", "null_share_high", WARNING, 1, "unknown bucket", tables.bucket_unknown, files.bucket_unknown,
    ),
    Fault(
        "platforms stop", "no client says what it runs on",
        "facts", "null_share_high", WARNING, 1, "null platform", tables.platform_unknown, files.platform_unknown,
    ),
    # Sampling.
    Fault(
        "a rate halved unsaid", "a wiki's clients keep half of what the policy says",
        "facts", "sampling_rate_lower", WARNING, 1, "idwiki", tables.rate_halved, files.rate_halved,
    ),
    Fault(
        "a rate raised unsaid", "a wiki's clients keep a tenth more than the policy says",
        "facts", "sampling_rate_higher", CRITICAL, 1, "enwiki", tables.rate_raised, files.rate_raised,
    ),
    Fault(
        "ids not at random", "a wiki's ids crowd at the low end",
        "facts", "sampling_uniform", WARNING, 1, "idwiki", tables.ids_uneven, files.ids_uneven,
    ),
    Fault(
        "a policy changed after the fact", "sampling_policy.csv declares another rate for days that were run",
        "facts", "regime_undeclared", WARNING, 1, "idwiki", tables.policy_rewritten, files.policy_rewritten,
    ),
    # What was staged.
    Fault(
        "events lost in staging", "fewer rows are stored than lines were kept",
        "facts", "kept_rows_as_logged", CRITICAL, 1, "day", tables.events_lost,
    ),
    Fault(
        "a row twice", "a table of facts holds a key twice",
        "facts", "keys_unique", CRITICAL, 1, "user_days", tables.row_twice,
    ),
    # What would be published.
    Fault(
        "published rows tampered with", "somebody changed a number in the published marts",
        "marts", "published_rows_unchanged", CRITICAL, 1, "fct_baseline_daily", tables.published_changed,
        files.published_changed,
    ),
    Fault(
        "a window lost", "a metric has no row of a window that it had the day before",
        "marts", "keys_still_there", CRITICAL, 1, "dashboard_pageviews", tables.window_lost,
    ),
    Fault(
        "marts stand still", "a day was read and no number follows",
        "marts", "marts_not_behind", CRITICAL, 1, "fct_metric_values", tables.marts_behind,
    ),
    Fault(
        "marts go back", "the new marts end before the published ones",
        "marts", "marts_not_older", CRITICAL, 1, "fct_metric_values", tables.marts_older,
    ),
)  # fmt: skip
