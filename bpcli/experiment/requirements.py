"""What a config asks for and cannot have together, or not of its table: each a ConfigError."""

from __future__ import annotations

from bpcli.config.errors import ConfigError, Problem
from bpcli.data.prepare import Prepared
from bpcli.data.split import TRAIN, VALIDATION
from bpcli.experiment.config import Config
from bpcli.nn.losses.loss import Loss
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.optimizers.optimizer import Elementwise, Optimizer


def require_no_input(config: Config) -> None:
    """Without a target nothing says what the columns are rows of."""
    if config.input is not None:
        what = "without a target every column is a number by itself"
        raise ConfigError(Problem("BP-C069", "input", what, "remove input"))


def require_no_embedding(config: Config) -> None:
    """Pixels are no columns of their own."""
    if config.preprocess.numeric_embedding is not None:
        what = f"the numbers of {config.input and config.input.name} rows are not embedded"
        fix = "remove it, or remove input"
        raise ConfigError(Problem("BP-C068", "preprocess.numeric_embedding", what, fix))


def require_one_network(config: Config) -> None:
    """Raises ConfigError for what only clusters can have several of."""
    if config.runs is not None:
        what = "keeps the clusters of lowest loss among several; here there are none"
        fix = "write ensemble in its place: the mean of several networks"
        raise ConfigError(Problem("BP-C173", "runs", what, fix))
    if isinstance(config.optimizer, Lloyd):
        what = "lloyd moves the centres of kmeans, there are none"
        raise ConfigError(Problem("BP-C174", "optimizer", what, "use another optimizer"))


def require_fitting_loss(loss: Loss, prepared: Prepared) -> None:
    """Raises ConfigError for a loss of another kind of target, or of other numbers."""
    wanted = prepared.target.learned
    if loss.predicts != wanted:
        what = f"{loss.name} is for {loss.predicts}, the task is {prepared.task}"
        fitting = [name for name, member in Loss.members().items() if member.predicts == wanted]
        fix = f"use {' or '.join(fitting)}, or set task"
        raise ConfigError(Problem("BP-C052", "loss", what, fix))
    try:
        loss.outputs(prepared.target.width)
    except ValueError as error:
        raise ConfigError(Problem("BP-C053", "loss", str(error))) from None
    if prepared.target.kind == "latent" and _is_no_error(loss):
        what = f"{loss.name} is not the error of one number for each input, whatever its units"
        raise ConfigError(Problem("BP-C053", "loss", what, "use mse, mae, huber or log_cosh"))
    if prepared.target.kind == "numbers":
        _require_fitting_numbers(loss, prepared)


def _require_fitting_numbers(loss: Loss, prepared: Prepared) -> None:
    target, numbers = prepared.target, prepared.t[prepared.rows(TRAIN)]
    if loss.own_units and target.tensor_shapes():
        what = f"{loss.name} needs the target in its own units, it is scaled"
        raise ConfigError(Problem("BP-C057", "loss", what, "remove preprocess.target"))
    for name, smallest in zip(target.columns, numbers.min(axis=0).tolist(), strict=True):
        if smallest < loss.lowest:
            what = f"{loss.name} learns numbers from {loss.lowest:g} on, {name!r} has {smallest:g}"
            raise ConfigError(Problem("BP-C058", "loss", what, "use mse, mae or huber"))


def _is_no_error(loss: Loss) -> bool:
    """Whether a loss of numbers is none of one score for each, whatever its units."""
    return loss.own_units or bool(loss.quantiles()) or loss.outputs(1) != 1


def require_trainable_members(config: Config, prepared: Prepared) -> None:
    """Raises ConfigError for members that would be trained on too little, or for too short."""
    if config.over_folds and prepared.split_method(config.split) == "time":
        what = "folds in the order of time leave the first members few rows, and the oldest ones"
        fix = f"write ensemble: {config.networks}, whose members share the rows"
        raise ConfigError(Problem("BP-C063", "ensemble.folds", what, fix))
    if config.networks > 1 and config.stop.max_time is not None:
        what = "members may train one after another, and the time would be that of the first ones"
        raise ConfigError(Problem("BP-C067", "stop.max_time", what, "limit epochs in its place"))


def require_decidable(config: Config, prepared: Prepared) -> None:
    """Raises ConfigError for a threshold of what are not two classes."""
    if config.decision is None:
        return
    if prepared.target.kind != "classes" or prepared.target.width != 2:
        what = f"a threshold tells two classes apart, the task is {prepared.task}"
        raise ConfigError(Problem("BP-C064", "decision", what, "remove decision"))
    if config.decision.needs_rows and not is_validated(config, prepared):
        what = "there are no validation rows to choose it on"
        fix = "set split.validation above 0, or write decision: {threshold: 0.5}"
        raise ConfigError(Problem("BP-C065", "decision", what, fix))


def require_full_batch(config: Config, optimizer: Optimizer, rows: int) -> None:
    """Raises ConfigError for what would give each update another function to look at."""
    size = config.batch_size
    if isinstance(size, int) and size < rows:
        what = f"{optimizer.name} compares gradients of the same rows, {size} rows change each time"
        raise ConfigError(Problem("BP-C060", "batch_size", what, "write batch_size: full"))
    if isinstance(optimizer, Elementwise):
        return
    if config.regularization and config.regularization.weight_decay:
        what = f"{optimizer.name} minimises one function, weight_decay is not a part of it"
        fix = "write regularization: {l2: …} in its place, or use adamw"
        raise ConfigError(Problem("BP-C061", "regularization.weight_decay", what, fix))
    if config.clip.norm or config.clip.value:
        what = f"{optimizer.name} chooses its step by the gradient as it is"
        raise ConfigError(Problem("BP-C062", "clip", what, "remove clip, or use another optimizer"))


def is_validated(config: Config, prepared: Prepared) -> bool:
    """Whether there are rows that a network does not learn from: of the split, or a fold."""
    return config.over_folds or len(prepared.rows(VALIDATION)) > 0
