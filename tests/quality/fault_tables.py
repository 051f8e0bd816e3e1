"""Faults put into the tables of a `FaultWorld`, or into `FaultMarts`; `faults.py` says what each is."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from tests.quality.changes_cases import D as TODAY
from tests.quality.fault_marts import FaultMarts, rows_of
from tests.quality.fault_world import COMING, MENU, FaultWorld
from tests.quality.history_world import DIFF

FAULT = 38  # the day of the fault, by number
EN, ID, TH = "enwiki", "idwiki", "thwiki"


# Hours and files


def half_an_hour(world: FaultWorld) -> None:
    world.lose(FAULT, 0.5, slice(15, 16))


def hour_lost(world: FaultWorld) -> None:
    world.lose(FAULT, 1.0, slice(9, 10))
    world.missing.add((FAULT, 9))


def hour_of_a_stream(world: FaultWorld) -> None:
    for wiki in world.wikis:
        for kind in (world.shown, world.clicks):
            kind[wiki, MENU][FAULT, 9] = 0
    world.lost_of_stream.add((FAULT, 9))


def file_cut(world: FaultWorld) -> None:
    world.lose(FAULT, 0.4, slice(20, 21))
    world.unreadable.add((FAULT, 20))


def day_missing(world: FaultWorld) -> None:
    world.lose(FAULT, 1.0)
    world.missing |= {(FAULT, hour) for hour in range(24)}


def noon(world: FaultWorld) -> None:
    world.lose(FAULT, 1.0, slice(12, 24))


def wrong_zone(world: FaultWorld) -> None:
    for array in [*world.loads.values(), *world.shown.values(), *world.clicks.values()]:
        array[FAULT:] = np.roll(array[FAULT:], 5, axis=1)


def delivered_twice(world: FaultWorld) -> None:
    world.duplicates[FAULT:] = 0.95


def twice_under_other_ids(world: FaultWorld) -> None:
    for wiki in world.wikis:
        world.grow(wiki, FAULT, 2)
    world.repeated[FAULT] = 0.5


def half_under_other_ids(world: FaultWorld) -> None:
    for wiki in world.wikis:
        world.grow(wiki, FAULT, 1.5)
    world.repeated[FAULT] = 1 / 3


# Lines


def clocks_off(world: FaultWorld) -> None:
    world.skewed[FAULT:] = 0.2


def field_renamed(world: FaultWorld) -> None:
    for day in range(FAULT, world.n_days):
        world.lose(day, 0.2)
    world.refused_by["schema:performer.session_id"] = np.where(np.arange(world.n_days) < FAULT, 0, 0.25)


def foreign_wiki(world: FaultWorld) -> None:
    world.refused_by["unknown_wiki"] = np.where(np.arange(world.n_days) < FAULT, 0.001, 0.035)


def wiki_unlisted(world: FaultWorld) -> None:
    kept = world.kept()[FAULT].sum()
    for day in range(FAULT, world.n_days):
        world.lose(day, 1.0, wiki=ID)
    share = kept / world.kept()[FAULT].sum() - 1
    del world.wikis[ID]
    world.refused_by["unknown_wiki"] = np.where(np.arange(world.n_days) < FAULT, 0.0, share)


# Wikis and volume


def bot_storm(world: FaultWorld) -> None:
    world.grow(ID, FAULT, 5)


def wiki_gone(world: FaultWorld) -> None:
    for day in range(FAULT, world.n_days):
        world.lose(day, 1.0, wiki=EN)


def small_wiki_gone(world: FaultWorld) -> None:
    for day in range(FAULT, world.n_days):
        world.lose(day, 1.0, wiki=TH)


def instrument_gone(world: FaultWorld) -> None:
    for kind in (world.shown, world.clicks):
        kind[ID, MENU][FAULT:] = 0


def leak(world: FaultWorld) -> None:
    for day in range(FAULT, world.n_days):
        world.lose(day, 1 - 0.95 ** (day - FAULT + 1))


def one_user_id(world: FaultWorld) -> None:
    world.visitors[ID][FAULT:] = 1


def menu_link_early(world: FaultWorld) -> None:
    world.shown[COMING, MENU][FAULT, 10] = 6


def loads_early(world: FaultWorld) -> None:
    world.loads[COMING][FAULT, 10] = 6


# Links


def renamed(world: FaultWorld) -> None:
    before = np.arange(world.n_days)[:, None] < FAULT
    for wiki in world.wikis:
        for kind in (world.shown, world.clicks):
            kind[wiki, "new link"] = np.where(before, 0, kind[wiki, DIFF])
            kind[wiki, DIFF] = np.where(before, kind[wiki, DIFF], 0)
        world.mobile[wiki, "new link"] = world.mobile[wiki, DIFF]


def new_element(world: FaultWorld) -> None:
    for kind in (world.shown, world.clicks):
        kind[TH, "gadget link"] = np.zeros_like(kind[TH, DIFF])
        kind[TH, "gadget link"][FAULT:, 14] = 3
    world.mobile[TH, "gadget link"] = world.mobile[TH, DIFF]


def link_out(world: FaultWorld) -> None:
    for kind in (world.shown, world.clicks):
        kind[ID, DIFF][FAULT:] = 0


def clicks_out(world: FaultWorld) -> None:
    world.clicks[ID, DIFF][FAULT:] = 0


def mobile_out(world: FaultWorld) -> None:
    for kind in (world.shown, world.clicks):
        kind[ID, DIFF][FAULT:] = world.rng.binomial(kind[ID, DIFF][FAULT:], 1 - world.mobile[ID, DIFF][FAULT:, None])
    world.mobile[ID, DIFF][FAULT:] = 0


def fires_twice(world: FaultWorld) -> None:
    world.shown[EN, DIFF][FAULT:] *= 2


def bucket_unknown(world: FaultWorld) -> None:
    world.unknown[FAULT:] = 1.0


def platform_unknown(world: FaultWorld) -> None:
    world.no_platform[FAULT:] = 1.0


# Sampling


def rate_halved(world: FaultWorld) -> None:
    world.halve_rate(ID, FAULT)


def rate_raised(world: FaultWorld) -> None:
    world.impossible[EN][FAULT:] = 20
    world.refused_by["not_in_sample"] = np.where(np.arange(world.n_days) < FAULT, 0, 0.02)


def ids_uneven(world: FaultWorld) -> None:
    world.bent[ID][FAULT:] = 2


def policy_rewritten(world: FaultWorld) -> None:
    world.policy_rewritten_from = FAULT


# What was staged


def events_lost(world: FaultWorld) -> None:
    world.stored_share[FAULT:] = 0.999


def row_twice(world: FaultWorld) -> None:
    world.doubled_rows[FAULT:] = 1


# The marts


def published_changed(marts: FaultMarts) -> None:
    marts.live["fct_baseline_daily"][0]["n_visitors_observed"] += 1


def window_lost(marts: FaultMarts) -> None:
    rows = marts.built["fct_metric_values"]
    rows.remove(next(row for row in rows if row["metric"] == "dashboard_pageviews" and row["as_of_date"] == TODAY))


def marts_behind(marts: FaultMarts) -> None:
    rows = marts.built["fct_metric_values"]
    marts.built["fct_metric_values"] = [row for row in rows if row["as_of_date"] < TODAY]


def marts_older(marts: FaultMarts) -> None:
    marts.live["fct_metric_values"] += rows_of(TODAY + timedelta(days=1))
