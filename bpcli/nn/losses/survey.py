"""A look at all training rows between two epochs, for losses that need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bpcli.nn.layer import Array


class Survey(NamedTuple):
    """What a loss sees of all training rows; it may change the centres."""

    x: Array  # (1|R,N,I), what the centres lie among
    c: Array | None  # row weights (1|R,N,1)
    scores: Callable[[], Array]  # z (R,N,O) with the weights of the moment
    centres: Array  # (R,K,I), views of the weights

    def replicas(self) -> Iterator[tuple[Array, Array, Array]]:
        """Rows x (N,I) and scores z (N,O) of those with a weight, and the centres w (K,I)."""
        for r, (z, w) in enumerate(zip(self.scores(), self.centres, strict=True)):
            x = self.x[min(r, len(self.x) - 1)]
            if self.c is None:
                yield x, z, w
            else:
                counts = self.c[min(r, len(self.c) - 1), :, 0] > 0
                yield x[counts], z[counts], w
