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
    example: ClassVar[dict[str, Any]] = {"count": 2, "loss": "cross_entropy"}
    count: Annotated[int, Field(ge=1, le=1024, description="K, the number of members")] = 16
    loss: Annotated[Loss, Field(description="ℓ', the loss of a member")]

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
        own = width // self.count
        each = {f"each_{name}": (self.count, *shape) for name, shape in self._work(own).items()}
        columns = own // max(1, len(self.quantiles()))
        return {"dz": (width,), "t": (self.count, columns), "c": (self.count, 1), **each}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        lines = len(z), self.count * z.shape[1]  # a line for each member of each row
        own = z.shape[-1] // self.count
        np.copyto(s.t, t[:, :, None])
        np.divide(c[:, :, None], self.count, out=s.c)
        keys = {name: (f"each_{name}", shape) for name, shape in self._work(own).items()}
        work = {
            name: getattr(s, key).reshape(*lines, *shape) for name, (key, shape) in keys.items()
        }
        each = Views(dz=s.dz.reshape(*lines, own), **work)
        t, c = s.t.reshape(*lines, -1), s.c.reshape(*lines, 1)
        return self.loss.value(z.reshape(*lines, own), t, c, each)

    def _work(self, width: int) -> dict[str, Shape]:
        """The work arrays of a member, but for dz, which all share."""
        shapes = self.loss.scratch(width)
        return {name: shape for name, shape in shapes.items() if name != "dz"}

    def link(self, z: Array) -> Array:
        each = z.reshape(*z.shape[:-1], self.count, -1)
        linked = [self.loss.link(each[..., k, :]) for k in range(self.count)]
        total = linked[0].copy()
        for one in linked[1:]:
            total += one
        mean: Array = total / self.count
        return mean
