"""Trainings over settings × learning rates × folds: what each one is, and what came of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from bpcli.data.folds import Fold, Folds, make_folds
from bpcli.data.prepare import Prepared, refit
from bpcli.data.split import TRAIN, VALIDATION
from bpcli.experiment.config import Config
from bpcli.experiment.fit import train_together
from bpcli.experiment.memory import most_at_once
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Lesson, Replica
from bpcli.experiment.stopping import rows_have_a_say
from bpcli.metrics.metric import Metric, metrics_for
from bpcli.selection.sharing import CACHE, dealt


class Key(NamedTuple):
    """One training of a study: the value of the second setting, the rate, the fold, its length."""

    setting: str
    rate: float
    repeat: int
    fold: int
    length: int | None = None  # epochs; None where the config's own rules end it


class Trial(NamedTuple):
    """What came of a training: the scores of the rows held out, with the weights it ended with."""

    setting: str
    rate: float
    repeat: int
    fold: int
    length: int | None
    loss: float | None
    metric: float | None
    epoch: int | None  # that the weights are of
    epochs: int  # trained
    stop_reason: str
    failure: str  # why there is no score; empty where there is one

    @property
    def key(self) -> Key:
        """Which training it was."""
        return Key(*self[:5])


Prediction = list[list[float]]  # of the rows that a training holds out, (N, columns)


class Finished(NamedTuple):
    """A group of trainings that is done."""

    seconds: float
    trials: list[Trial]
    predictions: list[Prediction]  # of each trial; empty where not asked for

    def to_json(self) -> str:
        """One line; its numbers read back to the same bits."""
        return json.dumps(self, allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Finished:
        """What `to_json` wrote.  Raises ValueError for any other text."""
        return TypeAdapter(cls).validate_json(line)


class Study:
    """The same folds for every setting; nothing is trained yet."""

    def __init__(self, settings: Mapping[str, tuple[Prepared, Config]]) -> None:
        self.settings = settings
        prepared, config = next(iter(settings.values()))
        self.folds: Folds = make_folds(prepared, config.split, config.seed)
        self.lessons = {
            (setting, fold.repeat, fold.number): _lesson(*both, fold)
            for setting, both in settings.items()
            for fold in self.folds.folds
        }
        self.places = [(fold.repeat, fold.number) for fold in self.folds.folds]
        loss = next(iter(self.lessons.values())).problem.loss
        self.metric: Metric = metrics_for(loss.predicts)[0]

    def watches(self, setting: str) -> bool:
        """Whether the rows held out have a say in the trainings of a setting."""
        return rows_have_a_say(self.settings[setting][1])

    def keys(self, rates: Iterable[float]) -> list[Key]:
        """Every setting × rate × fold."""
        return [
            Key(setting, rate, fold.repeat, fold.number)
            for setting in self.settings
            for rate in rates
            for fold in self.folds.folds
        ]

    def groups(self, keys: Sequence[Key], jobs: int = 1) -> list[list[Key]]:
        """The trainings that are done together: of one shape, and small enough for the cache.

        Small ones are also dealt out evenly over the jobs. No result depends on the groups.
        """
        by_shape: dict[Any, list[Key]] = {}
        for key in sorted(keys, key=lambda key: (key.setting, key.repeat, key.fold)):
            shape = key.setting, self.lesson(key).shape
            by_shape.setdefault(shape, []).append(key)
        return [
            list(group)
            for alike in by_shape.values()
            for group in dealt(alike, most_at_once(self.lesson(alike[0]).problem, CACHE), jobs)
        ]

    def train(
        self, group: Sequence[Key], predict: Callable[[Trial, Replica], Prediction]
    ) -> Finished:
        """Train a group together, and predict with what it ends with."""
        start = time.perf_counter()
        replicas = [self._replica(key) for key in group]
        train_together(replicas)
        trials = [_trial(key, one) for key, one in zip(group, replicas, strict=True)]
        predictions = [predict(*both) for both in zip(trials, replicas, strict=True)]
        return Finished(time.perf_counter() - start, trials, predictions)

    def _replica(self, key: Key) -> Replica:
        watches = key.length is None and self.watches(key.setting)
        return Replica(self.lesson(key), key.rate, length=key.length, watches=watches)

    def share_held_out(self) -> float:
        """Rows held out / rows trained on, the mean over the folds."""
        shares = [np.sum(f.sets == VALIDATION) / np.sum(f.sets == TRAIN) for f in self.folds.folds]
        return float(np.mean(shares))

    def facts(self) -> dict[str, Any]:
        """The folds in numbers."""
        return {
            "method": self.folds.method,
            "folds": max(fold.number for fold in self.folds.folds),
            "repeats": max(fold.repeat for fold in self.folds.folds),
            "held_out": self.share_held_out(),
        }

    def lesson(self, key: Key) -> Lesson:
        """The problem and the rows of a training."""
        return self.lessons[key.setting, key.repeat, key.fold]


def _lesson(prepared: Prepared, config: Config, fold: Fold) -> Lesson:
    inside = refit(prepared, config.preprocess, fold.sets)
    return Lesson.of(LearningProblem.of(config, inside))


def _trial(key: Key, replica: Replica) -> Trial:
    epochs = replica.epochs
    if replica.failure is not None:
        told = replica.failure
        return Trial(*key, None, None, None, epochs, "", f"{told.where}: {told.what}")
    loss, metric = replica.score()
    if metric is None or not math.isfinite(loss) or not math.isfinite(metric):
        failure = "the rows held out have no finite score"
        return Trial(*key, None, None, None, epochs, replica.stop_reason, failure)
    return Trial(*key, loss, metric, replica.best_epoch or epochs, epochs, replica.stop_reason, "")
