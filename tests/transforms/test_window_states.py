from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from jobs.transforms.window_states import positive, window_changes, within
from jobs.window_sums.dense import accumulate, collect, summed

DAY = timedelta(days=1)
START, END = date(2026, 5, 29), date(2026, 6, 12)
FIRST = START - 27 * DAY
WINDOWS = (1, 3, 7, 28)
STATISTICS = {
    "n_users": lambda s: positive(s["a"]),
    "n_both": lambda s: positive(s["a"], s["b"]),
    "uu_ab": lambda s: s["a"] * s["b"],
}


@pytest.mark.spark
@pytest.mark.parametrize(("seed", "share"), [(1, 0.05), (2, 0.4), (3, 0.95)])
def test_rolling_statistics_against_every_window_rebuilt(spark, seed, share):
    """Users who come rarely, often and nearly daily; values that are zero on some days."""
    rng = np.random.default_rng(seed)
    n_days = (END - FIRST).days
    values = rng.integers(0, 3, size=(2, 9, n_days)) * (rng.random((9, n_days)) < share)
    rows = [
        (f"u{u}", "even" if u % 2 == 0 else "odd", FIRST + int(d) * DAY, int(values[0, u, d]), int(values[1, u, d]))
        for u, d in np.argwhere(values.any(axis=0))
    ]
    frame = spark.createDataFrame(rows, "user string, cell string, event_date date, a bigint, b bigint")

    def windows_of(start, end):
        changes = window_changes(
            within(frame, start, end, 28), unit=["user"], cell=["cell"], values=["a", "b"], windows=WINDOWS,
            statistics=STATISTICS, start=start, end=end,
        )  # fmt: skip
        keys = ["cell", "window_days"]
        dense = accumulate(collect(changes), cell=keys, names=list(STATISTICS), start=start, end=end)
        return dense.set_index(["cell", "window_days", "as_of_date"])

    found = windows_of(START, END)
    for place, cell in enumerate(("even", "odd")):
        for length in WINDOWS:
            for as_of in range(27, n_days):
                a, b = values[:, place::2, as_of - length + 1 : as_of + 1].sum(axis=2)
                expected = [(a > 0).sum(), ((a > 0) & (b > 0)).sum(), (a * b).sum()]
                key = (cell, length, pd.Timestamp(FIRST + as_of * DAY))
                got = found.loc[key].tolist() if key in found.index else [0, 0, 0]
                assert got == expected, key
    for day in (START, START + 5 * DAY):
        alone = windows_of(day, day + DAY)
        together = found[found.index.get_level_values("as_of_date") == pd.Timestamp(day)]
        shown = together[(together != 0).any(axis=1)].sort_index()
        pd.testing.assert_frame_equal(alone[(alone != 0).any(axis=1)].sort_index(), shown)


@pytest.mark.spark
def test_a_growing_window_never_forgets(spark):
    rows = [("u", START, 1), ("u", START + 9 * DAY, 1), ("v", START + 3 * DAY, 1)]
    frame = spark.createDataFrame(rows, "user string, event_date date, a bigint").withColumn("cell", F.lit("c"))
    changes = window_changes(
        frame, unit=["user"], cell=["cell"], values=["a"], windows=[None], start=START, end=END,
        statistics={"n": lambda s: positive(s["a"])},
    )  # fmt: skip
    dense = accumulate(collect(changes), cell=["cell", "window_days"], names=["n"], start=START, end=END)
    assert dense["n"].tolist() == [1] * 3 + [2] * 11


def _changes(*rows):
    return pd.DataFrame(rows, columns=["cell", "change_date", "n"]).assign(
        change_date=lambda frame: pd.to_datetime(frame["change_date"])
    )


def test_what_came_before_the_first_asked_day_counts_from_it_on():
    dense = accumulate(
        _changes(("a", START - 5 * DAY, 2), ("a", START + DAY, -1), ("a", END, 9)),
        cell=["cell"], names=["n"], start=START, end=START + 3 * DAY,
    )  # fmt: skip
    assert dense["n"].tolist() == [2, 1, 1]
    assert dense["as_of_date"].tolist() == list(pd.date_range(START, periods=3))


def test_a_cell_that_is_gone_before_the_first_day_is_absent():
    dense = accumulate(
        _changes(("a", START - 5 * DAY, 2), ("a", START - DAY, -2), (None, START, 1)),
        cell=["cell"], names=["n"], start=START, end=END,
    )  # fmt: skip
    assert dense["cell"].isna().all()
    assert len(dense) == (END - START).days


def test_sums_roll_over_days_in_the_window_only():
    daily = pd.DataFrame(
        {"cell": "a", "event_date": pd.date_range(START - 3 * DAY, periods=6), "n": [1, 2, 4, 8, 16, 32]}
    )
    dense = summed(daily, cell=["cell"], names=["n"], windows=[1, 3], start=START, end=START + 3 * DAY)
    assert dense.pivot_table(index="as_of_date", columns="window_days", values="n").to_numpy().tolist() == [
        [8, 2 + 4 + 8],
        [16, 4 + 8 + 16],
        [32, 8 + 16 + 32],
    ]


def test_weights_leave_no_rest():
    daily = pd.DataFrame({"cell": "a", "event_date": pd.date_range(START, periods=3), "w": [1 / 3, 1 / 7, 0.1]})
    dense = summed(daily, cell=["cell"], names=["w"], windows=[2], start=START, end=START + 6 * DAY)
    assert dense["w"].tolist()[-2:] == [0.0, 0.0]
