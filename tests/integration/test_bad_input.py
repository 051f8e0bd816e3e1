"""Bad usage and bad input: a clear message, the right exit code, nothing half-published."""

from __future__ import annotations

import shutil

import pytest

from tests.integration import worlds

pytestmark = pytest.mark.integration
DAY = "2026-03-16"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    out = tmp_path_factory.mktemp("bad") / "world"
    worlds.simulate(out, start=DAY, days=1, scenario="clean", scale=0.02)
    return out


def complaint(*arguments, code, run_it=worlds.here):
    """Run a command that must fail with a message and without a traceback; return the message."""
    done = run_it(*arguments, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def run(world, tmp_path, *more):
    return ["--warehouse", str(tmp_path / "warehouse"), "run", "--input", str(world), *more]


def test_no_such_input(tmp_path):
    text = complaint(*run(tmp_path / "absent", tmp_path, "--date", DAY), code=2, run_it=worlds.pdmetrics)
    assert "absent" in text
    assert "next:" in text


def test_no_events_for_the_day(world, tmp_path):
    text = complaint(*run(world, tmp_path, "--date", "2026-05-01"), code=3)
    assert "no input for 2026-05-01" in text
    assert "month=5/day=1" in text
    assert not (tmp_path / "warehouse" / "personal_dashboard.duckdb").exists()


def test_a_day_under_another_name_is_named_and_so_is_the_folder_above(world, tmp_path):
    copy = tmp_path / "world"
    shutil.copytree(world, copy)
    (month,) = copy.glob("raw/*/*/month=3")
    month.rename(month.with_name("month=03"))
    text = complaint(*run(copy, tmp_path, "--date", DAY), code=3)
    assert f"no input for {DAY} where it is looked for, but there is raw/{month.parent.parent.name}/year=2026/" in text
    assert "month=03." in text
    assert "expected is raw/<stream>/year=2026/month=3/" in text
    text = complaint(*run(copy / "raw", tmp_path, "--date", DAY), code=2)
    assert f"name the folder above it: --input {copy}" in text


def test_what_is_passed_over_is_told_and_a_link_that_leads_nowhere_is_quarantined(world, tmp_path):
    """The run goes on, and the day says that one of its hours is not whole."""
    copy = tmp_path / "world"
    shutil.copytree(world, copy)
    (day,) = copy.glob("raw/*/*/*/day=16")
    for stray in (day / "hour=99", day / "Hour=5", day / "hour=7" / "more.json.gz", day / "hour=7" / "_temporary"):
        stray.mkdir()
    (day / "hour=7" / "gone.json.gz").symlink_to(tmp_path / "nowhere")
    done = worlds.here(*run(copy, tmp_path, "--date", DAY))
    assert done.stderr.count("passed over: not where events are looked for") == 3
    assert all(name in done.stderr for name in ("hour=99", "Hour=5", "hour=7/more.json.gz"))
    assert "gone.json.gz" in done.stderr
    log = worlds.rows(tmp_path / "warehouse", "select * from fct_ingest_log where reason = 'unreadable_file'")
    assert [(row.hour, row.fate) for row in log.itertuples()] == [(7, "quarantined")]
    metrics = worlds.metric_rows(tmp_path / "warehouse")
    assert set(metrics.loc[metrics["as_of_date"] == DAY, "is_complete"]) == {False}


def test_overlapping_policy_rows_are_named(world, tmp_path):
    copy = tmp_path / "world"
    shutil.copytree(world, copy)
    policy = copy / "sampling_policy.csv"
    lines = policy.read_text().splitlines()
    policy.write_text("\n".join([*lines, lines[1]]) + "\n")
    text = complaint(*run(copy, tmp_path, "--date", DAY), code=2)
    assert "sampling_policy.csv" in text
    assert "overlap" in text.lower()


def test_a_percentage_for_a_rate_is_named(world, tmp_path):
    copy = tmp_path / "world"
    shutil.copytree(world, copy)
    policy = copy / "sampling_policy.csv"
    policy.write_text(policy.read_text().replace(",1.0,", ",10,").replace(",1,", ",10,"))
    for command in (run(copy, tmp_path, "--date", DAY), ["policy", "check", "--input", str(copy)]):
        text = complaint(*command, code=2)
        assert "sample_rate" in text
        assert "10" in text


def test_a_typo_in_the_settings_is_named(world, tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text("[privacy]\nmin_user = 5\n")
    text = complaint("--config", str(config), *run(world, tmp_path, "--date", DAY), code=2)
    assert "min_user" in text
    assert "mine.toml" in text


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (["--date", "19.3.2026"], "YYYY-MM-DD"),
        (["--start", DAY, "--end", DAY], "exclusive"),
        (["--start", DAY], "--end"),
        (["--date", DAY, "--steps", "marts,ingest"], "in order"),
        (["--date", DAY, "--steps", "publish"], "Unknown step"),
    ],
)
def test_bad_usage(world, tmp_path, days, words):
    assert words in complaint(*run(world, tmp_path, *days), code=2)


def test_a_step_whose_predecessor_has_not_run(world, tmp_path):
    text = complaint(*run(world, tmp_path, "--date", DAY, "--steps", "marts"), code=2)
    assert "--steps ingest" in text


def test_a_warehouse_that_cannot_be_written(world):
    text = complaint("--warehouse", "/proc/pdmetrics", "run", "--input", str(world), "--date", DAY, code=2)
    assert "cannot be written" in text


def test_a_query_before_anything_is_published(tmp_path):
    text = complaint("--warehouse", str(tmp_path), "query", "select 1", code=2)
    assert "Nothing is published" in text


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    """A world with a truncated gzip file on its second day, a lost hour on its third, and dirt; and what a run said."""
    folder = tmp_path_factory.mktemp("holed")
    worlds.simulate(folder / "world", start=DAY, days=3, scenario="truncated-file", scale=0.3)
    return folder, worlds.here(*run(folder / "world", folder, "--start", DAY, "--end", "2026-03-20"))


def test_a_file_that_breaks_off_is_quarantined_whole(holed):
    """Every line has the fate the world planned, and the run goes on."""
    folder, done = holed
    assert "cannot be read and is quarantined whole" in done.stderr
    found = worlds.logged_fates(folder / "warehouse")
    assert found == worlds.fates(folder / "world")
    assert any(reason == "unreadable_file" for _, _, reason in found)


def test_rows_that_lost_an_hour_hold_the_truth(holed):
    """At 100 % as well as sampled: what was kept alone misses it, what the hour could have held included does not."""
    folder, _ = holed
    rows = worlds.metric_rows(folder / "warehouse")
    rows = rows[(rows["inference"] == "realised") & ~rows["is_complete"] & rows["lower"].notna()]
    rows = rows.merge(worlds.truth(folder / "world"), on=worlds.KEY).dropna(subset="value")
    covers = (rows["lower"] <= rows["value"] + 1e-12) & (rows["value"] <= rows["upper"] + 1e-12)
    is_sampled = rows["sampling_rate_min"] < 1
    for part in (is_sampled, ~is_sampled):
        assert part.sum() > 100
        assert covers[part].mean() > 0.93
    counts = rows[~is_sampled & rows["observed_denominator"].isna()]
    assert (counts["observed_numerator"] == counts["value"]).mean() < 0.7
    assert (counts["lower"] == counts["observed_numerator"]).all()
    assert (counts["estimate"] >= counts["lower"]).all()
    assert set(rows["status"]) <= {"caution", "bounds_only"}
    assert rows["status_reason"].str.contains("counts are at least what was kept").all()


def test_a_gate_that_fails_publishes_nothing(world, tmp_path):
    """Half of the lines damaged is more than the threshold allows."""
    copy = tmp_path / "world"
    shutil.copytree(world, copy)
    for hour in copy.glob("raw/*/*/*/*/*"):
        (hour / "damaged.json").write_text('{"broken":\n' * 200)
    text = complaint(*run(copy, tmp_path, "--date", DAY), code=1)
    assert "quarantine" in text
    assert not (tmp_path / "warehouse" / "personal_dashboard.duckdb").exists()
