"""What a loss does between two epochs, when it may look at all training rows at once."""

from __future__ import annotations

from bpcli.nn.batches import Rows
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.survey import Survey
from bpcli.nn.network import Network
from bpcli.nn.scoring import Scorer
from bpcli.nn.state import State


def survey(network: Network, loss: Loss, state: State, rows: Rows) -> None:
    """Let the loss look at the rows with the weights of the moment, if it wants to."""
    if loss.surveys:
        scorer = Scorer(network, state.flat)
        centres = network.views(state.flat)[-1].W.mT
        loss.survey(Survey(rows.x, rows.c, lambda: scorer(rows.x), centres))
