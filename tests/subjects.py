"""Models made by hand, for tests of what explains them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpcli.data.features import Features
from bpcli.data.layout import Coded, FeatureLayout
from bpcli.data.scalers import Unscaled
from bpcli.data.targets.classes import ClassTarget
from bpcli.data.targets.make import AnyTarget
from bpcli.data.targets.numbers import RegressionTarget
from bpcli.experiment.predictor import Ensemble, Predictor
from bpcli.insight.subject import Subject
from bpcli.nn.layer import Layer
from bpcli.nn.losses.loss import Loss
from bpcli.nn.network import Network, at

Named = dict[str, Any]  # arrays by the key of their slot


def layout_of(numbers: int, tables: Sequence[int] = ()) -> FeatureLayout:
    """Plain numbers a0, a1, …, and columns k0, … with so many codes, the unseen one among them."""
    coded = [
        Coded(name=f"k{i}", levels=tuple(f"w{j}" for j in range(1, size)), missing=False)
        for i, size in enumerate(tables)
    ]
    return FeatureLayout(
        numeric=tuple(f"a{i}" for i in range(numbers)),
        indicators=(),
        one_hot=(),
        coded=tuple(coded),
        scaler=Unscaled(),
        delimiter=",",
        encoding="utf-8",
        decimal=".",
        missing=("",),
        header=True,
        dates=(),
        flags=(),
        thousands=None,
    )


def numbers_target(*names: str) -> RegressionTarget:
    return RegressionTarget(names=names, scaler=Unscaled())


def classes_target(count: int) -> ClassTarget:
    return ClassTarget(name="y", classes=tuple(f"c{i}" for i in range(count)))


def predictor(
    layers: Sequence[Layer],
    loss: Loss,
    target: AnyTarget,
    arrays: Named | None = None,
    *,
    medians: Sequence[float],
    tables: Sequence[int] = (),
    seed: int = 0,
) -> Predictor:
    """A network of given arrays, or of drawn ones; the reference lies at the medians."""
    layout = layout_of(len(medians), tables)
    network = Network(layers, (len(layout.names),))
    flat = np.random.default_rng(seed).normal(0, 0.8, (1, network.size))
    if arrays is not None:
        flat[:] = network.init(0, [0], "float64")
        views = network.views(flat)
        for slot in network.slots:
            if slot.key in arrays:
                getattr(at(views, slot.path), slot.name)[...] = np.array(arrays[slot.key])
    known = {"impute": np.array(medians, dtype=np.float64)}
    known |= dict.fromkeys(("lowest", "highest", "deviation"), np.ones(len(medians)))
    fitted = {f"feature.{name}": tensor for name, tensor in known.items()}
    return Predictor(Features(layout, fitted), target, {}, network, loss, flat)


def subject(part: Predictor, x: Any) -> Subject:
    """Rows of inputs before one network."""
    return Subject.encoded(Ensemble.of(part), [np.array(x, dtype=np.float64)])
