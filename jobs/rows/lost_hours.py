"""Intervals that hold what lost hours could have held: from what was kept to what the fullest such hours would add."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from jobs.estimation.intervals import FloatArray
from jobs.estimation.limits import Limits
from jobs.metric import Metric
from jobs.reference.rows import REVIEW_LINKS
from jobs.rows.cautions import REMEDIES, CautionKind
from jobs.rows.cohorts import cohort_spans
from jobs.rows.hourly import CELL, FEWEST_HOURS, MEASURES, TOTALS, IntArray
from jobs.rows.width_gate import is_of_people, lowered
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import ALL
from jobs.windows import DAY

Span = tuple[date, date]
TYPES = dict.fromkeys(("status", "status_reason", "remedy"), object) | dict.fromkeys(
    ("lower", "estimate", "upper"), float
)
SHOWN = ("publish", "caution", "bounds_only")
UNKNOWN = "an hour of the window did not arrive whole, and what it held cannot be bounded: {why}"
TOO_FEW = f"fewer than {FEWEST_HOURS} like it are known from the 28 days to the window's end"
NO_BOUND = "this number has no bound of that kind"
RERUN = REMEDIES[CautionKind.MISSING_HOURS]
RERUN_ALL = f"{RERUN}; run those of the 28 days to the window's end whose hours are not counted yet"


class Held(NamedTuple):
    """What of an hour is looked at.

    Attributes:
        measure: one of `MEASURES`.
        element: of which element or group; None for the row's own segment.
    """

    measure: str
    element: str | None = None


class Count(NamedTuple):
    """A number to which lost hours add."""

    added: Held


class Ratio(NamedTuple):
    """A number over another.

    Attributes:
        above: what lost hours could add to the numerator alone.
        below: what they could add to the denominator.
        each: what a further one in the denominator brings to the numerator at least.
        cap: the largest value there is.
    """

    above: Held
    below: Held
    each: float = 0.0
    cap: float = 1.0


LOADS, VISITORS, REVIEWERS = Held("n_loads"), Held("n_visitors"), Held("n_click_users", REVIEW_LINKS)
IMPRESSIONS, CLICKS = Held("n_impressions"), Held("n_clicks")
RECIPES: dict[str, Count | Ratio] = {
    "dashboard_pageviews": Count(LOADS),
    "dashboard_visitors": Count(VISITORS),
    "dashboard_visitors_rarefied": Count(VISITORS),
    "reviewers": Count(REVIEWERS),
    "pageviews_per_visitor": Ratio(LOADS, VISITORS, each=1.0, cap=np.inf),
    "two_day_review_rate": Ratio(REVIEWERS, VISITORS),
    "link_impressions": Count(IMPRESSIONS),
    "link_clicks": Count(CLICKS),
    "link_click_through_rate": Ratio(CLICKS, IMPRESSIONS, cap=np.inf),
    "link_click_through_rate_matched": Ratio(CLICKS, IMPRESSIONS),
    "link_click_through_rate_unique": Ratio(Held("n_click_users"), Held("n_shown_users")),
}


def widen(rows: pd.DataFrame, context: WindowContext, limits: Limits) -> pd.DataFrame:
    """Let the interval of every row whose window lost an hour hold what that hour could have held.

    A total grows by the largest such hour at its upper end and by the median in the middle; a count of people by as
    many users as such an hour had, since all of them could be new; a ratio takes what both ends allow. What cannot be
    bounded is `not_estimable`. Where people are sampled, the limits of widths decide once more.

    Args:
        rows: candidates before `settle`.
        context: the facts about days; its `hourly` has counts if any hour was lost.
        limits: up to which widths people under sampling are shown.
    """
    rows = rows.reset_index(drop=True).astype(TYPES)
    is_open = ~rows["is_complete"].astype(bool) & rows["unmeasured_reason"].isna() & rows["status"].isin(SHOWN)
    # Metrics of the same window are asked for one after the other: `hourly` remembers some.
    for _, part in rows[is_open].groupby(["as_of_date", "metric_date", "metric"]):
        window = _Window(context, part)
        ends = _ends(context.catalogue.metric(part["metric"].iloc[0]), window)
        if ends is None:
            _refuse(rows, part.index, NO_BOUND, RERUN)
            continue
        unknown = part.index[np.isnan(ends[0]) | np.isnan(ends[2])]
        rows.loc[part.index, ["lower", "estimate", "upper"]] = np.column_stack(ends)
        _refuse(rows, unknown, TOO_FEW, RERUN_ALL)
    return _judged(rows, is_open, context, limits)


def _refuse(rows: pd.DataFrame, where: pd.Index, why: str, remedy: str) -> None:
    rows.loc[where, ["status", "status_reason", "remedy"]] = ["not_estimable", UNKNOWN.format(why=why), remedy]


def _judged(rows: pd.DataFrame, is_open: pd.Series, context: WindowContext, limits: Limits) -> pd.DataFrame:
    """Let the limits decide on people under sampling once more, now that their intervals are wider.

    On process rows `gate_widths` decides, which comes after.
    """
    is_own = is_open & (rows["inference"] == "realised") & (rows["sampling_rate_min"] < 1)
    judged, worse = lowered(rows, is_own & is_of_people(rows, context.catalogue), limits)
    refused = worse[judged.loc[worse, "status"] == "not_estimable"]  # bounds tell of the hours by themselves
    own = judged.loc[refused, "remedy"]
    judged.loc[refused, "remedy"] = (own + f"; {RERUN}").where(own.notna(), RERUN)
    return judged


class _Window:
    """The rows of one metric and window, and what its lost hours could add to them."""

    def __init__(self, context: WindowContext, rows: pd.DataFrame) -> None:
        self.rows, self._context = rows, context
        self._as_of: date = rows["as_of_date"].iloc[0].date()
        self.span: Span = (rows["metric_date"].iloc[0].date(), self._as_of + DAY)

    def most(self, held: Held, span: Span | None = None) -> FloatArray:
        """Return the most that the lost hours of a span could have held, for every row; NaN where it is not known."""
        return self._taken(held, span or self.span, MEASURES, "largest")

    def usual(self, held: Held) -> FloatArray:
        """Return the median."""
        return self._taken(held, self.span, TOTALS, "middle")

    def numbers(self, column: str) -> FloatArray:
        """Return a column of the rows."""
        return self.rows[column].to_numpy(dtype=float)

    def _taken(self, held: Held, span: Span, measures: tuple[str, ...], which: str) -> FloatArray:
        found = np.zeros(len(self.rows))
        is_all = (self.rows["wiki_db"] == ALL).to_numpy()
        members = tuple(self._context.visible_wikis(self.span[0]))
        for mask, wikis in ((~is_all, ()), (is_all, members)):
            lost = self._context.hourly.lost(self._as_of, *span, wikis) if self._context.hourly else None
            if lost is None:
                found[mask] = np.nan
            else:
                cells = self.rows[CELL][mask]
                own = cells if held.element is None else cells.assign(**{CELL[1]: held.element})
                values: FloatArray = getattr(lost, which)[:, measures.index(held.measure)]
                found[mask] = _of_cells(lost.cells, values, own)
                if lost.evidence is not None:
                    few = lost.evidence.is_few(own[CELL[:2]], self._began(own, wikis))
                    found[mask] = np.where(few, np.nan, found[mask])
        return found

    def _began(self, cells: pd.DataFrame, members: tuple[str, ...]) -> IntArray:
        """Return since which day, as an ordinal, the wiki of each cell could send anything of its element."""
        could = cache(lambda wiki, element: could_send_from(self._context, members or (wiki,), element).toordinal())
        return np.array(list(map(could, *(cells[name] for name in CELL[:2]))), dtype=np.int64)


def could_send_from(context: WindowContext, wikis: tuple[str, ...], element: str) -> date:
    """Return the first day on which some wiki could send anything of an element (`all`: of the dashboard itself)."""
    visible = min((row.visible_from for row in context.reference.wikis if row.wiki_db in wikis), default=date.min)
    if element == ALL:
        return max(visible, context.usage_began())
    is_known = element in context.vocabulary
    began = context.vocabulary.life(element).start if is_known else context.first_seen.get(element, date.min)
    return max(visible, began)


def _of_cells(cells: pd.MultiIndex, values: FloatArray, asked: pd.DataFrame) -> FloatArray:
    """Return the values of some cells; one that is absent never held anything."""
    at = cells.get_indexer(pd.MultiIndex.from_frame(asked))
    return np.where(at >= 0, np.append(values, 0.0)[at], 0.0)


def _ends(metric: Metric, window: _Window) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return lower, estimate and upper of each row; None for a metric of which nothing here knows how it grows."""
    if metric.seen is not None:
        return _of_cohort(metric, window)
    recipe = RECIPES.get(metric.metric)
    if isinstance(recipe, Count):
        is_total = recipe.added.measure in TOTALS
        usual = window.usual(recipe.added) if is_total else 0.0
        upper = window.numbers("upper") + window.most(recipe.added)
        return window.numbers("lower"), window.numbers("estimate") + usual, upper
    if isinstance(recipe, Ratio):
        base = window.numbers("observed_denominator")  # there are as many at least, whatever sampling left out
        above, below = window.most(recipe.above), window.most(recipe.below)
        return _ratio(window, base, above=above, below=below, each=recipe.each, cap=recipe.cap)
    return None


def _of_cohort(metric: Metric, window: _Window) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ends of a share of a cohort: the first window can add members, and both can add returns of them."""
    seen, returned = cohort_spans(metric, window.span[0])
    member = VISITORS if metric.elements is None else Held("n_shown_users", metric.elements)
    below, above = window.most(member, seen), window.most(VISITORS, returned)
    if metric.elements is not None:  # who was shown the link has to load the dashboard in the first window, too
        above = above + window.most(VISITORS, seen)
    return _ratio(window, window.numbers("observed_denominator"), above=above, below=below, joins=below)


def _ratio(
    window: _Window,
    base: FloatArray,
    *,
    above: FloatArray,
    below: FloatArray,
    joins: FloatArray | float = 0.0,
    each: float = 0.0,
    cap: float = 1.0,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ends of ratios with what lost hours could add.

    Args:
        window: the rows.
        base: the denominator, or less.
        above: what the numerator could gain by those of the denominator.
        below: what the denominator could gain.
        joins: of these, who could be in the numerator at once without being among `above`.
        each: what each of them brings to the numerator at least.
        cap: the largest value there is.
    """
    lower, upper = window.numbers("lower"), window.numbers("upper")
    least = (lower * base + each * below) / (base + below)
    most = (upper * base + above + joins) / (base + joins)
    return np.minimum(lower, least), window.numbers("estimate"), np.maximum(upper, np.minimum(most, cap))
