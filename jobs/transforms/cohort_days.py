"""Cohorts of days and weeks: of the users seen in a first window, how many were seen again in a second one.

Definitions (docs/contract.md, section 5; the days stand in the catalogue). Cohorts of days: users with a visit on a
day, who return if they visit again some days later. Cohorts of weeks from Monday: visitors of a week who visit in the
next, and users shown the menu link in a week who load the dashboard in that week and in the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.transforms.prefix_sums import prefix_sums

TWO_WEEKS = 14
ReturnDays = Mapping[str, tuple[int, int]]  # by metric: first and last day of the return, after the day itself


def visit_days(user_days: DataFrame) -> DataFrame:
    """Return the days on which a user loaded the dashboard: wiki_db, user_hash, event_date."""
    return (
        user_days.where("n_loads > 0")
        .groupBy("wiki_db", "user_hash", "event_date")
        .agg(F.count(F.lit(1)))
        .select("wiki_db", "user_hash", "event_date")
    )


def week_of(day: str = "event_date") -> Column:
    """Return the Monday of a date's week."""
    return F.to_date(F.date_trunc("week", F.col(day)))


def day_cohorts(visits: DataFrame, return_days: ReturnDays) -> DataFrame:
    """Count the cohorts of days, and who of them came back.

    Args:
        visits: the result of `visit_days`.
        return_days: by metric, at least one.

    Returns:
        metric, wiki_db, metric_date, as_of_date, n_cohort, n_returned.
    """
    # Visits up to the end of a span, less those up to the day before it, are the visits in it.
    ends = sorted({day for first, last in return_days.values() for day in (first - 1, last)})
    visited = prefix_sums(
        visits.withColumn("visits", F.lit(1)),
        unit=("wiki_db", "user_hash"),
        values=("visits",),
        ends={f"to_{day}": day for day in ends},
    )
    returned = visited.select(
        "wiki_db",
        "event_date",
        *(
            (F.col(f"to_{last}_visits") > F.col(f"to_{first - 1}_visits")).alias(name)
            for name, (first, last) in return_days.items()
        ),
    )
    daily = returned.groupBy("wiki_db", F.col("event_date").alias("metric_date")).agg(
        F.count(F.lit(1)).alias("n_cohort"), *(F.count_if(F.col(name)).alias(name) for name in return_days)
    )
    metrics = F.array(
        *(
            F.struct(
                F.lit(name).alias("metric"),
                F.date_add("metric_date", last).alias("as_of_date"),
                F.col(name).alias("n_returned"),
            )
            for name, (_, last) in return_days.items()
        )
    )
    unfolded = daily.select("wiki_db", "metric_date", "n_cohort", F.inline(metrics))
    return unfolded.select("metric", "wiki_db", "metric_date", "as_of_date", "n_cohort", "n_returned")


def week_cohorts(
    visits: DataFrame, shown: DataFrame, visitor_metrics: Sequence[str], presented_metrics: Sequence[str]
) -> DataFrame:
    """Count the cohorts of weeks, and who of them came back.

    Args:
        visits: the result of `visit_days`.
        shown: wiki_db, user_hash, event_date: days on which a user was shown the menu link; repeats do no harm.
        visitor_metrics: ids of the metrics whose cohort is the visitors of a week.
        presented_metrics: ids of those whose cohort is the users shown the link; at least one of both kinds.

    Returns:
        metric, wiki_db, metric_date, as_of_date, n_cohort, n_returned.
    """
    key = ("wiki_db", "user_hash", "week")
    marked = visits.select("*", F.lit(1).alias("load"), F.lit(0).alias("shown")).unionByName(
        shown.select("wiki_db", "user_hash", "event_date", F.lit(0).alias("load"), F.lit(1).alias("shown"))
    )
    weeks = marked.groupBy("wiki_db", "user_hash", week_of().alias("week")).agg(
        F.max("load").alias("load"), F.max("shown").alias("shown")
    )
    user = Window.partitionBy("wiki_db", "user_hash").orderBy(F.unix_date("week"))
    again = F.coalesce(F.max("load").over(user.rangeBetween(7, 7)), F.lit(0)) > 0
    seen = weeks.select(*key, "load", "shown", again.alias("again"))
    visited = F.col("load") > 0
    both = visited & F.col("again")
    weekly = seen.groupBy("wiki_db", F.col("week").alias("metric_date")).agg(
        F.count_if(visited).alias("visitors"),
        F.count_if(both).alias("returned"),
        F.count_if(F.col("shown") > 0).alias("presented"),
        F.count_if((F.col("shown") > 0) & both).alias("presented_returned"),
    )
    pairs = [(name, "visitors", "returned") for name in visitor_metrics]
    pairs += [(name, "presented", "presented_returned") for name in presented_metrics]
    metrics = F.array(
        *(
            F.struct(F.lit(name).alias("metric"), F.col(cohort).alias("n_cohort"), F.col(again).alias("n_returned"))
            for name, cohort, again in pairs
        )
    )
    unfolded = weekly.select("wiki_db", "metric_date", F.inline(metrics)).where("n_cohort > 0")
    as_of = F.date_add("metric_date", TWO_WEEKS - 1).alias("as_of_date")
    return unfolded.select("metric", "wiki_db", "metric_date", as_of, "n_cohort", "n_returned")


def cohort_unit_counts(
    user_days: DataFrame, start: date, end: date, return_days: ReturnDays, visitor_metrics: Sequence[str]
) -> DataFrame:
    """Count users by the kept units of their first and second window, of the cohorts that close in `[start, end)`.

    Args:
        user_days: the table of that name, of sampled wikis.
        start: first as-of date.
        end: day after the last as-of date.
        return_days: see `day_cohorts`.
        visitor_metrics: see `week_cohorts`.

    Returns:
        metric, wiki_db, metric_date, as_of_date, is_full1, is_full2, k1, k2, k_spanning, n_users.
    """
    in_window = (
        _kept_units(user_days)
        .select("*", F.inline(_windows_of_a_day(start, end, return_days, visitor_metrics)))
        .drop("event_date")
    )
    user = ("wiki_db", "user_hash", "metric", "metric_date", "as_of_date")
    # A session counts once in each window however many days it lasts; pageviews have no session here and add up.
    by_unit = in_window.groupBy(*user, "session_hash").agg(
        *(F.sum(F.when(F.col("side") == side, F.col("k")).otherwise(0)).alias(f"k{side}") for side in (1, 2)),
        *(F.max((F.col("side") == side) & F.col("is_full")).alias(f"is_full{side}") for side in (1, 2)),
    )
    is_session = F.col("session_hash").isNotNull()
    once = {
        side: F.when(is_session, F.least(F.col(f"k{side}"), F.lit(1))).otherwise(F.col(f"k{side}")) for side in (1, 2)
    }
    spans = is_session & (F.col("k1") > 0) & (F.col("k2") > 0)
    by_user = by_unit.groupBy(*user).agg(
        *(F.sum(once[side]).alias(f"k{side}") for side in (1, 2)),
        F.count_if(spans).alias("k_spanning"),
        *(F.max(f"is_full{side}").alias(f"is_full{side}") for side in (1, 2)),
    )
    state = ("is_full1", "is_full2", "k1", "k2", "k_spanning")
    return by_user.groupBy("metric", "wiki_db", "metric_date", "as_of_date", *state).agg(
        F.count(F.lit(1)).alias("n_users")
    )


def _kept_units(user_days: DataFrame) -> DataFrame:
    """Give kept units with a load.

    Returns:
        wiki_db, user_hash, event_date, session_hash (null but for sampled sessions), k (0 in rate-1 regimes), is_full.
    """
    key = ("wiki_db", "user_hash", "event_date")
    is_full = F.col("sample_rate") >= 1
    by_session = ~is_full & (F.col("sample_unit") == "session")
    loaded = user_days.where("n_loads > 0")
    plain = loaded.where(~by_session).select(
        *key,
        F.lit(None).cast("bigint").alias("session_hash"),
        F.when(is_full, 0).otherwise(F.col("n_pageviews")).cast("bigint").alias("k"),
        is_full.alias("is_full"),
    )
    sessions = (
        loaded.where(by_session)
        .select(*key, F.inline("sessions"))
        .where("n_loads > 0")
        .select(*key, "session_hash", F.lit(1).cast("bigint").alias("k"), F.lit(False).alias("is_full"))
    )
    return plain.unionByName(sessions)


def _windows_of_a_day(start: date, end: date, return_days: ReturnDays, visitor_metrics: Sequence[str]) -> Column:
    """List the cohort windows that a day falls into and that close in `[start, end)`.

    Returns:
        Structs of metric, metric_date, as_of_date, side (1 first, 2 second window).
    """

    def entry(metric: str, before: Column, last: int, side: int) -> Column:
        as_of = F.date_add(before, last)
        window = F.struct(
            F.lit(metric).alias("metric"),
            before.alias("metric_date"),
            as_of.alias("as_of_date"),
            F.lit(side).alias("side"),
        )
        return F.when((as_of >= F.lit(start)) & (as_of < F.lit(end)), window)

    day = F.col("event_date")
    entries = []
    for metric in visitor_metrics:
        entries.append(entry(metric, week_of(), TWO_WEEKS - 1, 1))
        entries.append(entry(metric, F.date_sub(week_of(), 7), TWO_WEEKS - 1, 2))
    for metric, (first, last) in return_days.items():
        entries.append(entry(metric, day, last, 1))
        entries += [entry(metric, F.date_sub(day, lag), last, 2) for lag in range(first, last + 1)]
    return F.array_compact(F.array(*entries))
