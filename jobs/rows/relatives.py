"""Which rows a row of sampled sessions may borrow its design effect from (`jobs/estimation/design_effect.py`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from jobs.estimation.design_effect import Relatives
from jobs.estimation.intervals import FloatArray
from jobs.window_sums.tables import ALL

SEGMENTS = ("client_platform_family", "edit_count_bucket")


def relatives(rows: pd.DataFrame, number: Sequence[str], length: FloatArray, segments: Sequence[str] = ()) -> Relatives:
    """Find the relatives of each row: windows that end on the same day.

    The longest window is the row's own wiki's and segment's. Together are taken the longest windows of all wikis, in
    all segments: a sparse segment has the sessions of its whole to learn from. Wiki `all` has itself only.

    Args:
        rows: wiki_db, as_of_date, and the columns below.
        number: columns that name what is counted.
        length: by which windows of one wiki, number and segment are ordered.
        segments: columns that name a part of it, `all` where a row is about the whole.
    """
    group = [*number, "as_of_date"]
    own = _numbered(rows, ["wiki_db", *group, *segments])
    order = np.lexsort((length, own))
    is_last = np.r_[np.diff(own[order]) != 0, True] if len(order) else np.zeros(0, dtype=bool)
    longest = order[is_last][own]
    is_longest = longest == np.arange(len(rows))
    is_whole = np.all([rows[name] == ALL for name in segments], axis=0) if segments else np.ones(len(rows), dtype=bool)
    peers = _numbered(rows.assign(is_all=rows["wiki_db"] == ALL), ["is_all", *group])
    has_whole = np.bincount(peers, is_whole & is_longest, minlength=peers.max(initial=-1) + 1) > 0
    # What is not measured as a whole, such as the menu link, has parts without overlap.
    is_part = np.all([rows[name] == ALL for name in segments[1:]], axis=0) if len(segments) > 1 else is_whole
    return Relatives(longest, peers, is_longest & np.where(has_whole[peers], is_whole, is_part))


def _numbered(rows: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Number the distinct values of some columns."""
    return rows.groupby(list(columns), sort=True, dropna=False).ngroup().to_numpy()
