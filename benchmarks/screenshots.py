"""Take the README's pictures of the report: the overview and a wiki's page of the demo, in the light.

    python benchmarks/screenshots.py --warehouse demo/warehouse --wiki idwiki

It makes the report of a warehouse in a folder of its own and leaves the warehouse as it is. Needs Chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from jobs.report.about import wiki_href  # noqa: E402
from jobs.settings import load_settings  # noqa: E402
from jobs.steps.companion import companion  # noqa: E402
from jobs.steps.report import REPORT, report_to  # noqa: E402
from jobs.warehouse.runs import Warehouse  # noqa: E402
from tests.report.browser import NAMES, chromium, program, visit  # noqa: E402

OUT = ROOT / "docs" / "pictures"
MOST_BYTES = 200_000  # every version of a picture stays in the repository
READY = "document.documentElement.dataset.ready === 'yes'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warehouse", type=Path, default=ROOT / "demo" / "warehouse")
    parser.add_argument("--wiki", default="idwiki", help="whose page")
    parser.add_argument("--section", default="weeks", help="id at which the picture of that page begins")
    arguments = parser.parse_args()
    if program() is None:
        sys.exit(f"no browser here: install one of {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory() as folder:
        with companion([REPORT]) as other:
            warehouse = Warehouse(arguments.warehouse)
            site = report_to(load_settings()[0], warehouse, other, Path(folder) / "site")
        pictures = {
            "report_overview.png": (site.index, ""),
            "report_wiki.png": (site.index.with_name(wiki_href(arguments.wiki)), arguments.section),
        }
        with chromium() as browser:
            for name, (page, section) in pictures.items():
                with visit(browser, page, until=READY) as seen:
                    if section:
                        seen.page.evaluate("id => document.getElementById(id).scrollIntoView()", section)
                    seen.page.screenshot(path=OUT / name)
                size = (OUT / name).stat().st_size
                print(f"{OUT / name}: {size // 1000} kB")
                if size > MOST_BYTES:
                    sys.exit(f"{name} is larger than {MOST_BYTES // 1000} kB")


if __name__ == "__main__":
    main()
