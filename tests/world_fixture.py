"""The small random world, with its facts computed once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.transforms.link_days import unit_link_days, user_link_days
from jobs.transforms.user_days import element_pageviews, user_days
from tests.small_world import REVIEW, USAGE, events_frame, pandas_events, random_events


@dataclass(frozen=True)
class World:
    """Events as pandas, and the facts made from them."""

    events: pd.DataFrame
    user_days: DataFrame
    user_link_days: DataFrame
    unit_link_days: DataFrame


@pytest.fixture(scope="session")
def world(spark: SparkSession) -> World:
    """Draw the world and keep its facts as local data."""
    rows = random_events(7)
    pageviews = element_pageviews(events_frame(spark, rows))
    facts = (
        user_days(pageviews, review_elements=REVIEW, dashboard_instruments=[USAGE]),
        user_link_days(pageviews, review_elements=REVIEW),
        unit_link_days(pageviews, review_elements=REVIEW),
    )
    return World(pandas_events(rows), *(spark.createDataFrame(f.collect(), f.schema) for f in facts))
