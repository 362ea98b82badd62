"""Columns that say too much about the target, or nothing that holds for other rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.config.errors import Notice, listing
from bpcli.data.arrays import Floats, Ints
from bpcli.data.association import Content, contents
from bpcli.data.prepare import Prepared
from bpcli.data.suspicions import told_exactly
from bpcli.nn.random import Purpose, generator

ALONE = 0.97  # share of the error of a constant answer that a single column takes away
_ROWS = 50
_BINS = 64
_PER_BIN = 8  # rows, about
_DENSE = 2  # whole numbers of a range for each row: 1, 2, 3 … with gaps


def alone(prepared: Prepared, rows: Ints) -> Iterator[Notice]:
    """Columns by which alone the target is known, judged on rows that were not looked at.

    A number is cut into bins; the answer is the mean or the most frequent class of a bin or
    category.
    """
    layout, table = prepared.features.layout, prepared.table
    if len(rows) < _ROWS:
        return
    targets = _targets(prepared, rows)
    columns = zip(_names(prepared), contents(table, layout, rows), strict=True)
    for name, content in columns:
        for target, truth in targets.items():
            share = _taken_away(_codes(content), truth)
            if share >= ALONE and not told_exactly(table, (name, target), rows):
                what = f"column {name!r} alone takes away {100 * share:.1f} % of the error of a "
                what += f"constant answer for {target!r}, on rows not looked at"
                fix = f"if it is not known before the target is, set data.columns: {_drop(name)}"
                yield Notice("BP-A001", table.path.name, what, fix)


def numbered(prepared: Prepared, rows: Ints) -> Iterator[Notice]:
    """Inputs that number the rows: whole, all different, hardly a gap between them."""
    table = prepared.table
    for name in prepared.features.layout.numeric:
        numbers = table.numbers(name)[rows]
        if len(rows) < _ROWS or np.isnan(numbers).any() or (numbers != np.floor(numbers)).any():
            continue
        span = np.ptp(numbers) + 1
        if len(np.unique(numbers)) == len(rows) and span <= _DENSE * len(rows):
            what = f"column {name!r} numbers the rows: {len(rows)} different whole numbers "
            what += f"between {numbers.min():g} and {numbers.max():g}"
            fix = f"set data.columns: {_drop(name)}; new rows have numbers never trained on"
            yield Notice("BP-A002", table.path.name, what, fix)


def rare(prepared: Prepared, folds: int) -> Iterator[Notice]:
    """Classes with fewer rows than there are folds: some folds have none of them."""
    target = prepared.target
    if target.kind != "classes":
        return
    cells = prepared.table.cells(target.columns[0])
    counts = cells.counts(np.flatnonzero(prepared.sets >= 0))
    few = [f"{cells.words[i][:80]!r} ({counts[i]})" for i in np.flatnonzero(counts < folds)]
    if few:
        what = f"classes with fewer rows than the {folds} folds of split.folds: {listing(few)}"
        fix = "add rows, merge classes, or set fewer folds"
        yield Notice("BP-A003", prepared.table.path.name, what, fix)


def _names(prepared: Prepared) -> tuple[str, ...]:
    layout = prepared.features.layout
    dates, flags, categorical = layout.dates, layout.flags, layout.categorical
    return (*layout.numeric, *(one.name for one in (*dates, *flags, *categorical)))


def _drop(name: str) -> str:
    return f"{{{json.dumps(name, ensure_ascii=False)}: drop}}"


def _targets(prepared: Prepared, rows: Ints) -> dict[str, NDArray[Any]]:
    """Each target by name: class codes (N,) as whole numbers, or numbers (N,)."""
    truth = prepared.target.truth(prepared.table)[rows]
    if truth.ndim == 1:
        return {prepared.target.columns[0]: truth}
    kind = np.int64 if prepared.target.kind == "labels" else np.float64
    pairs = zip(prepared.target.columns, truth.T, strict=True)
    return {name: column.astype(kind) for name, column in pairs}


def _codes(content: Content) -> Ints:
    """The bin or category of each row (N,), from 0; a gap is 0."""
    if content.codes is not None:
        return content.codes + 1
    assert content.numbers is not None
    numbers = content.numbers
    present = numbers[~np.isnan(numbers)]
    count = min(_BINS, max(2, len(numbers) // _PER_BIN))
    edges = np.unique(np.quantile(present, np.linspace(0, 1, count + 1)[1:-1]))
    return np.where(np.isnan(numbers), 0, 1 + np.searchsorted(edges, numbers, side="right"))


def _taken_away(codes: Ints, truth: NDArray[Any]) -> float:
    """1 − error by the bins / error of a constant, each half of the rows judged by the other."""
    half = generator(0, Purpose.PERMUTATION).permutation(len(codes)) % 2 == 0
    ours, constant = 0.0, 0.0
    learned = _classes if np.issubdtype(truth.dtype, np.integer) else _means
    for known in (half, ~half):
        errors = learned(codes[known], truth[known], codes[~known], truth[~known])
        ours, constant = ours + errors[0], constant + errors[1]
    return 1 - ours / constant if constant > 0 else 0.0


def _classes(codes: Ints, truth: Ints, asked: Ints, wanted: Ints) -> tuple[float, float]:
    """Wrong answers by the most frequent class of a bin, and of all."""
    table = np.zeros((max(codes.max(), asked.max()) + 1, truth.max() + 1))
    np.add.at(table, (codes, truth), 1)
    common = table.sum(axis=0).argmax()
    best = np.where(table.any(axis=1), table.argmax(axis=1), common)
    return float(np.sum(best[asked] != wanted)), float(np.sum(wanted != common))


def _means(codes: Ints, truth: Floats, asked: Ints, wanted: Floats) -> tuple[float, float]:
    """Squared errors of the mean of a bin, and of all."""
    size = int(max(codes.max(), asked.max())) + 1
    counts, sums = np.bincount(codes, minlength=size), np.bincount(codes, truth, minlength=size)
    mean = truth.mean()
    means = np.divide(sums, counts, out=np.full(size, mean), where=counts > 0)
    return float(np.sum((means[asked] - wanted) ** 2)), float(np.sum((mean - wanted) ** 2))
