"""Which trainings can be computed in shards."""

from __future__ import annotations

from bpcli.config.errors import ConfigError, Problem
from bpcli.experiment.config import Config
from bpcli.nn.network import Network
from bpcli.nn.optimizers.optimizer import Elementwise


def require_apart(config: Config, network: Network) -> None:
    """Raises ConfigError where the gradient of a batch is no sum over shards of its rows."""
    if config.shards is None:
        return
    whole = next((layer.name for layer in network.layers if layer.needs_whole_batch), None)
    if whole:
        what = f"{whole} looks at all rows of a batch, so its gradient is no sum over shards"
    elif not isinstance(config.optimizer, Elementwise):
        assert config.optimizer
        what = f"{config.optimizer.name} takes more than one gradient from each update"
    elif config.networks > 1:
        what = f"{config.networks} networks train at once, and shards are for one"
    else:
        return
    fix = "leave out shards, or use layer_norm, an optimizer such as adam, and one network"
    raise ConfigError(Problem("BP-C140", "shards", what, fix))
