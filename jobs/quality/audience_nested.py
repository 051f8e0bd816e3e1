"""Sets of eligible editors of which one holds the other, so that its count is at least as large.

A smaller band lies in a larger one, a stricter choice in a looser one. A window lies in a longer one that ends on the
same day only where the last revision decides and bots are counted: who was a bot in the earlier part of the longer
window alone is eligible in the shorter one.
"""

from __future__ import annotations

import pandas as pd

from jobs.audience import Band, Choices
from jobs.quality.audience_cells import CELL, WIKI, floored

LOOSER = (
    ("bots", "now_or_then", "now"), ("bots", "now_or_then", "then"), ("bots", "now", "counted"),
    ("bots", "then", "counted"), ("temporary", "out", "in"), ("cross_wiki", "out", "in"),
    ("deleted_revisions", "out", "in"),
)  # fmt: skip
"""Of each choice a value whose editors all count under another."""

SOURCE = ["snapshot", "definition"]
PAIR = ["part", "whole", "n_part", "n_whole"]


def out_of_order(audience: pd.DataFrame, alternatives: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Return of each wiki the part that exceeds its whole most.

    Args:
        audience: its rows; only counts of one snapshot and definition are compared.
        alternatives: rows of `audience_alternatives`, which are of the contract's definition.
        min_users: smaller counts are compared as the largest of them.

    Returns:
        as_of_date, wiki_db, part and whole (in words), n_part, n_whole; no row for a wiki without a pair.
    """
    source = audience.loc[audience["definition"] == "", [*CELL, *SOURCE]]
    chosen = pd.concat([alternatives.merge(source, on=CELL), _own_choices(audience)], ignore_index=True)
    pairs = pd.concat([_bands(audience), _windows(chosen), _choices(chosen)], ignore_index=True)
    known = pairs.dropna(subset=["n_part", "n_whole"])
    excess = floored(known["n_part"], min_users) - floored(known["n_whole"], min_users)
    order = known.assign(excess=excess).sort_values([*WIKI, "excess"], ascending=[True, True, False], kind="stable")
    return order.drop_duplicates(WIKI)[[*WIKI, *PAIR]]


def _own_choices(audience: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of the definition itself, once for each of its choices, as alternatives have them."""
    found = []
    for definition, rows in audience.groupby("definition", dropna=False):
        for choice, value in vars(_choices_of(definition)).items():
            found.append(rows[[*CELL, *SOURCE, "n_editors"]].assign(choice=choice, alternative=value))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[*CELL, *SOURCE])


def _choices_of(definition: object) -> Choices:
    """Read a definition as `Choices.in_words` writes it."""
    differing = (
        [part.split("=") for part in definition.split(", ")] if isinstance(definition, str) and definition else []
    )
    return Choices(**dict(differing))  # type: ignore[arg-type]


def _bands(audience: pd.DataFrame) -> pd.DataFrame:
    rows = audience[[*CELL, *SOURCE, "n_editors"]]
    pairs = rows.merge(rows, on=[*WIKI, "window_days", *SOURCE], suffixes=("_part", "_whole"))
    bands = {text: Band.parse(text) for text in rows["band"].unique()}
    is_part = [
        part != whole and bands[whole].least <= bands[part].least and bands[part].most <= bands[whole].most
        for part, whole in zip(pairs["band_part"], pairs["band_whole"], strict=True)
    ]
    days = " over " + pairs["window_days"].astype(str) + " days"
    return _paired(pairs, pairs["band_part"] + days, pairs["band_whole"] + days)[is_part]


def _windows(chosen: pd.DataFrame) -> pd.DataFrame:
    by_last = chosen["definition"].map(lambda text: _choices_of(text).edit_count == "last").astype(bool)
    rows = chosen[by_last & (chosen["choice"] == "bots") & (chosen["alternative"] == "counted")]
    pairs = rows.merge(rows, on=[*WIKI, "band", *SOURCE], suffixes=("_part", "_whole"))
    part, whole = (
        pairs["band"] + " over " + pairs[f"window_days_{name}"].astype(str) + " days, bots counted"
        for name in ("part", "whole")
    )
    return _paired(pairs, part, whole)[pairs["window_days_part"] < pairs["window_days_whole"]]


def _choices(chosen: pd.DataFrame) -> pd.DataFrame:
    order = pd.DataFrame(LOOSER, columns=["choice", "alternative_part", "alternative_whole"])
    key = [*CELL, *SOURCE, "choice"]
    pairs = chosen.merge(chosen, on=key, suffixes=("_part", "_whole")).merge(order)
    cell = pairs["band"] + " over " + pairs["window_days"].astype(str) + " days, " + pairs["choice"] + "="
    return _paired(pairs, cell + pairs["alternative_part"], cell + pairs["alternative_whole"])


def _paired(pairs: pd.DataFrame, part: pd.Series[str], whole: pd.Series[str]) -> pd.DataFrame:
    named = pairs.rename(columns={"n_editors_part": "n_part", "n_editors_whole": "n_whole"})
    return named.assign(part=part, whole=whole)[[*WIKI, *PAIR]]
