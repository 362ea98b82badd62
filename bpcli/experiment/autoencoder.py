"""An autoencoder's two halves: the layers to the latent numbers, and those back to the inputs."""

from __future__ import annotations

from bpcli.config.errors import ConfigError, Problem
from bpcli.experiment.config import Config
from bpcli.nn import chain
from bpcli.nn.activations import Relu
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense

_WIDTH, _LATENT = 128, 10


def with_decoder(config: Config, inputs: int) -> Config:
    """The config with both halves written out.  Raises ConfigError where that cannot be."""
    layers = usual_encoder(inputs) if config.network is None else config.network
    if not isinstance(layers, tuple) or not layers:
        what = "an autoencoder is a list of layers, the last of which gives the latent numbers"
        fix = "write them out, such as network: [{dense: 64}, relu, {dense: 8}]"
        raise ConfigError(Problem("BP-C177", "network", what, fix))
    try:
        back = mirror(layers, inputs) if config.decoder is None else config.decoder
    except ValueError as error:
        fix = "write the layers from the latent numbers back to the inputs: decoder: […]"
        raise ConfigError(Problem("BP-C176", "network", str(error), fix)) from None
    return config.model_copy(update={"network": layers, "decoder": back})


def usual_encoder(inputs: int) -> tuple[Layer, ...]:
    """The layers where a config names none: ten latent numbers, or half as many as inputs."""
    latent = max(1, min(_LATENT, inputs // 2))
    return Dense(units=_WIDTH), Relu(), Dense(units=_WIDTH), Relu(), Dense(units=latent)


def mirror(layers: tuple[Layer, ...], inputs: int) -> tuple[Layer, ...]:
    """The hidden layers of the way back, for so many inputs.

    What stands before the first dense layer, such as noise, and behind the last is not repeated.
    Raises ValueError for a layer that leads nowhere back.
    """
    dense = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
    if not dense:
        raise ValueError("there is no dense layer that could be mirrored")
    first, last = dense[0] + 1, dense[-1] + 1
    plans = tuple(chain.plan_chain(layers[:first], (inputs,)))
    return chain.mirrored(layers[first:last], plans[-1].out_shape)
