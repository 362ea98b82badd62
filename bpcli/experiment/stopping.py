"""When training ends, and which epoch was the best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpcli.experiment.config import Config
from bpcli.experiment.parts import StopSpec
from bpcli.metrics.metric import Metric


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
    member: int = 1  # of an ensemble


def rows_have_a_say(config: Config) -> bool:
    """Whether validation rows decide on anything: the end, the weights kept, or the rate."""
    stop, schedule = config.stop, config.schedule
    decides = stop.restore_best or stop.patience is not None or (schedule and schedule.memory())
    on_validation = stop.monitor != "train_loss"
    return stop.target_metric is not None or (on_validation and bool(decides))


def until(epoch: int) -> StopSpec:
    """An end after so many epochs, in which validation rows have no say."""
    return StopSpec(epoch=epoch, monitor="train_loss", restore_best=False)


class StopRule:
    """Which epoch is the best so far, and whether training should end."""

    def __init__(self, spec: StopSpec, metric: Metric | None) -> None:
        self.spec, self.metric = spec, metric
        watched = metric is not None
        auto = "validation_loss" if watched else "train_loss"
        self.monitor = auto if spec.monitor == "auto" else spec.monitor
        self.restores = (
            spec.patience is not None if spec.restore_best is None else spec.restore_best
        )
        self.best, self.best_epoch = np.inf, 0

    def monitored(self, record: Record) -> float:
        """The number, lower being better, that decides which epoch is the best."""
        if self.monitor == "train_loss":
            return record.train_loss
        if self.monitor == "validation_loss":
            assert record.validation_loss is not None
            return record.validation_loss
        assert self.metric is not None
        value = np.nan if record.validation_metric is None else record.validation_metric
        return -value if self.metric.better == "higher" else value

    def judge(self, record: Record) -> tuple[bool, str]:
        """(is the best epoch so far, why training ends now or an empty string)."""
        value = self.monitored(record)
        limit = self.best - self.spec.min_delta
        tie = self.monitor == "validation_metric" and value == limit
        better = value < limit or tie or self.best_epoch == 0
        if better:
            # One that is no number is worse than any: nothing is below it.
            self.best, self.best_epoch = np.inf if np.isnan(value) else value, record.epoch
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
        if spec.epoch is not None and record.epoch >= spec.epoch:
            return f"epoch {spec.epoch} is over (stop.epoch)"
        if spec.max_time is not None and record.seconds >= spec.max_time:
            return f"the time limit of {spec.max_time:g} s is over"
        return ""

    def _reached(self, record: Record, target: float) -> bool:
        value = record.validation_metric
        if value is None or self.metric is None:
            return False
        return value >= target if self.metric.better == "higher" else value <= target
