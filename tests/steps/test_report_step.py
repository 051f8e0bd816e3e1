"""The step `report` around the site: what it is told, where it goes, and what is said where it cannot be made."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from jobs.errors import STILL_PUBLISHED, UsageError, WarehouseError
from jobs.marts import docs
from jobs.report.about import About
from jobs.report.swap import MADE_BY, MARKER
from jobs.settings import Settings, load_settings
from jobs.steps import report
from jobs.steps.companion import Companion
from jobs.steps.report import begin_report, report_of_run, report_to
from jobs.warehouse.runs import Warehouse
from tests.quality.changes_cases import SMALL, D, write

OFF = ("report.build=false",)
NAMES = (docs.PAGE, docs.MADE_FROM)


class Here:
    """A companion in this process."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    begin = call


HERE = cast(Companion, Here())


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[About]:
    """What sites were made of; each is a folder with a mark."""
    made: list[About] = []

    def build(_: Warehouse, about: About, out: Path, __: object) -> Any:
        made.append(about)
        out.mkdir(exist_ok=True)
        (out / MARKER).write_text(json.dumps({"made_by": MADE_BY, "run_id": about.run_id, "pages": []}))
        return SimpleNamespace(pages=("index.html",), n_bytes=1000)

    monkeypatch.setattr(report, "_build", build)
    monkeypatch.setattr(report, "make_docs", lambda folder: folder.mkdir(exist_ok=True))
    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """One with a published run, and one that was begun after it."""
    warehouse = Warehouse(tmp_path / "w h")
    warehouse.prepare()
    for state in ("published", "open"):
        run = warehouse.new_run(D, D + timedelta(days=1), "in")
        run.state = state
        warehouse.save(run)
    write(warehouse.marts, SMALL)
    return warehouse


def settings(*overrides: str) -> Settings:
    return load_settings(None, overrides)[0]


def published(warehouse: Warehouse) -> str:
    run = warehouse.last_published()
    assert run is not None
    return run.run_id


def of_run(site: Path) -> str:
    """The run that a site is of."""
    return str(json.loads((site / MARKER).read_text())["run_id"])


def test_the_site_says_of_which_publish_it_is(warehouse: Warehouse, built: list[About]) -> None:
    with capture_logs() as told:
        report_of_run(settings("privacy.min_users=20"), warehouse, HERE)
    (about,) = built
    assert (about.run_id, about.as_of, about.min_users) == (published(warehouse), D, 20)
    assert of_run(warehouse.report) == about.run_id
    assert about.dbt_docs == warehouse.dbt_docs / "index.html"
    assert about.data_docs == warehouse.data_docs
    (line,) = told
    assert (line["event"], line["pages"], line["kilobytes"]) == ("report made", 1, 1)


def test_a_run_without_a_report_says_that_it_is_switched_off(warehouse: Warehouse, built: list[About]) -> None:
    with capture_logs() as told:
        begin_report(settings(*OFF), warehouse, HERE)
        report_of_run(settings(*OFF), warehouse, HERE)
    assert built == []
    assert not any(place.exists() for place in (warehouse.report, warehouse.dbt_docs))
    assert [(line["event"], line["setting"]) for line in told] == [
        ("no report: it is switched off", "[report] build")
    ]  # fmt: skip


def test_dbt_s_page_is_made_while_the_run_computes_and_kept(
    warehouse: Warehouse, built: list[About], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(report, "make_docs", made.append)
    monkeypatch.setattr(report, "docs_are_fresh", made.__contains__)
    begin_report(settings(), warehouse, HERE)
    assert made == [warehouse.dbt_docs]
    report_of_run(settings(), warehouse, HERE)
    assert len(made) == 1


def test_a_report_elsewhere_leaves_the_warehouse_as_it_is(
    warehouse: Warehouse, built: list[About], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report, "docs_are_fresh", lambda folder: folder == warehouse.dbt_docs)
    before = sorted(warehouse.path.rglob("*"))
    report_to(settings(*OFF), warehouse, HERE, tmp_path / "out")  # what runs do is no matter here
    assert sorted(warehouse.path.rglob("*")) == before
    assert of_run(tmp_path / "out") == published(warehouse)
    assert built[0].dbt_docs == warehouse.dbt_docs / "index.html"


@pytest.mark.parametrize("may_write", [True, False])
def test_dbt_s_page_made_for_a_report_elsewhere_is_kept_where_it_can_be(
    warehouse: Warehouse, built: list[About], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, may_write: bool
) -> None:
    def make(folder: Path) -> None:
        for name in NAMES:
            (folder / name).write_text(name)

    monkeypatch.setattr(report, "make_docs", make)
    monkeypatch.setattr(report, "docs_are_fresh", lambda folder: (folder / docs.MADE_FROM).exists())
    kept = warehouse.dbt_docs
    if not may_write:
        kept.write_text("in the way")
    before = sorted(warehouse.path.iterdir())
    for _ in range(2):
        report_to(settings(), warehouse, HERE, tmp_path / "out")
    assert sorted(warehouse.path.iterdir()) == sorted({*before, kept})
    assert [about.dbt_docs == kept / docs.PAGE for about in built] == [False, may_write]
    if may_write:
        assert {file.name: file.read_text() for file in kept.iterdir()} == {name: name for name in NAMES}


def test_a_folder_of_somebody_else_is_refused(warehouse: Warehouse, built: list[About], tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="left as it is"):
        report_to(settings(), warehouse, HERE, tmp_path / "letters")
    assert [file.read_text() for file in (tmp_path / "letters").iterdir()] == ["mine"]
    assert built == []


def test_the_folder_one_stands_in_has_a_name(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[Path] = []

    def build(_: object, __: object, out: Path, ___: object) -> Any:
        places.append(out)
        return SimpleNamespace(pages=(), n_bytes=0)

    monkeypatch.setattr(report, "_build", build)
    monkeypatch.setattr(report, "make_docs", lambda _: None)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    report_to(settings(), warehouse, HERE, Path())
    assert places == [tmp_path / "here"]


def test_before_anything_is_published_there_is_nothing_to_report(built: list[About], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing is published"):
        report_to(settings(), Warehouse(tmp_path / "w"), HERE, tmp_path / "out")


def test_a_publish_while_the_marts_are_read_makes_it_read_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, built: list[About]
) -> None:
    make, tries = report._build, []

    def build(one: Warehouse, about: About, out: Path, seen: tuple[int, ...]) -> Any:
        tries.append(about.as_of)
        if len(tries) == 1:  # a run publishes
            write(one.next_marts, {**SMALL, "fct_metric_values": SMALL["fct_metric_values"][:1]})
            one.next_marts.replace(one.marts)
        return make(one, about, out, seen) if report._version(one) == seen else None

    monkeypatch.setattr(report, "_build", build)
    report_of_run(settings(), warehouse, HERE)
    assert [tries, [about.as_of for about in built]] == [[D, D - timedelta(days=1)], [D - timedelta(days=1)]]


# What goes wrong after publishing

AGAIN = "pdmetrics --warehouse '{0}' report --out '{0}/report'"


def failing(warehouse: Warehouse, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> None:
        raise error

    monkeypatch.setattr(report, "_build", build)
    monkeypatch.setattr(report, "make_docs", lambda _: None)
    report_of_run(settings(), warehouse, HERE)


@pytest.mark.parametrize(
    ("error", "what", "where"),
    [
        (WarehouseError("It is odd.", where="there", next_step="mend it"), "It is odd.", "there"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "No space left on device.", "/x/y"),
    ],
)
def test_numbers_are_published_whatever_becomes_of_the_report(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, error: Exception, what: str, where: str
) -> None:
    with pytest.raises(WarehouseError) as told:
        failing(warehouse, error, monkeypatch)
    assert told.value.what.startswith(f"The report was not made, {STILL_PUBLISHED}.")
    assert what in told.value.what
    assert (told.value.where, told.value.exit_code) == (where, 2)
    assert told.value.next_step.endswith("; then " + AGAIN.format(warehouse.path))


def test_the_unexpected_stays_what_it_is_with_a_note(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError) as told:
        failing(warehouse, KeyError("metric"), monkeypatch)
    (note,) = told.value.__notes__
    assert note.startswith(STILL_PUBLISHED)
    assert AGAIN.format(warehouse.path) in note


def test_a_day_of_the_marts_is_a_date(warehouse: Warehouse, built: list[About]) -> None:
    report_of_run(settings(), warehouse, HERE)
    assert type(built[0].as_of) is date
