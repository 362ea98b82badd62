"""Change a value in the text of a config, and nothing else: comments and layout stay.

The new value takes the place of the old one, or, where its section is not there either, a line of
its own at the end of the text. The result is read again: where anything else would have changed,
or the value is written over several lines, it is an error.
"""

from __future__ import annotations

import re
from typing import Any

from bpcli.config.document import Document, parse_document
from bpcli.config.errors import ConfigError, Problem
from bpcli.config.overrides import override, path_of
from bpcli.config.places import KeyPath

_SCALAR = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|(?:[^\s,{}\[\]#'"]|(?<=\S)#)+""")
PROVENANCE = "# bpcli:"  # how a line begins that says where a value is from


def with_value(text: str, name: str, assignment: str, why: str = "") -> str:
    """The text of a config with `path=value`, and a line of comment that says why.

    Raises ConfigError where the text does not allow it.
    """
    document = parse_document(text, name)
    wanted = override(document, [assignment])
    path, _, value = assignment.partition("=")
    place, comment = path_of(document, assignment), f"{PROVENANCE} {why}" if why else ""
    changed = _placed(document, place, value, comment)
    if changed is None or not _says(changed, name, wanted.value):
        what = f"{path} cannot be written here without changing more than its value"
        fix = f"write {path} on a line of its own"
        raise ConfigError(Problem("BP-C120", name, what, fix))
    return changed


def _placed(document: Document, path: KeyPath, value: str, comment: str) -> str | None:
    lines = document.text.splitlines(keepends=True)
    mark = document.marks.get(path)
    if mark is None:
        if len(path) > 1 and path[:1] in document.marks:
            return None
        end = "" if not lines or lines[-1].endswith("\n") else "\n"
        for key in reversed(path[1:]):
            value = f"{{{key}: {value}}}"
        added = [comment, f"{path[0]}: {value}"] if comment else [f"{path[0]}: {value}"]
        return document.text + end + "\n".join(added) + "\n"
    row, column = mark.value[0] - 1, mark.value[1] - 1
    old = _SCALAR.match(lines[row], column) if row < len(lines) else None
    if old is None:
        return None
    lines[row] = lines[row][:column] + value + lines[row][old.end() :]
    return "".join(_commented(lines, mark.key[0] - 1, comment))


def _commented(lines: list[str], row: int, comment: str) -> list[str]:
    """The comment above the row, in place of an earlier one of its kind."""
    if not comment:
        return lines
    indent = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
    above = row > 0 and lines[row - 1].lstrip().startswith(PROVENANCE)
    return [*lines[: row - above], f"{indent}{comment}\n", *lines[row:]]


def _says(text: str, name: str, wanted: Any) -> bool:
    try:
        return bool(parse_document(text, name).value == wanted)
    except ConfigError:
        return False
