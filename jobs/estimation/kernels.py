"""What is seen of a user of a given type: cells of kept units, grids of types, and the probabilities between them.

A user has n units (pageviews or sessions) in a window; each is kept with probability p, independently: k ~ Bin(n, p).
`int` types are the whole numbers n themselves: nothing is assumed but the thinning. `ztp` types are zero-truncated
Poisson laws of n (smoother; wrong where counts are under-dispersed) and serve only as a check of sensitivity. `fine`
types are whole numbers in smaller steps: they tell counts that no population explains from those that a coarse grid
does not, such as everybody's coming exactly eleven times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Law = Literal["int", "ztp", "fine"]

USERS_EXACT = 12  # cells 0..12 hold one count each
USERS_CAP = 60
PAIR_EDGES: IntArray = np.array([0, 1, 2, 3, 4, 6, 9, 14, 22, 40])
SPANNING_CELLS = 3  # cells of spanning sessions above "none": 1, 2, 3 and more


@dataclass(frozen=True)
class Margin:
    """One window (or one kind of unit) of a joint fit.

    Attributes:
        kernel: cells x types; cell 0 is "nothing kept".
        present: per type, 1 if such a user has at least one unit.
        repeated: per type, 1 if such a user has at least two units.
    """

    kernel: Array
    present: Array
    repeated: Array


def users_edges(largest: int) -> IntArray:
    """First counts of the cells of a users fit: 0..12 exactly, then growing by a quarter, the last cell open."""
    cap = min(USERS_CAP, max(USERS_EXACT, largest))
    edges = list(range(USERS_EXACT + 1))
    edge = USERS_EXACT + 1
    while edge <= cap:
        edges.append(edge)
        edge = max(edge + 1, int(np.ceil(edge * 1.25)))
    return np.array([*edges, edge])


def cell_of(k: IntArray, edges: IntArray) -> IntArray:
    """Index of the cell each count falls in."""
    return np.searchsorted(edges, k, side="right").astype(np.int64) - 1


def users_types(law: Law, rate: float, largest: int) -> Array:
    """Types of a users fit: whole numbers 1..40 then geometric, or Poisson means (0 stands for exactly one unit)."""
    reach = 1.6 * min(USERS_CAP, max(USERS_EXACT, largest)) / rate
    if law == "ztp":
        return np.concatenate([[0.0], np.geomspace(0.05, reach, 60)])
    tail = np.round(np.geomspace(40, max(44.0, reach), 40))
    return np.unique(np.concatenate([np.arange(1.0, 41.0), tail]))


def pair_types(law: Law, rate: float, largest: int) -> Array:
    """Types of one margin of a joint fit: 0..8 then growing by a half; for `ztp` means (0 for exactly one unit)."""
    reach = 1.6 * min(int(PAIR_EDGES[-1]), max(6, largest)) / rate
    if law == "ztp":
        return np.concatenate([[0.0], np.geomspace(0.3, reach, 14)])
    if law == "fine":
        return np.unique(np.round(np.concatenate([np.arange(21.0), np.geomspace(20, max(21, reach), 20)])))
    grid, value = list(range(9)), 9.0
    while value < reach:
        grid.append(round(value))
        value *= 1.5
    return np.unique(np.array([*grid, max(10, int(reach))], dtype=np.float64))


def thin_whole(types: Array, rate: float, edges: IntArray) -> Array:
    """Probability of each cell for users with exactly n units: binomial thinning.

    Args:
        types: numbers of units n >= 0.
        rate: probability that a unit is kept.
        edges: first count of each cell.

    Returns:
        Cells x types, columns summing to 1.
    """
    last = edges[1:, None] - 1.0
    whole = np.maximum(types, 1.0).astype(np.int64)
    cdf = np.where(types[None, :] <= last, 1.0, special.bdtr(last, whole[None, :], rate))
    return np.diff(np.vstack([np.zeros(len(types)), cdf, np.ones(len(types))]), axis=0)


def thin_poisson(means: Array, rate: float, edges: IntArray) -> Array:
    """Probability of each cell for users whose number of units is a Poisson variable known to be at least 1.

    A kept count of such a user is Poisson with mean `rate * mean`, cell 0 losing the users who had no unit at all.

    Args:
        means: Poisson means before truncation; 0 is the limit "exactly one unit".
        rate: probability that a unit is kept.
        edges: first count of each cell.

    Returns:
        Cells x types, columns summing to 1.
    """
    mean = np.maximum(means, 1e-9)
    cdf = special.pdtr(edges[1:, None] - 1.0, rate * mean[None, :])
    cells = np.diff(np.vstack([np.zeros(len(mean)), cdf, np.ones(len(mean))]), axis=0)
    cells[0] = np.exp(-rate * mean) - np.exp(-mean)
    cells /= -np.expm1(-mean)
    single = means == 0
    cells[:, single] = 0.0
    cells[0, single], cells[1, single] = 1 - rate, rate
    return cells


def sampled_margin(rate: float, largest: int, law: Law = "int") -> Margin:
    """Margin of a window at a rate below 1, its cells those of `PAIR_EDGES`; who had no unit in it is a type, too."""
    return _margin_of(pair_types(law, rate, largest), rate, law, PAIR_EDGES)


def spanning_margin(rate: float, largest: int, law: Law = "int") -> tuple[Margin, IntArray]:
    """Margin of the sessions that touch both windows, of which a user seldom has two; with the edges of its cells.

    The cell above the largest count seen is one of them: that it is empty bounds how many such sessions users have.
    """
    edges: IntArray = np.arange(2 + min(SPANNING_CELLS - 1, largest))
    if law == "ztp":
        types = np.concatenate([[0.0], np.geomspace(0.3, 1.6 * max(2, largest) / rate, 5)])
    else:
        grid, value = [0, 1, 2, 3], 4.0
        while value < 1.6 * min(int(PAIR_EDGES[-1]), largest) / rate:
            grid.append(round(value))
            value *= 1.5
        types = np.array(grid, dtype=np.float64)
    return _margin_of(types, rate, law, edges), edges


def _margin_of(types: Array, rate: float, law: Law, edges: IntArray) -> Margin:
    """Margin of given types."""
    if law != "ztp":
        return Margin(thin_whole(types, rate, edges), (types > 0).astype(np.float64), (types > 1).astype(np.float64))
    nobody = np.zeros((len(edges), 1))
    nobody[0] = 1.0
    kernel = np.hstack([nobody, thin_poisson(types, rate, edges)])
    # Of a zero-truncated Poisson variable, the chance of two or more: 1 - t / (exp(t) - 1).
    repeated = np.asarray(1 - 1 / special.exprel(types), dtype=np.float64)
    zero = np.zeros(1)
    return Margin(kernel, np.concatenate([zero, np.ones(len(types))]), np.concatenate([zero, repeated]))


def known_margin() -> Margin:
    """Margin of a window at rate 1: two cells and two types, absent and present, seen without error."""
    return Margin(np.eye(2), np.array([0.0, 1.0]), np.array([0.0, 0.0]))


def with_certain_cell(margin: Margin) -> Margin:
    """Add the cell and type "seen in a 100 % segment": such users are known to be present, whatever else was kept."""
    n_cells, n_types = margin.kernel.shape
    kernel = np.zeros((n_cells + 1, n_types + 1))
    kernel[:n_cells, :n_types] = margin.kernel
    kernel[n_cells, n_types] = 1.0
    one, zero = np.ones(1), np.zeros(1)
    return Margin(kernel, np.concatenate([margin.present, one]), np.concatenate([margin.repeated, zero]))


def joint(margins: list[Margin]) -> Array:
    """Kernel of several margins thinned independently: (product of cells) x (product of types), last margin fastest."""
    kernel = margins[0].kernel
    for margin in margins[1:]:
        kernel = np.kron(kernel, margin.kernel).astype(np.float64)
    return kernel


def spread(margins: list[Margin], values: list[Array]) -> list[Array]:
    """Repeat one vector per margin over the product of types, in the order of `joint`."""
    sizes = [margin.kernel.shape[1] for margin in margins]
    grids = []
    for axis, value in enumerate(values):
        shape = [1] * len(sizes)
        shape[axis] = sizes[axis]
        grids.append(np.broadcast_to(value.reshape(shape), sizes).reshape(-1))
    return grids
