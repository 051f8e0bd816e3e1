"""dbt's documentation as one page: what is in it, what is not, and when it is made again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from jobs.contracts import TABLES
from jobs.errors import GateError, WarehouseError
from jobs.marts import docs
from jobs.marts.docs import MADE_FROM, PAGE, docs_are_fresh, make_docs
from jobs.resources import shipped
from jobs.schemas import duckdb_types
from tests.report.browser import chromium, visit

pytestmark = pytest.mark.dbt


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("site") / "dbt"
    make_docs(folder)
    assert sorted(path.name for path in folder.iterdir()) == [PAGE, MADE_FROM]
    assert docs_are_fresh(folder)
    return (folder / PAGE).read_text(encoding="utf-8")


def inside(page: str, kind: str) -> dict[str, Any]:
    """The manifest or the catalog in the page."""
    place = page.index(f"https://schemas.getdbt.com/dbt/{kind}/")
    found: dict[str, Any] = json.JSONDecoder().raw_decode(page, page.rindex('{"metadata"', 0, place))[0]
    return found


def test_every_mart_is_there_with_the_types_of_its_columns(page: str) -> None:
    manifest, catalog = inside(page, "manifest"), inside(page, "catalog")
    marts = {key for key, node in manifest["nodes"].items() if node["fqn"][1] == "marts" and key.startswith("model.")}
    assert marts == set(catalog["nodes"])
    assert all(column["type"] for node in catalog["nodes"].values() for column in node["columns"].values())
    metrics = catalog["nodes"]["model.personal_dashboard.fct_metric_values"]["columns"]
    assert list(metrics) == list(duckdb_types(TABLES["metric_values"].columns))
    assert "source.personal_dashboard.pd.ingest_log" in catalog["sources"]


def test_it_tells_nothing_of_the_machine(page: str) -> None:
    places = (str(shipped("dbt_project")), "/tmp/", str(Path.home()) + "/", str(Path(docs.__file__).parents[2]))
    assert [place for place in places if place in page] == []
    assert inside(page, "manifest")["metadata"]["send_anonymous_usage_stats"] is False


def test_it_may_ask_for_nothing(page: str) -> None:
    head = page[page.index("<head>") :]
    assert re.match(r"<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ", head)
    assert "connect-src" not in head[:400]


@pytest.mark.browser
def test_a_browser_shows_it_from_a_disk_and_asks_for_nothing(page: str, tmp_path: Path) -> None:
    file = tmp_path / "a page.html"
    file.write_text(page, encoding="utf-8")
    model = "#!/model/model.personal_dashboard.fct_metric_values"
    with chromium() as browser, visit(browser, file, until="document.body.innerText.includes('no numbers')") as seen:
        back = seen.page.get_by_role("link", name="Back to the report")
        assert back.get_attribute("href") == "../index.html"
        pictures = seen.page.locator(".menu use[href^='#icn-']")
        assert pictures.count() > 0
        assert pictures.evaluate_all("all => all.some(one => one.getBBox().width > 0)"), "folders have their pictures"
        seen.page.evaluate("place => { location.hash = place; }", model)
        seen.page.wait_for_function("document.body.innerText.includes('n_effective')")
        assert (seen.requests, seen.complaints) == ([], [])


def test_text_of_a_model_cannot_end_the_script_around_it(tmp_path: Path) -> None:
    column = {"name": "a", "data_type": "int", "description": "</script><b>"}
    model = {"resource_type": "model", "config": {"materialized": "table"}, "columns": {"a": column}, "schema": "marts"}
    nodes = {"model.a": {**model, "name": "a"}, "test.b": {"resource_type": "test"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "catalog.json").write_text(json.dumps({"nodes": {}, "sources": {}}))
    script = '<script>var n = ["MANIFEST.JSON INLINE DATA"], c = ["CATALOG.JSON INLINE DATA"]</script>'
    (tmp_path / "index.html").write_text(script)
    page = docs._one_page(tmp_path)
    assert page.count("</script>") == 1
    manifest, catalog = (json.loads(data) for data in re.findall(r"\[(.*?})\]", page))
    assert manifest["nodes"] == nodes
    assert catalog["nodes"]["model.a"]["columns"] == {"a": {"name": "a", "type": "int", "index": 1, "comment": None}}


def test_a_page_of_another_dbt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"nodes": {}}')
    (tmp_path / "catalog.json").write_text('{"nodes": {}}')
    (tmp_path / "index.html").write_text('["MANIFEST.JSON INLINE DATA"]')
    with pytest.raises(WarehouseError, match="no place for its data"):
        docs._one_page(tmp_path)


def test_it_is_made_again_where_the_models_or_the_page_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not docs_are_fresh(tmp_path)
    (tmp_path / PAGE).touch()
    (tmp_path / MADE_FROM).write_text(docs._fingerprint())
    assert docs_are_fresh(tmp_path)
    project = tmp_path / "dbt_project"
    for name in docs.READ[1:]:
        (project / name).mkdir(parents=True)
    (project / docs.READ[0]).write_text("name: x")
    (project / "models" / "a.sql").write_text("select 1")
    monkeypatch.setattr(docs, "shipped", lambda _: project)
    assert not docs_are_fresh(tmp_path)
    (tmp_path / MADE_FROM).write_text(docs._fingerprint())
    assert docs_are_fresh(tmp_path)
    (project / "models" / "a.sql").write_text("select 2")
    assert not docs_are_fresh(tmp_path)
    (tmp_path / MADE_FROM).write_text(docs._fingerprint())
    (tmp_path / PAGE).unlink()
    assert not docs_are_fresh(tmp_path)


def test_where_dbt_fails_the_old_page_stays_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise GateError("A model is odd.", where="there", next_step="see dbt.log")

    monkeypatch.setattr(docs, "run_dbt", fails)
    (tmp_path / PAGE).write_text("old")
    (tmp_path / ".making-killed").mkdir()
    with pytest.raises(WarehouseError, match=r"dbt cannot write its documentation: A model is odd\."):
        make_docs(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
