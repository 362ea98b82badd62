"""The last layer of a network: it follows from the task, as the first ones from the columns."""

from __future__ import annotations

from bpcli.experiment.config import Config
from bpcli.nn.composite import Parallel
from bpcli.nn.ensembling import MemberDense
from bpcli.nn.layer import Layer
from bpcli.nn.losses.clusters import Clustering
from bpcli.nn.losses.members import MemberLoss
from bpcli.nn.prototypes import Prototypes


def last_layer(config: Config, outputs: int) -> Layer:
    """The layer that gives the scores of a resolved config's loss: so many outputs.

    Behind latent numbers it is the decoder, beside the centres where there are some.
    """
    k = config.loss.clusters if isinstance(config.loss, Clustering) else 0
    centres = (Prototypes(units=k),) if k else ()
    if config.decoder is None and centres:
        return centres[0]
    assert config.output_layer
    if isinstance(config.loss, MemberLoss):
        return MemberDense(units=outputs, **dict(config.output_layer))
    output = config.output_layer.layer(outputs - k)
    if config.decoder is None:
        return output
    back = (*config.decoder, output)
    return Parallel(branches=(centres, back) if k else (back,))
