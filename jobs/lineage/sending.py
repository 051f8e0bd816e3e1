"""Where events of OpenLineage go.

`openlineage-python` (extra `lineage`) is loaded only where `[lineage]` names a server or a file. A place that does not
take an event gets no more of this command: an answer that never comes would cost its seconds once for every event.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from jobs import __version__
from jobs.errors import UsageError
from jobs.lineage.events import Parent, StepRun, Told, event_of
from jobs.log import get_logger
from jobs.secrets import shown
from jobs.settings import LineageSettings
from jobs.warehouse.manifest import Run

if TYPE_CHECKING:
    from openlineage.client.transport import Transport

KEY_VARIABLE = "OPENLINEAGE_API_KEY"
PARENT_VARIABLE = "OPENLINEAGE_PARENT_ID"
PRODUCER = f"urn:pdmetrics:{__version__}"


class Lineage:
    """Where events go."""

    def __init__(self, namespace: str, transports: Mapping[str, Transport], parent: Parent | None) -> None:
        self._namespace = namespace
        self._transports = dict(transports)
        self._parent = parent

    def begin(self, step: str, describes: str, run: Run, engine: str) -> StepRun:
        """Return a new go at a step."""
        from openlineage.client.uuid import generate_new_uuid

        return StepRun(step, describes, run, engine, str(generate_new_uuid()))

    def tell(self, step: str, told: Callable[[], Told]) -> None:
        """Send an event to every place that took the ones before; whatever goes wrong is a warning and ends no run.

        Args:
            step: its name.
            told: looks up what happened; trouble with that ends no run either.
        """
        if not self._transports:
            return
        try:
            event = event_of(told(), self._namespace, self._parent)
        except Exception as trouble:  # of a catalog, or of a library that judges the event
            get_logger().warning("lineage is not complete", step=step, why=type(trouble).__name__)
            return
        for place, transport in list(self._transports.items()):
            try:
                transport.emit(event)
            except Exception as trouble:
                del self._transports[place]
                why = _why(trouble)
                get_logger().warning("lineage could not be sent; this command sends no more there", to=place, why=why)


def open_lineage(settings: LineageSettings) -> Lineage | None:
    """Return where events go, None where no place is set.

    Raises:
        UsageError: the package is not there, or the address or the parent is none.
    """
    if settings.url is None and settings.file is None:
        return None
    try:
        from openlineage.client.event_v2 import set_producer
    except ImportError:
        raise UsageError(
            "openlineage-python, which makes the events of OpenLineage, is not installed.", where="[lineage]",
            next_step="pip install 'pdmetrics[lineage]', or leave out [lineage] url and file",
        ) from None  # fmt: skip
    set_producer(PRODUCER)
    return Lineage(settings.namespace, _transports(settings), _parent(settings))


def _transports(settings: LineageSettings) -> dict[str, Transport]:
    from openlineage.client.transport.file import FileConfig, FileTransport
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    found: dict[str, Transport] = {}
    if settings.url is not None:
        key = os.environ.get(KEY_VARIABLE)
        auth = ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({})
        once = {"total": 0}  # each try would take as long as the first
        config = HttpConfig(settings.url, timeout=settings.timeout_seconds, auth=auth, retry=once)
        found[shown("url", settings.url)] = HttpTransport(config)
    if settings.file is not None:
        found[str(settings.file)] = FileTransport(FileConfig(log_file_path=str(settings.file), append=True))
    return found


def _parent(settings: LineageSettings) -> Parent | None:
    text = settings.parent or os.environ.get(PARENT_VARIABLE)
    if not text:
        return None
    try:
        namespace, job, uuid = text.rsplit("/", 2)
        UUID(uuid)
    except ValueError:
        raise UsageError(
            f"What started the run is told as NAMESPACE/JOB/UUID, not as {text!r}.",
            where="[lineage] parent" if settings.parent else f"environment variable {PARENT_VARIABLE}",
            next_step="give it so, or not at all",
        ) from None
    return Parent(namespace, job, uuid)


def _why(trouble: Exception) -> str:
    """Say why an event did not get through, without what may hold an address or a key."""
    status = getattr(getattr(trouble, "response", None), "status_code", None)
    return f"refused with HTTP {status}" if status is not None else type(trouble).__name__
