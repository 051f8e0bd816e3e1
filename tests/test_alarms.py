"""Alarms: each in the log, each sent once per cause and day of data, to servers of this machine."""

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from jobs import alarms as alarms_module
from jobs.alarms import MOST_LINES, Alarm, check_addresses, message_of, raise_alarms
from jobs.commands.run import Asked, run_steps
from jobs.errors import UsageError
from jobs.log import configure_logging
from jobs.settings import load_settings
from jobs.warehouse import outbox
from jobs.warehouse.manifest import STEPS
from jobs.warehouse.outbox import OUTBOX_FILE, Outbox
from jobs.warehouse.runs import Warehouse
from tests.receivers import mailbox, webhook

DAY = date(2026, 3, 24)
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def json_log(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PDMETRICS_")]:
        monkeypatch.delenv(name)
    configure_logging("json")


@pytest.fixture
def server():
    with webhook() as kept:
        yield kept


def volume(wiki="idwiki", day=DAY, severity="warning", body="120 lines, expected 400 to 900"):
    return Alarm(f"facts/volume_band/{wiki}", severity, day, f"{wiki} has few lines", body)


def settings_of(*urls, **others):
    given = {"urls": list(urls), **others}
    return load_settings(None, [f"alerts.{key}={json.dumps(value)}" for key, value in given.items()])[0]


def told(capsys):
    """What was logged."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


# --- The log


def test_every_alarm_is_a_line_of_the_log_each_time(tmp_path, capsys):
    for _ in range(2):
        raise_alarms(settings_of(), tmp_path, [volume(), volume("enwiki", severity="critical")])
        first, second = told(capsys)
        assert (first["level"], second["level"]) == ("warning", "error")
        assert first["event"] == "idwiki has few lines"
        assert (first["cause"], first["day"]) == ("facts/volume_band/idwiki", "2026-03-24")
    assert not (tmp_path / OUTBOX_FILE).exists()


def test_without_addresses_apprise_is_not_loaded(tmp_path):
    code = (
        "import sys; from datetime import date; from pathlib import Path; from jobs.alarms import *\n"
        "from jobs.settings import load_settings; settings = load_settings()[0]; check_addresses(settings.alerts)\n"
        f"raise_alarms(settings, Path({str(tmp_path)!r}), [Alarm('a', 'critical', date(2026, 3, 24), 'b', 'c')])\n"
        "assert 'apprise' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})


# --- Once per cause and day


def test_a_cause_is_told_once_of_a_day_and_again_of_the_next(server, tmp_path):
    settings = settings_of(server.address)
    raise_alarms(settings, tmp_path, [volume()])
    raise_alarms(settings, tmp_path, [volume()])
    assert len(server.got) == 1
    raise_alarms(settings, tmp_path, [volume(), volume(day=DAY + timedelta(1))])
    assert len(server.got) == 2
    assert "2026-03-25 idwiki" in server.texts[1]
    assert "2026-03-24" not in server.texts[1]


def test_all_new_alarms_are_one_message(server, tmp_path):
    raise_alarms(settings_of(server.address), tmp_path, [volume(), volume("enwiki"), volume("dewiki")])
    (text,) = server.texts
    assert all(wiki in text for wiki in ("idwiki", "enwiki", "dewiki"))
    assert server.got[0][1]["type"] == "warning"


def test_of_the_same_cause_and_day_the_worst_counts(server, tmp_path):
    found = [volume(), volume(severity="critical", body="no lines"), volume()]
    raise_alarms(settings_of(server.address), tmp_path, found)
    (text,) = server.texts
    assert text.startswith("pdmetrics: 1 alarm, 1 critical (2026-03-24)\ncritical 2026-03-24 idwiki has few lines")
    assert server.got[0][1]["type"] == "failure"


def test_warnings_are_not_sent_where_only_critical_ones_are_wanted(server, tmp_path):
    settings = settings_of(server.address, min_severity="critical")
    raise_alarms(settings, tmp_path, [volume()])
    assert server.got == []
    raise_alarms(settings, tmp_path, [volume(severity="critical")])
    assert len(server.got) == 1, "what was not sent as a warning is sent once it is critical"


# --- What does not get through


def test_what_was_refused_is_tried_again_with_the_next_run(server, tmp_path, capsys):
    settings = settings_of(server.address)
    server.status = 503
    raise_alarms(settings, tmp_path, [volume()])
    (warning,) = [line for line in told(capsys) if "could not be sent" in line["event"]]
    assert (warning["level"], warning["to"], warning["why"]) == ("warning", "JSON", "refused with HTTP 503")
    server.status = 200
    raise_alarms(settings, tmp_path, [])
    raise_alarms(settings, tmp_path, [volume()])
    assert len(server.got) == 2, "refused, and sent by a run that found nothing itself"
    assert server.texts[0] == server.texts[1]


def test_the_address_that_took_it_is_not_told_again_because_another_did_not(server, tmp_path):
    with webhook() as other:
        other.status = 500
        settings = settings_of(server.address, other.address)
        raise_alarms(settings, tmp_path, [volume()])
        other.status = 200
        raise_alarms(settings, tmp_path, [volume()])
        assert (len(server.got), len(other.got)) == (1, 2)


def test_addresses_that_differ_in_secrets_only_are_told_each_and_new_passwords_change_nothing(server, tmp_path):
    one, two = server.address, server.address.replace("hunter2", "hunter4")
    raise_alarms(settings_of(one, two), tmp_path, [volume()])
    assert len(server.got) == 2
    raise_alarms(settings_of(two.replace("hunter4", "hunter5"), one), tmp_path, [volume()])
    assert len(server.got) == 2


def test_an_address_that_nobody_answers_at_is_a_warning(tmp_path, capsys):
    with webhook() as gone:
        address = gone.address
    raise_alarms(settings_of(address), tmp_path, [volume()])
    assert "not reached" in told(capsys)[-1]["why"]


def test_one_that_hangs_is_given_up_and_does_not_hold_up_the_others_or_the_end(server, tmp_path):
    with webhook() as stuck:
        stuck.hangs = threading.Event()
        code = (
            "import sys; from datetime import date; from pathlib import Path; from jobs.alarms import *\n"
            "from jobs.settings import load_settings\n"
            "settings = load_settings(None, sys.argv[2:])[0]; check_addresses(settings.alerts)\n"
            "raise_alarms(settings, Path(sys.argv[1]), [Alarm('a', 'critical', date(2026, 3, 24), 'b', 'c')])\n"
            "import time; print(time.time())"
        )
        patient = f"{stuck.address}?cto=25&rto=25"
        flags = [f"alerts.urls={json.dumps([patient, server.address])}", "alerts.timeout_seconds=0.7"]
        run = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), *flags], check=True, cwd=tmp_path, capture_output=True,
            text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=20,
        )  # fmt: skip
        *_, last = run.stdout.splitlines()
        assert time.time() - float(last) < 3, "its thread does not keep the process"
        assert "no answer in time" in run.stdout
        assert len(server.got) == 1
        stuck.hangs.set()
        raise_alarms(settings_of(patient, server.address), tmp_path, [])
        assert len(server.got) == 1
        assert stuck.texts[-1].startswith("pdmetrics: 1 alarm, 1 critical")


def test_a_run_that_is_killed_while_it_sends_leaves_them_waiting(server, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(alarms_module, "_collect", killed)
        patched.setattr(alarms_module, "_deliver", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            raise_alarms(settings_of(server.address), tmp_path, [volume()])
    raise_alarms(settings_of(server.address), tmp_path, [])
    assert len(server.got) == 1


@pytest.mark.parametrize("broken", [OSError("no space"), RuntimeError("hunter2")])
def test_no_trouble_fails_a_run(server, tmp_path, monkeypatch, capsys, broken):
    def fails(*_):
        raise broken

    monkeypatch.setattr(outbox, "write_json", fails)
    raise_alarms(settings_of(server.address), tmp_path, [volume()])
    assert "hunter2" not in capsys.readouterr().err
    assert len(server.got) == isinstance(broken, OSError), "what cannot be remembered is sent all the same"


# --- What is remembered


def box(tmp_path, day=DAY):
    return Outbox(tmp_path, day)


def test_what_is_old_is_forgotten(tmp_path):
    first = box(tmp_path)
    first.add("sent", [volume()])
    first.tell("sent", [volume()])
    first.add("waiting", [volume()])
    first.save()
    box(tmp_path, DAY + timedelta(outbox.WAITING_DAYS)).save()
    assert box(tmp_path).waiting("waiting") == [volume()]
    box(tmp_path, DAY + timedelta(outbox.WAITING_DAYS + 1)).save()
    assert box(tmp_path).waiting("waiting") == []
    box(tmp_path, DAY + timedelta(outbox.KEPT_DAYS)).save()
    again = box(tmp_path)
    again.add("sent", [volume()])
    assert again.waiting("sent") == []
    box(tmp_path, DAY + timedelta(outbox.KEPT_DAYS + 1)).save()
    assert (tmp_path / OUTBOX_FILE).read_text() == "{}"


def test_the_age_of_what_waits_is_that_of_the_first_time(tmp_path):
    for days in (0, 3, outbox.WAITING_DAYS + 1):
        waits = box(tmp_path, DAY + timedelta(days))
        waits.add("there", [volume()])
        waits.save()
    assert box(tmp_path).waiting("there") == []


def test_a_long_backfill_keeps_the_file_small(tmp_path, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_SENT", 5)
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    found = [volume(day=DAY + timedelta(n)) for n in range(20)]
    full = box(tmp_path)
    full.add("there", found)
    full.tell("there", found[:10])
    full.save()
    kept = json.loads((tmp_path / OUTBOX_FILE).read_text())["there"]
    assert list(kept["sent"]) == [f"{DAY + timedelta(n)} facts/volume_band/idwiki" for n in range(5, 10)]
    assert [alarm.day for alarm in box(tmp_path).waiting("there")] == [DAY + timedelta(n) for n in (19, 18, 17)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 3}', '{"x": {"sent": {}, "waiting": [[1]]}}'])
def test_a_damaged_file_is_told_and_made_anew(server, tmp_path, capsys, text):
    (tmp_path / OUTBOX_FILE).write_text(text)
    raise_alarms(settings_of(server.address), tmp_path, [volume()])
    assert "damaged" in told(capsys)[-1]["event"]
    raise_alarms(settings_of(server.address), tmp_path, [volume()])
    assert len(server.got) == 1


# --- The message


def test_a_message_has_the_worst_first_so_many_lines_and_the_next_command(tmp_path):
    waits = box(tmp_path)
    waits.add("there", [*(volume(f"w{n}") for n in range(30)), volume("zzwiki", severity="critical", body="b\n" * 500)])
    message = message_of(waits.waiting("there"), Path("/data/w h"))
    lines = message.body.splitlines()
    assert message.title == "pdmetrics: 31 alarms, 1 critical (2026-03-24)"
    assert lines[0].startswith("critical 2026-03-24 zzwiki has few lines [facts/volume_band/zzwiki]: b b")
    assert len(lines[0]) <= 300
    assert lines[MOST_LINES:] == [f"and {31 - MOST_LINES} more", "", "Next: pdmetrics --warehouse '/data/w h' doctor"]
    warning = message_of([volume(), volume(day=DAY + timedelta(2))], Path("/w"))
    assert warning.title == "pdmetrics: 2 alarms (2026-03-24 to 2026-03-26)"
    assert "Next: pdmetrics --warehouse /w query 'select" in warning.body


def test_a_mail_says_the_same(tmp_path):
    with mailbox() as (port, mails):
        address = f"mailto://127.0.0.1:{port}?from=pdmetrics@example.org&to=team@example.org&mode=insecure"
        raise_alarms(settings_of(address), tmp_path, [volume(), volume("enwiki")])
        raise_alarms(settings_of(address), tmp_path, [volume()])
    (mail,) = mails
    assert (mail["Subject"], mail["To"]) == ("pdmetrics: 2 alarms (2026-03-24)", "team@example.org")
    text = mail.get_body(("plain", "html")).get_content()
    assert "warning 2026-03-24 enwiki has few lines [facts/volume_band/enwiki]: 120 lines, expected 400 to 900" in text
    assert "pdmetrics --warehouse" in text


# --- Addresses


@pytest.fixture
def all_logged():
    """What the log of the process gets, at whatever level."""
    text, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield text
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize("address", ["foo://hunter2", "slack://hunter2", "mailto://hunter2@", "json://:hunter2@"])
def test_an_address_that_apprise_does_not_understand_is_refused_and_not_shown(address, all_logged, capfd):
    settings = settings_of("json://host/path", address)
    with pytest.raises(UsageError) as raised:
        check_addresses(settings.alerts)
    assert f"address 2 for alarms, {address.partition('//')[0]}//…." in raised.value.what
    assert (raised.value.where, raised.value.exit_code) == ("[alerts] urls", 2)
    assert "hunter2" not in f"{raised.value}{all_logged.getvalue()}{''.join(capfd.readouterr())}"


def test_a_run_says_so_before_it_begins(tmp_path):
    (tmp_path / "in").mkdir()
    asked = Asked(DAY, DAY + timedelta(1), str(tmp_path / "in"), STEPS)
    with pytest.raises(UsageError, match="Apprise does not understand address 1"):
        run_steps(Console(), settings_of("pigeon://hunter2"), Warehouse(tmp_path / "w"), asked, None)
    assert not (tmp_path / "w").exists()


def test_apprise_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UsageError, match="pip install apprise"):
        check_addresses(settings_of("json://host").alerts)


def test_no_secret_gets_into_a_log(server, tmp_path, all_logged, capfd):
    server.status = 401
    settings = settings_of(server.address, "json://me:hunter2@127.0.0.1:9/hunter3?-key=hunter4")
    raise_alarms(settings, tmp_path, [volume()])
    out = all_logged.getvalue() + "".join(capfd.readouterr())
    assert "could not be sent" in out
    assert "hunter" not in out + (tmp_path / OUTBOX_FILE).read_text() + repr(settings)
