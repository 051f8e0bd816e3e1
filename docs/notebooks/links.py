"""Links: what is shown and what is clicked."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo

    from pdmetrics import marts, plots, words


@app.cell(hide_code=True)
def _():
    mo.md("""
    # Which links get clicked?

    Family `links`. Impressions and clicks add up, so click-through rates have a number at every rate; of users who
    were shown a link there are shares only where users can be told apart.
    """)
    return


@app.cell
def _():
    rows = marts.sql("""
        select
            wiki_db, element_friendly_name, link_group, client_platform_family, link_impressions,
            link_click_through_rate as estimate, link_click_through_rate_lower as lower,
            link_click_through_rate_upper as upper, link_click_through_rate_status as status,
            link_click_through_rate_reason as status_reason
        from rpt_link_week
        where window_start = (select max(window_start) from rpt_link_week) and wiki_db != 'all'
        order by wiki_db, element_friendly_name, client_platform_family
    """)
    rows
    return (rows,)


@app.cell
def _(rows):
    chart = plots.with_intervals(
        rows[rows["client_platform_family"] == "all"],
        "element_friendly_name",
        by="wiki_db",
        title="Clicks per impression in the newest week, both platforms",
        unit="clicks per impression",
    )
    chart
    return (chart,)


@app.cell
def _(rows):
    # The menu link has no row of both platforms: on mobile its selector is the whole personal menu.
    wiki = rows["wiki_db"].iloc[0]
    platforms = plots.with_intervals(
        rows[(rows["wiki_db"] == wiki) & (rows["client_platform_family"] != "all")],
        "element_friendly_name",
        by="client_platform_family",
        title=f"Clicks per impression in the newest week, {wiki}, by platform",
        unit="clicks per impression",
    )
    platforms
    return (platforms,)


@app.cell(hide_code=True)
def _(rows):
    lines = []
    whole = rows[(rows["client_platform_family"] == "all") & (rows["element_friendly_name"] == "review links")]
    for row in whole.itertuples():
        told = words.interval(row.estimate, row.lower, row.upper, "clicks per impression")
        lines.append(f"- {row.wiki_db}, all review links: {told or row.status_reason}.")
    n_hidden = int((rows["status"] == "suppressed").sum())
    lines.append(f"- Of the {len(rows)} rows {n_hidden} are hidden, because few users stand behind the whole week.")
    mo.md("\n".join(["## What may be said", "", *lines]))
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    These are rates of what happened in that week, exact where everything was kept. To compare two links in general
    take the `process` rows of `fct_metric_values`.

    ## What may not

    - Desktop and mobile of the menu link compared: a click there means two things.
    - "Of a hundred users": an impression is no user, several clicks on one impression all count, and a click needs
      none. The shares of users are `link_click_through_rate_unique`.
    - A hidden row as a zero, or a sum over links that passes over it: the row of the group `review links` has all.
    """)
    return


if __name__ == "__main__":
    app.run()
