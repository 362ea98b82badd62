"""The update of an optimizer that sees all parameters at once and may evaluate the loss again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpcli.nn.layer import Array, Views
from bpcli.nn.line_search import strong_wolfe
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.update import Gradient


class QuasiNewton:
    """One step along a direction of its own for each replica after another.

    `evaluate` computes `loss` (R,) and gradient of the same rows at the parameters of the moment.
    """

    def __init__(
        self,
        optimizer: LBFGS,
        flat: Array,
        slots: dict[str, Array],
        gradient: Gradient,
        loss: Array,
        evaluate: Callable[[], None],
    ) -> None:
        self.optimizer, self.flat, self.memory = optimizer, flat, Views(**slots)
        self.gradient, self.loss, self.evaluate = gradient, loss, evaluate
        self.start = np.empty_like(flat)

    def apply(self, rate: Array, t: int) -> Array:
        """Update for the t-th time at the rates (R,1); returns Σ θ² (R,)."""
        g, m = self.gradient.total, self.memory
        value = self.loss + self.gradient.penalty()
        self.optimizer.settle(m, g, value, t)
        self.optimizer.turn(m, g, t)
        slope = np.vecdot(g, m.direction)
        np.copyto(m.rests, 1, where=slope > -self.optimizer.tolerance_change)
        size = np.minimum(1, 1 / np.abs(g).sum(axis=1)) if t == 1 else 1
        m.step[...] = np.where(m.rests, 0, rate[:, 0] * size)
        m.loss[...] = value
        np.copyto(self.start, self.flat)
        if self.optimizer.line_search:
            self._search(value, slope)
        self._move(m.step)
        sizes: Array = np.vecdot(self.flat, self.flat)
        return sizes

    def _search(self, value: Array, slope: Array) -> None:
        """Change `step` (R,) until each replica's line search is content with its own.

        All are evaluated together; one that is done stays where it is.
        """
        step, tolerance = self.memory.step, self.optimizer.tolerance_change
        reach = np.abs(self.memory.direction).max(axis=1)
        searches = {}
        for r in np.flatnonzero(step).tolist():
            start = float(value[r]), float(slope[r]), float(step[r])
            searches[r] = strong_wolfe(*start, float(reach[r]), tolerance)
        for search in searches.values():
            next(search)
        while searches:
            seen = self._seen(step)
            for r, search in list(searches.items()):
                try:
                    step[r] = search.send(seen[r])
                except StopIteration as end:
                    step[r] = end.value
                    del searches[r]

    def _seen(self, step: Array) -> list[tuple[float, float]]:
        """Value and slope of each replica at its step (R,); infinite where they are not finite."""
        self._move(step)
        self.evaluate()
        value = self.loss + self.gradient.penalty()
        slope = np.vecdot(self.gradient.total, self.memory.direction)
        value = np.where(np.isfinite(slope), value, np.inf)
        return list(zip(value.tolist(), slope.tolist(), strict=True))

    def _move(self, step: Array) -> None:
        """θ = start + step · direction; running statistics, which have none, go back as well."""
        np.multiply(self.memory.direction, step[:, None], out=self.flat)
        self.flat += self.start
