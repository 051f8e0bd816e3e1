"""The tables that `pdmetrics audience` fills from dumps of mediawiki_history: counts of editors, and no editor."""

from __future__ import annotations

from jobs.columns import BIGINT, DATE, DOUBLE, INT, STRING, Columns
from jobs.table import METRIC_COLUMNS, METRIC_KEY, Table

AUDIENCE_CELL: Columns = {"as_of_date": DATE, "wiki_db": STRING, "band": STRING, "window_days": INT}

# fmt: off
AUDIENCE_TABLES = (
    Table(
        "audience",
        (*AUDIENCE_CELL, "definition"),
        {
            **AUDIENCE_CELL, "definition": STRING, "window_start": DATE, "snapshot": STRING, "read_from": DATE,
            "read_to": DATE, "days_read": STRING, "n_editors": BIGINT, "n_new_to_band": BIGINT,
            "n_left_band": BIGINT, "growth_exponent": DOUBLE, "projected_days": INT, "projected": DOUBLE,
            "projected_lower": DOUBLE, "projected_upper": DOUBLE,
        },
        "as_of_date",
        "none",
        "Eligible editors by wiki, band of edit counts, window and definition; who came into the band and who left it.",
    ),
    Table(
        "audience_values",
        METRIC_KEY,
        METRIC_COLUMNS,
        "as_of_date",
        "none",
        "The same as rows of the metric `eligible_editors`; they stand in `fct_metric_values` beside the others.",
    ),
    Table(
        "audience_alternatives",
        (*AUDIENCE_CELL, "choice", "alternative"),
        {**AUDIENCE_CELL, "choice": STRING, "alternative": STRING, "n_editors": BIGINT},
        "as_of_date",
        "none",
        "How many eligible editors there would be if one choice of the definition were another; null if not known.",
    ),
    Table(
        "audience_log",
        ("as_of_date", "read_from", "days_read", "wiki_db", "snapshot", "fate", "reason"),
        {
            "as_of_date": DATE, "read_from": DATE, "days_read": STRING, "wiki_db": STRING, "snapshot": STRING,
            "fate": STRING, "reason": STRING, "n_rows": BIGINT,
        },
        "as_of_date",
        "none",
        "Rows read of a wiki's dumps by fate and reason; the dates are the last and first day that were read.",
    ),
)
# fmt: on
