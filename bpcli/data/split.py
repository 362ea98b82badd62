"""Splits: a set for each row, a pure function of (seed, row, stratum)."""

from __future__ import annotations

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Flags, Ints, Sets
from bpcli.data.spec import SplitSpec

TRAIN, VALIDATION, TEST, EXCLUDED = 0, 1, 2, -1
SET_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test", EXCLUDED: "excluded"}

PURPOSE = 1  # the stream of random numbers that is the split's own; training uses others


def assign_sets(n: int, spec: SplitSpec, seed: int, strata: Ints | None, usable: Flags) -> Sets:
    """The set of each of n rows (N,); `strata` are class codes, None for a numeric target.

    Every row has a random key that depends on nothing but the seed and its index. Within a
    stratum the rows with the lowest keys are validated on, the next ones tested on.
    """
    if spec.method == "stratified" and strata is None:
        what = "split.method: stratified needs a target with classes"
        raise DataError(Problem("BP-D031", "split.method", what, "use auto or random"))
    if strata is None or spec.method == "random":
        strata = np.zeros(n, dtype=np.int64)
    kept = np.flatnonzero(usable)
    sizes = np.bincount(strata[kept]).astype(np.int64)
    validation, test = _seats(sizes, spec)
    keys = np.random.default_rng([seed, PURPOSE]).random(n)
    sets = np.full(n, EXCLUDED, dtype=np.int8)
    for stratum in np.flatnonzero(sizes):
        rows = kept[strata[kept] == stratum]
        rows = rows[np.argsort(keys[rows], kind="stable")]
        a, b = validation[stratum], validation[stratum] + test[stratum]
        sets[rows[:a]], sets[rows[a:b]], sets[rows[b:]] = VALIDATION, TEST, TRAIN
    return sets


def describe_sets(sets: Sets) -> list[Notice]:
    """The rows that are in no set."""
    excluded = int(np.count_nonzero(sets == EXCLUDED))
    if not excluded:
        return []
    what = f"rows left out because their target is missing: {excluded}"
    return [Notice("BP-D106", "split", what)]


def _seats(sizes: Ints, spec: SplitSpec) -> tuple[Ints, Ints]:
    """Validation and test rows of each stratum; a class is never without a training row."""
    n_validation, n_test = rounded_totals(int(sizes.sum()), spec)
    room = np.maximum(sizes - 1, 0)
    # Shared out together first, so that a small class which gives no row to one set gives it
    # to the other.
    held = _apportion(sizes, spec.validation + spec.test, n_validation + n_test, room)
    validation = _apportion(sizes, spec.validation, n_validation, held)
    test = held - validation
    if (n_validation and not validation.any()) or (n_test and not test.any()):
        what = "too few rows in each class for the sets that split asks for"
        fix = "add rows, set a share to 0, or set split.method: random"
        raise DataError(Problem("BP-D032", "split", what, fix))
    return validation, test


def rounded_totals(n: int, spec: SplitSpec) -> tuple[int, int]:
    """Validation and test rows: rounded shares, at least one row each where asked for."""
    asked = [spec.validation > 0, spec.test > 0]
    needed = 1 + sum(asked)
    if n < needed:
        what = f"{needed} rows are needed for the sets that split asks for, {n} can be used"
        raise DataError(Problem("BP-D030", "split", what, "add rows, or set a share to 0"))
    validation = max(_rounded(n * spec.validation), asked[0])
    validation = min(validation, n - 1 - asked[1])
    test = max(_rounded(n * spec.test), asked[1])
    return validation, min(test, n - 1 - validation)


def _rounded(share: float) -> int:
    return int(np.floor(share + 0.5))


def _apportion(sizes: Ints, share: float, total: int, room: Ints) -> Ints:
    """`total` seats over the strata by largest remainder, never more than a stratum's room."""
    quota = sizes * share
    seats: Ints = np.minimum(np.floor(quota).astype(np.int64), room)
    while seats.sum() < min(total, room.sum()):
        seats[np.argmax(np.where(seats < room, quota - seats, -np.inf))] += 1
    while seats.sum() > total:
        seats[np.argmax(np.where(seats > 0, seats - quota, -np.inf))] -= 1
    return seats
