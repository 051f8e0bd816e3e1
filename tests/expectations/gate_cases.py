"""Gates are run once per module: every case is a row of its own in the same profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

CLEAN_DAY = date(2026, 3, 20)


def case_day(number: int) -> date:
    """The day on which the case of this number is wrong, so that cases do not hide each other."""
    return CLEAN_DAY + timedelta(days=1 + number)


def profiles_of(
    clean: Mapping[str, Mapping[str, Any]], changes: Sequence[tuple[str, Mapping[str, Any]]]
) -> dict[str, pd.DataFrame]:
    """Frames with a clean row each, and one changed row per case on the case's day."""
    rows = {name: [{"event_date": CLEAN_DAY, **row}] for name, row in clean.items()}
    for number, (profile, change) in enumerate(changes):
        rows[profile].append({**rows[profile][0], **change, "event_date": case_day(number)})
    return {name: pd.DataFrame(records).convert_dtypes(convert_floating=False) for name, records in rows.items()}
