"""A YAML parser's complaint in the words of someone who writes a config file.

The two parsers of PyYAML (libyaml's and the pure one) say the same things differently; the
table below matches both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml


class Explanation(NamedTuple):
    """Where the text stops making sense (counted from 1), what is wrong there, and the way out."""

    line: int
    column: int
    what: str
    fix: str


class _Wording(NamedTuple):
    complaint: str  # a regex on "context; problem; rest of the line; above: the line before"
    what: str
    fix: str
    at_start: bool = False  # point where the unfinished thing starts, not where it was noticed


def explain(error: yaml.MarkedYAMLError, lines: list[str]) -> Explanation:
    """The explanation of a syntax error in the text that has these lines."""
    wording = next(w for w in _WORDINGS if re.search(w.complaint, _complaint(error, lines)))
    start = error.context_mark if wording.at_start else None
    mark = start or error.problem_mark
    if mark is None:
        return Explanation(1, 1, wording.what, wording.fix)
    return Explanation(mark.line + 1, mark.column + 1, wording.what, wording.fix)


def _complaint(error: yaml.MarkedYAMLError, lines: list[str]) -> str:
    mark = error.problem_mark
    line = mark.line if mark else 0
    here = lines[line][mark.column :] if mark and line < len(lines) else ""
    above = lines[line - 1] if 0 < line <= len(lines) else ""
    return f"{error.context}; {error.problem}; {here}; above: {above}"


_WORDINGS = (
    _Wording(
        r"^[^;]*; [^;]*; \t",
        "a tab cannot indent a line",
        "indent with spaces",
    ),
    _Wording(
        r"quoted.*end of stream|quoted.*document separator",
        "this quote is never closed",
        "close the quote",
        at_start=True,
    ),
    _Wording(
        r"',' or '\]'",
        "this list is not closed, or a comma is missing in it",
        "end the list with ']' and put a comma between its items",
        at_start=True,
    ),
    _Wording(
        r"',' or '\}'",
        "this mapping is not closed, or a comma is missing in it",
        "end the mapping with '}' and put a comma between its entries",
        at_start=True,
    ),
    _Wording(
        r"could not find expected ':'",
        "expected 'key: value' with a space after the colon",
        "write a colon and a space behind the key",
        at_start=True,
    ),
    _Wording(
        r"mapping values are not allowed.*above: *(- )?[\w.-]+:[^\s:]",
        "a ':' is not allowed here, because the line above has no space after its colon",
        "put a space after the colon in the line above",
    ),
    _Wording(
        r"mapping values are not allowed",
        "a ':' is not allowed here",
        "put text that contains ': ' in quotes, or correct the indentation of this line",
    ),
    _Wording(
        r"entries are not allowed",
        "a list cannot start here",
        "start the list on a line of its own, or write it as [a, b]",
    ),
    _Wording(
        r"block collection",
        "expected another item of the list above",
        "start each item with '- ', or indent this line as the key it belongs to",
    ),
    _Wording(
        r"expected key|expected <block end>",
        "this does not continue what is above it",
        "indent the lines of one block equally, and put a value that needs quotes wholly inside",
    ),
    _Wording(
        r"cannot start any token",
        "a value cannot start with this character",
        "put the value in quotes",
    ),
    _Wording(
        r"node content",
        "expected a value here",
        "write the missing value, or remove this character",
    ),
    _Wording(
        r"escape c",
        "there is no such escape in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
    _Wording(
        r"document start",
        "the document has ended before this",
        "keep one document in the file",
    ),
    _Wording(
        r"alias|anchor",
        "expected a name after '*' or '&'",
        "put text that starts with '*' or '&' in quotes",
    ),
    _Wording(r"", "this is not valid YAML", "correct the syntax here, or put the text in quotes"),
)
