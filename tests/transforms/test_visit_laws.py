"""The law of visits of whole windows against a recount of the same days."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.transforms.visit_laws import visit_laws
from tests.small_world import rows_of, table_frame

pytestmark = pytest.mark.spark

MONDAY, SUNDAY = date(2026, 6, 8), date(2026, 6, 7)


def _session(session_hash, loads, reviews):
    return {"session_hash": session_hash, "session_fraction": 0.01, "n_loads": loads, "n_pageviews": loads,
            "n_review_pageviews": reviews}  # fmt: skip


DAYS = [
    # ann: five pageviews in the week, two with a review; one more eight days before its end.
    {"user_hash": "ann", "event_date": MONDAY, "n_pageviews": 3, "n_review_pageviews": 2, "sessions": []},
    {"user_hash": "ann", "event_date": date(2026, 6, 2), "n_pageviews": 2, "sessions": []},
    {"user_hash": "ann", "event_date": date(2026, 6, 1), "n_pageviews": 1, "sessions": []},
    {"user_hash": "bob", "event_date": SUNDAY, "n_pageviews": 1, "sessions": []},
    # cid's session goes past midnight: one unit; the other has a review and no load.
    {"user_hash": "cid", "wiki_db": "trwiki", "sample_unit": "session", "event_date": SUNDAY,
     "sessions": [_session(1, 2, 0), _session(2, 0, 1)]},
    {"user_hash": "cid", "wiki_db": "trwiki", "sample_unit": "session", "event_date": MONDAY,
     "sessions": [_session(1, 3, 1)]},
]  # fmt: skip


def test_users_are_counted_by_their_units_in_every_window(spark):
    found = rows_of(
        visit_laws(table_frame(spark, "user_days", DAYS), [(MONDAY, 7), (MONDAY, 28), (SUNDAY, 7)]),
        "wiki_db",
        "as_of_date",
        "window_days",
        "k_load",
        "k_review",
        "n_users",
    )

    assert {row[:5]: row[5] for row in found} == {
        ("frwiki", MONDAY, 7, 5, 2): 1,
        ("frwiki", MONDAY, 7, 1, 0): 1,
        ("frwiki", MONDAY, 28, 6, 2): 1,
        ("frwiki", MONDAY, 28, 1, 0): 1,
        ("frwiki", SUNDAY, 7, 3, 0): 1,
        ("frwiki", SUNDAY, 7, 1, 0): 1,
        ("trwiki", MONDAY, 7, 1, 2): 1,
        ("trwiki", MONDAY, 28, 1, 2): 1,
        ("trwiki", SUNDAY, 7, 1, 1): 1,
    }
