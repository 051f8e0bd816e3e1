"""A sampling plan as text an analyst can read: Markdown that is also legible in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jobs.console import counted
from jobs.planning.plan import KEEP_DAYS, SMALL_STREAM, UNITS, Plan, SettingPlan, gigabytes
from jobs.planning.scenario import ENTRY_POINT, USAGE, Expectation, Setting

ASSUMPTIONS = (
    ("users", "eligible editors", "{:,.0f}"),
    ("visiting_share", "of them may visit the dashboard at all", "{:.3g} %"),
    ("pageviews_per_hour", "pageviews an hour by logged-in users", "{:,.0f}"),
    ("eligible_share", "of them by editors who see the entry point", "{:.1f} %"),
    ("ctr", "clicks per impression of the entry point", "{:.2f} %"),
    ("pageviews_per_session", "pageviews in a session", "{:g}"),
    ("loads_per_click", "dashboard loads per click on the entry point", "{:g}"),
    ("loads_per_session", "dashboard loads in a session that has one", "{:g}"),
    ("events_per_load", "events sent by a dashboard load", "{:g}"),
    ("activity_variation", "variance over squared mean of editors' pageviews", "{:g}"),
    ("frailty", "correlation of clicks within an editor", "{:g}"),
    ("review_share", "of dashboard loads with a click on a review link", "{:.1f} %"),
    ("bytes_per_event", "bytes of a stored event", "{:g}"),
)

HEADLINES = {
    "link_clicks": "clicks",
    "link_click_through_rate": "click-through rate",
    "dashboard_visitors": "visitors",
    "two_day_review_rate": "two-day review",
    "two_week_return_rate": "two-week return",
}
"""Metrics of the table of all settings, where they are planned for; else the first ones asked for are."""

LEGEND = (
    "Half-width of the 95 % interval over the estimate, where one instrument keeps both streams; in brackets:",
    "`caution`; bounds: a lower and an upper limit only; –: not estimable. * needs a change in the client.",
)

UNTABLED = {
    "presented_two_week_rate": (
        "presented_two_week_rate joins the entry point with usage: exact where both are at 100 %, and not estimable "
        "elsewhere, unless users are kept whole. Only if asked for does it decide."
    ),
    "dashboard_visitors_rarefied": (
        "dashboard_visitors_rarefied needs no plan: it is made of those seen at the smallest rate, whichever that is."
    ),
    "visit_pairs_per_visit": (
        "visit_pairs_per_visit needs no plan: it is identified at any rate, over 28 days, as well as pairs are kept."
    ),
    "eligible_editors": (
        "eligible_editors needs no plan: it is counted in mediawiki_history, which no sampling rate touches."
    ),
}
"""Metrics of the catalogue that are in no table unless asked for, and why."""


def render_plan(plan: Plan, notes: Sequence[str] = (), taken: Sequence[str] = ()) -> str:
    """Write a plan: what was assumed and taken, what each setting costs and measures, notes on it, and what to do."""
    scenario = plan.scenario
    lines = [
        f"Sampling plan for {scenario.wiki}: windows of {counted(scenario.window_days, 'day')}, "
        f"intervals within ±{_percent(scenario.precision)} of the estimate",
        "",
        "Assumed (change what you know better):",
        "",
        *(f"- {title}: {form.format(getattr(scenario, name) * _scale(form))}" for name, title, form in ASSUMPTIONS),
        f"- which makes {_count(scenario.impressions_per_day)} impressions of the entry point and "
        f"{_count(scenario.loads_per_day)} dashboard loads a day",
        "",
        *(f"{sentence}\n" for sentence in taken),
        *overview(plan),
        "",
        *LEGEND,
        "",
        *(line for columns in _groups(plan) for line in (*_widths(columns), "")),
        "*realised*: what did happen, only sampling is random; *process*: what such editors do in general, which no",
        "sampling rate improves beyond its value at 100 %.",
        "",
        *_notes(plan),
        *(f"- {note}" for note in notes),
        "",
        *_recommendation(plan),
    ]
    return "\n".join(lines) + "\n"


def overview(plan: Plan) -> list[str]:
    """Tabulate all settings: what each brings and, of a few metrics, the expected half-width and status."""
    tabled = list(dict.fromkeys(e.metric for e in plan.settings[0].expectations))
    shown = [name for name in HEADLINES if name in tabled] or tabled[: len(HEADLINES)]
    titles = (HEADLINES.get(name, name) for name in shown)
    head = ["kept", "entry point: events a day", "usage: events a day", f"GB in {KEEP_DAYS} days", *titles]
    lines = [_line(head), "|" + "---|" * len(head)]
    for one in plan.settings:
        if one.setting != Setting(UNITS[1], 1.0):  # the same as every pageview
            lines.append(_line([_name(one.setting), *_volume(plan, one, one), *_cells(one, one, shown)]))
    if plan.split:
        entry, usage = _of(plan, plan.chosen), _at_full(plan)
        name = f"**recommended: entry point {_name(plan.chosen)}, usage 100 %**"
        lines.append(_line([name, *_volume(plan, entry, usage), *_cells(entry, usage, shown)]))
    return lines


def _volume(plan: Plan, entry: SettingPlan, usage: SettingPlan) -> list[str]:
    """Write what the two streams bring, each under a setting."""
    events = entry.events_per_day[ENTRY_POINT], usage.events_per_day[USAGE]
    return [*map(_count, events), _gigabytes(sum(events), plan)]


def _cells(entry: SettingPlan, usage: SettingPlan, metrics: Sequence[str]) -> list[str]:
    """Write what is expected of realised metrics, each under the setting of its stream."""
    found = {
        e.metric: _cell(e)
        for one, stream in ((entry, ENTRY_POINT), (usage, USAGE))
        for e in one.expectations
        if e.stream == stream and e.inference == "realised"
    }
    return [found[metric] for metric in metrics]


def _groups(plan: Plan) -> list[list[SettingPlan]]:
    """Group the settings by how they keep."""
    today = [one for one in plan.settings if not one.setting.needs_client_change]
    by_unit = [[one for one in today if one.setting.unit == unit] for unit in UNITS]
    return [*by_unit, [one for one in plan.settings if one.setting.needs_client_change]]


def _widths(columns: Sequence[SettingPlan]) -> list[str]:
    """Tabulate the expected half-width and status, a row per metric and a column per setting that keeps alike."""
    first = columns[0].setting
    by = f"{first.unit} or user*" if first.needs_client_change else first.unit
    head = [f"sampled by {by}", *(_percent(column.setting.rate) for column in columns)]
    lines = [_line(head), "|" + "---|" * len(head)]
    for row in zip(*(column.expectations for column in columns), strict=True):
        lines.append(_line([f"{row[0].metric} ({row[0].inference})", *map(_cell, row)]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _name(setting: Setting) -> str:
    """Name a setting as what it keeps."""
    if setting.rate >= 1:
        return "100 %"
    of = f"{setting.unit}s or users*" if setting.needs_client_change else f"{setting.unit}s"
    return f"{_percent(setting.rate)} of {of}"


def _notes(plan: Plan) -> list[str]:
    """Say which link a rate is of, and why a metric is in no table."""
    tabled = {expectation.metric for expectation in plan.settings[0].expectations}
    notes = []
    if "link_click_through_rate_unique" in tabled:
        notes.append(
            "link_click_through_rate_unique is that of a link on the dashboard; of the entry point it would need user "
            "ids and 100 %."
        )
    return ["- " + note for note in (*notes, *(text for name, text in UNTABLED.items() if name not in tabled))]


def _recommendation(plan: Plan) -> list[str]:
    """Say what to do, what it costs, and why; and what would be cheaper, could clients do it."""
    changed = plan.with_change
    if changed is None:
        return _recommended_today(plan)
    volume = sum(changed.events_per_day.values())
    return [
        *_recommended_today(plan),
        f"- Cheaper with a change in the client: one instrument that keeps {_name(changed.setting)}, {_count(volume)} "
        f"events a day, {_gigabytes(volume, plan)} GB in {KEEP_DAYS} days, meets the precision for all that is asked.",
    ]


def _recommended_today(plan: Plan) -> list[str]:
    chosen = plan.chosen
    volume = (
        f"{_count(plan.events_per_day)} events a day, {_gigabytes(plan.events_per_day, plan)} GB in {KEEP_DAYS} days"
    )
    if plan.split:
        return [
            f"**Recommended: two instruments. The entry point sampled at {_percent(chosen.rate)} by {chosen.unit}; "
            f"usage at 100 %.** {volume[0].upper()}{volume[1:]}.",
            "",
            f"- {_why_entry_point(plan)}",
            f"- {_why_usage(plan)} Kept whole, its counts are exact, and so "
            "are its people: visitors, return and retention, which no weight can repair once they are sampled.",
            "- One instrument for both would have to choose: cheap, and blind to people; or whole, and "
            f"{_count(_both_at_full(plan))} events a day.",
        ]
    if chosen.rate == 1:
        return [
            f"**Recommended: everything at 100 %.** {volume[0].upper()}{volume[1:]}.",
            "",
            "- No smaller rate meets the precision for every number of the entry point, and at 100 % all realised "
            "numbers are exact.",
        ]
    asked = {expectation.metric for expectation in plan.settings[0].expectations}
    people = "- Numbers of people stay out of reach at this rate: if they matter, keep usage at 100 %."
    return [
        f"**Recommended: one instrument at {_percent(chosen.rate)} by {chosen.unit}.** "
        f"{volume[0].upper()}{volume[1:]}.",
        "",
        "- It is the cheapest setting that meets the precision. Usage is too large a part of the volume for keeping it "
        "whole to cost next to nothing.",
        *([] if "dashboard_visitors" in asked else [people]),
    ]


def _why_entry_point(plan: Plan) -> str:
    if not any(expectation.stream == ENTRY_POINT for expectation in plan.settings[0].expectations):
        return "No metric asked for is measured on the entry point, so that its smallest rate will do."
    return (
        f"{_percent(plan.chosen.rate)} by {plan.chosen.unit} is the cheapest setting at which every realised number of "
        "the entry point meets the precision."
    )


def _why_usage(plan: Plan) -> str:
    """Say why usage is kept whole: it costs little, or nothing less answers what is asked."""
    full = _at_full(plan).events_per_day
    usage = _count(full[USAGE])
    if full[USAGE] <= SMALL_STREAM * full[ENTRY_POINT]:
        return f"The dashboard itself sends only {usage} events a day."
    return (
        f"The dashboard itself sends {usage} events a day, and no smaller rate meets the precision for all its numbers."
    )


def _at_full(plan: Plan) -> SettingPlan:
    return _of(plan, Setting(UNITS[0], 1.0))


def _of(plan: Plan, setting: Setting) -> SettingPlan:
    return next(one for one in plan.settings if one.setting == setting)


def _both_at_full(plan: Plan) -> float:
    return sum(_at_full(plan).events_per_day.values())


def _cell(expectation: Expectation) -> str:
    """Write a width, in brackets under `caution`; `exact` where nothing is uncertain; or what else is shown."""
    if expectation.status == "publish" and expectation.half_width == 0:
        return "exact"
    if expectation.status in ("publish", "caution") and math.isfinite(expectation.half_width):
        width = "over ±100 %" if expectation.half_width > 1 else f"±{100 * expectation.half_width:.1f} %"
        return width if expectation.status == "publish" else f"({width})"
    return "bounds" if expectation.status == "bounds_only" else "–"


def _scale(form: str) -> float:
    return 100.0 if form.endswith("%") else 1.0


def _percent(rate: float) -> str:
    return f"{100 * rate:g} %"


def _count(value: float) -> str:
    """Write a number to three digits."""
    if value <= 0:
        return "0"
    digits = max(0, math.floor(math.log10(value)) - 2)
    return f"{round(value, -digits):,.0f}" if value >= 1 else f"{value:.2g}"


def _gigabytes(events_per_day: float, plan: Plan) -> str:
    size = gigabytes(events_per_day, plan.scenario)
    return f"{size:.2g}" if size >= 0.001 else "under 0.001"
