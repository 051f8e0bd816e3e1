"""What a total or a click-through rate must keep to be published, and why not, in a sentence for analysts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import FloatArray, as_float
from jobs.estimation.limits import percent
from jobs.estimation.regimes import TextArray

FEW_EVENTS = 30
"""Fewer kept events than this in a total with a rate below 1: bounds only."""

FEW_CLICKS = 30
"""A click-through rate from fewer clicks is `caution` at best."""

FEW_CLICKING_USERS = 10
"""A click-through rate from fewer clicking users is `caution` at best."""

FEW_SESSIONS = 30
"""A number from fewer kept sessions is `caution` at best."""

WIDEST_PUBLISHED = 0.25
"""A half-width above this, relative to the estimate, is `caution` at best where widths decide."""


def ctr_reason(
    clicks: npt.ArrayLike,
    clicking_users: npt.ArrayLike | None = None,
    width: npt.ArrayLike | None = None,
    sessions: npt.ArrayLike | None = None,
) -> TextArray:
    """Say in a sentence why a click-through rate is `caution`; empty where it may be published.

    Args:
        clicks: kept clicks (for `matched`, kept impressions with a click). In a window of mixed rates their effective
            number (`regimes.effective_number`), which is never larger. Fewer than 30 are too few.
        clicking_users: kept users with a click, of whom 10 are needed; None or NaN where the instrument has no user id:
            clicks decide alone.
        width: half-width relative to the rate, 25 % at most; None or NaN where it does not decide (realised rates of
            pageviews).
        sessions: kept sessions, 30 at least; None or NaN where sessions are not what is sampled.

    Returns:
        A sentence per row, without the numbers; the counts come first.
    """
    counts = as_float(clicks)
    users, widths, kept = (
        np.full(counts.shape, np.nan) if given is None else as_float(given)
        for given in (clicking_users, width, sessions)
    )
    reason = session_reason(kept, widths)
    # How many there are stands in `observed_numerator`, unless few users clicked: then no sentence may tell it.
    reason[users < FEW_CLICKING_USERS] = f"the clicks come from fewer than {FEW_CLICKING_USERS} users: a few decide"
    reason[counts < FEW_CLICKS] = f"fewer than {FEW_CLICKS} clicks: the interval may be too short"
    return reason


def session_reason(sessions: FloatArray, width: FloatArray) -> TextArray:
    """Say why too few sessions or too wide an interval make a number `caution`; empty where neither does.

    Args:
        sessions: kept sessions behind each row, NaN where they do not decide.
        width: half-width relative to the estimate, NaN where it does not decide.
    """
    reason = np.full(len(width), "", dtype=object)
    for i in np.flatnonzero(width > WIDEST_PUBLISHED):
        reason[i] = f"the interval is ±{percent(width[i])} wide, more than ±{percent(WIDEST_PUBLISHED)}"
    for i in np.flatnonzero(sessions < FEW_SESSIONS):
        reason[i] = f"only {sessions[i]:.0f} sessions were kept, fewer than {FEW_SESSIONS}: a few decide"
    return reason
