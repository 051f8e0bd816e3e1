"""What the settings of an engine and a catalog come to, without starting either."""

from __future__ import annotations

import pytest

from jobs.engine.spark_conf import spark_catalog
from jobs.errors import UsageError, WarehouseError
from jobs.settings import load_settings, memory_bytes
from jobs.warehouse.catalog import catalog_properties
from jobs.warehouse.home import open_home


def test_the_default_catalog_is_the_same_for_both_engines(tmp_path):
    properties = catalog_properties({}, tmp_path)
    assert properties["uri"] == f"sqlite:///{tmp_path}/catalog.db"
    theirs = spark_catalog(properties)
    assert theirs["spark.sql.catalog.lake.type"] == "jdbc"
    assert theirs["spark.sql.catalog.lake.uri"] == f"jdbc:sqlite:{tmp_path}/catalog.db"
    assert theirs["spark.sql.catalog.lake.warehouse"] == properties["warehouse"] == f"file://{tmp_path}/lake"


def test_a_database_of_another_kind_is_said_as_jdbc_does():
    theirs = spark_catalog({"type": "sql", "uri": "postgresql+psycopg2://me:a%40b@db:5432/lake", "warehouse": "s3://w"})
    assert theirs["spark.sql.catalog.lake.uri"] == "jdbc:postgresql://db:5432/lake"
    assert theirs["spark.sql.catalog.lake.jdbc.user"] == "me"
    assert theirs["spark.sql.catalog.lake.jdbc.password"] == "a@b"


def test_other_catalogs_keep_their_names_and_say_where_tables_lie(tmp_path):
    properties = catalog_properties({"type": "rest", "uri": "https://catalog", "s3.endpoint": "https://s3"}, tmp_path)
    assert "warehouse" not in properties
    theirs = spark_catalog(properties)
    assert theirs["spark.sql.catalog.lake.type"] == "rest"
    assert theirs["spark.sql.catalog.lake.s3.endpoint"] == "https://s3"
    with pytest.raises(UsageError, match="no Iceberg catalog of type"):
        spark_catalog({"type": "dynamodb"})


def test_the_catalog_file_of_a_warehouse_has_its_tables_beside_it(tmp_path):
    with pytest.raises(WarehouseError, match="beside it"):
        open_home({"warehouse": "s3://bucket/lake"}, tmp_path)


def test_catalog_properties_come_from_everywhere_by_their_own_names(tmp_path, monkeypatch):
    config = tmp_path / "mine.toml"
    config.write_text('[catalog]\ntype = "rest"\ns3.endpoint = "https://s3"\n"s3.region" = "eu"\n')
    monkeypatch.setenv("PDMETRICS_CATALOG__URI", "https://catalog")
    settings, _ = load_settings(config, ())
    assert settings.catalog.properties() == {
        "type": "rest", "uri": "https://catalog", "s3.endpoint": "https://s3", "s3.region": "eu",
    }  # fmt: skip


@pytest.mark.parametrize(("text", "size"), [("2g", 2 << 30), ("1536m", 1536 << 20), ("1.5g", 3 << 29), ("100", 100)])
def test_sizes(text, size):
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["0g", "lots", "-1g", "2x", "1", "100"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="memory"):
        load_settings(None, (f"engine.memory={text}",))


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(UsageError, match="embedded"):
        load_settings(None, ("engine.name=sparc",))
