"""Choices that a config without a target leaves open, and what it cannot ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from bpcli.config.errors import ConfigError, DataError, Problem, listing
from bpcli.data.prepare import Prepared
from bpcli.data.scalers import Standard
from bpcli.data.split import TRAIN
from bpcli.experiment.config import Config, StopSpec
from bpcli.experiment.presets import Linear, batch_size
from bpcli.nn.losses.clusters import Clustering
from bpcli.nn.losses.loss import Loss
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.schedules import Constant, Cosine
from bpcli.nn.update import Regularization

RUNS = 10  # of K-means, from different starts
LLOYD_STEPS = 300
_UPDATES = 1000
_RATE = 0.1  # of centres among inputs of standard deviation 1
_LEAST_EPOCHS = 5


def without_target(config: Config) -> Config:
    """All rows train, and each category has an input, unless the config says otherwise.

    A category's code is no place in space, so it cannot be an input.
    """
    split, preprocess = config.split, config.preprocess
    silent = {key: 0.0 for key in ("validation", "test") if key not in split.model_fields_set}
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
    problems = [*_refused(config), *_unfit_layers(config, loss), *_unfit_inputs(prepared)]
    if problems:
        raise ConfigError(*problems)
    rows = len(prepared.rows(TRAIN))
    if loss.k != "auto":
        require_rows(loss.k, prepared)
    lloyd = isinstance(config.optimizer, Lloyd)
    full = lloyd or config.batch_size == "full"
    size = batch_size(rows) if config.batch_size == "auto" else config.batch_size
    optimizer = config.optimizer or Adam()
    rate = _RATE if isinstance(optimizer, Adam) else optimizer.learning_rate
    choices: dict[str, Any] = {
        "task": prepared.task,
        "data": config.data.model_copy(update=prepared.settings()),
        "split": config.split.model_copy(update={"method": prepared.split_method(config.split)}),
        "network": (),
        "loss": loss,
        "optimizer": optimizer,
        "learning_rate": config.learning_rate or rate,
        "schedule": config.schedule or (Constant() if lloyd else Cosine()),
        "batch_size": "full" if full else size,
        "regularization": config.regularization or Regularization(),
        "stop": config.stop.model_copy(update={"monitor": "train_loss", "restore_best": False}),
        "runs": config.runs or RUNS,
    }
    if config.iterations is None and config.epochs is None:
        per_epoch = 1 if full else math.ceil(rows / min(int(size), rows))
        usual = max(_LEAST_EPOCHS, round(_UPDATES / per_epoch))
        choices["epochs"] = LLOYD_STEPS if lloyd else usual
    return config.model_copy(update=choices)


def require_rows(k: int, prepared: Prepared) -> None:
    """Raises DataError for more clusters than training rows."""
    rows = len(prepared.rows(TRAIN))
    if k > rows:
        what = f"{k} clusters are asked for, there are {rows} training rows"
        fix = "lower loss.kmeans.k, or add rows"
        raise DataError(Problem("BP-D193", prepared.table.path.name, what, fix))


def _refused(config: Config) -> Iterator[Problem]:
    """Keys that are about a target, or about rows that judge how well one is predicted."""
    split, stop, default = config.split, config.stop, StopSpec()
    asked = {
        "output_layer": config.output_layer,
        "class_weight": config.class_weight,
        "calibration": config.calibration,
        "decision": config.decision,
        "ensemble": config.ensemble,
        "preprocess.target": config.preprocess.target,
        "preprocess.numeric_embedding": config.preprocess.numeric_embedding,
        "split.validation": split.validation,
        "split.calibration": split.calibration,
        "stop.target_metric": stop.target_metric,
        "stop.monitor": stop.monitor not in (default.monitor, "train_loss"),
        "stop.restore_best": stop.restore_best,
    }
    keys = [key for key, value in asked.items() if value not in (None, False, 0, "")]
    if keys:
        what = f"{listing(keys)} cannot be had without a target: nothing is predicted or validated"
        yield Problem("BP-C170", keys[0], what, "remove them" if len(keys) > 1 else "remove it")
    if config.learning_rate == "auto":
        what = "auto is by the loss of rows held out, and there is no target to predict on them"
        yield Problem("BP-C170", "learning_rate", what, f"remove it: the default is {_RATE}")


def _unfit_layers(config: Config, loss: Clustering) -> Iterator[Problem]:
    """Layers and optimizers that K-means cannot have."""
    if config.network not in (None, (), Linear()):
        what = (
            f"{loss.name} with layers before the centres would shrink all rows to one point, "
            "where every distance is 0"
        )
        yield Problem("BP-C171", "network", what, "remove network")


def _unfit_inputs(prepared: Prepared) -> Iterator[Problem]:
    """Inputs that are codes, between which there is no distance."""
    layout = prepared.features.layout
    if layout.coded:
        names = listing([repr(one.name) for one in layout.coded])
        what = f"the categories of {names} are codes, between which there is no distance"
        fix = "leave preprocess.categorical.one_hot out, or drop the columns"
        yield Problem("BP-C172", "preprocess.categorical.one_hot", what, fix)
