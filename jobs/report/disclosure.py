"""Which cells of a report are hidden, so that no small one can be worked out from the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue

NUMBERS = ("estimate", "lower", "upper")
INSIDE = ("observed_numerator", "observed_denominator", "n_users_observed", "n_effective")
HIDDEN = "suppressed"
KEY = ["metric", "wiki_db", "window_kind", "window_start", "window_days", "element_friendly_name",
       "client_platform_family"]  # fmt: skip


def hide(cells: pd.DataFrame, catalogue: Catalogue, min_users: int) -> pd.DataFrame:
    """Return the cells with the small ones hidden, and what would give them away."""
    numerator = cells["observed_numerator"]
    is_small = numerator.isna() | ((numerator >= 1) & (numerator < min_users))
    is_hidden = is_small.groupby([cells[name] for name in KEY], dropna=False).transform("any")
    return blanked(cells, is_hidden.to_numpy(), min_users)


def blanked(cells: pd.DataFrame, is_hidden: np.ndarray, min_users: int) -> pd.DataFrame:
    """Return the cells with some rows hidden; what was not measured says so."""
    cells = cells.copy()
    cells.loc[is_hidden, [*NUMBERS, *INSIDE]] = np.nan
    told = is_hidden & (cells["status"] != "not_measured").to_numpy()
    why = f"not shown: fewer than {min_users} users stand behind it, or behind a number that it would give away"
    cells.loc[told, ["status", "status_reason", "remedy", "estimator"]] = [HIDDEN, why, None, "none"]
    return cells
