"""What cells are made of: counted quantities, one beside the other by platform.

A shown rate tells both of its counts: its digits are those of a fraction, and its process interval has their size. So
each numerator and each denominator is a quantity of its own, and of shares of users the users who are left over. Users
who are among others (reviewers among visitors) leave some over, too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.reference.rows import PLATFORMS
from jobs.window_sums.tables import ALL, ROLLING

NUMERATOR, DENOMINATOR, LEFT_OVER = "numerator", "denominator", "left over"
SHARE_OF_USERS, USERS, PAIRS = "share of users", "users", "visits per visit"
UNIT = ["quantity", "wiki_db", "window_days", "window_start", "element", "link_group"]
DESKTOP, MOBILE = PLATFORMS
NESTED = ["wiki_db", "window_kind", "window_days", "window_start", "element_friendly_name", "client_platform_family"]
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
    metrics = catalogue.metrics.values()
    divided = [metric.metric for metric in metrics if metric.kind != "count"]
    shares = [metric.metric for metric in metrics if metric.unit == SHARE_OF_USERS]
    rates, parts = (realised[realised["metric"].isin(names)] for names in (divided, shares))
    # Pairs of visits are counted in either order, so that at most half as many users made them.
    pairs = realised["metric"].isin([metric.metric for metric in metrics if metric.unit == PAIRS])
    top, bottom = realised["observed_numerator"], rates["observed_denominator"]
    blocks = [
        _block(realised, NUMERATOR, top, top.where(~pairs, top / 2), min_users),
        _block(rates, DENOMINATOR, bottom, bottom, min_users),
    ]
    left_over = parts["observed_denominator"] - parts["observed_numerator"]
    blocks.append(_block(parts, LEFT_OVER, left_over, left_over, min_users))
    found = pd.concat([*blocks, *_nested(realised, catalogue, min_users)], ignore_index=True)
    parted = [name for name, note in catalogue.elements.items() if not note.all_platforms]
    is_parted = found["element"].isin(parted)
    found.loc[is_parted, "element"] = found["element"] + " " + found["platform"]
    found.loc[is_parted, "platform"] = ALL
    return found


def side_by_side(found: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Put the platforms of rolling windows beside each other, a row for each unit (`UNIT`).

    Args:
        found: from `quantities`.
        min_users: fewer, but at least one, are small.

    Returns:
        Besides `UNIT`: value and is_small of all platforms, `desktop` and `mobile`, `mobile_small` and `desktop_small`
        (0 and false where there is no such row), `rest`: whether events of neither platform are among them, and
        `overlap_small`: whether few users are told by subtraction, those of both platforms or of one only.
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
    # Users may be on both platforms; of events, which are on one, these are the platforms again.
    only_desktop, only_mobile = units["value"] - units["mobile"], units["value"] - units["desktop"]
    both = units["desktop"] + units["mobile"] - units["value"]
    is_few = [count.between(1, min_users - 1) for count in (only_desktop, only_mobile, both)]
    units["overlap_small"] = np.logical_or.reduce(is_few) & has_platforms
    return units


def rolling_only(found: pd.DataFrame) -> pd.DataFrame:
    """Return the quantities of rolling windows."""
    return found[found["window_kind"] == ROLLING]


def _nested(realised: pd.DataFrame, catalogue: Catalogue, min_users: int) -> list[pd.DataFrame]:
    """List how many users a count leaves over of one that holds it, and a share of its users of the count.

    Reviewers are among visitors, and visitors who reviewed on two days among reviewers. The row of the count is what
    both hang on.
    """
    metrics = catalogue.metrics
    blocks = []
    for metric in metrics.values():
        whole = metrics.get(metric.part_of or "")
        if whole is None or whole.unit != USERS or metric.unit != USERS:
            continue
        own = realised[realised["metric"] == metric.metric]
        inner = [
            share.metric for share in metrics.values()
            if share.unit == SHARE_OF_USERS and share.family == metric.family and share.elements == metric.elements
        ]  # fmt: skip
        for name, sign in [(whole.metric, 1), *((name, -1) for name in inner)]:
            other = realised.loc[realised["metric"] == name, [*NESTED, "observed_numerator"]]
            others = own[NESTED].merge(other, on=NESTED, how="left")["observed_numerator"].to_numpy(dtype=float)
            left = sign * (others - own["observed_numerator"])
            blocks.append(_block(own, f"beside {name}", left, left.fillna(0.0), min_users))
    return blocks


def _block(rows: pd.DataFrame, kind: str, value: pd.Series, users: pd.Series, min_users: int) -> pd.DataFrame:
    """List one quantity of some rows; `users` are at most as many as stand behind it."""
    # A small row is suppressed before it is not estimable: this one has no count, since users cannot be told apart.
    behind = rows["n_users_observed"]  # the threshold may be higher than that of the marts
    is_nobody = (rows["status"] == "not_estimable") & rows["n_users_observed"].isna() & users.isna()
    return pd.DataFrame(
        {
            "quantity": rows["metric"] + f" {kind}", "wiki_db": rows["wiki_db"], "window_kind": rows["window_kind"],
            "window_days": rows["window_days"], "window_start": rows["window_start"],
            "element": rows["element_friendly_name"], "link_group": rows["link_group"].fillna(""),
            "platform": rows["client_platform_family"], "value": value,
            "is_small": (users.isna() & ~is_nobody) | _is_few(users, min_users) | _is_few(behind, min_users),
            "row": rows.index,
        }
    )  # fmt: skip


def _is_few(users: pd.Series, min_users: int) -> pd.Series:
    return (users > 0) & (users < min_users)
