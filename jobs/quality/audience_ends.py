"""Whether dumps that were read reach over the windows: files that end early, windows that begin before a dump does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from jobs.dumps.pace import TWENTIETH

LEAST_UNLIKELY = 20.0  # events that were due: that none of them comes by accident has a chance of e^-20
A_YEAR = 365  # silent days after which a wiki counts as closed: no copy of a dump is cut that long before its end
MOST_NAMED = 5
ALL = "all"
ENDS = ["event_date", "subject", "file", "last_event", "until", "n_silent", "n_due", "least_unlikely"]
TOLD = ["event_date", "subject", "asked_from", "n_wikis", "wikis"]


class Ends(NamedTuple):
    """Profiles of the audience gate, without rows where no dump was just read.

    Attributes:
        ends: of each wiki the file that ends first where events were due, else that with the most silent days.
        quiet: one row, of the wikis with silent days on which hardly any event was due.
        begins: one row, of the wikis with hardly any event in the first days of the windows.
    """

    ends: pd.DataFrame
    quiet: pd.DataFrame
    begins: pd.DataFrame


def dump_ends(log: pd.DataFrame, files: pd.DataFrame | None) -> Ends:
    """Hold the files that were read against the days that were asked.

    A file's silent days are those after its last event, to the last one that was asked or that it can hold. What was
    due on them is what came in the four weeks before (`jobs.dumps.pace`); nothing was where the file was silent as long
    in these weeks, as small wikis are, or is since a year.

    Args:
        log: rows of `audience_log`, of one reading; dates as `date`.
        files: rows of FILES; None where no dump was just read.
    """
    if files is None or log.empty or files.empty:
        return Ends(pd.DataFrame(columns=ENDS), pd.DataFrame(columns=TOLD), pd.DataFrame(columns=TOLD))
    first, last = log["read_from"].min(), log["as_of_date"].max()
    each = files.drop_duplicates("file")
    found = pd.DataFrame([_end(row, last) for _, row in each.iterrows()])
    ends = found.sort_values(["subject", "rank"], kind="stable").drop_duplicates("subject", ignore_index=True)
    quiet = ends[(ends["n_silent"] > 0) & (ends["n_due"] < LEAST_UNLIKELY)]
    begins = _begins(files)
    return Ends(
        ends[ENDS],
        _told(first, last, dict(zip(quiet["subject"], quiet["last_event"], strict=True))),
        _told(first, last, {wiki: day for wiki, day in begins.items() if day > first}),
    )


def _end(file: pd.Series[Any], asked_to: date) -> dict[str, Any]:
    """Say how a file ends; of those of a wiki the one with the lowest rank is told."""
    last_event = file["last_event_date"]
    is_known = not pd.isna(last_event)
    until = min(asked_to, file["last_day"])
    n_silent = max((until - last_event).days, 0) if is_known else 1
    is_usual = n_silent <= file["longest_silence"] or n_silent > A_YEAR
    n_due = 0.0 if is_usual else n_silent * file["events_a_day"]
    return {
        "event_date": asked_to, "subject": file["wiki_db"], "file": file["file"],
        "last_event": last_event if is_known else None, "until": until, "n_silent": n_silent, "n_due": n_due,
        "least_unlikely": LEAST_UNLIKELY,
        "rank": (0, last_event.toordinal()) if n_due >= LEAST_UNLIKELY else (1, -n_silent),
    }  # fmt: skip


def _begins(files: pd.DataFrame) -> dict[str, date]:
    """Return by wiki the first day with more than hardly any event, in files that have them at all."""
    of_file = files.drop_duplicates("file").dropna(subset="usual_from").sort_values(["wiki_db", "last_event_date"])
    now = of_file.groupby("wiki_db")["events_a_day"].transform("last")
    counted = of_file[of_file["events_a_day"] >= now * TWENTIETH]
    first = counted.groupby("wiki_db")["usual_from"].min()
    return dict(zip(first.index, first, strict=True))


def _told(asked_from: date, asked_to: date, wikis: Mapping[str, date | None]) -> pd.DataFrame:
    """Return one row for all wikis: on hundreds of small ones some are quiet on any day, and nobody reads as many."""
    named = ", ".join(f"{wiki} ({day or 'none at all'})" for wiki, day in list(wikis.items())[:MOST_NAMED])
    more = f" and {len(wikis) - MOST_NAMED:,} more" if len(wikis) > MOST_NAMED else ""
    return pd.DataFrame([(asked_to, ALL, asked_from, len(wikis), named + more)], columns=TOLD)
