from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from jobs.transforms.link_margins import BY_BOTH, BY_BUCKET, BY_PLATFORM, TOTAL, user_links
from jobs.window_sums.links import link_window_sums
from jobs.window_sums.tables import LINK_CELL
from tests.small_world import FIRST, MENU, REGIME, SEGMENT, table_frame, with_review_group

pytestmark = pytest.mark.spark
DAY = timedelta(days=1)
START, END = FIRST + 27 * DAY, FIRST + 40 * DAY
AS_OF = [pd.Timestamp(START + n * DAY) for n in (0, 3, 12)]
WINDOWS = (1, 7, 28)
COUNTS = ("impressions", "clicks", "shown", "matched")
PAIRS = (("impressions", "clicks"), ("shown", "matched"))


@pytest.fixture(scope="module")
def sums(world):
    return link_window_sums(
        world.user_link_days,
        world.unit_link_days,
        start=START,
        end=END,
        windows=WINDOWS,
        unique_windows=WINDOWS[1:],
        platform_bucket_elements=[MENU],
    )


@pytest.fixture(scope="module")
def links(world):
    """Events of links as plain dicts, once per margin they belong to."""
    found = []
    events = with_review_group(world.events[world.events["element_friendly_name"].notna()])
    for event in events.to_dict("records"):
        platform = event["client_platform_family"] if isinstance(event["client_platform_family"], str) else None
        bucket, menu = event["edit_count_bucket"], event["element_friendly_name"] == MENU
        margins = [("all", "all"), ("all", bucket)]
        margins += [(platform, "all")] if platform else []
        margins += [(platform, bucket)] if platform and menu else []
        event["user_hash"] = event["user_hash"] if isinstance(event["user_hash"], str) else None
        found += [{**event, "client_platform_family": p, "edit_count_bucket": b} for p, b in margins]
    return found


def windows(links, keys):
    """Yield (key + window + as-of date, events) for every window with an event in it; some as-of dates are enough."""
    for length in WINDOWS:
        for as_of in AS_OF:
            cells = defaultdict(list)
            for event in links:
                if as_of - (length - 1) * DAY <= event["event_date"] <= as_of:
                    cells[tuple(event[name] for name in keys)].append(event)
            for key, events in cells.items():
                yield (*key, length, as_of), events


def counts(events, by, weight=False):
    """Count impressions, clicks, keys shown and keys matched per value of a column."""
    found = defaultdict(lambda: np.zeros(4))
    impressed, clicked = defaultdict(set), defaultdict(set)
    for event in events:
        w = 1 / event["sample_rate"] if weight else 1
        place = {"impression": 0, "click": 1}.get(event["action"])
        found[event[by]] += 0
        if place is not None:
            found[event[by]][place] += w
            (impressed, clicked)[place][event[by], event["event_date"], w].add(event["key"])
    for (owner, day, w), keys in impressed.items():
        found[owner][2] += w * len(keys)
        found[owner][3] += w * len(keys & clicked[owner, day, w])
    return found


def who(events, action):
    return {event["user_hash"] for event in events if event["action"] == action}


def indexed(frame, keys):
    assert not frame.duplicated(keys).any()
    return {tuple(row[key] for key in keys): row for row in frame.to_dict("records")}


def test_cells_against_a_recount(sums, links):
    cells = indexed(sums.cells, ["wiki_db", *SEGMENT, "window_days", "as_of_date"])
    seen = set()
    for key, events in windows(links, ["wiki_db", *SEGMENT]):
        cell = cells[key]
        seen.add(key)
        raw = sum(counts(events, "wiki_db").values())
        assert [cell[f"n_{name}"] for name in COUNTS] == raw.tolist(), key
        pageviews = {(event["event_date"], event["instrument_name"], event["pageview_hash"]) for event in events}
        assert cell["n_event_units"] == len(pageviews), key
        assert cell["has_user_id"] == all(event["user_hash"] for event in events), key
        users = [event for event in events if event["user_hash"]]
        shown, clicked = who(users, "impression"), who(users, "click")
        assert cell["n_users"] == len({event["user_hash"] for event in users})
        assert cell["n_shown_users"] == len(shown)
        assert cell["n_click_users"] == len(clicked)
        assert cell["n_shown_and_click_users"] == len(shown & clicked)
        weighted = sum(counts(events, "wiki_db", weight=True).values())
        assert np.allclose([cell[f"w_{name}"] for name in COUNTS], weighted)
        totals = np.array([*counts(users, "user_hash", weight=True).values()]).reshape(-1, 4)
        for place, (x, y) in enumerate(PAIRS):
            xs, ys = totals[:, 2 * place], totals[:, 2 * place + 1]
            expected = [xs @ xs, ys @ ys, xs @ ys]
            assert np.allclose([cell[f"uu_{x}_sq"], cell[f"uu_{y}_sq"], cell[f"uu_{x}_{y}"]], expected)
    recounted = [key for key in cells if key[-1] in AS_OF and key not in seen]
    assert not any(cells[key][name] for key in recounted for name in sums.cells if name.startswith(("n_", "w_", "uu_")))
    assert len(seen) > 300


def test_regimes_against_a_recount(sums, links):
    regimes = indexed(sums.regimes, ["wiki_db", *SEGMENT, *REGIME, "window_days", "as_of_date"])
    seen = set()
    for key, events in windows(links, ["wiki_db", *SEGMENT, *REGIME]):
        cell = regimes[key]
        seen.add(key)
        totals = np.array([*counts(events, f"{key[5]}_hash").values()])
        i, c, s, m = totals.T
        expected = {
            "n_units": len(totals), "n_impression_units": (i > 0).sum(), "n_click_units": (c > 0).sum(),
            "n_shown_units": (s > 0).sum(), "n_matched_units": (m > 0).sum(), "n_impressions": i.sum(),
            "n_clicks": c.sum(), "n_shown": s.sum(), "n_matched": m.sum(), "impressions_sq": i @ i, "clicks_sq": c @ c,
            "impressions_clicks": i @ c, "shown_sq": s @ s, "matched_sq": m @ m, "shown_matched": s @ m,
        }  # fmt: skip
        assert {name: cell[name] for name in expected} == expected, key
    recounted = [key for key in regimes if key[-1] in AS_OF and key not in seen]
    assert not any(regimes[key][name] for key in recounted for name in ("n_units", "n_impressions", "impressions_sq"))
    assert {key[5:7] for key in seen} == {("pageview", 1.0), ("pageview", 0.5), ("session", 1.0), ("session", 0.5)}


def test_unique_counts_against_a_recount(sums, links):
    total = [
        event for event in links if (event["client_platform_family"], event["edit_count_bucket"]) == ("all", "all")
    ]
    expected = Counter()
    for key, events in windows(total, ["wiki_db", "element_friendly_name"]):
        by_user = defaultdict(list)
        for event in events:
            by_user[event["user_hash"]].append(event)
        for user, own in by_user.items():
            full = [event for event in own if event["sample_rate"] == 1]
            kept = defaultdict(set)
            for event in own:
                if event["sample_rate"] < 1:
                    kept[event["session_hash" if key[0] == "jawiki" else "pageview_hash"]].add(event["action"])
            is_full = bool(who(full, "impression"))
            k_click = sum("click" in actions for actions in kept.values())
            k_shown_only = sum("impression" in actions and "click" not in actions for actions in kept.values())
            state = (is_full, is_full and bool(who(full, "click")), k_click, k_shown_only)
            if user and key[0] in ("eswiki", "jawiki") and key[2] > 1 and (is_full or k_click or k_shown_only):
                expected[(*key, *state)] += 1
    columns = ["wiki_db", "element_friendly_name", "window_days", "as_of_date", "is_full", "full_click", "k_click",
               "k_shown_only"]  # fmt: skip
    found = sums.unique_counts[sums.unique_counts["as_of_date"].isin(AS_OF)]
    # frwiki has a sampled entry instrument, so it is there too, with users seen at rate 1 only.
    found = found[(found["wiki_db"] != "frwiki") | found["k_click"].gt(0) | found["k_shown_only"].gt(0)]
    assert {key: row["n_users"] for key, row in indexed(found, columns).items()} == expected
    assert any(key[4] and key[6] for key in expected)
    assert any(key[6] > 1 for key in expected)


def test_a_day_asked_alone_is_the_same_day(world, sums):
    alone = link_window_sums(
        world.user_link_days,
        world.unit_link_days,
        start=START,
        end=START + DAY,
        windows=WINDOWS,
        unique_windows=WINDOWS[1:],
        platform_bucket_elements=[MENU],
    )
    for name in ("cells", "regimes", "unique_counts"):
        found, together = getattr(alone, name), getattr(sums, name)
        numbers = [c for c in together.columns if c.startswith(("n_", "w_", "uu_")) or c.endswith(("_sq", "_clicks"))]
        keys = [c for c in together.columns if c not in [*numbers, "shown_matched", "has_user_id"]]
        together = together[together["as_of_date"] == pd.Timestamp(START)]
        both = [
            frame[frame[numbers].ne(0).any(axis=1)].sort_values(keys, ignore_index=True) for frame in (found, together)
        ]
        assert len(both[0]) > 0
        pd.testing.assert_frame_equal(both[0], both[1][both[0].columns], check_dtype=False, rtol=1e-9, atol=1e-6)


def test_a_user_of_one_platform_is_laid_out_once_and_of_two_by_platform_too(spark):
    rows = [
        {"user_hash": "ann", "element_friendly_name": MENU, "event_date": FIRST},
        {"user_hash": "bob", "element_friendly_name": MENU, "event_date": FIRST},
        {"user_hash": "bob", "element_friendly_name": MENU, "event_date": FIRST + DAY,
         "client_platform_family": "mobile_browser"},
        {"user_hash": "cem", "element_friendly_name": "help", "event_date": FIRST, "client_platform_family": None},
    ]  # fmt: skip
    laid_out = user_links(table_frame(spark, "user_link_days", rows), [MENU]).collect()
    found = sorted(
        (r.user_hash, r.event_date.day, r.margin, r.client_platform_family, r.edit_count_bucket) for r in laid_out
    )
    bucket, desktop, mobile = "5-99 edits", "desktop_browser", "mobile_browser"
    assert found == sorted(
        [
            ("ann", 1, TOTAL, desktop, bucket),
            ("bob", 1, TOTAL, None, bucket),
            ("bob", 1, BY_PLATFORM, desktop, None),
            ("bob", 1, BY_BOTH, desktop, bucket),
            ("bob", 2, TOTAL, None, bucket),
            ("bob", 2, BY_PLATFORM, mobile, None),
            ("bob", 2, BY_BOTH, mobile, bucket),
            ("cem", 1, TOTAL, None, bucket),
        ],
        key=lambda row: tuple(map(str, row)),
    )
    assert BY_BUCKET not in {row[2] for row in found}


def test_a_week_by_hand(spark):
    shown = {"element_friendly_name": "help", "n_impressions": 2, "n_shown": 1, "n_pageviews": 1}
    rows = [
        {**shown, "user_hash": "ann", "event_date": date(2026, 5, 1)},
        {**shown, "user_hash": "ann", "event_date": date(2026, 5, 7), "n_clicks": 1, "n_matched": 1},
        {**shown, "user_hash": "bob", "event_date": date(2026, 5, 3)},
    ]
    sums = link_window_sums(
        table_frame(spark, "user_link_days", rows),
        table_frame(spark, "unit_link_days", []),
        start=date(2026, 5, 7),
        end=date(2026, 5, 11),
        windows=(7,),
        unique_windows=(7,),
    )
    total = sums.cells.query("client_platform_family == 'all' and edit_count_bucket == 'all'")
    columns = ["n_impressions", "n_clicks", "n_shown_users", "n_shown_and_click_users", "uu_impressions_sq"]
    assert total.sort_values("as_of_date")[columns].to_numpy().tolist() == [
        [6, 1, 2, 1, 4 * 4 + 2 * 2],  # 7 May: ann's two days and bob's
        [4, 1, 2, 1, 2 * 2 + 2 * 2],  # 8 May: ann's first day is gone
        [4, 1, 2, 1, 2 * 2 + 2 * 2],
        [2, 1, 1, 1, 2 * 2],  # 10 May: bob is gone
    ]
    assert sums.unique_counts.empty


def test_without_links_there_are_no_cells(spark):
    users, units = (table_frame(spark, name, []) for name in ("user_link_days", "unit_link_days"))
    sums = link_window_sums(users, units, start=START, end=END, windows=WINDOWS, unique_windows=WINDOWS[1:])
    assert [len(frame) for frame in (sums.cells, sums.regimes, sums.unique_counts)] == [0] * 3
    assert {*LINK_CELL, "n_users", "has_user_id", "uu_clicks_sq"} <= {*sums.cells}
