"""Commands of whose output something is read: by a person who approves, or for the event of an asset."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator

from jobs.scheduling.assets import MARTS, MARTS_IF_LATE

MOST_CHARACTERS = 20_000  # of an XCom, which lies in Airflow's database
PUBLISHED = "Published "  # how a line of `run` begins that tells it


class TellingBashOperator(BashOperator):
    """Pushes what the command printed, its end if it is long, where the operator of Airflow pushes the last line."""

    def execute(self, context: Any) -> str:
        """Run the command; what it prints goes to the log as always."""
        with tempfile.TemporaryDirectory() as folder:
            printed = Path(folder) / "printed"
            self.bash_command = f"set -o pipefail\n{{\n{self.bash_command}\n}} | tee {shlex.quote(str(printed))}"
            super().execute(context)
            return ending(printed.read_text(encoding="utf-8", errors="replace"))


class LateBashOperator(TellingBashOperator):
    """Gives an event of the marts where the command says that it published something, and none where it had nothing."""

    def execute(self, context: Any) -> str:
        """Run the command."""
        printed = super().execute(context)
        if any(line.startswith(PUBLISHED) for line in printed.splitlines()):
            context["outlet_events"][MARTS_IF_LATE].add(MARTS)
        return printed


def ending(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the last whole lines of a text that are no longer than so many characters."""
    if len(text) <= most:
        return text.strip()
    return "…\n" + text[-most:].partition("\n")[2].strip()
