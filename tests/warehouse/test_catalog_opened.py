"""What is said of a catalog that does not answer: without the password that stands in its address."""

from __future__ import annotations

import socket

import pytest

from jobs.errors import WarehouseError
from jobs.warehouse.catalog import open_catalog
from jobs.warehouse.lease import Lease


@pytest.fixture
def closed() -> str:
    """The address of a database that is down; libpq has words of its own about it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"postgresql+psycopg2://pd:topsecret@127.0.0.1:{port}/catalog"


def test_a_catalog_that_is_down_is_told_without_its_password(closed: str) -> None:
    properties = {"type": "sql", "uri": closed, "warehouse": "s3://bucket/lake"}
    with pytest.raises(WarehouseError, match="cannot be opened") as told:
        open_catalog(properties)
    assert "pd:…@127.0.0.1" in str(told.value)
    assert "topsecret" not in str(told.value)


@pytest.mark.parametrize(
    "where", [open_catalog, lambda properties: Lease(lambda: _refuses(properties), 10, "s3://bucket/pd").held(0)]
)
def test_an_address_in_the_words_of_a_library_shows_no_password(closed: str, where, monkeypatch) -> None:
    monkeypatch.setattr("jobs.warehouse.catalog.load_catalog", lambda *_, **properties: _refuses(properties))
    with pytest.raises(WarehouseError) as told, where({"uri": closed}):
        pass
    assert "no answer from postgresql" in str(told.value)
    assert "topsecret" not in str(told.value)


def _refuses(properties: dict[str, str]) -> None:
    raise ConnectionError(f"no answer from {properties['uri']}")
