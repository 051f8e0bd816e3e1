"""What a check is: one expectation on one column set of one profile, with words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CRITICAL = "critical"
WARNING = "warning"


@dataclass(frozen=True)
class About:
    """What an operator wants to know of a check (`expectations/about.py` has one for each).

    Attributes:
        owner: who mends what it finds.
        why: what would be wrong with the published numbers without it.
        look: the command to look closer; `{day}`, `{subject}` and `{staged}` (an option, where the run is not
            published) are filled in.
    """

    owner: str
    why: str
    look: str


NOBODY = About("", "", "")


@dataclass(frozen=True)
class Check:
    """A check of a gate.

    The three templates are filled (`str.format`) with the columns of the profile row that failed.

    Attributes:
        id: stable name, the `check_id` of `data_quality_metrics`.
        profile: name of the profile frame it looks at.
        severity: `critical` (nothing is published) or `warning`.
        expectation: class name in `great_expectations.expectations`.
        arguments: its keyword arguments.
        message: what happened, in a sentence an analyst understands.
        observed: what was seen.
        expected: what should have been.
        nullable: a null in the columns means "does not apply"; otherwise it fails.
        about: who, why and what to look at; a suite gets it from `with_about`.
        users: the columns that count users or what they did, which are not told where they are small
            (`expectations/small_counts.py`).
    """

    id: str
    profile: str
    severity: str
    expectation: str
    arguments: Mapping[str, Any]
    message: str
    observed: str
    expected: str
    nullable: bool = field(default=False)
    about: About = NOBODY
    users: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The profile columns the expectation reads (none for one about the table)."""
        single = [self.arguments[name] for name in ("column", "column_A", "column_B") if name in self.arguments]
        return (*single, *self.arguments.get("column_list", ()))


def none_of(
    column: str, profile: str, severity: str, check_id: str, message: str, *, users: tuple[str, ...] = ()
) -> Check:
    """Check that a count of something bad is zero."""
    arguments = {"column": column, "min_value": 0, "max_value": 0}
    between = "ExpectColumnValuesToBeBetween"
    return Check(check_id, profile, severity, between, arguments, message, f"{{{column}}}", "0", users=users)


def equal(left: str, right: str, profile: str, check_id: str, message: str, *, nullable: bool = False) -> Check:
    """Check that two numbers of a row are the same; a difference is critical."""
    arguments = {"column_A": left, "column_B": right, "ignore_row_if": "either_value_is_missing"}
    return Check(
        check_id, profile, CRITICAL, "ExpectColumnPairValuesToBeEqual", arguments,
        message, f"{{{left}}}", f"{{{right}}}", nullable,
    )  # fmt: skip


def at_most(
    column: str,
    limit: str,
    profile: str,
    severity: str,
    check_id: str,
    message: str,
    *,
    form: str = "",
    nullable: bool = False,
    users: tuple[str, ...] = (),
) -> Check:
    """Check that a number does not exceed another of its row (a dated threshold, say); `form` formats both."""
    arguments = {"column_A": limit, "column_B": column, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Check(
        check_id, profile, severity, "ExpectColumnPairValuesAToBeGreaterThanB", arguments,
        message, f"{{{column}{form}}}", f"at most {{{limit}{form}}}", nullable, users=users,
    )  # fmt: skip


def at_least(
    column: str,
    limit: str,
    profile: str,
    severity: str,
    check_id: str,
    message: str,
    *,
    form: str = "",
    nullable: bool = False,
    users: tuple[str, ...] = (),
) -> Check:
    """Check that a number does not fall below another of its row; `form` formats both."""
    arguments = {"column_A": column, "column_B": limit, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Check(
        check_id, profile, severity, "ExpectColumnPairValuesAToBeGreaterThanB", arguments,
        message, f"{{{column}{form}}}", f"at least {{{limit}{form}}}", nullable, users=users,
    )  # fmt: skip
