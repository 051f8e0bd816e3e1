"""The profiles of the raw gate on literal days: what arrived, what did not, what came too early."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from jobs.quality.raw_frames import raw_frames, refused_of, tables_of
from jobs.raw.files import RawDays, RawFile
from jobs.windows import DAY
from tests.references import HEALTH, element_row, instrument_row, reference, wiki_row

D = date(2026, 3, 20)
DIFF, MENU = "Personal Dashboard diff link", "Personal Dashboard menu link"
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
COLUMNS = [
    "event_date", "wiki_db", "fate", "reason", "instrument_name", "sample_unit", "sample_rate", "action",
    "element_friendly_name", "client_platform_family", "n_lines",
]  # fmt: skip


def kept(n: int, action: str, wiki: str = "idwiki", element: str | None = None, instrument: str = HEALTH) -> list[Any]:
    return [D, wiki, "kept", None, instrument, "pageview", 0.5, action, element, "desktop_browser", n]


def refused(n: int, reason: str, wiki: str) -> list[Any]:
    return [D, wiki, "quarantined", reason, None, None, None, None, None, None, n]


def hours(*lost: int, day: date = D, n_kept: int = 10) -> list[dict[str, Any]]:
    rows = [{"event_hour": h, "fate": "kept", "reason": None, "n_lines": n_kept} for h in range(24) if h not in lost]
    rows += [{"event_hour": h, "fate": "missing_hour", "reason": None, "n_lines": 0} for h in lost]
    return [{"event_date": day, **row} for row in rows]


def log_of(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["event_date", "event_hour", "fate", "reason", "n_lines"])


COUNTS = pd.DataFrame(
    [
        kept(5, "pageview"), kept(3, "impression", element=DIFF), kept(1, "click", element=DIFF),
        kept(4, "pageview", instrument="entry-points"),  # no load: the instrument is not about usage
        kept(2, "impression", wiki="thwiki", element=MENU), kept(1, "pageview", wiki="thwiki"),
        refused(6, "no_sampling_policy", "trwiki"), refused(1, "not_in_sample", "trwiki"),
    ],
    columns=COLUMNS,
)  # fmt: skip


def profiles(log: pd.DataFrame, raw: RawDays | None = None) -> dict[str, pd.DataFrame]:
    tables = tables_of(log, COUNTS, REFERENCE)
    return raw_frames(tables, [D], REFERENCE, refused=refused_of(COUNTS, [D], REFERENCE), raw=raw)


@pytest.fixture(scope="module")
def whole() -> dict[str, pd.DataFrame]:
    return profiles(log_of(*hours()))


def test_lines_count_as_the_tables_that_are_made_of_them() -> None:
    tables = tables_of(log_of(*hours()), COUNTS, REFERENCE)
    baseline = tables.baseline_daily.set_index(["wiki_db", "instrument_name"])
    assert baseline[["n_events", "n_loads"]].to_dict("index") == {
        ("idwiki", HEALTH): {"n_events": 9, "n_loads": 5},
        ("idwiki", "entry-points"): {"n_events": 4, "n_loads": 0},
        ("thwiki", HEALTH): {"n_events": 3, "n_loads": 1},
    }
    assert set(baseline["sample_rate"]) == {0.5}
    links = tables.engagement_daily.set_index(["wiki_db", "element_friendly_name"])
    assert links[["n_impressions", "n_clicks"]].to_dict("index") == {
        ("idwiki", DIFF): {"n_impressions": 3, "n_clicks": 1}, ("thwiki", MENU): {"n_impressions": 2, "n_clicks": 0},
    }  # fmt: skip


def test_silence_counts_from_the_display_on_and_tells_what_was_refused(whole: dict[str, pd.DataFrame]) -> None:
    wikis = whole["wikis"].set_index("subject")
    assert set(wikis.index) == {"idwiki", "thwiki", "trwiki"}, "enwiki is not enabled yet"
    assert (wikis.loc["idwiki", "n_events_due"], wikis.loc["trwiki", "n_events_due"]) == (13, 0)
    assert wikis["n_events_due"].isna()["thwiki"]
    assert wikis["refused"].to_dict() == {
        "idwiki": "none", "thwiki": "none", "trwiki": "no_sampling_policy, not_in_sample",
    }  # fmt: skip


def test_where_nobody_counted_refused_lines_by_wiki_they_are_not_known() -> None:
    audited = raw_frames(tables_of(log_of(*hours()), COUNTS, REFERENCE), [D], REFERENCE, refused={}, raw=None)
    assert set(audited["wikis"]["refused"]) == {"not known"}
    gate = raw_frames(
        tables_of(log_of(*hours()), COUNTS.iloc[:0], REFERENCE), [D], REFERENCE,
        refused=refused_of(COUNTS.iloc[:0], [D], REFERENCE), raw=None,
    )  # fmt: skip
    assert set(gate["wikis"]["refused"]) == {"none"}


def test_what_came_before_the_display_shows(whole: dict[str, pd.DataFrame]) -> None:
    wikis = whole["wikis"].set_index("subject")
    assert wikis["n_menu_impressions_early"].to_dict() == {"idwiki": 0, "thwiki": 2, "trwiki": 0}
    assert wikis["n_loads_early"].to_dict() == {"idwiki": 0, "thwiki": 1, "trwiki": 0}


def test_hours_that_are_missing_or_unreadable_show_and_excuse_silence() -> None:
    broken = {"event_date": D, "event_hour": 14, "fate": "quarantined", "reason": "unreadable_file", "n_lines": 1}
    bad = {"event_date": D, "event_hour": 15, "fate": "quarantined", "reason": "malformed_json", "n_lines": 4}
    found = profiles(log_of(*hours(0), broken, bad))
    (day,) = found["days"].to_dict("records")
    assert (day["n_missing_hours"], day["missing_hours"], day["n_unreadable"]) == (2, "0, 14", 1)
    assert (day["n_lines"], day["n_kept"], day["n_quarantined"]) == (235, 230, 5)
    assert day["quarantine_share"] == 5 / 235
    assert day["reasons"] == "malformed_json 4, unreadable_file 1"
    assert found["wikis"]["n_events_due"].isna().all()


def test_a_day_without_any_line_has_its_row() -> None:
    found = raw_frames(tables_of(log_of(), COUNTS.iloc[:0], REFERENCE), [D + DAY], REFERENCE, refused={}, raw=None)
    (day,) = found["days"].to_dict("records")
    assert (day["n_lines"], day["quarantine_share"], day["reasons"]) == (0, 0.0, "none")


def test_a_stream_lacks_the_hours_that_others_have() -> None:
    def file(stream: str, hour: int) -> RawFile:
        return RawFile(f"in/raw/{stream}/year=2026/month=3/day=20/hour={hour}/a.json", D, hour, 10)

    files = tuple(
        sorted([*(file("one", h) for h in range(23)), *(file("two", h) for h in range(23) if h not in (4, 9))])
    )
    raw = RawDays(files, tuple((D, h) for h in range(23)), (), ())
    streams = profiles(log_of(*hours()), raw)["streams"].set_index("subject")
    assert streams["n_hours_lost"].to_dict() == {"one": 0, "two": 2}, "the hour that nobody has is told of the day"
    assert streams.loc["two", "hours_lost"] == "4, 9"
