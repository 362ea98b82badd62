"""A look at all training rows between two epochs, for losses that need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from bpcli.nn.layer import Array

KMeansOf = Callable[[Array, int], Array]  # rows (N,D) and K to centres (K,D)


class Survey(NamedTuple):
    """What a loss sees of all training rows; it may change the centres, and what it remembers."""

    c: Array | None  # row weights (1|R,N,1)
    points: Callable[[], Array]  # (1|R,N,D), what the centres lie among
    scores: Callable[[], Array]  # z (R,N,O) with the weights of the moment
    centres: Array  # (R,K,D), views of the weights
    flat: Array  # (R,P)
    memory: Mapping[str, Array]  # what the loss keeps from one look to the next
    epoch: int  # that is over, from 1
    kmeans: KMeansOf | None = None

    def replicas(self) -> Iterator[tuple[Array, Array, Array]]:
        """Rows x (N,D) and scores z (N,O) of those with a weight, and the centres w (K,D)."""
        points = self.points()
        for r, (z, w) in enumerate(zip(self.scores(), self.centres, strict=True)):
            x = points[min(r, len(points) - 1)]
            if self.c is None:
                yield x, z, w
            else:
                counts = self.c[min(r, len(self.c) - 1), :, 0] > 0
                yield x[counts], z[counts], w
