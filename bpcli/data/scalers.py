"""Scalers: a reversible map per column, fitted on training rows; adding one is one class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from bpcli.config.component import Component
from bpcli.config.errors import DataError, Problem, listing
from bpcli.data.arrays import Floats, Tensors


class Scaler(Component):
    """y = f(x; fitted), column by column.  x (N,I) with NaN for missing; a tensor is (…,I)"""

    family: ClassVar[str] = "scaler"
    positive: ClassVar[bool] = False  # takes numbers above 0 only

    def tensors(self) -> tuple[str, ...]:
        """The names of the fitted tensors."""
        raise NotImplementedError

    def shapes(self, columns: int) -> dict[str, tuple[int, ...]]:
        """The names and shapes of the fitted tensors of I columns."""
        return dict.fromkeys(self.tensors(), (columns,))

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
    fitted = fit_each(scaler, values)
    require_scalable(fitted, names, where)
    return fitted


def fit_each(scaler: Scaler, values: Floats) -> Tensors:
    """The fitted tensors; those of a column too large for float64 arithmetic are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return scaler.fit(values)


def require_scalable(fitted: Tensors, names: Sequence[str], where: str) -> None:
    """Raises DataError for columns too large for float64 arithmetic."""
    fine = np.ones(len(names), dtype=bool)
    for tensor in fitted.values():
        fine &= np.isfinite(tensor).all(axis=tuple(range(tensor.ndim - 1)))
    wrong = [name for name, ok in zip(names, fine, strict=True) if not ok]
    if wrong:
        what = f"the numbers are too large to scale: {listing(wrong)}"
        raise DataError(Problem("BP-D051", where, what, "use larger units, or drop the column"))


class Standard(Scaler):
    """y = (x − mean) / std, with the population's standard deviation; a constant gives 0."""

    name: ClassVar[str] = "standard"

    def tensors(self) -> tuple[str, ...]:
        return ("mean", "scale")

    def fit(self, values: Floats) -> Tensors:
        present = ~np.isnan(values)
        count = np.maximum(present.sum(axis=0), 1)
        deviations = np.where(present, values, 0)  # none yet
        mean = deviations.sum(axis=0) / count
        np.subtract(values, mean, out=deviations, where=present)  # in place: rows may be many
        std = np.sqrt(np.square(deviations, out=deviations).sum(axis=0) / count)
        # Rounding gives a constant column a tiny deviation, so equality is asked of the values.
        varies = np.fmin.reduce(values, axis=0) < np.fmax.reduce(values, axis=0)
        return {"mean": mean, "scale": np.where(varies & (std > 0), std, 1.0)}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return (values - fitted["mean"]) / fitted["scale"]

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return values * fitted["scale"] + fitted["mean"]


class Clipped(Standard):
    """y = (x − mean) / std; a prediction ends at the lowest and highest training number."""

    name: ClassVar[str] = "clipped"

    def tensors(self) -> tuple[str, ...]:
        return (*super().tensors(), "low", "high")

    def fit(self, values: Floats) -> Tensors:
        low, high = quantiles(values, np.array([0.0, 1.0]))
        return {**super().fit(values), "low": low, "high": high}

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return np.clip(super().invert(values, fitted), fitted["low"], fitted["high"])


class Log(Standard):
    """y = (ln x − mean) / std of the logarithms, for a target above 0; a prediction is above 0."""

    name: ClassVar[str] = "log"
    positive: ClassVar[bool] = True

    def fit(self, values: Floats) -> Tensors:
        return super().fit(np.log(values))

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return super().apply(np.log(values), fitted)

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return np.exp(np.minimum(super().invert(values, fitted), _LARGEST))


_LARGEST = float(np.log(np.finfo(np.float64).max))


class Robust(Scaler):
    """y = z / √(1 + (z/clip)²), z = (x − median) / (q75 − q25): outliers bend towards ±clip.

    Where the quartiles are equal, half of max − min takes their place; a constant gives 0. The
    inverse ends at 22 clip, as |y| never reaches clip.  Holzmüller et al. 2024, arXiv:2407.04491
    """

    name: ClassVar[str] = "robust"
    clip: Annotated[
        Annotated[float, Field(gt=0)] | Literal["none"],
        Field(description="the bound of |y|; none: y = z"),
    ] = 3.0

    def tensors(self) -> tuple[str, ...]:
        return ("center", "factor")

    def fit(self, values: Floats) -> Tensors:
        quartiles = quantiles(values, np.array([0, 0.25, 0.5, 0.75, 1]))
        low, q25, median, q75, high = quartiles
        spread = np.where(q75 > q25, q75 - q25, (high - low) / 2)
        factor = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
        # A spread that overflows would silence the column; it is refused instead.
        return {"center": median, "factor": np.where(np.isfinite(spread), factor, np.inf)}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        z: Floats = (values - fitted["center"]) * fitted["factor"]
        return z if self.clip == "none" else z / np.hypot(1, z / self.clip)

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        z = values
        if self.clip != "none":
            bounded = np.clip(values / self.clip, -0.999, 0.999)
            z = self.clip * bounded / np.sqrt(1 - bounded**2)
        factor = fitted["factor"]
        spread = np.divide(1, factor, out=np.zeros_like(factor), where=factor > 0)
        return z * spread + fitted["center"]


class MinMax(Scaler):
    """y = (x − min) / (max − min), so that training rows lie in 0 … 1; a constant gives 0."""

    name: ClassVar[str] = "minmax"

    def tensors(self) -> tuple[str, ...]:
        return ("low", "span")

    def fit(self, values: Floats) -> Tensors:
        low, high = quantiles(values, np.array([0.0, 1.0]))
        return {"low": low, "span": np.where(high > low, high - low, 1.0)}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return (values - fitted["low"]) / fitted["span"]

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return values * fitted["span"] + fitted["low"]


class Quantile(Scaler):
    """y = the normal quantile of x's rank in the training rows: any distribution becomes N(0,1).

    Linear between K knots (q_k, Φ⁻¹((k + ½)/K)), k = 0 … K−1; beyond the outermost ones y is held,
    so a prediction never leaves the range of the training targets. A value that makes several
    knots lies in the middle of them.
    """

    name: ClassVar[str] = "quantile"
    knots: Annotated[int, Field(ge=2, le=1000, description="the number K of knots")] = 1000

    def tensors(self) -> tuple[str, ...]:
        return ("knots",)

    def shapes(self, columns: int) -> dict[str, tuple[int, ...]]:
        return {"knots": (self.knots, columns)}

    def fit(self, values: Floats) -> Tensors:
        levels = (np.arange(self.knots) + 0.5) / self.knots
        return {"knots": np.maximum.accumulate(quantiles(values, levels), axis=0)}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        scores = normal_scores(self.knots)
        pairs = zip(values.T, fitted["knots"].T, strict=True)
        columns = [
            # Of equal knots one search finds the last, the other the first.
            (np.interp(x, knots, scores) - np.interp(-x, -knots[::-1], scores)) / 2
            for x, knots in pairs
        ]
        return np.array(columns).reshape(values.shape[::-1]).T

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        scores = normal_scores(self.knots)
        pairs = zip(values.T, fitted["knots"].T, strict=True)
        columns = [np.interp(y, scores, knots) for y, knots in pairs]
        return np.array(columns).reshape(values.shape[::-1]).T


@cache
def normal_scores(count: int) -> Floats:
    """Φ⁻¹((k + ½)/K), exactly symmetric about 0."""
    inverse = NormalDist().inv_cdf
    half = [inverse((k + 0.5) / count) for k in range(count // 2)]
    middle = [0.0] if count % 2 else []
    return np.array([*half, *middle, *(-score for score in reversed(half))])


def quantiles(values: Floats, levels: Floats) -> Floats:
    """The quantiles of the present numbers of each column (K,I); 0 where there is none."""
    columns = (column[~np.isnan(column)] for column in values.T)  # one at a time
    found = [
        np.quantile(column, levels, overwrite_input=True) if column.size else np.zeros(len(levels))
        for column in columns
    ]
    return np.array(found).reshape(values.shape[1], len(levels)).T


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


class Divide(Scaler):
    """y = x / by."""

    name: ClassVar[str] = "divide"
    by: Annotated[float, Field(gt=0, description="255 for pixels of eight bits")] = 255.0

    def tensors(self) -> tuple[str, ...]:
        return ()

    def fit(self, values: Floats) -> Tensors:
        return {}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return values / self.by

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return values * self.by
