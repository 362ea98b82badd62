"""The shape of a CSV text before it is parsed: lines and field counts, so that nothing shifts."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.arrays import Ints
from bpcli.data.source import Source

_SHOWN = 5  # offending lines of one kind
_DELIMITERS = {",": '","', ";": '";"', "\t": '"\\t"', "|": '"|"'}  # as YAML writes them


class Scan(NamedTuple):
    """Names of the columns, and for each record its first line and its number of fields."""

    names: tuple[str, ...]
    lines: Ints
    widths: Ints  # 0 is a blank line


def scan(source: Source, delimiter: str) -> Scan:
    """Every record counted; a header or a row that does not fit is a `DataError`."""
    _refuse_wrong_delimiter(source, delimiter)
    records = np.fromiter(_records(source, delimiter), dtype=np.dtype((np.int64, 2)))
    lines, widths = records.T
    names = _names(source, delimiter, int(lines[np.argmax(widths > 0)]))
    _refuse_ragged(source, lines, widths, len(names))
    return Scan(names, lines, widths)


def line_of_text(text: str, line: int) -> str:
    """`line 62: 0.1,0.2`, as an error shows it."""
    raw = next(islice(StringIO(text, newline=""), line - 1, None), "")
    return f"line {line}: {raw.rstrip()[:200]}"


def _records(source: Source, delimiter: str) -> Iterator[tuple[int, int]]:
    """(line, fields) of each record; lines count from 1, as in an editor."""
    stream = StringIO(source.text, newline="")
    if '"' not in source.text:  # a line is a record
        for line, raw in enumerate(stream, 1):
            yield line, 1 + raw.count(delimiter) if raw.strip() or delimiter in raw else 0
        return
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    line = 1
    try:
        for fields in reader:
            blank = not fields or (len(fields) == 1 and fields[0].isspace())
            yield line, 0 if blank else len(fields)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(_quote_problem(source, line, str(error))) from None


def _quote_problem(source: Source, line: int, error: str) -> Problem:
    where, detail = f"{source.path.name}, line {line}", (line_of_text(source.text, line),)
    if "field larger" in error:
        what = f"a cell is longer than {csv.field_size_limit():,} characters"
        return Problem("BP-D015", where, what, "look for a quote that is never closed", detail)
    unclosed = "unexpected end" in error
    what = "a quote opens here and is never closed" if unclosed else "text follows a closing quote"
    fix = 'mend the quotes; inside a quoted cell a quote is written twice: "5"" disk"'
    return Problem("BP-D011", where, what, fix, detail)


def _names(source: Source, delimiter: str, line: int) -> tuple[str, ...]:
    """The header's names, without spaces around them; each must be unique."""
    stream = islice(StringIO(source.text, newline=""), line - 1, None)
    names = [name.strip() for name in next(csv.reader(stream, delimiter=delimiter))]
    twice = [repr(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        what = f"more than one column is called {listing(twice)}"
        fix = "give each column its own name; a file without a header needs one"
        where, detail = f"{source.path.name}, line {line}", (line_of_text(source.text, line),)
        raise DataError(Problem("BP-D012", where, what, fix, detail))
    return tuple(names)


def _refuse_ragged(source: Source, lines: Ints, widths: Ints, expected: int) -> None:
    wrong = np.flatnonzero((widths != expected) & (widths > 0))
    problems = [
        Problem(
            "BP-D014",
            f"{source.path.name}, line {lines[i]}",
            f"{widths[i]} field{'' if widths[i] == 1 else 's'}, but the header has {expected}",
            "quote a cell that contains the delimiter, or make the number of fields equal",
            (line_of_text(source.text, int(lines[i])),),
        )
        for i in wrong[:_SHOWN]
    ]
    if len(wrong) > _SHOWN:
        what = f"{len(wrong) - _SHOWN} more lines do not have {expected} fields"
        problems.append(Problem("BP-D014", source.path.name, what))
    if problems:
        raise DataError(*problems)


def _refuse_wrong_delimiter(source: Source, delimiter: str) -> None:
    """One name in the header, while another delimiter would cut it and every line below it."""
    stream = StringIO(source.text, newline="")
    head = list(islice((raw for raw in stream if raw.strip()), 10))
    if delimiter in head[0]:
        return
    for other, written in _DELIMITERS.items():
        cuts = head[0].count(other)
        if cuts and all(raw.count(other) >= cuts for raw in head):
            what = f"the header is one name, but every line has the delimiter {written}"
            fix = f"set data.delimiter: {written}"
            detail = (head[0].rstrip()[:200],)
            raise DataError(Problem("BP-D010", source.path.name, what, fix, detail))
