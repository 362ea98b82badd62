"""What a loss does between two epochs, when it may look at all training rows at once."""

from __future__ import annotations

from bpcli.nn.batches import Rows
from bpcli.nn.latent import centres, encoder
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.survey import KMeansOf, Survey
from bpcli.nn.network import Network
from bpcli.nn.scoring import Scorer
from bpcli.nn.state import State


def survey(
    network: Network,
    loss: Loss,
    state: State,
    rows: Rows,
    epoch: int = 0,
    kmeans: KMeansOf | None = None,
) -> None:
    """Let the loss look at the rows with the weights of the moment, if it wants to.

    Lloyd has looked at all of them: where each centre had some there is no need.
    """
    full = state.slots.get("full")
    if loss.surveys and (full is None or not full.all()):
        flat = state.flat
        seen = Survey(
            rows.c,
            lambda: encoder(network, flat)(rows.x),
            lambda: Scorer(network, flat)(rows.x),
            centres(network, flat),
            flat,
            state.loss,
            epoch,
            kmeans,
        )
        loss.survey(seen)
