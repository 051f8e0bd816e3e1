"""The sections of the settings: their keys, types, limits and defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from jobs.audience import Choices

ENV_PREFIX = "PDMETRICS_"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestSettings(_Section):
    """How raw lines are read and judged."""

    dedup_lookback_days: int = Field(7, ge=0, le=60, description="days back in which a second copy is a duplicate")
    max_quarantine_share: float = Field(0.05, ge=0, le=1, description="share of quarantined lines that fails a day")
    late_days: int = Field(33, ge=1, le=730, description="days back in which hours that arrive late are noticed")
    rate_change_grace_minutes: int = Field(15, ge=0, le=1440, description="minutes a change of rate takes to arrive")


LEAST_SALT = 16  # characters: a shorter one can be guessed


class PrivacySettings(_Section):
    """What is suppressed, hashed and kept for how long."""

    min_users: int = Field(10, ge=1, description="cells with fewer users are suppressed")
    events_keep_days: int = Field(90, ge=1, description="days that events are kept")
    user_days_keep_days: int = Field(125, ge=1, description="days that user-day facts are kept")
    salt_file: Path | None = Field(None, description="key of the user hashes; default WAREHOUSE/salt")
    salt: SecretStr | None = Field(None, description="the key itself, from the environment, instead of a file")

    @field_validator("salt")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value().strip() if value is not None else None
        if text is not None and (len(text) < LEAST_SALT or not text.isascii()):
            raise ValueError(f"a key of at least {LEAST_SALT} ASCII characters")
        return None if text is None else SecretStr(text)


class EstimationSettings(_Section):
    """When an estimate below rate 1 may be shown, and how many processes fit them."""

    workers: int = Field(2, ge=1, description="processes that fit people metrics")
    min_seen: int = Field(30, ge=1, description="users seen below which people metrics are not fitted")
    users_publish: float = Field(0.10, gt=0, description="relative half-width up to which a users fit is published")
    users_caution: float = Field(0.25, gt=0, description="relative half-width up to which it is shown with caution")
    retention_publish: float = Field(0.03, gt=0, description="half-width up to which a retention fit is published")
    retention_caution: float = Field(0.07, gt=0, description="half-width up to which it is shown with caution")
    retention_bounds: float = Field(0.15, gt=0, description="half-width up to which its bounds are shown")
    reference_shapes: bool = Field(
        False,
        description="estimate visitors and reviewers by the shape of a whole window where else are bounds",
    )


class RunSettings(_Section):
    """How commands that write wait for each other."""

    lock_wait_seconds: float = Field(10, ge=0, description="how long to wait for another command that writes")
    lease_minutes: float = Field(
        10, gt=0, description="how long a killed command, or one without the catalog, keeps the lock of an address"
    )
    work_dir: Path | None = Field(
        None, description="where commands on an address work; default a folder of its own in the user's cache"
    )
    claim_minutes: float = Field(
        120, ge=0, description="how long a run whose steps are separate commands keeps others waiting for its next step"
    )


LEAST_MEMORY = 256 << 20


def memory_bytes(text: str) -> int:
    """Return the bytes of a size such as `2g`, `1536m` or a plain number.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgt]?)b?", text.strip().lower())
    if found is None:
        raise ValueError("a size such as 2g or 1536m")
    return int(float(found[1]) * (1 << {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[found[2]]))


class EngineSettings(_Section):
    """What runs the transforms."""

    name: Literal["embedded", "spark"] = Field("embedded", description="in this process without Java, or Apache Spark")
    workers: int = Field(2, ge=1, description="processes that read raw lines for the embedded engine")
    memory: str = Field("2g", description="what the embedded engine may hold, such as 2g or 1536m")

    @field_validator("memory", mode="before")
    @classmethod
    def _is_a_size(cls, value: object) -> str:
        if memory_bytes(str(value)) < LEAST_MEMORY:
            raise ValueError("a size such as 2g or 1536m, of at least 256m")
        return str(value)


class CatalogSettings(_Section):
    """Where the tables are registered: PyIceberg's properties of a catalog, by their own names.

    Without any it is a SQL catalog over SQLite at `WAREHOUSE/catalog.db`, with the files under `WAREHOUSE/lake`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str | None = Field(None, description="sql, rest, hive or glue; default sql")
    uri: str | None = Field(None, description="default sqlite:///WAREHOUSE/catalog.db")
    warehouse: str | None = Field(None, description="where the files go; default WAREHOUSE/lake")

    def properties(self) -> dict[str, str]:
        """Return the properties that are set, nested ones by their dotted names."""
        return _dotted({key: value for key, value in self.model_dump().items() if value is not None})


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested tables: TOML reads `s3.endpoint = …` as a table `s3`.

    Inside of them PyIceberg's names have hyphens, which the name of a variable cannot have.
    """
    flat: dict[str, str] = {}
    for name, value in values.items():
        key = name.replace("_", "-") if prefix else name
        if isinstance(value, Mapping):
            flat |= _dotted(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat


class SparkSettings(_Section):
    """The engine `spark`, and only that one."""

    master: str = Field("local[*]", description="Spark master")
    remote: str | None = Field(
        None, description="address of a Spark Connect server, sc://host:port, instead of a master"
    )
    driver_memory: str = Field("3g", description="heap of the driver")
    conf: dict[str, str] = Field(default_factory=dict, description="any further Spark keys")


class QualitySettings(_Section):
    """The quality gates."""

    thresholds_file: Path | None = Field(None, description="dated thresholds; default the shipped ones")


class AlertsSettings(_Section):
    """Where alarms are sent, beside the log."""

    urls: tuple[str, ...] = Field(
        (), repr=False, description="addresses as Apprise writes them, such as mailto://…; they hold secrets"
    )
    min_severity: Literal["warning", "critical"] = Field("warning", description="from which severity on one is sent")
    timeout_seconds: float = Field(10, gt=0, le=300, description="how long a run waits until all are sent")

    @field_validator("urls", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: object) -> object:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            raise ValueError("a list of addresses, or one")
        return given

    @field_validator("urls")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Look at the form only: `jobs.alarms.check_addresses` asks Apprise, which takes a second to load."""
        for number, address in enumerate(value, 1):
            if not re.fullmatch(r"[a-zA-Z][\w+.-]*://\S+", address):
                raise ValueError(f"number {number} is no address such as json://host/path or mailto://user:key@host")
        return value


class LineageSettings(_Section):
    """Where events of OpenLineage go, if anywhere."""

    url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="address of a server; its key is in OPENLINEAGE_API_KEY"
    )
    file: Path | None = Field(None, description="file to which each event is added as a line")
    namespace: str = Field("pdmetrics", min_length=1, description="what the jobs belong to")
    parent: str | None = Field(
        None, description="what started the command, NAMESPACE/JOB/UUID; default is OPENLINEAGE_PARENT_ID"
    )
    timeout_seconds: float = Field(5, gt=0, le=300, description="how long an event may wait for its server")


class AudienceSettings(_Section):
    """What an eligible editor is; the defaults are the contract's, docs/audience.md has what each choice means."""

    namespace: Literal["historical", "current"] = Field(
        "historical", description="namespace of an edited page: the one it had then, or has now"
    )
    edit_count: Literal["last", "first", "largest"] = Field(
        "last", description="edit count at the last or first revision in the window, or the largest in it"
    )
    bots: Literal["now_or_then", "now", "then", "counted"] = Field(
        "now_or_then", description="whom a row in the window calls a bot: now or then, now, then; or all are counted"
    )
    temporary: Literal["out", "in"] = Field("out", description="temporary accounts")
    cross_wiki: Literal["in", "out"] = Field("in", description="accounts that the dump marks as cross-wiki")
    deleted_revisions: Literal["in", "out"] = Field("in", description="edits of pages that were deleted since")
    max_malformed_share: float = Field(0.05, ge=0, le=1, description="share of malformed rows that fails a dump")

    def choices(self) -> Choices:
        """Return the definition that is set."""
        return Choices(**{field.name: getattr(self, field.name) for field in fields(Choices)})


class ReportSettings(_Section):
    """The report that ends a run."""

    build: bool = Field(True, description="make WAREHOUSE/report as the last step of a run")


class Settings(BaseSettings):
    """All settings. See `load_settings` for where they come from."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    ingest: IngestSettings = IngestSettings()  # type: ignore[call-arg]
    privacy: PrivacySettings = PrivacySettings()  # type: ignore[call-arg]
    estimation: EstimationSettings = EstimationSettings()  # type: ignore[call-arg]
    engine: EngineSettings = EngineSettings()  # type: ignore[call-arg]
    catalog: CatalogSettings = CatalogSettings()  # type: ignore[call-arg]
    spark: SparkSettings = SparkSettings()  # type: ignore[call-arg]
    quality: QualitySettings = QualitySettings()  # type: ignore[call-arg]
    alerts: AlertsSettings = AlertsSettings()  # type: ignore[call-arg]
    lineage: LineageSettings = LineageSettings()  # type: ignore[call-arg]
    audience: AudienceSettings = AudienceSettings()  # type: ignore[call-arg]
    report: ReportSettings = ReportSettings()  # type: ignore[call-arg]
    run: RunSettings = RunSettings()  # type: ignore[call-arg]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load_settings` merged, so that every value has one known source."""
        return (init_settings,)
