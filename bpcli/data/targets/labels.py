"""Targets that are labels: columns of yes and no that may go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.config.component import Spec
from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.table import Table
from bpcli.data.targets.target import Answer, Levels, Target


class Label(Spec):
    """A column of yes and no, and the words that it most often has for them."""

    name: str
    no: str
    yes: str

    @classmethod
    def of(cls, table: Table, name: str) -> Label:
        """The label in a column that has both."""
        cells = table.cells(name)
        counts = cells.counts()
        no, yes = (cells.words[np.argmax(counts * (cells.truth == sign))] for sign in (-1, 1))
        return cls(name=name, no=no, yes=yes)


class LabelTarget(Target):
    """L columns of yes and no; each row may have none, some or all of the labels."""

    kind: Literal["labels"] = "labels"
    labels: Annotated[tuple[Label, ...], Field(strict=False)]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def width(self) -> int:
        return len(self.labels)

    def truth(self, table: Table) -> Floats:
        """1 for yes, 0 for no, NaN for missing (N,L); any other word is a `DataError`."""
        problems = [p for name in self.columns for p in label_problems(table, name)]
        if problems:
            raise DataError(*problems)
        cells = map(table.cells, self.columns)
        signs = [np.append(one.truth, np.nan)[one.codes] for one in cells]
        return (np.stack(signs, axis=1) + 1) / 2

    def fit(self, table: Table, rows: Ints) -> Tensors:
        """Nothing to fit, but every label must be there and absent in some training row."""
        shares = self.truth(table)[rows].mean(axis=0)
        wrong = [repr(n) for n, p in zip(self.columns, shares, strict=True) if p in (0, 1)]
        if wrong:
            what = f"labels that all training rows or none have: {listing(wrong)}"
            fix = "remove them from data.target, or set split.method: stratified"
            raise DataError(Problem("BP-D073", table.path.name, what, fix))
        return {}

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        return self.truth(table)

    def constant(self, truth: NDArray[Any], levels: Levels) -> tuple[str, Floats]:
        return "the training rows' share of each label", truth.mean(axis=0, keepdims=True)

    def words(self, prediction: Floats) -> list[Answer]:
        """`prediction_<label>` in the table's own words: yes is above ½."""
        columns = zip(self.labels, prediction.T, strict=True)
        return [
            (f"prediction_{one.name}", np.where(p > 0.5, one.yes, one.no).tolist())
            for one, p in columns
        ]

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """The probability `p_<label>` of each label."""
        columns = zip(self.labels, prediction.T.tolist(), strict=True)
        return [(f"p_{one.name}", column) for one, column in columns]

    def strata(self, table: Table) -> Ints:
        """The rarest of a row's labels, counted from 1; 0 for a row without any."""
        present = self.truth(table) == 1
        rarest_first = np.argsort(present.sum(axis=0), kind="stable")
        ranked = present[:, rarest_first]
        return np.where(ranked.any(axis=1), 1 + rarest_first[ranked.argmax(axis=1)], 0)


def label_problems(table: Table, name: str) -> Iterator[Problem]:
    """The first cells of a column that mean neither yes nor no, if there are any."""
    cells = table.cells(name)
    wrong = np.append(np.isnan(cells.truth), False)[cells.codes]
    if wrong.any():
        fix = "correct the cells, or name the words that mean missing in data.missing"
        expected = "yes or no, true or false, 1 or 0"
        yield table.cell_problem("BP-D072", name, wrong, expected, fix)
