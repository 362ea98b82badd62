"""The update of centres to the means of their rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.nn.evaluation import Evaluation
from bpcli.nn.layer import Array, Layer
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.prototypes import Prototypes


class MeanStep:
    """One step of Lloyd's algorithm in every `prototypes` layer; other layers stay as they are.

    `evaluation` has the work arrays of the last backward pass, which hold the share of rows of each
    centre.
    """

    def __init__(
        self,
        optimizer: Lloyd,
        flat: Array,
        slots: dict[str, Array],
        layers: Sequence[Layer],
        evaluation: Evaluation,
    ) -> None:
        self.optimizer, self.flat = optimizer, flat
        self.rests, self.full = slots["rests"], slots["full"]
        self.layers, self.evaluation = layers, evaluation

    def apply(self, rate: Array, t: int) -> Array:
        """Update for the t-th time at the rates (R,1); returns Σ θ² (R,)."""
        self.rests.fill(1)
        self.full.fill(1)
        own = self.evaluation
        every = zip(self.layers, own.params, own.grads, own.last_scratch, strict=True)
        for layer, p, g, s in every:
            if isinstance(layer, Prototypes):
                self._step(p.W, g.W, s.share, rate)
        sizes: Array = np.vecdot(self.flat, self.flat)
        return sizes

    def _step(self, w: Array, g: Array, share: Array, rate: Array) -> None:
        """w (R,I,K) by its gradient and the share (R,1,K) of the rows nearest to each centre."""
        step = np.divide(g, 2 * share, out=np.zeros_like(g), where=share > 0)
        step *= rate[..., None]
        w -= step
        still = np.abs(step).max(axis=(1, 2)) <= self.optimizer.tolerance
        full = (share > 0).all(axis=(1, 2))
        self.rests *= still & full
        self.full *= full
