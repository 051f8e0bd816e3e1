"""The one place that alarms go through: a line in the log each, and one message to every address of `[alerts]`.

Apprise sends them (webhooks, mail, chats). It is loaded only where there is an address: it takes a second. What it logs
holds addresses, which are secrets, so nothing of that is let through.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import re
import shlex
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.log import get_logger
from jobs.secrets import ADDRESSES, kind_of
from jobs.settings import AlertsSettings, Settings
from jobs.warehouse.outbox import Alarm, Outbox

if TYPE_CHECKING:
    from apprise import NotifyBase

__all__ = ["Alarm", "check_addresses", "raise_alarms"]

MOST_LINES = 20
LONGEST_LINE = 300  # characters
CRITICAL = "critical"
VERDICTS = "select * from fct_data_quality where is_latest and not success order by severity, event_date desc"
_HTTP_ERROR = re.compile(r"\berror=(\d{3})\b")
_THREAD = "alarm"
_LIST = "https://appriseit.com/services/"


@dataclass(frozen=True)
class Message:
    """What is sent: plain text."""

    title: str
    body: str
    is_critical: bool


def raise_alarms(settings: Settings, warehouse_path: Path, alarms: Sequence[Alarm], place: str = "") -> None:
    """Log alarms, and send those that are new, with those that could not be sent before, as one message.

    An address is told once of a cause and day of data. Sending never fails a run: what does not get through within
    `[alerts] timeout_seconds` is logged as a warning and waits for the next call, so that each run should make one,
    without alarms too. Whoever calls holds the warehouse's lock.

    Args:
        settings: of which `[alerts]` counts.
        warehouse_path: the warehouse directory, where it is remembered what was sent.
        alarms: what was found; of the same cause and day the worst counts.
        place: what `--warehouse` calls it, if not by its directory.
    """
    for alarm in alarms:
        log = get_logger().error if alarm.severity == CRITICAL else get_logger().warning
        log(alarm.title, cause=alarm.cause, day=alarm.day.isoformat())
    if settings.alerts.urls:
        try:
            _send(settings.alerts, warehouse_path, alarms, place or str(warehouse_path))
        except Exception as error:  # whatever it is: numbers are not withheld because a message was not sent
            _not_sent(why=type(error).__name__)


def check_addresses(alerts: AlertsSettings) -> None:
    """Ask Apprise whether it understands the addresses; nothing is sent.

    Raises:
        UsageError: it does not, or is not installed.
    """
    if alerts.urls:
        _services(alerts)


def _services(alerts: AlertsSettings) -> dict[str, NotifyBase]:
    """Return by digest what writes to each address; those of the same digest are numbered.

    Raises:
        UsageError: Apprise does not understand one, or is not installed.
    """
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        raise UsageError(
            "Apprise, which sends alarms, is not installed.", where=f"[alerts] {ADDRESSES}",
            next_step="pip install apprise, or leave the addresses out: alarms are logged all the same",
        ) from None  # fmt: skip
    _keep_its_words()
    # In the calling thread and without a limit of its own: its pool would hold up the end of the process.
    asset = AppriseAsset(
        app_id="pdmetrics", app_desc="PersonalDashboard metrics", app_url="", image_url_mask="", image_url_logo="",
        async_mode=False, service_timeout=0,
    )  # fmt: skip
    found: dict[str, NotifyBase] = {}
    seen: Counter[str] = Counter()
    for number, address in enumerate(alerts.urls, 1):
        service = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            raise UsageError(
                f"Apprise does not understand address {number} for alarms, {kind_of(address)}.",
                where=f"[alerts] {ADDRESSES}",
                next_step=f"write it as {_LIST} says for that service, or leave it out",
            )
        digest = _digest(service)
        seen[digest] += 1
        found[f"{digest}-{seen[digest]}"] = service
    return found


def _digest(service: NotifyBase) -> str:
    """Digest an address without its passwords and tokens: it stays when these change, and tells nothing of them."""
    address: str = service.url(privacy=True)  # type: ignore[no-untyped-call]
    return hashlib.sha256(address.encode()).hexdigest()[:12]


def _keep_its_words() -> None:
    """Keep out of our log what holds addresses: of Apprise everything, of its HTTP client what our threads say."""
    words = logging.getLogger("apprise")
    words.propagate = False
    if not words.handlers:
        words.addHandler(logging.NullHandler())
    logging.getLogger("urllib3.connectionpool").addFilter(_is_of_others)


def _is_of_others(record: logging.LogRecord) -> bool:
    return not str(record.threadName).startswith(_THREAD)


def _send(alerts: AlertsSettings, warehouse: Path, alarms: Sequence[Alarm], place: str) -> None:
    """Write down what is to be sent, send it to all addresses at once, write down what got through as it does."""
    wanted = [alarm for alarm in alarms if alarm.severity == CRITICAL or alerts.min_severity != CRITICAL]
    # A dictionary keeps the last of a key: the worst.
    new = {alarm.key: alarm for alarm in sorted(wanted, key=lambda alarm: alarm.severity == CRITICAL)}
    services = _services(alerts)
    outbox = Outbox(warehouse, datetime.now(UTC).date())
    for name in services:
        outbox.add(name, new.values())
    messages = {name: told for name in services if (told := outbox.waiting(name))}
    if not messages:
        return
    outbox.save()
    answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for name, told in messages.items():
        # A daemon: one that hangs does not keep the process from ending.
        work = (name, services[name], message_of(told, place), answers)
        threading.Thread(target=_deliver, args=work, name=f"{_THREAD} {name}", daemon=True).start()
    left = _collect(answers, messages, outbox, time.monotonic() + alerts.timeout_seconds)
    for name, why in left.items():
        _not_sent(to=str(services[name].service_name), why=why, alarms=len(messages[name]))


def _not_sent(**fields: object) -> None:
    get_logger().warning("alarms could not be sent; the next run tries again", **fields)


def message_of(alarms: Sequence[Alarm], place: Path | str) -> Message:
    """Return one message for all alarms, in their order: a line each, up to a number, and the next command."""
    n_critical = sum(alarm.severity == CRITICAL for alarm in alarms)
    first, last = min(alarm.day for alarm in alarms), max(alarm.day for alarm in alarms)
    count = f"{len(alarms)} alarm{'s' if len(alarms) > 1 else ''}{f', {n_critical} critical' if n_critical else ''}"
    lines = [textwrap.shorten(_line(alarm), LONGEST_LINE, placeholder=" …") for alarm in alarms[:MOST_LINES]]
    if len(alarms) > MOST_LINES:
        lines.append(f"and {len(alarms) - MOST_LINES} more")
    command = ["doctor"] if n_critical else ["query", VERDICTS]
    lines += ["", f"Next: {shlex.join(['pdmetrics', '--warehouse', str(place), *command])}"]
    days = f"{first}" if first == last else f"{first} to {last}"
    return Message(f"pdmetrics: {count} ({days})", "\n".join(lines), is_critical=n_critical > 0)


def _line(alarm: Alarm) -> str:
    details = f": {alarm.body}" if alarm.body else ""
    return f"{alarm.severity} {alarm.day} {alarm.title} [{alarm.cause}]{details}"


def _deliver(name: str, service: NotifyBase, message: Message, answers: queue.SimpleQueue[tuple[str, str]]) -> None:
    """Write to one address and answer with what went wrong, if anything; of an error only what cannot be a secret."""
    from apprise import Apprise, NotifyFormat, NotifyType

    try:
        sender = Apprise(asset=service.asset)
        sender.add(service)
        kind = NotifyType.FAILURE if message.is_critical else NotifyType.WARNING
        result = sender.notify(
            message.body, title=message.title, notify_type=kind, body_format=NotifyFormat.TEXT, interpret_escapes=False
        )
        codes = [found[1] for entry in result.logs() if (found := _HTTP_ERROR.search(entry.message))]
        trouble = "" if result else f"refused with HTTP {codes[-1]}" if codes else "not reached, or refused"
    except Exception as error:
        trouble = type(error).__name__
    answers.put((name, trouble))


def _collect(
    answers: queue.SimpleQueue[tuple[str, str]], messages: Mapping[str, list[Alarm]], outbox: Outbox, deadline: float
) -> dict[str, str]:
    """Wait for the answers of all addresses; return by address why it was not told."""
    left = dict.fromkeys(messages, "no answer in time")
    for _ in messages:
        try:
            name, trouble = answers.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            break
        if trouble:
            left[name] = trouble
        else:
            del left[name]
            outbox.tell(name, messages[name])
            outbox.save()
    return left
