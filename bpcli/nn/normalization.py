"""Normalisation: activations to mean 0 and variance 1, over the batch or over the features."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from bpcli.nn.initializers import Ones, Zeros
from bpcli.nn.layer import Array, Context, Layer, Parameter, Plan, Shape, Views

Epsilon = Annotated[float, Field(gt=0, description="added to the variance, inside the root")]


class LayerNorm(Layer):
    """y = γ x̂ + β, x̂ = (x − mean) / √(var + ε) over each row's features.  arXiv:1607.06450

    Each row by itself, so training and prediction are the same. γ, β (R,1,I) start at 1 and 0.
    Backward: dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)) / √(var + ε), dx̂ = γ dy, over the features.
    """

    name: ClassVar[str] = "layer_norm"
    epsilon: Epsilon = 1e-5

    def plan(self, in_shape: Shape) -> Plan:
        if len(in_shape) != 1:
            raise ValueError("layer_norm needs flat rows, not images; use batch_norm in its place")
        params = {"gamma": Parameter((1, *in_shape), Ones()), "beta": _shift(in_shape)}
        scratch = dict.fromkeys(("y", "dx", "xhat"), in_shape)
        return Plan(in_shape, params, {**scratch, "mean": (1,), "root": (1,), "sum": (1,)})

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        np.mean(x, axis=-1, keepdims=True, out=s.mean)
        np.subtract(x, s.mean, out=s.xhat)
        _root(np.vecdot(s.xhat, s.xhat)[..., None], x.shape[-1], self.epsilon, out=s.root)
        s.xhat /= s.root
        np.multiply(s.xhat, p.gamma, out=s.y)
        return np.add(s.y, p.beta, out=s.y)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        _scale_gradients(dy, g, s)
        if s.dx is None:
            return None
        np.multiply(dy, p.gamma, out=s.y)  # y is free by now: it holds dx̂
        np.mean(s.y, axis=-1, keepdims=True, out=s.mean)
        np.divide(np.vecdot(s.y, s.xhat)[..., None], x.shape[-1], out=s.sum)
        return _input_gradient(s.y, s)


class BatchNorm(Layer):
    """y = γ x̂ + β, x̂ = (x − mean) / √(var + ε) over the rows of a batch.  arXiv:1502.03167

    x (R,B,I), or images (R,B,h,w,C): over all their pixels, each channel by itself. Prediction uses
    running statistics: running ← (1 − momentum) · running + momentum · batch, with the unbiased
    variance, as in PyTorch; Keras and ONNX call 1 − momentum the momentum.
    Backward: dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)) / √(var + ε), dx̂ = γ dy, over the rows.
    """

    name: ClassVar[str] = "batch_norm"
    whole_batch: ClassVar[bool] = True
    momentum: Annotated[
        float, Field(gt=0, le=1, description="weight of the newest batch in the statistics")
    ] = 0.1
    epsilon: Epsilon = 1e-5

    def plan(self, in_shape: Shape) -> Plan:
        channels = in_shape[-1:]
        params = {
            "gamma": Parameter((1, *channels), Ones()),
            "beta": _shift(channels),
            "mean": Parameter((1, *channels), Zeros(), trained=False),
            "var": Parameter((1, *channels), Ones(), trained=False),
        }
        return Plan(in_shape, params, dict.fromkeys(("y", "dx", "xhat"), in_shape))

    def forward(self, x: Array, p: Views, s: Views, ctx: Context) -> Array:
        s.by_batch = ctx.training
        x, y, xhat = _pixels(x), _pixels(s.y), _pixels(s.xhat)
        if s.by_batch:
            mean = np.mean(x, axis=-2, keepdims=True)
            np.subtract(x, mean, out=xhat)
            var = np.mean(np.square(xhat, out=y), axis=-2, keepdims=True)
            self._remember(p, mean, var, x.shape[-2])
        else:
            mean, var = p.mean, p.var
            np.subtract(x, mean, out=xhat)
        s.root = np.sqrt(var + self.epsilon)
        xhat /= s.root
        np.multiply(xhat, p.gamma, out=y)
        y += p.beta
        return s.y

    def _remember(self, p: Views, mean: Array, var: Array, rows: int) -> None:
        unbiased = var * (rows / max(rows - 1, 1))
        for running, batch in ((p.mean, mean), (p.var, unbiased)):
            running += self.momentum * (batch - running)

    def backward(self, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        dy, flat = _pixels(dy), Views(y=_pixels(s.y), xhat=_pixels(s.xhat), root=s.root)
        _scale_gradients(dy, g, flat)
        if s.dx is None:
            return None
        if not s.by_batch:
            dx = _pixels(s.dx)
            np.divide(np.multiply(dy, p.gamma, out=dx), s.root, out=dx)
            return s.dx
        # dx = γ / (m √) · (m dy − Σ dy − x̂ Σ dy x̂), with both sums already in the gradients
        rows, flat.dx = dy.shape[-2], _pixels(s.dx)
        flat.mean, flat.sum = p.gamma * g.beta / rows, p.gamma * g.gamma / rows
        _input_gradient(np.multiply(dy, p.gamma, out=flat.y), flat)
        return s.dx


def _pixels(x: Array) -> Array:
    """Rows of numbers (R,B,I) as they are, and images (R,B,h,w,C) as rows of pixels, as a view."""
    return x.reshape(len(x), -1, x.shape[-1], copy=False)


def _shift(in_shape: Shape) -> Parameter:
    return Parameter((1, *in_shape), Zeros())


def _root(squares: Array, n: int, epsilon: float, out: Array) -> Array:
    """√(Σ squares / n + ε)."""
    np.divide(squares, n, out=out)
    np.add(out, epsilon, out=out)
    return np.sqrt(out, out=out)


def _scale_gradients(dy: Array, g: Views, s: Views) -> None:
    """dγ = Σ dy x̂, dβ = Σ dy over the rows; overwrites y, which backward does not need."""
    np.multiply(dy, s.xhat, out=s.y)
    np.add.reduce(s.y, axis=-2, keepdims=True, out=g.gamma)
    np.add.reduce(dy, axis=-2, keepdims=True, out=g.beta)


def _input_gradient(dxhat: Array, s: Views) -> Array:
    """dx = (dx̂ − mean(dx̂) − x̂ · mean(dx̂ x̂)) / √(var + ε); the means are s.mean and s.sum."""
    np.multiply(s.xhat, s.sum, out=s.dx)
    np.subtract(dxhat, s.dx, out=s.dx)
    s.dx -= s.mean
    return np.divide(s.dx, s.root, out=s.dx)
