"""Independent answers (cvxpy with Clarabel, own kernels, finer grids) for the people fits, `vectors_people.json`.

Tolerances are the vectors' own.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from jobs.estimation.retention import Side, return_problem, share_fit
from jobs.estimation.users import users_fit

VECTORS = {v["id"]: v for v in json.loads((Path(__file__).parent / "vectors_people.json").read_text())}


@pytest.mark.parametrize("name", ["npmle_users_gamma", "npmle_users_light"])
def test_users_fit_agrees_with_an_independent_solver(name):
    vector = VECTORS[name]
    k, m, expected, tolerance = np.array(vector["k"]), np.array(vector["m"]), vector["expected"], vector["tol"]
    peer = users_fit(k, m, vector["p"], law="ztp")  # the peer's law
    best = min(abs(peer.estimate / expected[point] - 1) for point in ("u_mle", "u_cond"))
    assert best < tolerance
    assert peer.lower == pytest.approx(expected["lo"], rel=2 * tolerance)
    assert peer.upper == pytest.approx(expected["hi"], rel=2 * tolerance)
    ours = users_fit(k, m, vector["p"])
    assert ours.lower <= vector["true_users"] <= ours.upper
    assert ours.upper - ours.lower >= peer.upper - peer.lower, "fewer assumptions cannot give a shorter interval"


def test_return_share_agrees_with_an_independent_solver():
    vector = VECTORS["npmle_ret_0"]
    cells, edges, expected = np.array(vector["T"]), np.array(vector["edges"]), vector["expected"]
    first, second = np.nonzero(cells)
    sides = Side(edges[first], vector["p1"]), Side(edges[second], vector["p2"])
    fit = share_fit(return_problem(*sides, cells[first, second]))
    assert fit.estimate == pytest.approx(expected["R"], abs=vector["tol_abs"])
    assert fit.lower == pytest.approx(expected["lo"], abs=vector["tol_abs"])
    assert fit.upper == pytest.approx(expected["hi"], abs=vector["tol_abs"])
    assert fit.lower <= vector["true_retention"] <= fit.upper
