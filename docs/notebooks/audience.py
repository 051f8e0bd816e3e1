"""Audience: how many editors could be invited, and how many in eight weeks."""

import marimo

__generated_with = "0.25.2"
app = marimo.App()

with app.setup:
    import marimo as mo

    from pdmetrics import marts, plots, words


@app.cell(hide_code=True)
def _():
    mo.md("""
    # How many editors could be invited?

    Family `audience`: permanent users, no bots, who edited in the main namespace within the window, with 100 to 500
    edits at their last one. They are counted in dumps of mediawiki_history, whole, so there is nothing to estimate but
    the weeks to come.
    """)
    return


@app.cell
def _():
    rows = marts.sql("""
        select wiki_db, as_of_date, estimate, lower, upper, status, status_reason
        from fct_metric_values
        where
            metric = 'eligible_editors' and edit_count_bucket = '100-500' and window_days = 28
            and wiki_db in (select wiki_db from dim_wiki where pilot)
        order by wiki_db, as_of_date
    """)
    rows
    return (rows,)


@app.cell
def _(rows):
    chart = plots.with_intervals(
        rows,
        "as_of_date",
        by="wiki_db",
        title="Editors with 100 to 500 edits, active in the 28 days to …",
        unit="users",
        from_zero=True,
    )
    chart
    return (chart,)


@app.cell
def _():
    # What was counted in eight weeks goes before a projection, which is one to be cautious with. There is none where a
    # window is hidden.
    expected = marts.sql("""
        select
            own.wiki_db, own.as_of_date, own.n_editors, coalesce(whole.n_editors, own.projected) as estimate,
            coalesce(whole.n_editors, own.projected_lower) as lower,
            coalesce(whole.n_editors, own.projected_upper) as upper,
            case
                when whole.n_editors is not null then 'publish' when own.projected is null then 'not_estimable'
                else 'caution'
            end as status,
            case
                when whole.n_editors is not null then 'counted in a window of eight weeks'
                when own.projected is null then 'a window is hidden, or there is only one below eight weeks'
                else 'a projection by the growth from the shorter to the longer window'
            end as status_reason
        from fct_audience as own
        left join fct_audience as whole
            on
                own.wiki_db = whole.wiki_db and own.as_of_date = whole.as_of_date and own.band = whole.band
                and own.definition = whole.definition and own.snapshot = whole.snapshot and whole.window_days = 56
        where
            own.definition = '' and own.band = '100-500' and own.window_days = 28
            and own.wiki_db in (select wiki_db from dim_wiki where pilot)
        qualify own.as_of_date = max(own.as_of_date) over (partition by own.wiki_db)
        order by own.wiki_db
    """)
    expected
    return (expected,)


@app.cell
def _(expected):
    weeks = plots.with_intervals(
        expected, "wiki_db", title="Editors expected within eight weeks", unit="users", from_zero=True
    )
    weeks
    return (weeks,)


@app.cell
def _(rows):
    # One choice of the definition changed at a time.
    wiki = rows["wiki_db"].iloc[0]
    choices = marts.sql(
        """
        select other.choice, other.alternative, own.n_editors, other.n_editors as n_editors_then
        from fct_audience_alternatives as other
        join fct_audience as own using (as_of_date, wiki_db, band, window_days)
        where own.definition = '' and other.wiki_db = ? and other.band = '100-500' and other.window_days = 28
        qualify other.as_of_date = max(other.as_of_date) over ()
        order by abs(other.n_editors - own.n_editors) desc, other.choice, other.alternative
        """,
        [wiki],
    )
    choices
    return


@app.cell(hide_code=True)
def _(expected):
    lines = []
    for row in expected.itertuples():
        told = words.interval(row.estimate, row.lower, row.upper, "users")
        counted = (
            "few editors, who are not shown," if row.n_editors != row.n_editors else f"{row.n_editors:,.0f} editors"
        )
        ahead = f"within 8 weeks {told}" if told else "nothing is projected"
        lines.append(f"- {row.wiki_db}: {counted} were active in the 28 days to {row.as_of_date:%Y-%m-%d}; {ahead}.")
    mo.md("\n".join(["## What may be said", "", *lines]))
    return


@app.cell(hide_code=True)
def _():
    mo.md("""
    The counts are exact, for the contract's definition. The range is that of nine in ten projections which were tried
    on public histories of commits and of purchases, none of a Wikipedia: take it as the least to allow for.

    ## What may not

    - Twice the editors in twice the time: mostly the same people edit, and the projection has them once.
    - "So many will see the link": whoever was in the band once keeps it. This is a forecast of invitations.
    - Bands or wikis added up: a narrow band is part of a wide one, and who edits on two wikis counts on both.
    - Counts by another definition beside these: theirs are the rows of `fct_audience` whose `definition` is not empty.
    """)
    return


if __name__ == "__main__":
    app.run()
