"""The site as files: whole, put into place in one step, readable without a network and without a mouse."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import vl_convert

from jobs.errors import LockedError, UsageError
from jobs.report import page_sampling, swap
from jobs.report.site import POLICY, build_site
from tests.report.site_frames import BREAKING, about, cells, nothing_yet, usual_leaving

VOID = {"meta", "link", "br", "hr", "img", "input", "col"}
ANYWHERE = re.compile(r"(?:https?:)?//[^\s\"'<>]+")
TASKS = "https://phabricator.wikimedia.org/T"
SCHEMA = "https://vega.github.io/schema/"  # names the language of a drawing; nothing asks for it


class Page(HTMLParser):
    """What a page has: its elements with their attributes, texts of scripts, and what was opened and never closed."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if self.open and self.open[-1] == "script" and data.strip():
            self.scripts.append(data)

    def values(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]

    def tags(self, *names):
        return [tag for tag, _ in self.elements if tag in names]


@pytest.fixture(scope="module")
def _vega():
    """A script that stands for Vega's: making it takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "javascript_bundle", lambda snippet: f"/* {snippet} */")
        yield


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    """What others made: dbt's page, and pages about the gates."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "dbt.html").write_text("dbt's page")
    for name in ("expectations/raw.html", "validations/raw/secret.html", "static/a.css", "static/images/tour.gif"):
        (folder / "gates" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "gates" / name).write_text("a page about a gate")
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory, _vega, docs):
    place = tmp_path_factory.mktemp("site") / "report"
    build_site(usual_leaving(), about(dbt_docs=docs / "dbt.html", data_docs=docs / "gates"), place)
    return place


@pytest.fixture(scope="module")
def pages(out):
    return {file.name: Page(file) for file in sorted(out.glob("*.html"))}


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_every_page_is_there_and_whole(out, pages):
    own = {
        "index",
        "sampling",
        "quality",
        "milestones",
        "revisions",
        "metrics",
        "wiki_enwiki",
        "wiki_idwiki",
        "wiki_trwiki",
    }
    assert set(pages) == {f"{name}.html" for name in own}
    assert sorted(json.loads((out / "report.json").read_text())["pages"]) == sorted(pages)
    assert not [name for name, page in pages.items() if page.open]


def test_no_page_names_a_server(out, pages):
    for name in pages:
        named = [url for url in ANYWHERE.findall((out / name).read_text()) if not url.startswith((TASKS, SCHEMA))]
        assert named == [], name
    loaded = {url for page in pages.values() for tag, attrs in page.elements if tag != "a"
              for url in (attrs.get("src"), attrs.get("href")) if url}  # fmt: skip
    assert loaded == {"data:,", "assets/site.css", "assets/site.js", "assets/vega.js"}


def test_the_policy_forbids_requests_and_written_scripts(pages):
    assert "default-src 'none'" in POLICY
    script = re.search(r"script-src ([^;]*);", POLICY)[1]
    assert "unsafe" not in script
    for name, page in pages.items():
        policies = [
            attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policies == [POLICY], name
        written = [attrs for tag, attrs in page.elements if tag == "script" and "src" not in attrs]
        assert all(attrs.get("type") == "application/json" for attrs in written), name
        assert not [attrs for _, attrs in page.elements if any(key.startswith("on") for key in attrs)], name


def test_every_link_leads_somewhere(out, pages):
    for name, page in pages.items():
        for href in [attrs["href"] for tag, attrs in page.elements if tag == "a"]:
            if href.startswith(TASKS):
                continue
            file, _, anchor = href.partition("#")
            assert (out / (file or name)).is_file(), (name, href)
            assert not anchor or anchor in pages[file or name].values("id"), (name, href)


def test_a_page_can_be_walked_by_keyboard_and_read_aloud(pages):
    for name, page in pages.items():
        assert dict(page.elements)["html"] == {"lang": "en"}, name
        assert next(attrs for tag, attrs in page.elements if tag == "a")["href"] == "#content", name
        assert page.tags("h1", "main", "header", "footer") == ["header", "main", "h1", "footer"], name
        levels = [int(tag[1]) for tag in page.tags("h1", "h2", "h3", "h4")]
        assert all(after - before <= 1 for before, after in pairwise(levels)), (name, levels)
        ids = page.values("id")
        assert len(set(ids)) == len(ids), (name, {value for value in ids if ids.count(value) > 1})
        assert set(page.values("aria-labelledby")) | set(page.values("aria-describedby")) <= set(ids), name
        assert page.values("aria-current") == ["page"], name
        assert len(page.tags("table")) == len(page.tags("caption")), name


def test_every_chart_has_heading_sentence_drawing_and_table(out, pages):
    charted = [name for name, page in pages.items() if "assets/vega.js" in page.values("src")]
    assert {"sampling.html", "wiki_idwiki.html"} <= set(charted)
    assert "metrics.html" not in charted
    for name in charted:
        page = pages[name]
        sections = [
            attrs for tag, attrs in page.elements if tag == "section" and "chart" in attrs.get("class", "").split()
        ]
        assert sections or name == "wiki_trwiki.html", name  # which has no number yet
        assert len(page.values("data-spec")) == len(page.tags("figcaption")) == len(sections), name
        assert [json.loads(text)["$schema"].startswith(SCHEMA) for text in page.scripts] == [True] * len(sections), name
        for section in sections:
            assert f"{section['id']}-spec" in page.values("id"), (name, section)
            assert f"{section['id']}-sentence" in page.values("id"), (name, section)


def test_names_cannot_break_out_of_a_page(out, pages):
    assert any("link" in text for text in pages["wiki_idwiki.html"].scripts)
    for name in pages:
        assert BREAKING not in (out / name).read_text(), name
        assert "<b>&" not in (out / name).read_text(), name
    assert "&lt;/script&gt;&lt;b&gt;&amp; broken" in (out / "sampling.html").read_text()


def test_a_number_and_its_unit_stay_on_one_line(out):
    text = (out / "index.html").read_text()
    assert "12.4\N{NO-BREAK SPACE}%" in text
    assert not re.search(r"\d %", text)


def test_every_page_says_where_windows_are_that_it_does_not_show(out, pages):
    for name in pages:
        text = " ".join((out / name).read_text().split())
        assert "How to read this" in text, name
        assert "whole weeks (Monday to Sunday)" in text, name
        assert "quarter to date" in text, name
        assert "<code>pdmetrics query</code>" in text, name


def test_tables_of_words_are_cards_and_tables_of_numbers_are_not(out):
    def cards(name):
        return re.findall(r'<table class="gt_table cards" id="([^"]+)"', (out / name).read_text())

    assert cards("milestones.html") == ["milestones"]
    assert cards("quality.html") == ["gates", "findings-table", "checks-table"]
    assert cards("wiki_idwiki.html") == []


def test_what_others_made_is_beside(out, docs):
    assert (out / "dbt" / "index.html").read_text() == "dbt's page"
    assert (out / "data_docs" / "expectations" / "raw.html").is_file()
    assert not list(out.rglob("secret.html"))
    assert [file.name for file in (out / "data_docs" / "static").rglob("*.*")] == ["a.css"], "no tutorial"
    assert 'href="data_docs/index.html"' in (out / "quality.html").read_text()


@pytest.mark.usefixtures("_vega")
def test_without_docs_of_others_nothing_points_to_them(tmp_path):
    build_site(nothing_yet(), about(), tmp_path / "report")
    for file in (tmp_path / "report").glob("*.html"):
        assert "data_docs" not in file.read_text()
        assert "dbt/" not in file.read_text()


@pytest.mark.usefixtures("_vega")
def test_the_same_numbers_give_the_same_site_and_nothing_is_left_beside(out, docs):
    before = files(out)
    told = json.loads((out / swap.MARKER).read_text())
    (out / swap.MARKER).write_text(json.dumps({**told, "pages": [*told["pages"], "wiki_gone.html"]}))
    (out / "wiki_gone.html").write_text("of a wiki that is no more")
    site = build_site(usual_leaving(), about(dbt_docs=docs / "dbt.html", data_docs=docs / "gates"), out)
    assert files(out) == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert site.index == out / "index.html"
    assert site.n_bytes == sum(len(content) for content in before.values())


@pytest.mark.parametrize("may_exchange", [True, False])
def test_a_finished_folder_takes_the_place_of_the_old_one(tmp_path, monkeypatch, may_exchange):
    if not may_exchange:  # as on a system, or a disk, that cannot
        monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    out = tmp_path / "report"
    for n in range(3):
        fresh = swap.fresh_folder(out)
        (fresh / f"{n}.html").write_text("page")
        swap.swap(fresh, out)
        assert list(files(out)) == [f"{n}.html"]
        assert list(tmp_path.iterdir()) == [out]


def test_folders_change_places_in_one_step_or_not_at_all(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    assert not swap._exchange(one, other)
    assert one.is_dir()
    (other / "x").mkdir(parents=True)
    if swap._exchange(one, other):  # not every disk can
        assert (one / "x").is_dir()
        assert not list(other.iterdir())


@pytest.mark.usefixtures("_vega")
def test_a_site_that_fails_leaves_the_old_one_whole(out, monkeypatch):
    before = files(out)
    monkeypatch.setattr(page_sampling, "sampling_page", lambda leaving: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_site(usual_leaving(), about(), out)
    assert files(out) == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_what_a_killed_run_left_is_no_part_of_the_next_and_goes(tmp_path):
    left = swap.fresh_folder(tmp_path / "report")
    (left / "half.html").write_text("half")
    (tmp_path / ".other.next-1").mkdir()  # of another place
    fresh = swap.fresh_folder(tmp_path / "report")
    assert files(fresh) == {}
    assert not left.exists()
    swap.discard(fresh)
    assert [path.name for path in tmp_path.iterdir()] == [".other.next-1"]


def test_two_commands_do_not_make_the_same_place(tmp_path):
    out = tmp_path / "new" / "report"
    with swap.sole_maker(out):
        with pytest.raises(LockedError, match="making a report there"):
            build_site(usual_leaving(), about(), out)
        with swap.sole_maker(out.with_name("other")):
            assert not out.exists()
    with swap.sole_maker(out):
        pass
    assert list(out.parent.iterdir()) == []


def test_a_lock_that_was_deleted_meanwhile_is_none(tmp_path, monkeypatch):
    found = iter([False, True])
    monkeypatch.setattr(swap, "_is_still", lambda handle, place: next(found))
    with swap.sole_maker(tmp_path / "report"):
        assert list(found) == []


@pytest.mark.usefixtures("_vega")
def test_others_may_read_the_folder_of_a_site(tmp_path):
    (tmp_path / "usual").mkdir()
    build_site(nothing_yet(), about(), tmp_path / "report")
    assert (tmp_path / "report").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("marker", ['{"tests": 3}', '{"pages": ["src"]}', "[]", "no JSON", '"pdmetrics report"'])
def test_a_marker_of_somebody_else_makes_no_report(tmp_path, marker):
    (tmp_path / "src").mkdir()
    (tmp_path / swap.MARKER).write_text(marker)
    with pytest.raises(UsageError, match="no report"):
        build_site(usual_leaving(), about(), tmp_path)
    assert (tmp_path / swap.MARKER).read_text() == marker


def test_a_file_that_is_not_of_the_site_is_not_deleted(out):
    (out / "notes.txt").write_text("mine")
    try:
        with pytest.raises(UsageError, match="no report"):
            build_site(usual_leaving(), about(), out)
        assert (out / "notes.txt").read_text() == "mine"
    finally:
        (out / "notes.txt").unlink()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_report_is_left_as_it_is(tmp_path, kind):
    place = tmp_path / "mine"
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
        (place / "letter.txt").write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="no report") as raised:
        build_site(usual_leaving(), about(), place)
    assert str(place) in str(raised.value.where)
    assert {path.name for path in tmp_path.iterdir()} <= {"mine", "elsewhere"}
    if kind == "folder":
        assert (place / "letter.txt").read_text() == "mine"


@pytest.mark.usefixtures("_vega")
def test_an_empty_folder_may_become_a_report(tmp_path):
    build_site(replace(nothing_yet(), wikis=nothing_yet().wikis.head(0)), about(), tmp_path)
    assert "No number may be shown yet" in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.usefixtures("_vega")
def test_with_an_audience_alone_it_is_not_said_that_no_number_may_be_shown(tmp_path):
    editors = usual_leaving().audience
    alone = replace(nothing_yet(), wikis=nothing_yet().wikis.head(0), audience=editors[editors["wiki_db"] == "enwiki"])
    build_site(alone, about(), tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    assert "No number may be shown yet" not in page
    assert "Of the dashboard there is no number yet" in page
    assert "25,100" in page


@pytest.mark.usefixtures("_vega")
def test_a_number_that_json_does_not_know_is_an_error(tmp_path, monkeypatch):
    chart = page_sampling._spec([{"seen": float("nan")}])
    monkeypatch.setattr(page_sampling, "_spec", lambda points: chart)
    with pytest.raises(ValueError, match="JSON"):
        build_site(replace(usual_leaving(), cells=cells()), about(), tmp_path / "report")
