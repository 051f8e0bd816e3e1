"""A naive reading of a world: the contract's fates, line by line, and a few metrics with Python sets."""

import csv
import gzip
import json
import zlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta

REQUIRED = (
    "$schema", "action", "meta.dt", "agent", "mediawiki.database", "performer.pageview_id", "performer.session_id",
)  # fmt: skip
TYPES = {
    "$schema": str, "action": str, "meta.dt": str, "agent": dict, "mediawiki.database": str, "performer.id": int,
    "performer.is_temp": bool, "performer.is_bot": bool, "performer.is_logged_in": bool,
    "performer.edit_count_bucket": str, "performer.pageview_id": str, "performer.session_id": str,
}  # fmt: skip
LOGGED_IN_NAME = "~2"


def read_csv(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def field(event, path):
    for part in path.split("."):
        if not isinstance(event, dict):
            return None
        event = event.get(part)
    return event


class Policy:
    """Rates in force, by the rules of the contract."""

    def __init__(self, world):
        self.rows = read_csv(world / "sampling_policy.csv")

    def at(self, instrument, wiki, when):
        for name in (wiki, "*"):
            for row in self.rows:
                begins, ends = moment(row["valid_from"]), row["valid_to"] and moment(row["valid_to"])
                if (
                    (row["instrument_name"], row["wiki_db"]) == (instrument, name)
                    and begins <= when
                    and (not ends or when < ends)
                ):
                    return row["sample_unit"], float(row["sample_rate"]), begins
        return None

    def verdict(self, event, when):
        """Fate and reason a valid event has before deduplication."""
        instrument, wiki = event["instrument_name"], event["mediawiki"]["database"]
        now = self.at(instrument, wiki, when)
        if now is None:
            return "quarantined/no_sampling_policy"
        unit, rate, since = now
        if rate == 0:
            return "quarantined/sampling_rate_zero"
        before = self.at(instrument, wiki, since - timedelta(microseconds=1))
        part = int(event["performer"][f"{unit}_id"][:8], 16) / 0xFFFFFFFF
        in_grace = before and when < since + timedelta(minutes=15) and not (before[1] == rate == 1)
        if in_grace:
            smaller = min(rate, before[1])
            if before[0] != unit or not (smaller == 1 or part < smaller):
                return "out_of_scope/rate_change_grace"
            return None
        return None if rate == 1 or part < rate else "quarantined/not_in_sample"


def fate_of(line, hour_start, wikis, instruments, policy):
    """Return (fate/reason before deduplication or null, event)."""
    try:
        event = json.loads(line)
    except ValueError:
        return "quarantined/malformed_json", None
    if event.get("instrument_name") not in instruments:
        return "out_of_scope/other_instrument", None
    for path in REQUIRED:
        if field(event, path) is None:
            return f"quarantined/schema:{path}", None
    for path, kind in TYPES.items():
        value = field(event, path)
        if value is not None and not isinstance(value, kind):
            return f"quarantined/schema:{path}", None
    if not event["meta"].get("id"):
        return "quarantined/missing_meta_id", None
    when = moment(event["meta"]["dt"])
    if not hour_start <= when < hour_start + timedelta(hours=1):
        return "quarantined/partition_mismatch", None
    performer = event["performer"]
    if performer.get("is_bot"):
        return "out_of_scope/bot", None
    user_id = performer.get("id")
    is_temp = performer.get("is_temp")
    if is_temp or (is_temp is None and performer.get("name", "").startswith(LOGGED_IN_NAME)):
        return "out_of_scope/not_named_user", None
    if performer.get("is_logged_in", user_id is not None) is False:
        return "out_of_scope/not_named_user", None
    if user_id is None and instruments[event["instrument_name"]]:
        return "out_of_scope/no_user_id", None
    if event["mediawiki"]["database"] not in wikis:
        return "quarantined/unknown_wiki", None
    return policy.verdict(event, when), event


def partitions(world):
    for path in sorted(world.glob("raw/product_metrics_web_base/*/*/*/*/*.json.gz")):
        numbers = {part.split("=")[0]: int(part.split("=")[1]) for part in path.parts if "=" in part}
        yield path, datetime(numbers["year"], numbers["month"], numbers["day"], numbers["hour"], tzinfo=UTC)


def ingest(world):
    """Return expected fates by day, and the kept events."""
    wikis = {row["wiki_db"] for row in read_csv(world / "wikis.csv")}
    instruments = {"personal-dashboard-health-metrics": True}
    if (world / "instruments.csv").exists():
        instruments = {
            row["instrument_name"]: row["has_user_id"] == "true" for row in read_csv(world / "instruments.csv")
        }
    policy, fates, valid = Policy(world), {}, []
    for path, hour_start in partitions(world):
        counts = fates.setdefault(hour_start.date().isoformat(), Counter())
        try:
            lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        except (EOFError, zlib.error):
            counts["quarantined/unreadable_file"] += 1
            continue
        for line in lines:
            fate, event = fate_of(line, hour_start, wikis, instruments, policy)
            if fate is None:
                valid.append((event["meta"]["dt"], event["meta"]["id"], event))
            else:
                counts[fate] += 1
    kept, seen = [], {}
    for received, meta_id, event in sorted(valid, key=lambda row: row[:2]):
        day = date.fromisoformat(received[:10])
        if meta_id in seen and (day - seen[meta_id]).days <= 7:
            fates[received[:10]]["duplicate"] += 1
            continue
        seen[meta_id] = day
        skewed = abs(moment(event["dt"]) - moment(received)) > timedelta(minutes=10)
        fates[received[:10]]["kept/clock_skew" if skewed else "kept"] += 1
        kept.append(event)
    return {day: {fate: n for fate, n in counts.items() if n} for day, counts in fates.items()}, kept


class Naive:
    """A few metrics of one wiki with sets and loops, over kept events at 100 %."""

    def __init__(self, kept, wiki, review_links):
        self.loads, self.links = [], []
        for event in kept:
            if event["mediawiki"]["database"] != wiki:
                continue
            day, performer = date.fromisoformat(event["meta"]["dt"][:10]), event["performer"]
            if event["action"] == "pageview":
                self.loads.append((day, performer["id"]))
            elif event.get("element_friendly_name"):
                self.links.append(
                    {
                        "day": day, "user": performer["id"], "element": event["element_friendly_name"],
                        "action": event["action"], "key": (performer["pageview_id"], event["funnel_entry_token"]),
                        "platform": event["agent"]["client_platform_family"],
                        "bucket": performer.get("edit_count_bucket", "unknown"),
                    }
                )  # fmt: skip
        self.review_links = review_links

    def visitors(self, first, last):
        return {user for day, user in self.loads if first <= day <= last}

    def link(self, row, first, last):
        element, platform, bucket = (
            row["element_friendly_name"],
            row["client_platform_family"],
            row["edit_count_bucket"],
        )
        names = self.review_links if element == "review links" else {element}
        return [
            link for link in self.links
            if link["element"] in names and first <= link["day"] <= last
            and platform in ("all", link["platform"]) and bucket in ("all", link["bucket"])
        ]  # fmt: skip

    def answer(self, row):
        """Numerator and denominator of a truth row."""
        first, last = date.fromisoformat(row["metric_date"]), date.fromisoformat(row["as_of_date"])
        metric = row["metric"]
        if metric.startswith("link_"):
            return self.link_answer(metric, self.link(row, first, last))
        reviews = [link for link in self.links if link["element"] in self.review_links and link["action"] == "click"]
        visitors = self.visitors(first, last)
        week = timedelta(days=6)
        if metric == "dashboard_pageviews":
            return sum(first <= day <= last for day, _ in self.loads), None
        if metric in ("dashboard_visitors", "dashboard_visitors_rarefied"):  # which are the same at 100 %
            return len(visitors), None
        if metric == "visit_pairs_per_visit":
            visits = Counter(user for day, user in self.loads if first <= day <= last)
            return sum(n * (n - 1) for n in visits.values()), visits.total()
        if metric == "pageviews_per_visitor":
            return sum(first <= day <= last for day, _ in self.loads), len(visitors)
        if metric == "reviewers":
            return len({link["user"] for link in reviews if first <= link["day"] <= last}), None
        if metric == "two_day_review_rate":
            days = Counter(user for _, user in {(x["day"], x["user"]) for x in reviews if first <= x["day"] <= last})
            return sum(n >= 2 for user, n in days.items() if user in visitors), len(visitors)
        after = self.visitors(first + week + timedelta(days=1), last)
        if metric == "two_week_return_rate":
            cohort = self.visitors(first, first + week)
            return len(cohort & after), len(cohort)
        if metric == "presented_two_week_rate":
            first_week = [x for x in self.links if first <= x["day"] <= first + week and x["action"] == "impression"]
            cohort = {x["user"] for x in first_week if x["element"].endswith("menu link")}
            return len(cohort & self.visitors(first, first + week) & after), len(cohort)
        cohort = self.visitors(first, first)
        again = (
            self.visitors(first + timedelta(days=1), last) if metric == "retention_14d" else self.visitors(last, last)
        )
        return len(cohort & again), len(cohort)

    @staticmethod
    def link_answer(metric, links):
        impressions = [link for link in links if link["action"] == "impression"]
        clicks = [link for link in links if link["action"] == "click"]
        if metric == "link_impressions":
            return len(impressions), None
        if metric == "link_clicks":
            return len(clicks), None
        if metric == "link_click_through_rate":
            return len(clicks), len(impressions)
        if metric == "link_click_through_rate_matched":
            shown = {(x["day"], x["element"], x["key"]) for x in impressions}
            return len(shown & {(x["day"], x["element"], x["key"]) for x in clicks}), len(shown)
        shown = {x["user"] for x in impressions}
        return len(shown & {x["user"] for x in clicks}), len(shown)
