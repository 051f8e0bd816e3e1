"""`explain eligible_editors`: which row, what is beside it, what it grows to; and what to run where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from rich.console import Console

from jobs.audience_tables import AUDIENCE_TABLES
from jobs.catalogue import load_catalogue
from jobs.columns import BOOLEAN
from jobs.contracts import TABLES
from jobs.errors import UsageError
from jobs.explanation.audience import _wrong, explain_audience
from jobs.explanation.audience_choice import _uncounted, choose_audience
from jobs.explanation.audience_forecast import STICKY, forecast_of
from jobs.explanation.audience_runs import made_by
from jobs.explanation.choose import Asked
from jobs.explanation.explanation import Explanation, MetricRow
from jobs.explanation.text import show
from jobs.schemas import arrow_schema
from jobs.warehouse.manifest import Run

METRIC = load_catalogue().metric("eligible_editors")
MARCH, FEBRUARY = date(2026, 3, 31), date(2026, 2, 28)
COUNTS = {  # wiki, as of, band, window: editors, new, left
    ("enwiki", MARCH, "100-500", 14): (9987, 310, 120),
    ("enwiki", MARCH, "100-500", 28): (15905, 840, None),
    ("enwiki", MARCH, "100-300", 14): (7161, 250, 300),
    ("enwiki", MARCH, "100-300", 28): (11674, 700, 610),
    ("enwiki", FEBRUARY, "100-500", 28): (15000, 800, 90),
    ("thwiki", MARCH, "100-500", 14): (None, None, None),
    ("thwiki", MARCH, "100-500", 28): (12, None, None),
}  # fmt: skip
GROWN = {"growth_exponent": 0.6713, "projected": 25329.0, "projected_lower": 17910.0, "projected_upper": 31628.0}
TWO_MONTHS = "2026-02-01/2026-02-28,2026-04-03/2026-04-30"
LOG = [("kept", None, 6000), ("out_of_scope", "other_event", 700), ("out_of_scope", "anonymous", 900),
       ("quarantined", "malformed:event_timestamp", 2)]  # fmt: skip
CHANGED = [
    ("bots", "counted", 16220),
    ("bots", "now", 15905),
    ("cross_wiki", "out", None),
    ("edit_count", "first", 15800),
    ("temporary", "in", None),
]
RUNS = [Run("run_20260301_20260401_1", date(2026, 3, 1), date(2026, 4, 1), "in", as_of=[MARCH]),
        Run("audience_2", MARCH, MARCH, "history", as_of=[FEBRUARY, MARCH], is_audience=True)]  # fmt: skip


def _value(key: tuple[str, date, str, int], n: int | None) -> dict[str, Any]:
    wiki, as_of, band, days = key
    return {
        "metric": METRIC.metric, "metric_version": 1, "wiki_db": wiki, "window_kind": "rolling", "as_of_date": as_of,
        "metric_date": as_of - timedelta(days=days - 1), "window_days": days, "element_friendly_name": "all",
        "client_platform_family": "all", "edit_count_bucket": band, "inference": "realised", "estimate": n,
        "lower": n, "upper": n, "observed_numerator": n, "n_users_observed": n, "estimator": "count",
        "sampling_rate_min": 1.0, "sampling_rate_max": 1.0, "is_complete": True,
        "status": "suppressed" if n is None else "publish",
        "status_reason": "fewer than 10 users: not shown, to protect them" if n is None else "",
    }  # fmt: skip


def _frames() -> dict[str, list[dict[str, Any]]]:
    audience, values = [], []
    for (wiki, as_of, band, days), (n, new, left) in COUNTS.items():
        cell = {"wiki_db": wiki, "as_of_date": as_of, "band": band, "window_days": days, "snapshot": "2026-03",
                "window_start": as_of - timedelta(days=days - 1), "definition": "", "n_editors": n,
                "read_from": as_of - timedelta(days=27), "read_to": as_of}  # fmt: skip
        grown = GROWN if (wiki, as_of, band, days) == ("enwiki", MARCH, "100-500", 28) else {}
        if (as_of, band) == (FEBRUARY, "100-500"):
            cell["read_to"] = MARCH + timedelta(days=30)  # one reading for two days
            cell["days_read"] = TWO_MONTHS
        audience.append({**cell, "n_new_to_band": new, "n_left_band": left, "projected_days": 56, **grown})
        values.append(_value((wiki, as_of, band, days), n))
    cell = {"wiki_db": "enwiki", "as_of_date": MARCH}
    reading = {"read_from": MARCH - timedelta(days=27), "snapshot": "2026-03"}
    log = [{**cell, **reading, "fate": fate, "reason": why, "n_rows": n} for fate, why, n in LOG]
    both = {"as_of_date": MARCH + timedelta(days=30), "read_from": FEBRUARY - timedelta(days=27)}
    both["days_read"] = TWO_MONTHS
    log.append({**cell, **reading, **both, "fate": "kept", "n_rows": 7602})
    log.append({**cell, **reading, "read_from": FEBRUARY, "fate": "kept", "n_rows": 2})
    log.append({**cell, **reading, "days_read": "some/of,these/days", "fate": "kept", "n_rows": 3})
    log.append({**cell, **reading, **both, "days_read": None, "fate": "kept", "n_rows": 4})
    audience.append({**audience[1], "definition": "bots=counted", "n_editors": 99999})
    band = {**cell, "band": "100-500", "window_days": 28}
    changed = [
        {**band, "choice": a, "alternative": b, "n_editors": n, "is_suppressed": a == "temporary"}
        for a, b, n in CHANGED
    ]
    return {"audience": audience, "audience_log": log, "audience_alternatives": changed, "metric_values": values}


@pytest.fixture(scope="module")
def fetch() -> Callable[..., list[dict[str, Any]]]:
    """Run statements on marts of the audience's tables."""
    connection = duckdb.connect()
    for name, rows in _frames().items():
        more = {"is_suppressed": BOOLEAN} if name.startswith("audience") else {}
        schema = arrow_schema({**TABLES[name].columns, **more})
        connection.register(f"given_{name}", pa.Table.from_pylist(rows, schema=schema))
        connection.execute(f"create table fct_{name} as select * from given_{name}")
    assert {table.name for table in AUDIENCE_TABLES} - {"audience_values"} <= {*_frames()}

    def run(sql: str, parameters: Any) -> list[dict[str, Any]]:
        result = connection.execute(sql, list(parameters))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    return run


def explained(fetch: Any, wiki: str = "enwiki", **asked: Any) -> Explanation:
    return explain_audience(Asked(METRIC.metric, wiki, **asked), METRIC, RUNS, fetch)


def refusal(fetch: Any, wiki: str = "enwiki", **asked: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        explained(fetch, wiki, **asked)
    return caught.value


# --- Which row


def test_the_newest_day_four_weeks_and_the_first_band_are_meant(fetch):
    found = explained(fetch)
    assert found.headline == "eligible_editors, enwiki, 100-500, 2026-03-04..2026-03-31: 15,905 (exact), publish"
    assert found.chosen == (
        "--as-of 2026-03-31, the newest day that is counted",
        "--window 28 (there are 14, 28)",
        "--bucket 100-500 (there are 100-300, 100-500)",
    )


def test_the_newest_day_is_that_of_the_band():
    def fetch(sql, _):
        late = {**_value(("enwiki", date(2026, 4, 15), "50-1000", 28), 7)}
        rows = [_value(key, row[0]) for key, row in COUNTS.items() if key[0] == "enwiki"] + [late]
        known = MetricRow.__dataclass_fields__
        return [{**dict.fromkeys(known), **row} for row in sorted(rows, key=lambda row: row["as_of_date"])]

    usual = choose_audience(Asked(METRIC.metric, "enwiki"), METRIC, fetch)
    assert (usual.row.edit_count_bucket, usual.row.as_of_date) == ("100-500", MARCH)
    assert "--bucket 100-500 (there are 100-300, 100-500, 50-1000)" in usual.notes
    other = choose_audience(Asked(METRIC.metric, "enwiki", bucket="50-1000"), METRIC, fetch)
    assert other.row.as_of_date == date(2026, 4, 15)


def test_what_is_asked_for_is_taken(fetch):
    found = explained(fetch, as_of=MARCH, window="14", bucket="100-300")
    assert (found.row.estimate, found.chosen) == (7161, ())
    assert explained(fetch, as_of=FEBRUARY).row.estimate == 15000
    assert len(fetch(found.sql[0].text, ())) == 1, "the statement finds this row alone"


@pytest.mark.parametrize(
    ("asked", "where", "told"),
    [
        ({"as_of": date(2026, 1, 31)}, "--as-of", "there are 2026-02-28, 2026-03-31; pdmetrics audience"),
        ({"window": "56"}, "--window", "there are 14, 28; pdmetrics audience"),
        ({"bucket": "50-1000"}, "--bucket", "there are 100-300, 100-500; pdmetrics audience"),
        ({"as_of": FEBRUARY, "window": "14"}, "--as-of", "there are 2026-03-31; pdmetrics audience"),
        ({"as_of": FEBRUARY, "window": "7", "bucket": "1-5"}, "--window", "there are 14, 28; pdmetrics audience"),
    ],
)
def test_what_is_not_there_is_told_with_what_is_and_with_the_command_that_counts_it(fetch, asked, where, told):
    error = refusal(fetch, **asked)
    assert error.where == where
    assert told in (error.next_step or "")
    command = f"audience --history DIR --snapshot YYYY-MM --as-of {asked.get('as_of', 'DAY')} --wiki enwiki"
    command += "".join(
        f" {option} {asked[name]}" for name, option in (("window", "--windows"), ("bucket", "--bands")) if name in asked
    )
    assert f"{command} counts others" in (error.next_step or "")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"platform": "mobile_browser"}, "there are all"),
        ({"element": "Homepage menu link"}, "there are all"),
        ({"inference": "process"}, "there are realised"),
        ({"window": "quarter"}, "there are 14, 28"),
        ({"window": "367"}, "there are 14, 28"),
        ({"bucket": "5-99 edits"}, "there are 100-300, 100-500"),
    ],
)
def test_what_no_dump_has_is_told_with_what_there_is_alone(fetch, asked, told):
    assert refusal(fetch, **asked).next_step == told


def test_wiki_all_gets_no_command_for_it_is_refused_there_too(fetch):
    error = refusal(fetch, "all")
    assert error.what.startswith("eligible_editors has no wiki `all`")
    assert error.next_step == "there are enwiki, thwiki"
    step = _uncounted(Asked(METRIC.metric, "all"), METRIC, []).next_step or ""
    assert step.startswith("pdmetrics audience --history DIR --snapshot YYYY-MM --as-of DAY --wiki WIKI counts")


def test_a_wiki_that_nobody_counted_gets_the_command_that_counts_it(fetch):
    error = refusal(fetch, "idwiki", as_of=MARCH)
    assert error.what == "Nobody has counted the eligible editors of idwiki yet."
    assert error.next_step == (
        "pdmetrics audience --history DIR --snapshot YYYY-MM --as-of 2026-03-31 --wiki idwiki counts them; "
        "counted are enwiki, thwiki"
    )


# --- What is told of it


def test_rows_of_the_dumps_lead_to_the_number(fetch):
    steps = [(step.what, step.count, step.agrees) for step in explained(fetch).steps]
    assert steps == [
        ("rows of the wiki's dumps read", 7602, None),
        ("out of scope: anonymous", 900, None),
        ("out of scope: other_event", 700, None),
        ("quarantined: malformed:event_timestamp", 2, None),
        ("kept, revisions of the windows' days", 6000, None),
        ("eligible editors in the band 100-500", 15905, True),
        ("of these grew into the band within the window", 840, None),
        ("beside these, who were in the band and are above it at the end", None, None),
    ]
    assert explained(fetch).steps[-1].is_hidden


def test_a_day_is_told_by_the_reading_that_served_it(fetch):
    found = explained(fetch, as_of=FEBRUARY)
    assert found.steps[0].count == 7602
    assert found.inputs.measured[-1].startswith("the dumps were read once, for all days up to 2026-04-30")


def test_marts_built_before_the_days_were_noted_are_explained_as_they_were(fetch):
    def older(sql: str, parameters: Any) -> list[dict[str, Any]]:
        assert "days_read" not in sql
        return [{name: value for name, value in one.items() if name != "days_read"} for one in fetch(sql, parameters)]

    assert explained(older).steps[0].count == 7602 + 3, "both readings from and to these days"


def test_the_short_cuts_stand_beside(fetch):
    straight, bots = explained(fetch).naive
    assert (straight.how, straight.value) == ("9,987 in 14 days, times 2", 19974.0)
    assert straight.why.startswith("too large")
    assert bots.value == 16220
    (half, *_) = explained(fetch, window="14").naive
    assert (half.value, half.why.split(":")[0]) == (15905 / 2, "too small")


def test_each_choice_made_otherwise_moves_the_number(fetch):
    found = {one.what.split(":")[0]: one for one in explained(fetch).alternatives if one.kind == "choice"}
    assert {what: one.estimate for what, one in found.items()} == {
        "bots=counted": 16220, "bots=now": 15905, "cross_wiki=out": None, "edit_count=first": 15800,
        "temporary=in": None,
    }  # fmt: skip
    assert found["bots=counted"].note == "+315 (+2.0 %)"
    assert found["edit_count=first"].note == "−105 (−0.7 %)"
    assert found["bots=now"].note == "no change"
    assert found["cross_wiki=out"].note == "not known: these dumps do not say it"
    assert found["temporary=in"].note == "hidden: fewer editors than may be shown"


def test_other_windows_and_bands_of_the_day_are_alternatives(fetch):
    beside = [(one.kind, one.what, one.estimate) for one in explained(fetch).alternatives if one.kind != "choice"]
    assert beside == [
        ("window", "14 days, 2026-03-18..2026-03-31", 9987.0), ("band", "band 100-300", 11674.0),
    ]  # fmt: skip


def test_what_it_grows_to_is_no_straight_line_and_no_forecast_of_who_sees_the_link(fetch):
    found = explained(fetch, window="14", bucket="100-500").forecast
    assert found is not None
    assert (found.estimate, found.lower, found.upper, found.linear) == (25329.0, 17910.0, 31628.0, 31810.0)
    assert "from 9,987 in 14 days to 15,905 in 28 it grows as t^0.67" in found.how
    assert found.means == STICKY
    none = explained(fetch, bucket="100-300").forecast
    assert none is not None
    assert none.estimate is None
    assert none.how == "none: fct_audience has no projection of these windows"
    single = explained(fetch, as_of=FEBRUARY).forecast
    assert single is not None
    assert single.how == "none: it takes two windows shorter than 56 days, and 1 was counted"
    hidden = explained(fetch, "thwiki").forecast
    assert hidden is not None
    assert hidden.how == "none: the count of a window is hidden"


def test_hidden_counts_stay_hidden(fetch):
    found = explained(fetch, "thwiki", window="14")
    assert (found.row.status, found.row.estimate) == ("suppressed", None)
    assert found.naive == ()
    assert all(step.count is None for step in found.steps if step.noun == "editors")
    assert explained(fetch, "thwiki").naive == ()


def test_only_runs_of_the_audience_are_named(fetch):
    inputs = explained(fetch).inputs
    assert (inputs.run_id, inputs.row_run_id) == ("audience_2", "audience_2")
    assert inputs.measured[0] == "mediawiki_history, snapshot 2026-03"
    assert explained(fetch).formula.interval == "none: dumps hold every revision, so that everybody is counted"
    assert explained(fetch, "thwiki", window="14").formula.interval == "none: there is no number"
    assert inputs.measured[1] == "the contract's definition (docs/audience.md)"


def _counted(number: int, *options: str) -> Run:
    shown = ["--snapshot", "2026-03", "--bands", "100-300,100-500", "--windows", "14,28", *options]
    return Run(f"run_{number}", MARCH, MARCH, "history", as_of=[MARCH], is_audience=True, options=shown)


def test_a_row_is_told_by_the_last_run_that_counted_it_and_not_by_those_of_other_wikis_bands_or_windows(fetch):
    def named(row, *runs):
        return made_by(row, "2026-03", runs, fetch)

    row = explained(fetch, "thwiki").row
    own, everything = _counted(3, "--wiki", "thwiki", "--wiki", "idwiki"), _counted(1)
    others = _counted(4, "--wiki", "enwiki"), _counted(5, "--windows", "7")
    others = (*others[:1], replace(others[1], options=["--windows", "7"]), replace(own, options=["--bands", "1-5"]))
    assert named(row, everything, own, *others) == own.run_id
    assert named(row, everything, *others) == everything.run_id
    assert named(row, *others, replace(own, options=["--snapshot", "2026-02"])) is None
    doubled = explained(fetch).row  # by another definition as well, and no manifest says by which a run counted
    assert named(doubled, everything, others[0]) == "run_1 or run_4"


def test_an_exact_count_is_not_said_to_have_an_interval(fetch):
    assert "no interval" in explained(fetch).means
    assert explained(fetch, "thwiki", window="14").means.startswith("Not shown")


def test_the_text_has_its_sections_and_no_rates(fetch):
    out = StringIO()
    show(Console(file=out, width=100), explained(fetch))
    text = out.getvalue()
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert [heading.split(" (")[0].split(":")[0] for heading in headings[1:]] == [
        "Status", "Eligible editors", "Inputs", "Rows of the dumps, and editors", "The naive value beside ours",
        "In 56 days", "Alternatives", "Alternatives", "Alternatives", *["SQL for `pdmetrics query`"] * 4,
    ]  # fmt: skip
    assert "forecast" in text
    assert "25,329 (17,910 – 31,628)" in text
    assert "31,810: too many" in text
    assert "sampling" not in text.split("SQL for")[0].lower().replace("no rate", "")
    assert max(map(len, text.split("SQL for")[0].splitlines())) <= 100
    assert "hidden" in text
    (line,) = [line for line in text.splitlines() if "bots=counted" in line]
    assert line.split()[:4] == ["16,220", "+315", "(+2.0", "%)"]


@pytest.mark.parametrize(
    ("counts", "how"),
    [
        ({7: 20, 14: 0}, "none: in a window nobody is eligible"),
        ({7: 20, 13: 30}, "none: 56 days are more than 4 times the longest window"),
        ({7: 20, 14: 30}, "none: fct_audience has no projection of these windows"),
        ({14: 20, 28: 30, 60: 29}, "none: there are fewer editors in a window longer than 56 days than in 28"),
        ({14: 20, 28: 30, 56: 40}, "counted: a window of these days was asked for, so nothing is carried on"),
    ],
)
def test_why_nothing_is_carried_on_is_said(counts, how):
    rows = [
        {"window_days": days, "n_editors": n, "projected": None, "snapshot": "2026-03"} for days, n in counts.items()
    ]
    found = forecast_of(rows, "2026-03")
    assert (found.how, found.estimate) == (how, counts.get(56))


def _window(days: int, n: int, snapshot: str, projected: float | None = None, b: float | None = None) -> dict[str, Any]:
    return {"window_days": days, "n_editors": n, "snapshot": snapshot, "projected": projected, "projected_days": 56,
            "projected_lower": projected, "projected_upper": projected, "growth_exponent": b}  # fmt: skip


TWO_SNAPSHOTS = [_window(14, 205, "2026-03"), _window(21, 285, "2026-04"),
                 _window(28, 354, "2026-03", 612.0, 0.788)]  # fmt: skip


def test_a_projection_is_told_by_the_windows_of_its_own_snapshot():
    found = forecast_of(TWO_SNAPSHOTS, "2026-03")
    assert found.how == "from 205 in 14 days to 354 in 28 it grows as t^0.79, and is carried on so"


def test_a_number_of_another_snapshot_is_not_told_but_where_there_is_one():
    found = forecast_of(TWO_SNAPSHOTS, "2026-04")
    assert (found.estimate, found.lower, found.upper, found.linear) == (None,) * 4
    assert found.how == "none: these windows were not counted in one snapshot; snapshot 2026-03 has one"
    counted = forecast_of([*TWO_SNAPSHOTS, _window(56, 600, "2026-05")], "2026-04")
    assert counted.estimate is None
    assert counted.how == "none: these windows were not counted in one snapshot; snapshots 2026-03, 2026-05 have one"
    few = [{**_window(14, 9, "2026-04"), "n_editors": None}, _window(28, 12, "2026-04"), _window(56, 99, "2026-03")]
    assert forecast_of(few, "2026-04").how == "none: the count of a window is hidden; snapshot 2026-03 has one"


@pytest.mark.parametrize(("n", "told"), [(612, ", up to the 612 who were counted in 60 days"), (613, "")])
def test_a_projection_that_a_longer_window_holds_down_says_so(n, told):
    found = forecast_of([*TWO_SNAPSHOTS, _window(60, n, "2026-03"), _window(61, 500, "2026-04")], "2026-03")
    assert found.how == f"from 205 in 14 days to 354 in 28 it grows as t^0.79, and is carried on so{told}"


def test_eight_weeks_that_were_counted_go_before_a_projection_of_their_snapshot_only():
    whole = _window(56, 600, "2026-03")
    counted = forecast_of([*TWO_SNAPSHOTS, whole], "2026-03")
    assert (counted.estimate, counted.linear, counted.how.split(":")[0]) == (600, None, "counted")
    other = forecast_of([*TWO_SNAPSHOTS, {**whole, "snapshot": "2026-04"}], "2026-03")
    assert other.estimate == 612.0


@pytest.mark.parametrize(
    ("difference", "is_less", "word"),
    [(5.0, True, "too large"), (5.0, False, "too large"), (-5.0, True, "too small"), (-5.0, False, "too small"),
     (0.0, True, "the same here")],
)  # fmt: skip
def test_a_short_cut_is_called_what_it_is(difference, is_less, word):
    assert _wrong(difference, is_less=is_less).startswith(word)
