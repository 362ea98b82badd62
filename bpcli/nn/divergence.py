"""Numbers that are not finite: where they begin, in which layer and in which pass."""

from __future__ import annotations

import numpy as np

from bpcli.nn.layer import Array, Views
from bpcli.nn.network import Network


class Diverged(ArithmeticError):
    """A loss, gradient or weight is not finite; the parameters are finite ones from before."""

    def __init__(
        self, what: str, replica: int, iteration: int, rate: float, loss_before: float, layer: str
    ) -> None:
        super().__init__(f"the {what} is not finite at iteration {iteration}")
        self.what, self.iteration, self.rate = what, iteration, rate
        self.replica = replica  # the first one of which this is true
        self.loss_before = loss_before  # nan at the first update of a training, or after a resume
        self.layer = layer  # the first one with numbers that are not finite

    def __reduce__(self) -> tuple[type[Diverged], tuple[object, ...]]:
        """Pickled by what it was made of."""
        numbers = self.replica, self.iteration, self.rate, self.loss_before
        return Diverged, (self.what, *numbers, self.layer)


def layers_passed(scratch: list[Views], replica: int) -> int:
    """How many layers a replica's rows are through before they are not finite."""
    for passed, s in enumerate(scratch):
        if not np.isfinite(s.x[replica % len(s.x)]).all():  # the data may be of all replicas
            return passed
    return len(scratch)


def layer_at(network: Network, passed: int) -> str:
    """`layer 2 (dense)`, behind which numbers are not finite; `the data` before the first."""
    return f"layer {passed} ({network.layers[passed - 1].name})" if passed else "the data"


def layer_of(network: Network, flat: Array) -> str:
    """The last layer whose part of an array (…,P) is not finite: where a backward pass meets it."""
    for slot in reversed(network.slots):
        if not np.isfinite(flat[..., slot.start : slot.stop]).all():
            return layer_at(network, slot.path[0] + 1)
    return ""
