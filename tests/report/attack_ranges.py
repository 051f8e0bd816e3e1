"""How far a count can be told from what is known of others: linear programs, solved no further than asked."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Known: TypeAlias = dict[int, float]
Rows: TypeAlias = list[dict[int, float]]


class Solver:
    """The program without what is told, parted into pieces that have nothing to do with each other.

    Every solution is a world that the report allows, so each is held against all counts: `least` and `most` so far.

    Args:
        n: how many counts there are.
        known: those that are told, by place.
        equal: rows that are 0, below: rows that are at most 0; coefficients by place.
    """

    def __init__(self, n: int, known: Known, equal: Rows, below: Rows) -> None:
        self.known = known
        self.equal, self.below = (_matrix(rows, n, known) for rows in (equal, below))
        both = sum(np.abs(matrix).T @ np.abs(matrix) for matrix, _ in (self.equal, self.below))
        self.piece = connected_components(both)[1]
        self.least, self.most = np.full(n, np.inf), np.full(n, -np.inf)
        for place, value in known.items():
            self.least[place] = self.most[place] = value

    def range(self, place: int, enough: float) -> tuple[float, float]:
        """Return the least and the largest value of a count, or any two values that are `enough` apart."""
        for sign in (-1, 1):  # the largest first: a range without a limit needs no more
            is_enough = np.isfinite(enough) and self.most[place] >= self.least[place] + enough
            if place not in self.known and not is_enough:
                self._solve(place, sign)
        return float(self.least[place]), float(self.most[place])

    def _solve(self, place: int, sign: int) -> None:
        own, constraints = self._program(self.piece[place])
        found = linprog(sign * (own == place), **constraints, bounds=(0, None), method="highs")
        if found.status == 3:  # without a limit
            self.most[place] = np.inf
        elif found.status == 0:
            self.least[own], self.most[own] = np.minimum(self.least[own], found.x), np.maximum(self.most[own], found.x)
        else:
            raise AssertionError(f"the report contradicts itself: {found.message}")

    def _program(self, piece: int) -> tuple[np.ndarray, dict[str, Any]]:
        own = np.flatnonzero(self.piece == piece)
        constraints: dict[str, Any] = {}
        for name, (matrix, limits) in (("eq", self.equal), ("ub", self.below)):
            part = matrix[:, own]
            used = np.diff(part.indptr) > 0
            if used.any():
                constraints[f"A_{name}"], constraints[f"b_{name}"] = part[used], limits[used]
        return own, constraints


def _matrix(rows: Rows, n: int, known: Known) -> tuple[csr_array, np.ndarray]:
    """Put what is told on the right side."""
    limits = np.array([-sum(weight * known.get(place, 0) for place, weight in row.items()) for row in rows])
    entries = [(i, place, weight) for i, row in enumerate(rows) for place, weight in row.items() if place not in known]
    line, column, value = zip(*entries, strict=True) if entries else ((), (), ())
    return csr_array(coo_array((value, (line, column)), shape=(len(rows), n))), limits
