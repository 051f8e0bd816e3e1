"""Make jobs/estimation/identifiability.py: half-widths of the fits on expected data, by rate and number of users.

    python benchmarks/identifiability.py

Expected data: the table a population shows on average at a rate (fractions of users allowed), through the fits of
`jobs.estimation`. Of the shapes of visiting the widest half-width counts, so that a remedy does not promise too much.
Deterministic; takes a few minutes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import numpy as np
from scipy import special, stats

from jobs.estimation.retention import Side, return_problem, share_fit
from jobs.estimation.users import users_fit

RATES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9)
N_USERS = (100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)
LARGEST = 400
TARGET = Path(__file__).parent.parent / "jobs" / "estimation" / "identifiability.py"
HEADER = '''"""The identifiability map: half-widths of 95 % intervals on expected data. Generated, do not edit.

Made by `benchmarks/identifiability.py`. Rows of `HALF_WIDTHS` follow `RATES`, columns follow `N_USERS`: users in the
window (of a share: in its denominator), seen or not. `users` is relative to their number, `share` absolute.
"""

'''


def users_shapes() -> dict[str, np.ndarray]:
    """Laws of the number of units, at 1..LARGEST: probabilities."""
    n = np.arange(1, LARGEST + 1)
    grid = np.exp(stats.norm.ppf((np.arange(400) + 0.5) / 400) * 1.2 + 1.0)
    laws = {
        "light": 0.5**n,
        "gamma": stats.nbinom.pmf(n, 0.6, 0.6 / (0.6 + 6.0)),
        "lognormal": stats.poisson.pmf(n[:, None], grid[None, :]).mean(axis=1),
        "zipf": n**-2.0,
    }
    return {name: law / law.sum() for name, law in laws.items()}


def pair_shapes() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Joint laws over types (weight, mean in window 1, mean in window 2), counts Poisson; a mean of 0 never comes."""
    z = stats.norm.ppf((np.arange(60) + 0.5) / 60)
    light = np.exp(0.5 * z)
    gamma = stats.gamma.ppf((np.arange(60) + 0.5) / 60, 0.8, scale=5.0)
    heavy = np.exp(0.8 + 1.2 * z)
    half = np.full(60, 1 / 120)
    return {
        "light": (np.concatenate([half, half]), np.tile(light, 2), np.concatenate([light, 0.05 * light])),
        "gamma_churn": (
            np.concatenate([half * 1.4, half * 0.6]),
            np.tile(gamma, 2),
            np.concatenate([gamma, 0 * gamma]),
        ),
        "lognormal": (np.concatenate([half, half]), np.tile(heavy, 2), np.concatenate([heavy, 0.1 * heavy])),
    }


def users_half_width(law: np.ndarray, rate: float, n_users: int) -> float:
    n = np.arange(1, LARGEST + 1)
    k = np.arange(1, LARGEST + 1)
    m = n_users * (stats.binom.pmf(k[:, None], n[None, :], rate) @ law)
    keep = np.flatnonzero(np.cumsum(m[::-1])[::-1] > 0.5)
    m_kept = m[keep].copy()
    m_kept[-1] += m[keep[-1] + 1 :].sum()
    fit = users_fit(k[keep], m_kept, rate)
    return (fit.upper - fit.lower) / 2 / n_users


def share_half_width(shape: tuple[np.ndarray, np.ndarray, np.ndarray], rate: float, n_users: int) -> float:
    """The cohort (at least one unit in window 1) has n_users; users of window 2 only come on top."""
    weight, mean1, mean2 = shape
    k = np.arange(0, 61)
    p1 = stats.poisson.pmf(k[:, None], rate * mean1[None, :])
    p2 = stats.poisson.pmf(k[:, None], rate * mean2[None, :])
    cohort = float(weight @ -special.expm1(-mean1))
    table = n_users / cohort * (p1 * weight) @ p2.T
    table[0, 0] = 0.0
    a, b = np.nonzero(table > 1e-7)
    fit = share_fit(return_problem(Side(a, rate), Side(b, rate), table[a, b]))
    return (fit.upper - fit.lower) / 2


def main() -> None:
    users, pairs = users_shapes(), pair_shapes()
    tables: dict[str, list[list[float]]] = {"users": [], "share": []}
    for rate in RATES:
        tables["users"].append([max(users_half_width(law, rate, n) for law in users.values()) for n in N_USERS])
        tables["share"].append([max(share_half_width(shape, rate, n) for shape in pairs.values()) for n in N_USERS])
        print(rate, [round(x, 3) for x in tables["users"][-1]], [round(x, 3) for x in tables["share"][-1]], flush=True)
    lines = [HEADER + f"RATES = {RATES}", f"N_USERS = {N_USERS}", "HALF_WIDTHS = {"]
    for family, rows in tables.items():
        lines.append(f'    "{family}": (')
        lines.extend("        (" + ", ".join(f"{x:.4f}" for x in row) + ")," for row in rows)
        lines.append("    ),")
    TARGET.write_text("\n".join([*lines, "}"]) + "\n")


if __name__ == "__main__":
    main()
