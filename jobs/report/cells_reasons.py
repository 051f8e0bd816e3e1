"""What reasons tell of few users: numbers in words are numbers, too."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.estimation.comparable import FEW_HAVE_MOST

BoolArray = npt.NDArray[np.bool_]
# Numbers of groups that are no cell: how many users a share is of is not known, so it may be few.
OF_OTHERS = re.compile(r"[\d.,]+ %(?= had one session in both)")
WORTH = re.compile(r"\bworth [\d.,]+(?= )")


def told_by_few(cells: pd.DataFrame) -> BoolArray:
    """Find the rows of which the reason says that a few users make their number.

    The row beside such a one, of what happened, has no such reason: both readings of a cell have to go together.
    """
    found: BoolArray = cells["status_reason"].fillna("").str.contains(FEW_HAVE_MOST, regex=False).to_numpy(dtype=bool)
    return found


def without_others(reasons: pd.Series) -> pd.Series:
    """Take out of reasons the numbers of users who are no cell of the report."""
    return reasons.str.replace(OF_OTHERS, "… %", regex=True).str.replace(WORTH, "worth …", regex=True)
