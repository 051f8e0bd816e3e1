"""The commonest metrics of one day as an analyst would compute them in Polars, straight from the raw lines.

    .venv/bin/python benchmarks/by_hand_polars.py --world DIR --date 2026-04-20 --out metrics.csv

It reads the 28 days of the longest window and the week before, which may hold the first copy of a line. It is right
where everything is sampled at 100 %, no hour is missing and the dashboard has one instrument.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from polars import col

VOCABULARY = Path(__file__).resolve().parents[1] / "jobs" / "data" / "vocabulary.csv"
INSTRUMENT = "personal-dashboard-health-metrics"
REVIEW_LINKS = "review links"
DAYS_READ = 28 + 7
WINDOWS = (1, 7, 28)
DAY = timedelta(days=1)
OUTPUT = ("metric", "wiki_db", "metric_date", "as_of_date", "element_friendly_name")

# Flags are read as text: a wrongly typed one is null as a boolean, and would pass for absent.
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "_hour": pl.String,
    "$schema": pl.String,
    "action": pl.String,
    "instrument_name": pl.String,
    "element_friendly_name": pl.String,
    "funnel_entry_token": pl.String,
    "meta": pl.Struct({"dt": pl.String, "id": pl.String}),
    "agent": pl.String,
    "mediawiki": pl.Struct({"database": pl.String}),
    "performer": pl.Struct({
        "id": pl.Int64, "name": pl.String, "is_logged_in": pl.String, "is_temp": pl.String, "is_bot": pl.String,
        "edit_count_bucket": pl.String, "session_id": pl.String, "pageview_id": pl.String,
    }),
}  # fmt: skip


def main() -> None:
    """Compute the metrics and write them, one row per metric, wiki, window and element."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=Path, required=True, help="the input directory, with raw/ and wikis.csv")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the last day of the windows")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    options = parser.parse_args()
    world, last = options.world, options.date
    wikis = pl.read_csv(world / "wikis.csv", columns=["wiki_db", "visible_from"], try_parse_dates=True)
    own = world / "vocabulary.csv"
    vocabulary = pl.read_csv(own if own.exists() else VOCABULARY, try_parse_dates=True)
    review = vocabulary.filter(link_group=REVIEW_LINKS)["element_friendly_name"].unique()
    events = read_events(world, last, wikis["wiki_db"])
    visits = visits_of(events, review)
    rows = [
        *visit_rows(visits, wikis, last),
        *cohort_rows(visits, wikis, last),
        *link_rows(events, wikis, measured_links(vocabulary, last), review, last),
    ]
    pl.concat(rows).sort(OUTPUT).write_csv(options.out)


def read_events(world: Path, last: date, wikis: pl.Series) -> pl.DataFrame:
    """Return the first copies of named users' events, of the last 28 days."""
    days = [last - back * DAY for back in range(DAYS_READ)]
    found = pl.concat([part for day in days for part in read_day(world, day, wikis)])
    repeated = found.filter(col("id").is_duplicated())
    first = repeated.sort("received").unique("id", keep="first", maintain_order=True)
    events = pl.concat([found.filter(~col("id").is_duplicated()), first])
    return events.filter(col("day") > last - 28 * DAY).drop("id", "received")


def read_day(world: Path, day: date, wikis: pl.Series) -> list[pl.DataFrame]:
    """Return the valid events of a day's partitions, in one frame if there are any.

    The reader of JSON lines stops at a damaged line, so lines are read as text and those cut off are left out. The hour
    of the partition is put into the line, where the reader keeps it.
    """
    folder = f"year={day.year}/month={day.month}/day={day.day}"
    if not any((world / "raw").glob(f"*/{folder}")):
        return []
    line, hour = col("line"), col("file").str.extract(r"hour=(\d+)").str.zfill(2)
    marked = pl.concat_str(pl.lit(f'{{"_hour":"{day}T'), hour, pl.lit('",'), line.str.strip_prefix("{"))
    braces = [line.str.count_matches(brace, literal=True) for brace in "{}"]
    lines = (
        pl.scan_lines(f"{world}/raw/*/{folder}/*/*.json.gz", include_file_paths="file")
        .filter(line.str.starts_with("{"), line.str.contains(INSTRUMENT, literal=True), braces[0] == braces[1])
        .select(marked.str.join("\n"))
        .collect()
        .item()
    )
    return [valid(pl.read_ndjson(lines.encode(), schema=SCHEMA, ignore_errors=True), day, wikis)] if lines else []


def valid(lines: pl.DataFrame, day: date, wikis: pl.Series) -> pl.DataFrame:
    """Keep valid events of named users, and of them the columns that the metrics need."""
    meta, who = col("meta").struct, col("performer").struct
    is_temporary = pl.coalesce(who.field("is_temp") != "false", who.field("name").str.contains(r"^~\d{4}-"), False)
    is_text = ~who.field("edit_count_bucket").str.contains(r"^(-?[\d.]+|true|false|[\[{].*)$").fill_null(False)
    return lines.filter(
        col("instrument_name") == INSTRUMENT,
        col("$schema").str.starts_with("/analytics/product_metrics/web/base/"),
        col("agent").str.starts_with("{"),
        meta.field("dt").str.head(13) == col("_hour"),
        meta.field("id").is_not_null() & who.field("session_id").is_not_null() & who.field("pageview_id").is_not_null(),
        col("action").is_in(["pageview", "impression", "click"]),
        col("mediawiki").struct.field("database").is_in(wikis.implode()),
        who.field("id") > 0,
        who.field("is_bot").fill_null("false") == "false",
        who.field("is_logged_in").fill_null("true") == "true",
        ~is_temporary & is_text,
    ).select(
        day=pl.lit(day),
        id=meta.field("id"),
        received=meta.field("dt"),
        wiki_db=col("mediawiki").struct.field("database"),
        user_id=who.field("id"),
        action=col("action").cast(pl.Categorical),
        element=col("element_friendly_name"),
        shown=pl.struct(who.field("pageview_id"), pl.coalesce("funnel_entry_token", meta.field("id"))).hash(),
    )


def measured_links(vocabulary: pl.DataFrame, last: date) -> list[str]:
    """Return the links measured on all platforms and all 28 days, and their group of review links."""
    in_force = vocabulary.filter(
        col("link_group") != "entry point",
        col("measured_from") <= last - 27 * DAY,
        col("measured_to").is_null() | (col("measured_to") > last),
    )
    whole = in_force.group_by("element_friendly_name", "link_group").agg(
        n=pl.len(), every=(col("client_platform_family") == "*").any()
    )
    links = whole.filter((col("n") == 2) | col("every"))
    groups = [REVIEW_LINKS] if REVIEW_LINKS in links["link_group"] else []
    return [*links["element_friendly_name"], *groups]


def visits_of(events: pl.DataFrame, review: pl.Series) -> pl.DataFrame:
    """Count a user's loads and review clicks on each day."""
    is_load = col("action") == "pageview"
    is_review = (col("action") == "click") & col("element").is_in(review.implode())
    of_visits = events.filter(is_load | is_review)
    return of_visits.group_by("wiki_db", "user_id", "day").agg(loads=is_load.sum(), reviews=(~is_load).sum())


def visible(wikis: pl.DataFrame, first: date) -> pl.DataFrame:
    """Return the wikis that show the dashboard from a day on."""
    return wikis.filter(col("visible_from") <= first).select("wiki_db")


def visit_rows(visits: pl.DataFrame, wikis: pl.DataFrame, last: date) -> list[pl.DataFrame]:
    """Return the rows of loads, visitors and reviewers."""
    rows = []
    for length in WINDOWS:
        first = last - (length - 1) * DAY
        users = visits.filter(col("day") >= first).group_by("wiki_db", "user_id").agg(
            col("loads").sum(), days=(col("reviews") > 0).sum()
        )  # fmt: skip
        totals = users.group_by("wiki_db").agg(
            col("loads").sum(), visitors=(col("loads") > 0).sum(), reviewers=(col("days") > 0).sum(),
            two_day=((col("loads") > 0) & (col("days") > 1)).sum(),
        )  # fmt: skip
        totals = visible(wikis, first).join(totals, "wiki_db", "left").fill_null(0)
        pooled = totals.select(pl.lit("all").alias("wiki_db"), col("loads").sum())
        loads = pl.concat([totals.select("wiki_db", "loads"), pooled]) if len(totals) else totals
        rows.append(_rows("dashboard_pageviews", loads, first, last, "loads"))
        rows.append(_rows("dashboard_visitors", totals, first, last, "visitors"))
        if length > 1:
            rows.append(_rows("pageviews_per_visitor", totals, first, last, "loads", "visitors"))
            rows.append(_rows("reviewers", totals, first, last, "reviewers"))
    return [*rows, _rows("two_day_review_rate", totals, first, last, "two_day", "visitors")]


def cohort_rows(visits: pl.DataFrame, wikis: pl.DataFrame, last: date) -> list[pl.DataFrame]:
    """Return the rows of who came back."""
    sunday = last - (last.isoweekday() % 7) * DAY
    monday = sunday - 13 * DAY
    spans = {
        "two_week_return_rate": (monday, monday + 6 * DAY, monday + 7 * DAY, sunday),
        "retention_14d": (last - 14 * DAY, last - 14 * DAY, last - 13 * DAY, last),
        "retention_day_7": (last - 7 * DAY, last - 7 * DAY, last, last),
    }
    loads = visits.filter(col("loads") > 0)
    rows = []
    for metric, (first, until, again_from, again_until) in spans.items():
        cohort, again = (
            loads.filter(col("day").is_between(*span)).select("wiki_db", "user_id").unique()
            for span in ((first, until), (again_from, again_until))
        )
        returned = cohort.join(again, ["wiki_db", "user_id"], "semi").group_by("wiki_db").agg(returned=pl.len())
        sizes = cohort.group_by("wiki_db").agg(cohort=pl.len()).join(returned, "wiki_db", "left")
        totals = visible(wikis, first).join(sizes, "wiki_db", "left").fill_null(0)
        rows.append(_rows(metric, totals, first, again_until, "returned", "cohort"))
    return rows


def link_rows(
    events: pl.DataFrame, wikis: pl.DataFrame, links: list[str], review: pl.Series, last: date
) -> list[pl.DataFrame]:
    """Return the rows of impressions, clicks and click-through rates of each link and of the review links together."""
    first = last - 27 * DAY
    impressions = (
        events.lazy()
        .filter(col("action") != "pageview", col("element").is_not_null())
        .group_by("wiki_db", "element", "user_id", "day", "shown")
        .agg(impressions=(col("action") == "impression").sum(), clicks=(col("action") == "click").sum())
    )
    own = impressions.group_by("wiki_db", "element", "user_id").agg(
        col("impressions").sum(), col("clicks").sum(), shown=(col("impressions") > 0).sum(),
        matched=((col("impressions") > 0) & (col("clicks") > 0)).sum(),
    )  # fmt: skip
    grouped = own.filter(col("element").is_in(review.implode())).with_columns(element=pl.lit(REVIEW_LINKS))
    users = pl.concat([own, grouped.group_by("wiki_db", "element", "user_id").agg(pl.all().sum())])
    totals = users.group_by("wiki_db", "element").agg(
        pl.col("impressions", "clicks", "shown", "matched").sum(), shown_users=(col("impressions") > 0).sum(),
        both_users=((col("impressions") > 0) & (col("clicks") > 0)).sum(),
    )  # fmt: skip
    cells = visible(wikis, first).join(pl.DataFrame({"element": links}, schema={"element": pl.String}), how="cross")
    own_totals = cells.join(totals.collect(), ["wiki_db", "element"], "left").fill_null(0)
    pooled = own_totals.group_by("element").agg(pl.exclude("wiki_db").sum()).with_columns(wiki_db=pl.lit("all"))
    every = pl.concat([own_totals, pooled.select(own_totals.columns)])
    return [
        _rows("link_impressions", every, first, last, "impressions"),
        _rows("link_clicks", every, first, last, "clicks"),
        _rows("link_click_through_rate", every, first, last, "clicks", "impressions"),
        _rows("link_click_through_rate_matched", every, first, last, "matched", "shown"),
        _rows("link_click_through_rate_unique", own_totals, first, last, "both_users", "shown_users"),
    ]


def _rows(
    metric: str, totals: pl.DataFrame, first: date, last: date, numerator: str, denominator: str | None = None
) -> pl.DataFrame:
    """Return the rows of one metric: a count, or the ratio of two."""
    above = col(numerator).cast(pl.Float64)
    below = pl.lit(None, pl.Float64) if denominator is None else col(denominator).cast(pl.Float64)
    estimate = above if denominator is None else pl.when(below > 0).then(above / below)
    element = col("element") if "element" in totals.columns else pl.lit("all")
    return totals.select(
        metric=pl.lit(metric), wiki_db="wiki_db", metric_date=pl.lit(first), as_of_date=pl.lit(last),
        element_friendly_name=element, estimate=estimate, observed_numerator=above, observed_denominator=below,
    )  # fmt: skip


if __name__ == "__main__":
    main()
