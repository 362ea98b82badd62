"""A model as plain data that a small program can run: what the page of a report predicts with.

Everything that follows from the settings of a layer is worked out here; what is left are a few
operations. Raises Unportable for a model that holds anything else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpcli.config.component import Component
from bpcli.data.arrays import Tensors
from bpcli.data.bins import Bins
from bpcli.data.features import Features
from bpcli.data.layout import FeatureLayout
from bpcli.data.numbers import TRUTH
from bpcli.data.scalers import Quantile, Scaler, normal_scores
from bpcli.data.targets.numbers import RegressionTarget
from bpcli.experiment.predictor import Ensemble, Predictor
from bpcli.nn.activations import Activation, Selu
from bpcli.nn.categories import CategoryDropout, Embedding
from bpcli.nn.composite import Parallel, Parametric, Residual
from bpcli.nn.layer import Layer, Shape, Views
from bpcli.nn.layers import Dense, Dropout, Noise, Scale
from bpcli.nn.normalization import BatchNorm, LayerNorm
from bpcli.nn.numbers import Periodic, Piecewise

LARGEST = 4_000_000  # bytes of weights in a page
_JOINED = (Residual, Parallel, Parametric)
_SILENT = (Dropout, Noise, CategoryDropout)  # nothing at prediction
Op = dict[str, Any]


class Unportable(Exception):
    """Why a model cannot be run elsewhere."""


def portable(ensemble: Ensemble) -> dict[str, Any]:
    """The columns, what each part does with them, and what becomes of its scores."""
    size = sum(part.flat.nbytes for part in ensemble.parts)
    if size > LARGEST:
        raise Unportable(f"its weights take {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB")
    layout, target = ensemble.features.layout, ensemble.target
    return {
        "columns": _columns(ensemble.features),
        "reading": _reading(layout),
        "parts": [_part(part) for part in ensemble.parts],
        "link": _link(ensemble),
        "calibration": {key: one.item() for key, one in ensemble.calibration.fitted.items()},
        "answers": list(target.classes if target.kind == "classes" else target.columns),
        "kind": target.kind,
        "threshold": target.threshold if target.kind == "classes" else None,
        "levels": list(ensemble.loss.quantiles()),
    }


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as its shape and the base64 of its numbers, little-endian."""
    kind = "<f4" if array.dtype == np.float32 else "<f8"
    content = np.ascontiguousarray(array).astype(kind).tobytes()
    return {"shape": array.shape, "type": kind[1:], "data": b64encode(content).decode()}


# ---- columns ------------------------------------------------------------------------------------


def _columns(features: Features) -> list[dict[str, Any]]:
    """Name, kind, and a cell to begin with, of every column that a row needs."""
    layout = features.layout
    medians = features.fitted["feature.impute"].tolist()
    numbers = zip(layout.numeric, medians, strict=False)  # behind them are elapsed days
    return [
        *({"name": name, "kind": "number", "start": median} for name, median in numbers),
        *(
            {"name": d.name, "kind": "date", "format": d.format, "start": d.origin}
            for d in layout.dates
        ),
        *({"name": flag.name, "kind": "flag"} for flag in layout.flags),
        *(
            {"name": c.name, "kind": "category", "levels": list(c.levels)}
            for c in layout.categorical
        ),
    ]


def _reading(layout: FeatureLayout) -> dict[str, Any]:
    """How a cell is read."""
    return {
        "decimal": layout.decimal,
        "thousands": layout.thousands,
        "missing": [word.strip() for word in layout.missing],
        "truth": TRUTH,
    }


def _part(part: Predictor) -> dict[str, Any]:
    layout, fitted = part.features.layout, part.features.fitted
    one_hot = [{**one.model_dump(mode="json"), "signed": one.signed} for one in layout.one_hot]
    views = part.network.views(part.flat)
    layers, shape = part.network.layers, part.network.in_shape
    return {
        "numeric": list(layout.numeric),
        "indicators": list(layout.indicators),
        "dates": [one.model_dump(mode="json") for one in layout.dates],
        "flags": [one.model_dump(mode="json") for one in layout.flags],
        "one_hot": one_hot,
        "coded": [one.model_dump(mode="json") for one in layout.coded],
        "impute": packed(fitted["feature.impute"]),
        "scaler": _scaler(layout.scaler, fitted, "feature."),
        "target": _target(part),
        "networks": [_chain(layers, views, r, shape) for r in range(len(part.flat))],
    }


def _scaler(scaler: Scaler, fitted: Tensors, prefix: str) -> dict[str, Any]:
    """Its settings and tensors, one list a column."""
    tensors = {name: fitted[prefix + name] for name in scaler.tensors()}
    found: dict[str, Any] = {"name": scaler.name, **scaler.model_dump(mode="json")}
    if isinstance(scaler, Bins):
        edges = [packed(np.unique(column)) for column in tensors["edges"].T]
        return {**found, "edges": edges}
    found |= {name: packed(tensor) for name, tensor in tensors.items() if tensor.ndim == 1}
    if isinstance(scaler, Quantile):
        found["knots"] = [packed(column) for column in tensors["knots"].T]
        found["scores"] = packed(normal_scores(scaler.knots))
    return found


def _target(part: Predictor) -> dict[str, Any] | None:
    if isinstance(part.target, RegressionTarget):
        return _scaler(part.target.scaler, part.target_fitted, "target.")
    return None


def _link(ensemble: Ensemble) -> dict[str, Any]:
    """What the scores of a loss stand for."""
    loss = ensemble.loss
    if loss.quantiles():
        return {"name": "sort"}
    two = loss.predicts == "classes" and loss.outputs(2) == 1
    known = {"classes": "two" if two else "softmax", "labels": "sigmoid", "numbers": "none"}
    highest = getattr(loss, "highest_score", None)
    if highest is not None:
        return {"name": "exp", "highest": highest}
    return {"name": known[loss.predicts]}


# ---- layers -------------------------------------------------------------------------------------


def _chain(layers: Sequence[Layer], views: Sequence[Views], r: int, shape: Shape) -> list[Op]:
    """The operations of layers in a row, for one network and rows of a shape."""
    found: list[Op] = []
    for layer, p in zip(layers, views, strict=True):
        found += _operations(layer, p, r, shape)
        shape = layer.plan(shape).out_shape
    return found


def _operations(layer: Layer, p: Views, r: int, shape: Shape) -> list[Op]:
    if isinstance(layer, _SILENT):
        return []
    if isinstance(layer, Activation):
        settings = {"alpha": layer.alpha, "scale": layer.scale} if isinstance(layer, Selu) else {}
        return [{"op": layer.name, **layer.model_dump(mode="json"), **settings}]
    if isinstance(layer, _JOINED):
        return [_joined(layer, p, r, shape)]
    for kind, make in _MAKERS.items():
        if isinstance(layer, kind):
            return [make(layer, p, r)]
    raise Unportable(f"its layer {layer.name} is not one that the page can run")


def _joined(layer: Residual | Parallel | Parametric, p: Views, r: int, shape: Shape) -> Op:
    """Chains side by side: a residual is the sum of its shortcut and its branch."""
    pairs = zip(layer.chains(shape), p.inner, strict=True)
    branches = [_chain(layers, views, r, shape) for layers, views in pairs]
    if isinstance(layer, Parametric):
        return {"op": "parametric", "layers": branches[0], "a": packed(p.a[r, 0])}
    join = layer.join if isinstance(layer, Parallel) else "add"
    return {"op": "parallel", "join": join, "branches": branches}


def _dense(layer: Dense, p: Views, r: int) -> Op:
    factor = layer.init.scale(p.W.shape[1])
    return {"op": "dense", "W": packed(p.W[r]), "b": packed(p.b[r, 0]), "factor": factor}


def _batch_norm(layer: BatchNorm, p: Views, r: int) -> Op:
    gamma, beta, mean, var = (
        one[r, 0].astype(np.float64) for one in (p.gamma, p.beta, p.mean, p.var)
    )
    slope = gamma / np.sqrt(var + layer.epsilon)
    shift = beta - mean * slope
    return {"op": "affine", "slope": packed(slope), "shift": packed(shift)}


def _scale(layer: Scale, p: Views, r: int) -> Op:
    return {"op": "affine", "slope": packed(p.v[r, 0]), "shift": packed(np.zeros(p.v.shape[2]))}


def _layer_norm(layer: LayerNorm, p: Views, r: int) -> Op:
    arrays = {"gamma": packed(p.gamma[r, 0]), "beta": packed(p.beta[r, 0])}
    return {"op": "layer_norm", "epsilon": layer.epsilon, **arrays}


def _embedding(layer: Embedding, p: Views, r: int) -> Op:
    keys = [f"E{number}" for number, _ in enumerate(layer.tables, 1)]
    return {"op": "embedding", "tables": [packed(getattr(p, key)[r]) for key in keys]}


def _periodic(layer: Periodic, p: Views, r: int) -> Op:
    waves = {"w": packed(p.w[r]), "b": packed(p.b[r])}
    return {"op": "periodic", **waves, "V": packed(p.V[r]), "d": packed(p.d[r])}


def _piecewise(layer: Piecewise, p: Views, r: int) -> Op:
    n = p.d.shape[1]
    bins = np.broadcast_to(layer.bins, n).tolist()
    return {"op": "piecewise", "bins": bins, "V": packed(p.V[r]), "d": packed(p.d[r])}


_MAKERS: dict[type[Component], Callable[[Any, Views, int], Op]] = {
    Dense: _dense,
    Scale: _scale,
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    Embedding: _embedding,
    Periodic: _periodic,
    Piecewise: _piecewise,
}
