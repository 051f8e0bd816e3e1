"""Great Expectations in code: one context, a data source and a suite for each gate, a checkpoint with its actions.

A gate's profiles are one batch: they stand below each other in one frame, with a column `profile`, and each expectation
has the rows of its profile as its row condition. So a gate is one suite, one checkpoint and one page.

Great Expectations costs 5-8 s to import, so it is imported on first use; `great_expectations` does that early.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from expectations.checks import Check
from expectations.docs import SITE, Page, site_config
from expectations.verdicts import Verdicts

PROFILE = "profile"
RESULT_FORMAT = {"result_format": "COMPLETE"}  # the only one that names every failing row


def great_expectations() -> tuple[Any, Any]:
    """Import Great Expectations quietly: no analytics, no progress bars."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    import great_expectations as gx
    import great_expectations.expectations as expectations

    # Some of its modules set a level of their own, so the level of their parent does not reach them.
    for logger in [name for name in logging.root.manager.loggerDict if name.startswith("great_expectations")]:
        logging.getLogger(logger).setLevel(logging.ERROR)
    return gx, expectations


def validate(gate: str, verdicts: Verdicts, page: Page, docs_dir: Path | None) -> None:
    """Run a gate's checkpoint; what it says is then in `verdicts`.

    Args:
        gate: name of the gate, and of its data source, batch definition, suite and checkpoint.
        verdicts: the checks and the profiles.
        page: what the Data Docs say of this validation.
        docs_dir: the site that its page is added to; None for no page.
    """
    known = [check for check in verdicts.checks if _is_checkable(check, verdicts.profiles)]
    if not known:  # then there is nothing to validate, and every check failed
        verdicts.judge(())
        return
    gx, expectations = great_expectations()
    with tempfile.TemporaryDirectory(prefix="pdmetrics-docs-") as made:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        batches = context.data_sources.add_pandas(gate).add_dataframe_asset("profiles")
        batch = batches.add_batch_definition_whole_dataframe("run")
        suite = context.suites.add(gx.ExpectationSuite(name=gate, expectations=_expectations(expectations, known)))
        definition = context.validation_definitions.add(gx.ValidationDefinition(name=gate, data=batch, suite=suite))
        actions = _actions(gx, context, Path(made), docs_dir)
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(name=gate, validation_definitions=[definition], actions=actions, result_format=RESULT_FORMAT)
        )
        for action in checkpoint.actions:  # copies of those above, which have no room for what is not configuration
            if hasattr(action, "attach"):
                action.attach(verdicts, page, Path(made), docs_dir)
        run_id = gx.RunIdentifier(run_name=page.run, run_time=datetime.now(UTC))
        checkpoint.run(batch_parameters={"dataframe": _stacked(verdicts.profiles)}, run_id=run_id)


def _actions(gx: Any, context: Any, made: Path, docs_dir: Path | None) -> list[Any]:
    from expectations.actions import FinishDocs, KeepVerdicts

    if docs_dir is None:
        return [KeepVerdicts(name="verdicts")]
    context.add_data_docs_site(site_name=SITE, site_config=site_config(made))
    pages = gx.checkpoint.UpdateDataDocsAction(name="data docs", site_names=[SITE])
    return [KeepVerdicts(name="verdicts"), pages, FinishDocs(name="offline")]


def _expectations(expectations: Any, checks: Iterable[Check]) -> list[Any]:
    from great_expectations.expectations.row_conditions import Column

    return [
        getattr(expectations, check.expectation)(
            **check.arguments,
            row_condition=Column(PROFILE) == check.profile,
            severity=check.severity,
            description=f"{check.id}: {check.about.why}",
            meta={"check_id": check.id, "owner": check.about.owner, "why": check.about.why, "look": check.about.look},
        )
        for check in checks
    ]


def _is_checkable(check: Check, profiles: Mapping[str, pd.DataFrame]) -> bool:
    """Whether a check's profile and columns are there; one that lacks them fails without being asked."""
    frame = profiles.get(check.profile)
    return frame is not None and set(check.columns) <= set(frame.columns)


def _stacked(profiles: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    frames = [frame.assign(**{PROFILE: name}) for name, frame in profiles.items()]
    stacked = pd.concat([frame for frame in frames if len(frame)] or frames)
    return stacked.reindex(columns=list(dict.fromkeys(column for frame in frames for column in frame)))


def positioned(profiles: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the profiles with indexes that go on from one to the next, as the rows of one batch do."""
    found: dict[str, pd.DataFrame] = {}
    first = 0
    for name, frame in profiles.items():
        found[name] = frame.set_axis(pd.RangeIndex(first, first + len(frame)))
        first += len(frame)
    return found
