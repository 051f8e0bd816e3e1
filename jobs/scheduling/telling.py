"""A command whose output somebody reads elsewhere: in the form that asks for approval."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator

MOST_CHARACTERS = 20_000  # of an XCom, which lies in Airflow's database


class TellingBashOperator(BashOperator):
    """Pushes what the command printed, its end if it is long, where the operator of Airflow pushes the last line."""

    def execute(self, context: Any) -> str:
        """Run the command; what it prints goes to the log as always."""
        with tempfile.TemporaryDirectory() as folder:
            printed = Path(folder) / "printed"
            self.bash_command = f"set -o pipefail\n{{\n{self.bash_command}\n}} | tee {shlex.quote(str(printed))}"
            super().execute(context)
            return ending(printed.read_text(encoding="utf-8", errors="replace"))


def ending(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the last whole lines of a text that are no longer than so many characters."""
    if len(text) <= most:
        return text.strip()
    return "…\n" + text[-most:].partition("\n")[2].strip()
