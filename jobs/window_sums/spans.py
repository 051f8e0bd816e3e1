"""The windows of visits: rolling ones, and calendar quarters to date, which begin on a day of their own per wiki."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.transforms.window_states import within
from jobs.window_sums.tables import QUARTER, ROLLING, VISIT_WINDOW, VISITORS, QuarterStarts
from jobs.windows import DAY, quarter_end

TAGS = ("wiki_db", "population", "quarter_stop")


def quarters_within(quarter_starts: QuarterStarts, start: date, end: date) -> tuple[tuple[str, str, date, date], ...]:
    """List the quarters to date with an as-of date in `[start, end)`: wiki, population, first day, quarter's end."""
    return tuple(
        (wiki, population, first, quarter_end(quarter))
        for (wiki, population, quarter), first in quarter_starts.items()
        if quarter < end and start < quarter_end(quarter)
    )


@dataclass(frozen=True)
class Span:
    """What is asked: as-of dates, rolling lengths, and quarters as (wiki, population, first day, quarter's end)."""

    start: date
    end: date
    windows: tuple[int, ...]
    quarters: tuple[tuple[str, str, date, date], ...]

    def restrict(self, rows: DataFrame) -> DataFrame:
        """Keep the days any of the windows can contain."""
        rolling = self.start - (max(self.windows, default=1) - 1) * DAY
        first = min([rolling, *(quarter[2] for quarter in self.quarters)])
        return rows.where((F.col("event_date") >= F.lit(first)) & (F.col("event_date") < F.lit(self.end)))

    def rolling(self, rows: DataFrame) -> DataFrame:
        """Keep the rows of the rolling windows, tagged like the others."""
        tagged = rows.withColumns({"population": F.lit(VISITORS), "quarter_stop": F.lit(None).cast("date")})
        return within(tagged, self.start, self.end, max(self.windows, default=1))

    def to_date(self, rows: DataFrame) -> DataFrame:
        """Give each row once per quarter-to-date window that it falls into."""
        by_wiki: dict[str, list[Column]] = {}
        for wiki, population, first, stop in self.quarters:
            entry = (
                F.lit(population).alias("population"),
                F.lit(first).alias("first"),
                F.lit(stop).alias("quarter_stop"),
            )
            by_wiki.setdefault(wiki, []).append(F.struct(*entry))
        if not by_wiki:
            return self.rolling(rows).where(F.lit(False))
        spans = F.create_map(*(part for wiki, found in by_wiki.items() for part in (F.lit(wiki), F.array(*found))))
        unfolded = rows.select(*rows.columns, F.inline(F.try_element_at(spans, "wiki_db")))
        inside = (F.col("event_date") >= F.col("first")) & (F.col("event_date") < F.col("quarter_stop"))
        return unfolded.where(inside).drop("first")


def name_windows(found: pd.DataFrame) -> pd.DataFrame:
    """Name the windows; a quarter to date has as-of dates in its own quarter only."""
    stop = found["as_of_date"].dt.to_period("Q").dt.end_time.dt.normalize() + pd.Timedelta(days=1)
    found = found[found["window_days"].gt(0) | (stop == found["quarter_stop"])]
    kind = found["window_days"].gt(0).map({True: ROLLING, False: QUARTER})
    named = found.assign(window_kind=kind).rename(columns={"window_days": "window_length"})
    rest = [name for name in named.columns if name not in (*VISIT_WINDOW, "quarter_stop")]
    return named[[*VISIT_WINDOW, *rest]].reset_index(drop=True)
