"""Counting the audience on a real lake: what replaces what, what a kill leaves, what is refused. No marts are built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console
from structlog.testing import capture_logs

import jobs.steps.audience
from jobs import contracts
from jobs.audience import Band
from jobs.dumps.columns import ALL_COLUMNS, OLD_COLUMNS
from jobs.engine.session import SPARK, Engine, open_engine
from jobs.errors import GateError, NoInputError, UsageError, WarehouseError
from jobs.raw.place import Input
from jobs.reference.load import Reference
from jobs.settings import load_settings
from jobs.steps.audience import begin_audience, make_audience
from jobs.steps.audience_reading import Wanted, wanted_dumps
from jobs.steps.job import Job
from jobs.warehouse.catalog import catalog_properties
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import Run
from jobs.warehouse.publish import publish, roll_forward
from jobs.warehouse.runs import Warehouse
from jobs.windows import DAY
from tests.conftest import ENGINE, engine_settings
from tests.dumps.dump_rows import put, row
from tests.references import BEGIN, policy_row, reference, wiki_row

TABLES = ("audience", "audience_values", "audience_alternatives", "audience_log", "metric_values", "milestone_status",
          "data_quality_metrics")  # fmt: skip
LAST = date(2026, 3, 31)
N_EDITORS = 12


class Killed(BaseException):
    """Like the end of a process: nothing catches it."""


def dump(root: Path, wiki: str, n_editors: int = N_EDITORS, *, snapshot: str = "2026-03", is_old: bool = False) -> None:
    """Write a wiki's year: each editor has one edit on the last day of March, and one three weeks before."""
    layout = OLD_COLUMNS if is_old else ALL_COLUMNS
    lines = []
    for editor in range(1, n_editors + 1):
        for day, edits in ((LAST - timedelta(21), 198 + editor), (LAST, 199 + editor)):
            if day == LAST and editor > n_editors - 1:  # one did not come back
                continue
            of = {"wiki_db": wiki, "event_user_id": f"{editor}", "event_user_revision_count": f"{edits}"}
            lines.append(row(layout, **of, event_timestamp=f"{day} 08:00:00.0"))
    put(root, lines, wiki=wiki, snapshot=snapshot)


class Site:
    """Dumps, and a warehouse whose marts are not built."""

    def __init__(self, folder: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.lake, self._monkeypatch = folder, lake, monkeypatch
        self.history = Input(f"{folder / 'history'}")
        self.warehouse = Warehouse(folder / "warehouse")
        self.warehouse.prepare()
        self.printed = ""
        monkeypatch.setattr(jobs.steps.audience, "audience_gate", lambda *_, **__: None)
        monkeypatch.setattr(jobs.steps.audience, "build_checked", lambda _: None)
        self.publishes(lambda job: publish(job.lake, job.warehouse, job.run))

    def publishes(self, how: Any) -> None:
        """Let the last act be another."""
        self._monkeypatch.setattr(jobs.steps.audience, "publish_built", how)

    def wanted(self, *wikis: str, **changes: Any) -> Wanted:
        """Return what a command asks for."""
        found = Wanted(self.history, "2026-03", (LAST,), wikis or None, (Band(100, 500),), (14, 28))
        return replace(found, **changes)

    def audience(self, *wikis: str, options: tuple[str, ...] = (), **changes: Any) -> Run:
        """Count, and publish."""
        wanted = self.wanted(*wikis, **changes)
        files = wanted_dumps(wanted)
        console = Console(record=True, width=200)
        other = cast(Any, SimpleNamespace(prepare=lambda _: None))
        run = begin_audience(self.lake, self.warehouse, wanted)
        settings = load_settings(None, ("engine.workers=1", *options))[0]
        try:
            make_audience(Job(self.lake, self.warehouse, settings, console, run, other), wanted, files)
        finally:
            self.printed = console.export_text()
        return run

    def rows(self, name: str = "audience") -> list[dict[str, Any]]:
        """Return published rows of a table, in the order of its key."""
        table = contracts.table(name)
        days = [LAST - n * DAY for n in range(100)]
        found = self.lake.arrow_days(name, days).to_pylist()
        assert len({tuple(one[key] for key in table.grain) for one in found}) == len(found)
        return sorted(found, key=lambda one: tuple(str(one[key]) for key in table.grain))

    @property
    def counts(self) -> dict[tuple[Any, ...], int]:
        """Published editors by wiki, band and days, of the last date."""
        return {
            (one["wiki_db"], one["band"], one["window_days"]): one["n_editors"]
            for one in self.rows()
            if one["as_of_date"] == LAST
        }

    @property
    def all_tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every published row."""
        return {name: self.rows(name) for name in TABLES[:4]}


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site of its own; Spark opens one catalog for life, so there with an engine of its own."""
    monkeypatch.setattr(contracts, "TABLES", {name: contracts.TABLES[name] for name in TABLES})
    if ENGINE == SPARK:
        properties = catalog_properties({}, tmp_path)
        with open_engine(engine_settings(), tmp_path / "scratch", catalog=properties) as engine:
            yield _site(engine, tmp_path, monkeypatch)
    else:
        yield _site(request.getfixturevalue("engine"), tmp_path, monkeypatch)


def _site(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    lake = Lake(engine, open_home({}, folder)[0])
    lake.ensure_tables()
    found = Site(folder, lake, monkeypatch)
    dump(folder / "history", "trwiki")
    dump(folder / "history", "idwiki", 20, is_old=True)
    return found


@pytest.mark.on_spark
def test_cells_that_are_counted_again_are_replaced_and_others_stay(site: Site) -> None:
    site.audience("trwiki")
    assert site.counts == {("trwiki", "100-500", 14): 11, ("trwiki", "100-500", 28): 12}
    assert "11" in site.printed
    first = site.rows()
    site.audience("idwiki")
    assert {wiki for wiki, *_ in site.counts} == {"idwiki", "trwiki"}
    assert [one for one in site.rows() if one["wiki_db"] == "trwiki"] == first
    site.audience("trwiki", bands=(Band(205, 300),), windows=(7,))
    assert site.counts["trwiki", "205-300", 7] == 6
    assert len(site.counts) == 5
    site.audience("trwiki", as_of=(LAST - DAY,))
    assert len(site.counts) == 5
    assert {one["as_of_date"] for one in site.rows()} == {LAST, LAST - DAY}
    dump(site.folder / "history", "trwiki", 30, snapshot="2026-04")
    site.audience("trwiki", snapshot="2026-04")
    assert (site.counts["trwiki", "100-500", 28], site.counts["trwiki", "205-300", 7]) == (30, 6)
    logged = {(one["wiki_db"], one["snapshot"]) for one in site.rows("audience_log") if one["as_of_date"] == LAST}
    assert logged == {("idwiki", "2026-03"), ("trwiki", "2026-03"), ("trwiki", "2026-04")}
    values = {(one["wiki_db"], one["edit_count_bucket"], one["window_days"]): one["observed_numerator"]
              for one in site.rows("audience_values") if one["as_of_date"] == LAST}  # fmt: skip
    assert values == {key: n if n >= 10 else None for key, n in site.counts.items()}


def test_windows_of_two_commands_are_projected_together_and_each_says_what_was_read(site: Site) -> None:
    site.audience("trwiki", windows=(28,))
    assert [one["projected"] for one in site.rows()] == [None]
    site.audience("trwiki", windows=(14,))
    short, long = site.rows()
    assert short["projected"] is None
    assert long["projected"] > long["n_editors"] == 12
    spans = [(LAST - n * DAY, LAST) for n in (13, 27)]
    assert [(one["read_from"], one["read_to"]) for one in (short, long)] == spans
    assert {(one["read_from"], one["as_of_date"]) for one in site.rows("audience_log")} == set(spans)
    site.audience("trwiki", windows=(14, 56))
    site.audience("trwiki")
    unread = {"read_from": None, "days_read": None}
    assert [one | unread for one in site.rows()[:2]] == [one | unread for one in (short, long)]
    dump(site.folder / "history", "trwiki", 30, snapshot="2026-04")
    site.audience("trwiki", windows=(14,), snapshot="2026-04")
    assert [one["projected"] for one in site.rows()] == [None] * 3, "the others are of another snapshot"


def test_beside_eight_weeks_that_an_earlier_command_counted_no_projection_is_printed(site: Site) -> None:
    def in_8_weeks() -> list[str]:
        return [line.split("│")[-2].strip() for line in site.printed.splitlines() if line.startswith("│ trwiki")]

    dump(site.folder / "history", "trwiki", 30, snapshot="2026-04")
    site.audience("trwiki", windows=(56,), snapshot="2026-04")
    site.audience("trwiki")
    assert in_8_weeks()[1].endswith(")"), site.printed
    site.audience("trwiki", windows=(56,))
    site.audience("trwiki")
    assert in_8_weeks() == ["–", "–"], site.printed
    assert [one["projected"] is None for one in site.rows()] == [True, False, True], "it can be held against the count"


def test_readings_of_other_days_between_the_same_ends_do_not_replace_each_other(site: Site) -> None:
    early = LAST - 18 * DAY
    site.audience("trwiki", as_of=(early, LAST), windows=(7,))
    apart = f"{early - 6 * DAY}/{early},{LAST - 6 * DAY}/{LAST}"
    assert [one["days_read"] for one in site.rows()] == [apart, apart]
    before = site.rows("audience_log")
    site.audience("trwiki", windows=(25,))
    whole = f"{LAST - 24 * DAY}/{LAST}"
    found = site.rows("audience_log")
    assert [one for one in found if one["days_read"] == apart] == before
    kept = {one["days_read"]: one["n_rows"] for one in found if one["fate"] == "kept"}
    assert kept == {apart: 23, whole: 23}
    assert {one["window_days"]: one["days_read"] for one in site.rows()} == {7: apart, 25: whole}
    site.audience("trwiki", windows=(25,))
    assert site.rows("audience_log") == found, "the same reading replaces itself"


def _without_days_read(site: Site) -> list[dict[str, Any]]:
    """Make what is published that of a version which did not note the days; return its log."""
    days = [LAST - DAY, LAST]
    for name in ("audience", "audience_log"):
        rows = site.lake.arrow_days(name, days).to_pandas(date_as_object=True, integer_object_nulls=True)
        site.lake.stage_pandas(name, rows.assign(days_read=None), "older", days)
    site.lake.publish("older")
    return site.rows("audience_log")


def test_rows_of_before_the_days_were_noted_keep_what_was_logged_of_them(site: Site) -> None:
    site.audience("trwiki")
    older = _without_days_read(site)
    site.audience("trwiki", windows=(28,))
    assert [one["days_read"] for one in site.rows()] == [None, f"{LAST - 27 * DAY}/{LAST}"]
    assert [one for one in site.rows("audience_log") if one["days_read"] is None] == older
    assert len(site.rows("audience_log")) == 2 * len(older)
    site.audience("trwiki")
    assert [one | {"days_read": None} for one in site.rows("audience_log")] == older, "nothing is of the older reading"
    assert {one["days_read"] for one in site.rows("audience_log")} == {f"{LAST - 27 * DAY}/{LAST}"}


def test_what_was_logged_of_an_earlier_day_stays_until_that_is_counted_again(site: Site) -> None:
    both = (LAST - DAY, LAST)
    site.audience("trwiki", "idwiki", as_of=both, windows=(28,))
    older = _without_days_read(site)
    site.audience("trwiki", windows=(28, 29))  # the same first and last day
    assert [one for one in site.rows("audience_log") if one["days_read"] is None] == older
    site.audience("trwiki", as_of=both, windows=(28,))
    left = [one for one in site.rows("audience_log") if one["days_read"] is None]
    assert left == [one for one in older if one["wiki_db"] == "idwiki"]


def test_another_definition_stands_beside_the_contracts_and_is_no_metric(site: Site) -> None:
    site.audience("trwiki")
    before = site.all_tables
    site.audience("trwiki", options=("audience.bots=counted",))
    assert "no values of eligible_editors" in " ".join(site.printed.split())
    after = site.all_tables
    assert [one for one in after["audience"] if not one["definition"]] == before["audience"]
    others = [one for one in after["audience"] if one["definition"]]
    assert {one["definition"] for one in others} == {"bots=counted"}
    assert [one["projected"] is None for one in others] == [True, False]
    assert {**after, "audience": None} == {**before, "audience": None}
    site.audience("trwiki")
    assert site.all_tables == after


def test_a_command_that_was_killed_is_repeated(site: Site) -> None:
    site.audience()
    whole = site.all_tables
    assert len(whole["audience"]) == 4
    assert len(whole["audience_alternatives"]) > 4

    def is_killed(_: Job) -> None:
        raise Killed

    dump(site.folder / "history", "trwiki", 15)
    site.publishes(is_killed)
    with pytest.raises(Killed):
        site.audience()
    assert site.all_tables == whole, "nothing of it is seen"
    site.publishes(lambda job: publish(job.lake, job.warehouse, job.run))
    with capture_logs() as logged:
        site.audience()
    assert "dropped what an unfinished run had staged" in [entry["event"] for entry in logged]
    again = site.all_tables
    assert {one["n_editors"] for one in again["audience"]} == {14, 15, 19, 20}
    site.audience()
    assert site.all_tables == again, "the same again changes nothing"
    assert [run.state for run in site.warehouse.all_runs()] == ["published"] * 3


def test_a_publish_that_was_cut_off_is_finished(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "replace_marts", is_killed)
        with pytest.raises(Killed):
            site.audience()
    roll_forward(site.lake, site.warehouse)
    assert len(site.counts) == 4
    assert [(run.state, run.is_audience) for run in site.warehouse.all_runs()] == [("published", True)]


def test_what_a_gate_stops_is_not_published(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def says_no(*_: object, **__: object) -> None:
        raise GateError("the audience gate failed")

    monkeypatch.setattr(jobs.steps.audience, "audience_gate", says_no)
    with pytest.raises(GateError):
        site.audience()
    assert site.rows() == []
    (run,) = site.warehouse.all_runs()
    assert run.state == "failed"
    staged = {name: len(site.lake.day_frame(name, [LAST], run.run_id)) for name in TABLES[:4]}
    assert staged.pop("audience_alternatives") > 4
    assert set(staged.values()) == {2, 4}, "until the next run it can be looked at: audit --staged"


def test_a_day_behind_the_last_event_is_refused_and_the_last_possible_named(site: Site) -> None:
    with pytest.raises(UsageError, match="2026-03-31 is the last possible day"):
        site.audience(as_of=(date(2026, 4, 1),))
    assert site.warehouse.all_runs() == [], "before anything is read"
    dump(site.folder / "history", "trwiki", snapshot="2026-04")
    with pytest.raises(UsageError, match=r"(?s)2026-04-02 lies behind .*2026-03-31 is the last possible day"):
        site.audience(as_of=(date(2026, 4, 2),), snapshot="2026-04")


def test_a_snapshot_that_is_not_there_is_waited_for(site: Site) -> None:
    with pytest.raises(NoInputError):
        site.audience(snapshot="2026-05")
    with pytest.raises(UsageError, match="xxwiki"):
        site.audience("xxwiki")


def test_the_reference_is_that_of_what_is_published(site: Site) -> None:
    site.audience("trwiki")
    run = site.warehouse.last_published()
    assert run is not None
    assert Reference.read(site.warehouse.reference(run.run_id)).wikis == ()
    days = site.warehouse.new_run(LAST, LAST + DAY, "in")
    days.state = "published"
    site.warehouse.save(days)
    known = reference(policy_row(), wikis=[wiki_row("trwiki", BEGIN)])
    known.write(site.warehouse.reference(days.run_id))
    run = site.audience("trwiki")
    assert [wiki.wiki_db for wiki in Reference.read(site.warehouse.reference(run.run_id)).wikis] == ["trwiki"]
    (site.warehouse.reference(run.run_id) / "wikis.csv").unlink()
    with pytest.raises(WarehouseError, match=r"The CSVs that .* cannot be read"):
        site.audience("trwiki")


# Without a lake
