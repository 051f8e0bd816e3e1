"""Whether dumps that were read reach over the windows: files that end early, windows that begin before a dump does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from jobs.dumps.pace import TWENTIETH
from jobs.windows import DAY

LEAST_UNLIKELY = 20.0  # events that were due: fewer may be missing by accident
BUSY = 1000.0  # events a day: with as many no day is silent, with fewer a wiki may be one person, who may be away
A_WEEK, A_YEAR = 7, 365  # silent days from which a small wiki looks cut; after which it looks closed
MOST_NAMED = 5
ALL = "all"
ENDS = [
    "event_date", "subject", "file", "last_event", "last_whole", "until", "n_silent", "n_due", "least_unlikely",
]  # fmt: skip
TOLD = ["event_date", "subject", "asked_from", "n_wikis", "wikis"]


class Ends(NamedTuple):
    """Profiles of the audience gate, without rows where no dump was just read.

    Attributes:
        ends: of each wiki the file that ends first where events were due, else that with the most silent days.
        quiet: one row, of the wikis with silent days that may be chance, those that miss the most events first.
        begins: one row, of the wikis with hardly any event in the first days of the windows.
    """

    ends: pd.DataFrame
    quiet: pd.DataFrame
    begins: pd.DataFrame


def dump_ends(log: pd.DataFrame, files: pd.DataFrame | None) -> Ends:
    """Hold the files that were read against the days that were asked.

    A file's silent days are those after its last event, to the last one that was asked of it. What was due on them is
    what came in the four weeks before (`jobs.dumps.pace`). In a small wiki it is not looked at for less than a week,
    nor for up to twice the longest silence of these weeks, nor after a year.

    Args:
        log: rows of `audience_log`, of one reading; dates as `date`.
        files: rows of FILES; None where no dump was just read.
    """
    if files is None or log.empty or files.empty:
        return Ends(pd.DataFrame(columns=ENDS), pd.DataFrame(columns=TOLD), pd.DataFrame(columns=TOLD))
    first, last = log["read_from"].min(), log["as_of_date"].max()
    spans = [_span(text) for text in log["days_read"].iloc[0].split(",")]
    found = pd.DataFrame([_end(row, spans) for _, row in files.drop_duplicates("file").iterrows()])
    ends = found.sort_values(["subject", "rank"], kind="stable").drop_duplicates("subject", ignore_index=True)
    quiet = ends[(ends["n_silent"] > 0) & (ends["n_due"] < LEAST_UNLIKELY)]
    quiet = quiet.sort_values(["n_missed", "subject"], ascending=[False, True])
    return Ends(
        ends[ENDS],
        _told(first, last, dict(zip(quiet["subject"], quiet["last_event"], strict=True))),
        _told(first, last, _begins(files, first)),
    )


def _span(text: str) -> tuple[date, date]:
    first, last = text.split("/")
    return date.fromisoformat(first), date.fromisoformat(last)


def _end(file: pd.Series[Any], spans: Sequence[tuple[date, date]]) -> dict[str, Any]:
    """Say how a file ends; of those of a wiki the one with the lowest rank is told."""
    last_event, a_day = file["last_event_date"], file["events_a_day"]
    is_known = not pd.isna(last_event)
    # What is missing between spans that were asked is not missed.
    until = max((min(last, file["last_day"]) for first, last in spans if first <= file["last_day"]), default=last_event)
    n_silent = max((until - last_event).days, 0) if is_known else 1
    is_usual = n_silent < A_WEEK or n_silent <= 2 * file["longest_silence"] or n_silent > A_YEAR
    n_due = 0.0 if is_usual and a_day < BUSY else n_silent * a_day
    return {
        "event_date": spans[-1][1], "subject": file["wiki_db"], "file": file["file"],
        "last_event": last_event if is_known else None, "last_whole": last_event - DAY if is_known else None,
        "until": until, "n_silent": n_silent, "n_due": n_due, "least_unlikely": LEAST_UNLIKELY,
        "n_missed": n_silent * a_day,
        "rank": (0, last_event.toordinal()) if n_due >= LEAST_UNLIKELY else (1, -n_silent),
    }  # fmt: skip


def _begins(files: pd.DataFrame, first: date) -> dict[str, date]:
    """Return by wiki the first day with more than hardly any event, where it comes late; the largest wikis first."""
    of_file = files.drop_duplicates("file").dropna(subset="usual_from").sort_values(["wiki_db", "last_event_date"])
    now = of_file.groupby("wiki_db")["events_a_day"].transform("last")
    of_file = of_file.assign(now=now)[of_file["events_a_day"] >= now * TWENTIETH]
    found = of_file.groupby("wiki_db", as_index=False).agg(begin=("usual_from", "min"), now=("now", "last"))
    n_late = found["begin"].map(lambda day: max((day - first).days, 0))
    found = found.assign(n_missed=n_late * found["now"]).sort_values(["n_missed", "wiki_db"], ascending=[False, True])
    late = found[found["n_missed"] >= LEAST_UNLIKELY]
    return dict(zip(late["wiki_db"], late["begin"], strict=True))


def _told(asked_from: date, asked_to: date, wikis: Mapping[str, date | None]) -> pd.DataFrame:
    """Return one row for all wikis: on hundreds of small ones some are quiet on any day, and nobody reads as many."""
    named = ", ".join(f"{wiki} ({day or 'none at all'})" for wiki, day in list(wikis.items())[:MOST_NAMED])
    more = f" and {len(wikis) - MOST_NAMED:,} more" if len(wikis) > MOST_NAMED else ""
    return pd.DataFrame([(asked_to, ALL, asked_from, len(wikis), named + more)], columns=TOLD)
