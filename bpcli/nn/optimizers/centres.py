"""The optimizer that only K-means has: each centre to the mean of its rows at once."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from bpcli.nn.layer import Shape
from bpcli.nn.optimizers.optimizer import Optimizer


class Lloyd(Optimizer):
    """θ ← θ − lr g / (2 s), s the share of the rows nearest to the centre θ: at lr = 1 their mean.

    Newton's step for K-means, on all rows: no ε, and no weight_decay, which acts on no centre. A
    centre without rows stays where it is. Training ends where all have rows and none moves.  Lloyd
    1982, doi:10.1109/TIT.1982.1056489; Bottou & Bengio 1995, NeurIPS 7:585
    """

    name: ClassVar[str] = "lloyd"
    learning_rate: ClassVar[float] = 1.0
    full_batch: ClassVar[bool] = True
    tolerance: Annotated[
        float, Field(ge=0, description="ends where no coordinate of a centre moves more than this")
    ] = 1e-6

    def memory(self, replicas: int, size: int) -> dict[str, Shape]:
        return {"rests": (replicas,), "full": (replicas,)}
