"""Users: how many came, and what share of them reviewed on two days."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo

    from pdmetrics import marts, plots, words


@app.cell(hide_code=True)
def _():
    mo.md("""
    # What share of visitors reviews on two days?

    Family `users`. People do not add up: not over days, not over wikis, and not by 1/rate. Where everything was
    kept they are counted; under sampling there is an estimate, or bounds, or nothing, and the status says which.
    """)
    return


@app.cell
def _():
    quarter = marts.sql("""
        select wiki_db, name, inference, estimate, lower, upper, unit, status, status_reason, remedy
        from rpt_latest
        where metric in ('dashboard_visitors', 'two_day_review_rate') and window_kind = 'quarter_to_date'
        order by name, wiki_db, inference
    """)
    quarter
    return (quarter,)


@app.cell
def _():
    # The process rows: only their interval has the chance of who came, so only they compare a week with another one.
    weeks = marts.sql("""
        select wiki_db, metric_date as window_start, estimate, lower, upper, status, status_reason
        from fct_metric_values
        where metric = 'two_day_review_rate' and inference = 'process' and window_days = 7 and isodow(metric_date) = 1
        order by wiki_db, window_start
    """)
    chart = plots.with_intervals(
        weeks, "window_start", by="wiki_db", title="Two-day review rate in the week from …", unit="share of users"
    )
    chart
    return (chart, weeks)


@app.cell(hide_code=True)
def _(quarter):
    rates = quarter[quarter["unit"] == "share of users"]
    lines = []
    for wiki, row in rates[rates["inference"] == "process"].set_index("wiki_db").iterrows():
        told = words.interval(row["estimate"], row["lower"], row["upper"], row["unit"])
        why = f"{row['status_reason']} What would change that: {row['remedy']}"
        lines.append(f"- {wiki} ({row['status']}): {told or why}.")
    mo.md("\n".join(["## What may be said of this quarter", "", *lines]))
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    The `realised` row of a wiki where everything was kept is the exact share of this quarter's visitors; the
    interval above is of the `process` row: how sure one is of the share in general.

    ## What may not

    - A number for a wiki whose row is `not_estimable`, be it "about as in the others": nothing in its data says so.
    - Visitors of two wikis added up to people: users are local to a wiki.
    - "It rose" because one point stands above another: look at `two_day_review_rate_change_lower` and `_upper` in
      `rpt_wiki_week`.
    """)
    return


if __name__ == "__main__":
    app.run()
