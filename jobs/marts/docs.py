"""dbt's own documentation of the marts as one page that needs no server and no network.

It describes models, and so follows from the code alone: dbt reads an empty lake, and a page that was made once stays
good for as long as nothing that it was made from changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from jobs import __version__
from jobs.contracts import TABLES
from jobs.errors import GateError, WarehouseError
from jobs.marts.build import run_dbt
from jobs.reference.rows import COLUMNS
from jobs.resources import shipped
from jobs.schemas import duckdb_types
from jobs.warehouse.runs import MARTS_FILE

PAGE, MADE_FROM, ASIDE = "index.html", "made_from.txt", ".making-"
READ = ("dbt_project.yml", "macros", "models", "tests")  # of the project: what its documentation tells of
ICON = re.compile(r'<link rel="shortcut icon"[^>]*>')  # dbt never fills in where it is
# dbt's page compiles its templates while it runs. It asks for nothing else; this holds it to that.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:;"
    " font-src data:; base-uri 'none'; form-action 'none'"
)


def docs_are_fresh(folder: Path) -> bool:
    """Whether a folder holds the page, made by the code as it is now."""
    try:
        return (folder / PAGE).exists() and (folder / MADE_FROM).read_text(encoding="ascii") == _fingerprint()
    except OSError:
        return False


def make_docs(folder: Path) -> None:
    """Write the page into a folder, which holds the whole page at every moment, the old one or the new.

    Raises:
        WarehouseError: dbt cannot make it.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{ASIDE}*"):  # by a process that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folder, prefix=ASIDE) as made:
        scratch = Path(made)
        lake = scratch / "lake.json"
        lake.write_text(json.dumps({"tables": _empty_lake()}), encoding="utf-8")
        try:
            run_dbt("docs generate", marts_file=scratch / MARTS_FILE, lake_file=lake)
        except GateError as error:
            raise WarehouseError(
                f"dbt cannot write its documentation: {error.what}", where=error.where, next_step=error.next_step
            ) from None
        target = scratch / "dbt"
        (scratch / PAGE).write_text(_without_places(_one_page(target), target), encoding="utf-8")
        (folder / MADE_FROM).unlink(missing_ok=True)  # a page without it is made again
        (scratch / PAGE).replace(folder / PAGE)
        (folder / MADE_FROM).write_text(_fingerprint(), encoding="ascii")


def keep_docs(made: Path, folder: Path) -> None:
    """Copy a page that was made elsewhere into a folder; one that cannot be written stays as it is."""
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory(dir=folder.parent, prefix=ASIDE) as aside:
        copied = Path(aside, folder.name)
        shutil.copytree(made, copied)
        folder.mkdir(exist_ok=True)
        (folder / MADE_FROM).unlink(missing_ok=True)
        for name in (PAGE, MADE_FROM):  # a page without the other is made again
            (copied / name).replace(folder / name)


def _fingerprint() -> str:
    """Return what tells two states of the code apart, as far as the page shows them."""
    project, digest = shipped("dbt_project"), hashlib.sha256()
    digest.update(f"{__version__} {version('dbt-core')} {version('dbt-duckdb')} {POLICY}".encode())
    digest.update(json.dumps(_empty_lake()).encode())
    for name in READ:
        place = project / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(f"{file.relative_to(project).as_posix()}\n".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _empty_lake() -> dict[str, dict[str, object]]:
    """Return the tables that the models read, without a row."""
    lake = {name: contract.columns for name, contract in TABLES.items() if contract.personal_data == "none"}
    reference = {Path(file).stem: columns for file, columns in COLUMNS.items()}
    return {
        schema: {name: {"kind": "empty", "columns": duckdb_types(columns)} for name, columns in tables.items()}
        for schema, tables in (("pd", lake), ("reference", reference))
    }


def _one_page(target: Path) -> str:
    """Return dbt's page with its data inside, as `--static` does; the marts, which nobody built, as contracts state."""
    page, manifest = ((target / name).read_text(encoding="utf-8") for name in ("index.html", "manifest.json"))
    catalog = json.loads((target / "catalog.json").read_text(encoding="utf-8"))
    for unique_id, node in json.loads(manifest)["nodes"].items():
        if node["resource_type"] == "model" and node["config"]["materialized"] == "table":
            kinds = {name: column["data_type"] for name, column in node["columns"].items()}
            catalog["nodes"][unique_id] = {
                "unique_id": unique_id,
                "metadata": {"type": "BASE TABLE", "schema": node["schema"], "name": node["name"], "database": None},
                "columns": {
                    name: {"name": name, "type": kind, "index": index, "comment": None}
                    for index, (name, kind) in enumerate(kinds.items(), 1)
                },
                "stats": {},
            }
    for name, data in (("MANIFEST", manifest), ("CATALOG", json.dumps(catalog))):
        place = f'"{name}.JSON INLINE DATA"'
        if place not in page:
            raise WarehouseError(
                "dbt's page has no place for its data.",
                where=PAGE,
                next_step="reinstall the dbt-core that pdmetrics asks for",
            )
        page = page.replace(place, data.replace("</", r"<\/"))
    return page


def _without_places(page: str, target: Path) -> str:
    """Take this machine's folders out of the page, and let it ask for nothing."""
    for place, name in ((target, "target"), (shipped("dbt_project"), "dbt_project"), (target.parent, "")):
        page = page.replace(str(place), name)
    # What would be asked for before, or instead of, what is meant: a browser complains of it.
    page = ICON.sub("", page).replace('<use xlink:href="{{', '<use ng-attr-href="{{')
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return page.replace("<head>", f"<head>{meta}", 1)
