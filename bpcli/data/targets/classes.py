"""Targets that are one of several classes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.errors import DataError, Notice, Problem, listing
from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.spec import Words
from bpcli.data.table import Table
from bpcli.data.targets.target import Answer, Levels, Target
from bpcli.nn import room


class ClassTarget(Target):
    """One of C classes, sorted by code point; the second of two is the positive one."""

    kind: Literal["classes"] = "classes"
    name: str
    classes: Words
    threshold: Annotated[float | None, Field(ge=0, le=1)] = None  # above it: the second of two

    @model_validator(mode="after")
    def _threshold_is_for_two(self) -> Self:
        if self.threshold is not None and self.width != 2:
            raise PydanticCustomError("invalid_value", "expected a threshold for 2 classes", {})
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def width(self) -> int:
        return len(self.classes)

    def truth(self, table: Table) -> Ints:
        """The index of each row's class (N,), −1 for missing; another label is a `DataError`."""
        cells = table.cells(self.name)
        index = {label: i for i, label in enumerate(self.classes)}
        unknown = sorted(set(cells.words) - index.keys())
        if unknown:
            raise DataError(self._unknown(table, unknown))
        known = np.array([*(index[word] for word in cells.words), -1], dtype=np.int64)
        return room.by_rows(cells.codes, known.__getitem__)

    def _unknown(self, table: Table, unknown: list[str]) -> Problem:
        cells = table.cells(self.name)
        row = int(np.argmax(cells.codes == cells.words.index(unknown[0])))
        labels, classes = ([repr(w[:80]) for w in words] for words in (unknown, self.classes))
        what = f"column {self.name!r}: labels that are no trained class: {listing(labels)}"
        return Problem("BP-D044", table.where(row), what, f"the classes are {listing(classes)}")

    def one_hot(self, codes: Ints) -> Floats:
        """1 in the column of the row's class (N,C); NaN where the class is missing."""
        return np.vstack([np.eye(len(self.classes)), np.full(len(self.classes), np.nan)])[codes]

    def fit(self, table: Table, rows: Ints) -> Tensors:
        """Nothing to fit, but every class must have a training row."""
        absent = [repr(self.classes[i]) for i in self._of_size(table, 0, rows)]
        if absent:
            what = f"column {self.name!r}: classes without a training row: {listing(absent)}"
            fix = "set split.method: stratified"
            raise DataError(Problem("BP-D045", table.path.name, what, fix))
        return {}

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        return self.one_hot(self.truth(table))

    def constant(self, truth: NDArray[Any], levels: Levels) -> tuple[str, Floats]:
        shares = np.bincount(truth, minlength=self.width) / len(truth)
        return f"always {self.classes[int(shares.argmax())]!r}", shares[None]

    def decided(self, prediction: Floats) -> Floats | None:
        if self.threshold is None:
            return None
        return self.one_hot((prediction[:, 1] > self.threshold).astype(np.int64))

    def words(self, prediction: Floats) -> list[Answer]:
        """`prediction`, the class decided for."""
        decided = self.decided(prediction)
        likeliest = (prediction if decided is None else decided).argmax(axis=1)
        return [("prediction", [self.classes[code] for code in likeliest.tolist()])]

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """The probability `p_<class>` of each class."""
        shares = zip(self.classes, prediction.T.tolist(), strict=True)
        return [(f"p_{label}", column) for label, column in shares]

    def strata(self, table: Table) -> Ints:
        return self.truth(table)

    def notices(self, table: Table) -> list[Notice]:
        single = [repr(self.classes[i]) for i in self._of_size(table, 1)]
        if not single:
            return []
        what = f"classes with one row, which can only be trained on: {listing(single)}"
        return [Notice("BP-D107", table.path.name, what, "add rows, or merge the classes")]

    def _of_size(self, table: Table, size: int, rows: Ints | None = None) -> Ints:
        """The classes that have `size` of the rows."""
        codes = self.truth(table) if rows is None else self.truth(table)[rows]
        return np.flatnonzero(np.bincount(codes[codes >= 0], minlength=self.width) == size)
