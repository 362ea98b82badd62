"""K-means of rows in memory, by the engine's own Lloyd: for what has to be clustered on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.data.arrays import Ints
from bpcli.metrics.metric import Floats
from bpcli.nn.batches import Rows
from bpcli.nn.losses.clusters import KMeans
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.prototypes import Prototypes
from bpcli.nn.schedules import Constant
from bpcli.nn.state import State
from bpcli.nn.survey import survey
from bpcli.nn.training import train

STEPS = 100


def kmeans(x: Floats, k: int, seed: int, names: Sequence[int]) -> tuple[Floats, Floats]:
    """Centres (R,K,I) and mean squared distance to them (R,), one run a name.

    The runs share the rows x (1,N,I), or have their own (R,N,I).
    """
    n = x.shape[1]
    rows = Rows(x, np.zeros((len(x), n, 0)))
    network, loss = Network([Prototypes(units=k)], x.shape[2:]), KMeans(k=k)
    ones = [1.0] * len(names)
    method = Method(loss, Lloyd(), Constant(), ones, n, STEPS, seed, replicas=names)
    state = State.start(network, method, "float64", rows)
    last: Floats = np.full(len(names), np.inf)
    for epoch in train(network, method, state, rows):
        survey(network, loss, state, rows)
        last = np.asarray(epoch.loss, np.float64)
    return np.array(network.views(state.flat)[0].W.mT, np.float64), last


def lowest(x: Floats, k: int, seed: int, starts: int = 20) -> Floats:
    """The centres (K,I) of rows x (N,I) that are the best from so many starts."""
    centres, losses = kmeans(x[None].astype(np.float64), k, seed, range(starts))
    best: Floats = centres[int(losses.argmin())]
    return best


def nearest(x: Floats, centres: Floats) -> Floats:
    """The distances (N,K) of rows x (N,I) to centres (K,I)."""
    squares = np.vecdot(x, x)[:, None] + np.vecdot(centres, centres) - 2 * (x @ centres.T)
    distances: Floats = np.sqrt(np.maximum(squares, 0))
    return distances


def drawn_rows(rows: Ints, most: int, rng: np.random.Generator) -> Ints:
    """At most so many of the rows, in their order."""
    return rows if len(rows) <= most else np.sort(rng.permutation(rows)[:most])
