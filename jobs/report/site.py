"""Make the static site: pages by Jinja2, scripts and styles beside them, put into place in one step.

Only `Leaving`, the catalogue and facts about the run feed the pages: private numbers do not cross that line.
Pages open from a disk: they name no server, and their policy forbids every request.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from jobs import words
from jobs.report import (
    page_metrics,
    page_milestones,
    page_overview,
    page_quality,
    page_revisions,
    page_sampling,
    page_wiki,
)
from jobs.report.about import About, Page, metric_href, wiki_href
from jobs.report.docs_leaving import copy_docs
from jobs.report.swap import MADE_BY, MARKER, discard, fresh_folder, require_ours, sole_maker, swap
from jobs.report.tables import chip, render, unbroken
from jobs.resources import shipped

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

# `file:` beside 'self': not every browser takes files of a folder for one origin. Nothing may be fetched, nor compiled.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
UNBROKEN = re.compile(r"(?<=\d) (?=(?:%|pp\b))")  # a number and its unit stay on one line
ASSETS = ("site.css", "site.js")
VEGA = "vega.js"
DBT_DOCS = "dbt/index.html"
DATA_DOCS = "data_docs/index.html"
PAGES = (
    Page("index.html", "Overview", "How the dashboard is used", "overview.html.j2"),
    Page("sampling.html", "Sampling", "What is sampled, and what that costs", "sampling.html.j2"),
    Page("quality.html", "Quality", "What the gates found", "quality.html.j2"),
    Page("milestones.html", "Milestones", "Where the milestones stand", "milestones.html.j2"),
    Page("revisions.html", "Revisions", "How much numbers moved between runs", "revisions.html.j2"),
    Page("metrics.html", "Metrics", "What each metric means", "metrics.html.j2"),
)


@dataclass(frozen=True)
class Site:
    """A finished site.

    Attributes:
        index: where to begin.
        pages: all pages of ours, relative to the site.
        n_bytes: of all files.
    """

    index: Path
    pages: tuple[str, ...]
    n_bytes: int


def build_site(leaving: Leaving, about: About, out: Path) -> Site:
    """Make the site beside its place, and put it there in one step.

    Args:
        leaving: the numbers that may leave the house.
        about: the run, and what is copied into the site.
        out: the folder of the site; an earlier site in it is replaced.

    Raises:
        UsageError: the place holds something that is no site of ours.
        LockedError: another command is making a site there.
        OSError: it cannot be written; what was there is still there.
    """
    with sole_maker(out):
        require_ours(out)
        fresh = fresh_folder(out)
        try:
            pages = _write_pages(leaving, about, fresh, _copy_docs(about, fresh))
            _write_assets(fresh / "assets")
            told = {"made_by": MADE_BY, "run_id": about.run_id, "as_of": str(about.as_of), "version": about.version}
            _write(fresh / MARKER, json.dumps({**told, "pages": pages}, indent=1) + "\n")
            n_bytes = sum(file.stat().st_size for file in fresh.rglob("*") if file.is_file())
            swap(fresh, out)
        except BaseException:
            discard(fresh)
            raise
    return Site(out / PAGES[0].href, tuple(pages), n_bytes)


def _write_pages(leaving: Leaving, about: About, folder: Path, beside: list[Page]) -> list[str]:
    """Write all pages of ours, which lead to those beside; return their names."""
    wikis = page_overview.wikis_of(leaving)
    wiki_pages = [Page(wiki_href(wiki), wiki, wiki, "wiki.html.j2") for wiki in wikis]
    environment = _environment(about, wiki_pages, beside)
    contexts: Mapping[str, dict[str, Any]] = {
        "index.html": page_overview.overview_page(leaving, about),
        "sampling.html": page_sampling.sampling_page(leaving),
        "quality.html": page_quality.quality_page(leaving),
        "milestones.html": page_milestones.milestones_page(leaving),
        "revisions.html": page_revisions.revisions_page(about),
        "metrics.html": page_metrics.metrics_page(),
        **{page.href: page_wiki.wiki_page(leaving, wiki) for page, wiki in zip(wiki_pages, wikis, strict=True)},
    }
    for page in (*PAGES, *wiki_pages):
        text = environment.get_template(page.template).render(page=page, **contexts[page.href])
        _write(folder / page.href, UNBROKEN.sub("\N{NO-BREAK SPACE}", text))
    return [page.href for page in (*PAGES, *wiki_pages)]


def _environment(about: About, wiki_pages: list[Page], beside: list[Page]) -> jinja2.Environment:
    """Return what renders templates: everything is escaped, and a name that is not there is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(shipped("report/templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.globals.update({
        "about": about, "built_at": f"{about.built_at:%Y-%m-%d %H:%M}", "pages": [*PAGES, *beside], "wikis": wiki_pages,
        "policy": POLICY, "statuses": words.STATUSES, "chip": chip, "table": render,
        "unbroken": unbroken, "metric_href": metric_href,
        "data_docs": next((page.href for page in beside if page.href == DATA_DOCS), None),
    })  # fmt: skip
    return environment


def _write_assets(folder: Path) -> None:
    folder.mkdir()
    for name in ASSETS:
        _write(folder / name, shipped(f"report/assets/{name}").read_text(encoding="utf-8"))
    import vl_convert  # only where a site is made: it starts a JavaScript engine

    _write(folder / VEGA, vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _copy_docs(about: About, folder: Path) -> list[Page]:
    """Copy what others made: dbt's page, and the pages of the gates that may leave. Return where they begin."""
    pages = []
    if about.dbt_docs:
        (folder / DBT_DOCS).parent.mkdir()
        shutil.copyfile(about.dbt_docs, folder / DBT_DOCS)
        pages.append(Page(DBT_DOCS, "dbt docs", ""))
    if about.data_docs and copy_docs(about.data_docs, (folder / DATA_DOCS).parent):
        pages.append(Page(DATA_DOCS, "Data Docs", ""))
    return pages


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
