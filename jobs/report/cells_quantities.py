"""What cells are made of: counted quantities, one beside the other by platform.

A shown rate tells both of its counts: its digits are those of a fraction, and its process interval has their size. So
each numerator and each denominator is a quantity of its own, and of shares of users the users who are left over.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.metric import Metric
from jobs.reference.rows import PLATFORMS
from jobs.window_sums.tables import ALL, ROLLING

NUMERATOR, DENOMINATOR, LEFT_OVER = "numerator", "denominator", "left over"
SHARE_OF_USERS = "share of users"
UNIT = ["quantity", "wiki_db", "window_days", "window_start", "element", "link_group"]
DESKTOP, MOBILE = PLATFORMS
PLACES = dict(zip((ALL, *PLATFORMS), (("value", "is_small"), ("desktop", "desktop_small"), ("mobile", "mobile_small")),
                  strict=True))  # fmt: skip


def quantities(cells: pd.DataFrame, catalogue: Catalogue, min_users: int) -> pd.DataFrame:
    """List the counted quantities of the realised rows.

    Args:
        cells: rows of `fct_metric_values` with the observed counts.
        catalogue: of their metrics.
        min_users: fewer, but at least one, are small.

    Returns:
        The columns `UNIT`, platform, value (NaN where the marts hide it), is_small, and `row`, the index in `cells`. A
        link whose platforms are never pooled is an element of its own on each of them.
    """
    realised = cells[cells["inference"] == "realised"]
    blocks = [
        _block(realised[realised["metric"] == name], metric, kind, min_users)
        for name, metric in catalogue.metrics.items()
        for kind in _kinds(metric)
    ]
    found = pd.concat(blocks, ignore_index=True)
    parted = [name for name, note in catalogue.elements.items() if not note.all_platforms]
    is_parted = found["element"].isin(parted)
    found.loc[is_parted, "element"] = found["element"] + " " + found["platform"]
    found.loc[is_parted, "platform"] = ALL
    return found


def side_by_side(found: pd.DataFrame) -> pd.DataFrame:
    """Put the platforms of rolling windows beside each other, a row for each unit (`UNIT`).

    Returns:
        Besides `UNIT`: value and is_small of all platforms, `desktop` and `mobile`, `mobile_small` and `desktop_small`
        (0 and false where there is no such row), and `rest`: whether events of neither platform are among them.
    """
    wide = found.pivot(index=UNIT, columns="platform", values=["value", "is_small"])
    wide = wide.reindex(columns=pd.MultiIndex.from_product([["value", "is_small"], [ALL, *PLATFORMS]]))
    units = wide.index.to_frame(index=False)
    for platform, (value, small) in PLACES.items():
        units[small] = wide["is_small", platform].eq(True).to_numpy(dtype=bool)
        numbers = wide["value", platform].to_numpy(dtype=float)
        units[value] = np.where(np.isnan(numbers) & ~units[small].to_numpy(), 0.0, numbers)
    # A unit without rows by platform, as those of the dashboard, has no rest.
    has_platforms = wide["is_small", DESKTOP].notna().to_numpy() | wide["is_small", MOBILE].notna().to_numpy()
    units["rest"] = (units["value"] - units["desktop"] - units["mobile"] > 0) & has_platforms
    return units


def rolling_only(found: pd.DataFrame) -> pd.DataFrame:
    """Return the quantities of rolling windows."""
    return found[found["window_kind"] == ROLLING]


def _kinds(metric: Metric) -> tuple[str, ...]:
    if metric.kind == "count":
        return (NUMERATOR,)
    return (NUMERATOR, DENOMINATOR, *([LEFT_OVER] if metric.unit == SHARE_OF_USERS else []))


def _block(rows: pd.DataFrame, metric: Metric, kind: str, min_users: int) -> pd.DataFrame:
    """List one quantity of a metric."""
    value = rows["observed_denominator" if kind == DENOMINATOR else "observed_numerator"]
    if kind == LEFT_OVER:
        value = rows["observed_denominator"] - value
    # Pairs are counted in either order, so that fewer users than half of them made them.
    users = value / 2 if (metric.unit, kind) == ("visits per visit", NUMERATOR) else value
    return pd.DataFrame(
        {
            "quantity": f"{metric.metric} {kind}", "wiki_db": rows["wiki_db"], "window_kind": rows["window_kind"],
            "window_days": rows["window_days"], "window_start": rows["window_start"],
            "element": rows["element_friendly_name"], "link_group": rows["link_group"].fillna(""),
            "platform": rows["client_platform_family"], "value": value,
            "is_small": users.isna() | ((users > 0) & (users < min_users)), "row": rows.index,
        }
    )  # fmt: skip
