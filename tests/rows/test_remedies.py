"""What would help a row, by what keeps it from being published; and the sentence about clicks kept at mixed rates."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from jobs.estimation.answers import PeopleEstimate, refuse_presented
from jobs.reference.vocabulary import Vocabulary
from jobs.rows.build import remedies_of_the_time
from jobs.rows.candidates import FINITE_ONLY
from jobs.rows.cautions import EVENTS_LOST, POLICY_GAP, LowerRate, lower_rates, missing_hours, standing
from jobs.rows.cohorts import cohort_rows
from jobs.rows.links import link_rows
from jobs.rows.settle import COLUMNS, settle
from jobs.rows.visit_fits import _refuse_process
from jobs.rows.window_context import WindowContext
from jobs.transforms.link_margins import USER_STATISTICS
from jobs.window_sums.tables import LINK_CELL, CohortSums, LinkSums
from tests.references import (
    HEALTH,
    arrival,
    element_row,
    instrument_row,
    policy_row,
    reference,
    shipped_vocabulary,
    wiki_row,
)

DAY = timedelta(days=1)
SUNDAY = date(2026, 6, 14)
NARROWER = "a longer window or a higher rate narrows it"
HOURS = missing_hours([(SUNDAY, 5), (SUNDAY, 6)], 0.1)
CAVEAT = standing("On mobile the selector is the whole menu.")
LOWER = lower_rates([LowerRate("enwiki", "pageview", 0.5, SUNDAY, 0.2512)])
MEND = "mend sampling_policy.csv and run the days again"
FIT = "Keep usage at 100 % and sample only the menu link; at 50 %: ±6 pp; at 100 %: exact"
ROW = dict.fromkeys(COLUMNS) | {
    "inference": "realised", "window_kind": "rolling", "sampling_rate_min": 0.5, "n_users_observed": 50.0,
    "n_numerator_users": np.nan, "status": "publish", "status_reason": "", "is_complete": True,
    "unmeasured_reason": None, "cautions": (), "needs_user_id": False,
}  # fmt: skip
FULL = {"sampling_rate_min": 1.0}
PROCESS = {"inference": "process"}
FEW = {"status": "caution", "status_reason": "fewer than 30 clicks: the interval may be too short"}
REMEDIES = {
    "nothing is wrong": ({"remedy": None}, None),
    "few clicks of what happened": (FEW, f"{NARROWER}; at 100 %: exact"),
    "few clicks of a process": (FEW | PROCESS, NARROWER),
    "few clicks at 100 %": (FEW | PROCESS | FULL, "a longer window"),
    "few kept events": ({"status": "bounds_only", "status_reason": "only 29"}, f"{NARROWER}; at 100 %: exact"),
    "no user ids": (
        PROCESS | {"status": "not_estimable", "status_reason": FINITE_ONLY, "needs_user_id": True},
        "an instrument with user ids",
    ),
    "no user ids at 100 %": (
        FULL | {"status": "not_estimable", "status_reason": FINITE_ONLY, "needs_user_id": True},
        "an instrument with user ids",
    ),
    "link not shown": ({"status": "not_estimable", "status_reason": "the link was not shown"}, "a longer window"),
    "empty cohort": (FULL | {"status": "not_estimable", "window_kind": "cohort"}, "a later cohort"),
    "missing hours": ({"cautions": HOURS, "is_complete": False}, "rerun the day when the hours arrive"),
    "missing hours at 100 %": (
        FULL | {"cautions": HOURS, "is_complete": False},
        "rerun the day when the hours arrive",
    ),
    "lost around a change": ({"cautions": (EVENTS_LOST,)}, "a window that does not hold the change of sampling"),
    "gap in the policy": ({"cautions": (POLICY_GAP,)}, "a window with a rate above 0 throughout"),
    "caveat": (FULL | {"cautions": CAVEAT}, "an instrument that measures this link alone"),
    "caveat, hours and loss": (
        {"cautions": (*CAVEAT, *HOURS, EVENTS_LOST), "is_complete": False},
        "a window that does not hold the change of sampling; rerun the day when the hours arrive; "
        "an instrument that measures this link alone",
    ),
    "few clicks and missing hours": (
        FEW | PROCESS | {"cautions": HOURS, "is_complete": False},
        f"{NARROWER}; rerun the day when the hours arrive",
    ),
    "bounds and missing hours": (
        {"status": "bounds_only", "status_reason": "wide", "remedy": FIT, "cautions": HOURS}
        | {"is_complete": False},
        f"{FIT}; rerun the day when the hours arrive",
    ),
    "a lower rate than declared": ({"cautions": LOWER}, MEND),
    "a lower rate than declared at 100 %": (FULL | {"cautions": LOWER}, MEND),
    "few clicks, missing hours and a lower rate": (
        FEW | PROCESS | {"cautions": (*HOURS, *LOWER), "is_complete": False},
        f"{NARROWER}; {MEND}; rerun the day when the hours arrive",
    ),
    "bounds, missing hours and a lower rate": (
        {"status": "bounds_only", "status_reason": "wide", "remedy": FIT, "cautions": (*HOURS, *LOWER)}
        | {"is_complete": False},
        f"{FIT}; {MEND}; rerun the day when the hours arrive",
    ),
    "no user ids and a lower rate": (
        PROCESS | {"status": "not_estimable", "status_reason": FINITE_ONLY, "needs_user_id": True, "cautions": LOWER},
        "an instrument with user ids",
    ),
    "wide share of what happened": ({"status": "caution", "status_reason": "wide", "remedy": FIT}, FIT),
    "wide share of a process": (
        PROCESS | {"status": "caution", "status_reason": "wide", "remedy": FIT},
        FIT.replace("exact", "shown with its interval"),
    ),
    "suppressed": ({"status": "bounds_only", "remedy": FIT, "n_users_observed": 5.0}, None),
    "not measured": ({"unmeasured_reason": "1 of 1 days", "is_complete": False, "cautions": HOURS}, None),
}  # fmt: skip


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_fits_what_is_wrong(case):
    changed, expected = REMEDIES[case]
    others = pd.DataFrame([ROW, ROW | FEW])  # a row's remedy is its own
    rows = settle(pd.concat([others, pd.DataFrame([ROW | changed])], ignore_index=True).astype(_types()), 10)
    assert rows["remedy"].tolist()[2] == expected
    assert (rows["status"] != "publish").tolist() == [False, True, case != "nothing is wrong"]


def test_reasons_are_joined_to_one_sentence():
    wide = ROW | {"status": "caution", "status_reason": "The share is wide.", "cautions": LOWER}
    (row,) = settle(pd.DataFrame([wide]).astype(_types()), 10).itertuples()
    assert row.status_reason == f"The share is wide; {LOWER[0].sentence}"


def test_bounds_tell_of_a_rate_that_makes_them_wrong_and_of_hours_that_make_them_wider_but_of_nothing_else():
    bounds = ROW | {"status": "bounds_only", "status_reason": "only 29", "cautions": (EVENTS_LOST, *HOURS, *LOWER)}
    (row,) = settle(pd.DataFrame([bounds]).astype(_types()), 10).itertuples()
    assert row.status == "bounds_only"
    assert row.status_reason == f"only 29; {HOURS[0].sentence}; {LOWER[0].sentence}"


def _types():
    """Columns as the candidates have them: numbers as floats, the rest as objects."""
    numbers = {"estimate", "lower", "upper", "observed_numerator", "observed_denominator", "n_users_observed",
               "n_effective", "n_numerator_users"}  # fmt: skip
    flags = {"is_complete", "needs_user_id"}
    return {name: float if name in numbers else bool if name in flags else object for name in ROW}


@pytest.mark.parametrize("remedy", [None, FIT])
def test_the_process_row_of_a_ratio_is_helped_by_keeping_everything_only(remedy):
    realised = PeopleEstimate(2.0, 1.8, 2.2, "caution", "wide", remedy, "npmle_ratio", 1.2, 50)
    refused = _refuse_process(realised)
    assert refused.status == "not_estimable"
    assert refused.remedy == "Keep usage at 100 % and sample only the menu link; at 100 %: exact"


@pytest.mark.parametrize(
    ("remedy", "without"),
    [
        (FIT, "Keep usage at 100 %; at 50 %: ±6 pp; at 100 %: exact"),
        (
            refuse_presented(0.5).remedy,
            "Keep usage at 100 %; this rate needs a link to it whole as well; both at 100 %: exact",
        ),
        (MEND, MEND),
        (None, None),
    ],
)
def test_a_menu_link_that_is_gone_when_a_window_ends_is_not_named(remedy, without):
    last_alive = date(2026, 4, 6)
    lasts = [last_alive - DAY, last_alive, last_alive + 70 * DAY]
    rows = pd.DataFrame({"as_of_date": pd.to_datetime(lasts), "remedy": pd.Series([remedy] * 3, dtype=object)})
    shipped, sidebar = Vocabulary(shipped_vocabulary()), element_row("sidebar link", "entry point")
    assert remedies_of_the_time(rows, shipped).tolist() == [remedy, without, without]
    assert remedies_of_the_time(rows, Vocabulary([*shipped.rows, sidebar])).tolist() == [remedy] * 3


def _context(*policy, has_user_id=True):
    start = SUNDAY - 60 * DAY
    known = reference(
        *(policy_row(rate=rate, start=begin, end=end) for rate, begin, end in policy),
        wikis=[wiki_row("idwiki", start)],
        instruments=[instrument_row(start=start, has_user_id=has_user_id)],
        vocabulary=[element_row("diff", start=start)],
    )
    return WindowContext(known, arrival(start + i * DAY for i in range(61)), 15)


def _links(has_user_id, *kept):
    """One element's week: (rate, impressions, clicks), every pageview with one impression, every user once."""
    cell = dict(zip(LINK_CELL, ("idwiki", 7, pd.Timestamp(SUNDAY), "diff", "all", "all"), strict=True))
    place = {
        "wiki_db": "idwiki", "window_days": 7, "as_of_date": pd.Timestamp(SUNDAY), "element_friendly_name": "diff",
        "client_platform_family": "all", "edit_count_bucket": "all",
    }  # fmt: skip
    assert set(place) == set(cell)
    shown, clicked = sum(n for _, n, _ in kept), sum(c for _, _, c in kept)
    weights = {"impressions": sum(n / p for p, n, _ in kept), "clicks": sum(c / p for p, _, c in kept)}
    weights |= {"shown": weights["impressions"], "matched": weights["clicks"]}
    squares = [sum(n / p**2 for p, n, _ in kept), sum(c / p**2 for p, _, c in kept)]
    cells = {**place, **dict.fromkeys(USER_STATISTICS, 0), "n_event_units": shown, "has_user_id": has_user_id}
    cells |= {"n_users": shown, "n_shown_users": shown, "n_click_users": clicked, "n_shown_and_click_users": clicked}
    cells |= {f"n_{name}": shown if name in ("impressions", "shown") else clicked for name in weights}
    cells |= {f"w_{name}": value for name, value in weights.items()}
    cells |= {"uu_impressions_sq": squares[0], "uu_shown_sq": squares[0], "uu_clicks_sq": squares[1]}
    cells |= {f"uu_{name}": squares[1] for name in ("matched_sq", "impressions_clicks", "shown_matched")}
    regimes = []
    for rate, n, c in kept:
        regime = {**place, "instrument_name": HEALTH, "sample_unit": "pageview", "sample_rate": rate}
        regime |= dict.fromkeys(("n_impressions", "n_shown", "n_units", "n_impression_units", "n_shown_units"), n)
        regime |= dict.fromkeys(("n_clicks", "n_matched", "n_click_units", "n_matched_units", "clicks_sq"), c)
        regime |= {"impressions_sq": n, "shown_sq": n, "matched_sq": c, "impressions_clicks": c, "shown_matched": c}
        regimes.append(regime)
    return LinkSums(pd.DataFrame([cells]), pd.DataFrame(regimes), pd.DataFrame())


def _rates_of_the_week(sums, context):
    rows = settle(link_rows(sums, context, [SUNDAY]).assign(metric_version=1), 10)
    week = (rows["window_days"] == 7) & (rows["wiki_db"] == "idwiki") & (rows["client_platform_family"] == "all")
    return rows[week & (rows["element_friendly_name"] == "diff")].set_index(["metric", "inference"])


def test_clicks_kept_at_mixed_rates_are_worth_fewer_and_said_to_be():
    change = SUNDAY - 3 * DAY
    context = _context((1.0, SUNDAY - 60 * DAY, change), (0.1, change, None))
    rows = _rates_of_the_week(_links(True, (1.0, 200, 60), (0.1, 40, 4)), context)
    # (60 + 40)^2 / (60 + 400) = 21.7
    row = rows.loc["link_click_through_rate", "realised"]
    assert row["status"] == "caution"
    assert row["status_reason"] == (
        "at one rate the clicks would be worth fewer than 30: the interval may be too short"
    )
    assert row["remedy"] == f"{NARROWER}; at 100 %: exact"
    assert rows.loc[("link_click_through_rate", "process"), "remedy"] == NARROWER


def test_clicks_kept_at_one_rate_are_counted_plainly():
    rows = _rates_of_the_week(_links(True, (0.5, 200, 22)), _context((0.5, SUNDAY - 60 * DAY, None)))
    assert rows.loc[("link_click_through_rate", "realised"), "status_reason"].startswith("fewer than 30 clicks")


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_no_rate_helps_an_instrument_without_user_ids(rate):
    context = _context((rate, SUNDAY - 60 * DAY, None), has_user_id=False)
    rows = _rates_of_the_week(_links(False, (rate, 200, 50)), context)
    for key in (("link_click_through_rate", "process"), ("link_click_through_rate_unique", "realised")):
        assert rows.loc[key, "status"] == "not_estimable"
        assert rows.loc[key, "remedy"] == "an instrument with user ids"
    assert rows.loc[("link_click_through_rate", "realised"), "remedy"] is None
    cells = pd.DataFrame(columns=["metric", "wiki_db", "metric_date", "as_of_date", "n_cohort", "n_returned"])
    cells = cells.astype({"metric_date": "datetime64[ns]", "as_of_date": "datetime64[ns]"})
    found = cohort_rows(CohortSums(cells, cells), context, [SUNDAY])
    cohorts = settle(found.assign(metric_version=1), 10)
    assert set(cohorts["remedy"]) == {"an instrument with user ids"}
