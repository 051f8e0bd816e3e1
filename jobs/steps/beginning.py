"""What every command that computes looks at before an engine starts: what cannot succeed is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from expectations.thresholds import load_thresholds
from jobs.alarms import check_addresses
from jobs.progress import still_at
from jobs.raw.files import Input, RawDays, find_input, require_raw
from jobs.reference.load import Reference, load_reference
from jobs.settings import Settings


def check_settings(settings: Settings) -> None:
    """Look whether the thresholds of the gates can be read, and the addresses of alarms understood.

    Raises:
        UsageError: they cannot.
    """
    load_thresholds(settings.quality.thresholds_file)
    check_addresses(settings.alerts)


def read_input(source: Input, days: Sequence[date]) -> tuple[Reference, RawDays]:
    """Read the CSVs beside the raw files, and list those of some days.

    Raises:
        InputError: a CSV that cannot be used, or an input that cannot be listed.
        NoInputError: none of the days has any input.
    """
    with still_at("listing the input"):  # a store may take its time, or not answer at all
        require_raw(source)
        with source.csv_folder() as folder:
            reference = load_reference(folder, allow_unknown_policy_wikis=True)
        return reference, find_input(source, days)
