"""What of the Data Docs may leave: which checks there are, not what they saw.

A page of a validation shows the numbers that did not meet an expectation: volumes of a wiki's day, users of a link. The
pages of the suites name the checks only. So a site has the suites, and the verdicts come from `Leaving.gates`.
"""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path

SUITES, STATIC, INDEX = "expectations", "static", "index.html"
TUTORIAL = ("*.gif", "iterative-dev-loop.png")  # megabytes of how to use Great Expectations
_REMOTE = re.compile(r"url\(['\"]?https?://[^)]*\)")
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Docs: what the gates check</title>
<link rel="stylesheet" href="static/vendor/css/bootstrap.min.css"></head>
<body class="container py-4"><main>
<h1>What the gates check</h1>
<p>The suites of Great Expectations, as it writes them. What they saw stays inside the house, since a number that failed
may be that of few users; the verdicts are on the <a href="../quality.html">page about quality</a>.</p>
<ul>
{links}
</ul>
</main></body>
</html>
"""


def copy_docs(data_docs: Path, out: Path) -> bool:
    """Copy the Data Docs that may leave into a new folder, with an index of its own.

    Args:
        data_docs: of the warehouse.
        out: the folder to make; its parent is there, it is not.

    Returns:
        Whether there was anything to copy; else no folder is made.
    """
    suites = sorted((data_docs / SUITES).glob("*.html"))
    if not suites:
        return False
    (out / SUITES).mkdir(parents=True)
    for suite in suites:
        page = _REMOTE.sub("none", suite.read_text(encoding="utf-8"))  # a page of a site asks nobody for a logo
        (out / SUITES / suite.name).write_text(page, encoding="utf-8")
    if (data_docs / STATIC).is_dir():
        shutil.copytree(data_docs / STATIC, out / STATIC, ignore=shutil.ignore_patterns(*TUTORIAL))
    links = "\n".join(
        f'<li><a href="{SUITES}/{escape(suite.name)}">Gate {escape(suite.stem)}</a></li>' for suite in suites
    )
    (out / INDEX).write_text(_PAGE.format(links=links), encoding="utf-8")
    return True
