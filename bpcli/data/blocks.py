"""Columns with inputs of their own kind: categories, yes and no, dates; fitted, then encoded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpcli.data.arrays import Floats, Ints
from bpcli.data.dates import day_of_year, time_of_day, weekday
from bpcli.data.layout import Block, Coded, Cycle, DateParts, Flag, Forms, Levels, OneHot
from bpcli.data.spec import CategoricalSpec
from bpcli.data.table import Cells, Table


def count_gaps(table: Table, name: str, rows: Ints) -> int:
    """How many cells of the rows are missing."""
    return int(np.count_nonzero(table.cells(name).missing[rows]))


def unseen_words(one: Flag | Levels, cells: Cells, rows: Ints | None = None) -> dict[str, int]:
    """The words that are no trained category, or neither yes nor no, with their cells."""
    if isinstance(one, Levels):
        known = set(one.levels)
        unseen = [word not in known for word in cells.words]
    else:
        unseen = np.isnan(cells.truth).tolist()
    counts = zip(cells.words, cells.counts(rows).tolist(), unseen, strict=True)
    return {word: count for word, count, new in counts if new and count}


def fit_levels(
    name: str, cells: Cells, rows: Ints, spec: CategoricalSpec, forms: Forms
) -> OneHot | Coded:
    """The most frequent categories of the rows; among equals the first by code point.

    Of a fold they have the form that they have in the whole table, and as many vectors.
    """
    counts = cells.counts(rows)
    ranked = sorted((-int(count), word) for word, count in zip(cells.words, counts, strict=True))
    kept = sorted(word for count, word in ranked[: spec.max_levels] if count)
    found = Levels(name=name, levels=tuple(kept), missing=bool(cells.missing[rows].any()))
    whole = forms.get(name)
    if isinstance(whole, OneHot) or (whole is None and len(kept) <= spec.one_hot):
        return OneHot(**dict(found))
    return Coded(**dict(found), room=whole.vectors if whole else 0)


_CYCLES: dict[Cycle, Callable[[Floats], Floats]] = {
    "day of year": day_of_year,
    "weekday": weekday,
    "hour": time_of_day,
}


def fit_dates(table: Table, name: str, rows: Ints) -> DateParts:
    """The parts of a date that vary in the rows."""
    (format,) = table.date_guess(name).formats
    days = table.days_of_words(name, format)[table.cells(name).counts(rows) > 0]
    present = days[~np.isnan(days)]
    return DateParts(
        name=name,
        format=format,
        origin=float(present.min()),
        elapsed=bool(np.ptp(present) > 0),
        cycles=tuple(cycle for cycle, share in _CYCLES.items() if np.ptp(share(present)) > 0),
        missing=count_gaps(table, name, rows) > 0,
    )


def put(one: Block, table: Table, at: Ints, out: Floats) -> None:
    """The inputs of a column, written into `out`, which is all zeros."""
    cells = table.cells(one.name)
    if isinstance(one, Coded):
        out[:, 0] = _slots(one, cells, at) + 1
    elif isinstance(one, OneHot):
        _put_one_hot(one, _slots(one, cells, at), out)
    elif isinstance(one, Flag):
        out[:, 0] = np.append(np.nan_to_num(cells.truth), 0)[cells.codes[at]]
        _put_gap(one, cells, at, out)
    else:
        _put_cycles(one, table.days(one.name, one.format)[at], out)
        _put_gap(one, cells, at, out)


def _put_gap(one: DateParts | Flag, cells: Cells, at: Ints, out: Floats) -> None:
    if one.missing:
        out[:, -1] = cells.missing[at]


def _put_cycles(one: DateParts, days: Floats, out: Floats) -> None:
    present = np.flatnonzero(~np.isnan(days))
    for i, cycle in enumerate(one.cycles):
        angle = 2 * np.pi * _CYCLES[cycle](days[present])
        out[present, 2 * i], out[present, 2 * i + 1] = np.sin(angle), np.cos(angle)


def _slots(one: Levels, cells: Cells, at: Ints) -> Ints:
    """The number of each row's category (N,), that of a gap the last one; −1 is the unseen one."""
    slots = {word: i for i, word in enumerate(one.levels)}
    gap = len(one.levels) if one.missing else -1
    return np.array([*(slots.get(word, -1) for word in cells.words), gap])[cells.codes[at]]


def _put_one_hot(one: OneHot, slots: Ints, out: Floats) -> None:
    if one.signed:
        out[:, 0] = np.array([-1.0, 1.0, 0.0])[slots]
        out[:, -1] = slots < 0
    else:
        out[np.arange(len(slots)), slots] = 1  # the last input is that of slot −1
