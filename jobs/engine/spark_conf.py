"""What Spark is told, and what it has been told already: by spark-submit, or by the configuration of its machine.

What others have set stands. Ours are two files, `conf/local` for one machine and `conf/cluster` for more, the section
`[spark]`, and the catalog `lake`, which has to be that of `[catalog]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from jobs.errors import UsageError
from jobs.resources import shipped
from jobs.secrets import SECRET, is_secret
from jobs.settings import SparkSettings

CATALOG = "spark.sql.catalog.lake"
ICEBERG = "org.apache.iceberg.spark.SparkCatalog"
MASTER, MEMORY, PACKAGES = "spark.master", "spark.driver.memory", "spark.jars.packages"
REDACTION = "spark.redaction.regex"  # what Spark's pages and logs mask; by default it knows half of these names
DEFAULTS = "spark-defaults.conf"
SQLITE_JDBC = "org.xerial:sqlite-jdbc:3.50.3.0"
POSTGRESQL_JDBC = "org.postgresql:postgresql:42.7.8"
ICEBERG_AWS = "org.apache.iceberg:iceberg-aws-bundle:1.12.0"
_KEY_AND_VALUE = re.compile(r"(?P<key>[^\s=:]+)(?:\s*[=:]\s*|\s+)(?P<value>.*)")
# Numbers depend on these, whatever a cluster is set to.
OF_NUMBERS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
# A JVM that runs has them.
OF_THE_START = (MASTER, MEMORY, PACKAGES)


def session_conf(
    settings: SparkSettings, catalog: Mapping[str, str], scratch: Path, told: Mapping[str, str], *, submitted: bool
) -> dict[str, str]:
    """Return what is still to be said to Spark.

    Args:
        settings: `[spark]`.
        catalog: PyIceberg's properties of the catalog.
        scratch: what Spark on this machine keeps on disk goes here; on a cluster each machine has its own place.
        told: what has been set already.
        submitted: spark-submit has started this process: what it was told wins over `[spark]` as well.

    Raises:
        UsageError: another catalog `lake` has been set, or none can be made of `[catalog]`.
    """
    named = named_in(settings)
    known = {**named, **told} if submitted else {**told, **named}
    master = known.get(MASTER, settings.master)
    lake = spark_catalog(catalog)
    ours = {"spark.app.name": "pdmetrics", MASTER: settings.master, MEMORY: settings.driver_memory}
    ours |= read_defaults(conf_folder(master) / DEFAULTS) | lake | {REDACTION: f"(?i){SECRET}"}
    if is_local(master):
        ours["spark.local.dir"] = str(scratch.resolve())
    _check_same_lake(lake, told)
    wanted = {**ours, **known, **OF_NUMBERS}
    if submitted:
        wanted = {key: value for key, value in wanted.items() if key not in OF_THE_START}
    else:
        wanted[PACKAGES] = _joined(packages(catalog), told.get(PACKAGES, ""), settings.conf.get(PACKAGES, ""))
    return {key: value for key, value in wanted.items() if told.get(key) != value}


def named_in(settings: SparkSettings) -> dict[str, str]:
    """Return the keys of Spark that somebody set in `[spark]`, defaults left out."""
    typed = {"master": (MASTER, settings.master), "driver_memory": (MEMORY, settings.driver_memory)}
    return {**dict(typed[name] for name in typed if name in settings.model_fields_set), **settings.conf}


def for_the_command_line(conf: Mapping[str, str]) -> dict[str, str]:
    """Return what may stand in the command that starts the JVM, which everybody on the machine can read."""
    return {key: value for key, value in conf.items() if not key.startswith(CATALOG) and not is_secret(key)}


def is_local(master: str) -> bool:
    """Whether a master is this process, and no cluster."""
    return master.startswith("local")


def conf_folder(master: str) -> Path:
    """Return the shipped configuration for a master."""
    return shipped(f"conf/{'local' if is_local(master) else 'cluster'}")


def read_defaults(path: Path) -> dict[str, str]:
    """Read a spark-defaults.conf: a key and a value a line, with space, `=` or `:` between; none if it is not there."""
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    found = (_KEY_AND_VALUE.fullmatch(line) for line in lines if not line.startswith(("#", "!")))
    return {line["key"]: line["value"] for line in found if line}


def packages(catalog: Mapping[str, str]) -> str:
    """Return the jars that a catalog takes, as `spark.jars.packages` and spark-submit's `--packages` name them."""
    lake = spark_catalog(catalog)
    uri, warehouse = lake.get(f"{CATALOG}.uri", ""), lake.get(f"{CATALOG}.warehouse", "")
    return _joined(
        read_defaults(conf_folder("cluster") / DEFAULTS)[PACKAGES],
        SQLITE_JDBC if uri.startswith("jdbc:sqlite:") else "",
        POSTGRESQL_JDBC if uri.startswith("jdbc:postgresql:") else "",
        ICEBERG_AWS if warehouse.startswith("s3") or "s3.endpoint" in catalog else "",
    )


def spark_catalog(catalog: Mapping[str, str]) -> dict[str, str]:
    """Return Spark's settings of the catalog `lake` for PyIceberg's properties of it.

    PyIceberg's SQL catalog is Iceberg's JDBC catalog; the others have one name in both, as have most properties.

    Raises:
        UsageError: a kind of catalog that Iceberg for Spark does not have.
    """
    kind, uri = catalog.get("type", "sql"), catalog.get("uri", "")
    rest = {**_files(kind, catalog), **{key: value for key, value in catalog.items() if key not in ("type", "uri")}}
    if kind == "sql":
        rest = {**_jdbc(uri), "jdbc.schema-version": "V1", **rest}
    elif kind in ("rest", "hive", "glue"):
        rest = {**({"uri": uri} if uri else {}), **rest}
    else:
        raise UsageError(
            f"Spark has no Iceberg catalog of type {kind!r}.", where="[catalog] type",
            next_step="types for both engines are sql, rest, hive and glue",
        )  # fmt: skip
    own = {"type": "jdbc" if kind == "sql" else kind, "cache-enabled": "false", **rest}
    return {
        CATALOG: ICEBERG,
        **{f"{CATALOG}.{key}": value for key, value in own.items()},
    }


def _files(kind: str, catalog: Mapping[str, str]) -> dict[str, str]:
    """Say how files are reached where PyIceberg finds out by itself, or has another name or default."""
    found = {}
    if kind in ("sql", "hive") and not catalog.get("warehouse", "file:").startswith(("file:", "/")):
        found["io-impl"] = "org.apache.iceberg.io.ResolvingFileIO"
    if "s3.region" in catalog:
        found["client.region"] = catalog["s3.region"]
    if "s3.endpoint" in catalog and catalog.get("s3.force-virtual-addressing", "false").lower() != "true":
        found["s3.path-style-access"] = "true"
    return found


def _jdbc(uri: str) -> dict[str, str]:
    """Say an address of SQLAlchemy as JDBC does: without a driver in the scheme, and the user apart."""
    scheme, _, rest = uri.partition("://")
    database = scheme.split("+")[0]
    if database == "sqlite":
        return {"uri": f"jdbc:sqlite:{rest.removeprefix('/')}"}  # SQLAlchemy has a slash before the path
    login, _, place = rest.rpartition("@")
    user, _, password = login.partition(":")
    named = {"jdbc.user": unquote(user), "jdbc.password": unquote(password)}
    return {"uri": f"jdbc:{database}://{place}", **{key: value for key, value in named.items() if value}}


def _check_same_lake(lake: Mapping[str, str], told: Mapping[str, str]) -> None:
    """Refuse a catalog `lake` that is another than PyIceberg has: a run would read one and write the other."""
    own = (f"{CATALOG}.uri", f"{CATALOG}.warehouse")
    other = [key for key in own if key in told and told[key].rstrip("/") != lake.get(key, "").rstrip("/")]
    if other:
        raise UsageError(
            f"Spark has been told of another catalog than [catalog] names: {' and '.join(other)}.",
            where="spark-submit --conf, or spark-defaults.conf",
            next_step=f"leave out {CATALOG}.*, which follow from [catalog], or make both the same",
        )


def _joined(*lists: str) -> str:
    """Join lists of jars, each jar once."""
    return ",".join(dict.fromkeys(jar.strip() for jars in lists for jar in jars.split(",") if jar.strip()))
