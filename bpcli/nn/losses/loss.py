"""What a loss is: a value, its gradient by the scores, and the link that makes predictions.

A loss takes the scores z of the last layer and owns its link function, so a double softmax cannot
be written. The value is the weighted mean over the rows of a batch, as in PyTorch; a loss of
several numbers is also their mean. Numbers are scaled before training (`preprocess.target`), and
with them the units of the loss, unless it asks for the target's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from bpcli.config.component import Component
from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.losses.survey import Survey

Kind = Literal["numbers", "classes", "labels", "clusters"]


class Loss(Component):
    """L = Σ c · ℓ(z, t) over the rows; leaves dL/dz in `s.dz`."""

    family: ClassVar[str] = "loss"
    predicts: ClassVar[Kind]
    own_units: ClassVar[bool] = False  # whether targets must be neither shifted nor scaled
    lowest: ClassVar[float] = -math.inf  # the smallest target that it can learn
    supervised: ClassVar[bool] = True  # compares with a target of the table
    surveys: ClassVar[bool] = False  # looks at all rows between two epochs
    retargets: ClassVar[bool] = False  # and changes their targets

    def outputs(self, width: int) -> int:
        """How many scores a target needs: `width` is its number of columns or of classes; where
        there is none, of inputs."""
        return width

    def targets(self, x: Array, t: Array) -> Array:
        """What is learned of rows x (N,I), given their encoded targets t (N,…), or x again.

        One score for two classes learns the second one's column.
        """
        return t[:, -self.outputs(t.shape[1]) :]

    def quantiles(self) -> tuple[float, ...]:
        """The levels that each target is predicted at; empty where a prediction is one number."""
        return ()

    def scratch(self, width: int) -> dict[str, Shape]:
        """Work arrays for one row of `width` scores, `dz` among them."""
        return {"dz": (width,), "e": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        """L (R,) for scores z (R,B,O), targets t (1|R,B,O) and row weights c (1|R,1|B,1)."""
        raise NotImplementedError

    def survey(self, seen: Survey) -> None:
        """Look at all training rows, after each epoch; for a loss that `surveys`."""

    def memory(self, t: Array, flat: Array) -> dict[str, Array]:
        """What it keeps from one look at all rows to the next, for targets t (R,N,O) and
        parameters (R,P): arrays of its own, and views of t."""
        return {}

    def ending(self, memory: Mapping[str, Array]) -> str:
        """Why training should end by what it has seen; empty as long as it should not."""
        return ""

    def link(self, z: Array) -> Array:
        """The prediction (R,B,O) that scores stand for: a mean, or probabilities.

        Of one score for two classes these are two numbers.
        """
        return z


def weighted(s: Views, c: Array, share: float) -> Array:
    """Σ c · e · dz · share (R,), and dz ← c · dz · share: for ℓ = e · dz."""
    s.dz *= c
    s.dz *= share
    return np.einsum("rbo,rbo->r", s.e, s.dz)
