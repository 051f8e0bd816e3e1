"""What became of the rows of dumps, as the audience gate looks at it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from jobs.dumps.rows import ANONYMOUS, KEPT, MALFORMED, QUARANTINED

OF_ANY_ROW = ("wiki_db", "event_entity", "event_type", "event_timestamp")
"""Columns that every row is judged by; the others are looked at in revisions of the windows only."""
FEW = 10  # as many revisions that cannot be read are, in a small wiki's windows, no sign of another format
SEEN_INSIDE = 0.001  # share of them from which people look, though the gate lets them pass
NOT_KNOWN = "in fct_audience_log"
SOURCE = ["as_of_date", "wiki_db", "snapshot"]
READING = [*SOURCE, "read_from", "days_read"]  # what one command read of a wiki: last day, first, and all as ranges


def dumps_by_fate(log: pd.DataFrame, files: pd.DataFrame | None, revisions: Mapping[str, int] | None) -> pd.DataFrame:
    """Add up the rows of each wiki's dumps by fate.

    Args:
        log: rows of `audience_log`, n_rows as float.
        files: rows of FILES, or None.
        revisions: by wiki, or None.

    Returns:
        as_of_date, wiki_db, snapshot, read_from, days_read, subject (wiki and snapshot, and the first day that was read
        where commands read from different ones, or all days where only these differ), n_logged, n_kept, n_malformed,
        n_read (by the files) and n_counted (revisions), null where nothing is known of them; malformed_share, the
        larger of two: of all rows, and of the revisions in the windows where more than a few of them cannot be read (in
        a dump of all years they would drown); inside_share (of the revisions in the windows, however few) and
        seen_inside (what it may be without a warning); first (the file, line and reason that comes first).
    """
    is_bad, reason = log["fate"] == QUARANTINED, log["reason"].fillna("").astype(str)
    is_inside = is_bad & ~reason.map(_is_of_any_row)
    is_kept = log["fate"] == KEPT
    parts = {"n_kept": is_kept, "n_malformed": is_bad, "n_bad_inside": is_inside,
             "n_inside": is_kept | is_inside | (reason == ANONYMOUS)}  # fmt: skip
    rows = log.assign(n_logged=log["n_rows"], **{name: log["n_rows"].where(part, 0.0) for name, part in parts.items()})
    sums = rows.groupby(READING, as_index=False, dropna=False)[["n_logged", *parts]].sum()
    since = (" from " + sums["read_from"].astype(str)).where(sums.duplicated(SOURCE, keep=False), "")
    is_alike = sums.duplicated(READING[:-1], keep=False)  # of rows of before it is not known which days they are of
    since = since.mask(is_alike, " of " + sums["days_read"].fillna("days not noted"))
    wiki, bad_inside = sums["wiki_db"], sums["n_bad_inside"].where(sums["n_bad_inside"] > FEW, 0.0)
    of_all, of_inside = sums["n_malformed"] / sums["n_logged"], bad_inside / sums["n_inside"]
    read = {} if files is None else files.groupby("wiki_db")["n_rows"].sum().to_dict()
    counted = None if revisions is None else {name: revisions.get(name, 0) for name in wiki}
    return sums.assign(
        subject=wiki + "/" + sums["snapshot"] + since,
        n_read=wiki.map(read).astype("float64"),
        n_counted=wiki.map(counted or {}).astype("float64"),
        malformed_share=np.fmax(of_all.fillna(0.0), of_inside.fillna(0.0)),
        inside_share=(sums["n_bad_inside"] / sums["n_inside"]).fillna(0.0),
        seen_inside=SEEN_INSIDE,
        first=wiki.map(_first_malformed(files)).fillna(NOT_KNOWN),
    )


def read_for(audience: pd.DataFrame, log: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of the log that say what some cells were counted from.

    Args:
        audience: the cells.
        log: rows of `audience_log` of the last days that were read for them.

    Returns:
        The rows of the log; and the wikis of which a reading has none.
    """
    own = audience[["read_to", *READING[1:]]].drop_duplicates().rename(columns={"read_to": "as_of_date"})
    found = own.merge(log, on=READING, how="left", indicator=True)
    is_lost = found["_merge"] == "left_only"
    return found.loc[~is_lost, log.columns], sorted(set(found.loc[is_lost, "wiki_db"]))


def _is_of_any_row(reason: str) -> bool:
    """Whether a reason to refuse a row is one that rows of any event and day can have."""
    return not reason.startswith(MALFORMED) or reason.removeprefix(MALFORMED) in OF_ANY_ROW


def _first_malformed(files: pd.DataFrame | None) -> dict[str, str]:
    """Return by wiki the first file and line with a row that was refused, and why."""
    if files is None:
        return {}
    bad = files[(files["fate"] == QUARANTINED) & files["first_line"].notna()]
    first = bad.sort_values(["wiki_db", "file", "first_line"]).drop_duplicates("wiki_db")
    places = zip(first["wiki_db"], first["file"], first["first_line"], first["reason"], strict=True)
    return {wiki: f"{file}, line {line} ({reason})" for wiki, file, line, reason in places}
