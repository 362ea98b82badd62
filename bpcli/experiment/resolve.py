"""Every choice that a config leaves open, made and written down: the resolved config."""

from __future__ import annotations

from typing import Any

from bpcli.config.errors import ConfigError, Problem
from bpcli.data.prepare import Prepared
from bpcli.data.scalers import Standard, Unscaled
from bpcli.data.spec import SplitSpec
from bpcli.data.split import TRAIN
from bpcli.experiment.calibration import Calibration, Temperature, Uncalibrated
from bpcli.experiment.config import Config
from bpcli.experiment.few import FEW
from bpcli.experiment.image_presets import ResNet
from bpcli.experiment.output_layer import OutputLayer
from bpcli.experiment.presets import MLP, Preset, Recipe, Tabular
from bpcli.experiment.requirements import (
    is_validated,
    require_decidable,
    require_fitting_loss,
    require_full_batch,
    require_no_embedding,
    require_no_input,
    require_one_network,
    require_trainable_members,
)
from bpcli.experiment.unsupervised import (
    needless_decoder,
    resolve_clustering,
    resolve_encoder,
    without_target,
)
from bpcli.nn.images import Flatten
from bpcli.nn.layer import Layer
from bpcli.nn.losses.binary import BinaryCrossEntropy, MultilabelCrossEntropy
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.clusters import KMeans
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.members import MemberLoss
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.network import Network
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.schedules import Constant
from bpcli.nn.update import Regularization

LOSSES: dict[str, Loss] = {
    "regression": MSE(),
    "binary": BinaryCrossEntropy(),
    "multiclass": CrossEntropy(),
    "multilabel": MultilabelCrossEntropy(),
    "autoencoder": MSE(),
}

MANY = 100_000  # training rows, of which one network is sure enough


def with_scalers(config: Config) -> Config:
    """The config with its scalers: what it says, else what its preset and loss can learn from."""
    if config.is_unsupervised:
        require_no_input(config)
        return without_target(config)
    own_units = config.loss is not None and config.loss.own_units
    preset, given = preset_of(config), config.preprocess
    numeric = preset.numeric if preset else Standard()
    target = preset.target if preset else Standard()
    embedding = preset.numeric_embedding if preset else None
    if config.input is not None:
        require_no_embedding(config)
        numeric, embedding = config.input.scaler, None
    choices = {
        "numeric": given.numeric or numeric,
        "numeric_embedding": given.numeric_embedding or embedding,
        "target": given.target or (Unscaled() if own_units else target),
    }
    return config.model_copy(update={"preprocess": given.model_copy(update=choices)})


def preset_of(config: Config) -> Preset | None:
    """The preset that fills in what the config leaves open; None for a network of its own."""
    return config.network if isinstance(config.network, Preset) else None


def default_preset(rows: int, *, images: bool = False) -> Preset:
    """By our own comparison (docs/quality.md): few rows mlp, more rows tabular; images resnet."""
    if images:
        return ResNet()
    return MLP() if rows < FEW else Tabular()


def split_of(config: Config) -> SplitSpec:
    """The split with which the table is prepared: what folds are cut from is all training rows."""
    if not config.over_folds:
        return config.split
    return config.split.model_copy(update={"train_on_validation": True})


def resolve(config: Config, prepared: Prepared) -> Config:
    """The same experiment with nothing left open; it trains to the same bytes.

    Raises ConfigError where the loss does not fit the target.
    """
    if prepared.target.kind == "clusters":
        loss = config.loss or KMeans()
        require_fitting_loss(loss, prepared)
        return resolve_clustering(config, loss, prepared)
    require_one_network(config)
    if prepared.target.kind == "latent":
        config = resolve_encoder(config, prepared)
    elif config.decoder is not None:
        raise ConfigError(needless_decoder("here a target is predicted"))
    preset = preset_of(config)
    own_layers = preset is None
    rows = rows_of(config, prepared)
    recipe = (preset or MLP()).recipe(rows, prepared.task)
    loss = config.loss or recipe.loss or LOSSES[prepared.task]
    if recipe.members is not None and not isinstance(loss, MemberLoss):
        loss = MemberLoss(loss=loss, count=recipe.members)
    require_fitting_loss(loss, prepared)
    require_trainable_members(config, prepared)
    require_decidable(config, prepared)
    full = config.optimizer is not None and config.optimizer.full_batch
    choices: dict[str, Any] = {
        "task": prepared.task,
        "data": _data(config, prepared),
        "split": config.split.model_copy(update={"method": prepared.split_method(config.split)}),
        "network": config.network if preset is None else _layers(config, preset, recipe),
        "output_layer": config.output_layer or (OutputLayer() if own_layers else recipe.output),
        "loss": loss,
        "optimizer": config.optimizer or recipe.optimizer,
        "learning_rate": config.learning_rate or _learning_rate(config, recipe, own_layers),
        "schedule": config.schedule or (Constant() if own_layers or full else recipe.schedule),
        "batch_size": _batch_size(config, recipe, rows),
        "regularization": config.regularization
        or (Regularization() if own_layers else recipe.regularization),
        "ema": config.ema or (None if own_layers or full else recipe.ema),
        "stop": _stop(config, prepared, recipe.monitor, own_layers),
    }
    if config.iterations is None and config.epochs is None:
        choices["epochs"] = recipe.epochs
    resolved = config.model_copy(update=choices)
    return resolved.model_copy(update={"calibration": _calibration(resolved, prepared)})


def _layers(config: Config, preset: Preset, recipe: Recipe) -> tuple[Layer, ...]:
    """The preset's layers, for the input that the config says."""
    flattens = config.input is not None and not preset.images
    return (Flatten(), *recipe.layers) if flattens else recipe.layers


def network_of(layers: tuple[Layer, ...], inputs: int) -> Network:
    """The layers for so many inputs.

    Raises ConfigError for a layer that does not fit the one before.
    """
    try:
        return Network(layers, (inputs,))
    except ValueError as error:
        raise ConfigError(Problem("BP-C050", "network", str(error))) from None


def rows_of(config: Config, prepared: Prepared) -> int:
    """The rows that a network is trained on; over folds about so many."""
    rows = len(prepared.rows(TRAIN))
    return max(1, rows - rows // config.networks) if config.over_folds else rows


def _data(config: Config, prepared: Prepared) -> Any:
    return config.data.model_copy(update=prepared.settings())


def _learning_rate(config: Config, recipe: Recipe, own_layers: bool) -> float:
    if config.optimizer is not None:
        return config.optimizer.learning_rate
    return Adam.learning_rate if own_layers else recipe.learning_rate


def _batch_size(config: Config, recipe: Recipe, rows: int) -> Any:
    optimizer = config.optimizer
    if optimizer is not None and optimizer.full_batch:
        require_full_batch(config, optimizer, rows)
        return "full"
    if config.batch_size == "full":
        return "full"
    return recipe.batch_size if config.batch_size == "auto" else config.batch_size


def _stop(config: Config, prepared: Prepared, monitor: str, own_layers: bool) -> Any:
    validated = is_validated(config, prepared)
    changes: dict[str, Any] = {}
    if config.stop.monitor == "auto":
        own = "validation_loss" if own_layers else monitor
        changes["monitor"] = own if validated else "train_loss"
    elif config.stop.monitor != "train_loss" and not validated:
        raise ConfigError(
            Problem(
                "BP-C051",
                "stop.monitor",
                "there are no validation rows to watch",
                "set split.validation above 0, or monitor train_loss",
            )
        )
    if config.stop.target_metric is not None and not validated:
        raise ConfigError(
            Problem(
                "BP-C054",
                "stop.target_metric",
                "there are no validation rows to measure it on",
                "set split.validation above 0",
            )
        )
    if config.stop.restore_best is None:
        # A preset ends with its best epoch; a network of one's own with its last, unless the
        # config asks for patience.
        patient = config.stop.patience is not None
        changes["restore_best"] = patient or (validated and not own_layers)
    return config.stop.model_copy(update=changes)


def _calibration(config: Config, prepared: Prepared) -> Calibration:
    """Temperature where there are probabilities and rows to fit it on, unless the config says.

    One network without hidden layers is told by its equations, which a calibration would bend.
    """
    probabilities, rows = prepared.target.learned != "numbers", is_validated(config, prepared)
    if config.calibration is None:
        wanted = probabilities and rows and not config.is_told_by_equations
        return Temperature() if wanted else Uncalibrated()
    if config.calibration.tensors() and not (probabilities and rows):
        what = (
            "there are no validation rows to fit it on"
            if probabilities
            else "it is for probabilities, the target is numbers"
        )
        fix = "remove calibration" + (", or set split.validation above 0" if probabilities else "")
        raise ConfigError(Problem("BP-C066", "calibration", what, fix))
    return config.calibration
