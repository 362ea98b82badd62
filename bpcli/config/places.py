"""Places in a config: paths in the tree, positions in the text, and how messages show both."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]  # line and column, counted from 1

_LONGEST_NAME = 80
_LONGEST_LINE = 200
_CONTEXT = 150  # of a longer line, as much is shown before the caret


class Mark(NamedTuple):
    """Where a node is written: the position of its key and of its value."""

    key: Position
    value: Position
    assignment: str = ""  # the `--set` argument that wrote it, in which the positions then are


def path_text(path: KeyPath) -> str:
    """`data.columns."emp.var.rate"`: a path as messages show it and as `--set` reads it."""
    return ".".join(_step_text(str(step)) for step in path)


def place(name: str, position: Position, path: KeyPath = ()) -> str:
    """`config.yaml:6:10: optimizer.adam.beta1`, the path being optional."""
    line, column = position
    return f"{name}:{line}:{column}" + (f": {path_text(path)}" if path else "")


def excerpt(text: str, position: Position) -> tuple[str, ...]:
    """The line at this position and a caret below it; nothing at the end of the text."""
    line, column = position
    lines = lines_of(text)
    if line > len(lines):
        return ()
    start = max(0, column - 1 - _CONTEXT)
    return lines[line - 1][start : start + _LONGEST_LINE], " " * (column - 1 - start) + "^"


def value_text(value: Any) -> str:
    """A value as messages show it: Python's notation, cut when it is long."""
    return _cut(repr(value))


@lru_cache(maxsize=4)
def lines_of(text: str) -> list[str]:
    """The lines of a text, kept for a report that quotes many of them."""
    return text.splitlines()


def _step_text(step: str) -> str:
    shown = _cut(step)
    quote = "'" if '"' in shown else '"'
    plain = shown and shown == shown.strip() and not set(shown) & set(".='\"")
    return shown if plain else f"{quote}{shown}{quote}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
