"""What makes a score look better than it is, or training harder than it need be: named, not cured.

Nothing here is an error: two columns may be equal by chance, a row may stand twice for a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from bpcli.config.errors import Notice, listing
from bpcli.data.arrays import Flags, Floats, Ints, Sets
from bpcli.data.association import ranks
from bpcli.data.each import Each, Names, here
from bpcli.data.roles import INPUT_ROLES, Column
from bpcli.data.split import HELD_OUT, SET_NAMES, TRAIN
from bpcli.data.table import Table
from bpcli.nn import room

Marks = npt.NDArray[np.uint64]

_ROWS = 20  # from which a straight line through all rows is no accident
_MOST = 1 << 20  # rows in which the target is looked for in other columns, evenly apart
_RARE = 5  # training rows of a class
_EXACT = 1e-12  # what rounding takes from a correlation of 1


def describe_suspicions(
    table: Table, columns: Sequence[Column], sets: Sets, *, classes: bool, each: Each = here
) -> list[Notice]:
    """Equal columns, columns that are the target, rare classes, rows that stand in two sets."""
    inputs = [column.name for column in columns if column.role in INPUT_ROLES]
    targets = [column.name for column in columns if column.role == "target"]
    used = np.flatnonzero(sets >= 0)
    used = used[:: -(-len(used) // _MOST) or 1].copy()
    notices = [*_equal_columns(table, inputs)]
    for target in targets:
        notices += _copies(table, inputs, target, used, each)
        if classes:
            notices += _rare_classes(table, target, np.flatnonzero(sets == TRAIN))
    return [*notices, *_repeated_rows(table, [*inputs, *targets], sets)]


def _equal_columns(table: Table, names: Sequence[str]) -> Iterator[Notice]:
    """Columns with the same words, or numbers, in the same rows."""
    groups: dict[bytes, list[str]] = {}
    for name in names:
        groups.setdefault(table.cells(name).digest(), []).append(name)
    for group in groups.values():
        if len(group) > 1:
            what = (
                f"{len(group)} columns hold the same in all {table.n_rows} rows: {listing(group)}"
            )
            fix = "give all but one the role drop in data.columns"
            yield Notice("BP-D142", table.path.name, what, fix)


def _copies(
    table: Table, names: Sequence[str], target: str, rows: Ints, each: Each
) -> Iterator[Notice]:
    """Columns from which the target follows exactly."""
    found = each(told_exactly, table, [(name, target) for name in names], rows)
    for name, how in zip(names, found, strict=True):
        if how:
            what = f"column {name!r} tells the target {target!r} exactly: {how}"
            drop = f"{{{json.dumps(name, ensure_ascii=False)}: drop}}"
            fix = f"if it is not known before the target is, set data.columns: {drop}"
            yield Notice("BP-D143", table.path.name, what, fix)


def told_exactly(table: Table, names: Names, rows: Ints) -> str:
    """How the second column follows from the first in all rows; empty where it does not."""
    name, target = names
    return _one_to_one(table, name, target, rows) or _on_a_curve(table, name, target, rows)


def _one_to_one(table: Table, name: str, target: str, rows: Ints) -> str:
    """Whether each value goes with one of the target and no other; several rows have each."""
    first, second = (table.cells(one).labels(rows) for one in (name, target))
    distinct = int(first.max(initial=-1)) + 1
    if not 2 <= distinct <= len(rows) / 2 or not np.array_equal(first, second):
        return ""
    return f"{distinct} values of each go together in all {len(rows)} rows"


def _on_a_curve(table: Table, name: str, target: str, rows: Ints) -> str:
    """Whether both are numbers and lie on a line, or on a curve that rises or falls throughout."""
    cells = [table.cells(one) for one in (name, target)]
    if any(one.not_numbers.any() for one in cells):
        return ""
    x, y = (one.numbers[rows] for one in cells)
    both = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    if len(both) < _ROWS:
        return ""
    with np.errstate(all="ignore"):  # of a constant or of huge numbers there is no correlation
        r = np.corrcoef(x[both], y[both])[0, 1]
        rho = np.corrcoef(ranks(x[both]), ranks(y[both]))[0, 1]
    if abs(r) > 1 - _EXACT:
        return f"the correlation of {len(both)} rows is {r:.0f}"
    return f"the ranks of {len(both)} rows correlate by {rho:.0f}" if abs(rho) > 1 - _EXACT else ""


def _rare_classes(table: Table, target: str, rows: Ints) -> Iterator[Notice]:
    cells = table.cells(target)
    counts = cells.counts(rows)
    rare = [f"{cells.words[i][:80]!r} ({counts[i]})" for i in np.flatnonzero(counts < _RARE)]
    if rare:
        what = f"classes with fewer than {_RARE} training rows: {listing(rare)}"
        fix = "add rows, or merge classes; scores of a class this small say little"
        yield Notice("BP-D144", table.path.name, what, fix)


def _repeated_rows(table: Table, names: Sequence[str], sets: Sets) -> Iterator[Notice]:
    """Held-out rows that the network was trained on too, target and all."""
    marks = row_marks(table, names)
    trained = marks[sets == TRAIN]
    trained.sort()
    for which in HELD_OUT:
        held = marks[sets == which]
        count = int(np.count_nonzero(_are_among(held, trained)))
        if count:
            kind = SET_NAMES[which]
            what = f"{count} of {len(held)} {kind} rows stand among the training rows as well"
            fix = "remove what stands twice, or keep it in one set with data.group"
            yield Notice("BP-D145", table.path.name, what, fix)


def row_marks(table: Table, names: Sequence[str]) -> Marks:
    """A number for each row (N,), the same for rows whose cells are all the same, and for others
    with a probability of 2⁻⁶⁴."""
    marks = room.zeros((table.n_rows,), np.uint64)
    for name in names:
        cells = table.cells(name)
        values = cells.numbers if cells.plain else cells.codes
        for own in room.cut_rows(table.n_rows, 1):
            marks[own] = _mixed(marks[own] ^ _bits(values[own]))
    return marks


def _bits(values: Floats | Ints) -> Marks:
    """Equal for equal values: −0 is 0, and any gap is like another."""
    if values.dtype == np.float64:
        values = np.where(np.isnan(values), np.nan, values + 0.0)
    return values.view(np.uint64)


def _mixed(x: Marks) -> Marks:
    """A bijection of 64 bits that leaves no pattern: splitmix64.  doi:10.1145/2660193.2660195"""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _are_among(marks: Marks, ranked: Marks) -> Flags:
    """Which of the numbers (N,) are among others, which rise and are not none."""
    places = np.searchsorted(ranked, marks).clip(max=len(ranked) - 1)
    return np.asarray(ranked[places] == marks)


def same_rows(table: Table, names: Sequence[str]) -> Ints:
    """A number for each row (N,), the same for rows whose cells are all the same."""
    return pd.factorize(row_marks(table, names))[0].astype(np.int64)
