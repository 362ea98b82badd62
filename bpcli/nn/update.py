"""From a gradient to new parameters: penalties, clipping, decay, the optimizer's step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from bpcli.config.component import Spec
from bpcli.nn.layer import Array, Views
from bpcli.nn.network import Network
from bpcli.nn.optimizers.optimizer import Elementwise
from bpcli.nn.schedules import Constant, Schedule


class Regularization(Spec):
    """What keeps weights small.  Acts on weight matrices, never on biases, norms or scales."""

    l1: Annotated[float, Field(ge=0, description="adds l1 · sign(w) to the gradient")] = 0.0
    l2: Annotated[float, Field(ge=0, description="adds l2 · w to the gradient, as in PyTorch")] = (
        0.0
    )
    weight_decay: Annotated[
        float,
        Field(ge=0, description="decoupled: w ← w (1 − rate · weight_decay) before each step"),
    ] = 0.0
    schedule: Annotated[
        Schedule, Field(description="factor on weight_decay in the course of training")
    ] = Constant()

    def times(self, factor: float) -> Regularization:
        """The same penalties, each so many times as strong."""
        l1, l2, decay = (factor * one for one in (self.l1, self.l2, self.weight_decay))
        return self.model_copy(update={"l1": l1, "l2": l2, "weight_decay": decay})


class Clip(Spec):
    """Limits of the gradient, over all parameters of a network together."""

    norm: Annotated[
        float | None, Field(gt=0, description="g ← g · min(1, norm / (‖g‖₂ + 1e-6))")
    ] = None
    value: Annotated[
        float | None, Field(gt=0, description="each element into [−value, value], before norm")
    ] = None


class Gradient:
    """The gradient of all rows with its penalties, in the `columns` of one member of a team.

    The penalties are those of each replica, or one that all have.
    """

    def __init__(
        self,
        network: Network,
        flat: Array,
        grads: Array,
        regularization: Sequence[Regularization],
        clip: Clip,
        columns: slice,
    ) -> None:
        self.regularization, self.clip = regularization, clip
        self.l1 = np.array([one.l1 for one in regularization], flat.dtype)
        self.l2 = np.array([one.l2 for one in regularization], flat.dtype)
        self.total, *self.others = grads[..., columns]
        self.weights = list(_weights(network, flat, grads[0], columns))
        self.rates = network.rate_factors()

    def gather(self) -> Array:
        """Sum the members' parts, add penalties, clip each element; returns Σ g² (R,)."""
        for other in self.others:
            self.total += other
        self._penalize()
        if self.clip.value is not None:
            np.clip(self.total, -self.clip.value, self.clip.value, out=self.total)
        squares: Array = np.vecdot(self.total, self.total)
        return squares

    def shorten(self, norm: Array) -> None:
        """Clip by the `norm` (R,) of the whole gradient."""
        if self.clip.norm is not None:
            self.total *= np.minimum(1, self.clip.norm / (norm + 1e-6))[:, None]

    def penalty(self) -> Array:
        """What l1 and l2 add to the loss (R,): l1 Σ |w| + l2/2 Σ w²."""
        sums = np.zeros(len(self.total))
        for p, _, _ in self.weights if self.l1.any() or self.l2.any() else ():
            sums += self.l1 * np.abs(p).sum(axis=1) + self.l2 / 2 * np.vecdot(p, p)
        return sums

    def _penalize(self) -> None:
        if self.l2.any():
            for p, g, _ in self.weights:
                g += self.l2[:, None] * p
        if self.l1.any():
            for p, g, _ in self.weights:
                g += self.l1[:, None] * np.sign(p)


class Update:
    """One parameter update after another, over column blocks of (R,P) that stay in cache.

    The optimizer is elementwise, so the blocks change no bit, and a member of a team can update
    columns of its own.
    """

    BLOCK = 1 << 16  # numbers of one array in one block

    def __init__(
        self,
        optimizer: Elementwise,
        flat: Array,
        slots: dict[str, Array],
        gradient: Gradient,
        columns: slice,
        total: int,
    ) -> None:
        self.optimizer, self.weights = optimizer, gradient.weights
        decays = [one.weight_decay or optimizer.decay() for one in gradient.regularization]
        self.decay = np.array(decays)[:, None]
        self.schedule, self.total = gradient.regularization[0].schedule, total
        own = {name: slot[:, columns] for name, slot in slots.items()}
        factors = None if gradient.rates is None else gradient.rates[columns].astype(flat.dtype)
        self.blocks = list(self._blocks(flat[:, columns], own, gradient.total, factors))

    def _blocks(
        self, flat: Array, slots: dict[str, Array], grad: Array, factors: Array | None
    ) -> Iterator[tuple[Array, Array, Views, Array | float]]:
        replicas, size = flat.shape
        width = max(1, min(size, self.BLOCK // replicas))
        work = {name: np.empty((replicas, width), grad.dtype) for name in self.optimizer.work}
        for start in range(0, size, width):
            cut = slice(start, min(start + width, size))
            parts = {name: slot[:, cut] for name, slot in slots.items()}
            spare = {name: array[:, : cut.stop - start] for name, array in work.items()}
            rates = 1.0 if factors is None else factors[cut]
            yield flat[:, cut], grad[:, cut], Views(**parts, **spare), rates

    def apply(self, rate: Array, t: int) -> Array:
        """Update for the t-th time at the rates (R,1); returns Σ θ² (R,), read while in cache."""
        if self.decay.any():
            decay = self.decay * self.schedule.factor(t - 1, self.total)
            for p, _, factor in self.weights:
                p *= 1 - rate * (decay * factor).astype(rate.dtype)
        sizes = np.zeros(len(rate), rate.dtype)
        for p, g, s, factors in self.blocks:
            self.optimizer.step(p, g, s, rate * factors, t)
            sizes += np.vecdot(p, p)
        return sizes


def _weights(
    network: Network, flat: Array, grad: Array, columns: slice
) -> Iterator[tuple[Array, Array, float]]:
    """Among the columns, those that decay, with their gradient and the factor on their decay."""
    for slot in network.slots:
        cut = slice(max(slot.start, columns.start), min(slot.stop, columns.stop))
        if slot.parameter.decays and cut.start < cut.stop:
            yield flat[:, cut], grad[:, cut], slot.parameter.rate * slot.parameter.decay
