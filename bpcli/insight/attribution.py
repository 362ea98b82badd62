"""Attributions: what each column adds to a prediction, so that the sum is what was predicted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.data.arrays import Floats, Ints


class Attributions(NamedTuple):
    """What C columns add to J answers of N rows: prediction ≈ baseline + Σ values over columns."""

    method: str
    columns: tuple[str, ...]  # C names
    answers: tuple[str, ...]  # J names
    values: Floats  # (N,J,C)
    prediction: Floats  # (N,J)
    baseline: Floats  # (N,J), the prediction of the reference
    standard_error: Floats | None = None  # (N,J,C) of values that are sampled

    @property
    def gap(self) -> Floats:
        """What the values miss of prediction − baseline (N,J)."""
        missed: Floats = self.prediction - self.baseline - self.values.sum(axis=-1)
        return missed

    def strength(self) -> Floats:
        """The mean |value| of each column for each answer (J,C)."""
        strength: Floats = np.abs(self.values).mean(axis=0)
        return strength

    def strongest(self, count: int) -> tuple[Ints, Floats]:
        """For each row and answer the columns (N,J,k) with the largest |value|, and the values."""
        order = np.argsort(-np.abs(self.values), axis=-1, kind="stable")[..., :count]
        return order, np.take_along_axis(self.values, order, axis=-1)
