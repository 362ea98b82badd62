"""Presets: networks by name, each with the training method that suits it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple

from pydantic import Field

from bpcli.config.component import Component
from bpcli.data.scalers import Clipped, Quantile, Robust, Scaler, Standard
from bpcli.experiment.distributions import Choice, Distribution, Integer, LogInteger, Uniform
from bpcli.experiment.output_layer import OutputLayer
from bpcli.nn.activations import Mish, Relu, Selu, Silu
from bpcli.nn.composite import Parametric, Residual
from bpcli.nn.ensembling import BatchEnsemble, Signs
from bpcli.nn.initializers import NTK, He, Hyperplane, Ones, UnitNTK
from bpcli.nn.layer import Layer
from bpcli.nn.layers import Dense, Dropout, Scale
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.normalization import BatchNorm
from bpcli.nn.numbers import NumericEmbedding, Periodic
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.schedules import Cosine, CosLog4, FlatCosine, Schedule
from bpcli.nn.update import Regularization

MOST_UPDATES = 30_000  # by which a network has seen enough, however many rows there are


class Recipe(NamedTuple):
    """What a preset fills in where the config is silent."""

    layers: tuple[Layer, ...]
    optimizer: Optimizer
    learning_rate: float
    schedule: Schedule
    batch_size: int
    epochs: int
    loss: Loss | None = None  # the usual one of the task
    output: OutputLayer = OutputLayer()
    regularization: Regularization = Regularization()
    monitor: str = "validation_loss"  # what chooses the best epoch
    members: int | None = None  # networks that share the layers, each with the loss
    ema: float | None = None  # decay of a running mean of the parameters


class Preset(Component):
    """A network and a training method by name, fitted to the size of the table."""

    family: ClassVar[str] = "preset"
    numeric: ClassVar[Scaler] = Standard()  # of numeric columns
    target: ClassVar[Scaler] = Standard()  # of numbers to predict
    numeric_embedding: ClassVar[NumericEmbedding | None] = None
    images: ClassVar[bool] = False  # the layers take images, not flat rows
    searched: ClassVar[Mapping[str, Distribution]] = {}  # what `bpcli tune` tries, by path

    def recipe(self, rows: int, task: str) -> Recipe:
        """Plain settings for `rows` training rows of a task."""
        raise NotImplementedError


_NORMALIZATION = Choice(values=(None, "layer_norm", "batch_norm"))
_DROPOUT = Uniform(range=(0.0, 0.5))
Width = Annotated[int, Field(ge=1, description="units of each hidden layer")]
Depth = Annotated[int, Field(ge=1, le=16, description="number of hidden layers")]
Deviation = Annotated[float, Field(gt=0, description="σ of the prior, an l2 of 1/(σ²N) on N rows")]
Normalization = Annotated[
    Layer | None, Field(description="before each activation, such as layer_norm")
]


class Linear(Preset):
    """No hidden layer: linear, logistic or softmax regression, as the target asks.

    With a prior its weights are taken for normal numbers where the target is no number.
    """

    name: ClassVar[str] = "linear"
    prior: Deviation | None = None

    def recipe(self, rows: int, task: str) -> Recipe:
        batch = batch_size(rows)
        deviation = None if task == "regression" else self.prior
        prior = Regularization() if deviation is None else _prior(rows, deviation)
        passes = epochs(rows, batch, updates=1000)
        return Recipe((), Adam(), 0.03, Cosine(), batch, passes, regularization=prior)


class MLP(Preset):
    """Two hidden layers of silu units: the plain perceptron, the default for few rows.

    Its l2 is a normal prior of the weights where classes are predicted.
    """

    name: ClassVar[str] = "mlp"
    searched: ClassVar[Mapping[str, Distribution]] = {
        "network.mlp.width": LogInteger(range=(16, 512)),
        "network.mlp.depth": Integer(range=(1, 4)),
        "network.mlp.activation": Choice(values=("relu", "silu", "selu", "tanh", "mish")),
        "network.mlp.normalization": _NORMALIZATION,
        "network.mlp.dropout": _DROPOUT,
    }
    width: Width = 128
    depth: Depth = 2
    activation: Annotated[Layer, Field(description="after each of them")] = Silu()
    normalization: Normalization = None
    dropout: Annotated[float, Field(ge=0, lt=1, description="after each activation")] = 0.0
    prior: Deviation = 1.0

    def recipe(self, rows: int, task: str) -> Recipe:
        batch = batch_size(rows)
        dense = Dense(units=self.width)
        layers = _layer(dense, self.normalization, self.activation, self.dropout) * self.depth
        return Recipe(
            layers,
            Adam(),
            0.003,
            Cosine(),
            batch,
            epochs(rows, batch, updates=2000),
            regularization=_prior(rows, self.prior),
        )


class TabularResNet(Preset):
    """Residual blocks of two dense layers behind a batch_norm, for flat rows.  arXiv:2106.11959"""

    name: ClassVar[str] = "tabular_resnet"
    numeric: ClassVar[Scaler] = Robust()
    searched: ClassVar[Mapping[str, Distribution]] = {
        "network.tabular_resnet.width": LogInteger(range=(64, 384)),
        "network.tabular_resnet.depth": Integer(range=(1, 4)),
        "network.tabular_resnet.dropout": _DROPOUT,
    }
    width: Annotated[int, Field(ge=1, description="units before, between and after blocks")] = 192
    depth: Annotated[int, Field(ge=1, le=64, description="number of blocks")] = 2
    dropout: Annotated[float, Field(ge=0, lt=1, description="after the relu of a block")] = 0.15

    def recipe(self, rows: int, task: str) -> Recipe:
        batch = even_batch(rows, 256)
        wide, narrow = Dense(units=2 * self.width, init=He()), Dense(units=self.width)
        block = Residual(layers=(BatchNorm(), wide, Relu(), Dropout(rate=self.dropout), narrow))
        return Recipe(
            (narrow, *(block,) * self.depth, BatchNorm(), Relu()),
            Adam(),
            0.003,
            Cosine(),
            batch,
            epochs(rows, batch, updates=4000),
            regularization=Regularization(weight_decay=0.01),
        )


class TabM(Preset):
    """Many networks that share their weight matrices and predict together.  arXiv:2410.24210

    Each has vectors of its own that scale the inputs and outputs of every layer, its own biases and
    output layer, and learns by its own loss; the prediction is their mean.
    """

    name: ClassVar[str] = "tabm"
    numeric: ClassVar[Scaler] = Quantile()
    searched: ClassVar[Mapping[str, Distribution]] = {
        "network.tabm.width": LogInteger(range=(32, 256)),
        "network.tabm.depth": Integer(range=(1, 4)),
        "network.tabm.dropout": _DROPOUT,
    }
    width: Width = 128
    depth: Depth = 2
    count: Annotated[int, Field(ge=2, le=256, description="networks that share the weights")] = 16
    dropout: Annotated[float, Field(ge=0, lt=1, description="after each relu")] = 0.1

    def recipe(self, rows: int, task: str) -> Recipe:
        batch = even_batch(rows, 256)
        first, *others = (
            (BatchEnsemble(units=self.width, count=self.count, input_init=init), Relu(), *after)
            for init in (Signs(), *(Ones(),) * (self.depth - 1))
            for after in [(Dropout(rate=self.dropout),) if self.dropout else ()]
        )
        return Recipe(
            sum(others, first),
            Adam(),
            0.002,
            Cosine(),
            batch,
            epochs(rows, batch, updates=1000),
            regularization=Regularization(weight_decay=3e-4),
            members=self.count,
        )


class Tabular(Preset):
    """The default from 400 training rows on: realmlp_small, half as long.

    It predicts with a running mean of its parameters over some 64th of the updates. In batches of
    1,024 above 100,000 rows. Two classes are learned without label smoothing, which hides how rare
    one of them is; they and labels end with the epoch of the lowest validation loss.
    """

    name: ClassVar[str] = "tabular"
    numeric: ClassVar[Scaler] = Robust()
    searched: ClassVar[Mapping[str, Distribution]] = {
        "network.tabular.width": LogInteger(range=(64, 512)),
        "network.tabular.depth": Integer(range=(1, 4)),
        "network.tabular.activation": Choice(values=(None, "relu", "silu", "tanh")),
        "network.tabular.normalization": _NORMALIZATION,
        "network.tabular.dropout": _DROPOUT,
        "preprocess.numeric_embedding": Choice(values=(None, {"periodic": {"rate": 0.1}})),
    }
    width: Width = 256
    depth: Depth = 3
    activation: Annotated[
        Layer | None, Field(description="after each; null: mish for numbers, else selu")
    ] = None
    normalization: Normalization = None
    dropout: Annotated[float, Field(ge=0, lt=1, description="after each activation")] = 0.0

    def recipe(self, rows: int, task: str) -> Recipe:
        small = _realmlp(rows, task)
        activation = self.activation or _activation(task)
        dense = Dense(units=self.width, init=NTK(), bias_rate=0.1)
        layers = _layer(dense, self.normalization, activation, self.dropout) * self.depth
        batch = even_batch(rows, 256 if rows <= 100_000 else 1024)
        passes = min(small.epochs // 2, epochs(rows, batch, updates=MOST_UPDATES))
        recipe = small._replace(
            layers=(_SCALE, *layers),
            batch_size=batch,
            epochs=passes,
            ema=_ema(passes * math.ceil(rows / batch)),
        )
        if task == "binary":
            recipe = recipe._replace(loss=CrossEntropy())
        if task in ("binary", "multilabel"):
            recipe = recipe._replace(monitor="validation_loss")
        return recipe


class RealMLP(Preset):
    """Embedded numbers, then three wide parametric layers that learn fast.  arXiv:2407.04491

    The paper's RealMLP-TD: robust scaling with a smooth clip, periodic embeddings, a learned scale
    of each input, the NTK parametrisation, start values that suit the rows, Adam with β2 = 0.95
    in four cycles of the rate, dropout and decay that end in the second half, predictions within
    the range of the training rows. Decay has the factor of the rate once more, as in its authors'
    code: it is that which lets the scale of an input of no use go down.
    """

    name: ClassVar[str] = "realmlp"
    numeric: ClassVar[Scaler] = Robust()
    target: ClassVar[Scaler] = Clipped()
    numeric_embedding: ClassVar[NumericEmbedding | None] = Periodic(rate=0.1, decay=0.1)

    def recipe(self, rows: int, task: str) -> Recipe:
        late = FlatCosine()
        dense = Dense(units=256, init=UnitNTK(), bias_init=Hyperplane(), bias_rate=0.1)
        dropout = Dropout(rate=0.15, schedule=late)
        activation = Parametric(activation=_activation(task), rate=0.1, decay=0.1)
        return _realmlp(rows, task)._replace(
            layers=(Scale(rate=6.0, decay=6.0), *(dense, activation, dropout) * 3),
            learning_rate=0.2 if task == "regression" else 0.04,
            output=OutputLayer(init=UnitNTK(), bias_init=Hyperplane(), bias_rate=0.1),
            regularization=Regularization(weight_decay=0.02, schedule=late),
        )


class RealMLPSmall(Preset):
    """Scaled inputs, then three wide layers that learn fast.  arXiv:2407.04491

    The paper's RealMLP-TD-S: robust scaling with a smooth clip, a learned scale of each input, the
    NTK parametrisation, an output layer that starts at zero, Adam with β2 = 0.95 in four cycles of
    the rate, the weights of the best epoch.
    """

    name: ClassVar[str] = "realmlp_small"
    numeric: ClassVar[Scaler] = Robust()

    def recipe(self, rows: int, task: str) -> Recipe:
        return _realmlp(rows, task)


_SCALE = Scale(rate=6.0)


def _realmlp(rows: int, task: str) -> Recipe:
    """What the two have in common, and what the small one is."""
    dense = Dense(units=256, init=NTK(), bias_rate=0.1)
    return Recipe(
        (_SCALE, *(dense, _activation(task)) * 3),
        Adam(beta2=0.95),
        0.07 if task == "regression" else 0.04,
        CosLog4(),
        even_batch(rows, 256),
        epochs=256,
        loss=None if task in ("regression", "multilabel") else CrossEntropy(label_smoothing=0.1),
        output=OutputLayer(init=NTK(std=0.0), bias_rate=0.1),
        monitor="validation_metric",
    )


def _layer(
    dense: Layer, normalization: Layer | None, activation: Layer, dropout: float
) -> tuple[Layer, ...]:
    """A hidden layer with what stands behind it."""
    before = () if normalization is None else (normalization,)
    after = (Dropout(rate=dropout),) if dropout else ()
    return (dense, *before, activation, *after)


def _prior(rows: int, deviation: float) -> Regularization:
    """The l2 that is a normal prior of the weights where a class is learned."""
    return Regularization(l2=float(f"{1 / (deviation**2 * rows):.3g}"))


def _ema(updates: int) -> float:
    """The decay of a mean over a 64th of the updates, at least two of them."""
    return round(1 - 1 / max(2, updates / 64), 4)


def _activation(task: str) -> Layer:
    return Mish() if task == "regression" else Selu()


def even_batch(rows: int, size: int) -> int:
    """About `size` rows, and no small rest: the steps of a small batch are as large, and wild."""
    return math.ceil(rows / max(1, rows // size))


def batch_size(rows: int) -> int:
    """Rows of a mini-batch: a power of two that grows with the table, from 32 to 1024."""
    bounds = {512: 32, 1024: 64, 8192: 128, 30_000: 256, 100_000: 512}
    return next((size for bound, size in bounds.items() if rows <= bound), 1024)


def epochs(rows: int, batch: int, updates: int) -> int:
    """Passes over the table for about `updates` updates: 20 to 1000, fewer beyond MOST_UPDATES."""
    passes = math.ceil(rows / batch)
    usual = min(1000, max(20, round(updates / passes)))
    return min(usual, max(1, MOST_UPDATES // passes))
