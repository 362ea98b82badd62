"""Folds for cross-validation: each row that is no test row is held out once in every repeat.

The fold of a row is a function of the seed, the repeat and the row with its class, group or time.
Test rows are in no fold. Folds in the order of time train on what is older than the rows held out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Ints, Sets
from bpcli.data.prepare import Prepared
from bpcli.data.sets import divide, shuffled, times_of
from bpcli.data.spec import SplitSpec
from bpcli.data.split import EXCLUDED, PURPOSE, TEST, TRAIN, VALIDATION
from bpcli.data.table import Table

Method = Literal["random", "stratified", "group", "time"]
ALWAYS = -1  # a row that every fold trains on: the only one of its class

_DEALT = {"random": "rows", "stratified": "rows", "group": "groups", "time": "different times"}


class Fold(NamedTuple):
    """One division into rows to train on and rows held out, which are its validation rows."""

    repeat: int  # from 1
    number: int  # from 1, within the repeat
    sets: Sets  # (N,)


class Folds(NamedTuple):
    """Every fold of every repeat, and what should be known about them."""

    method: Method
    folds: list[Fold]
    notices: tuple[Notice, ...]


def make_folds(prepared: Prepared, split: SplitSpec, seed: int) -> Folds:
    """Folds of all training and validation rows, by the method and the counts of `split`."""
    method = fold_method(prepared, split)
    rows = np.flatnonzero((prepared.sets == TRAIN) | (prepared.sets == VALIDATION))
    count, repeats, notices = _affordable(prepared, method, rows, split)
    folds = [
        Fold(repeat, number, sets)
        for repeat in range(1, repeats + 1)
        for number, sets in enumerate(_repeat(prepared, method, rows, count, [seed, repeat]), 1)
    ]
    return Folds(method, folds, notices)


def without_fold(prepared: Prepared, split: SplitSpec, seed: int, fold: Fold) -> Sets:
    """Sets (N,) in which the rows of a fold test.

    Of those that it trains on the split chooses validation rows, as large a share as before.
    """
    known = [np.count_nonzero(prepared.sets == which) for which in (VALIDATION, TRAIN)]
    shares = {"validation": known[0] / sum(known), "test": 0.0, "calibration": 0.0}
    table, inside = prepared.table, split.model_copy(update=shares)
    strata = prepared.target.strata(table)
    sets, _ = divide(table, table.spec, inside, seed, strata, fold.sets == TRAIN)
    sets[fold.sets == VALIDATION] = TEST
    return sets


def fold_method(prepared: Prepared, split: SplitSpec) -> Method:
    """The method of the split, where folds can follow it; by classes or chance otherwise."""
    asked = prepared.split_method(split)
    for method in get_args(Method):
        if method == asked:
            return method  # type: ignore[no-any-return]
    return "random" if prepared.target.strata(prepared.table) is None else "stratified"


def _affordable(
    prepared: Prepared, method: Method, rows: Ints, split: SplitSpec
) -> tuple[int, int, tuple[Notice, ...]]:
    """The folds and repeats that can be made, and where they are fewer than asked for."""
    count, repeats, notices = split.folds, split.repeats, []
    dealt = len(np.unique(_units(prepared.table, method)[rows]))
    most = dealt - (method == "time")
    if most < 2:
        what = f"two folds cannot be made of {dealt} {_DEALT[method]}"
        raise DataError(Problem("BP-D180", prepared.table.path.name, what, "add rows"))
    if count > most:
        what = f"{count} folds cannot be made of {dealt} {_DEALT[method]}, so there are {most}"
        notices.append(Notice("BP-D181", "split.folds", what))
        count = most
    if method == "time" and repeats > 1:
        what = "folds in the order of time are the same in every repeat, so there is one"
        notices.append(Notice("BP-D182", "split.repeats", what))
        repeats = 1
    return count, repeats, tuple(notices)


def _units(table: Table, method: Method) -> Ints:
    """What is dealt out whole (N,): the code of each row's group, its time, or the row itself."""
    if method == "group":
        return table.cells(str(table.spec.group)).codes
    if method == "time":
        return np.unique(times_of(table, str(table.spec.time)), return_inverse=True)[1]
    return np.arange(table.n_rows)


def _repeat(
    prepared: Prepared, method: Method, rows: Ints, count: int, key: list[int]
) -> Iterator[Sets]:
    """The sets of each fold of one repeat."""
    units = _units(prepared.table, method)[rows]
    for number in range(count):
        sets = prepared.sets.copy()
        sets[rows] = TRAIN
        if method == "time":
            block = _blocks(units, count)
            sets[rows[block == number + 1]] = VALIDATION
            sets[rows[block > number + 1]] = EXCLUDED
        elif method == "group":
            sets[rows[_deal_groups(prepared.table, units, count, key) == number]] = VALIDATION
        else:
            strata = prepared.target.strata(prepared.table) if method == "stratified" else None
            dealt = _deal(prepared.table.n_rows, rows, strata, count, key)
            sets[rows[dealt == number]] = VALIDATION
        yield sets


def _deal(n: int, rows: Ints, strata: Ints | None, count: int, key: list[int]) -> Ints:
    """The fold of each row: one to each in turn, class by class, in the order of random keys.

    The turn goes on from one class to the next, so that the folds' sizes differ by one at most.
    """
    keys = np.random.default_rng([key[0], PURPOSE, key[1]]).random(n)[rows]
    own = np.zeros(len(rows), dtype=np.int64) if strata is None else strata[rows]
    single = np.bincount(own)[own] == 1 if strata is not None else np.zeros(len(rows), dtype=bool)
    order = np.lexsort((keys, own))
    order = order[~single[order]]
    folds = np.full(len(rows), ALWAYS)
    folds[order] = np.arange(len(order)) % count
    return folds


def _deal_groups(table: Table, codes: Ints, count: int, key: list[int]) -> Ints:
    """The fold of each row: whole groups, the biggest first, each into the smallest fold."""
    used, group = np.unique(codes, return_inverse=True)
    sizes, filled = np.bincount(group), np.zeros(count, dtype=np.int64)
    words = [table.cells(str(table.spec.group)).words[code] for code in used]
    fold_of = np.zeros(len(used), dtype=np.int64)
    for index in sorted(shuffled(words, *key), key=lambda one: -int(sizes[one])):
        fold_of[index] = np.argmin(filled)
        filled[fold_of[index]] += sizes[index]
    return fold_of[group]


def _blocks(times: Ints, count: int) -> Ints:
    """The block 0 … count of each row: about equally many rows each, in the order of time."""
    ranked, starts = np.sort(times), [0]
    cuts = np.flatnonzero(np.diff(ranked) > 0) + 1  # where the time changes
    for block in range(1, count + 1):
        possible = cuts[: len(cuts) - (count - block)]  # the blocks to come keep one cut each
        ahead = possible[possible > starts[-1]]
        starts.append(int(ahead[np.argmin(np.abs(ahead - block * len(times) / (count + 1)))]))
    return np.searchsorted(ranked[np.array(starts)], times, side="right") - 1
