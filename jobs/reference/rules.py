"""What makes a reference row valid: the cells of each line, and the lines of each file against each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, datetime
from typing import TypeVar

from jobs.catalogue import load_catalogue
from jobs.reference.cells import read_row
from jobs.reference.csv_file import Problems, Row, format_cell
from jobs.reference.rows import (
    ANY_PLATFORM,
    ANY_WIKI,
    INSTRUMENTS_CSV,
    MILESTONES_CSV,
    PILOT,
    PLATFORMS,
    POLICY_CSV,
    REVIEW_LINKS,
    USAGE_ROLES,
    VOCABULARY_CSV,
    WIKI_CONFIG_CSV,
    WIKIS_CSV,
    InstrumentRow,
    MilestoneRow,
    PolicyRow,
    VocabularyRow,
    WikiConfigRow,
    WikiRow,
)
from jobs.reference.targets import counts_people

WRITE_NUMBER = "Write a number; a share of the audience is for dashboard_visitors and reviewers"
Moment = TypeVar("Moment", date, datetime)
Dated = TypeVar("Dated", PolicyRow, InstrumentRow, VocabularyRow, WikiConfigRow)


def wiki(row: Row) -> WikiRow:
    """Read a line of `wikis.csv`."""
    built = read_row(WikiRow, row)
    if built.wiki_db in (ANY_WIKI, PILOT, "all"):
        row.fail("wiki_db", "the word has another meaning here", "Write a database name such as enwiki")
    if not row.is_bad and built.visible_from < built.enabled_from:
        row.fail("visible_from", f"before enabled_from {built.enabled_from}", "A wiki is enabled before it is visible")
    return built


def policy(row: Row) -> PolicyRow:
    """Read a line of `sampling_policy.csv`."""
    built = read_row(PolicyRow, row)
    _check_stretch(row, "valid_from", built.valid_from, "valid_to", built.valid_to)
    return built


def instrument(row: Row) -> InstrumentRow:
    """Read a line of `instruments.csv`."""
    built = read_row(InstrumentRow, row)
    _check_stretch(row, "valid_from", built.valid_from, "valid_to", built.valid_to)
    return built


def vocabulary(row: Row) -> VocabularyRow:
    """Read a line of `vocabulary.csv`."""
    built = read_row(VocabularyRow, row)
    if built.element_friendly_name in (REVIEW_LINKS, "all"):
        row.fail("element_friendly_name", "the name of a pooled row, not of an element", "Name the element itself")
    _check_stretch(row, "measured_from", built.measured_from, "measured_to", built.measured_to)
    return built


def wiki_config(row: Row) -> WikiConfigRow:
    """Read a line of `wiki_config.csv`."""
    built = read_row(WikiConfigRow, row)
    _check_stretch(row, "valid_from", built.valid_from, "valid_to", built.valid_to)
    return built


def milestone(row: Row) -> MilestoneRow:
    """Read a line of `milestones.csv`; the metric must be offered for the window."""
    built = read_row(MilestoneRow, row)
    if not row.is_bad:
        _check_milestone_metric(row, built)
    return built


def _check_milestone_metric(row: Row, built: MilestoneRow) -> None:
    metrics = load_catalogue().metrics
    metric = metrics.get(built.metric)
    if metric is None:
        row.fail("metric", "no such metric", f"Write one of {', '.join(sorted(metrics))}")
    elif not any((w.kind, w.days) == (built.window_kind, built.window_days) for w in metric.windows):
        row.fail("window_days", f"{built.metric} has no such window", f"It has {metric.window_kinds}")
    elif built.wiki_db == PILOT and metric.kind != "count":
        row.fail("wiki_db", f"{built.metric} cannot be summed over wikis", "Write one wiki; `pilot` is for counts")
    elif isinstance(built.target, str):
        if not counts_people(metric):
            row.fail("target", f"{built.metric} does not count those who could be invited", WRITE_NUMBER)
    elif built.target <= 0:
        row.fail("target", "not above 0, so there is nothing to reach", "Write what is to be reached, such as 500")
    elif metric.kind == "rate" and built.target > 1:
        row.fail("target", f"above 1, and {built.metric} is a share", "Write 0.1 for 10 %")


def _check_stretch(row: Row, start_field: str, start: Moment, end_field: str, end: Moment | None) -> None:
    if not row.is_bad and end is not None and end <= start:
        row.fail(end_field, f"not after {start_field} {format_cell(start)}", "Ends are exclusive and after the start")


def overlaps(rows: Iterable[Dated], key: Callable[[Dated], object]) -> Iterator[tuple[Dated, Dated]]:
    """Yield (earlier, later) for rows of one key that share any moment; each later row once."""
    groups: dict[object, list[Dated]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    for group in groups.values():
        longest: Dated | None = None
        for row in sorted(group, key=lambda r: (r.stretch.start, r.line)):
            if longest is not None and longest.stretch.holds(row.stretch.start):
                yield longest, row
            if longest is None or row.stretch.outlasts(longest.stretch):
                longest = row


def check_wikis(rows: Collection[WikiRow], problems: Problems) -> None:
    """A wiki stands once, and there is at least one."""
    seen: dict[str, int] = {}
    for row in rows:
        if row.wiki_db in seen:
            what = f"the wiki stands on line {seen[row.wiki_db]} already"
            problems.add(WIKIS_CSV, row.line, "wiki_db", row.wiki_db, what, "Keep one line per wiki")
        seen.setdefault(row.wiki_db, row.line)
    if not rows and not any(problem.file == WIKIS_CSV for problem in problems.found):
        problems.add(WIKIS_CSV, None, "", "", "no wiki in it", "Write one line per wiki")


def check_policy_overlaps(rows: Collection[PolicyRow], problems: Problems) -> None:
    """At any moment one row at most holds for an instrument and wiki, and one at most for an instrument and `*`."""
    found = overlaps(rows, lambda r: (r.instrument_name, r.wiki_db))
    for earlier, later in found:
        what = f"overlaps line {earlier.line} of {later.instrument_name} on {later.wiki_db}"
        step = f"End line {earlier.line} at {format_cell(later.valid_from)} or start this one later"
        problems.add(POLICY_CSV, later.line, "valid_from", format_cell(later.valid_from), what, step)


def check_known_wikis(
    known: Collection[str],
    policy_rows: Collection[PolicyRow],
    config_rows: Collection[WikiConfigRow],
    milestone_rows: Collection[MilestoneRow],
    problems: Problems,
) -> None:
    """No file names a wiki that `wikis.csv` lacks (but `*` in the policy, `pilot` in the milestones)."""
    for file, rows, word in (
        (POLICY_CSV, policy_rows, ANY_WIKI),
        (WIKI_CONFIG_CSV, config_rows, None),
        (MILESTONES_CSV, milestone_rows, PILOT),
    ):
        for row in rows:
            if row.wiki_db != word and row.wiki_db not in known:
                step = f"Add {row.wiki_db} to {WIKIS_CSV} or take the line out"
                problems.add(file, row.line, "wiki_db", row.wiki_db, f"not in {WIKIS_CSV}", step)


def check_instruments(rows: Collection[InstrumentRow], problems: Problems) -> None:
    """An instrument has one role at a time, and one instrument at a time measures usage."""
    for earlier, later in overlaps(rows, lambda r: r.instrument_name):
        what = f"overlaps line {earlier.line} of the same instrument"
        step = f"End line {earlier.line} at {later.valid_from}"
        problems.add(INSTRUMENTS_CSV, later.line, "valid_from", later.valid_from, what, step)
    usage = [row for row in rows if row.role in USAGE_ROLES]
    if not usage:
        step = f"Give the instrument of the dashboard the role {' or '.join(USAGE_ROLES)}"
        problems.add(INSTRUMENTS_CSV, 1, "role", "", "no instrument measures usage", step)
    for row in usage:
        if not row.has_user_id:
            step = "Send user ids, or give it the role entry_point"
            problems.add(
                INSTRUMENTS_CSV, row.line, "has_user_id", "false", "usage is counted in users, so it needs them", step
            )
    for earlier, later in overlaps(usage, lambda _: "usage"):
        if earlier.instrument_name == later.instrument_name:
            continue
        what = f"measures usage while {earlier.instrument_name} (line {earlier.line}) does"
        step = f"End line {earlier.line} at {later.valid_from}, or make one an entry_point"
        problems.add(INSTRUMENTS_CSV, later.line, "role", later.role, what, step)


def check_vocabulary(rows: Collection[VocabularyRow], problems: Problems) -> None:
    """An element has one group, and its stretches on a platform do not overlap (`*` counts for every platform)."""
    group_of: dict[str, VocabularyRow] = {}
    for row in rows:
        first = group_of.setdefault(row.element_friendly_name, row)
        if first.link_group != row.link_group:
            what = f"{row.element_friendly_name} is in {first.link_group!r} on line {first.line}"
            problems.add(VOCABULARY_CSV, row.line, "link_group", row.link_group, what, "Give an element one group")
    reported: set[int] = set()
    for platform in PLATFORMS:
        own = [row for row in rows if row.client_platform_family in (platform, ANY_PLATFORM)]
        found = overlaps(own, lambda r: r.element_friendly_name)
        for earlier, later in found:
            if later.line in reported:
                continue
            reported.add(later.line)
            what = f"overlaps line {earlier.line} of {later.element_friendly_name}"
            step = f"End line {earlier.line} at {later.measured_from} or start this one later"
            problems.add(VOCABULARY_CSV, later.line, "measured_from", later.measured_from, what, step)


def check_wiki_config(rows: Collection[WikiConfigRow], problems: Problems) -> None:
    """A setting of a wiki has one value at a time."""
    for earlier, later in overlaps(rows, lambda r: (r.wiki_db, r.setting)):
        what = f"overlaps line {earlier.line} of {later.setting} on {later.wiki_db}"
        step = f"End line {earlier.line} at {format_cell(later.valid_from)}"
        problems.add(WIKI_CONFIG_CSV, later.line, "valid_from", format_cell(later.valid_from), what, step)


def check_milestones(rows: Collection[MilestoneRow], problems: Problems) -> None:
    """A milestone stands once per wiki and metric."""
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row.milestone, row.wiki_db, row.metric)
        if key in seen:
            what = f"stands on line {seen[key]} for this wiki and metric already"
            problems.add(MILESTONES_CSV, row.line, "milestone", row.milestone, what, "Give each milestone its own name")
        seen.setdefault(key, row.line)
