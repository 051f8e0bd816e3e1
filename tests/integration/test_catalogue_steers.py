"""A window taken out of a copy of the catalogue is gone from rows, gates and `dim_metric`, and nothing else is."""

from __future__ import annotations

import pytest

from jobs import catalogue
from jobs.catalogue import load_catalogue, parse_catalogue
from jobs.reference.rows import COLUMNS, MILESTONES_CSV
from tests.integration import worlds

pytestmark = pytest.mark.worlds
START, LAST, DAYS = "2026-03-16", "2026-03-23", 9
SHIPPED = load_catalogue()
# Of each metric, the line of windows as shipped and as edited.
EDITED = {
    "dashboard_pageviews": ('["rolling", 1], ["rolling", 7]', '["rolling", 7]'),
    "dashboard_visitors": ('["rolling", 7], ', ""),
    "reviewers": (', ["quarter_to_date"]', ""),
    "link_clicks": ('["rolling", 7], ', ""),
}
BROKEN = [
    ("dashboard_pageviews", "rolling", 1), ("dashboard_visitors", "rolling", 7),
    ("reviewers", "quarter_to_date", None), ("link_clicks", "rolling", 7),
]  # fmt: skip


def edited_text():
    text = catalogue.shipped("catalogue.toml").read_text(encoding="utf-8")
    for metric, (old, new) in EDITED.items():
        head, found, rest = text.partition(f"[metrics.{metric}]\n")
        before, windows, after = rest.partition("windows = ")
        line, _, tail = after.partition("\n")
        assert found
        assert old in line
        text = f"{head}{found}{before}{windows}{line.replace(old, new)}\n{tail}"
    return text


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steered")
    world, warehouse, copy = folder / "world", folder / "warehouse", folder / "catalogue.toml"
    copy.write_text(edited_text(), encoding="utf-8")
    worlds.simulate(world, start=START, days=DAYS, scenario="clean", scale=0.05)
    (world / "milestones.csv").write_text(",".join(COLUMNS[MILESTONES_CSV]) + "\n")  # one has a window that goes
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(catalogue, "shipped", lambda name: copy if name == "catalogue.toml" else None)
            load_catalogue.cache_clear()
            worlds.here("--warehouse", str(warehouse), "run", "--start", START, "--end", LAST, "--input", str(world))
    finally:
        load_catalogue.cache_clear()  # whatever happened, or every later test has the copy
    return warehouse


def kinds(catalogue_):
    """What the catalogue says there is, of windows that have closed after a week."""
    return {
        (metric.metric, window.kind, window.days, inference)
        for metric in catalogue_.metrics.values()
        for window in metric.windows
        for inference in metric.inference
        if metric.family != "audience" and (window.days or 1) <= 7
    }


def test_rows_have_the_windows_and_readings_of_the_catalogue(published):
    found = worlds.rows(
        published, "select distinct metric, window_kind, window_days, inference from fct_metric_values"
    ).astype(object)
    found = set(found.where(found.notna(), None).itertuples(index=False, name=None))
    assert found == kinds(parse_catalogue(edited_text()))
    gone = {key[:3] for key in kinds(SHIPPED) - found}
    assert gone == set(BROKEN)


def test_wiki_all_has_rows_of_the_metrics_that_have_it(published):
    found = worlds.rows(published, "select distinct metric from fct_metric_values where wiki_db = 'all'")
    assert set(found["metric"]) == {metric.metric for metric in SHIPPED.metrics.values() if metric.all_wikis}


def test_the_dimension_and_the_gate_follow(published):
    lines = worlds.rows(published, "select metric, window_kinds from dim_metric").set_index("metric")["window_kinds"]
    assert lines["dashboard_visitors"] == "rolling 1, 28; quarter_to_date"
    assert lines["reviewers"] == "rolling 7, 28"
    # A marts gate that still asked for a row of one day's pageviews would have failed, and nothing been published.
    judged = worlds.rows(published, "select distinct check_id, success from fct_data_quality where gate = 'marts'")
    assert len(judged) > 3
    assert judged["success"].all()
