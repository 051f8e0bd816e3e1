"""Where rows of sampled sessions look for a reference: windows of one as-of date, one wiki, one number."""

from __future__ import annotations

import pandas as pd

from jobs.rows.relatives import SEGMENTS, relatives
from jobs.rows.visits import _with_loads

COLUMNS = ["wiki_db", "as_of_date", "element", "window_days", *SEGMENTS]
ROWS = pd.DataFrame(
    [
        ("idwiki", "2026-06-14", "diff", 1, "all", "all"),
        ("idwiki", "2026-06-14", "diff", 28, "all", "all"),
        ("idwiki", "2026-06-14", "diff", 28, "all", "5-99 edits"),
        ("trwiki", "2026-06-14", "diff", 7, "all", "all"),
        ("all", "2026-06-14", "diff", 28, "all", "all"),
        ("idwiki", "2026-06-15", "diff", 28, "all", "all"),
        ("idwiki", "2026-06-14", "menu", 28, "desktop_browser", "all"),
        ("idwiki", "2026-06-14", "menu", 28, "mobile_browser", "all"),
        ("idwiki", "2026-06-14", "menu", 28, "desktop_browser", "5-99 edits"),
    ],
    columns=COLUMNS,
)


def found(rows):
    return relatives(rows, ["element"], rows["window_days"].to_numpy(float), SEGMENTS)


def test_the_longest_window_is_of_the_same_wiki_day_number_and_segment():
    assert found(ROWS).longest.tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8]


def test_groups_are_the_wholes_of_all_wikis_of_a_day_and_wiki_all_stands_alone():
    of = found(ROWS)
    members = [[i for i in range(len(ROWS)) if of.is_member[i] and of.peers[i] == peer] for peer in of.peers]
    assert members[0] == members[2] == members[3] == [1, 3]
    assert members[4] == [4]
    assert members[5] == [5]
    # What has no whole is made of its platforms.
    assert members[6] == members[8] == [6, 7]


def test_the_order_of_rows_does_not_matter():
    shuffled = ROWS.sample(frac=1, random_state=3)
    place = {old: new for new, old in enumerate(shuffled.index)}
    of, again = found(ROWS), found(shuffled.reset_index(drop=True))
    assert [place[row] for row in of.longest] == [again.longest[place[row]] for row in range(len(ROWS))]
    assert [of.is_member[row] for row in range(len(ROWS))] == [again.is_member[place[row]] for row in range(len(ROWS))]


def test_no_rows_have_no_relatives():
    assert len(found(ROWS.iloc[:0]).longest) == 0


def _loads(unit):
    """The loads of a day, 40 light sessions kept at 50 %, and of its 28 days with a giant."""
    place = {"wiki_db": "idwiki", "window_kind": "rolling", "population": "visitors", "as_of_date": "2026-06-14"}
    windows = pd.DataFrame([{**place, "window_length": days} for days in (1, 28)])
    base = windows.assign(row=[0, 1], regimes=[frozenset({(unit, 0.5)})] * 2, is_rate_one=False)
    kept = windows.assign(
        instrument_name="health", sample_unit=unit, sample_rate=0.5, n_loads=[60, 1600], loads_sq=[100, 160_000],
        n_units=[40, 800], n_load_units=[40, 800],
    )  # fmt: skip
    return _with_loads(base, kept)


def test_loads_of_a_day_borrow_from_the_four_weeks_where_sessions_are_sampled():
    of_pageviews, of_sessions = _loads("pageview"), _loads("session")
    assert of_pageviews["loads_status"].tolist() == ["publish", "publish"]
    assert of_sessions["loads_status"].tolist() == ["caution", "caution"]
    assert of_sessions["loads_estimate"].tolist() == of_pageviews["loads_estimate"].tolist() == [120, 3200]
    assert of_sessions["loads_upper"][0] > 3 * of_pageviews["loads_upper"][0]
    assert of_sessions["loads_lower"][0] >= 60
