"""Great Expectations' Data Docs, made to open without a network, behind an index of our own.

Its pages name stylesheets and scripts of several servers. Those that matter (Bootstrap, jQuery, Font Awesome) come from
installed packages into the folder; the others (a table widget, a date picker, charts) do nothing on these pages and are
taken out. Its own index needs the table widget, so ours stands in its place.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from expectations.checks import CRITICAL

SITE = "gates"
VENDOR = "static/vendor"
PAGES_KEPT = 200  # of all gates together; a page is some hundred kilobytes
SUMMARY = "summary.json"

# What the pages name, and the file of an installed package that stands in for it: (package, folder in it, file).
_BOOTSTRAP = ("django_static_bootstrap", "static/bootstrap")
LOCAL = {
    "bootstrap.min.css": (*_BOOTSTRAP, "css/bootstrap.min.css"),
    "bootstrap.min.js": (*_BOOTSTRAP, "js/bootstrap.bundle.min.js"),  # with Popper in it
    "jquery-3.7.1.min.js": ("xstatic.pkg.jquery", "data", "jquery.min.js"),
    "all.min.css": ("xstatic.pkg.font_awesome", "data", "css/all.min.css"),
}
FONTS = ("xstatic.pkg.font_awesome", "data", "webfonts")
_REMOTE_TAG = re.compile(
    r"""<script[^>]*\ssrc="https?://(?P<script>[^"]+)"[^>]*>\s*</script>|<link[^>]*\shref="https?://(?P<link>[^"]+)"[^>]*>"""
    r"""|<img[^>]*\ssrc="https?://[^"]+"[^>]*>"""
)
_STATIC = re.compile(r"(?<=\")(?:\.\./)+static/")  # of a validation's page it names the folder above too few
_NEWSLETTER = re.compile(r"<footer>.*?</footer>", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """What the index says of a validation.

    Attributes:
        run: the run, or the audit, that asked.
        days: the days that were looked at, in words.
        when: when, ISO 8601, UTC.
    """

    run: str
    days: str
    when: str


def site_config(directory: Path) -> dict[str, Any]:
    """Return the configuration of the site in a directory."""
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory.resolve())}
    # Without an index builder its images and styles would be missing too; the index itself is exchanged for ours.
    index = {"class_name": "DefaultSiteIndexBuilder"}
    return {
        "class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": store, "site_index_builder": index,
    }  # fmt: skip


def finish_site(made: Path, directory: Path, page: Page, records: Sequence[Mapping[str, Any]]) -> Path:
    """Make the pages of a validation complete offline, add them to a site, take its oldest away, write its index.

    Args:
        made: where Great Expectations wrote the pages of this validation alone: it clears a site that has others.
        directory: of the site.
        page: what the index says of it.
        records: its verdicts.

    Returns:
        The index.
    """
    _copy_packages(directory / VENDOR)
    for file in made.rglob("*.html"):
        _make_local(file, made)
    (newest,) = (made / "validations").rglob("*.html")
    bad = [record for record in records if not record["success"]]
    failed = [record["message"] for record in bad if record["severity"] == CRITICAL]
    warned = [record["message"] for record in bad if record["severity"] != CRITICAL]
    told = {**asdict(page), "gate": newest.relative_to(made / "validations").parts[0]}
    told |= {"n_checks": len({record["check_id"] for record in records}), "failed": failed, "warned": warned}
    shutil.copytree(made, directory, dirs_exist_ok=True)
    summary = directory / newest.relative_to(made).with_name(SUMMARY)
    _write(summary, json.dumps(told))  # last: a folder without one is of a validation that was cut off
    return _write_index(directory)


def _copy_packages(vendor: Path) -> None:
    done = vendor / "complete"
    if done.exists():
        return
    for name, (package, folder, file) in LOCAL.items():
        target = vendor / ("css" if name.endswith(".css") else "js") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files(package).joinpath(folder, *file.split("/")).read_bytes())
    package, folder, fonts = FONTS
    (vendor / "webfonts").mkdir(exist_ok=True)
    for font in files(package).joinpath(folder, fonts).iterdir():
        if font.name.endswith(".woff2"):
            (vendor / "webfonts" / font.name).write_bytes(font.read_bytes())
    done.touch()


def _make_local(file: Path, directory: Path) -> None:
    """Exchange what a page names on servers for what lies in the folder."""
    text = file.read_text(encoding="utf-8")
    up = "../" * (len(file.relative_to(directory).parts) - 1)

    def replacement(tag: re.Match[str]) -> str:
        name = (tag["script"] or tag["link"] or "").rpartition("/")[2]
        if name not in LOCAL:
            return ""
        path = f"{up}{VENDOR}/{'css' if name.endswith('.css') else 'js'}/{name}"
        return f'<script src="{path}"></script>' if tag["script"] else f'<link rel="stylesheet" href="{path}">'

    local = _STATIC.sub(f"{up}static/", _REMOTE_TAG.sub(replacement, _NEWSLETTER.sub("", text)))
    if local != text:
        file.write_text(local, encoding="utf-8")


def _write_index(directory: Path) -> Path:
    """List the validations, the newest first, and forget the oldest."""
    found = [(told, file.parent) for file in directory.rglob(SUMMARY) if (told := _summary(file)) is not None]
    found.sort(key=lambda item: item[0]["when"], reverse=True)
    for _, folder in found[PAGES_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
    rows = "\n".join(_index_row(told, folder, directory) for told, folder in found[:PAGES_KEPT])
    index = directory / "index.html"
    _write(index, _INDEX.replace("{rows}", rows).replace("{vendor}", VENDOR))
    return index


def _summary(file: Path) -> dict[str, Any] | None:
    """Read what a page says of itself; of one that is damaged nothing is listed."""
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return told if any(file.parent.glob("*.html")) else None


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = file.with_name(f".{file.name}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def _index_row(told: Mapping[str, Any], folder: Path, directory: Path) -> str:
    n_failed, n_warned = len(told["failed"]), len(told["warned"])
    kind, word = ("danger", "failed") if n_failed else ("warning", "warned") if n_warned else ("success", "passed")
    page = next(folder.glob("*.html")).relative_to(directory).as_posix()
    messages = "".join(f"<li>{html.escape(text)}</li>" for text in (*told["failed"], *told["warned"])[:10])
    more = n_failed + n_warned - 10
    messages += f"<li>and {more} more</li>" if more > 0 else ""
    cells = [
        f'<span class="badge badge-{kind}">{word}</span>',
        html.escape(told["gate"]),
        html.escape(told["days"]),
        f'<a href="{html.escape(page)}">{html.escape(told["run"])}</a>',
        html.escape(told["when"].replace("T", " ").removesuffix("+00:00")),
        f"{told['n_checks']} checks" + (f'<ul class="mb-0">{messages}</ul>' if messages else ""),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quality gates</title>
<link rel="stylesheet" href="{vendor}/css/bootstrap.min.css">
</head>
<body>
<main class="container-fluid py-4">
<h1>Quality gates</h1>
<p>What each gate said, the newest first. A run leads to the page of Great Expectations; all verdicts are rows of
<code>fct_data_quality</code>.</p>
<div class="table-responsive">
<table class="table table-sm">
<thead><tr><th>outcome</th><th>gate</th><th>days</th><th>run</th><th>when (UTC)</th><th>what was found</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</main>
</body>
</html>
"""
