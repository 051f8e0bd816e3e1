"""Milestones and those who could be invited: dumps of different days added up, shares of the audience, its size."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from jobs.contracts import table
from jobs.estimation.audience import project
from jobs.reference.rows import MilestoneRow
from jobs.rows.milestone_audience import METRIC as AUDIENCE
from jobs.rows.milestone_audience import Audiences, untold
from jobs.rows.milestones import metrics_read, milestone_rows
from tests.references import BEGIN, policy_row, reference, wiki_row

MARCH, APRIL, DUE = date(2026, 3, 31), date(2026, 4, 30), date(2026, 6, 30)
EDITORS = MilestoneRow("Editors", "pilot", "eligible_editors", "rolling", 28, 500.0, DUE, "")
VISITORS = MilestoneRow("Visitors", "pilot", "dashboard_visitors", "rolling", 7, 500.0, DUE, "")
SHARE = replace(VISITORS, target="20% of eligible_editors")
WIKIS = [replace(wiki_row(name, BEGIN), pilot=True) for name in ("idwiki", "trwiki")]


def value(metric: str, wiki: str, on: date, n: float | None, days: int, band: str = "all") -> dict[str, Any]:
    status = "publish" if n is not None else "suppressed"
    return {
        "metric": metric, "metric_version": 1, "wiki_db": wiki, "window_kind": "rolling",
        "metric_date": on - timedelta(days=days - 1), "as_of_date": on, "window_days": days,
        "element_friendly_name": "all", "client_platform_family": "all", "edit_count_bucket": band,
        "inference": "realised", "estimate": n, "lower": n, "upper": n, "status": status, "status_reason": "few",
    }  # fmt: skip


def editors(wiki: str, on: date, month: float | None, fortnight: float | None = None, band: str = "100-500"):
    found = [value("eligible_editors", wiki, on, month, 28, band)]
    return found + ([] if fortnight is None else [value("eligible_editors", wiki, on, fortnight, 14, band)])


def visitors(on: date, idwiki: float, trwiki: float):
    return [value("dashboard_visitors", "idwiki", on, idwiki, 7), value("dashboard_visitors", "trwiki", on, trwiki, 7)]


def judged(milestone: MilestoneRow, values: list[dict[str, Any]], on: date) -> dict[str, Any]:
    frame = pd.DataFrame(values, columns=list(table("metric_values").columns), dtype=object)
    known = replace(reference(policy_row(), wikis=WIKIS), milestones=(milestone,))
    (row,) = milestone_rows(frame, known, [on]).to_dict("records")
    return row


# --- The milestone of editors


def test_one_count_makes_it_measurable_and_a_large_one_reached():
    row = judged(EDITORS, [*editors("idwiki", MARCH, 300.0), *editors("trwiki", MARCH, 200.0)], MARCH)
    assert (row["status"], row["reached_on"], row["estimate"]) == ("reached", MARCH, 500.0)
    row = judged(EDITORS, [*editors("idwiki", MARCH, 300.0), *editors("trwiki", MARCH, 199.0)], MARCH)
    assert (row["status"], row["share_reached"]) == ("not measurable", 499 / 500)
    assert row["remedy"].startswith("pdmetrics audience --windows"), "how it grows is not known"


def test_what_is_lacking_is_expected_by_the_growth_of_the_two_windows_of_all_pilots():
    counted = [*editors("idwiki", MARCH, 300.0, 200.0), *editors("trwiki", MARCH, 100.0, 50.0)]
    row = judged(EDITORS, counted, MARCH)
    assert (row["status"], row["expected_from"] < row["expected_to"] <= DUE) == ("on track", True)
    assert "grow as t^0.68 and would be 500 on 2026-04-11" in row["reason"]
    row = judged(replace(EDITORS, due_date=APRIL - timedelta(days=25)), counted, MARCH)
    assert (row["status"], row["remedy"]) == ("behind", "more wikis or a wider band invite more")
    assert "nothing" not in row["remedy"]


def test_of_each_pilot_the_newest_count_of_two_months_is_added():
    old = [*editors("idwiki", MARCH, 300.0), *editors("trwiki", MARCH, 100.0)]
    row = judged(EDITORS, [*old, *editors("idwiki", APRIL, 350.0)], APRIL)
    assert (row["estimate"], row["window_end"]) == (450.0, APRIL)
    assert row["window_start"] == MARCH - timedelta(days=27), "which is where the older of the two begins"
    june = date(2026, 6, 1)
    row = judged(EDITORS, [*old, *editors("idwiki", APRIL, 350.0)], june)
    assert (row["status"], row["estimate"]) == ("not measurable", None), "a sum is as old as its oldest count"
    row = judged(EDITORS, [*old, *editors("idwiki", june, 350.0)], june)
    assert (row["status"], row["estimate"]) == ("not measurable", None)
    assert row["remedy"] == "pdmetrics audience --wiki trwiki counts its editors"


def test_a_count_stands_until_the_next_dump_may_be_expected():
    values = [*editors("idwiki", MARCH, 300.0), *editors("trwiki", MARCH, 100.0)]
    assert judged(EDITORS, values, date(2026, 5, 31))["estimate"] == 400.0
    row = judged(EDITORS, values, date(2026, 6, 1))
    assert (row["status"], row["estimate"]) == ("not measurable", None)
    assert "pdmetrics audience" in row["remedy"]


def test_what_they_grow_to_in_eight_weeks_is_told():
    row = judged(EDITORS, [*editors("idwiki", MARCH, 240.0, 150.0), *editors("trwiki", MARCH, 90.0, 60.0)], MARCH)
    ends = [project({28: 240.0, 14: 150.0}), project({28: 90.0, 14: 60.0})]
    middle, lower, upper = (sum(getattr(one, name) for one in ends) for name in ("projected", "lower", "upper"))
    assert row["reason"].endswith(
        f"The pilots' audience is 330 editors in 28 days (as of 2026-03-31), about {middle:,.0f} in 8 weeks "
        f"({lower:,.0f} to {upper:,.0f})."
    )


# --- A share of the audience


def test_a_share_of_the_audience_is_a_number_once_they_are_counted():
    counted = [*editors("idwiki", MARCH, 300.0), *editors("trwiki", MARCH, 200.0)]
    day = date(2026, 4, 10)
    row = judged(SHARE, [*counted, *visitors(day, 30.0, 20.0)], day)
    assert (row["target"], row["share_reached"], row["estimate"]) == (100.0, 0.5, 50.0)
    row = judged(replace(SHARE, wiki_db="idwiki"), [*counted, *visitors(day, 30.0, 20.0)], day)
    assert (row["target"], row["share_reached"]) == (60.0, 0.5)


def test_a_share_of_the_audience_is_told_with_its_base_whatever_the_status():
    counted = [*editors("idwiki", MARCH, 3300.0), *editors("trwiki", APRIL, 2000.0)]
    day = date(2026, 5, 10)
    row = judged(SHARE, [*counted, *visitors(day, 30.0, 20.0)], day)
    begin = (
        "The target is 1,060 (20% of 5,300 eligible editors of the pilots in 28 days, as of 2026-03-31 to "
        "2026-04-30). 1 look is too few"
    )
    assert row["reason"].startswith(begin)
    own = replace(SHARE, wiki_db="idwiki", target="2.5% of eligible_editors")
    looks = [look for n in range(8) for look in visitors(day - timedelta(days=n), 830.0, 20.0)]
    row = judged(own, [*counted, *looks], day)
    assert (row["status"], row["target"]) == ("reached", 82.5)
    assert row["reason"].startswith(
        "The target is 82 (2.5% of 3,300 eligible editors of idwiki in 28 days, as of 2026-03-31). On 2026-05-10 the "
    )
    row = judged(replace(own, target=2401.0), [*counted, *looks], day)
    assert "The target is" not in row["reason"], "which has a number"


@pytest.mark.parametrize(
    ("counted", "why"),
    [
        ([], ""),
        (editors("idwiki", MARCH, 300.0), "trwiki was not counted"),
        ([*editors("idwiki", date(2026, 2, 7), 300.0), *editors("trwiki", MARCH, 200.0)], "idwiki was not counted"),
        ([*editors("idwiki", date(2026, 4, 11), 300.0), *editors("trwiki", MARCH, 200.0)], "idwiki was not counted"),
    ],
)
def test_without_an_audience_there_is_no_target_and_the_command_is_named(counted, why):
    day = date(2026, 4, 10)
    row = judged(SHARE, [*counted, *visitors(day, 300.0, 200.0)], day)
    assert (row["status"], row["target"], row["share_reached"]) == ("not measurable", None, None)
    assert row["estimate"] == 500.0
    assert row["reason"].startswith("The target is 20% of eligible_editors, and they are not counted as of")
    assert why in row["reason"]
    assert row["remedy"].startswith("pdmetrics audience")


def test_what_was_reached_stays_reached_though_the_audience_grows():
    days = [MARCH + timedelta(days=n) for n in range(36)]
    counted = [*editors("idwiki", MARCH, 300.0), *editors("trwiki", MARCH, 200.0)]
    grown = [*editors("idwiki", APRIL, 900.0), *editors("trwiki", APRIL, 200.0)]
    came = [row for day in days for row in visitors(day, 80.0, 40.0)]
    row = judged(SHARE, [*counted, *grown, *came], days[-1])
    assert (row["status"], row["reached_on"], row["target"]) == ("reached", MARCH + timedelta(days=7), 220.0)


# --- The size of the audience beside those who came


def test_the_size_is_told_beside_people_and_that_it_is_too_small():
    day = date(2026, 4, 10)
    counted = [*editors("idwiki", MARCH, 240.0, 150.0), *editors("trwiki", MARCH, 90.0, 60.0)]
    row = judged(replace(VISITORS, target=600.0), [*counted, *visitors(day, 30.0, 20.0)], day)
    assert "The pilots' audience is 330 editors in 28 days (as of 2026-03-31)" in row["reason"]
    assert "below the target" not in row["reason"], "about 519 are to be expected, and 649 are possible"
    row = judged(replace(VISITORS, target=2401.0), [*counted, *visitors(day, 30.0, 20.0)], day)
    assert "Even the upper end is below the target" in row["reason"]
    assert "anyone with the address may visit" in row["reason"]
    assert row["status"] == judged(replace(VISITORS, target=2401.0), visitors(day, 30.0, 20.0), day)["status"]


def test_a_pilot_that_was_not_counted_or_is_hidden_makes_no_audience_too_small():
    day = date(2026, 4, 10)
    one = [*editors("idwiki", MARCH, 240.0, 150.0), *visitors(day, 30.0, 20.0)]
    row = judged(replace(VISITORS, target=2401.0), one, day)
    assert row["reason"].endswith("; trwiki was not counted.")
    row = judged(replace(VISITORS, target=2401.0), [*one, *editors("trwiki", MARCH, None)], day)
    assert "is 240 editors in 28 days" in row["reason"]
    assert row["reason"].endswith("; trwiki has too few to be shown.")


def test_rates_are_no_people_and_have_no_audience():
    rate = replace(VISITORS, metric="two_day_review_rate", wiki_db="idwiki", window_days=28, target=0.1)
    day = date(2026, 4, 10)
    mine = {**value("two_day_review_rate", "idwiki", day, 0.2, 28), "inference": "process"}
    assert "audience" not in judged(rate, [mine, *editors("idwiki", MARCH, 240.0)], day)["reason"]
    assert metrics_read([rate]) == ["two_day_review_rate"]
    assert metrics_read([rate, VISITORS]) == ["dashboard_visitors", "eligible_editors", "two_day_review_rate"]


def test_of_several_bands_the_first_of_the_contract_counts_also_for_the_projection():
    frame = pd.DataFrame([*editors("idwiki", MARCH, 700.0, 300.0, "1-900"), *editors("idwiki", MARCH, 90.0, 60.0)])
    found = Audiences(frame).on(["idwiki"], MARCH)
    assert found is not None
    expected = project({14: 60.0, 28: 90.0})
    assert (found.n, found.projected) == (90.0, (expected.projected, expected.lower, expected.upper))
    assert Audiences(frame[:2]).on(["idwiki"], MARCH) is None


def test_eight_weeks_that_were_counted_are_the_number_of_eight_weeks():
    frame = pd.DataFrame([*editors("idwiki", MARCH, 90.0, 60.0), value("eligible_editors", "idwiki", MARCH, 130.0, 56,
                                                                      "100-500")])  # fmt: skip
    found = Audiences(frame).on(["idwiki"], MARCH)
    assert found is not None
    assert (found.projected, found.is_counted) == ((130.0, 130.0, 130.0), True)


def test_eight_weeks_are_told_as_counted_only_where_they_were_in_every_pilot():
    weeks = [value("eligible_editors", wiki, MARCH, 1300.0, 56, "100-500") for wiki in ("idwiki", "trwiki")]
    months = [*editors("idwiki", MARCH, 900.0, 600.0), *editors("trwiki", MARCH, 900.0, 600.0)]
    row = judged(replace(VISITORS, target=2601.0), [*months, *weeks, *visitors(MARCH, 30.0, 20.0)], MARCH)
    size = "The pilots' audience is 1,800 editors in 28 days (as of 2026-03-31) and 2,600 in 8 weeks, both counted."
    assert f"{size} Even that is below the target" in row["reason"]
    row = judged(replace(VISITORS, target=2601.0), [*months, weeks[0], *visitors(MARCH, 30.0, 20.0)], MARCH)
    assert re.search(r" \(as of 2026-03-31\), about 2,[\d,]+ in 8 weeks \(2,[\d,]+ to [\d,]+\)\.", row["reason"])


def counted_in(snapshots: dict[int, str], **other: Any) -> pd.DataFrame:
    """Rows of `audience` by days of the window."""
    cell = {"as_of_date": MARCH, "wiki_db": "idwiki", "band": "100-500", "definition": ""} | other
    return pd.DataFrame([{**cell, "window_days": days, "snapshot": named} for days, named in snapshots.items()])


def windows(counts: dict[int, float]) -> list[dict[str, Any]]:
    return [value("eligible_editors", "idwiki", MARCH, n, days, "100-500") for days, n in counts.items()]


def test_windows_of_another_snapshot_tell_nothing_of_growth_nor_of_eight_weeks() -> None:
    values = windows({14: 250.0, 21: 310.0, 28: 354.0, 56: 700.0})
    audience = counted_in({14: "2026-03", 21: "2026-04", 28: "2026-03", 56: "2026-04"})
    expected = project({14: 250.0, 28: 354.0})
    others = counted_in({14: "2026-04"}, definition="bots=now"), counted_in({14: "2026-04"}, band="1-900")
    audiences = Audiences(pd.DataFrame(values), pd.concat([audience, *others]))
    found = audiences.on(["idwiki"], MARCH)
    assert found is not None
    assert expected is not None
    assert (found.n, found.projected) == (354.0, (expected.projected, expected.lower, expected.upper))
    (look,) = audiences.looks(["idwiki"], 28)
    assert look.counted is not None
    assert look.counted.power == expected.growth_exponent
    milestone = replace(EDITORS, wiki_db="idwiki")
    frame = pd.DataFrame(values, columns=list(table("metric_values").columns), dtype=object)
    known = replace(reference(policy_row(), wikis=WIKIS), milestones=(milestone,))
    (row,) = milestone_rows(frame, known, [MARCH], audience).to_dict("records")
    assert f"grow as t^{expected.growth_exponent:.2f}" in row["reason"]
    assert f"about {expected.projected:,.0f} in 8 weeks" in row["reason"]


def test_counts_without_a_snapshot_go_together() -> None:
    values = pd.DataFrame(windows({14: 250.0, 28: 354.0}))
    expected = project({14: 250.0, 28: 354.0})
    assert expected is not None
    for audience in (None, counted_in({28: "2026-03"})[:0]):
        found = Audiences(values, audience).on(["idwiki"], MARCH)
        assert found is not None
        assert found.projected is not None
        assert found.projected[0] == expected.projected


def test_eight_weeks_are_never_more_than_a_longer_window_has() -> None:
    found = Audiences(pd.DataFrame(windows({14: 60.0, 28: 90.0, 84: 110.0}))).on(["idwiki"], MARCH)
    assert found is not None
    assert found.projected is not None
    assert found.projected[2] == 110.0


# --- Where its size may not leave


BOTH = [*editors("idwiki", MARCH, 300.0, 200.0), *editors("trwiki", MARCH, 100.0, 50.0)]
BY_DAY = [*BOTH, *visitors(date(2026, 4, 10), 30.0, 20.0)]
WIDE = [value("eligible_editors", wiki, MARCH, 450.0, 56, "100-500") for wiki in ("idwiki", "trwiki")]


@pytest.mark.parametrize(
    ("milestone", "values", "remains"),
    [
        (EDITORS, BOTH, "would be as many as asked on … (… to …), due …. The pilots' audience is not shown (as of …)."),
        (
            replace(EDITORS, target=5000.0, due_date=APRIL),
            BOTH,
            "are fewer than asked by …, as far as can be projected",
        ),
        (replace(EDITORS, target=5000.0, due_date=date(2027, 6, 30)), BOTH, "grow; nothing can be said beyond …"),
        (SHARE, BY_DAY, "The target is … (20% of … eligible editors of the pilots in 28 days, as of …). 1 look is"),
        (SHARE, [*BY_DAY, *WIDE], "The pilots' audience is not shown (as of …)."),
        (replace(VISITORS, target=900.0), BY_DAY, "is not shown (as of …). Even the upper end is below the target"),
        (VISITORS, [*editors("idwiki", MARCH, 4000.0), *BY_DAY[4:]], "is not shown (as of …); trwiki was not counted."),
    ],
)
def test_the_size_and_its_growth_are_taken_out_of_every_reason(milestone, values, remains):
    reason = judged(milestone, values, date(2026, 4, 10) if values[-1]["metric"] != AUDIENCE else MARCH)["reason"]
    (left,) = untold(pd.Series([reason]))
    assert remains in re.sub(r"\d{4}-\d\d-\d\d", "…", left)
    named = r"\d{4}-\d\d-\d\d|\b28 days|\b20%|\b1 look"
    assert re.search(r"\d", re.sub(named, "", reason)), "the size was told"
    assert not re.search(r"\d", re.sub(named, "", left)), left


def test_other_reasons_stay_as_they_are():
    reasons = pd.Series(["The lower limit grows as t^0.90 and would be there on 2026-05-01.", "It is 12 % of 300."])
    assert untold(reasons).tolist() == reasons.tolist()
