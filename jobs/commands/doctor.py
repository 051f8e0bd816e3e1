"""Entry: is this machine able to run, and with which settings; and taking over tables from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from jobs.commands.context import Context
from jobs.console import as_table, counted
from jobs.errors import EXIT_GATE, LockedError, UsageError, WarehouseError
from jobs.health.finding import Finding, shown, told_of
from jobs.health.machine import machine_findings
from jobs.health.warehouse import warehouse_findings
from jobs.settings import Settings, Sources, load_settings
from jobs.warehouse.runs import Warehouse


def settings_to_examine(config: Path | None, overrides: Sequence[str]) -> tuple[Settings, Sources, UsageError | None]:
    """Return the settings, or the defaults where these cannot be used, and what is wrong with them."""
    try:
        return *load_settings(config, overrides), None
    except UsageError as error:
        settings = Settings()
        keys = {(name, key): "default" for name, section in settings for key in type(section).model_fields}
        return settings, keys, error


def take_over(console: Console, settings: Settings, warehouse: Warehouse, *, adopt: bool) -> None:
    """Take over the tables of an older version (`--adopt`), or of a copied or moved warehouse (`--relocate`).

    Raises:
        UsageError: the catalog is not the warehouse's own, or the tables cannot be taken over.
    """
    from jobs.warehouse import relocate as warehouses
    from jobs.warehouse.catalog import catalog_properties, is_own

    properties = catalog_properties(settings.catalog.properties(), warehouse.path)
    if not is_own(properties, warehouse.path):
        if not adopt:
            _note_place(console, warehouse, properties)
            return
        raise UsageError(
            "Only a warehouse with a catalog of its own can be taken over.", where="[catalog]",
            next_step="its tables stand in the catalog that is set, wherever this folder lies",
        )  # fmt: skip
    with warehouse.lock():
        if adopt:
            done, said = warehouses.adopt(warehouse.path), "taken over from the older version"
        else:
            publishing = warehouse.publishing()
            done, said = warehouses.relocate(warehouse.path, publishing), "made anew over the files here"
            for run in warehouse.all_runs() if done else ():
                if run.state == "open" and run.run_id != publishing:
                    run.state = "failed"  # what it had staged is not part of the copy
                    warehouse.save(run)
    console.print(
        f"{counted(len(done), 'table')} {said}: {', '.join(done)}." if done else "Nothing to do: it is in order."
    )


def _note_place(console: Console, warehouse: Warehouse, properties: Mapping[str, str]) -> None:
    """Give the tables of a catalog to the warehouse that lies here now."""
    from jobs.warehouse.catalog import open_catalog
    from jobs.warehouse.lease_table import move

    if (holder := warehouse.holder()) is not None:
        raise LockedError(f"Another command is writing: {holder}.", next_step="wait until it is done")
    before = move(open_catalog(properties), warehouse.place)
    told = f"Its tables were those of {before}; they are those of {warehouse.place} now."
    console.print(told if before else "Nothing to do: it is in order.", highlight=False)


def examine_place(shared: Context) -> int:
    """Do `examine` with the warehouse of a command line, which perhaps cannot be opened."""
    try:
        return examine(shared.console, shared.settings, shared.sources, shared.unread, shared.trouble)
    except WarehouseError as error:
        return examine(shared.console, shared.given, shared.sources, error, shared.trouble)


def examine(
    console: Console,
    settings: Settings,
    sources: Sources,
    warehouse: Warehouse | WarehouseError,
    trouble: UsageError | None = None,
) -> int:
    """Print findings and settings; return the exit code: 1 if something must be mended before a run.

    Args:
        console: where to print.
        settings, sources: what a run would be set to, and from where.
        warehouse: the warehouse, or why it cannot be opened.
        trouble: what is wrong with the settings, if these are the defaults because of it.
    """
    findings = machine_findings(settings)
    if isinstance(warehouse, WarehouseError):
        findings.append(told_of("warehouse", warehouse))
    else:
        findings += warehouse_findings(settings, warehouse)
    if trouble is not None:
        findings.append(told_of("settings", trouble))
    rows = [(finding.what, escape(finding.found), escape(_mend(finding))) for finding in findings]
    console.print(as_table(["what", "found", "to mend"], rows, "Machine and warehouse"))
    title = "Settings" if trouble is None else "Settings by default: what is set cannot be used"
    console.print(as_table(["setting", "value", "from"], _settings_rows(settings, sources), title))
    wrong = [finding.what for finding in findings if finding.blocks]
    console.print(f"{counted(len(wrong), 'thing')} to mend first: {', '.join(wrong)}" if wrong else "Ready to run.")
    return EXIT_GATE if wrong else 0


def _mend(finding: Finding) -> str:
    return f"! {finding.mend}" if finding.blocks else finding.mend or "fine"


def _settings_rows(settings: Settings, sources: Sources) -> Sequence[tuple[str, str, str]]:
    return [
        (
            rf"\[{section}] {key}",
            escape(shown(key, getattr(getattr(settings, section), key))),
            escape(sources[section, key]),
        )
        for section, field in Settings.model_fields.items()
        for key in {**type(field.default).model_fields, **(getattr(settings, section).model_extra or {})}
    ]
