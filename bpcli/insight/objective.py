"""What training minimises, as a function of the parameters: fixed rows, fixed random draws."""

from __future__ import annotations

import numpy as np

from bpcli.experiment.problem import LearningProblem
from bpcli.nn.batches import Batch, Batches, Rows
from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network
from bpcli.nn.random import NoiseKey
from bpcli.nn.team import ALONE
from bpcli.nn.update import Clip, Gradient, Regularization


class Objective:
    """L(θ) of one network: the weighted loss of some rows, with what l1 and l2 add to it."""

    def __init__(
        self, network: Network, loss: Loss, regularization: Regularization, rows: Rows, seed: int
    ) -> None:
        """All of the rows are one batch; dropout and noise draw what the first update draws."""
        self.network, self.loss = network, loss
        (batch,) = Batches(rows, rows.x.shape[1], seed, ALONE).of_epoch(0, 0, 1)
        self.batch: Batch = batch
        self.context = Context(training=True, noise=(NoiseKey(seed, 0),))
        dtype, count = rows.x.dtype, rows.x.shape[1]
        self.flat = np.empty((1, network.size), dtype)
        self.grad = np.zeros((1, 1, network.size), dtype)
        self._params, self._grads = network.views(self.flat), network.views(self.grad[0])
        self._scratch = network.scratch(1, count, dtype)
        shapes = loss.scratch(*network.out_shape)
        self._work = Views(**{n: np.empty((1, count, *s), dtype) for n, s in shapes.items()})
        everything = slice(0, network.size)
        self._gradient = Gradient(
            network, self.flat, self.grad, (regularization,), Clip(), everything
        )

    @classmethod
    def of(cls, problem: LearningProblem, rows: int) -> Objective:
        """That of a problem on so many of its training rows, spread over all of them."""
        all_rows = problem.training_rows()
        count = all_rows.x.shape[1]
        some = np.unique(np.linspace(0, count - 1, min(rows, count)).round().astype(int))
        x, t, c = (None if a is None else np.ascontiguousarray(a[:, some]) for a in all_rows)
        config = problem.config
        assert x is not None and t is not None and config.regularization is not None
        return cls(problem.network, problem.loss, config.regularization, Rows(x, t, c), config.seed)

    def value(self, flat: Array) -> float:
        """L at parameters (1,P)."""
        np.copyto(self.flat, flat)
        return self._forward() + float(self._gradient.penalty()[0])

    def gradient(self, flat: Array) -> Array:
        """dL/dθ (1,P) by backpropagation."""
        np.copyto(self.flat, flat)
        self._forward()
        self.network.backward(self._work.dz, self._params, self._grads, self._scratch)
        self._gradient.gather()
        gradient: Array = self.grad[0].copy()
        return gradient

    def _forward(self) -> float:
        x, t, c, *_ = self.batch
        z = self.network.forward(x, self._params, self._scratch, self.context)
        return float(self.loss.value(z, t, c, self._work)[0])
