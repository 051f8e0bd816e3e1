"""What a site says of itself, and the shared names of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class About:
    """Where the numbers of a site come from: nothing of a cell.

    Attributes:
        run_id: the run that published the marts.
        as_of: newest day up to which they are published.
        built_at: when the site is made, UTC.
        version: of pdmetrics.
        min_users: a cell of fewer users is hidden.
        revisions: how much runs moved numbers, columns of `jobs.report.revisions`.
        dbt_docs: a page of dbt's docs to copy into the site; None for none.
        data_docs: the folder of pages about the gates, of which the site gets what may leave; None for none.
    """

    run_id: str
    as_of: date
    built_at: datetime
    version: str
    min_users: int
    revisions: pd.DataFrame
    dbt_docs: Path | None = None
    data_docs: Path | None = None


@dataclass(frozen=True)
class Page:
    """A page's place.

    Attributes:
        href: its file, relative to the site.
        title: in the navigation.
        heading: on the page.
        template: its template.
    """

    href: str
    title: str
    heading: str
    template: str = ""


def wiki_href(wiki_db: str) -> str:
    """Return the file of a wiki's page."""
    return f"wiki_{wiki_db}.html"


def metric_href(metric: str) -> str:
    """Return the address of a metric's definition."""
    return f"metrics.html#{metric}"
