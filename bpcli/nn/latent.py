"""The two halves of a network that ends in one layer: what comes before it, and its last branch.

An autoencoder ends in a `parallel` layer, whose last branch is the decoder; what goes into it are
the latent numbers. K-means is its last layer alone, and has the data there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.nn.composite import Parallel
from bpcli.nn.layer import Array
from bpcli.nn.network import Network
from bpcli.nn.prototypes import Prototypes
from bpcli.nn.scoring import Scorer


class Half(NamedTuple):
    """A part of a network with its parameters (R,P)."""

    network: Network
    flat: Array

    def __call__(self, x: Array) -> Array:
        """What it makes of rows x (N,I) or (1|R,N,I): (R,N,O); rows (1,N,I) where it is empty."""
        if not self.network.layers:
            return x if x.ndim == 3 else x[None]
        return Scorer(self.network, self.flat)(x)


def encoder(network: Network, flat: Array) -> Half:
    """All layers but the last, from the inputs to the latent numbers."""
    half = _front(network)
    return Half(half, np.ascontiguousarray(flat[:, : half.size]))


def decoder(network: Network, flat: Array) -> Half:
    """The last branch of the last layer, from the latent numbers back; empty for K-means."""
    last = network.layers[-1]
    layers = last.branches[-1] if isinstance(last, Parallel) else ()
    half = Network(layers, _front(network).out_shape)
    return Half(half, np.ascontiguousarray(flat[:, network.size - half.size :]))


def centres(network: Network, flat: Array) -> Array:
    """The centres (R,K,D) of the last layer or of its first branch, as a view of (R,P)."""
    views = network.views(flat)[-1]
    if not isinstance(network.layers[-1], Prototypes):
        views = views.inner[0][0]
    return views.W.mT


def _front(network: Network) -> Network:
    return Network(network.layers[:-1], network.in_shape)
