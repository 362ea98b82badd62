"""The output layer, as a config describes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bpcli.config.component import Spec
from bpcli.nn.initializers import Glorot, Initializer, Zeros
from bpcli.nn.layers import Dense, RateFactor


class OutputLayer(Spec):
    """How the output layer starts and learns; its units follow from the target."""

    init: Annotated[Initializer, Field(description="start values of W")] = Glorot()
    bias_init: Annotated[Initializer, Field(description="start values of b")] = Zeros()
    bias_rate: Annotated[RateFactor, Field(description="factor on the learning rate of b")] = 1.0

    def layer(self, units: int) -> Dense:
        """The layer for so many outputs."""
        return Dense(
            units=units, init=self.init, bias_init=self.bias_init, bias_rate=self.bias_rate
        )
