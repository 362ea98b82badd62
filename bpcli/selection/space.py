"""What `bpcli tune` tries where the config does not say."""

from __future__ import annotations

from bpcli.experiment.config import Config
from bpcli.experiment.distributions import Choice, Distribution, LogInteger, LogUniform, Uniform
from bpcli.experiment.presets import MLP

_TRAINING: dict[str, Distribution] = {
    "learning_rate": LogUniform(range=(3e-4, 3e-2)),
    "regularization.weight_decay": LogUniform(range=(1e-6, 1e-1)),
    "batch_size": Choice(values=(32, 64, 128, 256)),
}
_NETWORK: dict[str, Distribution] = {
    "network.mlp.width": LogInteger(range=(16, 512)),
    "network.mlp.depth": Choice(values=(1, 2, 3, 4)),
    "network.mlp.activation": Choice(values=("relu", "silu", "selu", "tanh", "mish")),
    "network.mlp.normalization": Choice(values=(None, "layer_norm", "batch_norm")),
    "network.mlp.dropout": Uniform(range=(0.0, 0.5)),
}


def space_of(config: Config) -> dict[str, Distribution]:
    """The config's own space, else the usual one: of the network too, unless it names another."""
    if config.tune.space is not None:
        return config.tune.space
    own = config.network is not None and not isinstance(config.network, MLP)
    return _TRAINING if own else {**_NETWORK, **_TRAINING}
