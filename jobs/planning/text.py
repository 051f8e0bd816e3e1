"""A sampling plan as text an analyst can read: Markdown that is also legible in a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jobs.console import counted
from jobs.planning.plan import KEEP_DAYS, SMALL_STREAM, UNITS, Plan, SettingPlan, gigabytes
from jobs.planning.scenario import ENTRY_POINT, USAGE, Expectation

ASSUMPTIONS = (
    ("users", "eligible editors", "{:,.0f}"),
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

UNTABLED = {
    "presented_two_week_rate": (
        "presented_two_week_rate joins the entry point with usage: exact where both are at 100 %, `not_estimable` "
        "elsewhere. Only if asked for does it decide."
    ),
    "eligible_editors": (
        "eligible_editors needs no plan: it is counted in mediawiki_history, which no sampling rate touches."
    ),
}
"""Metrics of the catalogue that are in no table unless asked for, and why."""


def render_plan(plan: Plan, notes: Sequence[str] = ()) -> str:
    """Write a plan: what was assumed, what each setting costs and measures, notes on it, and what to do."""
    scenario = plan.scenario
    lines = [
        f"Sampling plan for {scenario.wiki}: windows of {counted(scenario.window_days, 'day')}, "
        f"intervals within ±{_percent(scenario.precision)} of the estimate",
        "",
        "Assumed (change what you know better):",
        "",
        *(f"- {title}: {form.format(getattr(scenario, name) * _scale(form))}" for name, title, form in ASSUMPTIONS),
        "",
        *_volumes(plan),
        "",
        *(line for unit in UNITS for line in (*_widths(plan, unit), "")),
        "Half-width of the 95 % interval over the estimate. *realised*: what did happen, only sampling is random;",
        "*process*: what such editors do in general, which no sampling rate improves beyond its value at 100 %.",
        "",
        *_notes(plan),
        *(f"- {note}" for note in notes),
        "",
        *_recommendation(plan),
    ]
    return "\n".join(lines) + "\n"


def _volumes(plan: Plan) -> list[str]:
    """Tabulate what each rate brings; the unit does not change the volume."""
    lines = [
        f"| rate | entry point: events a day | GB in {KEEP_DAYS} days | usage: events a day | GB in {KEEP_DAYS} days |",
        "|---|---|---|---|---|",
    ]
    seen: set[float] = set()
    for setting_plan in plan.settings:
        rate = setting_plan.setting.rate
        if rate not in seen:
            seen.add(rate)
            entry, usage = (setting_plan.events_per_day[stream] for stream in (ENTRY_POINT, USAGE))
            entry_gb, usage_gb = (_gigabytes(events, plan) for events in (entry, usage))
            lines.append(f"| {_percent(rate)} | {_count(entry)} | {entry_gb} | {_count(usage)} | {usage_gb} |")
    return lines


def _widths(plan: Plan, unit: str) -> list[str]:
    """Tabulate the expected half-width and status, a row per metric and a column per rate of one unit."""
    columns = [setting_plan for setting_plan in plan.settings if setting_plan.setting.unit == unit]
    rates = " | ".join(_percent(column.setting.rate) for column in columns)
    lines = [f"| sampled by {unit} | {rates} |", "|" + "---|" * (1 + len(columns))]
    for row in zip(*(column.expectations for column in columns), strict=True):
        cells = " | ".join(_cell(expectation) for expectation in row)
        lines.append(f"| {row[0].metric} ({row[0].inference}) | {cells} |")
    return lines


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
    """Say what to do, what it costs, and why."""
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
    return [
        f"**Recommended: one instrument at {_percent(chosen.rate)} by {chosen.unit}.** "
        f"{volume[0].upper()}{volume[1:]}.",
        "",
        "- It is the cheapest setting that meets the precision. Usage is too large a part of the volume for keeping it "
        "whole to cost next to nothing.",
        "- Numbers of people stay out of reach at this rate: if they matter, keep usage at 100 %.",
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
    return next(p for p in plan.settings if p.setting.rate == 1)


def _both_at_full(plan: Plan) -> float:
    return sum(_at_full(plan).events_per_day.values())


def _cell(expectation: Expectation) -> str:
    """Write a width and, where it is not `publish`, the status; `exact` where nothing is uncertain."""
    if expectation.status == "publish" and expectation.half_width == 0:
        return "exact"
    if expectation.status in ("publish", "caution") and math.isfinite(expectation.half_width):
        width = "over ±100 %" if expectation.half_width > 1 else f"±{100 * expectation.half_width:.1f} %"
        return width if expectation.status == "publish" else f"{width}, {expectation.status}"
    return expectation.status


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
