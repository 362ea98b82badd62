"""Gradients of what a model answers, along a straight line between two rows of inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpcli.data.arrays import Floats
from bpcli.experiment.predictor import Ensemble, Predictor
from bpcli.nn import chain
from bpcli.nn.categories import Embedding
from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.scoring import BLOCK

STEP = 1e-5  # of a score, relative above 1: an error of about 1e-10


class Line:
    """Rows between `start` (1,I) and x (BLOCK,I) in one part of an ensemble.

    The number of a category has no half. Where categories have vectors, the line goes from vector
    to vector, and what it gains belongs to the input that is the number.
    """

    def __init__(self, part: Predictor, start: Floats, x: Floats) -> None:
        network, flat = part.network, part.flat.astype(np.float64)
        self._layers = network.layers
        self._params, self._grads = network.views(flat), network.views(np.zeros_like(flat))
        self._scratch = network.scratch(len(flat), BLOCK, np.float64, input_gradient=True)
        self._start, self._way = start, x - start
        kinds = [isinstance(layer, Embedding) for layer in self._layers]
        self._cut = kinds.index(True) if any(kinds) else None
        self._coded = len(part.features.layout.coded) if any(kinds) else 0
        if self._cut is not None:
            self._vectors = self._looked_up(np.broadcast_to(start, x.shape))
            self._vector_way = self._looked_up(x) - self._vectors
        self._sum = np.zeros((len(flat), *x.shape))
        self._vector_sum = np.zeros_like(self._vector_way) if self._coded else np.zeros(0)

    def scores(self, share: float) -> Array:
        """The scores (R,BLOCK,O) of the rows that lie so far along the line."""
        h = self._forward(slice(0, self._cut), (self._start + share * self._way)[None])
        if self._cut is None:
            return h
        h = self._forward(slice(self._cut, self._cut + 1), h)
        h[..., -self._vectors.shape[-1] :] = self._vectors + share * self._vector_way
        return self._forward(slice(self._cut + 1, None), h)

    def add(self, dz: Array, weight: float) -> None:
        """Add the gradient where `scores` was asked for last, from that by the scores (R,BLOCK,O);
        it takes `scores` to go on, since a backward pass writes over its arrays."""
        if self._cut is None:
            self._sum += weight * self._backward(slice(0, None), dz)
            return
        dy = self._backward(slice(self._cut + 1, None), dz)
        width = self._vectors.shape[-1]
        self._vector_sum += weight * dy[..., -width:]
        codes = np.zeros((*dy.shape[:-1], self._coded))
        dh = np.concatenate([dy[..., :-width], codes], axis=-1)
        self._sum += weight * self._backward(slice(0, self._cut), dh)

    def gains(self) -> Floats:
        """Way times gradient of each input (BLOCK,I), summed over the networks."""
        gains: Floats = (self._sum * self._way).sum(axis=0)
        if self._cut is not None:
            layer = self._layers[self._cut]
            assert isinstance(layer, Embedding)
            by_number = (self._vector_sum * self._vector_way).sum(axis=0)
            starts = np.cumsum([0, *(width for _, width in layer.tables[:-1])])
            gains[:, -self._coded :] = np.add.reduceat(by_number, starts, axis=-1)
        return gains

    def _looked_up(self, x: Floats) -> Array:
        """The vectors (R,BLOCK,V) of the categories."""
        assert self._cut is not None
        layer = self._layers[self._cut]
        assert isinstance(layer, Embedding)
        y = self._forward(slice(0, self._cut + 1), x[None])
        return y[..., -sum(width for _, width in layer.tables) :].copy()

    def _forward(self, some: slice, x: Array) -> Array:
        arrays = self._params[some], self._scratch[some]
        return chain.forward(self._layers[some], x, *arrays, EVALUATION)

    def _backward(self, some: slice, dy: Array) -> Array:
        arrays = self._params[some], self._grads[some], self._scratch[some]
        dx = chain.backward(self._layers[some], dy, *arrays)
        assert dx is not None
        return dx


def slopes(ensemble: Ensemble, scores: Sequence[Array], answers: Floats) -> list[Array]:
    """The gradients by the scores (R,B,O) of each part, for J sums of answers: (J,R,B,O).

    `answers` (B,J,M) says how much of each of the M answers is in a sum. From scores to answers
    there are link, units, mean and calibration; they are differentiated numerically, as there are
    few scores and many formulae.
    """
    found = [np.empty((answers.shape[1], *z.shape)) for z in scores]
    for slope, z, (r, o) in _each_score(found, scores):
        kept = z[r, :, o].copy()
        step = STEP * np.maximum(1, np.abs(kept))
        z[r, :, o] = kept + step
        ahead = _answer(ensemble, scores)
        z[r, :, o] = kept - step
        change = (ahead - _answer(ensemble, scores)) / (2 * step)[:, None]
        z[r, :, o] = kept
        slope[:, r, :, o] = (answers * change[:, None]).sum(axis=-1).T
    return found


def _each_score(
    found: Sequence[Array], scores: Sequence[Array]
) -> Iterator[tuple[Array, Array, tuple[int, int]]]:
    for slope, z in zip(found, scores, strict=True):
        for r, o in np.ndindex(z.shape[0], z.shape[2]):
            yield slope, z, (r, o)


def _answer(ensemble: Ensemble, scores: Sequence[Array]) -> Floats:
    """The M answers (B,M) that the scores of all parts stand for."""
    pairs = zip(ensemble.parts, scores, strict=True)
    each = np.concatenate([part.from_scores(z) for part, z in pairs])
    prediction = ensemble.together(each)
    return prediction.reshape(len(prediction), -1)
