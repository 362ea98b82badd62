"""The root of a config file: everything an experiment can say, with its default and meaning."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

import bpcli.experiment.image_presets
import bpcli.metrics
import bpcli.nn  # noqa: F401  importing a family's module registers its members
from bpcli.config.component import Spec
from bpcli.data.input import Input
from bpcli.data.spec import DataSpec, PreprocessSpec, SplitSpec
from bpcli.data.without_target import AUTOENCODER, UNSUPERVISED
from bpcli.experiment.calibration import Calibration
from bpcli.experiment.decision import Decision
from bpcli.experiment.output_layer import OutputLayer
from bpcli.experiment.parts import Count, Ensemble, FoldsSpec, OutputSpec, StopSpec
from bpcli.experiment.search import LrSweepSpec, TuneSpec
from bpcli.experiment.written_network import Layers, Network
from bpcli.nn.images import Flatten
from bpcli.nn.losses.loss import Loss
from bpcli.nn.optimizers.optimizer import Optimizer
from bpcli.nn.schedules import Schedule
from bpcli.nn.update import Clip, Regularization

Task = Literal["regression", "binary", "multiclass", "multilabel", "clustering", "autoencoder"]


Rate = Annotated[float, Field(gt=0)]


class Config(Spec):
    """One experiment: the data, the network, how it learns, and when it stops."""

    version: Annotated[Literal[1], Field(description="version of this format")] = 1
    seed: Annotated[
        int, Field(ge=0, lt=2**63, description="decides split, start values, order and dropout")
    ] = 0
    task: Annotated[
        Task | Literal["auto"],
        Field(
            description="auto: inferred from the target, and said; clustering has no target, and "
            "is also what a loss for clusters asks for; nor has autoencoder"
        ),
    ] = "auto"
    data: Annotated[DataSpec, Field(description="the table and its columns")]
    split: Annotated[SplitSpec, Field(description="training, validation and test rows")] = (
        SplitSpec()
    )
    preprocess: Annotated[PreprocessSpec, Field(description="from cells to numbers")] = (
        PreprocessSpec()
    )
    input: Annotated[
        Input | None,
        Field(description="what a row is, if it is an image; default: its columns, each by itself"),
    ] = None
    network: Annotated[
        Network | None,
        Field(
            description="hidden layers in order, or a preset; default: tabular, for images resnet; "
            "two of half the length for two classes; below 400 training rows mlp or linear, as "
            "folds prefer, one without each fold; the output layer follows from the target, and "
            "what embeds categories from the columns"
        ),
    ] = None
    decoder: Annotated[
        Layers | None,
        Field(
            description="of an autoencoder, whose latent numbers are what the network gives: the "
            "layers from them back to the inputs, without the last one; default: the network "
            "mirrored"
        ),
    ] = None
    output_layer: Annotated[
        OutputLayer | None,
        Field(description="default: the preset's; glorot for a network of your own"),
    ] = None
    loss: Annotated[
        Loss | None,
        Field(description="default: mse for numbers, a cross-entropy for classes and for labels"),
    ] = None
    class_weight: Annotated[
        Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None,
        Field(
            description="weight of each class's rows in the training loss: balanced gives every "
            "class the same total; {name: weight} leaves the others at 1; not for labels"
        ),
    ] = None
    calibration: Annotated[
        Calibration | None,
        Field(
            description="how probabilities are corrected on the validation rows, or out of fold, "
            "once training is over; default: temperature, and none without validation rows or "
            "without hidden layers"
        ),
    ] = None
    decision: Annotated[
        Decision | None,
        Field(
            description="where the second of two classes begins: {threshold: 0.3}, or the best "
            "{maximize: f1} on the validation rows; default: the more probable class"
        ),
    ] = None
    optimizer: Annotated[Optimizer | None, Field(description="default: adam")] = None
    learning_rate: Annotated[
        Rate | Literal["auto"] | None,
        Field(
            description="default: the preset's or the optimizer's own; auto: chosen by "
            "cross-validation before training, as lr-sweep does"
        ),
    ] = None
    schedule: Annotated[
        Schedule | None,
        Field(description="default: the preset's; constant for a network of your own"),
    ] = None
    regularization: Annotated[
        Regularization | None,
        Field(
            description="what keeps weights small; acts on weight matrices; default: the preset's; "
            "nothing for a network of your own"
        ),
    ] = None
    clip: Annotated[Clip, Field(description="limits of the gradient")] = Clip()
    ema: Annotated[
        float | None,
        Field(
            gt=0,
            lt=1,
            description="decay of a running mean of the parameters, which then "
            "is what validates and predicts, e.g. 0.999; default: the preset's",
        ),
    ] = None
    batch_size: Annotated[
        Count | Literal["full", "auto"],
        Field(
            description="rows of a mini-batch; full: gradient descent on all rows; "
            "1: stochastic gradient descent; auto: by the number of rows"
        ),
    ] = "auto"
    iterations: Annotated[
        int | None,
        Field(ge=1, le=10**10, description="parameter updates in all; or give epochs"),
    ] = None
    epochs: Annotated[
        int | None,
        Field(ge=1, le=10**8, description="passes over the training rows; or give iterations"),
    ] = None
    stop: Annotated[StopSpec, Field(description="when to stop earlier")] = StopSpec()
    on_divergence: Annotated[
        Literal["stop", "backoff"],
        Field(
            description="stop: end when a loss or gradient is not finite; backoff: go back to "
            "the epoch of the lowest loss and halve the rate, at most 10 times"
        ),
    ] = "stop"
    ensemble: Annotated[
        Ensemble | None,
        Field(
            description="so many networks on the same rows, or {folds: n}: one without each fold; "
            "the mean of what they predict is the prediction. Default: one network"
        ),
    ] = None
    runs: Annotated[
        Annotated[int, Field(ge=1, le=256)] | None,
        Field(
            description="for clustering: so many trainings from different starts, side by side, of "
            "which the one with the lowest loss is kept; default: 10"
        ),
    ] = None
    lr_sweep: Annotated[LrSweepSpec, Field(description="the search for a learning rate")] = (
        LrSweepSpec()
    )
    tune: Annotated[TuneSpec, Field(description="the search of `bpcli tune`")] = TuneSpec()
    dtype: Annotated[
        Literal["float32", "float64"],
        Field(description="numbers while training; prediction always computes in float64"),
    ] = "float32"
    threads: Annotated[
        Count | Literal["auto"],
        Field(
            description="processes that share the rows of each batch, or BLAS threads where that "
            "cannot be (batch_norm, noise, not Linux); part of the result's last bits, so "
            "recorded. auto: 1 below 256 units a layer, else the cores, at most 8"
        ),
    ] = "auto"

    shards: Annotated[
        Annotated[int, Field(ge=2, le=1024)] | None,
        Field(
            description="fixed parts of the training rows, from each of which a batch takes its "
            "rows and whose gradients are added in their order: by the workers of `--cluster`, or "
            "one after another; part of the result. Default: the rows are not parted"
        ),
    ] = None
    sync_every: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="with shards: updates that each of them takes by itself on its own rows, "
            "until parameters and optimizer memory are averaged; 1: exact gradients, more: local "
            "SGD, another algorithm, which exchanges less often",
        ),
    ] = 1
    output: Annotated[OutputSpec, Field(description="what is written while training")] = (
        OutputSpec()
    )

    @property
    def is_linear(self) -> bool:
        """Whether, once resolved, nothing stands between the scaled columns and the scores."""
        layers = self.network if isinstance(self.network, tuple) else None
        plain = layers is not None and all(isinstance(layer, Flatten) for layer in layers)
        return plain and self.preprocess.numeric_embedding is None

    @property
    def is_told_by_equations(self) -> bool:
        """Whether it is one linear network, which a reader may look at as a formula."""
        return self.is_linear and self.networks == 1

    @property
    def is_unsupervised(self) -> bool:
        """Whether there is no target to learn."""
        asks = self.task == "auto" and self.loss is not None and not self.loss.supervised
        return asks or self.task in UNSUPERVISED

    @property
    def finds_clusters(self) -> bool:
        """Whether what is learned are clusters."""
        return self.is_unsupervised and self.task != AUTOENCODER

    @property
    def takes_default_network(self) -> bool:
        """Whether the network is left open, and there is a usual one."""
        return self.network is None and not self.is_unsupervised

    @property
    def learns(self) -> str:
        """What the loss is for, where there is one: numbers then are amounts, not classes."""
        return "" if self.loss is None else self.loss.predicts

    @property
    def over_folds(self) -> bool:
        """Whether each network is trained without a fold."""
        return isinstance(self.ensemble, FoldsSpec)

    @property
    def networks(self) -> int:
        """How many are trained, unless there are fewer folds than asked for."""
        if isinstance(self.ensemble, FoldsSpec):
            return self.ensemble.folds
        return self.ensemble or self.runs or 1

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.iterations is not None and self.epochs is not None:
            raise PydanticCustomError(
                "invalid_value", "expected iterations or epochs, got both; remove one", {}
            )
        return self
