"""Log lines go to what is standard error when they are written."""

import contextlib
import io
import subprocess
import sys

import pytest

from jobs.log import configure_logging, get_logger

TALKATIVE = """
import sys, time
from jobs.console import told
from jobs.log import configure_logging, get_logger
configure_logging()
for number in range(20):
    SAY(f"number {number}")
    time.sleep(0.02)
sys.exit(7)
"""


def test_a_closed_standard_error_of_before_does_no_harm():
    before, now = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(before):
        configure_logging("text")
        get_logger().info("first")
    told = before.getvalue()
    before.close()
    with contextlib.redirect_stderr(now):
        get_logger().info("second")
    assert "first" in told
    assert "second" in now.getvalue()


@pytest.mark.parametrize("say", ["told", "get_logger().info"])
def test_a_standard_error_that_nobody_reads_any_more_does_not_end_the_command(say):
    """Closed after its first line, as `run 2>&1 | head -1` does."""
    talker = subprocess.Popen([sys.executable, "-c", TALKATIVE.replace("SAY", say)], stderr=subprocess.PIPE, text=True)
    assert talker.stderr is not None
    assert "number 0" in talker.stderr.readline()
    talker.stderr.close()
    assert talker.wait(timeout=60) == 7, "it went on to its end"
