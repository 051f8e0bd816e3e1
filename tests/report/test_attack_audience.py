"""An outsider with the report's counts of eligible editors tries to tell a few of them apart, and fails.

Editors are drawn, so that cells hang together as real ones do. The outsider knows what is shown, and that a part is not
more than its whole: editors and those who were in the band before by band and window, newcomers by window and by bands
that begin alike. What this leaves of each number is narrowed down until it goes no further.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from tests.report.site_frames import eligible, eligibles

MIN_USERS = 10
BANDS, WINDOWS = ((100, 300), (100, 500), (150, 300), (50, 1000)), (7, 14, 28)
PARTS = ("n_editors", "n_new_to_band", "before")
Place = tuple[str, tuple[int, int], int]  # which number, band, window


def drawn(seed: int) -> dict[Place, int]:
    """Return the true counts of a small wiki as of one day."""
    random = np.random.default_rng(seed)
    n = int(random.integers(20, 400))
    last = random.integers(60, 620, n)  # edits at the last revision
    edits = np.cumsum(random.poisson(random.uniform(1, 30, (len(WINDOWS), n))), axis=0)  # within each window
    active = np.cumsum(random.random((len(WINDOWS), n)) < random.random() / 2, axis=0) > 0
    counts: dict[Place, int] = {}
    for (number, days), (least, most) in product(enumerate(WINDOWS), BANDS):
        within = active[number] & (last >= least) & (last <= most)
        new = within & (last - edits[number] < least)
        counts["n_editors", (least, most), days] = int(within.sum())
        counts["n_new_to_band", (least, most), days] = int(new.sum())
        counts["before", (least, most), days] = int((within & ~new).sum())
        left = active[number] & (last > most) & (last - edits[number] <= most) & (last - edits[number] >= least)
        counts["n_left_band", (least, most), days] = int(left.sum())
    return counts


def shown(counts: dict[Place, int]) -> dict[Place, float]:
    """Return the numbers that a report shows."""
    rows = [
        eligible("a", 4, float(counts["n_editors", band, days]), band=f"{band[0]}-{band[1]}", window_days=days,
                 **{name: float(counts[name, band, days]) for name in ("n_new_to_band", "n_left_band")})
        for band in BANDS for days in WINDOWS
    ]  # fmt: skip
    left = eligibles(*rows, min_users=MIN_USERS)
    found = {}
    for row in left.to_dict("records"):
        least, most = map(int, row["band"].split("-"))
        for name in ("n_editors", "n_new_to_band", "n_left_band"):
            if not pd.isna(row[name]):
                found[name, (least, most), row["window_days"]] = row[name]
    return found


def is_part(name: str, inner: tuple[tuple[int, int], int], outer: tuple[tuple[int, int], int]) -> bool:
    """Whether whom a cell counts, another counts, too."""
    (band, days), (wide, long) = inner, outer
    if inner == outer or not (wide[0] <= band[0] and band[1] <= wide[1] and days <= long):
        return False
    if name == "n_new_to_band":
        return band[0] == wide[0]
    return name == "n_editors" or days == long


def narrowed(known: dict[Place, float]) -> dict[Place, tuple[float, float]]:
    """Return the least and the most that each number can be."""
    cells = list(product(BANDS, WINDOWS))
    least = {(name, *cell): known.get((name, *cell), 0.0) for name in PARTS for cell in cells}
    most = {place: known.get(place, np.inf) for place in least}
    order = [((name, *a), (name, *b)) for name in PARTS for a in cells for b in cells if is_part(name, a, b)]
    before: object = None
    while before != (least, most):
        before = (dict(least), dict(most))
        for inner, outer in order:
            least[outer], most[inner] = max(least[outer], least[inner]), min(most[inner], most[outer])
        for cell in cells:
            whole, new, old = ((name, *cell) for name in PARTS)
            least[whole], most[whole] = (
                max(least[whole], least[new] + least[old]),
                min(most[whole], most[new] + most[old]),
            )
            for one, other in ((new, old), (old, new)):
                least[one], most[one] = (
                    max(least[one], least[whole] - most[other]),
                    min(most[one], most[whole] - least[other]),
                )
    return {place: (least[place], most[place]) for place in least}


@pytest.mark.parametrize("seed", range(60))
def test_no_few_editors_are_told_apart(seed):
    counts = drawn(seed)
    found = narrowed(shown(counts))
    assert all(low <= counts[place] <= high for place, (low, high) in found.items())
    told = {place: low for place, (low, high) in found.items() if low == high}
    few = [place for place, n in told.items() if 1 <= n < MIN_USERS]
    few += [
        (inner, outer) for inner in told for outer in told
        if inner[0] == outer[0] and is_part(inner[0], inner[1:], outer[1:])
        and 1 <= told[outer] - told[inner] < MIN_USERS
    ]  # fmt: skip
    assert not few


@pytest.mark.parametrize("seed", range(60))
def test_no_difference_between_a_cell_and_one_around_it_is_small(seed):
    numbers = shown(drawn(seed))
    for (name, band, days), n in numbers.items():
        for wide, long in product(BANDS, WINDOWS):
            if is_part("n_editors", (band, days), (wide, long)) and (name, wide, long) in numbers:
                assert not 1 <= numbers[name, wide, long] - n < MIN_USERS


def test_enough_is_shown_to_be_attacked_and_all_counts_would_tell_everything():
    n_shown = [len(shown(drawn(seed))) for seed in range(60)]
    assert np.mean(n_shown) > len(BANDS) * len(WINDOWS)
    whole = narrowed({place: float(n) for place, n in drawn(1).items() if place[0] != "before"})
    assert all(low == high for low, high in whole.values())


def test_newcomers_of_a_band_within_another_go_where_two_would_be_told_apart():
    rows = [eligible("a", 4, 500.0, n_new_to_band=60.0), eligible("a", 4, 350.0, n_new_to_band=58.0, band="100-300")]
    left = eligibles(*rows).set_index("band")
    assert left["n_editors"].to_dict() == {"100-500": 500.0, "100-300": 350.0}
    assert left["n_new_to_band"].dropna().to_dict() == {"100-500": 60.0}
