"""Work hidden cells out of a report: what an outsider can do with its numbers, as a linear program.

The attacker has the cells as they leave, and knows the catalogue, the links' groups and how counts hang together. What
is told is taken for exact. Unknown are the counts of hidden cells: events of links and loads, and users behind
visitors, reviewers and the numerators of shares. Known of them is

- sums: platforms of a link, links of a group, weeks of four weeks, days of a week, wikis of all wikis;
- sampling: an estimate at one rate, times the rate, is what was kept; that of all wikis is a sum of estimates;
- division: a shown rate times a count, and the size of a share, which its process interval tells;
- users: not more than events, not fewer in a longer window or on all platforms together, and not more than the sum of
  the parts; of two weeks' visitors those who return count once.

Nothing is negative. For a cell, the least and the largest value that all this leaves are found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from attack_ranges import Solver

from jobs.estimation.intervals import wilson

Cell: TypeAlias = tuple[Any, ...]  # quantity, wiki_db, window_days, window_start, element, platform
ALL = "all"
# Users of a window who came back in the next one of the same length: what such a window and its cohort are long, and a
# longer one that is made of such windows.
RETURNS = {"two_week_return_rate": (7, 14, 28), "retention_day_1": (1, 2, 7)}
LINKS = ("link_impressions", "link_clicks")
EVENTS = ("dashboard_pageviews", *LINKS)
USERS = ("dashboard_visitors", "reviewers")
UNIQUE, TWO_DAY = "link_click_through_rate_unique", "two_day_review_rate"
SHARES = (UNIQUE, TWO_DAY, *RETURNS)
RATIOS = ("ratio", "hajek_ratio")  # at one rate both are ratios of what was kept
LARGEST_COHORT = 3000
TINY = 1e-6
DAY = pd.Timedelta(days=1)
PLATFORMS, NEITHER, BOTH = ("desktop_browser", "mobile_browser"), "neither", "both"
LEFT_OVER = "left over"


@dataclass
class Report:
    """What an outsider knows: numbers of some cells, and rows of the linear program over all of them.

    Attributes:
        index: place of each count.
        known: counts that are told, by place.
        equal: rows that are 0: coefficients by place.
        below: rows that are at most 0.
    """

    index: dict[Cell, int] = field(default_factory=dict)
    known: dict[int, float] = field(default_factory=dict)
    equal: list[dict[int, float]] = field(default_factory=list)
    below: list[dict[int, float]] = field(default_factory=list)

    def place(self, cell: Cell) -> int:
        """Return the place of a count."""
        return self.index.setdefault(cell, len(self.index))

    def sums(self, total: Cell, parts: list[Cell], weights: list[float] | None = None) -> None:
        """Note that parts, each as often as its weight says, add up to a total."""
        each = zip(parts, weights or [1.0] * len(parts), strict=True)
        self.equal.append({self.place(total): -1.0, **{self.place(part): weight for part, weight in each}})

    def union(self, total: Cell, parts: list[Cell]) -> None:
        """Note that users of a total are those of its parts, who may overlap."""
        whole = self.place(total)
        self.below.append({whole: 1.0, **{self.place(part): -1.0 for part in parts}})
        self.below += [{self.place(part): 1.0, whole: -1.0} for part in parts]

    def at_most(self, part: Cell, whole: Cell) -> None:
        """Note that one count is at most another, where there are both."""
        if part in self.index and whole in self.index:
            self.below.append({self.index[part]: 1.0, self.index[whole]: -1.0})


def read(cells: pd.DataFrame, *, has_rest: bool = False) -> Report:
    """Take from a report all that it tells.

    Args:
        cells: `Leaving.cells`.
        has_rest: whether the attacker reckons with events of neither platform, as one platform more (`NEITHER`).
    """
    report = Report()
    realised = cells[cells["inference"] == "realised"]
    process = cells[cells["inference"] == "process"].set_index(_key_columns())
    counted = realised[realised["metric"].isin([*EVENTS, *USERS])]
    for row in counted.itertuples():
        place = report.place(_cell(row.metric, row))
        if row.estimator == "count" and not np.isnan(row.lower):
            report.known[place] = row.lower  # at rate 1 what was kept, also where an hour is missing
        elif row.estimator == "horvitz_thompson" and row.is_complete and not np.isnan(row.estimate):
            report.known[place] = row.estimate * _rate(row)
    for row in realised[realised["metric"].isin(SHARES)].itertuples():
        _divide(report, row, process)
    _multiply(report, realised)
    _add(report, realised, (*PLATFORMS, NEITHER) if has_rest else PLATFORMS)
    _compare(report)
    _overlap(report, has_rest=has_rest)
    return report


def ranges(report: Report, asked: list[Cell], *, enough: float = np.inf) -> pd.DataFrame:
    """Find what each asked count may be.

    Args:
        report: what is told.
        asked: counts.
        enough: a range that is found to be as wide is not followed to its ends.

    Returns:
        A row for each of `asked`, in their order: cell, least, most.
    """
    solver = Solver(len(report.index), report.known, report.equal, report.below)
    rows = [(cell, *solver.range(report.index[cell], enough)) for cell in asked]
    return pd.DataFrame(rows, columns=["cell", "least", "most"])


def _key_columns() -> list[str]:
    return ["metric", "wiki_db", "window_days", "window_start", "element_friendly_name", "client_platform_family"]


def _cell(quantity: str, row: Any) -> Cell:
    return (quantity, row.wiki_db, row.window_days, row.window_start, row.element_friendly_name,
            row.client_platform_family)  # fmt: skip


def _divide(report: Report, row: Any, process: pd.DataFrame) -> None:
    """Work the two counts of a share out of its digits and its process interval."""
    top = report.place(_cell(f"{row.metric} top", row))
    place = _cell(f"{row.metric} bottom", row)
    bottom = report.place(place)
    if np.isnan(row.estimate) or row.estimator != "ratio":
        return
    limits = process.loc[tuple(getattr(row, name) for name in _key_columns())]
    size = cohort_size(row.estimate, limits["lower"], limits["upper"])
    if size:
        report.known[top], report.known[bottom] = round(row.estimate * size), size
    if row.metric == TWO_DAY:
        report.known.setdefault(report.place(_cell(USERS[0], row)), size)


def cohort_size(share: float, lower: float, upper: float) -> int:
    """Return of how many users a share is, from Wilson's interval; 0 where it is not told."""
    sizes = np.arange(1, LARGEST_COHORT)
    low, high = wilson(share * sizes, sizes)
    off = np.abs(low - lower) + np.abs(high - upper) + (np.abs(share * sizes - np.round(share * sizes)) > TINY)
    best = int(np.argmin(off))
    return int(sizes[best]) if off[best] < TINY else 0


def _multiply(report: Report, realised: pd.DataFrame) -> None:
    """Tie the counts of a shown ratio: numerator - ratio * denominator is 0."""
    ratios = (("link_click_through_rate", "link_clicks", "link_impressions"),
              ("pageviews_per_visitor", "dashboard_pageviews", "dashboard_visitors"))  # fmt: skip
    for metric, top, bottom in ratios:
        shown = realised[
            (realised["metric"] == metric) & realised["estimate"].notna() & realised["estimator"].isin(RATIOS)
        ]
        for row in shown.itertuples():
            if row.is_complete and row.sampling_rate_min == row.sampling_rate_max:
                report.equal.append(
                    {report.place(_cell(top, row)): 1.0, report.place(_cell(bottom, row)): -row.estimate}
                )


def _add(report: Report, realised: pd.DataFrame, platforms: tuple[str, ...]) -> None:
    """Note the sums over platforms, links, wikis and windows; of users, that they may overlap."""
    if NEITHER in platforms:
        for cell in [cell for cell in report.index if cell[-1] == ALL and cell[-2] != ALL]:
            report.place((*cell[:-1], NEITHER))
    for cell in list(report.index):
        # All wikis are those visible throughout the window: their weeks may be of more wikis than four weeks are.
        windows = () if cell[1] == ALL else (_weeks(cell), _days(cell))
        for parts in (_platforms(cell, platforms), *windows):
            _note(report, cell, parts)
    rates = realised.groupby("wiki_db")["sampling_rate_min"].min().to_dict()
    wikis = sorted(set(rates) - {ALL})
    groups = realised[realised["link_group"].notna()].groupby("link_group")["element_friendly_name"].unique()
    for cell in list(report.index):
        quantity, wiki, *window, element, platform = cell
        if wiki == ALL:
            _note(report, cell, [(quantity, name, *window, element, platform) for name in wikis], rates)
        links = [name for name in groups.get(element, []) if name != element]
        _note(report, cell, [(quantity, wiki, *window, name, platform) for name in links])


def _overlap(report: Report, *, has_rest: bool) -> None:
    """Note who is told by subtraction: users of both platforms (`BOTH`), and those who are left over of visitors."""
    for cell in list(report.index):
        quantity, platform = cell[0], cell[-1]
        parts = [(*cell[:-1], name) for name in PLATFORMS]
        if quantity.startswith(UNIQUE) and platform == ALL and not has_rest and all(p in report.index for p in parts):
            only = [(*cell[:-1], f"{name} only") for name in PLATFORMS]
            both = (*cell[:-1], BOTH)
            report.sums(cell, [*only, both])
            for part, own in zip(parts, only, strict=True):
                report.sums(part, [own, both])
        inner = (f"{TWO_DAY} top", *cell[1:])
        if quantity == USERS[1]:
            report.sums((USERS[0], *cell[1:]), [cell, (f"{USERS[1]} {LEFT_OVER}", *cell[1:])])
            report.sums(cell, [inner, (f"{TWO_DAY} {LEFT_OVER}", *cell[1:])])


def _rate(row: Any) -> float:
    """Return the rate that estimates of a row are divided by; those of all wikis are sums of estimates."""
    return 1.0 if row.wiki_db == ALL else float(row.sampling_rate_min)


def _note(report: Report, total: Cell, parts: list[Cell], rates: dict[str, float] | None = None) -> None:
    found = [part for part in parts if part in report.index]
    quantity = total[0]
    if not found or (quantity not in (*EVENTS, *USERS) and not quantity.startswith(UNIQUE)):
        return
    is_window = found[0][2] != total[2]
    if is_window and len(found) < len(parts):
        return
    if quantity in EVENTS:
        report.sums(total, found, [1 / rates[part[1]] for part in found] if rates else None)
    else:
        report.union(total, found)


def _platforms(cell: Cell, platforms: tuple[str, ...]) -> list[Cell]:
    *place, platform = cell
    return [(*place, name) for name in platforms] if platform == ALL else []


def _weeks(cell: Cell) -> list[Cell]:
    quantity, wiki, days, start, *link = cell
    return [(quantity, wiki, 7, start + 7 * week * DAY, *link) for week in range(4)] if days == 28 else []


def _days(cell: Cell) -> list[Cell]:
    quantity, wiki, days, start, *link = cell
    return [(quantity, wiki, 1, start + day * DAY, *link) for day in range(7)] if days == 7 else []


def _compare(report: Report) -> None:
    """Note which users are among which, that each has an event, and that who returns counts once in both weeks."""
    dashboard = (ALL, ALL)
    for cell in list(report.index):
        quantity, wiki, days, start, *link = cell
        at = (wiki, days, start)
        if quantity == USERS[0]:
            report.at_most(cell, (EVENTS[0], *at, *link))
        elif quantity == USERS[1]:
            report.at_most(cell, (LINKS[1], *at, "review links", ALL))
        elif quantity == f"{TWO_DAY} top":
            report.at_most(cell, (USERS[1], *at, *dashboard))
            report.at_most(cell, (USERS[0], *at, *dashboard))
        elif quantity == f"{UNIQUE} top":
            report.at_most(cell, (LINKS[1], *at, *link))
            report.at_most(cell, (f"{UNIQUE} bottom", *at, *link))
        elif quantity == f"{UNIQUE} bottom":
            report.at_most(cell, (LINKS[0], *at, *link))
    for metric, (days, length, longer) in RETURNS.items():
        for cell in list(report.index):
            if cell[0] == f"{metric} top":
                _return(report, cell, days)
            elif cell[0] == USERS[0] and cell[2] == longer:
                _once(report, cell, metric, length, _weeks(cell) or _days(cell))


def _return(report: Report, top: Cell, days: int) -> None:
    """Note whose users return: those of the window it is seen in, who come in the next one."""
    quantity, wiki, length, start, *link = top
    for first in (start, start + days * DAY):
        report.at_most(top, (USERS[0], wiki, days, first, *link))
    bottom = (quantity.replace("top", "bottom"), wiki, length, start, *link)
    report.sums(bottom, [(USERS[0], wiki, days, start, *link)])


def _once(report: Report, whole: Cell, metric: str, length: int, parts: list[Cell]) -> None:
    """Note that who returns counts once: two parts hold as many as both less those; all hold no more than that."""
    found = [part for part in parts if part in report.index]
    tops = {early: (f"{metric} top", early[1], length, early[3], ALL, ALL) for early, _ in pairwise(found)}
    tops = {early: top for early, top in tops.items() if top in report.index}
    place = report.index[whole]
    for early, late in pairwise(found):
        if early in tops:
            report.below.append({report.index[early]: 1.0, report.index[late]: 1.0,
                                 report.index[tops[early]]: -1.0, place: -1.0})  # fmt: skip
    if len(found) == len(parts):
        tree = {report.index[top]: 1.0 for top in tops.values()}
        report.below.append({place: 1.0, **{report.index[part]: -1.0 for part in parts}, **tree})
