"""Numbers in sentences, and the remedies."""

import re

import pytest

from jobs.estimation.limits import percent, points
from jobs.estimation.remedy import expected_half_width, remedy


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50 %"), (0.1, "10 %"), (0.025, "2.5 %"), (0.02, "2 %"), (0.123, "12 %")]
)
def test_percentages_read_well(share, text):
    assert percent(share) == text
    assert points(0.06) == "6 pp"
    assert points(0.0003) == "0.1 pp"


def test_map_narrows_with_rate_and_users_and_is_exact_at_one():
    for family in ("users", "share"):
        by_rate = [expected_half_width(family, rate, 2000) for rate in (0.1, 0.22, 0.5, 0.7, 0.9, 1.0)]
        by_users = [expected_half_width(family, 0.5, n) for n in (150, 1000, 40_000)]
        assert by_rate == sorted(by_rate, reverse=True)
        assert by_users == sorted(by_users, reverse=True)
        assert by_rate[-1] == 0.0


def test_map_agrees_with_the_study_it_stands_for():
    """Half-widths of an earlier study, other code: 1,000 light visitors at 50 %: ±6 %; 20,000 at 10 %: ±39 %."""
    assert expected_half_width("users", 0.5, 1000) == pytest.approx(0.06, abs=0.01)
    assert expected_half_width("users", 0.1, 20_000) == pytest.approx(0.39, abs=0.02)
    assert expected_half_width("share", 0.1, 5000) > 0.3


def test_remedy_names_only_rates_that_help_and_ends_with_the_exact_one():
    text = remedy("share", 0.1, 2000)
    assert text.startswith("Keep usage at 100 %")
    assert text.endswith("at 100 %: exact")
    assert re.search(r"at 50 %: ±6 pp", text)
    assert "25 %:" not in text
    assert "50 %:" not in remedy("share", 0.5, 2000)
    assert "75 %:" in remedy("users", 0.5, 2000)
