"""Which windows of a quantity are hidden: what must go with a small cell, so that sums tell nothing about it.

All that is shown are sums over regions of days, links and platforms of one wiki that do not overlap, or that cross only
where both sums are large (`_split_of_blocks`). Proof and rules: docs/privacy.md. What is decided about a week depends
on that week and on earlier ones, so that a later report never shows what an earlier one hid.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.window_sums.tables import ALL

DAY_ROWS, WEEK, LONG = 1, 7, 28
# Four weeks each are counted from the first Monday on which links were measured on all platforms. It must not move: who
# keeps former reports would have sums that overlap.
FIRST_BLOCK = pd.Timestamp("2026-03-16")
BLOCK = ["quantity", "wiki_db", "element", "block"]
PLACE = ["quantity", "wiki_db", "window_days", "window_start"]


def hidden_units(units: pd.DataFrame) -> pd.DataFrame:
    """Say of each unit whether it is hidden.

    Args:
        units: from `cells_quantities.side_by_side`, of any wikis and windows of 1, 7 and 28 days.

    Returns:
        The units with `hide` (its row of all platforms) and `hide_split` (its rows by platform; true where `hide` is).
    """
    units = units.reset_index(drop=True)
    units["hide"] = units["is_small"]
    by_platform = units["desktop_small"] | units["mobile_small"] | units["rest"] | units["overlap_small"]
    units["few"] = units["is_small"] | by_platform
    units["hide_split"] = units["few"]
    offset = (units["window_start"] - FIRST_BLOCK).dt.days
    units["block"], units["week"] = offset // LONG, offset % LONG // WEEK
    own = units["wiki_db"] != ALL
    units = _groups(units)
    weeks = _weeks(units[own & (units["window_days"] == WEEK)])
    longer = _long(units[own & (units["window_days"] == LONG)], weeks)
    days = _days(units[own & (units["window_days"] == DAY_ROWS)], weeks)
    decided = pd.concat([weeks, longer, days])
    return pd.concat([decided, _all_wikis(units[~own], decided)])


def _groups(units: pd.DataFrame) -> pd.DataFrame:
    """Hold the links of a group against its row: `n_parts`, `is_broken`, `n_columns`.

    Where a link of the group is small, or something is in the group but in none of its links, the group is shown and
    its links are not. Otherwise links and group are shown, and their platforms are so together.
    """
    is_group = (units["element"] == units["link_group"]).to_numpy()
    place = [*PLACE, "link_group"]
    links = units[~is_group].assign(shown=lambda own: own["value"] > 0)
    sums = links.groupby(place, sort=False).agg(
        n_parts=("value", "size"), of_links=("value", "sum"), small=("is_small", "any"), few_links=("few", "any"),
        n_columns=("shown", "sum"),
    )  # fmt: skip
    groups = units.loc[is_group, [*place, "value", "is_small", "few"]].rename(
        columns={"value": "of_group", "is_small": "group_small", "few": "group_few"}
    )
    found = groups.merge(sums.reset_index(), on=place, how="left")
    found["n_parts"] = found["n_parts"].fillna(0)
    is_more = (found["of_group"] - found["of_links"].fillna(0)) > 0
    found["is_broken"] = found["small"].eq(True) | found["group_small"] | is_more
    units = units.merge(found.drop(columns=["of_group", "of_links", "small"]), on=place, how="left")
    grouped = units["is_broken"].notna().to_numpy()
    broken = units["is_broken"].eq(True).to_numpy()
    few = units["few_links"].eq(True).to_numpy() | units["group_few"].eq(True).to_numpy()
    units["hide"] |= ~is_group & broken
    units["hide_split"] |= np.where(is_group, ~broken & few, broken | few) & grouped
    units["is_group"] = is_group
    # Of what is alone in its group, and of what has none, all is decided by itself; it equals its group.
    units["is_part"] = grouped & ~is_group & ((units["n_parts"] > 1) | (broken & ~units["group_small"].eq(True)))
    units["n_columns"] = np.where(is_group & ~broken & (units["n_parts"] > 0), units["n_columns"], units["value"] != 0)
    return units.astype({"n_columns": float})


def _weeks(weeks: pd.DataFrame) -> pd.DataFrame:
    """Hide what comes after a hidden week until its four weeks are over, where their sum is to be shown."""
    weeks = weeks.sort_values([*BLOCK, "week"])
    begins = weeks["week"].eq(0).groupby([weeks[name] for name in ("quantity", "wiki_db", "block")]).transform("any")
    after = weeks["hide"].groupby([weeks[name] for name in BLOCK]).cummax()
    weeks["hide"] |= begins & after & ~weeks["is_part"]
    group = weeks.loc[weeks["is_group"], [*PLACE, "link_group", "hide"]].rename(columns={"hide": "group_hidden"})
    weeks = weeks.merge(group, on=[*PLACE, "link_group"], how="left")
    weeks["hide"] |= weeks["group_hidden"].eq(True)
    weeks["hide_split"] |= weeks["hide"]
    return weeks


def _long(longer: pd.DataFrame, weeks: pd.DataFrame) -> pd.DataFrame:
    """Decide about windows of four weeks: those of the grid may tell more than their weeks, the others may not."""
    found = _sums_of_weeks(longer, weeks)
    is_grid = (found["week"] == 0) & ~found["is_part"] & ~found["any_part"].eq(True)
    is_whole = found["n_hidden"] == LONG // WEEK
    is_large = (found["n_hidden"] >= 2) & (found["has_large"].eq(True) | is_whole)
    is_implied = (found["n_weeks"] == LONG // WEEK) & (found["n_hidden"] == 0)
    # What has no weeks, as pairs of visits, is no sum of them.
    has_weeks = found["quantity"].isin(weeks["quantity"])
    found["hide"] = found["is_small"] | (has_weeks & ~(is_implied | (is_grid & is_large)))
    split_implied = (found["n_weeks"] == LONG // WEEK) & (found["n_split"] == 0)
    crossed = is_grid & _may_cross(found)
    found["hide_split"] = found["hide"] | found["few"] | ~(split_implied | crossed)
    return found


def _sums_of_weeks(longer: pd.DataFrame, weeks: pd.DataFrame) -> pd.DataFrame:
    """Put beside each window of four weeks what is known of its weeks."""
    is_split = weeks["hide_split"]
    told = weeks.assign(
        large=weeks["hide"] & ~weeks["is_small"] & (weeks["value"] > 0),
        own_columns=np.where(is_split & ~weeks["hide"], weeks["n_columns"], 0.0),
        split_rest=is_split & weeks["rest"],
        desktop_large=is_split & ~weeks["desktop_small"] & (weeks["desktop"] > 0),
        mobile_large=is_split & ~weeks["mobile_small"] & (weeks["mobile"] > 0),
        desktop_any=is_split & (weeks["desktop_small"] | (weeks["desktop"] > 0)),
        mobile_any=is_split & (weeks["mobile_small"] | (weeks["mobile"] > 0)),
    )
    key = ["quantity", "wiki_db", "element"]
    pieces = [
        told.assign(window_start=told["window_start"] - pd.Timedelta(days=WEEK * place))
        for place in range(LONG // WEEK)
    ]
    sums = pd.concat(pieces).groupby([*key, "window_start"], sort=False).agg(
        n_weeks=("week", "size"), n_hidden=("hide", "sum"), n_split=("hide_split", "sum"), has_large=("large", "any"),
        n_columns_hidden=("own_columns", "sum"), any_rest=("split_rest", "any"), any_part=("is_part", "any"),
        desktop_large=("desktop_large", "any"), mobile_large=("mobile_large", "any"),
        desktop_any=("desktop_any", "any"), mobile_any=("mobile_any", "any"),
    )  # fmt: skip
    return longer.merge(sums.reset_index(), on=[*key, "window_start"], how="left")


def _may_cross(found: pd.DataFrame) -> pd.Series:
    """Say where platforms of four weeks may be shown though those of some weeks are hidden.

    Then the hidden table of weeks by platforms has its sums told on both sides. A cell of it may be anything between
    max(0, row + column - all) and min(row, column): at least as wide as the smallest of row, the other row, column, and
    the other columns. Each of these has at least `min_users` users, or is empty.
    """
    is_whole = found["n_split"] == LONG // WEEK
    desktop = found["desktop_large"].eq(True) | ~found["desktop_any"].eq(True) | is_whole
    mobile = found["mobile_large"].eq(True) | ~found["mobile_any"].eq(True) | is_whole
    columns = found["n_columns_hidden"] + (found["n_hidden"] > 0)
    has_columns = (columns >= 2) | ((columns == 1) & (found["n_hidden"] >= 2))
    return desktop & mobile & has_columns & ~found["any_rest"].eq(True)


def _days(days: pd.DataFrame, weeks: pd.DataFrame) -> pd.DataFrame:
    """Hide all days of a week that has a row, if any of them is small or the week is hidden."""
    monday = days["window_start"] - pd.to_timedelta(days["window_start"].dt.weekday, unit="D")
    days = days.assign(monday=monday)
    own = weeks[["quantity", "wiki_db", "element", "window_start", "hide"]].rename(
        columns={"window_start": "monday", "hide": "week_hidden"}
    )
    days = days.merge(own, on=["quantity", "wiki_db", "element", "monday"], how="left")
    any_small = days.groupby(["quantity", "wiki_db", "element", "monday"])["is_small"].transform("any")
    days["hide"] |= days["week_hidden"].notna() & (any_small | days["week_hidden"].eq(True))
    days["hide_split"] |= days["hide"]
    return days


def _all_wikis(units: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """Hide the row of all wikis where that of any wiki is hidden, or where it is more than their sum."""
    place = ["quantity", "window_days", "window_start", "element"]
    sums = decided.groupby(place, sort=False).agg(
        any_hidden=("hide", "any"), any_split=("hide_split", "any"), of_wikis=("value", "sum")
    )
    units = units.merge(sums.reset_index(), on=place, how="left")
    is_more = units["value"] != units["of_wikis"]
    units["hide"] |= units["any_hidden"].ne(False) | is_more
    units["hide_split"] |= units["any_split"].ne(False) | units["hide"]
    return units
