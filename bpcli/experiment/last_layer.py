"""The last layer of a network: it follows from the task, as the first ones from the columns."""

from __future__ import annotations

from bpcli.experiment.config import Config
from bpcli.nn.ensembling import MemberDense
from bpcli.nn.layer import Layer
from bpcli.nn.losses.clusters import Clustering
from bpcli.nn.losses.members import MemberLoss
from bpcli.nn.prototypes import Prototypes


def last_layer(config: Config, outputs: int) -> Layer:
    """The layer that gives the scores of a resolved config's loss: so many outputs."""
    if isinstance(config.loss, Clustering):
        return Prototypes(units=config.loss.clusters)
    assert config.output_layer
    if isinstance(config.loss, MemberLoss):
        return MemberDense(units=outputs, **dict(config.output_layer))
    return config.output_layer.layer(outputs)
