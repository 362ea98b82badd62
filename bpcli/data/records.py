"""Text to records: the fields of each, and the line that it starts on, as an editor counts.

The csv module reads the lines one after another, so that a record may cross from block to block.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Problem
from bpcli.data.arrays import Ints

_AT_ONCE = 64  # records between two looks at the number of lines
_LONGEST = 2**24  # characters of a line


class Lines:
    """The lines of a text that comes in blocks; what was read last can be shown."""

    def __init__(self, blocks: Iterable[str], path: Path) -> None:
        self._blocks, self._path = iter(blocks), path
        self._kept: list[tuple[int, str]] = []  # the number of the first line, and the text
        self._next = 1
        self.blocks = 0  # begun so far

    def __iter__(self) -> Iterator[str]:
        rest = ""
        for block in self._blocks:
            text = rest + block
            # A return may be half of a line end that goes on in the next block.
            stop = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
            yield from self._lines_of(text[:stop])
            rest = text[stop:]
            if len(rest) > _LONGEST:
                what = f"the line is longer than {_LONGEST:,} characters"
                where = f"{self._path.name}, line {self._next}"
                raise DataError(Problem("BP-D160", where, what, "check that this is a CSV file"))
        yield from self._lines_of(rest)

    def _lines_of(self, text: str) -> Iterator[str]:
        self.blocks += 1
        lines = list(StringIO(text, newline=""))
        self._kept.append((self._next, text))
        self._next += len(lines)
        return iter(lines)

    def forget(self) -> None:
        """Keep the newest block only."""
        del self._kept[:-1]

    def shown(self, line: int) -> str:
        """`line 62: 0.1,0.2`, as an error shows it."""
        first, text = next((kept for kept in reversed(self._kept) if kept[0] <= line), (line, ""))
        raw = next(islice(StringIO(text, newline=""), line - first, None), "")
        return f"line {line}: {raw.rstrip()[:200]}"


class Records(NamedTuple):
    """Some records in a row: their fields, and the line on which each starts."""

    rows: list[list[str]]
    lines: Ints


class RecordReader:
    """Records in chunks: those that start in one block of the text."""

    def __init__(self, blocks: Iterable[str], path: Path, delimiter: str) -> None:
        self.lines = Lines(blocks, path)
        self._path = path
        self._reader = csv.reader(iter(self.lines), delimiter=delimiter, strict=True)

    def first(self) -> Records:
        """The first record that is not blank, or none.  Raises DataError."""
        while records := self._read(1):
            if not is_blank(records.rows[0]):
                return records
        return Records([], np.array([], dtype=np.int64))

    def __iter__(self) -> Iterator[Records]:
        """The others, blank ones among them.  Raises DataError."""
        while records := self._read(_AT_ONCE):
            parts, block = [records], self.lines.blocks
            while block == self.lines.blocks and (records := self._read(_AT_ONCE)):
                parts.append(records)
            yield _joined(parts)
            self.lines.forget()

    def _read(self, most: int) -> Records | None:
        before, rows = self._reader.line_num, list[list[str]]()
        try:
            rows.extend(islice(self._reader, most))  # keeps those before an error
        except csv.Error as error:
            line = before + 1 + sum(map(_height, rows))
            raise DataError(self._problem(line, str(error))) from None
        if not rows:
            return None
        if self._reader.line_num - before == len(rows):
            return Records(rows, np.arange(before + 1, before + 1 + len(rows)))
        heights = np.cumsum([0, *map(_height, rows[:-1])])
        return Records(rows, before + 1 + heights)

    def _problem(self, line: int, error: str) -> Problem:
        where, detail = f"{self._path.name}, line {line}", (self.lines.shown(line),)
        if "field larger" in error:
            what = f"a cell is longer than {csv.field_size_limit():,} characters"
            return Problem("BP-D015", where, what, "look for a quote that is never closed", detail)
        unclosed = "unexpected end" in error
        what = "a quote opens here and is never closed" if unclosed else _AFTER_QUOTE
        fix = 'mend the quotes; inside a quoted cell a quote is written twice: "5"" disk"'
        return Problem("BP-D011", where, what, fix, detail)


_AFTER_QUOTE = "text follows a closing quote"


def is_blank(fields: list[str]) -> bool:
    """A line without a cell, or with spaces alone."""
    return not fields or (len(fields) == 1 and fields[0].isspace())


def _height(fields: list[str]) -> int:
    """The lines that a record takes."""
    text = "\0".join(fields)  # which no field has
    return 1 + text.count("\n") + text.count("\r") - text.count("\r\n")


def _joined(parts: list[Records]) -> Records:
    if len(parts) == 1:
        return parts[0]
    rows = [row for part in parts for row in part.rows]
    return Records(rows, np.concatenate([part.lines for part in parts]))
