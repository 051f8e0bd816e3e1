"""The columns of the wide marts, as the catalogue has it: what their YAML must say.

`python tests/dbt/wide_columns.py MART` prints them as YAML, to be put in the place of those that are there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import yaml

from jobs.catalogue import load_catalogue
from jobs.metric import Metric

Column = dict[str, str]


def column(name: str, data_type: str, description: str) -> Column:
    """Return a column as a model's YAML has it."""
    return {"name": name, "data_type": data_type, "description": description}


def of_week(metric: Metric) -> bool:
    """Whether a metric is one of a wiki's week."""
    return 7 in metric.days_of("rolling") and metric.family not in ("links", "audience")


def of_links(metric: Metric) -> bool:
    """Whether a metric is one of a link's week."""
    return 7 in metric.days_of("rolling") and metric.family == "links"


def of_cohorts(metric: Metric) -> bool:
    """Whether a metric is one of cohorts."""
    return metric.family in ("retention", "presented")


def realised(metric: Metric) -> list[Column]:
    """Return the columns that every wide mart has of a metric."""
    name, interval = metric.metric, "end of the 95 % interval of what did happen (realised)"
    return [
        column(
            name,
            "double",
            f"{metric.name}, in {metric.unit}. {metric.definition} Null where the status forbids a number.",
        ),
        column(f"{name}_lower", "double", f"{metric.name}: lower {interval}."),
        column(f"{name}_upper", "double", f"{metric.name}: upper {interval}."),
        column(f"{name}_status", "string", f"{metric.name}: status of the realised row, as in fct_metric_values."),
        column(
            f"{name}_reason", "string", f"{metric.name}: why it has this status; null where there is nothing to say."
        ),
    ]


def changes(metric: Metric) -> list[Column]:
    """Return the columns of a metric's change from the week before."""
    name = metric.metric
    is_process = "process" in metric.inference
    limits = "the process rows, which hold the chance of who came" if is_process else "what did happen"
    interval = f"end of the 95 % interval of the change, by MOVER from the limits of {limits}"
    note = "; conservative, as if nobody came in both weeks" if metric.unit.endswith(("users", "user")) else ""
    return [
        column(
            f"{name}_change",
            "double",
            f"{metric.name}: this week's less last week's, in {metric.unit}; null where the two cannot be compared.",
        ),
        column(f"{name}_change_lower", "double", f"{metric.name}: lower {interval}{note}."),
        column(f"{name}_change_upper", "double", f"{metric.name}: upper {interval}{note}."),
        column(
            f"{name}_change_reason", "string", f"{metric.name}: why there is no change or no interval of it, else null."
        ),
    ]


def process(metric: Metric) -> list[Column]:
    """Return the columns of a metric's process row; none where it has none."""
    if "process" not in metric.inference:
        return []
    name, interval = metric.metric, "end of the 95 % interval of the process row (users random too)"
    return [
        column(f"{name}_process_lower", "double", f"{metric.name}: lower {interval}."),
        column(f"{name}_process_upper", "double", f"{metric.name}: upper {interval}."),
        column(f"{name}_process_status", "string", f"{metric.name}: status of the process row."),
        column(
            f"{name}_process_reason",
            "string",
            f"{metric.name}: why the process row has its status; null where there is nothing to say.",
        ),
    ]


def cohort(metric: Metric) -> list[Column]:
    """Return the column of how many users a cohort has."""
    return [
        column(
            f"{metric.metric}_n_cohort_observed",
            "bigint",
            f"{metric.name}: kept users of the cohort (unit: users, unweighted); null where they are few.",
        )
    ]


# By mart: which metrics it has, and which columns of each.
WIDE: dict[str, tuple[Callable[[Metric], bool], tuple[Callable[[Metric], list[Column]], ...]]] = {
    "rpt_wiki_week": (of_week, (realised, changes, process)),
    "rpt_link_week": (of_links, (realised,)),
    "rpt_cohort_week": (of_cohorts, (realised, process, cohort)),
}


def metrics_of(mart: str) -> list[Metric]:
    """Return the metrics of a wide mart, in the order of the catalogue."""
    return [metric for metric in load_catalogue().metrics.values() if WIDE[mart][0](metric)]


def columns_of(mart: str) -> list[Column]:
    """Return the columns that a wide mart has for its metrics, in their order."""
    return [one for metric in metrics_of(mart) for part in WIDE[mart][1] for one in part(metric)]


def as_yaml(columns: Iterable[Column]) -> str:
    """Write columns as a model's YAML has them."""
    text = yaml.safe_dump(list(columns), sort_keys=False, width=110, allow_unicode=True, default_style=None)
    return "".join(f"      {line}\n" for line in text.splitlines())


if __name__ == "__main__":
    print(as_yaml(columns_of(sys.argv[1])), end="")
