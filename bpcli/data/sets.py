"""Which rows train, validate and test: by chance, by a column of the table, or by files."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, listing
from bpcli.data.arrays import Flags, Floats, Ints, Sets
from bpcli.data.declared import Date
from bpcli.data.roles import date_problems
from bpcli.data.spec import DataSpec, SplitSpec
from bpcli.data.split import (
    CALIBRATION,
    EXCLUDED,
    HELD_OUT,
    PURPOSE,
    SET_NAMES,
    TEST,
    TRAIN,
    VALIDATION,
    assign_sets,
    rounded_totals,
)
from bpcli.data.table import Table

_COLUMNS = {"group": "data.group", "time": "data.time", "column": "data.split"}
_WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION),
    "test": TEST,
    "calibration": CALIBRATION,
}


_BACKWARDS = (TEST, CALIBRATION, VALIDATION)  # in time


def choose_method(data: DataSpec, split: SplitSpec, classes: bool) -> str:
    """The method that `auto` stands for; one that lacks its column is a `DataError`."""
    named = [method for method in _COLUMNS if _column(data, method) is not None]
    if split.method != "auto":
        if split.method in _COLUMNS and split.method not in named:
            key = _COLUMNS[split.method]
            what = f"split.method: {split.method} needs {key}"
            raise DataError(Problem("BP-D033", "split.method", what, f"name the column in {key}"))
        return split.method
    if len(named) > 1:
        what = " and ".join(_COLUMNS[method] for method in named) + " ask for different splits"
        fix = f"set split.method: {' or '.join(named)}"
        raise DataError(Problem("BP-D033", "split.method", what, fix))
    return named[0] if named else "stratified" if classes else "random"


def divide(
    table: Table, data: DataSpec, split: SplitSpec, seed: int, strata: Ints | None, usable: Flags
) -> tuple[Sets, list[Notice]]:
    """The set of each row (N,), and how it was found where it is not by chance.

    A set with a file of its own is that file; the others are taken from the rows of data.train.
    """
    method = choose_method(data, split, strata is not None)
    files = np.array([_WORDS.get(part.role, TRAIN) for part in table.parts], dtype=np.int8)
    ends = [*(part.start for part in table.parts[1:]), table.n_rows]
    own = np.repeat(files, np.diff([0, *ends]))
    shares = {SET_NAMES[which]: 0.0 for which in files if which != TRAIN}
    split = split.model_copy(update={"method": method, **shares})
    pool = usable & (own == TRAIN)
    match method:
        case "group":
            sets = _by_group(table, str(data.group), split, seed, pool)
        case "time":
            sets = _by_time(table, str(data.time), split, pool)
        case "column":
            sets = _by_column(table, str(data.split), pool)
        case _:
            sets = assign_sets(table.n_rows, split, seed, strata, pool)
    sets = np.where(usable & (own != TRAIN), own, sets)
    if method == "group":
        _refuse_crossing(table, str(data.group), sets)
    if split.train_on_validation:
        sets[sets == VALIDATION] = TRAIN
    return sets, _describe(table, data, method, sets)


def _by_group(table: Table, name: str, split: SplitSpec, seed: int, usable: Flags) -> Sets:
    """Whole groups, each in a set that it does not overfill; a set asked for is never empty."""
    codes = _complete(table, name, usable, "data.group")
    rows = np.flatnonzero(usable)
    used, group = np.unique(codes[rows], return_inverse=True)
    sizes = np.bincount(group)
    totals = rounded_totals(len(rows), split)
    asked = [(which, n) for which in (TEST, VALIDATION, CALIBRATION) if (n := totals[which])]
    if len(used) <= len(asked):
        what = f"{len(used)} groups in column {name!r}, for {1 + len(asked)} sets"
        raise DataError(Problem("BP-D034", "split", what, "set a share to 0, or split otherwise"))
    free = shuffled([table.cells(name).words[code] for code in used], seed)
    sets = np.full(len(used), TRAIN, dtype=np.int8)
    for i, (which, room) in enumerate(asked):
        spare = len(free) - (len(asked) - i)  # training and the sets to come keep one each
        chosen = _fitting(free, sizes, room, spare)
        sets[chosen] = which
        free = [index for index in free if sets[index] == TRAIN]
    found = np.full(table.n_rows, EXCLUDED, dtype=np.int8)
    found[rows] = sets[group]
    return found


def shuffled(words: list[str], *key: int) -> list[int]:
    """Indices in random order, which depends on the words and not on where they are."""
    keys = np.random.default_rng([key[0], PURPOSE, *key[1:]]).random(len(words))
    ranked = sorted(range(len(words)), key=words.__getitem__)
    return [index for _, index in sorted(zip(keys, ranked, strict=True))]


def _fitting(free: list[int], sizes: Ints, room: int, most: int) -> list[int]:
    """The groups, in their order, that fit into the room; at least the smallest one."""
    chosen: list[int] = []
    for index in free:
        if sizes[index] <= room and len(chosen) < most:
            chosen.append(index)
            room -= int(sizes[index])
    return chosen or [min(free, key=lambda index: int(sizes[index]))]


def _by_time(table: Table, name: str, split: SplitSpec, usable: Flags) -> Sets:
    """The oldest rows train, the newest test, those before them calibrate; a time stays whole."""
    _complete(table, name, usable, "data.time")
    rows = np.flatnonzero(usable)
    times = times_of(table, name)[rows]
    ranked = np.sort(times)
    totals = rounded_totals(len(rows), split)
    cuts = np.flatnonzero(np.diff(ranked) > 0) + 1  # where the time changes
    sums = accumulate(totals[which] for which in _BACKWARDS)
    ends = list(zip(_BACKWARDS, sums, strict=True))
    wanted = [(which, len(rows) - behind) for which, behind in reversed(ends) if totals[which]]
    if len(cuts) < len(wanted):
        what = f"column {name!r} has {len(cuts) + 1} different times, for {len(wanted) + 1} sets"
        raise DataError(Problem("BP-D034", "split", what, "set a share to 0, or split otherwise"))
    found = np.full(table.n_rows, EXCLUDED, dtype=np.int8)
    found[rows] = TRAIN
    for i, (which, at) in enumerate(wanted, 1):
        possible = cuts[: len(cuts) - (len(wanted) - i)]  # the sets to come keep one each
        cut = possible[np.argmin(np.abs(possible - at))]
        found[rows[times >= ranked[cut]]] = which
        cuts = cuts[cuts > cut]
    return found


def _by_column(table: Table, name: str, usable: Flags) -> Sets:
    """What the cells say."""
    cells = table.cells(name)
    words = [_WORDS.get(word.lower(), EXCLUDED) for word in cells.words]
    sets = np.array([*words, EXCLUDED], dtype=np.int8)[cells.codes]
    wrong = usable & (sets == EXCLUDED)
    if wrong.any():
        expected = "train, validation, test or calibration"
        fix = "correct the cells, or set split.method"
        raise DataError(table.cell_problem("BP-D036", name, wrong, expected, fix))
    if not (usable & (sets == TRAIN)).any():
        what = f"column {name!r}: no row is a training row"
        raise DataError(Problem("BP-D140", "split", what, "write train in some of its cells"))
    return sets


def times_of(table: Table, name: str) -> Floats:
    """A column of numbers or dates as numbers that grow with time (N,), NaN for missing."""
    declared = isinstance(table.spec.columns.get(name), Date)
    if not declared and not table.cells(name).not_numbers.any():
        return table.numbers(name)
    if not table.date_guess(name).formats and not declared:
        fix = "correct the cells, or name the format of its dates in data.columns"
        raise DataError(table.number_problem(name, fix))
    problems = date_problems(table, name)
    if problems:
        raise DataError(*problems)
    return table.days(name, table.date_guess(name).formats[0])


def _complete(table: Table, name: str, usable: Flags, key: str) -> Ints:
    """The codes of a column that must say something of every usable row."""
    codes = table.cells(name).codes
    gaps = usable & (codes < 0)
    if gaps.any():
        fix = f"fill the cells, or remove {key}"
        raise DataError(table.cell_problem("BP-D035", name, gaps, "a value in every row", fix))
    return codes


def _refuse_crossing(table: Table, name: str, sets: Sets) -> None:
    cells = table.cells(name)
    seen = [cells.counts(np.flatnonzero(sets == which)) > 0 for which in (TRAIN, *HELD_OUT)]
    crossing = [repr(cells.words[i][:80]) for i in np.flatnonzero(np.sum(seen, axis=0) > 1)]
    if crossing:
        what = f"column {name!r}: groups in more than one file: {listing(crossing)}"
        fix = "move each group into one file, or remove data.group"
        raise DataError(Problem("BP-D037", table.path.name, what, fix))


def _describe(table: Table, data: DataSpec, method: str, sets: Sets) -> list[Notice]:
    notices = [
        Notice("BP-D120", key, f"split.method: {method} does not use it", "remove it")
        for other, key in _COLUMNS.items()
        if other != method and _column(data, other) is not None
    ]
    used = [which for which in (TRAIN, *HELD_OUT) if (sets == which).any()]
    if own := dict.fromkeys(part.role for part in table.parts if part.role):
        said = [f"{role} is {_names(table, role)}" for role in own]
        said += [f"{SET_NAMES[w]} is taken from it" for w in used if SET_NAMES[w] not in own]
        notices.append(Notice("BP-D119", "split", ", ".join(said)))
    if method in _COLUMNS:
        name = str(_column(data, method))
        shares = [_share(table, name, method, np.flatnonzero(sets == w), w) for w in used]
        notices.append(Notice("BP-D119", "split", f"by {name!r}: {', '.join(shares)}"))
    return notices


def _names(table: Table, role: str) -> str:
    """`a.csv and b.csv`, the files of a set"""
    return listing([part.path.name for part in table.parts if part.role == role])


def _share(table: Table, name: str, method: str, rows: Ints, which: int) -> str:
    """`train 12 groups`, `test 2018-09-01 … 2018-11-30`, `test 20 rows`"""
    if method == "group":
        return f"{SET_NAMES[which]} {np.count_nonzero(table.cells(name).counts(rows))} groups"
    if method == "column":
        return f"{SET_NAMES[which]} {len(rows)} rows"
    times = times_of(table, name)[rows]
    first, last = rows[np.argmin(times)], rows[np.argmax(times)]
    return f"{SET_NAMES[which]} {table.word(name, first)} … {table.word(name, last)}"


def _column(data: DataSpec, method: str) -> str | None:
    return {"group": data.group, "time": data.time, "column": data.split}[method]
