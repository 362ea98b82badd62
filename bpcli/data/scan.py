"""The shape of a CSV text before it is parsed: lines and field counts, so that nothing shifts."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, listing
from bpcli.data.arrays import Ints
from bpcli.data.source import Source
from bpcli.data.spec import AUTO

_SHOWN = 5  # offending lines of one kind
_HEAD = (10, 2**18)  # records, and characters, that show a delimiter
_DELIMITERS = {",": '","', ";": '";"', "\t": '"\\t"', "|": '"|"'}  # as YAML writes them


class Scan(NamedTuple):
    """Names of the columns, and for each record its first line and its number of fields."""

    names: tuple[str, ...]
    lines: Ints
    widths: Ints  # 0 is a blank line
    delimiter: str
    notices: tuple[Notice, ...] = ()


def scan(source: Source, delimiter: str, *, header: bool = True) -> Scan:
    """Every record counted; a header or a row that does not fit is a `DataError`."""
    found = _delimiter(source, delimiter, "header" if header else "first row")
    lines, widths = _records(source, found)
    first = int(np.argmax(widths > 0))
    if header:
        names = _names(source, found, int(lines[first]))
    else:
        names = tuple(f"c{i}" for i in range(1, int(widths[first]) + 1))
    _refuse_ragged(source, lines, widths, len(names), "header" if header else "first row")
    notices = () if found in (delimiter, ",") else (_guessed(source, found),)
    return Scan(names, lines, widths, found, notices)


def line_of_text(text: str, line: int) -> str:
    """`line 62: 0.1,0.2`, as an error shows it."""
    raw = next(islice(StringIO(text, newline=""), line - 1, None), "")
    return f"line {line}: {raw.rstrip()[:200]}"


def _records(source: Source, delimiter: str) -> tuple[Ints, Ints]:
    """Line and number of fields of each record; lines count from 1, as in an editor."""
    if '"' not in source.text and delimiter.isascii():
        widths = _widths(source.text.encode("utf-8", "surrogatepass"), ord(delimiter))
        return np.arange(1, len(widths) + 1), widths
    lines, widths = np.fromiter(_quoted(source, delimiter), dtype=np.dtype((np.int64, 2))).T
    return lines, widths


def _widths(raw: bytes, delimiter: int) -> Ints:
    """The number of fields of each line of a text without quotes, where a line is a record."""
    text = np.frombuffer(raw, dtype=np.uint8)
    ends = text == 10
    if b"\r" in raw:  # ends a line too, unless the line feed behind it does
        returns = text == 13
        returns[:-1] &= ~ends[1:]
        ends |= returns
    stops = np.flatnonzero(ends)
    if not ends[-1]:
        stops = np.append(stops, len(text))
    starts = np.append(0, stops[:-1] + 1)
    cuts = np.flatnonzero(text == delimiter)
    widths = (1 + np.searchsorted(cuts, stops) - np.searchsorted(cuts, starts)).astype(np.int64)
    # A line that begins with a visible ASCII character is not blank; the others are looked at.
    padded = np.append(text, np.uint8(10))
    doubtful = (widths == 1) & ((padded[starts] <= 32) | (padded[starts] >= 127))
    for i in np.flatnonzero(doubtful):
        if not raw[starts[i] : stops[i]].decode("utf-8", "surrogatepass").strip():
            widths[i] = 0
    return widths


def _quoted(source: Source, delimiter: str) -> Iterator[tuple[int, int]]:
    """(line, fields) of each record, as the csv module reads it."""
    stream = StringIO(source.text, newline="")
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
        fix = "give each column its own name; for a file without a header set data.header: false"
        where, detail = f"{source.path.name}, line {line}", (line_of_text(source.text, line),)
        raise DataError(Problem("BP-D012", where, what, fix, detail))
    return tuple(names)


def _refuse_ragged(source: Source, lines: Ints, widths: Ints, expected: int, model: str) -> None:
    wrong = np.flatnonzero((widths != expected) & (widths > 0))
    problems = [
        Problem(
            "BP-D014",
            f"{source.path.name}, line {lines[i]}",
            f"{widths[i]} field{'' if widths[i] == 1 else 's'}, but the {model} has {expected}",
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


def _delimiter(source: Source, given: str, model: str) -> str:
    """The given delimiter, or for `auto` the one that the first records agree on.

    One name in the header, while another delimiter would cut it and every record below it, is an
    error; so is a header that two delimiters would cut.
    """
    cuts = {other: _cuts(source.text, other) for other in _DELIMITERS}
    fitting = [other for other, counts in cuts.items() if 0 < counts[0] <= min(counts)]
    if given != AUTO:
        if _cuts(source.text, given)[0] == 0 and fitting:
            written = _DELIMITERS[fitting[0]]
            what = f"the {model} is one name, but every line has the delimiter {written}"
            raise DataError(_delimiter_problem(source, what, [fitting[0]]))
        return given
    if not fitting:  # rows that do not fit are for the count of fields to find
        fitting = [other for other, counts in cuts.items() if counts[0] and any(counts[1:])]
        fitting = fitting if len(fitting) == 1 else [","]
    if len(fitting) > 1:
        signs = " and ".join(_DELIMITERS[other] for other in fitting)
        what = f"{signs} cut the {model} and every line below it"
        raise DataError(_delimiter_problem(source, what, fitting))
    return fitting[0]


def _cuts(text: str, delimiter: str) -> list[int]:
    """How often the delimiter cuts each of the first records."""
    most, size = _HEAD
    reader = csv.reader(StringIO(text[:size], newline=""), delimiter=delimiter)
    try:
        rows = (row for row in reader if row and not (len(row) == 1 and not row[0].strip()))
        counts = [len(row) - 1 for row in islice(rows, most)]
    except csv.Error:
        return [0]
    if len(text) > size and len(counts) < most:
        counts = counts[:-1]  # the last one may be cut off
    return counts or [0]


def _delimiter_problem(source: Source, what: str, delimiters: list[str]) -> Problem:
    fix = "set data.delimiter: " + " or ".join(_DELIMITERS[other] for other in delimiters)
    lines = StringIO(source.text, newline="")
    head = next(raw for raw in lines if raw.strip())
    return Problem("BP-D010", source.path.name, what, fix, (head.rstrip()[:200],))


def _guessed(source: Source, delimiter: str) -> Notice:
    written = _DELIMITERS[delimiter]
    what = f"the cells are separated by {written}, as the first rows show"
    return Notice("BP-D115", source.path.name, what, f"set data.delimiter: {written}")
