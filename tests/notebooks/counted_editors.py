"""Three months of eligible editors beside the small lake: pilots, a large wiki, and one with few editors."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.audience import Band, Choices
from jobs.contracts import TABLES
from jobs.rows.audience import Asked, AudienceRows, audience_rows
from jobs.schemas import arrow_schema, duckdb_types
from jobs.windows import rolling_start

MONTHS = (date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30))
BANDS = {"100-500": 1.0, "100-300": 0.72}  # band -> its share of the editors
WINDOWS = {28: 1.0, 14: 0.62}
# Of each choice how many times as many editors there would be: who is let in can only add, who is left out only take.
OTHERWISE = {
    ("namespace", "current"): 1.008, ("edit_count", "first"): 0.985, ("edit_count", "largest"): 1.004,
    ("bots", "now"): 1.006, ("bots", "then"): 1.011, ("bots", "counted"): 1.019, ("temporary", "in"): 1.013,
    ("cross_wiki", "out"): 0.96, ("deleted_revisions", "out"): 0.989,
}  # fmt: skip
EDITORS = {"enwiki": 15_907, "idwiki": 1_480, "thwiki": 12, "trwiki": 1_203}


def with_editors(lake_file: Path, folder: Path) -> Path:
    """Write a copy of a lake's description that has these editors, and return it."""
    lake = json.loads(lake_file.read_text(encoding="utf-8"))
    tables = {name: _absolute(table, lake_file.parent) for name, table in lake["tables"]["pd"].items()}
    reference = {name: _absolute(table, lake_file.parent) for name, table in lake["tables"]["reference"].items()}
    counted = [_counted(n, as_of) for n, as_of in enumerate(MONTHS)]
    frames = {
        "audience": pd.concat([rows.audience for rows in counted]),
        "audience_values": pd.concat([rows.values for rows in counted]),
        "audience_alternatives": pd.concat([rows.alternatives for rows in counted]),
        "audience_log": _log(),
    }
    for name, frame in frames.items():
        columns = TABLES[name].columns
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pandas(frame[list(columns)], arrow_schema(columns), preserve_index=False), path)
        tables[name] = {"kind": "parquet", "path": str(path), "columns": duckdb_types(columns)}
    made = folder / "lake.json"
    made.write_text(json.dumps({"tables": {"pd": tables, "reference": reference}}), encoding="utf-8")
    return made


def _absolute(table: dict[str, str], folder: Path) -> dict[str, str]:
    return table | ({"path": str(folder / table["path"])} if "path" in table else {})


def _counted(n_before: int, as_of: date) -> AudienceRows:
    """The rows of one snapshot; the audience grows by 3 % a month."""
    bands = [Band.parse(band) for band in BANDS]
    first = rolling_start(as_of, max(WINDOWS))
    asked = Asked(
        f"{as_of:%Y-%m}", list(EDITORS), [as_of], bands, list(WINDOWS), Choices(), first, as_of, f"{first}/{as_of}"
    )
    others = [
        (None, None, 1.0),
        *((choice, other, OTHERWISE[choice, other]) for choice, other, _ in Choices().alternatives()),
    ]
    cells = pd.DataFrame([
        {"as_of_date": as_of, "wiki_db": wiki, "band": band, "window_days": days, "choice": choice,
         "alternative": other, "n_editors": round(n * share * part * 1.03**n_before * factor),
         "n_new_to_band": round(0.06 * n * part), "n_left_band": round(0.04 * n * part)}
        for wiki, n in EDITORS.items()
        for band, share in BANDS.items()
        for days, part in WINDOWS.items()
        for choice, other, factor in others
    ])  # fmt: skip
    return audience_rows(cells, asked, min_users=10)


def _log() -> pd.DataFrame:
    first = {as_of: rolling_start(as_of, max(WINDOWS)) for as_of in MONTHS}
    return pd.DataFrame([
        {"as_of_date": as_of, "read_from": first[as_of], "days_read": f"{first[as_of]}/{as_of}", "wiki_db": wiki,
         "snapshot": f"{as_of:%Y-%m}", "fate": "kept", "reason": None, "n_rows": 40 * n}
        for as_of in MONTHS
        for wiki, n in EDITORS.items()
    ])  # fmt: skip
