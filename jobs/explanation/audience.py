"""Why a number of eligible editors is what it is: no event is behind it, but dumps of mediawiki_history.

Everything is read from the marts: the row, the count with its projection, what became of the rows of the dumps, and how
many there would be if one choice of the definition were another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from jobs.explanation.audience_choice import choose_audience
from jobs.explanation.audience_forecast import forecast_of
from jobs.explanation.audience_runs import cell_of, made_by
from jobs.explanation.audience_words import CHOICES, FATES, HIDDEN, UNKNOWN, in_words
from jobs.explanation.choose import Asked, Fetch, Records
from jobs.explanation.definition import definition_of
from jobs.explanation.explanation import (
    Alternative,
    Explanation,
    Formula,
    Inputs,
    MetricRow,
    Naive,
    Sql,
    Step,
)
from jobs.explanation.formulas import SHARE_OF_USERS, formula_of
from jobs.explanation.headline import headline
from jobs.metric import Metric
from jobs.warehouse.lake_sql import quoted
from jobs.warehouse.manifest import Run
from jobs.words import STATUSES, metric_window, signed

MARTS, LOG, AUDIENCE, CHANGED = "marts", "log", "audience", "alternatives"
DOCS = "docs/audience.md"
EVERYBODY = "none: dumps hold every revision, so that everybody is counted"
COUNTED = "Use the number: everybody was counted, so that it has no interval."


def explain_audience(asked: Asked, metric: Metric, runs: Sequence[Run], fetch: Fetch) -> Explanation:
    """Explain a published number of eligible editors.

    Args:
        asked: which number.
        metric: its metric.
        runs: the published runs that are left, oldest first; at least one.
        fetch: runs a statement on the published marts.

    Raises:
        UsageError: there is no such row; it says which there are, or which command makes one.
    """
    chosen = choose_audience(asked, metric, fetch)
    row, sql = chosen.row, [Sql("row", "the row", MARTS, chosen.sql)]
    counts = _fetched(
        sql, AUDIENCE, "the band's windows, with who came and left, and the projection", _counts(row), fetch
    )
    own = next((one for one in counts if one["window_days"] == row.window_days), None)
    log = [] if own is None else _fetched(sql, LOG, "rows of the dumps by fate", _log(row, own), fetch)
    changed = _fetched(sql, CHANGED, "each choice made otherwise", _changed(row), fetch)
    choices = tuple(_choices(row, changed))
    return Explanation(
        headline=headline(row, metric.unit),
        chosen=chosen.notes,
        row=row,
        means=COUNTED if row.status == "publish" else STATUSES[row.status].means,
        definition=definition_of(metric),
        formula=_formula(row, metric),
        inputs=_inputs(row, own, log, runs, fetch),
        steps=(*_steps_of_log(log), *_steps_of_count(row, own)),
        sql=tuple(sql),
        naive=tuple(_naive(row, counts, changed)),
        alternatives=(*_beside(row, metric, fetch), *choices),
        forecast=None if own is None else forecast_of(counts, str(own["snapshot"])),
    )


def _formula(row: MetricRow, metric: Metric) -> Formula:
    found = formula_of(row, metric)
    return replace(found, see=DOCS, interval=found.interval if row.lower is None else EVERYBODY)


def _fetched(sql: list[Sql], name: str, what: str, text: str, fetch: Fetch) -> Records:
    sql.append(Sql(name, what, MARTS, text))
    return fetch(text, ())


def _counts(row: MetricRow) -> str:
    return f"select *\nfrom fct_audience\nwhere {cell_of(row)} and definition = ''\norder by window_days"


def _changed(row: MetricRow) -> str:
    return (
        "select choice, alternative, n_editors, is_suppressed\nfrom fct_audience_alternatives\n"
        f"where {cell_of(row)} and window_days = {row.window_days}\norder by choice, alternative"
    )


def _log(row: MetricRow, own: dict[str, object]) -> str:
    """Read the log of the reading that the row came from: one reading may serve several days, noted at the last."""
    return (
        "select fate, reason, n_rows, as_of_date\nfrom fct_audience_log\n"
        f"where wiki_db = {quoted(row.wiki_db)} and snapshot = {quoted(str(own['snapshot']))} "
        f"and as_of_date = date '{own['read_to']}' and read_from = date '{own['read_from']}'\n"
        f"{_same_days(own)}order by fate, n_rows desc, reason"
    )


def _same_days(own: dict[str, object]) -> str:
    """Write that the same days were read; marts that were built before this was noted have no such column."""
    if "days_read" not in own:
        return ""
    days = own["days_read"]
    return f"and days_read is not distinct from {'null' if days is None else quoted(str(days))}\n"


def _inputs(row: MetricRow, own: dict[str, object] | None, log: Records, runs: Sequence[Run], fetch: Fetch) -> Inputs:
    run_id = made_by(row, None if own is None else str(own["snapshot"]), runs, fetch)
    told = []
    if own is not None:
        differs = in_words(str(own["definition"] or ""))
        told = [f"mediawiki_history, snapshot {own['snapshot']}", f"{differs} ({DOCS})"]
    if log and log[0]["as_of_date"] != row.as_of_date:
        told.append(
            f"the dumps were read once, for all days up to {log[0]['as_of_date']}; rows by fate are of them all"
        )
    return Inputs(runs[-1].run_id, run_id, (), (), (), (), tuple(told))


def _steps_of_log(log: Records) -> Iterable[Step]:
    """Tell what became of the rows of the dumps; those that were used last."""
    if log:
        yield Step("rows of the wiki's dumps read", sum(one["n_rows"] for one in log), "rows", False, LOG)
    for fate in FATES:
        for one in log:
            if one["fate"] == fate:
                yield Step(f"{FATES[fate]}{_reason(one['reason'])}", one["n_rows"], "rows", False, LOG)


def _reason(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _steps_of_count(row: MetricRow, own: dict[str, object] | None) -> Iterable[Step]:
    if own is None:
        return
    n, shown = _whole(own["n_editors"]), _whole(row.observed_numerator)
    agrees = None if n is None or shown is None else n == shown
    yield Step(f"eligible editors in the band {row.edit_count_bucket}", n, "editors", n is None, AUDIENCE, agrees)
    for column, what in (
        ("n_new_to_band", "of these grew into the band within the window"),
        ("n_left_band", "beside these, who were in the band and are above it at the end"),
    ):
        count = _whole(own[column])
        yield Step(what, count, "editors", count is None, AUDIENCE)


def _whole(value: object) -> int | None:
    return None if value is None else int(float(str(value)))


def _naive(row: MetricRow, counts: Records, changed: Records) -> Iterable[Naive]:
    """Tell what the two usual short cuts give: a window taken for another by its length, and bots counted in."""
    if row.estimate is None:
        return
    others = [one for one in counts if one["window_days"] != row.window_days and one["n_editors"]]
    days = row.window_days or 0
    if others:
        other = max(others, key=lambda one: (one["window_days"] < days, -abs(one["window_days"] - days)))
        times, is_less = days / other["window_days"], other["window_days"] < days
        scaled = other["n_editors"] * times
        how = f"{other['n_editors']:,} in {other['window_days']} days, times {times:g}"
        yield Naive(how, scaled, _wrong(scaled - row.estimate, is_less=is_less))
    bots = next((one for one in changed if (one["choice"], one["alternative"]) == ("bots", "counted")), None)
    if bots is not None:
        why = "bots have edit counts too, and nobody invites them" if bots["n_editors"] is not None else HIDDEN
        why = "the same: there is no bot in the band" if bots["n_editors"] == row.estimate else why
        yield Naive("every account in the band, bots as well", bots["n_editors"], why)


def _wrong(difference: float, *, is_less: bool) -> str:
    """Say what is the matter with a shorter or longer window that is scaled by its days."""
    if not difference:
        return "the same here, which is not the rule: mostly the same people edit again"
    if (difference > 0) != is_less:
        return f"too {'large' if difference > 0 else 'small'}: editors do not come evenly"
    return "too large: who edits in both parts is counted twice" if is_less else "too small: not all edit so often"


def _beside(row: MetricRow, metric: Metric, fetch: Fetch) -> Iterable[Alternative]:
    """Give the other windows of the band and the other bands of the window, as of the same day."""
    found = fetch(
        "select * from fct_metric_values where metric = ? and wiki_db = ? and as_of_date = ? "
        "order by window_days, edit_count_bucket",
        [row.metric, row.wiki_db, row.as_of_date],
    )
    for one in map(MetricRow.of, found):
        is_band, is_window = one.edit_count_bucket == row.edit_count_bucket, one.window_days == row.window_days
        if is_band != is_window:
            name = metric_window(one.window_kind, one.window_days)
            what = f"{name}, {one.metric_date}..{one.as_of_date}" if is_band else f"band {one.edit_count_bucket}"
            yield Alternative(
                "window" if is_band else "band", what, metric.unit, one.estimate, one.lower, one.upper, one.status,
                (one.status_reason or "").removesuffix("."),
            )  # fmt: skip


def _choices(row: MetricRow, changed: Records) -> Iterable[Alternative]:
    for one in changed:
        n, told = one["n_editors"], CHOICES.get((one["choice"], one["alternative"]), "")
        what = f"{one['choice']}={one['alternative']}" + (f": {told}" if told else "")
        note = (HIDDEN if one["is_suppressed"] else UNKNOWN) if n is None else ""
        if n is not None and row.estimate:
            moved = n - row.estimate
            note = (
                f"{signed(moved, 'users')} ({signed(moved / row.estimate, SHARE_OF_USERS)} %)" if moved else "no change"
            )
        yield Alternative("choice", what, "users", n, n, n, None, note)
