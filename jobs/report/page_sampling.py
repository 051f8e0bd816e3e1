"""The page of sampling: which rates were declared and which were seen, and what each refused number would need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from jobs import words
from jobs.catalogue import load_catalogue
from jobs.report.about import metric_href
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_sentences import clause, day, listed
from jobs.report.tables import chip, records, verdict
from jobs.window_sums.tables import ALL

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

AS_DECLARED = "as declared"
KINDS = {AS_DECLARED: "good", "lower than declared": "warn", "higher than declared": "bad"}
REFUSED = ("bounds_only", "not_estimable")
WINDOW = ["metric", "window_kind", "window_days"]
SERIES = ["wiki_db", "instrument_name"]
NAMED_LINKS = 4
CHECKED = (
    "Metric", "Window", "Kept", "Checked", "With an estimate", "Interval held the truth", "Off by, median",
    "Plain weighting off by, median",
)  # fmt: skip


def sampling_page(leaving: Leaving) -> dict[str, Any]:
    """Return what `sampling.html.j2` shows.

    Args:
        leaving: the audits and cells that may leave.
    """
    audit = leaving.sampling.sort_values([*SERIES, "event_date"])
    series = [own for _, own in audit.groupby(SERIES, sort=True)]
    refused = _refused(leaving.cells)
    return {
        "rates": _rates(series),
        "charts": [_chart(own, number) for number, own in enumerate(series, 1)],
        "remedies": _remedies(refused),
        "refused": _refused_table(refused),
        "checked": _checked(leaving.self_validation),
    }


def _rates(series: list[pd.DataFrame]) -> ChartTable:
    """Return the rate in force of each wiki and instrument, and what was seen of it."""
    rows = []
    for own in series:
        newest = records(own.tail(1))[0]
        former = own[(own["declared_rate"] != newest["declared_rate"]) | (own["sample_unit"] != newest["sample_unit"])]
        in_force = own[own["event_date"] > former["event_date"].max()] if len(former) else own
        rows.append(
            (
                newest["wiki_db"], _kept(newest),
                _seen(in_force), _verdicts(in_force), day(in_force["event_date"].min()), newest["instrument_name"],
            )
        )  # fmt: skip
    return ChartTable(("Wiki", "Kept, as declared", "Seen", "By day", "Since", "Instrument"), tuple(rows))


def _kept(row: dict[str, Any]) -> str:
    """Say what a row of the audit declares to be kept."""
    return words.sampled(row["sample_unit"], row["declared_rate"], row["declared_rate"])


def _seen(own: pd.DataFrame) -> str:
    """Write the lowest and the highest rate that days showed."""
    seen = own.loc[own["verdict"].isin(list(KINDS)), "likely_rate"].dropna()
    if seen.empty:
        return "too few ids on every day"
    return " to ".join(dict.fromkeys((words.percent(seen.min()), words.percent(seen.max()))))


def _verdicts(own: pd.DataFrame) -> Markup:
    """Write how many days got which verdict."""
    counted = own["verdict"].value_counts().to_dict()
    parts = [
        Markup("{} on {} day{}").format(verdict(str(name), KINDS.get(str(name), "open")), n, "" if n == 1 else "s")
        for name, n in counted.items()
    ]
    return Markup(", ").join(parts)


def _chart(own: pd.DataFrame, number: int) -> Chart:
    """Draw the declared and the seen rate of one wiki and instrument over time."""
    newest = records(own.tail(1))[0]
    points = [
        {"day": day(row["event_date"]), "declared": row["declared_rate"], "verdict": row["verdict"],
         "seen": None if words.is_null(row["likely_rate"]) else round(row["likely_rate"], 6)}
        for row in records(own)
    ]  # fmt: skip
    wrong = own[own["verdict"].isin(list(KINDS)) & (own["verdict"] != AS_DECLARED)]
    found = f"{len(wrong) or 'no'} day{'s contradict' if len(wrong) > 1 else ' contradicts'} it"
    kept = _kept(newest)
    return Chart(
        id=f"rate-{number}",
        title=f"{newest['wiki_db']}, {newest['instrument_name']}",
        sentence=f"Declared is {kept} on {day(newest['event_date'])}; seen over all days: {_seen(own)}; {found}.",
        spec=_spec(points),
        table=_weeks(own),
        summary="Week by week",
    )


def _spec(points: list[dict[str, Any]]) -> dict[str, Any]:
    date = {"field": "day", "type": "temporal", "timeUnit": "utcyearmonthdate"}  # not of the reader's time zone
    x = {**date, "axis": {"format": "%Y-%m-%d", "title": None, "tickCount": 5, "labelOverlap": True}}
    axis = {"format": "~%", "title": "kept", "tickCount": 4}
    tooltip = [
        {**date, "format": "%Y-%m-%d", "title": "day"},
        {"field": "declared", "type": "quantitative", "format": ".3~%", "title": "declared"},
        {"field": "seen", "type": "quantitative", "format": ".3~%", "title": "seen"},
        {"field": "verdict", "type": "nominal", "title": "verdict"},
    ]

    def unless_declared(declared: str, otherwise: str) -> dict[str, Any]:
        return {"condition": {"test": f"datum.verdict === '{AS_DECLARED}'", "value": declared}, "value": otherwise}

    declared = {"field": "declared", "type": "quantitative", "axis": axis, "scale": {"zero": True}}
    looks = {"shape": unless_declared("circle", "cross"), "color": unless_declared("#0072B2", "#D55E00")}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container", "height": 120, "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": points},
        "encoding": {"x": x, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "line", "interpolate": "step-after", "strokeDash": [5, 3], "color": "#767676"},
             "encoding": {"y": declared}},
            {"mark": {"type": "point", "filled": True, "size": 35},
             "encoding": {"y": {"field": "seen", "type": "quantitative"}, **looks}},
        ],
    }  # fmt: skip


def _weeks(own: pd.DataFrame) -> ChartTable:
    """Return the weeks of a series: what was declared, what was seen, what the days said."""
    monday = pd.to_datetime(own["event_date"]).dt.to_period("W").dt.start_time
    rows = []
    for start, week in own.groupby(monday, sort=True):
        kept = sorted({_kept(row) for row in records(week)})
        rows.append((day(start), listed(kept), _seen(week), _verdicts(week)))
    return ChartTable(("Week from", "Kept, as declared", "Seen", "By day"), tuple(rows))


def _refused(cells: pd.DataFrame) -> pd.DataFrame:
    """Return what has no estimate in each wiki's newest windows though something would change that."""
    own = cells[(cells["edit_count_bucket"] == ALL) & (cells["window_days"] != 1)]
    newest = own[own["window_end"] == own.groupby(["wiki_db", *WINDOW])["window_end"].transform("max")]
    found = newest[newest["status"].isin(REFUSED) & newest["remedy"].notna()]
    return found.assign(first=found["remedy"].str.split(";").str[0])


def _remedies(refused: pd.DataFrame) -> ChartTable:
    """Return what would help, by how many numbers of which wikis wait for it."""
    rows = []
    for first, own in refused.groupby("first", sort=True):
        wikis = [f"{wiki} ({n})" for wiki, n in own["wiki_db"].value_counts().sort_index().items()]
        names = [load_catalogue().metric(metric).name for metric in own["metric"].unique()]
        rows.append((len(own), (str(first), str(len(own)), listed(wikis), listed(names))))
    rows.sort(key=lambda row: -row[0])
    columns = ("What would help", "Numbers", "Of wikis", "Of metrics")
    return ChartTable(columns, tuple(row for _, row in rows), numbers=("Numbers",))


def _refused_table(refused: pd.DataFrame) -> ChartTable:
    """Return each refused number by wiki; links that need the same share a row, but bounds have one each."""
    keys = ["wiki_db", *WINDOW, "inference", "status", "status_reason", "remedy", "bounds"]
    order = {metric: position for position, metric in enumerate(load_catalogue().metrics)}
    rows, groups = [], []
    ordered = refused.sort_values(["wiki_db", "metric", "window_days"], key=_order(order), kind="stable")
    has_bounds = ordered["lower"].notna() | ordered["upper"].notna()
    ordered = ordered.assign(bounds=ordered.index.to_series().where(has_bounds, -1))
    for _, own in ordered.groupby(keys, sort=False, dropna=False):
        row = records(own.head(1))[0]
        metric = load_catalogue().metric(row["metric"])
        name = Markup('<a href="{}">{}</a>').format(metric_href(metric.metric), metric.name)
        window = words.metric_window(row["window_kind"], row["window_days"])
        numbers = words.interval(None, row["lower"], row["upper"], metric.unit)
        what = "what happened" if row["inference"] == "realised" else "in general"
        said = Markup("{} {}").format(chip(row["status"]), numbers)
        rows.append((name, _links(own), window, what, said, clause(row["status_reason"]), clause(row["remedy"])))
        groups.append(row["wiki_db"])
    columns = ("Metric", "Of", "Window", "Row", "Status", "Because", "What would help")
    return ChartTable(columns, tuple(rows), groups=tuple(groups))


def _order(order: dict[str, int]) -> Any:
    return lambda values: values.map(order) if values.name == "metric" else values


def _links(own: pd.DataFrame) -> str:
    """Name the links and platforms of some rows."""
    names = [
        f"{row['element_friendly_name']}"
        + ("" if row["client_platform_family"] == ALL else f" ({row['client_platform_family']})")
        for row in records(own)
    ]
    if names == [ALL]:
        return "all users"
    more = f" and {len(names) - NAMED_LINKS} more" if len(names) > NAMED_LINKS else ""
    return ", ".join(names[:NAMED_LINKS]) + more


def _checked(checks: pd.DataFrame) -> ChartTable:
    """Return how the estimators did where the truth is known, by metric, window and rate."""
    return ChartTable(CHECKED, tuple(_checked_row(row) for row in records(checks)), numbers=CHECKED[3:])


def _checked_row(row: dict[str, Any]) -> tuple[str, ...]:
    metric = load_catalogue().metric(row["metric"])
    (kind,) = {window.kind for window in metric.windows if window.days == row["window_days"]}
    ours = "no estimate was given" if words.is_null(row["median_error"]) else words.percent(row["median_error"])
    return (
        metric.name, words.metric_window(kind, row["window_days"]),
        words.sampled(row["sample_unit"], row["rate"], row["rate"]), str(row["n"]), str(row["n_shown"]),
        _held(row), ours, words.percent(row["median_naive_error"]),
    )  # fmt: skip


def _held(row: dict[str, Any]) -> str:
    """Write how many of the intervals that were given held the truth, and how many were refused."""
    n, given = row["n"], row["n_intervals"]
    held = [f"{row['n_covered']} of {given}"] if given else []
    return "; ".join([*held, f"{n - given} of {n} refused"] if n > given else held)
