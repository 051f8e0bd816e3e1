"""What a wiki's clients send around its first display, as truth tells it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from jobs.simulation.events import IMPRESSION, PAGEVIEW, Events
from jobs.simulation.sampling import DAY_MS, Bool, epoch_ms
from jobs.simulation.scenarios import WikiSpec


def rollout_truth(wiki: WikiSpec, events: Events, entry_codes: list[int], start: date) -> dict[str, int | str | None]:
    """Count what a wiki sent before its display, and name the days on which it first sent anything since.

    Args:
        wiki: the wiki.
        events: what its clients sent, sampling done, dirt and lost hours not.
        entry_codes: codes of the elements that lead to the dashboard.
        start: first day of the world.

    Returns:
        `menu_impressions_early`, `loads_early`; `first_event`, `first_load` as dates, null where there is none.
    """
    day = (events.time - epoch_ms(start)) // DAY_MS
    is_early, is_load = day < wiki.silent_days, events.action == PAGEVIEW
    is_menu = (events.action == IMPRESSION) & np.isin(events.element, entry_codes)

    def first(among: Bool) -> str | None:
        found = day[among & ~is_early]
        return (start + timedelta(days=int(found.min()))).isoformat() if len(found) else None

    return {
        "menu_impressions_early": int((is_menu & is_early).sum()),
        "loads_early": int((is_load & is_early).sum()),
        "first_event": first(np.ones(len(day), dtype=bool)),
        "first_load": first(is_load),
    }
