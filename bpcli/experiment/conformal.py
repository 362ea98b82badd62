"""Split-conformal intervals and sets: how far predictions were off on rows held out.

A score says how strange a row's truth is beside its prediction: |y − ŷ| of each number, 1 − p of
the true class. An interval or set holds every value whose score is at most the ⌈(n + 1) level⌉-th
smallest of n rows, so it holds the truth of new rows of the same kind with at least that
probability, on average over such rows and such calibrations, whatever the network. Lei et al. 2018,
arXiv:1604.04173; of classes the least ambiguous sets (LAC), Sadinle et al. 2019, arXiv:1609.00451
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from bpcli.config.component import Spec
from bpcli.data.arrays import Flags, Floats
from bpcli.data.spec import Words
from bpcli.metrics.metric import Truth
from bpcli.nn.losses.loss import Kind

HeldOut = Literal["validation", "out-of-fold"]
KEPT = 1000  # scores in a model file; fewer ranks than rows only make intervals a little wider


class ConformalSpec(Spec):
    """Where the scores come from."""

    rows: Annotated[int, Field(ge=1)]
    set: Literal["calibration"] | HeldOut
    chose: Words  # what else these rows decided: the epoch, the temperature

    @property
    def kept(self) -> int:
        """The scores that are kept."""
        return min(self.rows, KEPT)


class Conformal(NamedTuple):
    """Scores of rows that the weights never saw, by which intervals and sets are made."""

    spec: ConformalSpec
    scores: Floats  # (M,D) rising; D numbers, or 1 for classes

    @classmethod
    def of(cls, spec: ConformalSpec, scores: Floats) -> Conformal:
        """From the scores (n,D) of all rows; of many, M are kept at ranks that are evenly apart."""
        n, m = spec.rows, spec.kept
        ranks = [ceil(Fraction(j * (n + 1), m + 1)) for j in range(1, m + 1)]
        return cls(spec, np.sort(scores, axis=0)[np.array(ranks) - 1])

    def radius(self, level: Fraction) -> Floats:
        """The largest score (D,) that an interval or set at this level takes in; ∞ beyond n."""
        rank = ceil((len(self.scores) + 1) * level)
        if rank > len(self.scores):
            return np.full(self.scores.shape[1], np.inf)
        radius: Floats = self.scores[rank - 1]
        return radius


def scores_of(kind: Kind, prediction: Floats, truth: Truth) -> Floats:
    """The scores (n,D) of numbers (n,D), or (n,1) of probabilities (n,K) and classes (n,)."""
    if kind == "numbers":
        return np.abs(truth - prediction)
    return 1 - prediction[np.arange(len(truth)), truth][:, None]


def members(p: Floats, radius: Floats) -> Flags:
    """Which classes the set of each row holds (N,K), from probabilities; it may be empty."""
    inside: Flags = 1 - p <= radius
    return inside


def covered(kind: Kind, prediction: Floats, truth: Truth, radius: Floats) -> Flags:
    """Whether the interval of each number (N,D), or the set of each row (N,1), holds the truth."""
    held: Flags = scores_of(kind, prediction, truth) <= radius
    return held


def rows_needed(level: Fraction) -> int:
    """The fewest rows for which an interval at this level is finite."""
    return ceil(level / (1 - level))


def as_level(value: float | str) -> Fraction:
    """0.9 as 9/10, so that no rank is one too many by rounding.  Raises ValueError."""
    level = Fraction(str(value))
    if not 0 < level < 1:
        raise ValueError(f"expected a number between 0 and 1, got {value}")
    return level
