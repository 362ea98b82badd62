"""Layers of networks that share their weights: each row goes through K of them side by side.

Between these layers a row has the shape (K,I), one line a member.  Gorishniy et al. 2024,
arXiv:2410.24210; Wen et al. 2020, arXiv:2002.06715
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.initializers import Glorot, He, Initializer, Ones, Zeros
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views
from bpcli.nn.layers import RateFactor


class BatchEnsemble(Layer):
    """y = ((x · r) W) · u + b: W is common, each member has its own r, u and b.

    x (R,B,I), which all members see, or (R,B,K,I) → y (R,B,K,units);  W (R,I,units),
    r (R,K,I), u and b (R,K,units).
    Backward: dW = (x · r)ᵀ (dy · u), dr = Σ x · dq, du = Σ dy · (x · r) W, db = Σ dy over the rows
    and dx = dq · r, dq = (dy · u) Wᵀ.
    """

    name: ClassVar[str] = "batch_ensemble"
    example: ClassVar[dict[str, Any]] = {"units": 3, "count": 2}
    units: Annotated[int, Field(ge=1, le=1_000_000, description="outputs of each member")]
    count: Annotated[int, Field(ge=1, le=1024, description="members, networks side by side")] = 16
    init: Annotated[Initializer, Field(description="start values of W")] = He()
    input_init: Annotated[
        Initializer, Field(description="start values of r; signs makes the members differ")
    ] = Ones()

    def plan(self, in_shape: Shape) -> Plan:
        inputs = in_shape[-1]
        if in_shape not in ((inputs,), (self.count, inputs)):
            what = "×".join(map(str, in_shape))
            raise ValueError(f"batch_ensemble needs rows of {self.count} members, not {what}")
        wide, out = (self.count, inputs), (self.count, self.units)
        weight = (inputs, self.units)
        return Plan(
            out,
            {
                "W": Parameter(weight, self.init, *weight, decays=True),
                "r": Parameter(wide, self.input_init),
                "u": Parameter(out, Ones()),
                "b": Parameter(out, Zeros()),
            },
            {"y": out, "dx": in_shape, "q": wide, "z": out, "dz": out},
        )

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.multiply(self._lines(x), p.r[:, None], out=s.q)
        np.matmul(_rows(s.q), p.W, out=_rows(s.z))
        np.multiply(s.z, p.u[:, None], out=s.y)
        return np.add(s.y, p.b[:, None], out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        np.add.reduce(dy, axis=1, out=g.b)
        np.einsum("rbmu,rbmu->rmu", dy, s.z, out=g.u)
        np.multiply(dy, p.u[:, None], out=s.dz)
        np.matmul(_rows(s.q).mT, _rows(s.dz), out=g.W)
        dq = np.matmul(_rows(s.dz), p.W.mT, out=_rows(s.q)).reshape(s.q.shape)
        np.einsum("rbmi,rbmi->rmi", np.broadcast_to(self._lines(x), dq.shape), dq, out=g.r)
        if s.dx is None:
            return None
        dq *= p.r[:, None]
        if x.ndim == dq.ndim:
            np.copyto(s.dx, dq)
        else:
            np.add.reduce(dq, axis=2, out=s.dx)
        return s.dx

    def _lines(self, x: Array) -> Array:
        """(R,B,K,I), or (R,B,1,I) where all members see the same."""
        return x if x.ndim == 4 else x[:, :, None]


class MemberDense(Layer):
    """y = x W + b, each member by itself; their outputs stand one behind the other.

    x (R,B,K,I) → y (R,B,units), units / K for each member;  W (R,K,I,units / K), b (R,1,units).
    Flat rows have one member.
    Backward: dx = dy Wᵀ, dW = xᵀ dy, db = Σ dy over the rows; each member by itself.
    """

    name: ClassVar[str] = "member_dense"
    example: ClassVar[dict[str, Any]] = {"units": 4}
    units: Annotated[int, Field(ge=1, le=1_000_000, description="outputs of all members together")]
    init: Annotated[Initializer, Field(description="start values of W")] = Glorot()
    bias_init: Annotated[Initializer, Field(description="start values of b")] = Zeros()
    bias_rate: Annotated[RateFactor, Field(description="factor on the learning rate of b")] = 1.0

    def plan(self, in_shape: Shape) -> Plan:
        if len(in_shape) > 2:
            what = "×".join(map(str, in_shape))
            raise ValueError(f"member_dense needs rows of members, not images {what}")
        members, inputs = in_shape if len(in_shape) == 2 else (1, *in_shape)
        own, rest = divmod(self.units, members)
        if rest:
            raise ValueError(f"member_dense cannot share {self.units} units among {members}")
        return Plan(
            (self.units,),
            {
                "W": Parameter((members, inputs, own), self.init, inputs, own, decays=True),
                "b": Parameter((1, self.units), self.bias_init, rate=self.bias_rate),
            },
            {"y": (self.units,), "dx": in_shape},
        )

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.matmul(_by_member(x, p.W), p.W, out=_by_member(s.y, p.W))
        return np.add(s.y, p.b, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        np.add.reduce(dy, axis=1, keepdims=True, out=g.b)
        d = _by_member(dy, p.W)
        np.matmul(_by_member(x, p.W).mT, d, out=g.W)
        if s.dx is not None:
            np.matmul(d, p.W.mT, out=_by_member(s.dx, p.W))
        return s.dx


class Signs(Initializer):
    """w = −1 or 1, each as likely as the other: what makes members that share weights differ."""

    name: ClassVar[str] = "signs"

    def fill(self, rng: np.random.Generator, out: Array, fan_in: int, fan_out: int) -> None:
        out[...] = 2 * rng.integers(0, 2, out.shape) - 1


def _rows(x: Array) -> Array:
    """The lines of all rows below each other (R,B·K,I)."""
    return x.reshape(x.shape[0], -1, x.shape[-1])


def _by_member(x: Array, w: Array) -> Array:
    """The rows of each member (R,K,B,…), of (R,B,K,…) or (R,B,K·…)."""
    return x.reshape(*x.shape[:2], w.shape[1], -1).swapaxes(1, 2)
