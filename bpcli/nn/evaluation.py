"""Loss and gradient of some rows: the forward pass, the loss and the backward pass."""

from __future__ import annotations

import numpy as np

from bpcli.nn.batches import Batch
from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.random import NoiseKey


class Evaluation:
    """Evaluates rows at the parameters `flat` (R,P) and fills `grad` (R,P) with their gradient."""

    def __init__(self, network: Network, method: Method, flat: Array, grad: Array) -> None:
        self.network, self.method, self.grad = network, method, grad
        self.params, self.grads = network.views(flat), network.views(grad)
        keys = {name: NoiseKey(method.seed, name) for name in set(method.replicas)}
        self.noise = tuple(keys[name] for name in method.replicas)
        self.last_scratch: list[Views] = []  # the work arrays of the last rows
        self.work: dict[int, tuple[list[Views], Views]] = {}  # by rows: full batch and remainder

    def __call__(self, batch: Batch, iteration: int) -> Array:
        """The rows' share of L (R,), after so many updates."""
        if not batch.x.shape[1]:
            self.grad.fill(0)
            return np.zeros(len(self.grad))
        layers, loss = self._scratch(batch.x.shape[1])
        self.last_scratch = layers
        # L-BFGS compares the gradients of one function, so its noise is the same in all steps.
        moment = 0 if isinstance(self.method.optimizer, LBFGS) else iteration
        context = Context(True, moment, self.method.iterations, self.noise, batch.first)
        z = self.network.forward(batch.x, self.params, layers, context)
        value = self.method.loss.value(z, batch.t, batch.c, loss)
        _flush(loss.dz)
        self.network.backward(loss.dz, self.params, self.grads, layers)
        return value

    def _scratch(self, rows: int) -> tuple[list[Views], Views]:
        if rows not in self.work:
            replicas, dtype = len(self.grad), self.grad.dtype
            (width,) = self.network.out_shape
            shapes = self.method.loss.scratch(width)
            loss = {n: np.empty((replicas, rows, *shape), dtype) for n, shape in shapes.items()}
            self.work[rows] = self.network.scratch(replicas, rows, dtype), Views(**loss)
        return self.work[rows]


def _flush(dz: Array) -> None:
    """Set to zero what would give subnormal numbers, with which a product takes 50 times as long.

    A row that is learned leaves a gradient that no update notices: its square is below the
    smallest normal number.
    """
    dz[np.abs(dz) < np.sqrt(np.finfo(dz.dtype).tiny)] = 0
