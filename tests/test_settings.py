"""Settings: precedence, sources, and errors that say what, where and what next."""

from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.settings import load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PDMETRICS_PRIVACY__MIN_USERS", "PDMETRICS_INGEST__MAX_QUARANTINE_SHARE"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_those_of_the_contract():
    settings, sources = load_settings()
    assert settings.ingest.dedup_lookback_days == 7
    assert settings.ingest.max_quarantine_share == 0.05
    assert settings.ingest.rate_change_grace_minutes == 15
    assert (settings.privacy.min_users, settings.privacy.events_keep_days) == (10, 90)
    assert settings.privacy.user_days_keep_days == 125
    assert settings.spark.master == "local[*]"
    assert set(sources.values()) == {"default"}


def test_a_flag_beats_the_environment_which_beats_the_file(monkeypatch):
    Path("pdmetrics.toml").write_text(
        "[privacy]\nmin_users = 11\nevents_keep_days = 80\n[ingest]\ndedup_lookback_days = 3\n"
    )
    monkeypatch.setenv("PDMETRICS_PRIVACY__MIN_USERS", "12")
    monkeypatch.setenv("PDMETRICS_PRIVACY__EVENTS_KEEP_DAYS", "70")
    settings, sources = load_settings(overrides=["privacy.min_users=13"])
    assert settings.privacy.min_users == 13
    assert sources["privacy", "min_users"] == "flag --set"
    assert settings.privacy.events_keep_days == 70
    assert sources["privacy", "events_keep_days"] == "environment"
    assert settings.ingest.dedup_lookback_days == 3
    assert sources["ingest", "dedup_lookback_days"] == "pdmetrics.toml"


def test_spark_conf_takes_any_key():
    settings, _ = load_settings(overrides=['spark.conf={"spark.sql.catalog.lake.type" = "hive"}'])
    assert settings.spark.conf == {"spark.sql.catalog.lake.type": "hive"}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("ingest.dedup_days=7", ["Unknown setting", "dedup_days", "dedup_lookback_days", "flag --set"]),
        ("ingress.x=1", ["Unknown settings section", "ingress"]),
        ("privacy.min_users=few", ["min_users", "'few'"]),
        ("privacy.min_users=0", ["min_users", "greater than or equal to 1"]),
        ("min_users", ["section.key=value"]),
    ],
)
def test_a_wrong_flag_is_explained(override, words):
    with pytest.raises(UsageError) as raised:
        load_settings(overrides=[override])
    for word in words:
        assert word in str(raised.value)


def test_a_typo_in_the_file_names_the_file():
    path = Path("mine.toml")
    path.write_text("[privacy]\nmin_user = 3\n")
    with pytest.raises(UsageError, match=r"min_user[\s\S]*mine\.toml"):
        load_settings(path)


def test_an_unknown_key_in_the_environment_is_an_error(monkeypatch):
    monkeypatch.setenv("PDMETRICS_PRIVACY__MIN_USER", "12")
    with pytest.raises(UsageError, match="min_user"):
        load_settings()


def test_an_unknown_section_in_the_environment_is_an_error(monkeypatch):
    monkeypatch.setenv("PDMETRICS_PRIVAT__MIN_USERS", "12")
    with pytest.raises(UsageError, match="privat"):
        load_settings()


def test_variables_of_the_scheduler_are_not_settings(monkeypatch):
    monkeypatch.setenv("PDMETRICS_INPUT", "/somewhere")
    assert load_settings()[0].privacy.min_users == 10


def test_a_named_file_must_be_there():
    with pytest.raises(UsageError, match="no such configuration"):
        load_settings(Path("absent.toml"))


def test_broken_toml_is_explained():
    path = Path("broken.toml")
    path.write_text("[privacy\n")
    with pytest.raises(UsageError, match="not TOML"):
        load_settings(path)
