"""Attack the report of a warehouse, and count: how many rows keep their numbers, how many hidden counts are told.

    python benchmarks/attack.py WAREHOUSE

Hidden counts are those that the marts hide, in wikis sampled or not. Prints what docs/privacy.md says of the demo.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "report"))
from attack import EVENTS, LINKS, read
from attack import ranges as ranges_of

from jobs.catalogue import load_catalogue
from jobs.marts.read import fetch_arrow
from jobs.report.disclosure import INSIDE, hide
from jobs.report.leaving import CELLS, daily_metrics
from jobs.warehouse.runs import Warehouse

MIN_USERS = 10
CLOSE = 1e-6


def main(place: str) -> None:
    """Attack the cells of a warehouse as the marts have them, and as they leave."""
    catalogue = load_catalogue()
    rows = fetch_arrow(Warehouse(Path(place)), CELLS, [daily_metrics(catalogue)]).to_pandas(date_as_object=False)
    left = hide(rows, catalogue, MIN_USERS).drop(columns=list(INSIDE))
    for name, own in (("rows", rows), *((f"rows of clicks over {n} days", clicks(rows, n)) for n in (28, 7))):
        has_numbers = own["estimate"].notna() | own["lower"].notna()
        kept = left.loc[own.index[has_numbers], ["estimate", "lower"]].notna().any(axis=1)
        print(f"{name}: {kept.sum():,} of {has_numbers.sum():,} with numbers keep them")
    is_small = (rows["status"] == "suppressed") & rows["metric"].isin(EVENTS) & (rows["inference"] == "realised")
    for name, seen in (("the marts", rows), ("the report", left)):
        tell(f"small counts of events, {name}", seen, rows[is_small])


def clicks(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the rows of clicks on links over so many days."""
    return rows[(rows["metric"] == LINKS[1]) & (rows["window_days"] == days)]


def tell(name: str, seen: pd.DataFrame, small: pd.DataFrame) -> None:
    """Print how closely each small count is told."""
    place = ["metric", "wiki_db", "window_days", "window_start", "element_friendly_name", "client_platform_family"]
    found = ranges_of(read(seen), list(small[place].itertuples(index=False, name=None)), enough=MIN_USERS)
    width = found["most"] - found["least"]
    for wiki, own in width.groupby(found["cell"].str[1]):
        exactly, narrow = (own < CLOSE).sum(), (own < MIN_USERS - CLOSE).sum()
        print(f"{name}, {wiki}: {exactly} of {len(own)} told exactly, {narrow} to less than {MIN_USERS}")


if __name__ == "__main__":
    main(sys.argv[1])
