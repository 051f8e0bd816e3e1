"""Typed settings from defaults, a TOML file, the environment and flags, each remembering where it came from.

A flag beats the environment (`PDMETRICS_<SECTION>__<KEY>`), which beats the file, which beats the default. An unknown
key, or an unknown variable with that prefix, is an error.
"""

from jobs.settings.load import Sources, load_settings
from jobs.settings.sections import (
    AlertsSettings,
    EstimationSettings,
    LineageSettings,
    Settings,
    SparkSettings,
    memory_bytes,
)

__all__ = [
    "AlertsSettings",
    "EstimationSettings",
    "LineageSettings",
    "Settings",
    "Sources",
    "SparkSettings",
    "load_settings",
    "memory_bytes",
]
