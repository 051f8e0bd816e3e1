"""The whole site as a reader meets it: in a browser, from a disk, wide and on a phone, light and dark, by keyboard."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from browser import Visit, chromium, visit
from playwright.sync_api import Browser

from jobs.catalogue import load_catalogue
from jobs.report.about import About
from jobs.report.leaving import leaving
from jobs.report.revisions import moves
from jobs.report.site import Site, build_site
from jobs.warehouse.runs import Warehouse
from tests.notebooks.conftest import small_warehouse

__all__ = ["small_warehouse"]  # a fixture
pytestmark = [pytest.mark.dbt, pytest.mark.browser]

READY = "document.documentElement.dataset.ready === 'yes'"
WIDE, PHONE = 1280, 390  # pixels
LOOKS = [pytest.param(WIDE, "light", id="wide, light"), pytest.param(PHONE, "dark", id="phone, dark")]
PAGES = ("index.html", "sampling.html", "quality.html", "milestones.html", "revisions.html", "metrics.html")
ON_A_PHONE = ("index.html", "quality.html", "milestones.html")
# What charts lack, by their id: a drawing with a mark, a sentence, a table with as many rows as it has to have.
UNDRAWN = """() => Object.fromEntries([...document.querySelectorAll('section.chart')].map(chart => [chart.id, [
    chart.querySelector('.drawing svg [class*="role-mark"] :is(path, rect, text, line)') ? '' : 'marks',
    chart.querySelector('figcaption').textContent.trim().length > 20 ? '' : 'sentence',
    chart.querySelector('details table tbody tr') ? '' : 'table',
].filter(Boolean)]).filter(([, lacks]) => lacks.length))"""

# Tables that a phone is to stack as cards, and that have columns beside the screen all the same.
HIDDEN_CARDS = """() => [...document.querySelectorAll('table.cards')]
    .filter(table => table.parentElement.scrollWidth > table.parentElement.clientWidth).map(table => table.id)"""


@pytest.fixture(scope="module")
def wikis(small_warehouse: Path) -> list[str]:
    """The wikis of the small lake, those whose sampling differs among them."""
    with duckdb.connect(str(Warehouse(small_warehouse).marts), read_only=True) as connection:
        found = connection.execute("select distinct wiki_db from marts.fct_metric_values where wiki_db <> 'all'")
        return sorted(wiki for (wiki,) in found.fetchall())


@pytest.fixture(scope="module")
def site(small_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A real site, of a small world, in a folder whose name has to be quoted."""
    folder: Path = tmp_path_factory.mktemp("site")
    dbt, gates = folder / "dbt.html", folder / "gates"
    dbt.write_text("<!DOCTYPE html><title>dbt</title>")
    (gates / "expectations").mkdir(parents=True)
    (gates / "expectations" / "raw.html").write_text("<!DOCTYPE html><title>raw</title>")
    warehouse = Warehouse(small_warehouse)
    with duckdb.connect(str(warehouse.marts), read_only=True) as connection:
        as_of = connection.execute("select max(as_of_date) from marts.fct_metric_values").fetchall()[0][0]
    noted = moves(warehouse.marts, warehouse.marts, [as_of])
    for place, name in enumerate(("run_id", "published_at", "first_day", "last_day", "first_as_of", "last_as_of")):
        noted.insert(place, name, "run_20260302_20260303_1" if name == "run_id" else f"{as_of}")
    about = About("run_1", as_of, datetime(2026, 4, 13, tzinfo=UTC), "0", 10, noted, dbt, gates)
    return build_site(leaving(warehouse, min_users=10), about, folder / "it's a site #1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, site: Site) -> Any:
    def open_page(name: str, width: int = WIDE, scheme: str = "light") -> AbstractContextManager[Visit]:
        return visit(browser, site.index.with_name(name), width=width, scheme=scheme, until=READY)

    return open_page


@functools.cache
def panels(page: str) -> frozenset[str]:
    """The ids that a page must have, whatever the numbers are."""
    catalogue = load_catalogue().metrics
    if page.startswith("wiki_"):
        weekly = [
            name for name, metric in catalogue.items()
            if 7 in metric.days_of("rolling") and metric.family not in ("links", "audience")
        ]  # fmt: skip
        trends = {f"trend-{name.replace('_', '-')}" for name in weekly}
        return frozenset(
            {"refused", "weeks", "links", "funnel-7", "funnel-28", "return", "cohorts", "audience", *trends}
        )
    return frozenset(
        {
            "index.html": {"audience", "audience-table", "audience-0"},
            "sampling.html": {"rates", "seen", "rate-1", "needs"},
            "quality.html": {"gates-caption", "findings", "checks"},
            "milestones.html": {"milestones-caption"},
            "revisions.html": {"runs-caption", "by-metric"},
            "metrics.html": {*catalogue, "breaks"},
        }.get(page, set())
    )


def page_names(site: Site, wikis: list[str]) -> list[str]:
    """Every page of ours, as the test knows them: the site could have forgotten one."""
    names = [*PAGES, *(f"wiki_{wiki}.html" for wiki in wikis)]
    assert sorted(names) == sorted(site.pages)
    return names


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_is_whole_quiet_and_for_everybody(
    site: Site, wikis: list[str], opened: Any, width: int, scheme: str
) -> None:
    wrong: dict[str, Any] = {}
    names = page_names(site, wikis)
    # On the phone a page of each kind of table will do, but its tables are looked at as well.
    for name in names if width == WIDE else [*ON_A_PHONE, names[-1]]:
        with opened(name, width, scheme) as seen:
            if width != WIDE:
                seen.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
            there = set(seen.page.evaluate("[...document.querySelectorAll('[id]')].map(found => found.id)"))
            wanted = panels(name) | ({f"wiki-{wiki}" for wiki in wikis} if name == "index.html" else set())
            found = {
                "complaints": seen.complaints,
                "requests": seen.requests,
                "missing panels": sorted(wanted - there),
                "charts without": seen.page.evaluate(UNDRAWN),
                "pixels too wide": max(0, seen.sideways()),
                "cards too wide": seen.page.evaluate(HIDDEN_CARDS) if width != WIDE else [],
                "violations": seen.violations(),
            }
        wrong |= {f"{name}: {what}": problem for what, problem in found.items() if problem}
    assert wrong == {}


def test_colours_do_on_a_wide_dark_page_too(wikis: list[str], opened: Any) -> None:
    for name in ("index.html", f"wiki_{wikis[0]}.html"):
        with opened(name, WIDE, "dark") as seen:
            assert seen.violations() == [], name


def test_the_first_key_leads_past_the_navigation(opened: Any) -> None:
    with opened("index.html", PHONE) as seen:
        seen.page.keyboard.press("Tab")
        focused = seen.page.locator(":focus")
        assert focused.inner_text() == "Skip to the content"
        box = focused.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] >= 0
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "content"
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.getElementById('content').contains(document.activeElement)")


def test_the_keyboard_opens_the_table_behind_a_chart_and_paper_has_all_but_days(wikis: list[str], opened: Any) -> None:
    with opened(f"wiki_{wikis[0]}.html") as seen:
        folds, days = seen.page.locator("details"), seen.page.locator("tr.screen-only")
        first = seen.page.locator("section.chart details").first
        first.locator("summary").focus()
        assert not first.locator("table").is_visible()
        seen.page.keyboard.press("Enter")
        assert first.locator("table").is_visible()
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert folds.evaluate_all("all => all.every(fold => fold.open)")
        assert days.count() > 0
        assert days.first.is_visible()
        seen.page.emulate_media(media="print")
        assert not days.first.is_visible()
        assert first.locator("tbody tr").first.is_visible()
        seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert folds.evaluate_all("all => all.filter(fold => fold.open).length") == 1, "what the reader had opened"


def test_without_scripts_the_tables_tell_everything(browser: Browser, site: Site, wikis: list[str]) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(site.index.with_name(f"wiki_{wikis[0]}.html").as_uri())
    assert page.locator("section.chart details table tbody tr").count() > page.locator("section.chart").count() > 5
    context.close()


def test_every_link_leads_somewhere(site: Site, wikis: list[str]) -> None:
    texts = {name: site.index.with_name(name).read_text(encoding="utf-8") for name in page_names(site, wikis)}
    lost = []
    for name, text in texts.items():
        for tag, href in set(re.findall(r'<(\w+)[^>]* (?:href|src)="([^"]+)"', text)) - {("link", "data:,")}:
            if tag == "a" and href.startswith("https://"):
                continue  # a reader may follow it; the page does not
            file, _, anchor = href.partition("#")
            target = site.index.parent / (file or name)
            if not target.exists() or (anchor and f'id="{anchor}"' not in target.read_text(encoding="utf-8")):
                lost.append(f"{name}: {href}")
    assert lost == []
