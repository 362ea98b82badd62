"""`--set path=value`: assignments that change a document as if its text had said so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bpcli.config.document import Document, parse_yaml
from bpcli.config.errors import ConfigError, Problem
from bpcli.config.places import KeyPath, Mark, excerpt, path_text, value_text
from bpcli.config.reader import DEEPEST

_KEY = r"""(?:"[^"]*"|'[^']*'|[^."'=]+)"""
_ASSIGNMENT = re.compile(rf"({_KEY}(?:\.{_KEY})*)=(.*)", re.DOTALL)


def override(document: Document, assignments: Sequence[str]) -> Document:
    """The document after all assignments, in their order; the given one stays as it is.

    Raises ConfigError with the problems of all assignments.
    """
    problems: list[Problem] = []
    for assignment in assignments:
        try:
            document = _override(document, assignment)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return document


def path_of(document: Document, assignment: str) -> KeyPath:
    """Where in the document `path=value` puts its value.  Raises ConfigError where it cannot."""
    target, _ = _split(assignment)
    return _resolved(document.value, _keys(target, assignment), assignment)


def _override(document: Document, assignment: str) -> Document:
    target, text = _split(assignment)
    path, value = path_of(document, assignment), _parsed(text, _keys(target, assignment))
    mark = Mark((1, 1), (1, len(target) + 2), assignment)
    return document._replace(
        value=_replaced(document.value, path, value), marks=_marks(document, path, mark)
    )


def _split(assignment: str) -> tuple[str, str]:
    """The path and the value of `path=value`."""
    parts = _ASSIGNMENT.fullmatch(assignment)
    if parts is None:
        fix = "write path=value, for example optimizer.adam.beta2=0.9"
        where, what = f"--set {assignment}", "expected a dotted path, '=' and a value"
        raise ConfigError(Problem("BP-C020", where, what, fix, excerpt(assignment, (1, 1))))
    return parts[1], parts[2]


def _keys(target: str, assignment: str) -> tuple[str, ...]:
    keys = tuple(_unquoted(key) for key in re.findall(_KEY, target))
    if len(keys) > DEEPEST:
        what, fix = f"the path has more than {DEEPEST} keys", "write a shorter path"
        where = f"--set {path_text(keys[:DEEPEST])}"
        raise ConfigError(Problem("BP-C021", where, what, fix, excerpt(assignment, (1, 1))))
    return keys


def _unquoted(key: str) -> str:
    return key[1:-1] if key[0] in "\"'" else key.strip()


def _parsed(text: str, keys: KeyPath) -> Any:
    where = f"--set {path_text(keys)}"
    try:
        return parse_yaml(text, where).value
    except ConfigError as error:
        raise ConfigError(*(problem._replace(where=where) for problem in error.problems)) from None


def _resolved(value: Any, keys: tuple[str, ...], assignment: str) -> KeyPath:
    """The keys as a path in the tree: indices as numbers."""
    path: KeyPath = ()
    for key in keys:
        step = _step(value, key)
        if step is None:
            what, fix = _no_way(value, key, path)
            detail = excerpt(assignment, (1, 1))
            raise ConfigError(Problem("BP-C022", f"--set {path_text(keys)}", what, fix, detail))
        value = _child(value, step)
        path = (*path, step)
    return path


def _step(value: Any, key: str) -> str | int | None:
    """The key or index that leads on; None where there is no way."""
    if isinstance(value, list):
        return {str(index): index for index in range(len(value))}.get(key)
    return key if isinstance(value, dict) or value in (None, key) else None


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, list):
        return value[int(step)]
    return _entries(value).get(step)


def _entries(value: Any) -> dict[Any, Any]:
    """The entries to add to: none yet below a new key or in a component that is a bare name."""
    return value if isinstance(value, dict) else {}


def _no_way(value: Any, key: str, path: KeyPath) -> tuple[str, str]:
    here = path_text(path)
    if isinstance(value, list):
        last = len(value) - 1
        what = f"{here} has no item {key!r}"
        return what, f"use an index from 0 to {last}" if value else f"set {here} to a whole list"
    return (
        f"{here} is {value_text(value)} and has no key {key!r}",
        f"set the whole of it, as in --set '{here}={{{key}: …}}'",
    )


def _replaced(value: Any, path: KeyPath, leaf: Any) -> Any:
    """A copy of the tree with another value at this path, sharing all other branches."""
    if not path:
        return leaf
    step, rest = path[0], path[1:]
    new = _replaced(_child(value, step), rest, leaf)
    if isinstance(value, list):
        return [new if index == step else item for index, item in enumerate(value)]
    return {**_entries(value), step: new}


def _marks(document: Document, path: KeyPath, mark: Mark) -> dict[KeyPath, Mark]:
    """The marks with this one at the path and at what was made on the way, and none below it."""
    kept = {at: old for at, old in document.marks.items() if at[: len(path)] != path}
    new = {path[:depth]: mark for depth in range(1, len(path) + 1)}
    return {**new, **kept}
