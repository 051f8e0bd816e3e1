"""Presented: of users who were shown the menu link, who visits in two weeks (WE1.3)."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo

    from pdmetrics import marts, plots, words


@app.cell(hide_code=True)
def _():
    mo.md("""
    # Of users who are shown the menu link, who visits in that week and the next?

    Family `presented`, the key result WE1.3. It needs the menu link measured on both platforms for two weeks, and
    users told apart: three things that must all have been seen.
    """)
    return


@app.cell
def _():
    rows = marts.sql("""
        select
            wiki_db, window_start,
            case
                when presented_two_week_rate_process_status in ('publish', 'caution') then presented_two_week_rate
            end as estimate,
            presented_two_week_rate_process_lower as lower,
            presented_two_week_rate_process_upper as upper, presented_two_week_rate_process_status as status,
            presented_two_week_rate_process_reason as status_reason
        from rpt_cohort_week
        where presented_two_week_rate_process_status is not null
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
        title="Of users shown the menu link in the week from …, who visit then and in the next",
        unit="share of users",
    )
    chart
    return (chart,)


@app.cell(hide_code=True)
def _(rows):
    lines = []
    for wiki, of_wiki in rows.groupby("wiki_db"):
        row = of_wiki.iloc[-1]
        told = words.interval(row["estimate"], row["lower"], row["upper"], "share of users")
        cohort = f"cohort of {row['window_start']:%Y-%m-%d}, {row['status']}"
        lines.append(f"- {wiki}, {cohort}: {told or row['status_reason']}")
    mo.md("\n".join(["## What may be said", "", *lines]))
    return


@app.cell
def _():
    measured = marts.sql("""
        select element_friendly_name, client_platform_family, measured_from, measured_to
        from dim_instrument_vocabulary
        where element_friendly_name = 'Personal Dashboard menu link'
        order by client_platform_family, measured_from
    """)
    measured
    return (measured,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## What may not

    - Weeks outside the stretch above: the link was not measured, or on one platform only, and there is no number.
    - A share of editors who *could* see the link: only users to whom it was shown count.
    - Weights instead of the whole: under sampling none of the three is wholly seen, and no weight repairs that.
    """)
    return


if __name__ == "__main__":
    app.run()
