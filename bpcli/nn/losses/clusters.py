"""Losses without targets: squared distances to centres, of which a row's own should be small."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from bpcli.nn.layer import Array, Shape, Views
from bpcli.nn.losses.loss import Kind, Loss
from bpcli.nn.losses.survey import Survey
from bpcli.nn.prototypes import squares_to

_SHORT = 16  # up to so many scores a row, NumPy is faster column by column

Count = Annotated[int, Field(ge=1, le=100_000)]


class Clustering(Loss):
    """A loss of the squared distances z (R,B,K…) to the centres of a `prototypes` layer."""

    predicts: ClassVar[Kind] = "clusters"
    supervised: ClassVar[bool] = False
    example: ClassVar[dict[str, Any]] = {"k": 3}
    k: Annotated[
        Count | Literal["auto"],
        Field(description="number of clusters; auto: by silhouette and stability"),
    ] = "auto"
    lowest_k: Annotated[int, Field(ge=2, description="with auto: the fewest clusters tried")] = 2
    highest_k: Annotated[int, Field(ge=2, description="with auto: the most clusters tried")] = 10

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.lowest_k > self.highest_k:
            what = "expected lowest_k of at most highest_k, got {lowest} and {highest}"
            values = {"lowest": self.lowest_k, "highest": self.highest_k}
            raise PydanticCustomError("invalid_value", what, values)
        return self

    @property
    def clusters(self) -> int:
        """K; as long as it is not chosen, the most that it can be."""
        return self.highest_k if self.k == "auto" else self.k

    def link(self, z: Array) -> Array:
        """The distances (R,B,K)."""
        return np.sqrt(np.maximum(z[..., : self.clusters], 0))


class KMeans(Clustering):
    """ℓ = min over k of z_k: its mean over the rows is the inertia of a row.

    The gradient moves the nearest centre towards the row, 2 (w − x); equally near ones share it.
    Between two epochs a centre that is nearest to no row goes to the row that is farthest from its
    own.  MacQueen 1967; Bottou & Bengio 1995, NeurIPS 7:585
    """

    name: ClassVar[str] = "kmeans"
    surveys: ClassVar[bool] = True

    def outputs(self, width: int) -> int:
        return self.clusters

    def targets(self, x: Array, t: Array) -> Array:
        return t[..., :0]

    def scratch(self, width: int) -> dict[str, Shape]:
        return {"dz": (width,), "least": (1,), "sum": (1,)}

    def value(self, z: Array, t: Array, c: Array, s: Views) -> Array:
        least_of(z, s.least)
        np.equal(z, s.least, out=s.dz)
        np.matmul(s.dz, np.ones((z.shape[-1], 1), z.dtype), out=s.sum)  # faster than a short sum
        s.dz /= s.sum
        s.dz *= c
        s.least *= c
        return np.add.reduce(s.least, axis=(-2, -1))

    def survey(self, seen: Survey) -> None:
        for x, z, w in seen.replicas():
            repair(x, z, w)


def least_of(z: Array, out: Array) -> None:
    """The least of each row of z (…,K) into `out` (…,1)."""
    if z.shape[-1] > _SHORT:
        np.minimum.reduce(z, axis=-1, keepdims=True, out=out)
        return
    np.copyto(out, z[..., :1])
    for k in range(1, z.shape[-1]):
        np.minimum(out, z[..., k : k + 1], out=out)


def repair(x: Array, z: Array, w: Array) -> None:
    """Put each centre of w (K,I) without a row of x (N,I) on the row farthest from its own.

    z (N,K) are the squared distances. Where no row is away from all centres nothing is moved.
    """
    empty = np.flatnonzero(np.bincount(z.argmin(axis=1), minlength=len(w)) == 0)
    nearest = z.min(axis=1) if len(empty) else z
    for k in empty:
        row = int(nearest.argmax())
        if not (squares_to(x[row : row + 1], w) > 0).all():
            return
        w[k] = x[row]
        nearest = np.minimum(nearest, squares_to(x, w[k : k + 1])[:, 0])
