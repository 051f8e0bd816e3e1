"""The small CSVs of the input directory, typed and validated: wikis, policy, instruments, vocabulary and more.

`load_reference` reads what stands under `--input` (with the shipped defaults for what has one), finds
every problem and complains once. A run freezes what it read with `Reference.write` and finds it with `Reference.read`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jobs.catalogue import load_catalogue
from jobs.errors import InputError
from jobs.reference import rules
from jobs.reference.csv_file import Problems, Row, read_table, write_table
from jobs.reference.rows import (
    COLUMNS,
    INSTRUMENTS_CSV,
    METRICS_CSV,
    MILESTONES_CSV,
    OPTIONAL,
    POLICY_CSV,
    SHIPPED,
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
from jobs.resources import shipped

T = TypeVar("T")

_MISSING = {
    WIKIS_CSV: "Write one line per wiki",
    POLICY_CSV: "`pdmetrics policy import FILE --input DIR` writes it",
}


@dataclass(frozen=True)
class Reference:
    """All of them together, each in the order of its file."""

    wikis: tuple[WikiRow, ...]
    policy: tuple[PolicyRow, ...]
    instruments: tuple[InstrumentRow, ...]
    vocabulary: tuple[VocabularyRow, ...]
    wiki_config: tuple[WikiConfigRow, ...] = ()
    milestones: tuple[MilestoneRow, ...] = ()

    def wiki(self, wiki_db: str) -> WikiRow:
        """Return a wiki's row; a KeyError if `wikis.csv` does not have it."""
        for row in self.wikis:
            if row.wiki_db == wiki_db:
                return row
        raise KeyError(wiki_db)

    def write(self, directory: Path) -> None:
        """Write canonical CSVs, and `metrics.csv` with the metric catalogue of this version."""
        directory.mkdir(parents=True, exist_ok=True)
        tables = {
            WIKIS_CSV: self.wikis,
            POLICY_CSV: self.policy,
            INSTRUMENTS_CSV: self.instruments,
            VOCABULARY_CSV: self.vocabulary,
            WIKI_CONFIG_CSV: self.wiki_config,
            MILESTONES_CSV: self.milestones,
            METRICS_CSV: load_catalogue().table(),
        }
        for name, rows in tables.items():
            write_table(directory / name, COLUMNS[name], rows)

    @classmethod
    def read(cls, directory: Path) -> Reference:
        """Read what `write` wrote; what a run let through when it began is let through again."""
        return load_reference(directory, allow_unknown_policy_wikis=True, allow_no_wikis=True)

    @classmethod
    def of_nothing(cls) -> Reference:
        """Return that of a warehouse which has seen no input: no wikis, no policy, and what the package ships."""
        with tempfile.TemporaryDirectory(prefix="pdmetrics-reference-") as folder:
            for name in (WIKIS_CSV, POLICY_CSV):
                write_table(Path(folder) / name, COLUMNS[name], ())
            return cls.read(Path(folder))


def load_reference(
    input_dir: Path, *, allow_unknown_policy_wikis: bool = False, allow_no_wikis: bool = False
) -> Reference:
    """Read and validate every reference file of an input directory.

    Args:
        input_dir: the directory named by `--input`.
        allow_unknown_policy_wikis: let the policy name wikis that `wikis.csv` lacks (their events are quarantined
            anyway); `policy check` still reports them.
        allow_no_wikis: let `wikis.csv` be empty, as an audience of a warehouse that has seen no input leaves it.

    Raises:
        InputError: naming every problem by file, line, field and value, with what to write instead.
    """
    if not input_dir.is_dir():
        raise InputError(
            f"no input directory {input_dir}",
            where=str(input_dir),
            next_step="check --input; `pdmetrics simulate --out DIR --start D --days N` makes one",
        )
    problems = Problems()
    wikis = _read(input_dir, WIKIS_CSV, rules.wiki, problems)
    policy = _read(input_dir, POLICY_CSV, rules.policy, problems)
    instruments = _read(input_dir, INSTRUMENTS_CSV, rules.instrument, problems)
    vocabulary = _read(input_dir, VOCABULARY_CSV, rules.vocabulary, problems)
    wiki_config = _read(input_dir, WIKI_CONFIG_CSV, rules.wiki_config, problems)
    milestones = _read(input_dir, MILESTONES_CSV, rules.milestone, problems)
    if wikis or not allow_no_wikis:
        rules.check_wikis(wikis, problems)
    rules.check_policy_overlaps(policy, problems)
    rules.check_instruments(instruments, problems)
    rules.check_vocabulary(vocabulary, problems)
    rules.check_wiki_config(wiki_config, problems)
    rules.check_milestones(milestones, problems)
    if not any(problem.file == WIKIS_CSV for problem in problems.found):
        # A wiki whose own line is at fault is not unknown as well: one mistake, one message.
        known = frozenset(row.wiki_db for row in wikis)
        policy_wikis = () if allow_unknown_policy_wikis else policy
        rules.check_known_wikis(known, policy_wikis, wiki_config, milestones, problems)
    problems.raise_if_any(input_dir)
    return Reference(wikis, policy, instruments, vocabulary, wiki_config, milestones)


def read_policy(path: Path) -> tuple[PolicyRow, ...]:
    """Read a sampling policy alone, nothing if there is no such file; overlaps and bad cells are an InputError."""
    if not path.exists():
        return ()
    problems = Problems()
    rows = read_table(path.name, path.read_bytes(), COLUMNS[POLICY_CSV], rules.policy, problems)
    rules.check_policy_overlaps(rows, problems)
    problems.raise_if_any(path.parent)
    return rows


def _read(folder: Path, file: str, build: Callable[[Row], T], problems: Problems) -> tuple[T, ...]:
    """Read one file, or the shipped one, or nothing where it is optional."""
    path = folder / file
    if path.exists():
        try:
            raw = path.read_bytes()
        except OSError as error:
            problems.add(file, None, "", "", f"cannot be read ({error.strerror})", "Check the file and its permissions")
            return ()
    elif file in SHIPPED:
        raw = shipped(f"data/{file}").read_bytes()
    elif file in OPTIONAL:
        return ()
    else:
        columns = ",".join(COLUMNS[file])
        problems.add(file, None, "", "", "the file is missing", f"{_MISSING[file]}; its first line is {columns}")
        return ()
    return read_table(file, raw, COLUMNS[file], build, problems)
