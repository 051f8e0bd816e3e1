"""Where randomness comes from: a generator for each wiki, purpose and time, so that longer worlds begin the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What numbers are drawn for. Drawing more of one leaves all others as they are."""

    users = 0
    activity = 1
    pageviews = 2
    events = 3
    lines = 4
    editors = 5
    edits = 6
    pages = 7
    beside = 8
    dumps = 9


@dataclass(frozen=True)
class Seeds:
    """Generators of one wiki, or of the stream of all wikis, in a world."""

    seed: int
    wiki: int

    def of(self, purpose: Purpose, time: int) -> np.random.Generator:
        """Return a fresh generator for a day, week or month of the world, independent of every other."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.wiki, purpose, time)))
