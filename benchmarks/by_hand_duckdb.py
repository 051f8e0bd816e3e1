"""The commonest metrics of one day as an analyst would compute them in DuckDB, straight from the raw lines.

    .venv/bin/python benchmarks/by_hand_duckdb.py --world DIR --date 2026-04-20 --out metrics.csv

It reads the 28 days of the longest window and the week before, which may hold the first copy of a line. It is right
where everything is sampled at 100 %, no hour is missing and the dashboard has one instrument.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import duckdb

VOCABULARY = Path(__file__).resolve().parents[1] / "jobs" / "data" / "vocabulary.csv"
DAYS_READ = 28 + 7

# `read_json` with columns takes a line cut off after a colon together with the next, so lines are read as objects first
# (a damaged one is null). What is only looked at for its type stays JSON, since a cast would make a text of a number.
# Nothing is pushed below an unnest: without it every condition would parse the line again.
EVENTS = """
CREATE TEMP TABLE named AS
WITH lines AS (
    SELECT make_date(year, month, day) AS day, hour, unnest([from_json(json, '{
        "$schema": "VARCHAR", "action": "VARCHAR", "instrument_name": "VARCHAR", "element_friendly_name": "VARCHAR",
        "funnel_entry_token": "VARCHAR", "meta": {"dt": "TIMESTAMP", "id": "VARCHAR"}, "agent": "JSON",
        "mediawiki": {"database": "VARCHAR"},
        "performer": {"id": "BIGINT", "name": "VARCHAR", "is_logged_in": "JSON", "is_temp": "JSON", "is_bot": "JSON",
                      "edit_count_bucket": "JSON", "session_id": "VARCHAR", "pageview_id": "VARCHAR"}}')]) AS event
    FROM read_ndjson_objects($files, ignore_errors = true, hive_partitioning = true)
), typed AS (
    SELECT day, event.meta.id AS id, event.meta.dt AS received, event.mediawiki.database AS wiki_db, event.action,
        event.element_friendly_name AS element, event.funnel_entry_token AS token, event.performer AS who
    FROM lines
    WHERE event.instrument_name = 'personal-dashboard-health-metrics'
        AND starts_with(event."$schema", '/analytics/product_metrics/web/base/') AND json_type(event.agent) = 'OBJECT'
        AND date_trunc('hour', event.meta.dt) = day + to_hours(hour)
)
SELECT day, id, received, wiki_db, action, element, who.id AS user_id,
    hash(who.pageview_id, coalesce(token, id)) AS shown
FROM typed
WHERE id IS NOT NULL AND who.session_id IS NOT NULL AND who.pageview_id IS NOT NULL AND who.id > 0
    AND action IN ('pageview', 'impression', 'click') AND wiki_db IN (SELECT wiki_db FROM wikis)
    AND coalesce(who.is_bot, 'null') IN ('false', 'null') AND coalesce(who.is_logged_in, 'null') IN ('true', 'null')
    AND CASE WHEN coalesce(who.is_temp, 'null') = 'null' THEN coalesce(who.name, '') NOT LIKE '~____-%'
        ELSE who.is_temp = 'false' END
    AND coalesce(json_type(who.edit_count_bucket), 'NULL') IN ('VARCHAR', 'NULL');

CREATE TEMP TABLE events AS
WITH repeated AS (
    SELECT id FROM named GROUP BY id HAVING count(*) > 1
), first_copies AS (
    FROM named ANTI JOIN repeated USING (id)
    UNION ALL (SELECT DISTINCT ON (id) * FROM named SEMI JOIN repeated USING (id) ORDER BY received)
)
SELECT * EXCLUDE (id, received) FROM first_copies WHERE day > $last::DATE - 28;
"""

REFERENCE = """
CREATE TEMP TABLE wikis AS SELECT wiki_db, visible_from::DATE AS visible_from FROM read_csv($wikis);
CREATE TEMP TABLE vocabulary AS FROM read_csv($vocabulary, types = {measured_from: 'DATE', measured_to: 'DATE'});
CREATE TEMP TABLE links AS
    SELECT element_friendly_name AS element, any_value(link_group) AS link_group FROM vocabulary
    WHERE link_group <> 'entry point' AND measured_from <= $last::DATE - 27
        AND coalesce(measured_to, 'infinity'::DATE) > $last::DATE
    GROUP BY ALL HAVING count(*) = 2 OR bool_or(client_platform_family = '*');
"""

VISITS = """
CREATE TEMP TABLE visits AS
SELECT wiki_db, user_id, day, count(*) FILTER (action = 'pageview') AS loads,
    count(*) FILTER (action = 'click') AS reviews
FROM events
WHERE action = 'pageview' OR (action = 'click'
    AND element IN (SELECT element_friendly_name FROM vocabulary WHERE link_group = 'review links'))
GROUP BY ALL;

CREATE TEMP TABLE windows AS
SELECT wiki_db, days, $last::DATE - days + 1 AS first
FROM wikis, (VALUES (1), (7), (28)) AS lengths(days)
WHERE visible_from <= first;

CREATE TEMP TABLE visitors AS
WITH users AS (
    SELECT wiki_db, days, user_id, sum(loads) AS loads, count_if(reviews > 0) AS review_days
    FROM windows JOIN visits USING (wiki_db) WHERE day >= first GROUP BY ALL
)
SELECT wiki_db, days, first, coalesce(sum(loads), 0) AS loads, count_if(loads > 0) AS visitors,
    count_if(review_days > 0) AS reviewers, count_if(loads > 0 AND review_days > 1) AS two_day_reviewers
FROM windows LEFT JOIN users USING (wiki_db, days) GROUP BY ALL;
"""

COHORTS = """
CREATE TEMP TABLE cohorts AS
WITH monday AS (SELECT date_trunc('week', $last::DATE + 1)::DATE - 14 AS day),
spans AS (
    SELECT 'two_week_return_rate' AS metric, day AS first, day + 6 AS last, day + 7 AS again_from, day + 13 AS until
    FROM monday
    UNION ALL VALUES
        ('retention_14d', $last::DATE - 14, $last::DATE - 14, $last::DATE - 13, $last::DATE),
        ('retention_day_7', $last::DATE - 7, $last::DATE - 7, $last::DATE, $last::DATE)
), users AS (
    SELECT metric, wiki_db, user_id, bool_or(day BETWEEN again_from AND until) AS came_back
    FROM spans JOIN visits ON day BETWEEN first AND until WHERE loads > 0
    GROUP BY ALL HAVING bool_or(day BETWEEN first AND last)
)
SELECT metric, wiki_db, first, until, count_if(came_back) AS returned, count(user_id) AS cohort
FROM spans JOIN wikis ON visible_from <= first LEFT JOIN users USING (metric, wiki_db) GROUP BY ALL;
"""

LINKS = """
CREATE TEMP TABLE link_users AS
WITH impressions AS (
    SELECT wiki_db, element, user_id, day, shown, count_if(action = 'impression') AS impressions,
        count_if(action = 'click') AS clicks
    FROM events WHERE action <> 'pageview' AND element IS NOT NULL GROUP BY ALL
), users AS (
    SELECT wiki_db, element, user_id, sum(impressions) AS impressions, sum(clicks) AS clicks,
        count_if(impressions > 0) AS shown, count_if(impressions > 0 AND clicks > 0) AS matched
    FROM impressions GROUP BY ALL
), grouped AS (
    SELECT wiki_db, 'review links' AS element, user_id, sum(impressions) AS impressions, sum(clicks) AS clicks,
        sum(shown) AS shown, sum(matched) AS matched
    FROM users WHERE element IN (SELECT element_friendly_name FROM vocabulary WHERE link_group = 'review links')
    GROUP BY ALL
)
FROM users UNION ALL FROM grouped;

CREATE TEMP TABLE link_totals AS
WITH elements AS (
    SELECT element FROM links
    UNION ALL SELECT DISTINCT link_group FROM links WHERE link_group = 'review links'
)
SELECT coalesce(wiki_db, 'all') AS wiki_db, element, coalesce(sum(impressions), 0) AS impressions,
    coalesce(sum(clicks), 0) AS clicks, coalesce(sum(shown), 0) AS shown, coalesce(sum(matched), 0) AS matched,
    count_if(impressions > 0) AS shown_users, count_if(impressions > 0 AND clicks > 0) AS both_users
FROM windows CROSS JOIN elements LEFT JOIN link_users USING (wiki_db, element) WHERE days = 28
GROUP BY GROUPING SETS ((element, wiki_db), (element));
"""

RESULT = """
COPY (
    WITH of_days AS (
        SELECT 'dashboard_pageviews' AS metric, coalesce(wiki_db, 'all') AS wiki_db, first, 'all' AS element,
            sum(loads) AS numerator, NULL AS denominator
        FROM visitors GROUP BY GROUPING SETS ((wiki_db, first), (first))
        UNION ALL SELECT 'dashboard_visitors', wiki_db, first, 'all', visitors, NULL FROM visitors
        UNION ALL SELECT 'pageviews_per_visitor', wiki_db, first, 'all', loads, visitors FROM visitors WHERE days > 1
        UNION ALL SELECT 'reviewers', wiki_db, first, 'all', reviewers, NULL FROM visitors WHERE days > 1
        UNION ALL SELECT 'two_day_review_rate', wiki_db, first, 'all', two_day_reviewers, visitors
            FROM visitors WHERE days = 28
    ), of_links AS (
        SELECT 'link_impressions' AS metric, wiki_db, element, impressions AS numerator, NULL AS denominator
        FROM link_totals
        UNION ALL SELECT 'link_clicks', wiki_db, element, clicks, NULL FROM link_totals
        UNION ALL SELECT 'link_click_through_rate', wiki_db, element, clicks, impressions FROM link_totals
        UNION ALL SELECT 'link_click_through_rate_matched', wiki_db, element, matched, shown FROM link_totals
        UNION ALL SELECT 'link_click_through_rate_unique', wiki_db, element, both_users, shown_users
            FROM link_totals WHERE wiki_db <> 'all'
    ), everything AS (
        SELECT metric, wiki_db, first, $last::DATE AS until, element, numerator, denominator FROM of_days
        UNION ALL SELECT metric, wiki_db, $last::DATE - 27, $last::DATE, element, numerator, denominator FROM of_links
        UNION ALL SELECT metric, wiki_db, first, until, 'all', returned, cohort FROM cohorts
    )
    SELECT metric, wiki_db, first AS metric_date, until AS as_of_date, element AS element_friendly_name,
        CASE WHEN denominator IS NULL THEN numerator ELSE numerator / nullif(denominator, 0) END::DOUBLE AS estimate,
        numerator AS observed_numerator, denominator AS observed_denominator
    FROM everything ORDER BY ALL
) TO $out (HEADER)
"""


def main() -> None:
    """Compute the metrics and write them, one row per metric, wiki, window and element."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=Path, required=True, help="the input directory, with raw/ and wikis.csv")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the last day of the windows")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    options = parser.parse_args()
    own = options.world / "vocabulary.csv"
    last = str(options.date)
    connection = duckdb.connect()
    files = {"wikis": str(options.world / "wikis.csv"), "vocabulary": str(own if own.exists() else VOCABULARY)}
    _run(connection, REFERENCE, {"last": last, **files})
    _run(connection, EVENTS, {"last": last, "files": _files(options.world, options.date)})
    for script in (VISITS, COHORTS, LINKS):
        _run(connection, script, {"last": last})
    _run(connection, RESULT, {"last": last, "out": str(options.out)})


def _run(connection: duckdb.DuckDBPyConnection, script: str, values: dict[str, object]) -> None:
    """Run the statements of a script, each with the values it names."""
    for statement in connection.extract_statements(script):
        connection.execute(statement, {name: values[name] for name in statement.named_parameters})


def _files(world: Path, last: date) -> list[str]:
    """Return a pattern for the raw files of each day, of days that have any."""
    days = (last - timedelta(days=back) for back in range(DAYS_READ))
    folders = [f"year={day.year}/month={day.month}/day={day.day}" for day in days]
    return [f"{world}/raw/*/{folder}/*/*.json.gz" for folder in folders if any((world / "raw").glob(f"*/{folder}"))]


if __name__ == "__main__":
    main()
