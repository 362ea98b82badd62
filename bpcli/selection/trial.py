"""A trial of a search: its values, the trainings that it takes, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from bpcli.config.errors import BpcliError
from bpcli.selection.procedure import FoldScore


class Setting(NamedTuple):
    """A trial: its values by path, and why they make no config where they make none."""

    number: int
    values: Mapping[str, Any]
    failure: str = ""

    @property
    def assignments(self) -> list[str]:
        """PATH=VALUE"""
        return assignments_of(self.values)


class Group(NamedTuple):
    """Trials that are trained together, for these folds; none: one training on all rows.

    They were proposed at once, and replicas can train them: see `in_common`.
    """

    search: str  # its name
    trials: Sequence[Setting]
    folds: Sequence[int]


class Scored(NamedTuple):
    """What came of a group."""

    search: str
    seconds: float
    trials: dict[int, list[FoldScore]]  # by number

    def to_json(self) -> str:
        """One line; its numbers read back to the same bits."""
        return json.dumps(self, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Scored:
        """What `to_json` wrote.  Raises ValueError for any other text."""
        return TypeAdapter(cls).validate_json(line)


def assignments_of(values: Mapping[str, Any]) -> list[str]:
    """{path: value} as PATH=VALUE."""
    return [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in values.items()]


def reason_of(error: BpcliError) -> str:
    """Why a trial has failed, in one line."""
    first = error.problems[0]
    return f"{first.where}: {first.what}"
