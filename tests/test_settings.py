"""Settings: precedence, sources, and errors that say what, where and what next."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.secrets import shown, shown_command, shown_wrong
from jobs.settings import load_settings
from jobs.settings.layers import line_of
from jobs.windows import LONGEST_QUARTER

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PDMETRICS_")]:
        monkeypatch.delenv(name)


def refused(config=None, overrides=()):
    """What is said of settings that are refused."""
    with pytest.raises(UsageError) as raised:
        load_settings(config, overrides)
    return raised.value


def test_defaults_are_those_of_the_contract():
    settings, sources = load_settings()
    assert settings.ingest.dedup_lookback_days == 7
    assert settings.ingest.max_quarantine_share == 0.05
    assert settings.ingest.rate_change_grace_minutes == 15
    assert (settings.privacy.min_users, settings.privacy.events_keep_days) == (10, 90)
    assert settings.privacy.user_days_keep_days == 125
    needed = settings.ingest.late_days + LONGEST_QUARTER
    assert needed <= settings.privacy.user_days_keep_days, "a late day can be run, at the end of a quarter too"
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
        ("ingest.dedup_days=7", ["Unknown setting", "dedup_days", "dedup_lookback_days"]),
        ("ingest.min_user=7", ["Unknown setting [ingest] min_user", "write [privacy] min_users"]),
        ("foo.min_users=7", ["Unknown settings section 'foo'", "write one of [privacy] min_users"]),
        ("foo.bar=1", ["Unknown settings section 'foo'", "write one of ingest, privacy"]),
        ("ingress.x=1", ["Unknown settings section", "'ingress'", "write one of ingest"]),
        ("privacy.min_users=few", ["min_users", "'few'", "leave it out, or give a value such as 10"]),
        ("privacy.min_users=0", ["min_users", "greater than or equal to 1"]),
        ("catalog.uri=3", ["uri", "valid string"]),
    ],
)
def test_a_wrong_flag_is_explained_with_its_text(override, words):
    error = refused(overrides=["ingest.dedup_lookback_days=3", override])
    assert error.where == f"flag --set {override}"
    for word in words:
        assert word in str(error)


def test_a_flag_of_another_form_is_explained():
    assert "section.key=value" in str(refused(overrides=["min_users"]))


FILE = """# comment
[privacy]
events_keep_days = 80

[spark]
conf = { a = "1" }
[privacy.min_users]
x = 1
"""


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("[ingest]\n# min_user = 1\n[privacy]\n\nmin_user = 3\n", 5, "min_users"),
        ("ingest.dedup_lookback_days = 3\nprivacy = { min_users = 0 }\n", 2, "greater than or equal to 1"),
        ('text = """\n[privacy]\nmin_users = 0\n"""\n', 4, "Unknown settings section 'text'"),
        ("[privacy]\nmin_users = [\n  1,\n]\nevents_keep_days = 3\n", 4, "min_users"),
        (FILE, 7, "min_users"),
        ("min_users = 12\n", 1, "write it under [privacy]"),
        ("privacy = 12\n", 1, "is a section of settings, not a value"),
        ("[engine]\n\n[privat]\nmin_users = 1\n", 3, "write one of privacy"),
        ('[spark]\nmaster = "local"\n[spark.conf]\n"a.b" = "x"\n"a.c" = 3\n', 5, "conf"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line(content, line, words):
    path = Path("mine.toml")
    path.write_text(content)
    tomllib.loads(content)
    error = refused(path)
    assert error.where == f"mine.toml, line {line}"
    assert words in str(error)
    assert "take that line out, or " in error.next_step


def test_a_key_that_is_not_there_has_no_line():
    assert line_of("[a]\nb = 1\n", ["a", "c"]) is None
    assert line_of("[a]\nb = 1\n", ["a", "b", "c"]) is None
    assert line_of("", ["a"]) is None


def test_faults_of_several_layers_are_told_together_each_with_its_place(monkeypatch):
    Path("pdmetrics.toml").write_text("[privacy]\nmin_users = 0\nevents_keep_days = 0\n")
    monkeypatch.setenv("PDMETRICS_PRIVACY__MIN_USERS", "-1")
    error = refused(overrides=["engine.workers=0"])
    places = (
        "environment variable PDMETRICS_PRIVACY__MIN_USERS",
        "pdmetrics.toml, line 3",
        "flag --set engine.workers=0",
    )
    assert sorted(error.where.split(", ")) == sorted(", ".join(places).split(", "))
    assert "PDMETRICS_PRIVACY__MIN_USERS: unset it, or give a value such as 10" in error.next_step


@pytest.mark.parametrize(
    ("name", "next_step"),
    [
        ("PDMETRICS_PRIVACY_MIN_USERS", "unset it, or write PDMETRICS_PRIVACY__MIN_USERS"),
        ("PDMETRICS_PRIVACY__MIN_USER", "unset it, or write PDMETRICS_PRIVACY__MIN_USERS"),
        ("PDMETRICS_PRIVAT__MIN_USERS", "unset it, or write PDMETRICS_PRIVACY__MIN_USERS"),
        ("PDMETRICS_MIN_USERS", "unset it, or write PDMETRICS_PRIVACY__MIN_USERS"),
        ("PDMETRICS_PRIVACY__MIN_USERS__X", "unset it, or write PDMETRICS_PRIVACY__MIN_USERS"),
        ("PDMETRICS_SPARK__CONFIG__X", "unset it, or write PDMETRICS_SPARK__CONF"),
        ("PDMETRICS_WAREHOSE", "unset it, or write PDMETRICS_WAREHOUSE"),
        ("pdmetrics_warehouse", "unset it, or write PDMETRICS_WAREHOUSE"),
        ("PDMETRICS_FOO", "unset it, or name a setting: PDMETRICS_<SECTION>__<KEY>"),
    ],
)
def test_a_variable_that_nobody_reads_is_an_error_that_names_the_nearest(monkeypatch, name, next_step):
    monkeypatch.setenv(name, "3")
    error = refused()
    assert f"Nothing reads {name}" in str(error)
    assert (error.where, error.next_step) == (f"environment variable {name}", next_step)
    assert error.exit_code == 2


def test_variables_that_nobody_reads_are_told_together(monkeypatch):
    monkeypatch.setenv("PDMETRICS_FOO", "3")
    monkeypatch.setenv("PDMETRICS_ENGINE_NAME", "spark")
    error = refused()
    assert "Nothing reads PDMETRICS_FOO.\n" in f"{error}\n"
    assert "Nothing reads PDMETRICS_ENGINE_NAME; PDMETRICS_ENGINE__NAME is near." in str(error)
    assert error.next_step == "unset them, or write PDMETRICS_ENGINE__NAME"


def test_variables_of_the_scheduler_and_of_tests_are_not_settings(monkeypatch):
    places = [ROOT / "jobs" / "cli.py", *(ROOT / "jobs" / "scheduling").glob("*.py"), *(ROOT / "dags").glob("*.*")]
    names = {name for path in places for name in re.findall(r"PDMETRICS_[A-Z_]*[A-Z]", path.read_text())}
    names = {name for name in names if "__" not in name}
    assert len(names) > 10
    for name in {*names, "PDMETRICS_TEST_WHATEVER"}:
        monkeypatch.setenv(name, "somewhere")
    assert set(load_settings()[1].values()) == {"default"}


def test_sections_with_keys_of_others_take_any_variable(monkeypatch):
    monkeypatch.setenv("PDMETRICS_CATALOG__S3__ENDPOINT", "http://x")
    monkeypatch.setenv("PDMETRICS_CATALOG__S3__ACCESS_KEY_ID", "me")
    monkeypatch.setenv("PDMETRICS_SPARK__CONF__A", "1")
    monkeypatch.setenv("PDMETRICS_PRIVACY", '{"min_users": 11}')
    settings, _ = load_settings()
    assert settings.catalog.properties() == {"s3.endpoint": "http://x", "s3.access-key-id": "me"}
    assert settings.spark.conf == {"a": "1"}
    assert settings.privacy.min_users == 11


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PDMETRICS_ALERTS__URLS", "slack://a/b/c", "must be JSON"),
        ("PDMETRICS_ALERTS__URLS", "[", 'a list such as ["json://host/path"]'),
        ("PDMETRICS_ALERTS__URLS", "3", "a list of addresses"),
        ("PDMETRICS_PRIVACY__MIN_USERS", "few", "'few'"),
        ("PDMETRICS_PRIVACY", '{"min_users": 0}', "greater than or equal to 1"),
        ("PDMETRICS_PRIVACY", "3", "not a value"),
        ("PDMETRICS_PRIVACY", "{", "must be JSON"),
        ("PDMETRICS_SPARK__CONF", "x=y", "must be JSON"),
        ("PDMETRICS_SPARK__CONF", "[1]", "valid dictionary"),
        ("PDMETRICS_SPARK__CONF__A__B", "1", "valid string"),
    ],
)
def test_a_wrong_value_in_the_environment_names_its_variable(monkeypatch, name, value, words):
    monkeypatch.setenv("PDMETRICS_SPARK__MASTER", "local[1]")
    monkeypatch.setenv(name, value)
    error = refused()
    assert error.where == f"environment variable {name}"
    assert words in str(error)
    assert error.next_step.startswith("unset it, or ")


# --- Where alarms go


def test_alarms_go_to_the_log_only_unless_addresses_are_set():
    alerts = load_settings()[0].alerts
    assert (alerts.urls, alerts.min_severity, alerts.timeout_seconds) == ((), "warning", 10)


def test_addresses_for_alarms_are_a_list_from_wherever_they_come(monkeypatch):
    addresses = ("json://host/path", "mailto://me:key@example.org")
    Path("pdmetrics.toml").write_text(f"[alerts]\nurls = {list(addresses)}\n")
    assert load_settings()[0].alerts.urls == addresses
    monkeypatch.setenv("PDMETRICS_ALERTS__URLS", json.dumps(addresses[1:]))
    settings, sources = load_settings()
    assert (settings.alerts.urls, sources["alerts", "urls"]) == (addresses[1:], "environment")
    assert load_settings(overrides=["alerts.urls=json://host"])[0].alerts.urls == ("json://host",)
    assert load_settings(overrides=["alerts.urls=['a://b', 'c://d']"])[0].alerts.urls == ("a://b", "c://d")


SECRET = "slack://hunter2/hunter2/hunter2"


@pytest.mark.parametrize(
    "override",
    [
        f"alerts.urls=['{SECRET}', 'hunter2']",
        "alerts.urls=hunter2",
        f"alerts.urls={{a = '{SECRET}'}}",
        f"alerts.url={SECRET}",
        f"alert.urls={SECRET}",
        "alert.urls=hunter2",
        f"alerts={SECRET}",
        f"urls={SECRET}",
        "catalogue.token=hunter2",
    ],
)
def test_an_address_or_key_is_no_part_of_what_is_said_of_a_flag(override):
    error = refused(overrides=[override])
    assert "hunter2" not in str(error)
    assert override.partition("=")[0] in error.where


@pytest.mark.parametrize("line", [f"urls = ['{SECRET}', 'hunter2']", "urls = 'hunter2'", f"url = '{SECRET}'"])
def test_an_address_is_no_part_of_what_is_said_of_a_file(line):
    Path("pdmetrics.toml").write_text(f"[alerts]\n{line}\n")
    error = refused()
    assert error.where == "pdmetrics.toml, line 2"
    assert "hunter2" not in str(error)


def test_what_is_wrong_with_an_address_is_told_by_its_place():
    error = refused(overrides=["alerts.urls=['json://host', 'host/path']"])
    assert "[alerts] urls = json://…, (set): Value error, number 2 is no address such as json://" in error.what


def test_addresses_are_no_part_of_settings_as_text():
    assert "hunter2" not in repr(load_settings(overrides=[f"alerts.urls={SECRET}"])[0])


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("run --date 2026-03-19 --steps marts", "run --date 2026-03-19 --steps marts"),
        ("--set run.lock_wait_seconds=0 run", "--set run.lock_wait_seconds=0 run"),
        ("--set privacy.salt=abc run", "--set privacy.salt=(set) run"),
        ("--set=privacy.salt=abc run", "--set=privacy.salt=(set) run"),
        ("--set spark.conf.fs.azure.account.key=abc run", "--set spark.conf.fs.azure.account.key=(set) run"),
        ("--set=alerts.urls=slack://T run", "--set=alerts.urls=(set) run"),
        ("purge --user-id 4242 --wiki enwiki", "purge --user-id (set) --wiki enwiki"),
        ("purge --user-id=4242 --user-hash=ab", "purge --user-id=(set) --user-hash=(set)"),
        ("purge --user-hash --user-id --dry-run", "purge --user-hash (set) --dry-run"),
    ],
)
def test_a_command_line_is_kept_without_secrets_and_without_whose_rows(line, kept):
    assert shown_command(line.split()) == kept


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("adls", {"account_key": "hunter2", "account-name": "open"}),
        ("adls", {"connection-string": "hunter2", "account-name": "open"}),
        ("adls.connection-string", "AccountName=x;AccountKey=hunter2"),
        ("header.Authorization", "Bearer hunter2"),
        ("header", {"X-Api-Key": "hunter2", "X-Other": "open"}),
        ("s3.access-key-id", "hunter2"),
        ("conf", {"spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net": "hunter2", "spark.ui.enabled": "open"}),
        ("conf", {"spark.hadoop.fs.azure.account": {"key": "hunter2"}, "spark.ui.enabled": "open"}),
        ("uri", "postgresql://open@host/catalog?sslmode=on&password=hunter2"),
        ("uri", "postgresql://open:hunter2@host/catalog"),
    ],
)
def test_what_opens_something_is_not_shown_whatever_it_is_called(key, value):
    for told in (shown(key, value), shown_wrong(key, value)):
        assert "hunter2" not in told
        assert ("open" in told) == ("open" in str(value))


def test_what_opens_nothing_is_shown():
    told = {"s3.endpoint": "http://here:1/", "type": "sql", "salt_file": "/there", "keep_days": 90}
    for key, value in told.items():
        assert shown(key, value) == str(value)
        assert shown_wrong(key, value) == repr(value)


def test_a_salt_is_taken_from_the_environment_and_never_shown(monkeypatch):
    monkeypatch.setenv("PDMETRICS_PRIVACY__SALT", " hunter2-hunter2-hunter2\n")
    settings, sources = load_settings()
    assert settings.privacy.salt.get_secret_value() == "hunter2-hunter2-hunter2"
    assert sources["privacy", "salt"] == "environment"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in shown("salt", settings.privacy.salt)
    assert (shown("salt", None), shown("salt_file", "/there")) == ("None", "/there")


@pytest.mark.parametrize("salt", ["hunter2", "hunter2-hunter2-hünter2"])
def test_a_salt_that_is_none_is_refused_without_showing_it(monkeypatch, salt):
    monkeypatch.setenv("PDMETRICS_PRIVACY__SALT", salt)
    error = refused()
    assert "at least 16 ASCII characters" in error.what
    assert "hunter2" not in str(error)
    assert error.where == "environment variable PDMETRICS_PRIVACY__SALT"


def test_a_salt_is_not_taken_from_a_flag():
    error = refused(overrides=["privacy.salt=hunter2-hunter2-hunter2"])
    assert "not taken from a flag" in error.what
    assert "hunter2" not in str(error)
    assert "PDMETRICS_PRIVACY__SALT" in error.next_step


def test_a_named_file_must_be_there():
    assert "no such configuration" in str(refused(Path("absent.toml")))


@pytest.mark.parametrize("config", [Path("pdmetrics.toml"), None])
def test_a_directory_is_no_file(config):
    Path("pdmetrics.toml").mkdir()
    assert "is a directory" in str(refused(config))


def test_a_byte_order_mark_does_no_harm():
    Path("pdmetrics.toml").write_bytes(b"\xef\xbb\xbf[privacy]\r\nmin_users = 11\r\n")
    assert load_settings()[0].privacy.min_users == 11


def test_another_encoding_is_named():
    Path("pdmetrics.toml").write_text("[privacy]\nmin_users = 11\n", encoding="utf-16")
    assert "not UTF-8" in str(refused())


def test_a_file_that_may_not_be_read_is_named(monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", forbidden)
    assert "cannot be read: Permission denied" in str(refused(Path("mine.toml")))


def test_broken_toml_is_explained():
    path = Path("broken.toml")
    path.write_text("[privacy\n")
    error = refused(path)
    assert "not TOML" in str(error)
    assert "line 1" in str(error)
