"""The audience gate asked again: of which dates, of published or staged cells, and what needs the dumps.

Great Expectations takes seconds: here a stand-in keeps what it would look at; `test_audience_world.py` asks the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

import jobs.steps.audit_audience
from expectations.audience import OF_DUMPS
from expectations.gate import COLUMNS, GateResult, suite_of
from jobs import contracts
from jobs.errors import NoInputError, UsageError
from jobs.settings import load_settings
from jobs.steps.audit import audited
from jobs.steps.audit_audience import AuditedAudience, audit_audience
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import Run
from jobs.warehouse.refused import LINES, LOG
from jobs.warehouse.runs import Warehouse
from jobs.windows import DAY
from tests.quality.test_audience_profile import BEFORE, tables, together
from tests.quality.test_audience_profile import DAY as LAST
from tests.quality.test_audience_profile import TABLES as OWN

SETTINGS = load_settings(None)[0]
Cells = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Site:
    """A warehouse with tables, and no engine."""

    warehouse: Warehouse
    lake: Lake
    profiles: dict[str, pd.DataFrame]

    def stage(self, cells: Cells, state: str = "published") -> Run:
        """Stage cells as a run does that ends so."""
        as_of = sorted(set(cells["audience"]["as_of_date"]))
        run = self.warehouse.new_run(as_of[0], as_of[-1] + DAY, "history", audience=[])
        run.as_of = as_of
        for name, rows in cells.items():
            self.lake.stage_pandas(name, rows, run.run_id, sorted(set(rows["as_of_date"])))
        if state == "published":
            self.lake.publish(run.run_id)
        self.end(run, state)
        return run

    def end(self, run: Run, state: str) -> None:
        run.state = state
        self.warehouse.save(run)

    def audit(self, *days: date, is_staged: bool = False) -> AuditedAudience:
        return audit_audience(SETTINGS, self.warehouse, days, is_staged=is_staged)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(contracts, "TABLES", {name: contracts.TABLES[name] for name in (*OWN, LOG, LINES)})
    warehouse = Warehouse(tmp_path)
    warehouse.prepare()
    lake = Lake(cast(Any, SimpleNamespace(is_embedded=True)), open_home({}, warehouse.path)[0])
    lake.ensure_tables()
    found = Site(warehouse, lake, {})

    def judged(name: str, profiles: Mapping[str, pd.DataFrame], _: object, *, days: list[date]) -> GateResult:
        found.profiles.update(profiles)
        silent = {*OF_DUMPS, *(["audience_moved"] if profiles["past"].empty else [])}
        asked = [check.id for check in suite_of(name) if check.id not in silent]
        return GateResult(name, pd.DataFrame([said(check_id, "all", True, days[-1]) for check_id in asked]), [])

    monkeypatch.setattr(jobs.steps.audit_audience, "run_gate", judged)
    return found


def said(check_id: str, subject: str, success: bool, day: date = LAST) -> dict[str, Any]:
    return dict.fromkeys(COLUMNS, "") | {
        "event_date": day, "gate": "audience", "check_id": check_id, "subject": subject, "severity": "critical",
        "success": success, "message": "" if success else "1 lost",
    }  # fmt: skip


def test_without_a_day_the_newest_of_each_wiki_is_asked_and_what_takes_the_dumps_is_told(site: Site) -> None:
    old = [tables(day=day, wiki="idwiki") for day in (BEFORE - DAY, BEFORE)]
    site.stage(together([*old, tables()]))
    found = site.audit()
    assert found.days == [BEFORE, LAST]
    cells = site.profiles["cells"]
    assert set(zip(cells["event_date"], cells["subject"], strict=True)) == {(BEFORE, "idwiki"), (LAST, "trwiki")}
    first, second = found.notes
    assert first.startswith(
        f"Not asked again, since they compare with the dumps: {', '.join(OF_DUMPS)}. What they said"
    )
    assert second == "There was nothing to compare for audience_moved."
    assert site.audit(BEFORE - DAY, LAST - DAY).days == [BEFORE - DAY]
    with pytest.raises(NoInputError, match=f"Nobody was counted as of {LAST + DAY}") as none:
        site.audit(LAST + DAY)
    assert f"the newest as-of date is {LAST}" in none.value.next_step
    with pytest.raises(NoInputError, match="No day is published yet, only an audience") as of_days:
        audited(site.warehouse, [LAST], is_staged=False)
    assert "--gate audience" in of_days.value.next_step


def test_published_cells_are_asked_with_the_month_before_and_what_was_read_for_them(site: Site) -> None:
    cells = together([tables(day=BEFORE), tables(), tables(wiki="idwiki")])
    cells["audience"]["read_from"] = BEFORE  # a command of two dates, whose rows of dumps stand at the last
    cells["audience"]["read_to"] = LAST
    log = cells["audience_log"].assign(read_from=BEFORE)
    cells["audience"]["days_read"], log["days_read"] = "2026-01-31/2026-02-28", "2026-01-31/2026-02-28"
    others = [log.assign(read_from=LAST), log.assign(snapshot="2026-01"), log.assign(days_read="other"),
              log.assign(days_read=None)]  # fmt: skip
    cells["audience_log"] = pd.concat([log[log["wiki_db"] == "trwiki"], *others], ignore_index=True)
    cells["audience_values"].loc[3, "estimate"] = 161.0
    site.stage(cells)
    found = site.audit(BEFORE)
    assert site.profiles["dumps"][["event_date", "subject"]].to_numpy().tolist() == [[LAST, "trwiki/2026-02"]]
    assert site.profiles["dumps"]["n_logged"].tolist() == [1000]
    assert site.profiles["cells"]["n_differing"].tolist() == [1]
    found = site.audit(LAST)
    assert site.profiles["cells"]["n_differing"].tolist() == [0, 0]
    assert site.profiles["past"]["before"].tolist() == [BEFORE]
    assert len(found.notes) == 2
    assert found.notes[1].startswith("No row of the log tells what was read of idwiki:")


def test_a_run_that_its_gate_stopped_is_shown_with_what_it_found_of_the_dumps(site: Site) -> None:
    site.stage(tables(day=BEFORE))
    broken = tables()
    broken["audience_values"].loc[3, "estimate"] = 161.0
    run = site.stage(broken, "failed")
    file = site.warehouse.folder(run.run_id) / "gate_audience.csv"
    rows = [said(OF_DUMPS[0], "all", True), said(OF_DUMPS[1], "trwiki/2026-02", False),
            *(said(name, "all", True) for name in OF_DUMPS[2:]), said("audience_nested", "trwiki", False)]  # fmt: skip
    pd.DataFrame(rows).to_csv(file, index=False)
    found = site.audit(is_staged=True)
    assert found.days == [LAST]
    assert site.profiles["cells"]["n_differing"].tolist() == [1]
    assert [(one.check_id, one.subject, one.day) for one in found.result.failures] == [
        (OF_DUMPS[1], "trwiki/2026-02", LAST)
    ]
    assert not found.result.passed
    assert len(found.result.rows) == len(suite_of("audience"))
    assert "then count their wikis again with pdmetrics audience" in found.result.error(is_audit=True).next_step
    assert found.notes == [f"As the run itself found, since they compare with the dumps: {', '.join(OF_DUMPS)}."]
    assert site.audit().days == [BEFORE], "nothing of it is published"
    file.unlink()
    assert site.audit(LAST, is_staged=True).notes[0].endswith(f"with the dumps: {', '.join(OF_DUMPS)}.")


def test_where_no_audience_is_staged_it_says_what_there_is(site: Site) -> None:
    run = site.stage(tables(), "failed")
    with pytest.raises(UsageError, match=rf"as of {BEFORE}: {run.run_id} has staged one as of {LAST}"):
        site.audit(BEFORE, is_staged=True)
    with pytest.raises(UsageError, match="is failed and of an audience") as of_days:
        audited(site.warehouse, [LAST], is_staged=True)
    assert "--gate audience" in of_days.value.next_step
    for state in ("published", "failed"):
        site.lake.discard()
        site.end(run, state)
        with pytest.raises(UsageError, match=f"the newest run, {run.run_id}, is of an audience and {state}"):
            site.audit(is_staged=True)
    days = site.warehouse.new_run(LAST, LAST + DAY, "in")
    with pytest.raises(UsageError, match=f"{days.run_id}, is of days and open"):
        site.audit(is_staged=True)


def test_where_nobody_was_ever_counted_it_is_said(site: Site, tmp_path: Path) -> None:
    nothing = Warehouse(tmp_path / "nothing")
    for warehouse in (site.warehouse, nothing):
        with pytest.raises(NoInputError, match="No audience is published yet"):
            audit_audience(SETTINGS, warehouse, [], is_staged=False)
