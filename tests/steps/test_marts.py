"""What the step `marts` says of what it has published."""

from __future__ import annotations

from datetime import date

import duckdb

from jobs.steps.marts import SUMMARY

DAY = date(2026, 3, 19)


def test_the_sum_over_wikis_is_no_wiki_of_the_summary() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.fct_metric_values as select * from (values "
            "('publish', 'a', 'trwiki', date '2026-03-19'), ('publish', 'a', 'idwiki', date '2026-03-19'), "
            "('publish', 'b', 'all', date '2026-03-19'), "
            "('caution', 'b', 'all', date '2026-03-19')) as t(status, metric, wiki_db, as_of_date)"
        )
        rows = connection.execute(SUMMARY, [DAY, DAY]).fetchall()
    assert rows == [("publish", 3, 2, 2), ("caution", 1, 1, 0)]
