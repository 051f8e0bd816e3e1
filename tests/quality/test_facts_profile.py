"""The facts profile on a small literal day, clean and with one thing wrong at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.quality.facts_profile import TABLES, facts_profile
from jobs.warehouse.lake import schema_of
from tests.references import HEALTH, element_row, instrument_row, reference, wiki_row

pytestmark = pytest.mark.spark

D = date(2026, 3, 20)
NEXT = date(2026, 3, 21)
DIFF, MENU = "Personal Dashboard diff link", "Personal Dashboard menu link"
REGIME = {"instrument_name": HEALTH, "sample_unit": "pageview", "sample_rate": 1.0}
SEGMENT = {"client_platform_family": "desktop_browser", "edit_count_bucket": "100-999 edits"}
REFERENCE = reference(
    wikis=[
        wiki_row("idwiki", visible="2026-03-10"),
        wiki_row("thwiki", visible="2026-04-01"),
        wiki_row("trwiki", visible=D),
        wiki_row("enwiki", "2026-05-01"),
    ],
    vocabulary=[element_row(DIFF), element_row(MENU, "entry point")],
    instruments=[instrument_row(), instrument_row("entry-points", "entry_point", has_user_id=False)],
)


def event(number: int, action: str, wiki: str = "idwiki", element: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "event_date": D, "event_hour": 3, "meta_id": f"e{number}", "meta_dt": datetime(2026, 3, 20, 3, tzinfo=UTC),
        "wiki_db": wiki, **REGIME, "action": action, "element_friendly_name": element, "user_hash": "u",
        "is_clock_skewed": False, "line_hash": number, **more,
    }  # fmt: skip


LINK: dict[str, Any] = {
    "event_date": D, "wiki_db": "idwiki", **REGIME, **SEGMENT, "element_friendly_name": DIFF,
    "n_impressions": 2, "n_clicks": 1, "n_shown": 2, "n_matched": 1,
}  # fmt: skip
GROUP = {**LINK, "element_friendly_name": "review links"}
CLEAN: dict[str, list[dict[str, Any]]] = {
    "events": [
        event(1, "pageview"), event(2, "impression", element=DIFF), event(3, "impression", element=DIFF),
        event(4, "click", element=DIFF, is_clock_skewed=True),
        event(5, "pageview", instrument_name="entry-points"),  # no load: the instrument is not about usage
    ],
    "duplicates": [event(1, "pageview"), event(1, "pageview")],
    "quarantine": [{"event_date": D, "event_hour": 3, "reason": "malformed_json", "file": "a", "line_hash": 7}],
    "ingest_log": [
        *({"event_date": D, "event_hour": hour, "fate": "kept", "n_lines": 0} for hour in range(24) if hour != 3),
        {"event_date": D, "event_hour": 3, "fate": "kept", "n_lines": 4},
        {"event_date": D, "event_hour": 3, "fate": "kept", "reason": "clock_skew", "n_lines": 1},
        {"event_date": D, "event_hour": 3, "fate": "duplicate", "n_lines": 2},
        {"event_date": D, "event_hour": 3, "fate": "quarantined", "reason": "malformed_json", "n_lines": 1},
        {"event_date": D, "event_hour": 3, "fate": "out_of_scope", "reason": "bot", "n_lines": 2},
    ],
    "user_days": [
        {"event_date": D, "wiki_db": "idwiki", "user_hash": "u", **REGIME, "n_loads": 1, "n_review_clicks": 1}
    ],
    "user_link_days": [{**LINK, "user_hash": "u"}, {**GROUP, "user_hash": "u"}],
    "unit_link_days": [],
    "baseline_daily": [{"event_date": D, "wiki_db": "idwiki", **REGIME, "n_loads": 1, "n_review_clicks": 1}],
    "engagement_daily": [LINK, GROUP],
    "sampling_audit": [{
        "event_date": D, "wiki_db": "idwiki", "instrument_name": HEALTH, "sample_unit": "pageview",
        "declared_rate": 1.0, "n_ids": 40, "n_impossible_pageviews": 0, "verdict": "as declared",
    }],
}  # fmt: skip


def staged(spark: SparkSession, **changed: list[dict[str, Any]]) -> dict[str, DataFrame]:
    """All tables in the contract's types; sums that a row does not name are zero.

    Arrow tables become local relations: no Python worker has to start for them.
    """
    frames = {}
    for name in TABLES:
        schema = schema_of(name)
        zeros = {column: 0 for column in schema.fieldNames() if column.startswith("n_") and not column.endswith("_at")}
        rows = [zeros | row for row in changed.get(name, CLEAN[name])]
        frames[name] = spark.createDataFrame(pa.Table.from_pylist(rows, to_arrow_schema(schema)), schema)
    return frames


@pytest.fixture(scope="module")
def clean(spark: SparkSession) -> dict[str, Any]:
    return facts_profile(staged(spark), days=[D], reference=REFERENCE, lines_read={D: 10})


def test_a_clean_day_adds_up(clean: dict[str, Any]) -> None:
    (fates,) = clean["fates"].to_dict("records")
    assert fates["n_read"] == fates["n_accounted"] == 10
    assert (fates["n_kept_logged"], fates["n_kept_stored"]) == (5, 5)
    assert (fates["n_duplicate_logged"], fates["n_duplicate_stored"]) == (2, 2)
    assert (fates["n_quarantined_logged"], fates["n_quarantined_stored"]) == (1, 1)
    assert fates["n_out_of_scope_logged"] == 2
    assert fates["duplicate_share"] == 2 / 7
    assert fates["clock_skew_share"] == 1 / 5
    assert (fates["n_loads"], fates["repeated_share"]) == (2, 0.0)


def test_a_clean_day_has_whole_keys(clean: dict[str, Any]) -> None:
    tables = clean["tables"].set_index("subject")
    assert tables["n_rows"].to_dict() == {name: len(rows) for name, rows in CLEAN.items() if rows}
    assert tables["n_duplicate_keys"].sum() == 0  # identical duplicates are legal
    assert tables["n_null_keys"].sum() == 0  # no reason, no platform: not holes


def test_loads_and_links_of_a_clean_day_agree(clean: dict[str, Any]) -> None:
    (loads,) = clean["loads"].query("subject == 'idwiki'").to_dict("records")
    assert [loads[f"n_loads_{name}"] for name in ("events", "user_days", "baseline")] == [1, 1, 1]
    assert [loads[f"n_review_clicks_{name}"] for name in ("user_days", "baseline")] == [1, 1]
    links = clean["links"].set_index("subject")
    diff, group = links.loc[f"idwiki / {HEALTH} / {DIFF}"], links.loc[f"idwiki / {HEALTH} / review links"]
    assert (diff["n_impressions"], diff["n_impressions_events"], diff["n_clicks"], diff["n_clicks_events"]) == (
        2,
        2,
        1,
        1,
    )
    assert links["n_differing"].sum() == 0
    assert links.isna().any(axis=1).sum() == 1
    assert group[["n_impressions_events", "n_clicks_events"]].isna().all()  # a group has no events of its own


def test_the_audit_row_has_one_name(clean: dict[str, Any]) -> None:
    (row,) = clean["sampling"].to_dict("records")
    assert row["subject"] == f"idwiki / {HEALTH} / pageview at 1"
    assert row["likely"] == "unknown"
    assert row["ks_p_value"] != row["ks_p_value"]  # null: the test was not made


@pytest.fixture(scope="module")
def faulty(spark: SparkSession) -> dict[str, Any]:
    """One day on which everything that a profile can show is wrong."""
    kept = CLEAN["ingest_log"][:-5]
    return facts_profile(
        staged(
            spark,
            events=[
                *CLEAN["events"],
                event(1, "click", element="brand-new link"),
                event(6, "impression", wiki="thwiki", element=MENU),
                event(7, "pageview", wiki="thwiki"),
                event(8, "pageview", wiki="trwiki", pageview_hash=4),
                event(9, "pageview", wiki="trwiki", pageview_hash=4),
            ],
            ingest_log=[
                *kept[1:],
                {"event_date": D, "event_hour": 0, "fate": "missing_hour", "n_lines": 0},
                {"event_date": D, "event_hour": 3, "fate": "kept", "n_lines": 5},
                {"event_date": D, "event_hour": 14, "fate": "quarantined", "reason": "unreadable_file", "n_lines": 1},
            ],
            engagement_daily=[{**LINK, "n_shown": 3}, GROUP, GROUP],
            unit_link_days=[{**LINK, "session_hash": None, "element_friendly_name": MENU, "n_pageviews": 1}],
            user_days=[],
        ),
        days=[D, NEXT],
        reference=REFERENCE,
        lines_read={D: 12},
    )


def test_lines_that_are_lost_show(faulty: dict[str, Any]) -> None:
    fates = faulty["fates"].set_index("event_date")
    assert (fates.loc[D, "n_read"], fates.loc[D, "n_accounted"]) == (12, 6)
    assert (fates.loc[D, "n_kept_logged"], fates.loc[D, "n_kept_stored"]) == (5, 10)
    assert (fates.loc[D, "n_duplicate_logged"], fates.loc[D, "n_duplicate_stored"]) == (0, 2)


def test_loads_of_one_page_view_show_whatever_their_ids(faulty: dict[str, Any]) -> None:
    fates = faulty["fates"].set_index("event_date")
    assert (fates.loc[D, "n_loads"], fates.loc[D, "repeated_share"]) == (5, 1 / 5)
    assert fates.loc[NEXT, "repeated_share"] == 0


def test_a_day_that_was_not_read_is_not_compared_but_has_its_row(faulty: dict[str, Any]) -> None:
    fates = faulty["fates"].set_index("event_date")
    assert fates["n_read"].isna()[NEXT]
    assert fates.loc[NEXT, "n_accounted"] == 0


def test_repeated_keys_and_holes_show(faulty: dict[str, Any]) -> None:
    tables = faulty["tables"].set_index("subject")
    assert tables.query("n_duplicate_keys > 0")["n_duplicate_keys"].to_dict() == {"events": 1, "engagement_daily": 1}
    assert tables.query("n_null_keys > 0")["n_null_keys"].to_dict() == {"unit_link_days": 1}


def test_loads_that_get_lost_on_the_way_show(faulty: dict[str, Any]) -> None:
    loads = faulty["loads"].set_index("subject")
    assert loads.loc["idwiki", ["n_loads_events", "n_loads_user_days", "n_loads_baseline"]].tolist() == [1, 0, 1]
    assert loads.loc["thwiki", ["n_loads_events", "n_loads_user_days", "n_loads_baseline"]].tolist() == [1, 0, 0]


def test_link_sums_that_differ_are_named(faulty: dict[str, Any]) -> None:
    links = faulty["links"].set_index("subject")
    assert links.loc[f"idwiki / {HEALTH} / {DIFF}", "differing"] == "n_shown 3 against 2"
    assert links.loc[f"idwiki / {HEALTH} / {MENU}", "n_differing"] == 5  # no daily row for what a session did
    new = links.loc[f"idwiki / {HEALTH} / brand-new link"]
    assert (new["n_clicks"], new["n_clicks_events"]) == (0, 1)


def test_unknown_elements_show(faulty: dict[str, Any]) -> None:
    assert faulty["elements"].set_index("subject")["n_unknown"].to_dict() == {DIFF: 0, MENU: 0, "brand-new link": 1}


def test_other_days_are_left_alone(spark: SparkSession) -> None:
    profiles = facts_profile(staged(spark), days=[NEXT], reference=REFERENCE, lines_read={NEXT: 0})
    assert profiles["tables"].empty
    assert profiles["loads"].empty
    assert profiles["links"].empty
    assert profiles["sampling"].empty
    assert profiles["fates"]["n_accounted"].tolist() == [0]


def test_a_missing_table_is_named(spark: SparkSession) -> None:
    frames = staged(spark)
    del frames["user_days"]
    with pytest.raises(KeyError, match="user_days"):
        facts_profile(frames, days=[D], reference=REFERENCE)


def test_it_takes_three_actions(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    frames = staged(spark)
    collect = type(frames["events"]).toPandas

    def counted(frame: DataFrame) -> Any:
        calls.append(frame.columns[0])
        return collect(frame)

    monkeypatch.setattr(type(frames["events"]), "toPandas", counted)
    facts_profile(frames, days=[D], reference=REFERENCE)
    assert len(calls) == 3
