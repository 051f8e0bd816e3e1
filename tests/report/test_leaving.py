"""What leaves a marts file: which rows of which tables, and what is taken out of them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from few_users import GROUPS, MIN_USERS, random_cells

from jobs import words
from jobs.catalogue import load_catalogue
from jobs.errors import UsageError
from jobs.report.cells_audience import audience
from jobs.report.disclosure import INSIDE, NUMBERS
from jobs.report.docs_leaving import copy_docs
from jobs.report.leaving import Leaving, daily_metrics, leaving
from jobs.steps.report import NEWEST
from jobs.warehouse.runs import Warehouse

HELD = ["truth", "true_users"]
RAREFIED = "dashboard_visitors_rarefied"
UNITS = {name: metric.unit for name, metric in load_catalogue().metrics.items()}
TABLES = {
    "fct_ingest_log": """
        select date '2026-03-16' as ingest_date, 7 as hour, 'kept' as fate, null as reason, 4321 as n_lines
        union all select date '2026-03-16', 8, 'kept', null, 26
        union all select date '2026-03-16', 9, 'missing_hour', null, 0""",
    "fct_sampling_audit": """
        select date '2026-03-16' as event_date, 'w0wiki' as wiki_db, 'usage' as instrument_name,
            'pageview' as sample_unit, 0.1 as declared_rate, 123 as n_ids, 0.0997 as largest_fraction,
            0.1004 as upper_limit, 0 as n_impossible_pageviews, 0.5 as ks_p_value, 'as declared' as verdict,
            0.09873 as likely_rate,
            false as is_suppressed
        union all select date '2026-03-17', 'w0wiki', 'usage', 'pageview', 0.1, 3, 0.09, 0.2, 0, null, 'too few ids',
            0.12, false""",
    "fct_self_validation": """
        select * from (values
            ('w0wiki', 'dashboard_visitors', 28, 'pageview', 0.5, 2e2, 1.9e2, -1e1, -5e1, 'publish', true, false),
            ('w1wiki', 'dashboard_visitors', 28, 'pageview', 0.5, 1e2, null, null, -3e1, 'not_estimable', null, false)
        ) as t(wiki_db, metric, window_days, sample_unit, rate, truth, estimate, estimate_error, naive_error, status,
            is_covered, is_suppressed)""",
    "fct_data_quality": """
        select date '2026-03-16' as event_date, 'raw' as gate, 'volume_low' as check_id, 'w0wiki' as subject,
            'warning' as severity, false as success, 17.0 as observed, 40.0 as expected, 'only 17 loads' as message,
            'run_1' as run_id, 1 as attempt, true as is_latest
        union all select date '2026-03-16', 'raw', 'volume_low', 'w0wiki', 'warning', true, 41.0, 40.0, 'checked',
            'run_0', 1, false""",
    "fct_milestone_status": """
        select 'Reached' as milestone, 'w1wiki' as wiki_db, 'dashboard_visitors' as metric, 'rolling' as window_kind,
            28 as window_days, date '2026-04-19' as as_of_date, 'not measurable' as status, m.start as window_start,
            m.start + 27 as window_end,
            77.3 as estimate, 70.0 as lower, 80.0 as upper, 0.999 as share_reached, 80.0 as target,
            'between 1.5 % and 90 %, too wide' as reason
        from (values (date '2026-03-16'), (date '2026-03-17')) as m(start)
        union all select 'Reached', 'w1wiki', 'dashboard_visitors', 'rolling', 28, date '2026-04-18', 'behind',
            date '2026-03-16', date '2026-04-12', 1.0, 1.0, 1.0, 0.1, 10.0, ''
        union all select 'Reached', 'w1wiki', metric, 'rolling', 28, date '2026-05-31', 'not measurable', null, null,
            null, null, null, null, 80.0, 'as of a day of no event'
        from (values ('dashboard_visitors'), ('eligible_editors')) as t(metric)""",
    "fct_audience": """
        select as_of as as_of_date, 'w0wiki' as wiki_db, band, 28 as window_days, as_of - 27 as window_start,
            strftime(as_of, '%Y-%m') as snapshot, '' as definition, n as n_editors, 20 as n_new_to_band,
            30 as n_left_band, null::double as growth_exponent, null::int as projected_days, null::double as projected,
            null::double as projected_lower, null::double as projected_upper
        from (values (date '2026-03-31', '100-500', 388), (date '2026-04-15', '100-500', 390),
            (date '2026-04-30', '100-500', 400), (date '2026-04-30', '100-300', 395)) as t(as_of, band, n)""",
    "rpt_audience_month": """
        select date_trunc('month', e)::date as month, 'w0wiki' as wiki_db, '100-500' as band, 28 as window_days,
            e as window_end, c as change_from_month_before, '2026-03' as snapshot_before
        from (values (date '2026-03-31', null), (date '2026-04-30', 12)) as t(e, c)""",
    "dim_wiki_config": """
        select 'w0wiki' as wiki_db, 'minimum_edits' as setting, '100' as value, date '2026-03-02' as valid_from,
            null::date as valid_to""",
    "dim_wiki": "select 'w0wiki' as wiki_db",
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with a marts file: rows that may leave, and others beside them."""
    found = Warehouse(tmp_path_factory.mktemp("warehouse"))
    cells = random_cells(5, users=(9, 60)).rename(columns={"window_start": "metric_date", "window_end": "as_of_date"})
    cells = cells.assign(sampling_unit="pageview", sampling_rate_min=1.0, sampling_rate_max=1.0, series_break=None)
    some = cells[cells["metric"] == "link_clicks"].head(1)
    bucket = some.assign(edit_count_bucket="5-99 edits")
    tuesday = some.assign(metric_date=some["metric_date"] + pd.Timedelta(days=1))
    quarter = some.assign(window_kind="quarter_to_date")
    day = some.assign(window_days=1)
    open_week = cells[(cells["metric"] == "dashboard_visitors") & (cells["window_days"] == 1)].tail(1)
    open_week = open_week.assign(metric_date=pd.Timestamp("2026-04-20"), as_of_date=pd.Timestamp("2026-04-20"))
    later = {"metric_date": pd.Timestamp("2026-05-04"), "as_of_date": pd.Timestamp("2026-05-31")}
    audience = some.assign(metric="eligible_editors", edit_count_bucket="100-500", window_days=28, **later)
    # Without a row of loads beside them, nothing hides these.
    rarefied = some.assign(metric=RAREFIED, element_friendly_name="all", window_days=28, status="caution",
                           client_platform_family="all", n_users_observed=60.0, observed_numerator=60.0)  # fmt: skip
    rarefied = pd.concat([rarefied.assign(wiki_db="w8wiki", estimate=41.37, lower=39.81, upper=42.4),
                          rarefied.assign(wiki_db="w9wiki", estimate=41.2, lower=41.1, upper=41.3)])  # fmt: skip
    facts = pd.concat([cells, bucket, tuesday, quarter, day, open_week, audience, rarefied]).drop(
        columns=[*HELD, "link_group"]
    )
    week = cells.loc[
        (cells["metric"] == "dashboard_visitors") & (cells["window_days"] == 7), ["wiki_db", "metric_date"]
    ]
    wide = week.rename(columns={"metric_date": "window_start"})
    for name in ("change", "change_lower", "change_upper", "change_reason"):
        wide[f"dashboard_visitors_{name}"] = None if name == "change_reason" else 1.3
    vocabulary = pd.DataFrame({"element_friendly_name": list(GROUPS), "link_group": list(GROUPS.values())})
    with duckdb.connect(str(found.marts)) as connection:
        connection.execute("create schema marts; use marts")
        for name, frame in (
            ("fct_metric_values", facts),
            ("rpt_wiki_week", wide),
            ("dim_instrument_vocabulary", vocabulary),
        ):
            connection.register("frame", frame)
            date = "metric_date::date as metric_date, as_of_date::date as as_of_date"
            columns = f"* replace ({date})" if name == "fct_metric_values" else "*"
            connection.execute(f"create table {name} as select {columns} from frame")
        for name, sql in TABLES.items():
            connection.execute(f"create table {name} as {sql}")
    return found


@pytest.fixture(scope="module")
def left(warehouse: Warehouse) -> Leaving:
    return leaving(warehouse, min_users=MIN_USERS)


def test_only_mondays_windows_and_days_of_closed_weeks_leave(left):
    cells = left.cells
    assert set(cells["edit_count_bucket"]) == {"all"}
    assert set(cells["window_kind"]) == {"rolling", "cohort"}
    assert set(cells.loc[cells["window_days"] > 1, "window_start"].dt.weekday) == {0}
    days = cells[cells["window_days"] == 1]
    assert set(days["metric"]) == {"dashboard_pageviews", "dashboard_visitors"}
    assert days["window_start"].max() == pd.Timestamp("2026-04-19")


def test_no_observed_count_leaves_and_small_cells_are_hidden(left):
    assert not set(INSIDE) & set(left.cells.columns)
    hidden = left.cells[left.cells["status"] == "suppressed"]
    assert len(hidden) > 100
    assert hidden[["estimate", "lower", "upper"]].isna().all(axis=None)


def test_links_stand_with_their_group(left):
    groups = dict(left.cells[["element_friendly_name", "link_group"]].drop_duplicates().itertuples(index=False))
    assert groups.pop("review links") == "review links"
    assert pd.isna(groups.pop("all"))
    assert groups == GROUPS


def test_a_change_leaves_where_both_weeks_are_shown(left):
    weeks = left.cells[(left.cells["metric"] == "dashboard_visitors") & (left.cells["window_days"] == 7)]
    shown = set(
        weeks.loc[weeks["status"] != "suppressed", ["wiki_db", "window_start"]].itertuples(index=False, name=None)
    )
    expected = {(wiki, week) for wiki, week in shown if (wiki, week - pd.Timedelta(days=7)) in shown}
    assert 0 < len(shown) < len(weeks)
    assert set(left.changes[["wiki_db", "window_start"]].itertuples(index=False, name=None)) == expected
    assert left.changes.columns.tolist()[-1] == "change_reason"


def test_of_lines_the_days_and_the_missing_hours_leave(left):
    assert left.lines.columns.tolist() == ["ingest_date", "hour", "fate"]
    assert left.lines["hour"].tolist() == [pd.NA, 9]
    assert left.lines["fate"].tolist() == ["came", "missing_hour"]


def test_no_number_leaves_with_more_digits_than_are_written(left):
    for frame, names in ((left.cells, NUMBERS), (left.milestones, NUMBERS),
                         (left.changes, ("change", "change_lower", "change_upper"))):  # fmt: skip
        for name in names:
            own = frame[frame[name].notna()]
            written = [words.number(value, UNITS[m]) for m, value in zip(own["metric"], own[name], strict=True)]
            again = pd.Series(written).str.removesuffix(" %").str.replace(",", "").astype(float)
            is_percent = own["metric"].map(UNITS).isin(words.PERCENT_UNITS).to_numpy()
            assert len(own) > 0
            assert (again.to_numpy() == (own[name] * np.where(is_percent, 100, 1)).round(9).to_numpy()).all()


def test_rarefied_visitors_leave_as_whole_users(left):
    rarefied = left.cells.loc[left.cells["metric"] == RAREFIED, list(NUMBERS)]
    assert rarefied.to_numpy().tolist() == [[41.0, 40.0, 42.0], [41.0, 41.0, 42.0]]  # the second is not exact


def test_the_audit_leaves_without_what_tells_the_number_of_ids(left):
    assert {"n_ids", "largest_fraction", "upper_limit", "ks_p_value"}.isdisjoint(left.sampling.columns)
    assert left.sampling["likely_rate"].tolist()[0] == 0.099
    assert pd.isna(left.sampling["likely_rate"].tolist()[1])


def test_the_self_validation_leaves_as_errors_over_all_wikis(left):
    row = left.self_validation.iloc[0]
    assert (row["n"], row["n_shown"], row["n_intervals"], row["n_covered"]) == (2, 1, 1, 1)
    assert (row["median_error"], row["median_naive_error"]) == (0.05, 0.28)
    assert "truth" not in left.self_validation.columns


def test_verdicts_leave_without_what_was_counted(left):
    assert left.gates["check_id"].tolist() == ["volume_low"]
    assert "17" not in " ".join(left.gates.astype(str).to_numpy().ravel()).replace("2026-03-17", "")


def test_milestones_have_numbers_of_shown_cells_only(left):
    by_start = left.milestones.dropna(subset="window_start").set_index("window_start")
    monday, tuesday = by_start.loc["2026-03-16"], by_start.loc["2026-03-17"]
    assert (monday["estimate"], monday["share_reached"], monday["reason"]) == (
        77.0,
        0.99,
        "between 1.5 % and 90 %, too wide",
    )
    assert pd.isna(tuesday[["estimate", "lower", "upper", "share_reached"]].astype(float)).all()
    assert tuesday["reason"] == "between … % and … %, too wide"


def test_milestones_are_as_of_the_last_day_of_events_those_of_editors_as_of_the_last_of_all(left):
    """Windows of events are too old on the day of a later audience, and nothing would be measurable."""
    found = left.milestones.groupby("metric")["as_of_date"].unique().map(lambda days: [str(day.date()) for day in days])
    assert found.to_dict() == {"dashboard_visitors": ["2026-04-19"], "eligible_editors": ["2026-05-31"]}


def test_settings_leave_as_they_are(left):
    assert left.config[["wiki_db", "setting", "value"]].to_numpy().tolist() == [["w0wiki", "minimum_edits", "100"]]


def test_eligible_editors_leave_as_they_were_counted_but_for_what_gives_few_away(left):
    wide, narrow = (left.audience[left.audience["band"] == band] for band in ("100-500", "100-300"))
    assert wide["n_editors"].tolist() == [388, 390, 400]
    assert wide["month"].tolist() == [pd.Timestamp("2026-03-01"), pd.NaT, pd.Timestamp("2026-04-01")]
    assert wide["change_from_month_before"].tolist()[2] == 12
    assert wide["change_from_month_before"].isna().tolist() == [True, True, False]
    assert narrow[["n_editors", "n_new_to_band", "n_left_band"]].isna().to_numpy().all()


def test_eligible_editors_of_later_days_close_no_week(left):
    assert "eligible_editors" not in set(left.cells["metric"])
    assert left.cells["window_start"].max() < pd.Timestamp("2026-04-20")


def test_a_site_is_as_of_the_last_day_of_events_or_of_its_audience(warehouse):
    def newest(table):
        with duckdb.connect(str(warehouse.marts), read_only=True) as connection:
            sql = NEWEST.replace("fct_metric_values", f"({table})")
            return str(connection.execute(sql).fetchall()[0][0])

    whole = "select * from marts.fct_metric_values"
    assert newest(whole) == "2026-04-20"
    assert newest(f"{whole} where edit_count_bucket <> 'all' and metric = 'eligible_editors'") == "2026-05-31"


def test_marts_of_an_older_version_have_no_audience():
    assert audience(lambda sql: pd.DataFrame(), MIN_USERS).empty


def test_daily_metrics_are_counts_of_the_dashboard():
    assert daily_metrics(load_catalogue()) == ["dashboard_pageviews", "dashboard_visitors"]


def test_a_warehouse_without_marts_is_told(tmp_path):
    with pytest.raises(UsageError, match="Nothing is published"):
        leaving(Warehouse(tmp_path / "none"), min_users=MIN_USERS)


def test_of_the_data_docs_the_suites_leave_and_no_validation(tmp_path: Path):
    docs = tmp_path / "data_docs"
    for name, text in (("expectations/raw.html", "a{background: url('https://example.org/logo.png') 0 0}"),
                       ("validations/raw/run/raw-profiles.html", "45 loads"), ("index.html", "45 loads"),
                       ("static/vendor/x.css", "")):  # fmt: skip
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, encoding="utf-8")
    assert copy_docs(docs, tmp_path / "out")
    files = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {"index.html", "expectations/raw.html", "static/vendor/x.css"}
    assert (tmp_path / "out" / "expectations" / "raw.html").read_text(encoding="utf-8") == "a{background: none 0 0}"
    assert "45 loads" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert not copy_docs(tmp_path / "nothing", tmp_path / "other")
