"""What is noteworthy about a training that has ended, though nothing went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.config.errors import Notice
from bpcli.experiment.replicas import Replica
from bpcli.nn.divergence import layer_at
from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.network import Network

ROWS = 1024  # that a layer is looked at with


def remarks(replicas: Sequence[Replica]) -> list[Notice]:
    """Of each training a threshold that was not reached, and a layer in which nothing lives."""
    found = []
    for number, one in enumerate(replicas, 1):
        problem, rows, _ = one.lesson
        own = [*missed(one), *stopped(problem.network, one.weights, rows.x[:, :ROWS])]
        member = f"member {number}, " if len(replicas) > 1 else ""
        found += [notice._replace(where=member + notice.where) for notice in own]
    return found


def missed(one: Replica) -> list[Notice]:
    """That the training loss has not come below `stop.threshold`."""
    threshold, last = one.lesson.problem.config.stop.threshold, one.last
    if threshold is None or last is None or last.train_loss < threshold:
        return []
    what = f"the training loss is {last.train_loss:.4g} at the end, not below {threshold:g}"
    fix = "train longer, or with another learning_rate"
    return [Notice("BP-N003", "stop.threshold", what, fix)]


def stopped(network: Network, flat: Array, x: Array) -> list[Notice]:
    """The first layer that gives all rows x (1,N,I) the same y: its units are dead or saturated."""
    if _same(x):
        return []
    scratch = network.scratch(len(flat), x.shape[1], flat.dtype)
    z = network.forward(x, network.views(flat), scratch, EVALUATION)
    for passed, y in enumerate([*(s.x for s in scratch[1:]), z], 1):
        if _same(y):
            zeros = f"{np.mean(y == 0):.0%} of them zero"
            what = (
                f"it gives every training row the same numbers, {zeros}: its units are dead or "
                "saturated, and the prediction does not depend on the row"
            )
            fix = "lower learning_rate, or use leaky_relu or another init"
            return [Notice("BP-N004", layer_at(network, passed), what, fix)]
    return []


def _same(y: Array) -> bool:
    """Whether all rows of (R,N,O) are equal, for some replica."""
    return bool((np.ptp(y, axis=1) == 0).all(axis=-1).any())
