"""Splits: a set for each row, a pure function of (seed, row, stratum)."""

from __future__ import annotations

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem
from bpcli.data.arrays import Flags, Ints, Sets
from bpcli.data.spec import SplitSpec
from bpcli.nn import room

TRAIN, VALIDATION, TEST, CALIBRATION, EXCLUDED = 0, 1, 2, 3, -1
SET_NAMES = {
    TRAIN: "train",
    VALIDATION: "validation",
    TEST: "test",
    CALIBRATION: "calibration",
    EXCLUDED: "excluded",
}
HELD_OUT = (VALIDATION, TEST, CALIBRATION)

PURPOSE = 1  # the stream of random numbers that is the split's own; training uses others


def assign_sets(n: int, spec: SplitSpec, seed: int, strata: Ints | None, usable: Flags) -> Sets:
    """The set of each of n rows (N,); `strata` are class codes, None for a numeric target.

    Every row has a random key that depends on nothing but the seed and its index. Within a
    stratum the rows with the lowest keys are validated on, the next ones tested on, and those
    after them calibrated on.
    """
    if spec.method == "stratified" and strata is None:
        what = "split.method: stratified needs a target with classes"
        raise DataError(Problem("BP-D031", "split.method", what, "use auto or random"))
    if strata is None or spec.method == "random":
        strata = np.zeros(n, dtype=np.int8)
    sizes = np.bincount(strata[usable]).astype(np.int64)
    seats = _seats(sizes, spec)
    keys = room.empty((n,))
    np.random.default_rng([seed, PURPOSE]).random(out=keys)
    sets = np.full(n, EXCLUDED, dtype=np.int8)
    which = np.array([*seats, TRAIN], dtype=np.int8)
    for stratum in np.flatnonzero(sizes):
        own = usable & (strata == stratum)
        ends = np.cumsum([int(held[stratum]) for held in seats.values()])
        lowest = np.append(keys[own], np.inf)  # where no row is left to train on
        lowest.partition(ends)
        firsts = lowest[ends]  # the key from which on a row is in the next set
        for rows in room.cut_rows(n, 1):
            theirs = sets[rows]  # a view
            theirs[own[rows]] = which[np.searchsorted(firsts, keys[rows][own[rows]], "right")]
    return sets


def describe_sets(sets: Sets) -> list[Notice]:
    """The rows that are in no set."""
    excluded = int(np.count_nonzero(sets == EXCLUDED))
    if not excluded:
        return []
    what = f"rows left out because their target is missing: {excluded}"
    return [Notice("BP-D106", "split", what)]


def _seats(sizes: Ints, spec: SplitSpec) -> dict[int, Ints]:
    """The rows of each held-out set in each stratum; a class is never without a training row."""
    totals, shares = rounded_totals(int(sizes.sum()), spec), spec.shares
    room = np.maximum(sizes - 1, 0)
    # Shared out together first, so that a small class which gives no row to one set gives it
    # to another.
    left = _apportion(sizes, sum(shares.values()), sum(totals.values()), room)
    seats = {}
    for which, total in totals.items():
        seats[which] = _apportion(sizes, shares[SET_NAMES[which]], total, left)
        left = left - seats[which]
    if any(total and not seats[which].any() for which, total in totals.items()):
        what = "too few rows in each class for the sets that split asks for"
        fix = "add rows, set a share to 0, or set split.method: random"
        raise DataError(Problem("BP-D032", "split", what, fix))
    return seats


def rounded_totals(n: int, spec: SplitSpec) -> dict[int, int]:
    """The rows of each held-out set: rounded shares, at least one row each where asked for."""
    shares = {which: spec.shares[SET_NAMES[which]] for which in HELD_OUT}
    needed = 1 + sum(share > 0 for share in shares.values())
    if n < needed:
        what = f"{needed} rows are needed for the sets that split asks for, {n} can be used"
        raise DataError(Problem("BP-D030", "split", what, "add rows, or set a share to 0"))
    totals, spare = {}, n - needed  # beyond one row of each set
    for which, share in shares.items():
        totals[which] = min(max(_rounded(n * share), 1), 1 + spare) if share else 0
        spare -= max(totals[which] - 1, 0)
    return totals


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
