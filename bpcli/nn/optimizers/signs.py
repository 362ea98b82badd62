"""Optimizers that remember signs: the step grows while its direction stays."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.layer import Array, Views
from bpcli.nn.optimizers.optimizer import Elementwise


class Rprop(Elementwise):
    """θ ← θ − d sign(g); d grows while sign(g) stays and shrinks when it turns.

    For full-batch gradient descent only: a mini-batch turns signs by chance. The rate is the first
    d; later rates, and so a schedule, change nothing. Where the sign turns, the step is left out
    and the sign counts as 0, as in PyTorch. No ε, and no weight_decay but `regularization`'s.
    Riedmiller & Braun 1993, doi:10.1109/ICNN.1993.298623
    """

    name: ClassVar[str] = "rprop"
    learning_rate: ClassVar[float] = 0.01
    full_batch: ClassVar[bool] = True
    work: ClassVar[tuple[str, ...]] = ("a", "b")
    shrink: Annotated[float, Field(gt=0, lt=1, description="η−, where the sign turns")] = 0.5
    grow: Annotated[float, Field(gt=1, description="η+, where the sign stays")] = 1.2
    smallest: Annotated[float, Field(gt=0, description="lower bound of d")] = 1e-6
    largest: Annotated[float, Field(gt=0, description="upper bound of d")] = 50.0

    def slots(self) -> tuple[str, ...]:
        return ("d", "sign")

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        if t == 1:
            s.d[...] = lr
        np.sign(g, out=s.a)
        s.sign *= s.a  # 1 where it stays, −1 where it turns, 0 without a sign before or now
        for turn, factor in ((np.maximum, self.grow), (np.minimum, self.shrink)):
            turn(s.sign, 0, out=s.b)
            s.b *= abs(factor - 1)
            s.b += 1
            s.d *= s.b
        np.clip(s.d, self.smallest, self.largest, out=s.d)
        np.greater_equal(s.sign, 0, out=s.b)
        np.multiply(s.a, s.b, out=s.sign)
        np.multiply(s.sign, s.d, out=s.a)
        p -= s.a
