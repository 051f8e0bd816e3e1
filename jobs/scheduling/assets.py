"""The assets that DAGs publish. Only a task that publishes names one as its outlet, never one that stages."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias

MARTS = Asset(name="personal_dashboard_marts", uri="x-pdmetrics://personal_dashboard/marts")
"""The marts file, replaced in one step by the step of a run that publishes."""

MARTS_IF_LATE = AssetAlias(name="personal_dashboard_marts_if_late")
"""Stands for the marts where a task publishes on some days only; an event of it is one of theirs."""
