"""Integrated gradients are those of captum on a copy of the network in PyTorch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from running import ROOT
from subjects import classes_target, numbers_target, predictor, subject

from bpcli.insight.integrated import integrated_gradients
from bpcli.nn.activations import Relu, Silu, Tanh
from bpcli.nn.categories import CategoryDropout, Embedding
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense
from bpcli.nn.losses.binary import BinaryCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.normalization import LayerNorm

TABLE = json.loads((ROOT / "tests" / "oracles" / "captum.json").read_text(encoding="utf-8"))
CATEGORIES: list[Layer] = [
    CategoryDropout(widths=(1, 1)),
    Embedding(tables=((4, 3), (5, 3))),
    Dense(units=7),
    Tanh(),
    Dense(units=1),
]
CASES: dict[str, tuple[list[Layer], Loss, Any]] = {
    "classes": (
        [Dense(units=8), Relu(), Dense(units=6), Tanh(), Dense(units=3)],
        CrossEntropy(),
        classes_target(3),
    ),
    "numbers": (
        [Dense(units=5), Silu(), LayerNorm(), Dense(units=2)],
        MSE(),
        numbers_target("u", "v"),
    ),
    "categories": (CATEGORIES, BinaryCrossEntropy(), classes_target(2)),
}


def arrays(case: dict[str, Any], layers: list[Layer]) -> dict[str, Any]:
    """The arrays of the PyTorch copy under their keys here."""
    dense = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
    pairs = zip(dense, case["dense"], strict=True)
    named = {f"layers.{i}.{key}": one[key] for i, one in pairs for key in one}
    tables = enumerate(case.get("tables", []), 1)
    return named | {f"layers.1.E{k}": vectors for k, vectors in tables}


@pytest.mark.parametrize("name", CASES)
def test_integrated_gradients(name: str) -> None:
    case, (layers, loss, target) = TABLE[name], CASES[name]
    (medians,) = case["baseline"]
    sizes = [len(table) for table in case.get("tables", [])]
    part = predictor(layers, loss, target, arrays(case, layers), medians=medians, tables=sizes)
    found = integrated_gradients(subject(part, case["x"]), steps=TABLE["steps"])
    expected = np.array(case["attributions"])
    assert np.abs(expected).max() > 0.1
    assert found.values == pytest.approx(expected, abs=1e-6)
