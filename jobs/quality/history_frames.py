"""Compare the facts of some days with the days before: the profiles of `expectations.history`. Pure pandas, no engine.

Every profile has the columns `event_date` and `subject` (unique together) and numbers side by side. What says nothing
of a row (too few days before, no policy, a missing hour) is null there, or the row is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from jobs.quality.link_frames import element_frames, segments_frame
from jobs.quality.log_frames import hour_frames, late_frame, usual_frame
from jobs.quality.past import Limits, Past
from jobs.quality.volume_frames import (
    instruments_frame,
    regimes_frame,
    trend_frame,
    visitors_frame,
    volume_bands,
    volume_frame,
    volumes,
)

if TYPE_CHECKING:
    from jobs.reference.load import Reference

HISTORY_TABLES = ("ingest_log", "baseline_daily", "engagement_daily")
"""The tables a comparison with the past reads."""
DAYS_BEFORE = 35
"""Days before the first judged one that `tables` should hold: four weeks of history and a week of silence."""


def history_frames(
    tables: Mapping[str, pd.DataFrame],
    days: Sequence[date],
    reference: Reference,
    *,
    limits: Limits,
    grace: timedelta,
) -> dict[str, pd.DataFrame]:
    """Build the profiles that compare the judged days with the past.

    Args:
        tables: the tables of `HISTORY_TABLES`, columns as in `jobs.contracts`, dates as `datetime.date`: the judged
            days as staged, and the `DAYS_BEFORE` days before the first of them as published. Fewer days are fine:
            young wikis are judged less.
        days: the judged days.
        reference: the run's wikis, policy, instruments and vocabulary.
        limits: the dated thresholds (`Thresholds.on`): they decide where bands end.
        grace: how long a change of rate takes to arrive (`[ingest] rate_change_grace_minutes`).

    Returns:
        `volume`, `trend` (subject a wiki), `instruments` (wiki, instrument), `visitors`, `regimes` (wiki, instrument,
        unit and rate), `keys`, `elements_usual` (wiki, element, measure), `segments` (wiki, kind of unknown), `hours`
        (an hour), `shifts` (the day), `usual` (a kind of line), `late` (an earlier day, told on the last judged one).
        `unit` of weighted counts: what one kept event stands for.

    Raises:
        KeyError: a table is missing.
    """
    missing = sorted(set(HISTORY_TABLES) - set(tables))
    if missing:
        raise KeyError(f"the comparison with the past needs the tables {', '.join(missing)}")
    log, baseline, engagement = (tables[name] for name in HISTORY_TABLES)
    past = Past(log, days, reference, limits, grace)
    volume = volumes(past, baseline, engagement)
    bands = volume_bands(past, volume)
    elements = element_frames(past, engagement, volume, bands)
    return {
        "volume": _with_unit(past, volume_frame(past, volume, bands)),
        "instruments": instruments_frame(past, baseline),
        "visitors": visitors_frame(past, baseline, volume, bands),
        "trend": trend_frame(past, volume),
        "regimes": regimes_frame(past, baseline),
        "keys": elements["keys"],
        "elements_usual": _with_unit(past, elements["elements_usual"]),
        "segments": segments_frame(past, engagement),
        **hour_frames(past),
        "usual": usual_frame(past, log),
        "late": late_frame(past),
    }


def _with_unit(past: Past, frame: pd.DataFrame) -> pd.DataFrame:
    """Add what one kept event stands for; subjects begin with their wiki."""
    rows = zip(frame["subject"], frame["event_date"], strict=True)
    units = [1 / (past.rate(subject.partition(" / ")[0], day) or 1.0) for subject, day in rows]
    return frame.assign(unit=pd.Series(units, index=frame.index, dtype="float64"))
