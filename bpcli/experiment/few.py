"""What few rows are trained as where the network is left open; folds choose among them.

Where they cannot choose between the two `mlp`, members have the penalties of both in turn.
"""

from __future__ import annotations

from typing import Any

from bpcli.experiment.presets import MLP, Linear
from bpcli.nn.optimizers.history import LBFGS

FEW = 400  # training rows, below which three wide layers find too little to learn from

TRIED = 200  # updates after which folds can tell which of them leads

# By name the keys that make it. All rows fit one step, and a convex loss is solved in some tens of
# them; five mlp need no more than 500 updates.
_CONVEX: dict[str, Any] = {"optimizer": LBFGS(), "iterations": 100}
_SHORT: dict[str, Any] = {"learning_rate": 0.01, "iterations": 500}
CANDIDATES: dict[str, dict[str, Any]] = {
    Linear.name: {"network": Linear(prior=1.0), **_CONVEX},
    MLP.name: {"network": MLP(), **_SHORT},
    "mlp of small weights": {"network": MLP(prior=0.5), **_SHORT},
}
IN_TURN = 1.0, 4.0  # penalties of the two mlp, as 1/σ² of their priors
