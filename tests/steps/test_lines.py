"""In how many tasks Spark reads the files of raw lines."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.raw.files import RawFile
from jobs.steps.lines import TASK_BYTES, n_tasks


@pytest.mark.parametrize(
    ("sizes", "n_cores", "expected"),
    [
        ([100] * 24, 1, 4),  # some for each core,
        ([100] * 3, 8, 3),  # and none without a file
        ([TASK_BYTES] * 40, 2, 40),  # a large day is cut by its size, however few cores there are as yet
        ([TASK_BYTES // 4] * 41, 2, 11),
        ([-1], 2, 1),  # of unknown size
    ],
)
def test_tasks_follow_cores_and_sizes(sizes, n_cores, expected):
    files = [RawFile(f"{number}.json.gz", date(2026, 3, 16), 0, size) for number, size in enumerate(sizes)]
    assert n_tasks(files, n_cores) == expected
