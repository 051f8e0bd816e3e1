"""What a lost hour could have held: by the same hour of other days, else by any hour, and only if enough is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from jobs.rows.hourly import CELL, MEASURES, HourlyCounts
from jobs.windows import DAY, days
from tests.references import arrival

LAST = date(2026, 3, 28)
MONTH = days(LAST - 27 * DAY, LAST + DAY)
LOADS = ("idwiki", "all", "all", "all")


def row(day, hour, loads=0, wiki="idwiki", rate=1.0, element=None, platform=None, bucket=None, **counts):
    return dict.fromkeys(MEASURES, 0) | {
        "event_date": day, "event_hour": hour, "wiki_db": wiki, "instrument_name": "usage", "sample_unit": "pageview",
        "sample_rate": rate, "element_friendly_name": element, "client_platform_family": platform,
        "edit_count_bucket": bucket, "n_loads": loads, **counts,
    }  # fmt: skip


def held(rows, lost, cell=LOADS, measure="n_loads", known=MONTH, members=()):
    """The most and the median that the lost hours of a month could have held of a cell, as (most, median)."""
    hours = HourlyCounts(pd.DataFrame(rows), arrival(known, lost))
    found = hours.lost(LAST, MONTH[0], LAST + DAY, members)
    if found is None:
        return None
    (at,) = found.cells.get_indexer([cell])
    median = found.middle[at, MEASURES.index(measure)] if measure.startswith(("n_loads", "n_imp", "n_cl")) else None
    return found.largest[at, MEASURES.index(measure)], median


def month(at_noon, at_night=2):
    """Loads of 28 days: at three, and at noon as the function of a day's number says."""
    noon = [row(day, 12, at_noon(i)) for i, day in enumerate(MONTH)]
    return noon + [row(day, 3, at_night) for day in MONTH]


def test_a_month_is_bounded_by_the_same_hour():
    rows = month(lambda i: 10 + i)
    gone = [one for one in rows if (one["event_date"], one["event_hour"]) != (LAST, 12)]
    assert held(gone, {LAST: [12]}) == (36, 23), "the largest and the median of 10 to 36"
    gone = [one for one in rows if (one["event_date"], one["event_hour"]) != (LAST, 3)]
    assert held(gone, {LAST: [3]}) == (2, 2)
    assert held(rows, {LAST: [5]}) == (0, 0), "an hour that never held anything"


def test_what_was_kept_of_an_hour_is_not_lost_and_hours_add_up():
    assert held(month(lambda i: 20 if i < 27 else 5), {LAST: [12]}) == (15, 15)
    assert held(month(lambda i: 20 if i < 27 else 30), {LAST: [12]}) == (0, 0)
    gone = [one for one in month(lambda i: 20) if one["event_date"] != LAST]
    assert held(gone, {LAST: [3, 12]}) == (22, 22)


def test_of_an_even_number_the_smaller_in_the_middle_and_absent_hours_are_zero():
    rows = month(lambda i: i % 2, at_night=1)
    assert held([one for one in rows if one["event_date"] != LAST - DAY], {LAST - DAY: [12]}) == (1, 1)
    assert held(rows, {LAST - DAY: [12], MONTH[1]: [12]})[1] == 0, "26 days are left, half of them without"


def test_few_days_are_bounded_by_any_hour():
    new = [one for one in month(lambda i: 50) if one["event_date"] > LAST - 19 * DAY]
    assert held(new, {LAST: [3]})[0] == 50 - 2, "eighteen whole days and a part of the last"
    more = [one for one in month(lambda i: 50) if one["event_date"] >= LAST - 20 * DAY]
    assert held(more, {LAST: [3]})[0] == 0


def test_a_wiki_that_is_new_is_bounded_by_its_own_days():
    newcomer = [row(LAST, 12, 70, wiki="thwiki"), row(LAST - DAY, 12, 60, wiki="thwiki")]
    cell = ("thwiki", *LOADS[1:])
    assert held([*month(lambda i: 10), *newcomer], {LAST: [3]}, cell) == (70, 0)
    first_day = [row(LAST, 12, 70, wiki="thwiki")]
    lost = {LAST: [hour for hour in range(24) if hour not in (12, 13)]}
    hours = HourlyCounts(pd.DataFrame([*month(lambda i: 10), *first_day]), arrival(MONTH, lost))
    evidence = hours.lost(LAST, LAST, LAST + DAY).evidence
    groups = pd.DataFrame([("thwiki", "all"), ("idwiki", "all"), ("xwiki", "all"), ("xwiki", "diff")])
    began = np.array([day.toordinal() for day in (MONTH[0], LAST, LAST, MONTH[0])])
    few = evidence.is_few(groups, began)
    assert few.tolist() == [True, False, True, False], "two hours of one day tell nothing, a silent month does"


def test_too_few_hours_bound_nothing():
    lost = {LAST: list(range(11))}
    assert held([row(LAST, 12, 5)], lost, known=[LAST]) is None
    assert held([row(LAST, 12, 5)], {LAST: list(range(10))}, known=[LAST])[0] == 50
    hours = HourlyCounts(pd.DataFrame([row(LAST, 12, 5)]), arrival(MONTH, {LAST: [0]}))
    assert hours.lost(LAST + 28 * DAY, LAST, LAST + DAY) is None, "of another month nothing is known"


def test_the_days_that_tell_end_with_the_date_that_is_asked():
    rows = [row(LAST + DAY, 12, 900), *month(lambda i: 10)]
    gone = [one for one in rows if (one["event_date"], one["event_hour"]) != (LAST, 12)]
    assert held(gone, {LAST: [12]}, known=[*MONTH, LAST + DAY])[0] == 10


def test_kept_counts_are_weighted_by_the_rate_they_were_kept_at():
    rows = [row(day, 12, 4, rate=0.5, n_visitors=3) for day in MONTH[:-1]]
    rows += [row(day, 12, 1, n_visitors=1) for day in MONTH[:-1]]
    assert held(rows, {LAST: [12]})[0] == 9
    assert held(rows, {LAST: [12]}, measure="n_visitors")[0] == 7


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("diff", "all", "all"), 16),
        (("diff", "desktop_browser", "all"), 5),
        (("diff", "all", "unknown"), 3),
        (("diff", "all", "5-99 edits"), 13),
        (("menu", "desktop_browser", "5-99 edits"), 5),
    ],
)
def test_margins_are_those_that_have_rows(cell, expected):
    segments = [("desktop_browser", "5-99 edits", 5), ("mobile_browser", None, 3), (None, "5-99 edits", 8)]
    rows = [
        row(day, 12, element=element, platform=platform, bucket=bucket, n_clicks=n)
        for day in MONTH[:-1]
        for platform, bucket, n in segments
        for element in ("diff", "menu")
    ]
    hours = HourlyCounts(pd.DataFrame(rows), arrival(MONTH, {LAST: [12]}), own_buckets=("menu",))
    found = hours.lost(LAST, LAST, LAST + DAY)
    assert list(found.cells.names) == CELL
    (at,) = found.cells.get_indexer([("idwiki", *cell)])
    assert found.largest[at, MEASURES.index("n_clicks")] == expected
    assert ("diff", "desktop_browser", "5-99 edits") not in [name[1:] for name in found.cells]


def test_all_wikis_are_bounded_by_their_sum():
    rows = [row(day, 12, i, wiki=wiki) for i, day in enumerate(MONTH[:-1]) for wiki in ("idwiki", "thwiki", "xwiki")]
    assert held(rows, {LAST: [12]}, ("all", *LOADS[1:]), members=("idwiki", "thwiki"))[0] == 52


def test_the_order_of_rows_does_not_matter():
    rows = [row(day, 12, 1, rate=rate) for day in MONTH[:-1] for rate in (0.3, 0.7, 0.9)]
    assert held(rows, {LAST: [12]}) == held(rows[::-1], {LAST: [12]})
