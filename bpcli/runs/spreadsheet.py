"""Cells that a spreadsheet would run as a formula, and how they are kept from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)

Column = tuple[str, Sequence[Any]]  # a name, and the cells below it


def is_formula(cell: object) -> bool:
    """Whether a spreadsheet takes a text for more than a text or a number."""
    return isinstance(cell, str) and cell.startswith(_STARTS) and not _NUMBER.fullmatch(cell)


def formulas(columns: Iterable[Column]) -> list[str]:
    """The names and cells among the columns that a spreadsheet would run."""
    return [cell for name, cells in columns for cell in (name, *cells) if is_formula(cell)]


def guarded(columns: Iterable[Column]) -> list[Column]:
    """The columns with ' in front of such texts, and of those that begin with one anyway.

    Who removes one leading ' from each cell has the columns again.
    """
    return [(_guarded(name), [_guarded(cell) for cell in cells]) for name, cells in columns]


def _guarded(cell: Any) -> Any:
    quoted = isinstance(cell, str) and cell.startswith("'")
    return f"'{cell}" if quoted or is_formula(cell) else cell
