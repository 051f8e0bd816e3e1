"""Entry of the step `report`, and of the command: the static site of what is published. No engine, no lake."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import __version__
from jobs.errors import STILL_PUBLISHED, PdmetricsError, WarehouseError
from jobs.log import get_logger
from jobs.marts.docs import PAGE, docs_are_fresh, keep_docs, make_docs
from jobs.marts.read import answer
from jobs.progress import still_at
from jobs.report.about import About
from jobs.report.revisions import kept_moves
from jobs.report.swap import require_ours
from jobs.settings import Settings
from jobs.steps.companion import Companion
from jobs.warehouse.runs import Warehouse

if TYPE_CHECKING:
    from jobs.report.site import Site

REPORT = "report"  # the step
# Eligible editors, which have bands for buckets, are dated by their dumps: they count where there is nothing else.
NEWEST = """
select coalesce(max(as_of_date) filter (where edit_count_bucket = 'all'), max(as_of_date)) from fct_metric_values
"""


def begin_report(settings: Settings, warehouse: Warehouse, other: Companion) -> None:
    """Let the companion begin with what the report takes and needs no numbers: imports, and dbt's page if it is old."""
    if settings.report.build:
        other.begin(_prefetch, warehouse.dbt_docs)


def report_of_run(settings: Settings, warehouse: Warehouse, other: Companion) -> None:
    """Make the site in the warehouse, the last step of a run that is published. The caller holds the lock.

    Raises:
        WarehouseError: it is not made, and an earlier one is still there; what is published stays, and that is said.
    """
    if not settings.report.build:
        get_logger().info("no report: it is switched off", setting="[report] build")
        return
    with numbers_stay(warehouse):
        make_report(settings, warehouse, other, warehouse.report, docs=warehouse.dbt_docs)
        warehouse.keep_report()


def report_to(settings: Settings, warehouse: Warehouse, other: Companion, out: Path) -> Site:
    """Make the site of what is published in any folder; of the warehouse only dbt's page is written, if it can be.

    Raises:
        UsageError: as `make_report`.
    """
    kept = warehouse.dbt_docs
    warehouse.fetch_docs()
    with tempfile.TemporaryDirectory(prefix="pdmetrics-") as scratch:
        docs = kept if docs_are_fresh(kept) else Path(scratch)
        site = make_report(settings, warehouse, other, out, docs=docs)
        if docs != kept:
            keep_docs(docs, kept)
        return site


def make_report(settings: Settings, warehouse: Warehouse, other: Companion, out: Path, *, docs: Path) -> Site:
    """Make the site of what is published.

    Args:
        settings: from how many users on a cell is shown.
        warehouse: with the marts.
        other: the process that makes it.
        out: its folder; an earlier site in it is replaced, in one step.
        docs: a folder for dbt's page, which is made where it is not there yet, or is of other code.

    Raises:
        UsageError: nothing is published, or something lies in the folder that is no site.
        WarehouseError: the site cannot be written.
    """
    began, site = time.monotonic(), None
    out = out if out.is_symlink() else out.resolve()  # `.` has no name; a link is refused
    require_ours(out)
    with _disk_trouble(out), still_at("making the report"):
        while site is None:  # the marts were replaced while they were read: a report is of one publish
            seen = _version(warehouse)
            about = _about(settings, warehouse, docs)
            other.call(_prefetch, docs)
            site = other.call(_build, warehouse, about, out, seen)
    get_logger().info(
        "report made", pages=len(site.pages), kilobytes=site.n_bytes // 1000, seconds=round(time.monotonic() - began, 1)
    )
    return site


def _about(settings: Settings, warehouse: Warehouse, docs: Path) -> About:
    """Return what the site says of itself."""
    with answer(warehouse, NEWEST) as found:
        as_of = next(found.rows)[0]
    run = warehouse.last_published()
    return About(
        run_id=run.run_id if run else "unknown",
        as_of=as_of,
        built_at=datetime.now(UTC),
        version=__version__,
        min_users=settings.privacy.min_users,
        revisions=kept_moves(warehouse),
        dbt_docs=docs / PAGE,
        data_docs=warehouse.data_docs,
    )


def where_to_look(out: Path | str) -> str:
    """Say where a site is, for the end of a command."""
    return f"Report: open {out}/index.html in a browser."


@contextlib.contextmanager
def numbers_stay(warehouse: Warehouse) -> Iterator[None]:
    """Say of whatever goes wrong in this block that the run is published, and how to make the report again."""
    command = warehouse.report_command()
    try:
        yield
    except PdmetricsError as error:
        raise WarehouseError(
            f"The report was not made, {STILL_PUBLISHED}. {error.what}",
            where=error.where,
            next_step=f"{error.next_step}; then {command}" if error.next_step else command,
        ) from None
    except Exception as error:
        error.add_note(f"{STILL_PUBLISHED}; only the report is missing: {command}")
        raise


@contextlib.contextmanager
def _disk_trouble(out: Path) -> Iterator[None]:
    """Say in words that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(
            f"The report cannot be written: {error.strerror or error}.",
            where=str(error.filename or out),
            next_step="free space or permissions there, or name another folder with --out",
        ) from None


# What runs in the companion: imports of seconds belong there.


def _prefetch(docs: Path) -> None:
    import jobs.report.leaving
    import jobs.report.site  # noqa: F401

    if not docs_are_fresh(docs):
        make_docs(docs)


def _build(warehouse: Warehouse, about: About, out: Path, seen: tuple[int, ...]) -> Site | None:
    """Make the site, unless the marts are no longer those that were seen."""
    from jobs.report.leaving import leaving
    from jobs.report.site import build_site

    found = leaving(warehouse, min_users=about.min_users)
    return build_site(found, about, out) if _version(warehouse) == seen else None


def _version(warehouse: Warehouse) -> tuple[int, ...]:
    """Return what tells one marts file from that of the next publish."""
    try:
        seen = warehouse.marts.stat()
    except FileNotFoundError:
        return ()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size
