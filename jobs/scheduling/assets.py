"""The assets that DAGs publish. Only a task that publishes names one as its outlet, never one that stages."""

from __future__ import annotations

from airflow.sdk import Asset

MARTS = Asset(name="personal_dashboard_marts", uri="x-pdmetrics://personal_dashboard/marts")
"""The marts file, replaced in one step by the step of a run that publishes."""
