"""The engine: forward pass, loss, backward pass and parameter update, in NumPy.

Layers own nothing. A layer, loss, optimizer or schedule is a frozen description; every array it
touches is passed in. Shape letters, the same in every file:

    R  replicas, networks that train side by side      I, O  inputs and outputs of a layer
    B  rows of a batch                                  P     parameters of one network
    h, w, C  height, width and channels of an image (R,B,h,w,C): channels last

    x, y     input and output of a layer (R,B,I), (R,B,O)       dx, dy  their gradients
    p, g, s  parameters, gradients, scratch of a layer: namespaces of views, alive during a run
    z, t, c  scores (logits), targets, row weights; the weights of a batch sum to 1

Read in this order: random, initializers, layer, activations, layers, losses, optimizers,
schedules, network, scoring, training.
"""

from bpcli.nn import (
    activations,
    augmentation,
    categories,
    composite,
    convolution,
    ensembling,
    images,
    initializers,
    layers,
    losses,
    normalization,
    numbers,
    optimizers,
    pooling,
    prototypes,
    schedules,
)

__all__ = [
    "activations",
    "augmentation",
    "categories",
    "composite",
    "convolution",
    "ensembling",
    "images",
    "initializers",
    "layers",
    "losses",
    "normalization",
    "numbers",
    "optimizers",
    "pooling",
    "prototypes",
    "schedules",
]
