"""Start values that look at training rows, after those that do not."""

from __future__ import annotations

from bpcli.nn.batches import Rows
from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.network import Network, at

MOST_ROWS = 1024


def calibrate(network: Network, flat: Array, rows: Rows | None) -> None:
    """Let each start that adapts see what its layer makes of rows, layer after layer.

    Each replica of (R,P) by itself, on its first training rows with a weight: the result depends
    neither on the other replicas nor on rows that are left out.
    """
    slots = [slot for slot in network.slots if slot.parameter.init.adapts]
    if not slots:
        return
    if rows is None:
        raise ValueError(f"{slots[0].parameter.init.name} needs training rows to start from")
    for replica in range(len(flat)):
        own, x = flat[replica : replica + 1], _first_rows(rows, replica)
        params = network.views(own)
        scratch = network.scratch(1, x.shape[1], flat.dtype)
        for slot in slots:
            network.forward(x, params, scratch, EVALUATION)
            slot.parameter.init.adapt(own[:, slot.start : slot.stop], at(scratch, slot.path).y[0])


def _first_rows(rows: Rows, replica: int) -> Array:
    """The first rows (1,B,I) that count for a replica."""
    x = rows.x[min(replica, len(rows.x) - 1)]
    if rows.c is not None:
        x = x[rows.c[min(replica, len(rows.c) - 1), :, 0] > 0]
    return x[None, :MOST_ROWS]
