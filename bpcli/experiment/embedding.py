"""The latent numbers of rows by a trained model, and the way back to inputs."""

from __future__ import annotations

import numpy as np

from bpcli.experiment.predictor import Predictor
from bpcli.metrics.metric import Floats
from bpcli.nn import latent


def embedded(part: Predictor, x: Floats) -> Floats:
    """What the only network of a model gives its last layer (N,D), from encoded inputs x (N,I)."""
    found: Floats = latent.encoder(part.network, part.flat.astype(np.float64))(x)[0]
    return found


def decoded(part: Predictor, z: Floats) -> Floats:
    """The inputs (N,I) that latent numbers z (N,D) stand for."""
    found: Floats = latent.decoder(part.network, part.flat.astype(np.float64))(z)[0]
    return found
