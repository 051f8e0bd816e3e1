"""Eligible editors of a day and window: what each editor did in it, and how many of them lie in a band.

Counting has two steps, so that every choice of the definition is counted in one pass over the revisions: `editors`
keeps of each editor what any choice needs, `band_cells` counts the editors under each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audience import Band, Choices
from jobs.windows import DAY, midnight

MAIN = 0  # number of the main namespace
WINDOW = ("wiki_db", "as_of_date", "window_days")
EDITOR = ("wiki_db", "user_id")
TIMED = ("first", "last")
EDITS = ("n_edits_historical", "n_edits_historical_kept", "n_edits_current", "n_edits_current_kept")
FLAGS = ("is_bot_then", "is_bot_now", "is_temporary", "is_cross_wiki")
COUNTS_A_SECOND = 2**32  # more than any editor has edits
COUNTS = ("n_editors", "n_new_to_band", "n_left_band")
IS_BOT = {"now_or_then": "is_bot_now or is_bot_then", "now": "is_bot_now", "then": "is_bot_then", "counted": "false"}


def editors(revisions: DataFrame, as_of: Sequence[date], windows: Sequence[int]) -> DataFrame:
    """Sum up what each editor did in each window.

    A window of N days is the UTC days `as_of_date` - N + 1 to `as_of_date`. A revision without an edit count is an
    edit like others, and neither the first, nor the last, nor the one with the largest count.

    Args:
        revisions: columns of `jobs.dumps.rows.REVISIONS`; those outside of the windows are ignored.
        as_of: last days of the windows, at least one.
        windows: days of each window, at least one.

    Returns:
        A row per wiki_db, as_of_date, window_days and user_id with a revision in the window:
        first_count, last_count, largest_count (edit counts with that revision; null if none is known; of revisions in
        one second the smaller count is the first and the larger the last), n_edits_historical and n_edits_current
        (edits in what was, or is now, the main namespace), the same with `_kept` (without those of pages that were
        deleted since), and is_bot_then, is_bot_now, is_temporary, is_cross_wiki (any revision in the window says so;
        the last is null where none knows).
    """
    spans = _Spans(as_of, windows)
    place = F.datediff(F.to_date("event_time"), F.lit(spans.begin))
    # Before the first day the embedded engine would count from the end; behind the last there is null.
    span = F.when(place >= 0, F.get(F.lit(spans.of_day), place))
    numbered = revisions.withColumn("span", span).where("span > 0")
    by_span = _summed(numbered, (*EDITOR, "span"), _of_revisions(spans.begin))
    held = by_span.select("*", F.explode(F.array_compact(F.array(*spans.windows()))).alias("window"))
    opened = held.select(*by_span.columns, "window.as_of_date", "window.window_days")
    own = {name: F.col(name) for name in (*TIMED, "largest_count", *EDITS, *FLAGS)}
    return _summed(opened, (*WINDOW, "user_id"), own).select(
        *WINDOW, "user_id", *((F.col(name) % COUNTS_A_SECOND).alias(f"{name}_count") for name in TIMED),
        "largest_count", *EDITS, *FLAGS,
    )  # fmt: skip


def band_cells(users: DataFrame, bands: Sequence[Band], choices: Choices) -> DataFrame:
    """Count eligible editors by band, under a definition and under each that differs from it by one choice.

    Args:
        users: what `editors` returns.
        bands: of edit counts, both ends included.
        choices: the definition.

    Returns:
        A row per as_of_date, wiki_db, band (as `100-500`), window_days, choice and alternative, of windows in which
        anybody edited; choice and alternative are null for the definition itself. n_editors: eligible editors; null
        where cross-wiki accounts are out and of an editor nobody knows whether it is one. Of the definition itself
        n_new_to_band (eligible, and below the band before the first revision in the window) and n_left_band (eligible
        but for the band, in it before the first revision and above it at the last); else null. Nobody
        is both in n_editors and in n_left_band, whichever edit count the definition takes.
    """
    definitions = [(None, None, choices), *choices.alternatives()]
    cells = [(band, *definition) for band, definition in product(bands, definitions)]
    counts = [_counts(band, definition, is_own=choice is None) for band, choice, _, definition in cells]
    counted = users.groupBy(*WINDOW).agg(
        *(count.alias(f"{name}_{place}") for place, own in enumerate(counts) for name, count in own.items())
    )
    nobody = F.lit(None).cast("long")
    rows = [
        F.struct(
            *_labels(band=str(band), choice=choice, alternative=alternative),
            *((F.col(f"{name}_{place}") if name in counts[place] else nobody).alias(name) for name in COUNTS),
        )
        for place, (band, choice, alternative, _) in enumerate(cells)
    ]
    opened = counted.select(*WINDOW, F.inline(F.array(*rows)))
    return opened.select("as_of_date", "wiki_db", "band", "window_days", "choice", "alternative", *COUNTS)


class _Spans:
    """The days of all windows, cut where a window begins or ends: a window is a run of spans, numbered from 1.

    Editors are summed up by span first, so that a revision is looked at once however many windows hold it.

    Attributes:
        held: first day, last day and days of each window.
        begin: the first day of all.
        of_day: number of the span of each day from the first on; 0 where no window holds the day.
    """

    def __init__(self, as_of: Sequence[date], windows: Sequence[int]) -> None:
        self.held = [(day - (days - 1) * DAY, day, days) for day in sorted(set(as_of)) for days in sorted(set(windows))]
        self.begin = min(first for first, _, _ in self.held)
        self.of_day = self._numbers()

    def _numbers(self) -> list[int]:
        cuts = {first for first, _, _ in self.held} | {last + DAY for _, last, _ in self.held}
        n_days = (max(cuts) - self.begin).days
        inside = {first + place * DAY for first, _, days in self.held for place in range(days)}
        span, numbers = 0, []
        for day in (self.begin + place * DAY for place in range(n_days)):
            span += day in cuts
            numbers.append(span if day in inside else 0)
        return numbers

    def windows(self) -> list[Column]:
        """Return of each window its as_of_date and window_days where it holds the column `span`, else null."""
        return [
            F.when(
                F.col("span").between(self._span(first), self._span(last)),
                F.struct(F.lit(last).alias("as_of_date"), F.lit(days).alias("window_days")),
            )
            for first, last, days in self.held
        ]

    def _span(self, day: date) -> int:
        return self.of_day[(day - self.begin).days]


def _of_revisions(first: date) -> dict[str, Column]:
    """Return what a revision adds to each column of an editor.

    Which revision is the first and which the last is told by second and count in one number: engines sum up numbers in
    columns, but a pair would be an object for each editor, of which a gigabyte does not hold those of a month.
    """
    seconds = F.unix_seconds("event_time") - F.unix_seconds(F.lit(midnight(first)))
    counted = seconds * COUNTS_A_SECOND + F.least("edit_count", F.lit(COUNTS_A_SECOND - 1))
    main = [F.col(f"namespace_{name}") == MAIN for name in ("historical", "current")]
    edits = [own for is_main in main for own in (is_main, is_main & ~F.col("is_deleted"))]
    return {
        **dict.fromkeys(TIMED, F.when(F.col("edit_count").isNotNull(), counted)),
        "largest_count": F.col("edit_count"),
        **{name: F.when(edit, 1).otherwise(0) for name, edit in zip(EDITS, edits, strict=True)},
        **{name: F.col(name) for name in FLAGS},
    }


def _summed(frame: DataFrame, key: Sequence[str], columns: Mapping[str, Column]) -> DataFrame:
    """Sum up columns of editors: revisions to spans, and spans to windows."""
    how = {"first": F.min, "last": F.max, "largest_count": F.max, **dict.fromkeys(EDITS, F.sum)}
    return frame.groupBy(*key).agg(*(how.get(name, F.bool_or)(column).alias(name) for name, column in columns.items()))


def _counts(band: Band, choices: Choices, *, is_own: bool) -> dict[str, Column]:
    """Return the counts of a cell as aggregates over editors; of an alternative only the eligible ones."""
    before = F.col("first_count") - 1
    in_band = F.col(f"{choices.edit_count}_count").between(band.least, band.most)
    eligible = _is_eligible(choices)
    n_editors = F.count_if(eligible & in_band)
    if choices.cross_wiki == "out":
        asked = _is_eligible(replace(choices, cross_wiki="in")) & in_band
        n_editors = F.when(F.count_if(asked & F.col("is_cross_wiki").isNull()) == 0, n_editors)
    if not is_own:
        return {"n_editors": n_editors}
    grew_out = before.between(band.least, band.most) & (F.col("last_count") > band.most)
    return {
        "n_editors": n_editors,
        "n_new_to_band": F.count_if(eligible & in_band & (before < band.least)),
        "n_left_band": F.count_if(eligible & ~in_band & grew_out),
    }


def _is_eligible(choices: Choices) -> Column:
    """Return whether an editor is eligible but for the band."""
    kept = "_kept" if choices.deleted_revisions == "out" else ""
    found = (F.col(f"n_edits_{choices.namespace}{kept}") > 0) & ~F.expr(IS_BOT[choices.bots])
    if choices.temporary == "out":
        found &= ~F.col("is_temporary")
    if choices.cross_wiki == "out":
        found &= ~F.col("is_cross_wiki")
    return found


def _labels(**texts: str | None) -> list[Column]:
    return [F.lit(text).cast("string").alias(name) for name, text in texts.items()]
