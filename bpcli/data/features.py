"""Features: what was fitted on training rows, applied to any table, each row by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import DataError, Notice, Problem, did_you_mean, listing
from bpcli.config.memory import require_memory
from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.bins import count_bins
from bpcli.data.blocks import put
from bpcli.data.layout import DateParts, FeatureLayout
from bpcli.data.novelty import Novelty
from bpcli.data.roles import date_problem
from bpcli.data.table import Table
from bpcli.nn import room

_AT_ONCE = 2**20  # numbers


class Features(NamedTuple):
    """A layout with its fitted tensors."""

    layout: FeatureLayout
    fitted: Tensors

    def encode(self, table: Table, rows: Ints | None = None) -> Floats:
        """The inputs x (N,I) of the rows, C-contiguous; row i depends on row i alone."""
        layout = self.layout
        table.read_numbers([name for name in layout.numeric if name in table.names])
        self._check(table)
        at = np.arange(table.n_rows) if rows is None else rows
        _require_memory(len(at), layout, table)
        x = np.zeros((len(at), len(layout.names)))
        stop = len(layout.scaled)
        for own in groups(stop, len(at)):
            x[:, own] = self._scaled(table, at, own)
        for name in layout.indicators:
            x[:, stop] = table.cells(name).missing[at]
            stop += 1
        for one in layout.blocks:
            start, stop = stop, stop + len(one.inputs)
            put(one, table, at, x[:, start:stop])
        _refuse_infinite(x, layout, table, at)
        return x

    def encode_all(self, table: Table) -> Floats:
        """The inputs x (N,I) of all rows of a table, which may be larger than memory."""
        self._check(table)
        return table.of_each(len(self.layout.names), self.encode)

    def compare(self, table: Table, known: Collection[str] = ()) -> list[Notice]:
        """What in a table was not there in training; `known` columns are no surprise."""
        self._check(table)
        novelty = Novelty(self.layout, known)
        novelty.add(table)
        return list(novelty.notices(table.names, table.path.name))

    @property
    def bins(self) -> tuple[int, ...]:
        """The bins of each scaled input; one where the scaler has none."""
        edges = self.fitted.get("feature.edges")
        if edges is None:
            return (1,) * len(self.layout.scaled)
        return tuple(count_bins(edges))

    def _scaled(self, table: Table, at: Ints, own: slice) -> Floats:
        """Some of the scaled inputs (N,K)."""
        values = numbers_of(table, self.layout.numeric, self.layout.dates, at, own)
        filled = np.where(np.isnan(values), self.fitted["feature.impute"][own], values)
        tensors = {n: self.fitted[f"feature.{n}"][..., own] for n in self.layout.scaler.tensors()}
        with np.errstate(over="ignore", invalid="ignore"):
            return self.layout.scaler.apply(filled, tensors)

    def _check(self, table: Table) -> None:
        """Every column is there, and holds numbers where training had numbers."""
        problems = [_absent(table, name) for name in self.layout.columns if name not in table.names]
        for name in self.layout.numeric:
            if name in table.names and table.cells(name).not_numbers.any():
                fix = "correct the cells; the model was trained on numbers"
                problems.append(table.number_problem(name, fix))
        for one in self.layout.dates:
            if one.name in table.names and table.not_dates(one.name, one.format).any():
                problems.append(date_problem(table, one.name, one.format, "correct the cells"))
        if problems:
            raise DataError(*problems)


def describe_levels(layout: FeatureLayout, table: Table, rows: Ints) -> list[Notice]:
    """The columns that had more categories in training than are kept."""
    notices = []
    for one in layout.categorical:
        found = int(np.count_nonzero(table.cells(one.name).counts(rows)))
        if found > len(one.levels):
            what = f"the {len(one.levels)} most frequent of {found} categories are kept"
            notices.append(
                Notice("BP-D108", one.name, what, "set preprocess.categorical.max_levels")
            )
    return notices


def _require_memory(rows: int, layout: FeatureLayout, table: Table) -> None:
    inputs = len(layout.names)
    work = f"encoding {rows:,} rows as {inputs:,} inputs"
    fix = "embed more columns (lower preprocess.categorical.one_hot), or drop some (data.columns)"
    require_memory(2 * 8 * rows * inputs, "BP-R010", table.path.name, work, fix)


def groups(columns: int, rows: int) -> list[slice]:
    """Columns that are scaled together: as many as keep the work arrays small."""
    size = max(1, _AT_ONCE // max(1, rows))
    starts = range(0, max(1, columns), size)  # at least one group, be it empty
    return [slice(start, min(start + size, columns)) for start in starts]


def numbers_of(
    table: Table,
    names: Sequence[str],
    dates: Sequence[DateParts],
    rows: Ints,
    own: slice = slice(None),
) -> Floats:
    """Some of the numbers and elapsed days (N,K), each column contiguous, so that its sum is a
    pairwise one.
    """
    every: list[str | DateParts] = [*names, *(one for one in dates if one.elapsed)]
    sources = every[own]
    values: Floats = room.empty((len(sources), len(rows)))
    for column, source in zip(values, sources, strict=True):
        if isinstance(source, DateParts):
            room.take(table.days(source.name, source.format), rows, column)
            column -= source.origin
        else:
            room.take(table.numbers(source), rows, column)
    return values.T


def _absent(table: Table, name: str) -> Problem:
    what = f"column {name!r} is missing{did_you_mean(name, table.names)}"
    return Problem("BP-D050", table.path.name, what, f"the columns are {listing(table.names)}")


def _refuse_infinite(x: Floats, layout: FeatureLayout, table: Table, at: Ints) -> None:
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        what = f"column {layout.names[column]!r}: the number is too large to scale"
        raise DataError(Problem("BP-D052", table.where(int(at[row])), what, "correct the cell"))
