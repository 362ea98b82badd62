"""Optimizers that remember whole steps: directions that know how the gradient turns."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.optimizers.optimizer import Optimizer

LEAST_CURVATURE = 1e-10  # a pair with less of it would make H useless


class LBFGS(Optimizer):
    """θ ← θ + t d, d = −H g: H is built from the last steps s and changes y of the gradient.

    For all rows in every update, and smooth losses. H starts as sᵀy / yᵀy; pairs with sᵀy ≤ 1e-10
    are left out. The first trial for t is the rate, in the very first update rate · min(1, 1/‖g‖₁);
    the strong Wolfe line search evaluates the loss again where that is no good. l1 and l2 are part
    of the loss here, a decoupled weight_decay is refused; no ε. Training ends where nothing moves
    any more. PyTorch's LBFGS, one of its iterations an update; its history is 100.  Liu & Nocedal
    1989, doi:10.1007/BF01589116
    """

    name: ClassVar[str] = "lbfgs"
    learning_rate: ClassVar[float] = 1.0
    full_batch: ClassVar[bool] = True
    history: Annotated[int, Field(ge=1, le=1000, description="steps that are remembered")] = 10
    line_search: Annotated[
        bool, Field(description="strong Wolfe conditions; false: t is always the first trial")
    ] = True
    tolerance_gradient: Annotated[
        float, Field(ge=0, description="ends where no element of the gradient is larger")
    ] = 1e-7
    tolerance_change: Annotated[
        float, Field(ge=0, description="ends where loss, all parameters or slope change less")
    ] = 1e-9

    def memory(self, replicas: int, size: int) -> dict[str, Shape]:
        pairs, vector = (replicas, self.history, size), (replicas, size)
        numbers = ("count", "scale", "step", "loss", "rests")
        return {
            "steps": pairs,
            "changes": pairs,
            "curvature": pairs[:2],
            "direction": vector,
            "gradient": vector,
            **dict.fromkeys(numbers, (replicas,)),
        }

    def settle(self, m: Views, g: Array, value: Array, t: int) -> None:
        """Rest, for good, where gradient (R,P) or the last change of θ or value (R,) was tiny."""
        rests = np.abs(g).max(axis=1) <= self.tolerance_gradient
        if t > 1:
            length = np.abs(m.direction).max(axis=1) * m.step
            rests |= length <= self.tolerance_change
            rests |= np.abs(value.astype(m.loss.dtype) - m.loss) < self.tolerance_change
        np.copyto(m.rests, 1, where=rests)

    def turn(self, m: Views, g: Array, t: int) -> None:
        """Remember the last step of each replica that moves, and set its new direction."""
        if t == 1:
            m.scale.fill(1)
        for r in np.flatnonzero(m.rests == 0).tolist():
            if t > 1:
                self._remember(m, r, g[r])
            count = int(m.count[r])
            pairs = [k % self.history for k in range(max(0, count - self.history), count)]
            past = [(m.steps[r, k], m.changes[r, k], m.curvature[r, k]) for k in pairs]
            m.direction[r] = newton_direction(g[r], past, m.scale[r])
        np.copyto(m.gradient, g)

    def _remember(self, m: Views, r: int, g: Array) -> None:
        step, change = m.step[r] * m.direction[r], g - m.gradient[r]
        curvature = np.vdot(change, step)
        if curvature > LEAST_CURVATURE:
            k = int(m.count[r]) % self.history
            m.steps[r, k], m.changes[r, k], m.curvature[r, k] = step, change, curvature
            m.scale[r] = curvature / np.vdot(change, change)
            m.count[r] += 1


def newton_direction(g: Array, past: list[tuple[Array, Array, Array]], scale: Array) -> Array:
    """−H g by the two-loop recursion over (step, change, curvature), the oldest first."""
    d, shares = -g, []
    for step, change, curvature in reversed(past):
        shares.append(np.vdot(step, d) / curvature)
        d -= shares[-1] * change
    d *= scale
    for (step, change, curvature), share in zip(past, reversed(shares), strict=True):
        d += (share - np.vdot(change, d) / curvature) * step
    return d
