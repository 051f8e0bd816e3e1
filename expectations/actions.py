"""What a checkpoint does once its suite is validated: keep the verdicts, and finish the Data Docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from great_expectations.checkpoint.actions import ValidationAction
from great_expectations.checkpoint.checkpoint import CheckpointResult
from pydantic.v1 import PrivateAttr

from expectations.docs import Page, finish_site
from expectations.verdicts import Verdicts


class _OfGate(ValidationAction):
    """An action that knows the gate it belongs to."""

    _verdicts: Verdicts = PrivateAttr()
    _page: Page = PrivateAttr()
    _made: Path = PrivateAttr()
    _site: Path | None = PrivateAttr(default=None)

    def attach(self, verdicts: Verdicts, page: Page, made: Path, site: Path | None) -> None:
        """Tell the action what is no configuration: the verdicts, where the pages are made, and where they go."""
        self._verdicts, self._page, self._made, self._site = verdicts, page, made, site


class KeepVerdicts(_OfGate):
    """Turn the results into rows of `data_quality_metrics`."""

    type: Literal["keep_verdicts"] = "keep_verdicts"

    def run(self, checkpoint_result: CheckpointResult, action_context: Any = None) -> dict[str, Any]:
        """Judge the one suite of the checkpoint."""
        (result,) = checkpoint_result.run_results.values()
        self._verdicts.judge(result.results)
        return {"n_rows": len(self._verdicts.records)}


class FinishDocs(_OfGate):
    """Make the pages that were just written complete without a network, and list them on an index of our own."""

    type: Literal["finish_docs"] = "finish_docs"

    def run(self, checkpoint_result: CheckpointResult, action_context: Any = None) -> dict[str, Any]:
        """Finish the site."""
        assert self._site is not None
        return {"index": str(finish_site(self._made, self._site, self._page, self._verdicts.records))}
