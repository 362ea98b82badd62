"""The character between two cells, as the first records of a text show it."""

from __future__ import annotations

import csv
from io import StringIO
from itertools import islice
from pathlib import Path

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.asking import Asking
from bpcli.data.spec import AUTO

HEAD = 2**18  # characters that are looked at
GUESSED = "BP-D115"  # what says that a delimiter was
_MOST = 10  # records
_DELIMITERS = {
    ",": '","',
    ";": '";"',
    "\t": '"\\t"',
    "|": '"|"',
}  # as YAML and the shell write them


def delimiter_of(head: str, given: str, path: Path, model: str, asking: Asking) -> str:
    """The given delimiter, or for `auto` the one that the first records agree on.

    One name in the header, while another delimiter would cut it and every record below it, is an
    error; so is a header that two delimiters would cut.
    """
    cuts = {other: _cuts(head, other) for other in _DELIMITERS}
    fitting = [other for other, counts in cuts.items() if 0 < counts[0] <= min(counts)]
    if given != AUTO:
        if _cuts(head, given)[0] == 0 and fitting:
            written = _DELIMITERS[fitting[0]]
            what = f"the {model} is one name, but every line has the delimiter {written}"
            raise DataError(_problem(head, path, what, [fitting[0]], asking))
        return given
    if not fitting:  # rows that do not fit are for the count of fields to find
        fitting = [other for other, counts in cuts.items() if counts[0] and any(counts[1:])]
        fitting = fitting if len(fitting) == 1 else [","]
    if len(fitting) > 1:
        signs = " and ".join(_DELIMITERS[other] for other in fitting)
        what = f"{signs} cut the {model} and every line below it"
        raise DataError(_problem(head, path, what, fitting, asking))
    return fitting[0]


def guessed(delimiter: str, path: Path, asking: Asking) -> Notice:
    """What is said of a delimiter that nobody named."""
    written = _DELIMITERS[delimiter]
    what = f"the cells are separated by {written}, as the first rows show"
    return Notice(GUESSED, path.name, what, asking.to_set("delimiter", written))


def _cuts(head: str, delimiter: str) -> list[int]:
    """How often the delimiter cuts each of the first records."""
    reader = csv.reader(StringIO(head[:HEAD], newline=""), delimiter=delimiter)
    try:
        rows = (row for row in reader if row and not (len(row) == 1 and not row[0].strip()))
        counts = [len(row) - 1 for row in islice(rows, _MOST)]
    except csv.Error:
        return [0]
    if len(head) > HEAD and len(counts) < _MOST:
        counts = counts[:-1]  # the last one may be cut off
    return counts or [0]


def _problem(head: str, path: Path, what: str, delimiters: list[str], asking: Asking) -> Problem:
    fix = asking.to_set("delimiter", " or ".join(_DELIMITERS[other] for other in delimiters))
    first = next(raw for raw in StringIO(head, newline="") if raw.strip())
    return Problem("BP-D010", path.name, what, fix, (first.rstrip()[:200],))
