"""Scalers: a reversible map per column, fitted on training rows; adding one is one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from bpcli.config.component import Component
from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.arrays import Floats, Tensors


class Scaler(Component):
    """y = f(x; fitted), column by column.  x (N,I) with NaN for missing; every tensor is (I,)"""

    family: ClassVar[str] = "scaler"

    def tensors(self) -> tuple[str, ...]:
        """The names of the fitted tensors."""
        raise NotImplementedError

    def fit(self, values: Floats) -> Tensors:
        """The fitted tensors from training rows; a missing cell counts for nothing."""
        raise NotImplementedError

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        """Scaled values."""
        raise NotImplementedError

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        """Values in the column's own units."""
        raise NotImplementedError


def fit_scaler(scaler: Scaler, values: Floats, names: Sequence[str], where: str) -> Tensors:
    """The fitted tensors; a column too large for float64 arithmetic is a `DataError`."""
    with np.errstate(over="ignore", invalid="ignore"):
        fitted = scaler.fit(values)
    finite = [np.isfinite(tensor) for tensor in fitted.values()]
    wrong = [name for name, *fine in zip(names, *finite, strict=True) if not all(fine)]
    if wrong:
        what = f"the numbers are too large to scale: {listing(wrong)}"
        raise DataError(Problem("BP-D051", where, what, "use larger units, or drop the column"))
    return fitted


class Standard(Scaler):
    """y = (x − mean) / std, with the population's standard deviation; a constant gives 0."""

    name: ClassVar[str] = "standard"

    def tensors(self) -> tuple[str, ...]:
        return ("mean", "scale")

    def fit(self, values: Floats) -> Tensors:
        present = ~np.isnan(values)
        count = np.maximum(present.sum(axis=0), 1)
        mean = np.where(present, values, 0).sum(axis=0) / count
        std = np.sqrt((np.where(present, values - mean, 0) ** 2).sum(axis=0) / count)
        # Rounding gives a constant column a tiny deviation, so equality is asked of the values.
        varies = np.fmin.reduce(values, axis=0) < np.fmax.reduce(values, axis=0)
        return {"mean": mean, "scale": np.where(varies & (std > 0), std, 1.0)}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return (values - fitted["mean"]) / fitted["scale"]

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return values * fitted["scale"] + fitted["mean"]


class Unscaled(Scaler):
    """y = x."""

    name: ClassVar[str] = "none"

    def tensors(self) -> tuple[str, ...]:
        return ()

    def fit(self, values: Floats) -> Tensors:
        return {}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return values

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return values
