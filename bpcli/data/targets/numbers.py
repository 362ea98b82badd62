"""Targets that are numbers: one, or several at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bpcli.config.errors import DataError
from bpcli.data.arrays import Floats, Ints, Tensors
from bpcli.data.scalers import Scaler, fit_scaler
from bpcli.data.spec import Words
from bpcli.data.table import Table
from bpcli.data.targets.target import Answer, Levels, Target
from bpcli.nn import room


class RegressionTarget(Target):
    """D numbers, each scaled for training by its own training rows."""

    kind: Literal["numbers"] = "numbers"
    names: Words
    scaler: Scaler

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names

    @property
    def width(self) -> int:
        return len(self.names)

    def truth(self, table: Table) -> Floats:
        values = room.empty((table.n_rows, self.width))
        for i, name in enumerate(self.names):
            values[:, i] = table.numbers(name)
        return values

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"target.{name}": shape for name, shape in self.scaler.shapes(self.width).items()}

    def fit(self, table: Table, rows: Ints) -> Tensors:
        values = self.truth(table)
        problems = [*self._not_positive(table, values)] if self.scaler.positive else []
        if problems:
            raise DataError(*problems)
        values = values[rows]
        fitted = fit_scaler(self.scaler, values, self.names, table.path.name)
        return {f"target.{name}": tensor for name, tensor in fitted.items()}

    def _not_positive(self, table: Table, values: Floats) -> Iterator[Any]:
        fix = "correct the cells, or remove preprocess.target"
        for name, column in zip(self.names, values.T, strict=True):
            if (column <= 0).any():
                yield table.cell_problem("BP-D048", name, column <= 0, "numbers above 0", fix)

    def encode(self, table: Table, fitted: Tensors) -> Floats:
        return self.scaler.apply(self.truth(table), self._tensors(fitted))

    def decode(self, linked: Floats, fitted: Tensors) -> Floats:
        """Numbers (N,D), or quantiles (N,D,levels), in the targets' own units."""
        columns = np.moveaxis(linked, 1, -1)
        flat = columns.reshape(-1, self.width)
        values = self.scaler.invert(flat, self._tensors(fitted))
        return np.moveaxis(values.reshape(columns.shape), -1, 1)

    def _tensors(self, fitted: Tensors) -> Tensors:
        return {name: fitted[f"target.{name}"] for name in self.scaler.tensors()}

    def constant(self, truth: NDArray[Any], levels: Levels) -> tuple[str, Floats]:
        if levels:
            quantiles = np.moveaxis(np.quantile(truth, levels, axis=0), 0, -1)
            return "the training rows' quantiles", quantiles[None]
        return "the training rows' mean", truth.mean(axis=0, keepdims=True)

    def numbers(self, prediction: Floats, levels: Levels) -> list[Answer]:
        """`prediction` and one `prediction_q<level>` for each; of several targets with the name."""
        answers = []
        for i, name in enumerate(self.names):
            head = "prediction" if self.width == 1 else f"prediction_{name}"
            answers.append((head, point(prediction, levels)[:, i].tolist()))
            for k, level in enumerate(levels):
                answers.append((f"{head}_q{level:g}", prediction[:, i, k].tolist()))
        return answers


def point(prediction: Floats, levels: Levels) -> Floats:
    """One number for each target (N,D): of quantiles the median, or the level nearest to it."""
    if not levels:
        return prediction
    return prediction[..., int(np.argmin(np.abs(np.array(levels) - 0.5)))]
