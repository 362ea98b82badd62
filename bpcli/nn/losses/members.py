"""The loss of networks that share their weights: each member answers for itself."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.losses.loss import Kind, Loss


class MemberLoss(Loss):
    """ℓ = Σ ℓ'(z_k, t) / K over K members, never the loss of their mean.  arXiv:2410.24210

    A prediction is the mean of what the members predict. Their scores stand one behind the other,
    as member_dense gives them.
    Backward: dz_k = dℓ'(z_k, t)/dz_k / K.
    """

    name: ClassVar[str] = "members"
    example: ClassVar[dict[str, Any]] = {"loss": "cross_entropy", "count": 2}
    loss: Annotated[Loss, Field(description="ℓ', the loss of a member")]
    count: Annotated[int, Field(ge=1, le=1024, description="K, the number of members")] = 16

    @field_validator("loss", mode="after")
    @classmethod
    def _answers(cls, loss: Loss) -> Loss:
        if loss.supervised and not isinstance(loss, MemberLoss):
            return loss
        what = "expected the loss of a prediction such as mse, got '{name}'"
        raise PydanticCustomError("invalid_value", what, {"name": loss.name})

    @property
    def predicts(self) -> Kind:  # type: ignore[override]  # that of what it is made of
        return self.loss.predicts

    @property
    def own_units(self) -> bool:  # type: ignore[override]
        return self.loss.own_units

    @property
    def lowest(self) -> float:  # type: ignore[override]
        return self.loss.lowest

    def outputs(self, width: int) -> int:
        return self.count * self.loss.outputs(width)

    def targets(self, x: Array, t: Array) -> Array:
        return self.loss.targets(x, t)

    def quantiles(self) -> tuple[float, ...]:
        return self.loss.quantiles()

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        each = z.reshape(len(z), -1, z.shape[-1] // self.count)
        shapes = self.loss.scratch(each.shape[-1])
        own = Views(
            **{name: np.empty((*each.shape[:2], *shape), z.dtype) for name, shape in shapes.items()}
        )
        rows = np.broadcast_to(c, (len(c), z.shape[1], 1))
        total = self.loss.value(each, self._repeated(t), self._repeated(rows) / self.count, own)
        np.copyto(s.dz, own.dz.reshape(z.shape))
        return total

    def link(self, z: Array) -> Array:
        each = z.reshape(*z.shape[:-1], self.count, -1)
        linked = [self.loss.link(each[..., k, :]) for k in range(self.count)]
        total = linked[0].copy()
        for one in linked[1:]:
            total += one
        mean: Array = total / self.count
        return mean

    def _repeated(self, rows: Array) -> Array:
        """Each row once for each member, one below the other."""
        return np.repeat(rows, self.count, axis=1)
