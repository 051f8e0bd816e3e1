"""Retention: who comes back."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo

    from pdmetrics import marts, plots, words


@app.cell(hide_code=True)
def _():
    mo.md("""
    # Do visitors return in the second week?

    Family `retention`. A cohort is the visitors of a week (or of a Monday); it has a row once its last day is over.
    Whether somebody returned is known of people only, so sampling hurts here most.
    """)
    return


@app.cell
def _():
    # Limits and status are those of the process rows: whether a cohort returned less than another is their question.
    rows = marts.sql("""
        select
            wiki_db, window_start,
            case
                when two_week_return_rate_process_status in ('publish', 'caution') then two_week_return_rate
            end as estimate,
            two_week_return_rate_process_lower as lower,
            two_week_return_rate_process_upper as upper, two_week_return_rate_process_status as status,
            two_week_return_rate_process_reason as status_reason,
            two_week_return_rate_n_cohort_observed as n_cohort_observed
        from rpt_cohort_week
        where two_week_return_rate_process_status is not null
        order by wiki_db, window_start
    """)
    rows
    return (rows,)


@app.cell
def _(rows):
    chart = plots.with_intervals(
        rows,
        "window_start",
        by="wiki_db",
        title="Of the visitors in the week from …, who return",
        unit="share of users",
    )
    chart
    return (chart,)


@app.cell
def _():
    days = marts.sql("""
        select wiki_db, name, window_start, estimate, lower, upper, status, status_reason, remedy
        from rpt_latest
        where metric like 'retention%' and inference = 'process'
        order by wiki_db, window_days, name
    """)
    curve = plots.with_intervals(
        days,
        "name",
        by="wiki_db",
        title="Of a Monday's visitors, the newest cohort of each metric",
        unit="share of users",
    )
    curve
    return curve, days


@app.cell(hide_code=True)
def _(rows):
    lines = []
    for wiki, of_wiki in rows.groupby("wiki_db"):
        row = of_wiki.iloc[-1]
        told = words.interval(
            row["estimate"] if row["status"] in plots.SHAPES else None, row["lower"], row["upper"], "share of users"
        )
        lines.append(
            f"- {wiki}, cohort of {row['window_start']:%Y-%m-%d}, {row['status']}: {told or row['status_reason']}"
        )
    mo.md("\n".join(["## What may be said of the newest cohort", "", *lines]))
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    Where the status is `bounds_only`, say "between … and …" and leave it at that: the middle is no estimate.

    ## What may not

    - Cohorts drawn as a trend where their intervals overlap by half: that is how chance looks.
    - Return among newcomers: all visitors of the first week count, whenever they came first.
    - The retention of a day compared with the return of a week: one has a day to begin in, the other seven.
    """)
    return


if __name__ == "__main__":
    app.run()
