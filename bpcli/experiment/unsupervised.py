"""Choices that a config without a target leaves open, and what it cannot ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bpcli.config.errors import ConfigError, DataError, Problem, listing
from bpcli.data.prepare import Prepared
from bpcli.data.scalers import Standard
from bpcli.data.split import TRAIN
from bpcli.data.without_target import AUTOENCODER
from bpcli.experiment.autoencoder import with_decoder
from bpcli.experiment.config import Config
from bpcli.experiment.output_layer import OutputLayer
from bpcli.experiment.parts import StopSpec
from bpcli.experiment.presets import Linear, batch_size
from bpcli.nn.losses.clusters import Clustering
from bpcli.nn.losses.deep import DeepClustering
from bpcli.nn.losses.loss import Loss
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.optimizers.history import LBFGS
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.schedules import Constant, Cosine
from bpcli.nn.update import Regularization

RUNS = 10  # of K-means, from different starts
LLOYD_STEPS = 300
DEEP_EPOCHS = 200  # at most, once there are clusters
_UPDATES = 1000
_RATE = 0.1  # of centres among inputs of standard deviation 1
_LEAST_EPOCHS = 5


def without_target(config: Config) -> Config:
    """Each category has an input, and clusters are those of all rows, unless the config says
    otherwise.

    A category's code is no place in space, so it cannot be an input.
    """
    split, preprocess = config.split, config.preprocess
    keys = () if config.task == AUTOENCODER else ("validation", "test")
    silent = {key: 0.0 for key in keys if key not in split.model_fields_set}
    changes: dict[str, Any] = {"numeric": preprocess.numeric or Standard()}
    if "one_hot" not in preprocess.categorical.model_fields_set:
        most = {"one_hot": preprocess.categorical.max_levels}
        changes["categorical"] = preprocess.categorical.model_copy(update=most)
    return config.model_copy(
        update={
            "split": split.model_copy(update=silent),
            "preprocess": preprocess.model_copy(update=changes),
        }
    )


def resolve_clustering(config: Config, loss: Loss, prepared: Prepared) -> Config:
    """The same experiment with nothing left open.  Raises ConfigError and DataError."""
    assert isinstance(loss, Clustering)
    deep = loss if isinstance(loss, DeepClustering) else None
    unfit = _unfit_deep(config, deep) if deep else _unfit_layers(config)
    asked = {**_of_targets(config), **_of_judges(config)}
    if deep is None:
        asked["output_layer"] = config.output_layer
    problems = [*_refused(config, asked), *unfit, *_unfit_inputs(prepared)]
    if problems:
        raise ConfigError(*problems)
    rows = len(prepared.rows(TRAIN))
    if loss.k != "auto":
        require_rows(loss.k, prepared)
    full = isinstance(config.optimizer, Lloyd) or config.batch_size == "full"
    size = batch_size(rows) if config.batch_size == "auto" else config.batch_size
    choices: dict[str, Any] = {
        "task": prepared.task,
        "data": config.data.model_copy(update=prepared.settings()),
        "split": config.split.model_copy(update={"method": prepared.split_method(config.split)}),
        "loss": loss,
        "batch_size": "full" if full else size,
        "regularization": config.regularization or Regularization(),
        "stop": config.stop.model_copy(update={"monitor": "train_loss", "restore_best": False}),
    }
    given = config.model_copy(update=choices)
    per_epoch = 1 if full else math.ceil(rows / min(int(size), rows))
    return _deep(given, deep, prepared, per_epoch) if deep else _kmeans(given, per_epoch)


def _kmeans(config: Config, per_epoch: int) -> Config:
    """Centres among the inputs, from several starts."""
    lloyd, optimizer = isinstance(config.optimizer, Lloyd), config.optimizer or Adam()
    rate = _RATE if isinstance(optimizer, Adam) else optimizer.learning_rate
    usual = LLOYD_STEPS if lloyd else max(_LEAST_EPOCHS, round(_UPDATES / per_epoch))
    choices: dict[str, Any] = {
        "network": (),
        "optimizer": optimizer,
        "learning_rate": config.learning_rate or rate,
        "schedule": config.schedule or (Constant() if lloyd else Cosine()),
        "runs": config.runs or RUNS,
        "epochs": config.epochs if config.epochs or config.iterations else usual,
    }
    return config.model_copy(update=choices)


def _deep(config: Config, loss: DeepClustering, prepared: Prepared, per_epoch: int) -> Config:
    """Centres among latent numbers.  Raises ConfigError where training ends before."""
    optimizer = config.optimizer or Adam()
    usual = None if config.iterations else loss.pretrain + DEEP_EPOCHS
    choices: dict[str, Any] = {
        "output_layer": config.output_layer or OutputLayer(),
        "optimizer": optimizer,
        "learning_rate": config.learning_rate or optimizer.learning_rate,
        "schedule": config.schedule or Constant(),
        "epochs": config.epochs or usual,
    }
    resolved = with_decoder(config, prepared.x.shape[1]).model_copy(update=choices)
    epochs = resolved.epochs or (config.iterations or 0) // per_epoch
    if epochs <= loss.pretrain:
        what = f"training ends after {epochs} epochs, clusters begin after {loss.pretrain}"
        fix = f"set more epochs, or loss: {{{loss.name}: {{pretrain: …}}}} lower"
        raise ConfigError(Problem("BP-C178", "epochs", what, fix))
    return resolved


def resolve_encoder(config: Config, prepared: Prepared) -> Config:
    """The config of an autoencoder with both its halves.  Raises ConfigError."""
    if problems := [*_refused(config, _of_targets(config)), *_unfit_inputs(prepared)]:
        raise ConfigError(*problems)
    return with_decoder(config, prepared.x.shape[1])


def require_rows(k: int, prepared: Prepared) -> None:
    """Raises DataError for more clusters than training rows."""
    rows = len(prepared.rows(TRAIN))
    if k > rows:
        what = f"{k} clusters are asked for, there are {rows} training rows"
        fix = "lower loss.kmeans.k, or add rows"
        raise DataError(Problem("BP-D193", prepared.table.path.name, what, fix))


def _refused(config: Config, asked: Mapping[str, Any]) -> Iterator[Problem]:
    """The keys that are set, of those that mean nothing without a target."""
    keys = [key for key, value in asked.items() if value not in (None, False, 0, (), "")]
    if keys:
        what = f"{listing(keys)} cannot be had without a target: nothing is predicted or validated"
        yield Problem("BP-C170", keys[0], what, "remove them" if len(keys) > 1 else "remove it")
    if config.learning_rate == "auto":
        what = "auto is by the loss of rows held out, and there is no target to predict on them"
        yield Problem("BP-C170", "learning_rate", what, "remove it: there is a default")


def _of_targets(config: Config) -> dict[str, Any]:
    """Keys that are about a target."""
    return {
        "class_weight": config.class_weight,
        "calibration": config.calibration is not None and config.calibration.tensors(),
        "decision": config.decision,
        "ensemble": config.ensemble,
        "preprocess.target": config.preprocess.target,
        "preprocess.numeric_embedding": config.preprocess.numeric_embedding,
        "split.calibration": config.split.calibration,
    }


def _of_judges(config: Config) -> dict[str, Any]:
    """Keys that are about rows by which training is judged."""
    stop, default = config.stop, StopSpec()
    return {
        "split.validation": config.split.validation,
        "stop.target_metric": stop.target_metric,
        "stop.monitor": stop.monitor not in (default.monitor, "train_loss"),
        "stop.restore_best": stop.restore_best,
    }


def _unfit_layers(config: Config) -> Iterator[Problem]:
    """Layers that K-means cannot have."""
    if config.network not in (None, (), Linear()):
        what = (
            "kmeans with layers before the centres would shrink all rows to one point, "
            "where every distance is 0"
        )
        fix = "remove network, or use dec or idec, which keep the rows apart"
        yield Problem("BP-C171", "network", what, fix)
    if config.decoder is not None:
        yield needless_decoder("kmeans has its centres among these")


def needless_decoder(but: str) -> Problem:
    """That a config has a decoder where there are no latent numbers."""
    what = f"leads from latent numbers back to the inputs, but {but}"
    return Problem("BP-C175", "decoder", what, "remove it, or set task: autoencoder")


def _unfit_deep(config: Config, loss: DeepClustering) -> Iterator[Problem]:
    """Keys by which a training of two phases would be stopped or chosen in the first one."""
    stop = config.stop
    asked = {
        "runs": config.runs,
        "stop.patience": stop.patience,
        "stop.threshold": stop.threshold,
        "optimizer": isinstance(config.optimizer, Lloyd | LBFGS),
    }
    keys = [key for key, value in asked.items() if value]
    if keys:
        what = (
            f"{loss.name} minimises one loss and then another, so {listing(keys)} would compare "
            "what cannot be compared"
        )
        fix = f"remove {'them' if len(keys) > 1 else 'it'}; it ends by loss.{loss.name}.tolerance"
        yield Problem("BP-C179", keys[0], what, fix)


def _unfit_inputs(prepared: Prepared) -> Iterator[Problem]:
    """Inputs that are codes, between which there is no distance."""
    layout = prepared.features.layout
    if layout.coded:
        names = listing([repr(one.name) for one in layout.coded])
        what = f"the categories of {names} are codes, between which there is no distance"
        fix = "leave preprocess.categorical.one_hot out, or drop the columns"
        yield Problem("BP-C172", "preprocess.categorical.one_hot", what, fix)
