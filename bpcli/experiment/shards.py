"""Which trainings can be computed in shards, and in local steps of these."""

from __future__ import annotations

from collections.abc import Iterator

from bpcli.config.errors import ConfigError, Notice, Problem
from bpcli.experiment.config import Config
from bpcli.nn.method import Method
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
    elif config.loss and config.loss.retargets:
        what = f"{config.loss.name} changes the targets of all rows while it trains"
    else:
        return
    fix = "leave out shards, or use layer_norm, an optimizer such as adam, and one network"
    raise ConfigError(Problem("BP-C140", "shards", what, fix))


def require_steps(config: Config, method: Method, rows: int) -> None:
    """Raises ConfigError where the shards of so many rows cannot take steps of their own."""
    size, shards = method.batch_size, method.shards
    if config.sync_every == 1:
        return
    if config.shards is None:
        what, fix = "is about shards of the rows, and there are none", "set shards, or leave it out"
    elif size >= rows:
        what = f"an epoch is one update of all {rows} rows, so there is nothing to take in between"
        fix = "set batch_size to a part of the rows, or leave it out"
    elif size < shards:
        what = f"a batch of {size} rows has none for some of the {shards} shards"
        fix = f"set batch_size to {shards} or more, or fewer shards"
    else:
        return
    raise ConfigError(Problem("BP-C141", "sync_every", what, fix))


def local_steps(config: Config) -> Iterator[Notice]:
    """That training is another algorithm than descent along the gradient of whole batches."""
    if config.sync_every > 1:
        what = (
            f"each shard takes {config.sync_every} updates by itself until all are averaged: "
            "local SGD, which is another algorithm than sync_every: 1 and finds another model"
        )
        yield Notice("BP-C142", "sync_every", what)
