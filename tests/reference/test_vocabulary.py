"""The vocabulary: the shipped facts, and what counts as unmeasured."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.reference.rows import PLATFORMS, VocabularyRow
from jobs.reference.stretch import Stretch
from jobs.reference.vocabulary import REVIEW_LINKS, Vocabulary
from tests.references import element_row, shipped_vocabulary

MENU = "Personal Dashboard menu link"
DIFF = "Personal Dashboard diff link"
WATCHED = "Personal Dashboard watched diff link"
DISCUSSION = "Personal Dashboard discussion link"
THANKS = "Personal Dashboard thanks link"
POLICY = "Verifiability policy link"


def d(text):
    return date.fromisoformat(text)


@pytest.fixture(scope="module")
def shipped():
    rows = shipped_vocabulary()
    assert all(row.reason for row in rows)
    return Vocabulary(rows)


def test_the_shipped_elements_are_those_of_the_instrument(shipped):
    assert len(shipped.elements) == 11
    assert shipped.review_elements == (DIFF, "Personal Dashboard recently edited diff link", WATCHED)
    assert shipped.groups["entry point"] == (MENU,)
    assert shipped.group_of(POLICY) == "other links"
    assert shipped.group_of("Some new link") is None


@pytest.mark.parametrize(
    ("element", "first", "last"),
    [
        (MENU, "2026-02-10", "2026-04-07"),
        (DIFF, "2026-02-10", None),
        (WATCHED, "2026-05-21", None),
        ("Personal Dashboard recently edited diff link", "2026-08-27", None),
        (DISCUSSION, "2026-04-13", "2026-07-13"),
        (THANKS, "2026-02-10", "2026-07-13"),
        (POLICY, "2026-02-10", "2026-06-29"),
        ("Go to Recent Changes link", "2026-02-10", None),
        (REVIEW_LINKS, "2026-02-10", None),
    ],
)
def test_lives(shipped, element, first, last):
    assert shipped.life(element) == Stretch(d(first), last and d(last))


@pytest.mark.parametrize(
    ("element", "platform", "start", "end", "measured"),
    [
        (MENU, "desktop_browser", "2026-02-10", "2026-04-07", True),
        (MENU, "desktop_browser", "2026-02-10", "2026-04-08", False),
        (MENU, "desktop_browser", "2026-02-09", "2026-02-11", False),
        (MENU, "mobile_browser", "2026-03-10", "2026-03-12", False),
        (MENU, "mobile_browser", "2026-03-11", "2026-04-07", True),
        (DIFF, "all", "2026-03-01", "2026-03-11", False),
        (DIFF, "desktop_browser", "2026-03-01", "2026-03-11", True),
        (DIFF, "all", "2026-03-11", "2026-05-04", True),
        (DIFF, "all", "2026-04-28", "2026-05-05", False),
        (DIFF, "mobile_browser", "2026-05-20", "2026-05-21", False),
        (DIFF, "all", "2026-05-21", "2026-12-31", True),
        (WATCHED, "all", "2026-05-20", "2026-05-22", False),
        (WATCHED, "all", "2026-05-21", "2026-05-22", True),
        (DISCUSSION, "all", "2026-05-10", "2026-05-11", False),
        (DISCUSSION, "all", "2026-07-12", "2026-07-13", True),
        (THANKS, "all", "2026-05-10", "2026-05-11", True),
        (REVIEW_LINKS, "all", "2026-03-10", "2026-03-11", False),
        (REVIEW_LINKS, "all", "2026-03-11", "2026-05-04", True),
        (REVIEW_LINKS, "all", "2026-05-04", "2026-05-05", False),
        (REVIEW_LINKS, "all", "2026-05-21", "2026-06-01", True),
        ("Some new link", "all", "2026-05-04", "2026-05-05", True),
    ],
)
def test_unmeasured_stretches(shipped, element, platform, start, end, measured):
    reason = shipped.unmeasured(element, platform, d(start), d(end))
    assert (reason is None) == measured
    if reason:
        assert reason.endswith(".")
        assert not reason.endswith("..")


def test_the_reason_says_when_and_why(shipped):
    assert shipped.unmeasured(DIFF, "all", d("2026-05-01"), d("2026-05-08")) == (
        "Personal Dashboard diff link was not measured from 2026-05-04 to 2026-05-20: the selectors matched no card "
        "from 1.47.0-wmf.1 (2026-05-04) until 1.47.0-wmf.3 had reached every wiki (2026-05-21)."
    )
    assert shipped.unmeasured(MENU, "mobile_browser", d("2026-03-01"), d("2026-03-12")) == (
        "Personal Dashboard menu link was not measured on mobile before 2026-03-11: the mobile instrumentation was "
        "defective until the fix of 2026-03-11 (T419517)."
    )
    assert shipped.unmeasured(MENU, "mobile_browser", d("2026-04-01"), d("2026-04-15")) == (
        "Personal Dashboard menu link was not measured from 2026-04-07 on: the instrumentation was removed on "
        "2026-04-07 (T422512)."
    )
    assert shipped.review_unmeasured(d("2026-05-20"), d("2026-05-27")).startswith("Review links were not measured from")


def test_reviewers_follow_the_group(shipped):
    assert shipped.first_review_day() == d("2026-03-11")
    assert shipped.review_unmeasured(d("2026-03-11"), d("2026-03-18")) is None
    assert shipped.review_unmeasured(d("2026-03-10"), d("2026-03-17")) is not None


def test_overlaps_is_half_open(shipped):
    assert shipped.overlaps(MENU, d("2026-04-06"), d("2026-04-13"))
    assert not shipped.overlaps(MENU, d("2026-04-07"), d("2026-04-14"))
    assert not shipped.overlaps(MENU, d("2026-02-03"), d("2026-02-10"))
    assert shipped.overlaps(DIFF, d("2026-05-05"), d("2026-05-12")), "a broken stretch is inside the life"
    assert not shipped.overlaps("Some new link", d("2026-05-05"), d("2026-05-12"))
    with pytest.raises(KeyError):
        shipped.life("Some new link")


def row(element, platform, start, end=None, group=REVIEW_LINKS):
    return element_row(element, group, start, end, platform, "because")


def test_an_element_with_desktop_rows_only_has_desktop_only():
    vocabulary = Vocabulary([row("a", "desktop_browser", "2026-03-01")])
    assert vocabulary.unmeasured("a", "all", d("2026-03-01"), d("2026-03-02")) is None
    assert vocabulary.unmeasured("a", "mobile_browser", d("2026-03-01"), d("2026-03-02")) == (
        "a was not measured on mobile: the vocabulary names other platforms only."
    )


def test_the_group_is_measured_while_any_element_is():
    vocabulary = Vocabulary([row("a", "*", "2026-03-01", "2026-03-05"), row("b", "*", "2026-03-04", "2026-03-10")])
    assert vocabulary.unmeasured(REVIEW_LINKS, "all", d("2026-03-01"), d("2026-03-10")) is None
    assert vocabulary.unmeasured(REVIEW_LINKS, "all", d("2026-03-09"), d("2026-03-11")) is not None
    assert vocabulary.life(REVIEW_LINKS) == Stretch(d("2026-03-01"), d("2026-03-10"))


def test_without_review_links_reviewers_are_unmeasured():
    vocabulary = Vocabulary([row("a", "*", "2026-03-01", group="other links")])
    assert vocabulary.review_unmeasured(d("2026-03-01"), d("2026-03-02")) == "The vocabulary has no review link."
    assert vocabulary.first_review_day() is None
    assert REVIEW_LINKS not in vocabulary


ORIGIN = d("2026-03-01")


@st.composite
def element_rows(draw, name):
    rows = []
    for platform in PLATFORMS:
        cuts = sorted(draw(st.lists(st.integers(0, 30), unique=True, max_size=6)))
        for i in range(0, len(cuts), 2):
            end = ORIGIN + timedelta(days=cuts[i + 1]) if i + 1 < len(cuts) else None
            rows.append(
                VocabularyRow(name, REVIEW_LINKS, platform, ORIGIN + timedelta(days=cuts[i]), end, f"{platform} {i}")
            )
    return rows


@given(element_rows("a"), element_rows("b"), st.integers(-2, 33), st.integers(1, 9))
def test_unmeasured_agrees_with_a_look_at_each_day(rows_a, rows_b, offset, length):
    rows = [*rows_a, *rows_b]
    vocabulary = Vocabulary(rows)
    start = ORIGIN + timedelta(days=offset)
    window = [start + timedelta(days=i) for i in range(length)]

    def measured(own, platform, day):
        return any(
            r.client_platform_family == platform
            and r.measured_from <= day
            and (r.measured_to is None or day < r.measured_to)
            for r in own
        )

    for element, own in (("a", rows_a), ("b", rows_b), (REVIEW_LINKS, rows)):
        if not own:
            continue
        named = {r.client_platform_family for r in own}
        for platforms in ({"desktop_browser"}, {"mobile_browser"}, named):
            asked = "all" if platforms == named else next(iter(platforms))
            expected = all(measured(own, p, day) for p in platforms for day in window)
            got = vocabulary.unmeasured(element, asked, start, start + timedelta(days=length))
            assert (got is None) == expected
