"""Totals: what adds up over days and wikis."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo

    from pdmetrics import marts, plots, words


@app.cell(hide_code=True)
def _():
    mo.md("""
    # How often is the dashboard loaded?

    Family `totals`. Loads add up: over days, over wikis, and under sampling each counts 1/rate. So there is a
    number at every rate, and what sampling adds is an interval.
    """)
    return


@app.cell
def _():
    rows = marts.sql("""
        select
            wiki_db, window_start, dashboard_pageviews as estimate, dashboard_pageviews_lower as lower,
            dashboard_pageviews_upper as upper, dashboard_pageviews_status as status,
            dashboard_pageviews_reason as status_reason, dashboard_pageviews_change as change,
            dashboard_pageviews_change_lower as change_lower, dashboard_pageviews_change_upper as change_upper
        from rpt_wiki_week
        order by wiki_db, window_start
    """)
    rows[["wiki_db", "window_start", "estimate", "lower", "upper", "status", "status_reason"]]
    return (rows,)


@app.cell
def _(rows):
    chart = plots.with_intervals(rows, "window_start", by="wiki_db", title="Loads in the week from …", unit="pageviews")
    chart
    return (chart,)


@app.cell(hide_code=True)
def _(rows):
    last = rows[rows["window_start"] == rows["window_start"].max()]
    lines = [
        f"- {row.wiki_db}: {words.interval(row.estimate, row.lower, row.upper, 'pageviews')} loads"
        f" in the week from {row.window_start:%Y-%m-%d}; change from the week before:"
        f" {words.change(row.change, row.change_lower, row.change_upper, 'pageviews') or 'none can be told'}."
        for row in last.itertuples()
    ]
    mo.md("\n".join(["## What may be said", "", *lines]))
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    A change whose interval holds zero is none that can be seen. Where everything was kept the number is exact, and
    so is the change: that is what happened, and no promise about the next week.

    ## What may not

    - "So many people": these are loads. Five loads may be five users or one.
    - A week with a lost hour (`caution`) against a whole one, as if both were complete: its number says "at least".
    """)
    return


if __name__ == "__main__":
    app.run()
