"""One batch through the network as its update sees it, and what of that is one row's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.insight.notation import Letters, letters
from bpcli.insight.places import Place, places
from bpcli.insight.recording import Passed, Recorder, heard
from bpcli.nn.batches import Batch
from bpcli.nn.layer import Array, Context, Views
from bpcli.nn.method import Method
from bpcli.nn.network import Network, at
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.random import NoiseKey
from bpcli.nn.update import Gradient


class Step(NamedTuple):
    """A layer and what goes through it for the row: x (I,) → y (O,), ∂L/∂y → ∂L/∂x."""

    place: Place
    letters: Letters
    x: Array
    y: Array
    dy: Array | None
    dx: Array | None


class LossOfRow(NamedTuple):
    """From the scores of the row to its part of the loss."""

    scores: Array
    prediction: Array
    target: Array
    value: float  # ℓ of the row
    weight: float  # c; those of a batch sum to 1
    batch: float  # L, of the whole batch


class Walk:
    """One batch at fixed parameters, as its update sees it."""

    def __init__(
        self, network: Network, method: Method, batch: Batch, iteration: int, flat: Array
    ) -> None:
        self.places, self.method, self.batch = places(network), method, batch
        self.log = Recorder()
        self.network = heard(network, self.log)
        moment = 0 if isinstance(method.optimizer, LBFGS) else iteration
        noise = (NoiseKey(method.seed, method.replicas[0]),)
        self.context = Context(True, moment, method.iterations, noise)
        self.flat = flat.copy()  # batch_norm changes its statistics
        self.grad = np.zeros((1, *flat.shape), flat.dtype)
        rows, dtype = batch.x.shape[1], flat.dtype
        self.scratch = self.network.scratch(1, rows, dtype)
        shapes = method.loss.scratch(*self.network.out_shape)
        self.work = Views(**{n: np.empty((1, rows, *s), dtype) for n, s in shapes.items()})

    def of_row(self, row: int) -> tuple[Array, Array, LossOfRow, tuple[Step, ...]]:
        """(gradient of the batch, the row's part of it, its loss, what goes through each layer)."""
        z, value = self._forward()
        loss = self._loss(z, value, row)
        self._backward()
        whole = slice(0, self.network.size)
        clipped = Gradient(
            self.network, self.flat, self.grad, self.method.regularization, self.method.clip, whole
        )
        clipped.shorten(np.sqrt(clipped.gather()))
        gradient = self.grad[0, 0].copy()
        self._forward()  # layers reuse what they have written
        mine = self.work.dz[:, row].copy()
        self.work.dz.fill(0)
        self.work.dz[:, row] = mine
        self.grad.fill(0)
        self._backward()
        steps = self._steps(row)
        return gradient, self.grad[0, 0].copy(), loss, steps

    def _forward(self) -> tuple[Array, float]:
        x, t, c, *_ = self.batch
        params = self.network.views(self.flat)
        z = self.network.forward(x, params, self.scratch, self.context)
        return z, float(self.method.loss.value(z, t, c, self.work)[0])

    def _backward(self) -> None:
        params, grads = self.network.views(self.flat), self.network.views(self.grad[0])
        self.network.backward(self.work.dz, params, grads, self.scratch)

    def _loss(self, z: Array, value: float, row: int) -> LossOfRow:
        one = slice(row, row + 1)
        scores, target, c = z[:, one].copy(), self.batch.t[:, one], self.batch.c
        shapes = self.method.loss.scratch(*self.network.out_shape)
        work = Views(**{n: np.empty((1, 1, *s), z.dtype) for n, s in shapes.items()})
        own = self.method.loss.value(scores.copy(), target, np.ones((1, 1, 1), z.dtype), work)
        return LossOfRow(
            scores[0, 0],
            self.method.loss.link(scores)[0, 0],
            target[0, 0].copy(),
            float(own[0]),
            float(c[0, row if c.shape[1] > 1 else 0, 0]),
            value,
        )

    def _steps(self, row: int) -> tuple[Step, ...]:
        named, found = letters(self.places), []
        for index, place in enumerate(self.places):
            passed = self.log[index] if index in self.log else self._beside(place)
            x, y, dy, dx = (None if a is None else a[0, row] for a in passed)
            assert x is not None and y is not None
            found.append(Step(place, named[place.path], x, y, dy, dx))
        return tuple(found)

    def _beside(self, place: Place) -> Passed:
        """What went through the projection of a layer beside its other chains."""
        outer = next(i for i, one in enumerate(self.places) if one.path == place.path[:-2])
        around, s = self.log[outer], at(self.scratch, place.path)
        return Passed(around.x, s.y, around.dy, s.dx)
