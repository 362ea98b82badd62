"""Start values that look at training rows, after those that do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpcli.nn.batches import Ints, Rows
from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.network import Network, at
from bpcli.nn.random import Purpose, generator


def calibrate(
    network: Network, flat: Array, rows: Rows | None, seed: int, names: Sequence[int]
) -> None:
    """Let each start that adapts see what its layer makes of rows, layer after layer.

    Each replica of (R,P), by its name, on training rows with a weight, at even steps: the result
    depends neither on the other replicas nor on rows that are left out.
    """
    slots = [slot for slot in network.slots if slot.parameter.init.adapts]
    if not slots:
        return
    if rows is None:
        raise ValueError(f"{slots[0].parameter.init.name} needs training rows to start from")
    for replica, name in enumerate(names):
        rng = generator(seed, Purpose.START, name)
        own, used = flat[replica : replica + 1], _used(rows, replica)
        params = network.views(own)
        for slot in slots:
            parameter = slot.parameter
            some = used[:: -(-len(used) // parameter.init.rows)]
            seen = rows.x[min(replica, len(rows.x) - 1)][some][None]
            scratch = network.scratch(1, seen.shape[1], flat.dtype)
            network.forward(seen, params, scratch, EVALUATION)
            part = own[0, slot.start : slot.stop].reshape(parameter.shape)
            layer = at(scratch, slot.path)
            parameter.init.adapt(part, layer.x[0], layer.y[0], rng)


def _used(rows: Rows, replica: int) -> Ints:
    """The rows that count for a replica."""
    if rows.c is None:
        return np.arange(rows.x.shape[1])
    return np.flatnonzero(rows.c[min(replica, len(rows.c) - 1), :, 0] > 0)
