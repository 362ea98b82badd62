"""What an optimizer is: the parameter update, and what it remembers.

Most are elementwise, written for one flat array. Such a one may be called on any block of columns
of (R,P), so it must not look at a neighbour; clipping by norm and the like are steps of their own.
Where PyTorch defines an update, ours is PyTorch's; `tests/oracles` holds the proof. Two decays are
kept apart, and both act on weight matrices only: `regularization.l2` is part of the gradient that
an optimizer sees, what PyTorch calls weight_decay but in AdamW; a decoupled one shrinks the weights
before the step, by `regularization.weight_decay` or, where that is 0, by the optimizer's own λ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from bpcli.config.component import Component
from bpcli.nn.layer import Array, Shape, Views

Beta = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0)]


class Optimizer(Component):
    """What updates the parameters by their gradient."""

    family: ClassVar[str] = "optimizer"
    learning_rate: ClassVar[float]  # where the config names none
    full_batch: ClassVar[bool] = False  # every update must see the same rows
    work: ClassVar[tuple[str, ...]] = ()  # work arrays like θ, free between two steps

    def memory(self, replicas: int, size: int) -> dict[str, Shape]:
        """Shapes of the arrays that are kept from step to step; they start at zero."""
        raise NotImplementedError

    def decay(self) -> float:
        """λ of a decoupled decay θ ← θ (1 − lr λ), which the trainer does before the step."""
        return 0.0

    def in_formula(self, slots: Mapping[str, Array], t: int) -> dict[str, Array]:
        """What is kept after the t-th step, as the formula of the update names and means it."""
        return dict(slots)

    def is_done(self, slots: dict[str, Array]) -> bool:
        """Whether no replica would move in another step: by its slot `rests`, where it has one."""
        return "rests" in slots and bool(slots["rests"].all())


class Elementwise(Optimizer):
    """θ ← θ − lr · step(g), with slots that remember earlier gradients."""

    work: ClassVar[tuple[str, ...]] = ("a",)

    def memory(self, replicas: int, size: int) -> dict[str, Shape]:
        return dict.fromkeys(self.slots(), (replicas, size))

    def slots(self) -> tuple[str, ...]:
        """Names of the arrays like θ that are kept."""
        return ()

    def step(self, p: Array, g: Array, s: Views, lr: Array, t: int) -> None:
        """Update p (R,n) in place by the gradient g (R,n), for the t-th time (from 1).

        `s` holds the slots and the work arrays, all (R,n); lr is (R,1).
        """
        raise NotImplementedError
