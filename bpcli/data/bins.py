"""Numbers counted in bins of equally many training rows, for piecewise-linear embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.data.arrays import Floats, Tensors
from bpcli.data.scalers import Scaler, quantiles

_Map = Callable[[Floats, Floats], Floats]


class Bins(Scaler):
    """y = k + (x − q_k) / (q_k+1 − q_k) in bin k, between q_k and q_k+1, quantiles of x.

    Equal quantiles are one, so a column may have fewer bins than asked for. Below the first and
    above the last one the line of the outermost bin goes on.
    """

    name: ClassVar[str] = "bins"
    bins: Annotated[int, Field(ge=1, le=1000, description="the number of bins")] = 48

    def tensors(self) -> tuple[str, ...]:
        return ("edges",)

    def shapes(self, columns: int) -> dict[str, tuple[int, ...]]:
        return {"edges": (self.bins + 1, columns)}

    def fit(self, values: Floats) -> Tensors:
        found = quantiles(values, np.linspace(0, 1, self.bins + 1)).T
        edges = [_padded(np.unique(column), self.bins + 1) for column in found]
        return {"edges": np.array(edges).reshape(found.shape).T}

    def apply(self, values: Floats, fitted: Tensors) -> Floats:
        return _by_column(_place, values, fitted["edges"])

    def invert(self, values: Floats, fitted: Tensors) -> Floats:
        return _by_column(_value, values, fitted["edges"])


def count_bins(edges: Floats) -> list[int]:
    """The bins of each column."""
    return [len(np.unique(column)) - 1 for column in edges.T]


def _padded(edges: Floats, length: int) -> Floats:
    """The edges, then the last one again and again; a bin of its own width around one value."""
    if len(edges) == 1:
        edges = np.append(edges, edges + np.maximum(np.abs(edges), 1))
    return np.append(edges, np.full(length - len(edges), edges[-1]))


def _by_column(function: _Map, values: Floats, edges: Floats) -> Floats:
    columns = zip(values.T, edges.T, strict=True)
    found = [function(column, np.unique(padded)) for column, padded in columns]
    return np.array(found).reshape(values.shape[::-1]).T


def _place(x: Floats, edges: Floats) -> Floats:
    bins = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    place: Floats = bins + (x - edges[bins]) / np.diff(edges)[bins]
    return place


def _value(place: Floats, edges: Floats) -> Floats:
    bins = np.clip(np.nan_to_num(np.floor(place)), 0, len(edges) - 2).astype(np.int64)
    value: Floats = edges[bins] + (place - bins) * np.diff(edges)[bins]
    return value
