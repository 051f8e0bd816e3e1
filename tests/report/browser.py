"""Pages in the Chromium that is installed, offline, and what they say of themselves."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
OWN = ("file:", "data:", "blob:")
SERIOUS = ("serious", "critical")
PATIENCE = 60_000  # milliseconds; a page draws its charts in less than one second of a machine of its own


@dataclass
class Visit:
    """A page that is open.

    Attributes:
        page: the page.
        complaints: of its scripts, and what it logged as an error or a warning.
        requests: addresses outside of this machine's disk that it asked for.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """What axe-core finds that is serious or worse: rule, place."""
        from axe_playwright_python.sync_playwright import Axe

        # It would ask for style sheets itself, which the pages forbid.
        found = Axe().run(self.page, options={"preload": False}).response["violations"]
        return [
            f"{rule['id']}: {node['target']}" for rule in found if rule["impact"] in SERIOUS for node in rule["nodes"]
        ]

    def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width


def program() -> str | None:
    """Return the browser that is installed, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; a test that needs one is skipped where there is none."""
    found = program()
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is on the path")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield started
        started.close()


@contextlib.contextmanager
def visit(
    browser: Browser, file: Path, *, anchor: str = "", width: int = 1280, scheme: Any = "light", until: str = ""
) -> Iterator[Visit]:
    """Open a file as somebody does who has nothing else.

    Args:
        browser: the browser.
        file: the page.
        anchor: what comes after `#`.
        width: of the window, pixels.
        scheme: `light` or `dark`.
        until: a condition in JavaScript that holds once the page has drawn everything.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    try:
        opened = Visit(context.new_page())
        opened.page.set_default_timeout(PATIENCE)
        opened.page.on("console", lambda said: _note(opened.complaints, said.text, said.type in ("error", "warning")))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda asked: _note(opened.requests, asked.url, not asked.url.startswith(OWN)))
        opened.page.goto(f"{file.as_uri()}#{anchor}" if anchor else file.as_uri())
        if until:
            opened.page.wait_for_function(until)
        yield opened
    finally:
        context.close()


def _note(notes: list[str], text: str, condition: bool) -> None:
    if condition:
        notes.append(text)
