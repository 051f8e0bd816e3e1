"""What link totals and click-through rates are made of: columns of the window sums, added up by row and rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from jobs.estimation.design_effect import Relatives
from jobs.estimation.intervals import FloatArray
from jobs.estimation.ratios import PairSums
from jobs.estimation.regimes import Own, RegimeSums, regime_sums
from jobs.estimation.totals import TotalSums
from jobs.rows.relatives import SEGMENTS, relatives


@dataclass(frozen=True)
class TotalSpec:
    """What a total of events is made of: columns of the window sums.

    Attributes:
        events: kept events.
        squares: sum of squares over kept units.
        units: kept units with such an event.
        users: users with such an event.
    """

    events: str
    squares: str
    units: str
    users: str

    def sums(self, regimes: pd.DataFrame) -> TotalSums:
        """Return the sums of each regime."""
        events, squares, clusters = (numbers(regimes, name) for name in (self.events, self.squares, self.units))
        return TotalSums(y=events, yy=squares, clusters=clusters, units=numbers(regimes, "n_units"))

    @classmethod
    def of(cls, count: str, users: str) -> TotalSpec:
        """Return the columns of one of the counts, whose names all begin or end with its own."""
        return cls(f"n_{count}", f"{count}_sq", f"n_{count.removesuffix('s')}_units", users)


@dataclass(frozen=True)
class RatioSpec:
    """What a click-through rate is made of: the counts whose names columns of the window sums bear.

    Attributes:
        clicks: the count in the numerator.
        shown: the count in the denominator.
        is_proportion: whether the numerator is a part of the denominator.
    """

    clicks: str
    shown: str
    is_proportion: bool

    def of_units(self, regimes: pd.DataFrame) -> PairSums:
        """Return the sums over kept units of each regime."""
        return self._sums(regimes, "n_", "")

    def of_users(self, cells: pd.DataFrame) -> PairSums:
        """Return the sums over the weighted totals of users of each cell."""
        return self._sums(cells, "w_", "uu_")

    def _sums(self, frame: pd.DataFrame, totals: str, products: str) -> PairSums:
        return PairSums(
            y=numbers(frame, f"{totals}{self.clicks}"),
            x=numbers(frame, f"{totals}{self.shown}"),
            yy=numbers(frame, f"{products}{self.clicks}_sq"),
            xy=numbers(frame, f"{products}{self.shown}_{self.clicks}"),
            xx=numbers(frame, f"{products}{self.shown}_sq"),
        )


@dataclass(frozen=True)
class LinkTables:
    """What link rows are made of.

    Attributes:
        cells: from `link_cells`.
        regimes: from `link_cells`.
        sessions: the regimes under which sessions are sampled.
        relatives: where their rows look for a reference.
    """

    cells: pd.DataFrame
    regimes: pd.DataFrame
    sessions: pd.DataFrame
    relatives: Relatives

    @classmethod
    def of(cls, cells: pd.DataFrame, regimes: pd.DataFrame) -> LinkTables:
        """Return the tables with what follows from them."""
        found = relatives(cells, ["element_friendly_name"], numbers(cells, "window_days"), SEGMENTS)
        return cls(cells, regimes, regimes[regimes["sample_unit"] == "session"], found)

    def sums(self, regimes: pd.DataFrame, make: Callable[[pd.DataFrame], Own]) -> RegimeSums[Own]:
        """Add some regimes up, by row and rate."""
        return regime_sums(regimes["row"], regimes["sample_rate"], len(self.cells), make(regimes))


TOTALS = {
    "link_impressions": TotalSpec.of("impressions", "n_shown_users"),
    "link_clicks": TotalSpec.of("clicks", "n_click_users"),
}
RATIOS = {
    "link_click_through_rate": RatioSpec("clicks", "impressions", is_proportion=False),
    "link_click_through_rate_matched": RatioSpec("matched", "shown", is_proportion=True),
}


def numbers(frame: pd.DataFrame, column: str) -> FloatArray:
    """Return a column as floats."""
    return frame[column].to_numpy(dtype=float)
