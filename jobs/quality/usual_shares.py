"""A share of a day beside the most that is usual: one rule for duplicates, refused lines and unknown segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from jobs.quality.bands import share_sd, usual_share
from jobs.quality.past import Past, Series

SHARE_COLUMNS = ("share", "usual", "most", "n_part", "n_whole")


def share_row(
    past: Past, day: date, subject: str, part: Series, whole: Series, before: Sequence[date]
) -> dict[str, object] | None:
    """Return a share of a day beside the most that is usual; null where there is nothing, or too few days before.

    The most is the median plus `share_sds` deviations (days' or chance's), at least `share_floor` above the median.
    """
    limits, n_whole = past.limits(day), whole.get(day, 0.0)
    if n_whole <= 0 or len(before) < limits["min_days_to_warn"]:
        return None
    parts, wholes = ([series.get(one, 0.0) for one in before] for series in (part, whole))
    usual, spread = usual_share(parts, wholes)
    reach = max(limits["share_sds"] * share_sd(usual, spread, n_whole), limits["share_floor"])
    n_part = part.get(day, 0.0)
    return {
        "event_date": day, "subject": subject, "share": n_part / n_whole, "usual": usual,
        "most": min(usual + reach, 1.0), "n_part": int(n_part), "n_whole": int(n_whole),
    }  # fmt: skip
