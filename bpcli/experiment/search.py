"""What a config says about the search for a learning rate."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.config.component import Spec

Rule = Literal["min", "one-se"]


class LrSweepSpec(Spec):
    """The learning rates that `bpcli lr-sweep` tries, and how it chooses one."""

    lowest: Annotated[float, Field(gt=0, description="lowest learning rate")] = 1e-5
    highest: Annotated[float, Field(gt=0, description="highest learning rate")] = 1.0
    rates: Annotated[
        int, Field(ge=2, le=1000, description="learning rates, at equal ratios, of three digits")
    ] = 12
    rule: Annotated[
        Rule,
        Field(
            description="min: the best mean over the folds; one-se: the lowest rate whose mean is "
            "at most one standard error of the best worse than it"
        ),
    ] = "min"
    extend: Annotated[
        int,
        Field(ge=0, le=100, description="most rates added beyond an end where the best one lies"),
    ] = 6

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.lowest >= self.highest:
            raise PydanticCustomError(
                "invalid_value",
                "expected lowest below highest, got {lowest} and {highest}",
                {"lowest": self.lowest, "highest": self.highest},
            )
        return self
