"""Targets: numbers or classes, and which of the two a column asks for."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from bpcli.config.component import Spec
from bpcli.config.errors import DataError, Notice, Problem, listing
from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.scalers import Scaler, fit_scaler
from bpcli.data.spec import Words
from bpcli.data.table import Table


class Target(Spec):
    """The column to predict.  encode: table → t (N,O), NaN in a row whose target is missing"""

    name: str

    @property
    def width(self) -> int:
        """O, the number of columns of the encoded target."""
        raise NotImplementedError

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the fitted tensors."""
        raise NotImplementedError

    def fit(self, table: Table, rows: Ints) -> Tensors:
        """The fitted tensors that the training rows `rows` give."""
        raise NotImplementedError

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        """What the network is trained on (N,O)."""
        raise NotImplementedError

    def strata(self, table: Table) -> Ints | None:
        """The class of each row (N,), −1 for missing; None where there are no classes."""
        return None

    def notices(self, table: Table) -> list[Notice]:
        """What a reader of the scores should know."""
        return []


class RegressionTarget(Target):
    """A number, scaled for training."""

    kind: Literal["numbers"] = "numbers"
    scaler: Scaler

    @property
    def width(self) -> int:
        return 1

    def values(self, table: Table) -> Floats:
        """The numbers (N,1) in their own units, NaN for missing."""
        return table.numbers(self.name)[:, None]

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"target.{name}": shape for name, shape in self.scaler.shapes(1).items()}

    def fit(self, table: Table, rows: Ints) -> Tensors:
        values = self.values(table)
        if self.scaler.positive and (values <= 0).any():
            fix = "correct the cells, or remove preprocess.target"
            wrong = values[:, 0] <= 0
            raise DataError(table.cell_problem("BP-D048", self.name, wrong, "numbers above 0", fix))
        fitted = fit_scaler(self.scaler, values[rows], [self.name], table.path.name)
        return {f"target.{name}": tensor for name, tensor in fitted.items()}

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        return self.scaler.apply(self.values(table), self._tensors(fitted))

    def decode(self, values: Floats, fitted: Tensors) -> Floats:
        """Predictions (N,1) in the target's own units."""
        return self.scaler.invert(values, self._tensors(fitted))

    def _tensors(self, fitted: Tensors) -> Tensors:
        return {name: fitted[f"target.{name}"] for name in self.scaler.tensors()}


class ClassTarget(Target):
    """One of C classes, sorted by code point; the second of two is the positive one."""

    kind: Literal["classes"] = "classes"
    classes: Words

    @property
    def width(self) -> int:
        return len(self.classes)

    def codes(self, table: Table) -> Ints:
        """The index of each row's class (N,), −1 for missing; another label is a `DataError`."""
        cells = table.cells(self.name)
        index = {label: i for i, label in enumerate(self.classes)}
        unknown = sorted(set(cells.words) - index.keys())
        if unknown:
            raise DataError(self._unknown(table, unknown))
        return np.array([*(index[word] for word in cells.words), -1], dtype=np.int64)[cells.codes]

    def _unknown(self, table: Table, unknown: list[str]) -> Problem:
        cells = table.cells(self.name)
        row = int(np.argmax(cells.codes == cells.words.index(unknown[0])))
        labels, classes = ([repr(w[:80]) for w in words] for words in (unknown, self.classes))
        what = f"column {self.name!r}: labels that are no trained class: {listing(labels)}"
        return Problem("BP-D044", table.where(row), what, f"the classes are {listing(classes)}")

    def one_hot(self, codes: Ints) -> Floats:
        """1 in the column of the row's class (N,C); NaN where the class is missing."""
        return np.vstack([np.eye(len(self.classes)), np.full(len(self.classes), np.nan)])[codes]

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def fit(self, table: Table, rows: Ints) -> Tensors:
        """Nothing to fit, but every class must have a training row."""
        absent = [repr(self.classes[i]) for i in self._of_size(table, 0, rows)]
        if absent:
            what = f"column {self.name!r}: classes without a training row: {listing(absent)}"
            fix = "set split.method: stratified"
            raise DataError(Problem("BP-D045", table.path.name, what, fix))
        return {}

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        return self.one_hot(self.codes(table))

    def strata(self, table: Table) -> Ints | None:
        return self.codes(table)

    def notices(self, table: Table) -> list[Notice]:
        single = [repr(self.classes[i]) for i in self._of_size(table, 1)]
        if not single:
            return []
        what = f"classes with one row, which can only be trained on: {listing(single)}"
        return [Notice("BP-D107", table.path.name, what, "add rows, or merge the classes")]

    def _of_size(self, table: Table, size: int, rows: Ints | None = None) -> Ints:
        """The classes that have `size` of the rows."""
        codes = self.codes(table) if rows is None else self.codes(table)[rows]
        return np.flatnonzero(np.bincount(codes[codes >= 0], minlength=self.width) == size)


AnyTarget = Annotated[RegressionTarget | ClassTarget, Field(discriminator="kind")]


def make_target(table: Table, name: str, task: str, scaler: Scaler) -> AnyTarget:
    """The target of a task; its classes are the labels of all rows."""
    if task == "regression":
        return RegressionTarget(name=name, scaler=scaler)
    return ClassTarget(name=name, classes=tuple(sorted(table.cells(name).words)))
