"""Training in memory: the engine's epochs with validation, the best weights, and stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import NumericError, Problem
from bpcli.experiment.config import StopSpec
from bpcli.metrics.metric import Floats, Metric, Truth
from bpcli.nn.layer import Array, Views
from bpcli.nn.losses import Loss
from bpcli.nn.network import Network
from bpcli.nn.scoring import BLOCK, Scorer
from bpcli.nn.training import Diverged, Method, Rows, State, train


class Validation(NamedTuple):
    """Rows the weights never see: x (N,I), loss targets t (N,O), and the truth for a metric."""

    x: Array
    t: Array
    truth: Truth
    metric: Metric
    predict: Callable[[Array], Floats]  # from scores (1,N,O) to what the metric reads


class Record(NamedTuple):
    """One line of the history."""

    epoch: int
    iteration: int
    rate: float
    train_loss: float
    validation_loss: float | None
    validation_metric: float | None
    gradient_norm: float
    seconds: float  # since training began


class Fit:
    """One training run; iterating trains, and the attributes tell what came of it."""

    def __init__(
        self,
        network: Network,
        method: Method,
        rows: Rows,
        validation: Validation | None,
        stop: StopSpec,
    ) -> None:
        self.network, self.method, self.rows = network, method, rows
        self.state = State.start(network, method, rows.x.dtype.name)
        self.stop_reason = ""
        self._rule = _Rule(stop, validation.metric if validation else None)
        self._validate = validation and _Validator(network, method.loss, validation, self.state)
        self._best: Array | None = None

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights were kept; None where the last ones were."""
        return self._rule.best_epoch if self._best is not None else None

    @property
    def weights(self) -> Array:
        """Parameters (R,P) of the best epoch where that was asked for, else of the last."""
        return self.state.result if self._best is None else self._best

    def __iter__(self) -> Iterator[Record]:
        """Train, one record an epoch.  Raises NumericError when the loss is not finite."""
        start = time.monotonic()
        try:
            for epoch in train(self.network, self.method, self.state, self.rows):
                loss, metric = self._validate() if self._validate else (None, None)
                record = Record(
                    epoch.epoch,
                    epoch.iteration,
                    float(epoch.rate[0]),
                    float(epoch.loss[0]),
                    loss,
                    metric,
                    float(epoch.gradient_norm[0]),
                    time.monotonic() - start,
                )
                self.stop_reason = self._judge(record)
                yield record
                if self.stop_reason:
                    return
        except Diverged as diverged:
            raise NumericError(_divergence(diverged)) from None
        self.stop_reason = f"all {self.state.iteration} iterations done"

    def _judge(self, record: Record) -> str:
        better, reason = self._rule.judge(record)
        if better and self._rule.restores:
            self._best = self.state.result.copy()
        return reason


class _Rule:
    """Which epoch is the best so far, and whether training should end."""

    def __init__(self, spec: StopSpec, metric: Metric | None) -> None:
        self.spec, self.metric = spec, metric
        watched = metric is not None
        on_validation = watched if spec.monitor == "auto" else spec.monitor == "validation_loss"
        self.monitor = "validation_loss" if on_validation else "train_loss"
        self.restores = (
            spec.patience is not None if spec.restore_best is None else spec.restore_best
        )
        self.best, self.best_epoch = np.inf, 0

    def judge(self, record: Record) -> tuple[bool, str]:
        """(is the best epoch so far, why training ends now or an empty string)."""
        loss = record.validation_loss if self.monitor == "validation_loss" else record.train_loss
        assert loss is not None
        better = loss < self.best - self.spec.min_delta or self.best_epoch == 0
        if better:
            self.best, self.best_epoch = loss, record.epoch
        return better, self._end(record)

    def _end(self, record: Record) -> str:
        """The first rule that fires, in the order of this list."""
        spec, norm = self.spec, record.gradient_norm
        if spec.threshold is not None and record.train_loss < spec.threshold:
            loss = f"training loss {record.train_loss:.4g}"
            return f"{loss} is below the threshold {spec.threshold:g}"
        if spec.target_metric is not None and self._reached(record, spec.target_metric):
            assert self.metric is not None
            value = f"validation {self.metric.name} {record.validation_metric:.4g}"
            return f"{value} has reached the target {spec.target_metric:g}"
        if spec.gradient_norm is not None and norm < spec.gradient_norm:
            return f"gradient norm {norm:.4g} is below {spec.gradient_norm:g}"
        if spec.patience is not None and record.epoch - self.best_epoch >= spec.patience:
            name = self.monitor.replace("_", " ")
            return f"no better {name} for {spec.patience} epochs (patience)"
        if spec.max_time is not None and record.seconds >= spec.max_time:
            return f"the time limit of {spec.max_time:g} s is over"
        return ""

    def _reached(self, record: Record, target: float) -> bool:
        value = record.validation_metric
        if value is None or self.metric is None:
            return False
        return value >= target if self.metric.better == "higher" else value <= target


class _Validator:
    """Loss and metric of the validation rows with the weights of the moment."""

    def __init__(self, network: Network, loss: Loss, validation: Validation, state: State) -> None:
        self.loss, self.validation = loss, validation
        n, dtype = len(validation.x), state.flat.dtype
        self.scorer = Scorer(network, state.result, min(BLOCK, n))
        (width,) = network.out_shape
        self.scratch = Views(
            **{name: np.empty((1, n, *shape), dtype) for name, shape in loss.scratch(width).items()}
        )
        self.c = np.full((1, 1, 1), 1 / n, dtype)

    def __call__(self) -> tuple[float, float | None]:
        z = self.scorer(self.validation.x)
        loss = self.loss.value(z, self.validation.t[None], self.c, self.scratch)
        prediction = self.validation.predict(z)
        return float(loss[0]), self.validation.metric.value(self.validation.truth, prediction)


def _divergence(diverged: Diverged) -> Problem:
    before = diverged.loss_before
    history = "at the first update" if np.isnan(before) else f"after a loss of {before:.4g}"
    return Problem(
        "BP-N001",
        f"iteration {diverged.iteration}",
        f"the training {diverged.what} is no longer finite, {history}, at learning rate "
        f"{diverged.rate:g}; it begins in {diverged.layer}",
        "lower learning_rate, scale the columns (preprocess: {numeric: standard}), or clip the "
        "gradient (clip: {norm: 1})",
    )
