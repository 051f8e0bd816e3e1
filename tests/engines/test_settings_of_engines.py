"""What the settings of an engine and a catalog come to, without starting either."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.engine.spark_conf import (
    conf_folder,
    for_the_command_line,
    packages,
    read_defaults,
    session_conf,
    spark_catalog,
)  # fmt: skip
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


SHARED = {
    "type": "sql", "uri": "postgresql+psycopg2://me:pw@db:5432/lake", "warehouse": "s3://bucket/lake",
    "s3.endpoint": "https://objects", "s3.region": "eu", "s3.secret-access-key": "k",
}  # fmt: skip
CLUSTER = "spark://head:7077"


def _said(told, *overrides, catalog=SHARED, submitted=True):
    spark = load_settings(None, overrides)[0].spark
    return session_conf(spark, catalog, Path("/scratch"), told, submitted=submitted)


def test_nothing_is_set_that_spark_submit_has_set():
    told = {
        "spark.master": "yarn", "spark.app.name": "nightly", "spark.driver.memory": "8g", "spark.jars": "a.jar",
        "spark.sql.shuffle.partitions": "900", "spark.sql.extensions": "theirs", "spark.ui.enabled": "yes",
    }  # fmt: skip
    said = _said(told, "spark.master=local[2]", "spark.conf={'spark.sql.shuffle.partitions'='4', 'spark.x'='1'}")
    assert not told.keys() & said.keys()
    assert said["spark.x"] == "1"
    assert (
        not {"spark.driver.memory", "spark.jars.packages", "spark.local.dir", "spark.driver.bindAddress"} & said.keys()
    )


def test_what_numbers_depend_on_is_set_whatever_a_cluster_is_set_to():
    said = _said(
        {"spark.master": CLUSTER, "spark.sql.session.timeZone": "Europe/Berlin", "spark.sql.ansi.enabled": "false"}
    )
    assert said["spark.sql.session.timeZone"] == "UTC"
    assert said["spark.sql.ansi.enabled"] == "true"


def test_the_lake_is_that_of_the_catalog():
    assert _said({"spark.master": CLUSTER})["spark.sql.catalog.lake.uri"] == "jdbc:postgresql://db:5432/lake"
    with pytest.raises(UsageError, match=r"another catalog .* spark\.sql\.catalog\.lake\.uri"):
        _said({"spark.master": CLUSTER, "spark.sql.catalog.lake.uri": "jdbc:postgresql://db:5432/other"})


def test_a_setting_beats_the_configuration_of_the_machine_which_beats_a_default():
    told = {"spark.master": CLUSTER, "spark.driver.memory": "8g", "spark.executor.memory": "6g"}
    assert not told.keys() & _said(told, submitted=False).keys()
    said = _said(told, "spark.driver_memory=4g", "spark.conf={'spark.executor.memory'='5g'}", submitted=False)
    assert (said["spark.driver.memory"], said["spark.executor.memory"]) == ("4g", "5g")


def test_a_cluster_has_places_and_addresses_of_its_own():
    local, cluster = (_said({}, f"spark.master={master}", submitted=False) for master in ("local[2]", CLUSTER))
    own = {"spark.local.dir", "spark.driver.bindAddress", "spark.driver.host", "spark.sql.shuffle.partitions"}
    assert own <= local.keys()
    assert not own & cluster.keys()
    assert (local["spark.master"], cluster["spark.master"]) == ("local[2]", CLUSTER)


def test_the_configuration_of_a_cluster_sets_nothing_that_spark_submit_sets():
    found = read_defaults(conf_folder(CLUSTER) / "spark-defaults.conf")
    assert {"spark.sql.extensions", "spark.jars.packages"} <= found.keys()
    theirs = ("spark.master", "spark.driver.", "spark.executor.", "spark.local.", "spark.submit.", "spark.cores.")
    assert not [key for key in found if key.startswith(theirs)]


def test_jars_follow_from_the_catalog(tmp_path):
    def names(catalog):
        return [jar.split(":")[1] for jar in packages(catalog).split(",")]

    assert names(catalog_properties({}, tmp_path)) == ["iceberg-spark-runtime-4.1_2.13", "sqlite-jdbc"]
    assert names(SHARED) == ["iceberg-spark-runtime-4.1_2.13", "postgresql", "iceberg-aws-bundle"]
    said = _said({"spark.jars.packages": "a:b:1"}, "spark.conf={'spark.jars.packages'='c:d:1'}", submitted=False)
    assert said["spark.jars.packages"] == f"{packages(SHARED)},a:b:1,c:d:1"


def test_passwords_are_on_no_command_line():
    azure = "spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net"
    said = {**_said({}, submitted=False), "spark.hadoop.fs.s3a.secret.key": "k", azure: "k"}
    shown = for_the_command_line(said)
    assert shown.keys() >= {"spark.master", "spark.jars.packages", "spark.driver.memory"}
    assert not {"pw", "k"} & set(shown.values())
    assert not [key for key in shown if key.startswith("spark.sql.catalog.lake")]
    assert said["spark.sql.catalog.lake.jdbc.password"] == "pw"
    assert re.search(said["spark.redaction.regex"], azure.upper()), "on Spark's pages neither"


def test_files_beyond_the_machine_are_reached_as_pyiceberg_reaches_them():
    theirs = spark_catalog(SHARED)
    assert theirs["spark.sql.catalog.lake.io-impl"] == "org.apache.iceberg.io.ResolvingFileIO"
    assert theirs["spark.sql.catalog.lake.client.region"] == "eu"
    assert theirs["spark.sql.catalog.lake.s3.path-style-access"] == "true"
    assert "spark.sql.catalog.lake.s3.path-style-access" not in spark_catalog({"type": "glue", "s3.region": "eu"})
    rest = spark_catalog({"type": "rest", "uri": "https://c", "warehouse": "w", "s3.force-virtual-addressing": "true"})
    assert not [key for key in rest if "io-impl" in key or "path-style" in key]


def test_the_lines_of_a_spark_defaults_file(tmp_path):
    file = tmp_path / "spark-defaults.conf"
    file.write_text("# no\nspark.a   b c\n\n spark.d=e=f\nspark.g : h\nspark.i\t=\tj\n")
    assert read_defaults(file) == {"spark.a": "b c", "spark.d": "e=f", "spark.g": "h", "spark.i": "j"}
    assert read_defaults(tmp_path / "none") == {}
