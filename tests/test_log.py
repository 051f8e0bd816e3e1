"""Log lines go to what is standard error when they are written."""

import contextlib
import io

from jobs.log import configure_logging, get_logger


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
