"""Files of a world: hourly partitions of gzipped JSON lines, and the CSVs beside them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jobs.simulation.sampling import PolicyRow
from jobs.simulation.scenarios import ENTRY_POINTS, USAGE, Scenario
from jobs.simulation.vocabulary import INSTRUMENT_START, SHIPPED, Vocabulary

STREAM_FOLDER = "product_metrics_web_base"
CSVS = ("sampling_policy.csv", "wikis.csv", "instruments.csv", "vocabulary.csv", "milestones.csv", "wiki_config.csv")
_GZIP_LEVEL = 1


def day_path(day: date) -> str:
    """Folder of a day, relative to the world; numbers unpadded."""
    return f"raw/{STREAM_FOLDER}/year={day.year}/month={day.month}/day={day.day}"


def hour_path(day: date, hour: int) -> str:
    """Folder of an hour, relative to the world; numbers unpadded."""
    return f"{day_path(day)}/hour={hour}"


def broken_path(day: date, hour: int) -> str:
    """Path of an hour's broken file, relative to the world."""
    return f"{hour_path(day, hour)}/events-2.json.gz"


def write_hour(out: Path, day: date, hour: int, lines: Sequence[str], broken: Sequence[str] = ()) -> int:
    """Write an hour's lines, and those of `broken` into a second file that breaks off; return the number of files."""
    folder = out / hour_path(day, hour)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.json.gz").write_bytes(_gzipped(lines))
    if not broken:
        return 1
    whole = _gzipped(broken)
    (out / broken_path(day, hour)).write_bytes(whole[: max(len(whole) * 3 // 5, 12)])
    return 2


def _gzipped(lines: Sequence[str]) -> bytes:
    text = "\n".join(lines) + "\n" if lines else ""
    return gzip.compress(text.encode(), compresslevel=_GZIP_LEVEL, mtime=0)


def write_csvs(
    out: Path, scenario: Scenario, policy: list[PolicyRow], wikis: list[dict[str, object]], start: date
) -> None:
    """Write sampling_policy.csv and wikis.csv, and the optional files the scenario needs."""
    _csv(
        out / "sampling_policy.csv",
        ("instrument_name", "wiki_db", "sample_unit", "sample_rate", "valid_from", "valid_to"),
        (
            (row.instrument, row.wiki_db, row.unit, row.rate, _utc(row.valid_from), _utc(row.valid_to))
            for row in policy
            if row.declared
        ),
    )
    columns = ("wiki_db", "domain", "language", "pilot", "enabled_from", "visible_from")
    _csv(out / "wikis.csv", columns, ([wiki[name] for name in columns] for wiki in wikis))
    if scenario.split:
        _csv(
            out / "instruments.csv",
            ("instrument_name", "role", "has_user_id", "valid_from", "valid_to"),
            (
                (USAGE, "usage", "true", INSTRUMENT_START, ""),
                (ENTRY_POINTS, "entry_point", "false", INSTRUMENT_START, ""),
            ),
        )
    if scenario.vocabulary is not SHIPPED:
        write_vocabulary(out / "vocabulary.csv", scenario.vocabulary)
    if scenario.annotated:
        _annotations(out, wikis, start)


def write_vocabulary(path: Path, vocabulary: Vocabulary) -> None:
    """Write a vocabulary in the columns of the contract."""
    _csv(
        path,
        ("element_friendly_name", "link_group", "client_platform_family", "measured_from", "measured_to", "reason"),
        (
            (row.element, row.link_group, row.platform, row.measured_from, row.measured_to or "", row.reason)
            for row in vocabulary.stretches
        ),
    )


def _milestones(wikis: list[dict[str, object]]) -> Iterator[tuple[object, ...]]:
    """Give milestones up to their target."""
    yield "Pilot editors reached", "pilot", "dashboard_visitors", "quarter_to_date", "", 500
    yield "Pilot editors to invite", "pilot", "eligible_editors", "rolling", 28, 500
    yield "Visitors who review on two days", "enwiki", "two_day_review_rate", "rolling", 28, 0.1
    for wiki in wikis:
        if wiki["pilot"] == "true":
            yield "Editors who come back", wiki["wiki_db"], "two_week_return_rate", "cohort", 14, 0.1


def _annotations(out: Path, wikis: list[dict[str, object]], start: date) -> None:
    """Write milestones in the manner of the programme's targets, and each wiki's settings."""
    _csv(
        out / "milestones.csv",
        ("milestone", "wiki_db", "metric", "window_kind", "window_days", "target", "due_date", "source"),
        [(*milestone, start + timedelta(days=56), "simulated") for milestone in _milestones(wikis)],
    )
    rows: list[tuple[object, ...]] = []
    for wiki in wikis:
        name, since = wiki["wiki_db"], wiki["enabled_from"]
        model = "damaging" if name == "enwiki" else "revertrisklanguageagnostic"
        settings = (("minimum_edits", 100), ("maximum_edits", 500 if name == "enwiki" else 0), ("ml_model", model))
        rows += [(name, setting, value, since, "") for setting, value in settings]
    _csv(out / "wiki_config.csv", ("wiki_db", "setting", "value", "valid_from", "valid_to"), rows)


def _csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _utc(moment: int | None) -> str:
    return "" if moment is None else datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
