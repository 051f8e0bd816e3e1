"""Many fits: order, cache, processes, progress."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from structlog.testing import capture_logs

from jobs import estimation
from jobs.estimation.fits import FitTask
from jobs.steps import fitting as fits
from jobs.steps.fitting import CODE, code_version, fit_many, task_hash


def users_task(seed, rate=0.5, **more):
    rng = np.random.default_rng(seed)
    k, m = np.unique(rng.binomial(rng.geometric(0.4, 400), rate), return_counts=True)
    return FitTask("users_estimate", {"k": k[k > 0], "m": m[k > 0], "rate": rate, **more}, label=(seed,))


def test_answers_come_in_the_order_of_the_tasks_whatever_the_workers():
    tasks = [users_task(seed) for seed in range(24)]
    alone = fit_many(tasks)
    assert fit_many(tasks, workers=2) == alone
    assert len({answer.n_seen for answer in alone}) > 5
    assert [answer.n_seen for answer in alone] == [task.arguments["m"].sum() for task in tasks]


def test_hash_sees_content_and_nothing_else():
    base = task_hash(users_task(1))
    assert task_hash(FitTask("users_estimate", users_task(1).arguments, label=("other",))) == base
    assert task_hash(users_task(2)) != base
    assert task_hash(users_task(1, noun="reviewers")) != base
    arguments = dict(users_task(1).arguments)
    arguments["rate"] = 0.4999999
    assert task_hash(FitTask("users_estimate", arguments)) != base
    assert task_hash(FitTask("unique_ctr_estimate", users_task(1).arguments)) != base


def test_cached_answers_are_used_and_equal(tmp_path, monkeypatch):
    tasks = [users_task(1), users_task(2), users_task(1)]
    first = fit_many(tasks, cache_dir=tmp_path / "fits")
    assert len(list((tmp_path / "fits").iterdir())) == 2
    monkeypatch.setattr(fits, "_estimate", None)  # a second fit would now fail
    assert fit_many(tasks, cache_dir=tmp_path / "fits") == first


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:20],
        lambda content: b"",
        lambda content: b"\xff\xfe" + content,
        lambda content: b"[]",
        lambda content: content.replace(b'"n_seen": ', b'"n_seen": 9'),  # a number like any other
    ],
)
def test_a_damaged_entry_is_fitted_again(tmp_path, damage):
    first = fit_many([users_task(3)], cache_dir=tmp_path)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    assert fit_many([users_task(3)], cache_dir=tmp_path) == first
    assert json.loads(entry.read_text())[1]["n_seen"] == first[0].n_seen


def test_changed_code_makes_the_cache_stale(tmp_path, monkeypatch):
    fit_many([users_task(3)], cache_dir=tmp_path)
    assert len(code_version()) == 16
    monkeypatch.setattr(fits, "code_version", lambda: "another")
    fit_many([users_task(3)], cache_dir=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_progress_ends_at_all(tmp_path):
    seen = []
    tasks = [users_task(seed) for seed in range(3)]
    fit_many(tasks, cache_dir=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    fit_many(tasks, cache_dir=tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[3:] == [(3, 3)]


def test_unknown_estimator_is_an_error():
    with pytest.raises(KeyError, match="no_such"):
        fit_many([FitTask("no_such", {})])


def test_every_estimator_runs_as_a_task():
    k, m = np.array([1, 2, 3]), np.array([100, 60, 30])
    visitors = fit_many([users_task(1)])[0]
    answers = fit_many(
        [
            FitTask("retention_estimate", {"k1": k, "k2": k[::-1], "m": m, "rate1": 0.5, "rate2": 0.5}),
            FitTask("unique_ctr_estimate", {"n_click_units": k, "n_shown_only_units": k, "m": m, "rate": 0.5}),
            FitTask("two_day_review_bounds", {"n_two_days": 30, "users": visitors, "rate": 0.5}),
        ]
    )
    assert [answer.estimator for answer in answers] == ["npmle_retention", "npmle_ratio", "bounds"]


def test_a_fit_that_fails_is_refused_and_not_remembered_and_every_window_of_it_is_named(tmp_path):
    day = pd.Timestamp("2026-03-25")
    labels = [("visitors", (wiki, "rolling", "visitors", 7, day)) for wiki in ("idwiki", "trwiki")]
    broken = [FitTask("users_estimate", users_task(2).arguments | {"rate": "half"}, label) for label in labels]
    good = users_task(1)
    with capture_logs() as told:
        refused, _, fine = fit_many([*broken, good], cache_dir=tmp_path)
    assert fine == fit_many([good])[0]
    assert (refused.status, refused.estimator, refused.estimate) == ("not_estimable", "none", None)
    assert "could not be computed (TypeError" in refused.status_reason
    assert len(list(tmp_path.iterdir())) == 1, "the next run tries again"
    assert {line["log_level"] for line in told} == {"warning"}
    assert [line["window"] for line in told] == [
        f"visitors, {wiki}, rolling, visitors, 7, 2026-03-25" for wiki in ("idwiki", "trwiki")
    ]


def test_an_answer_is_named_by_all_code_that_makes_it():
    """A module that fits reach and `CODE` lacks would leave answers of older code in the cache."""
    folder = Path(estimation.__path__[0])
    reached, todo = set(), {"people", "reference_shape"}
    while todo:
        name = todo.pop()
        reached.add(name)
        source = (folder / f"{name}.py").read_text()
        todo |= set(re.findall(r"^from jobs.estimation.(\w+) import", source, re.M)) - reached
    assert reached == set(CODE)
