"""Trainings over settings × learning rates × folds: what each one is, and what came of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
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
from bpcli.metrics.metric import Metric, metrics_for
from bpcli.nn.team import cut

CACHE = 1 << 20  # bytes of a group: a core's own cache, and little to lose where one is killed


class Key(NamedTuple):
    """One training of a study: the value of the second setting, the rate, and the fold."""

    setting: str
    rate: float
    repeat: int
    fold: int


class Trial(NamedTuple):
    """What came of a training: the scores of the rows held out, with the weights it ended with."""

    setting: str
    rate: float
    repeat: int
    fold: int
    loss: float | None
    metric: float | None
    epoch: int | None  # that the weights are of
    epochs: int  # trained
    stop_reason: str
    failure: str  # why there is no score; empty where there is one

    @property
    def key(self) -> Key:
        """Which training it was."""
        return Key(*self[:4])


class Finished(NamedTuple):
    """A group of trainings that is done."""

    seconds: float
    trials: list[Trial]

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
        loss = next(iter(self.lessons.values())).problem.loss
        self.metric: Metric = metrics_for(loss.predicts)[0]

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
        return [group for alike in by_shape.values() for group in self._cut(alike, jobs)]

    def _cut(self, alike: list[Key], jobs: int) -> list[list[Key]]:
        fitting = most_at_once(self.lesson(alike[0]).problem, CACHE)
        parts = max(-(-len(alike) // fitting), min(jobs, len(alike)))
        return [alike[own] for own in cut(len(alike), parts, 1)]

    def train(self, group: Sequence[Key]) -> Finished:
        """Train a group together."""
        start = time.perf_counter()
        trials = [trial for trial, _ in self.replicas(group)]
        return Finished(time.perf_counter() - start, trials)

    def replicas(self, group: Sequence[Key]) -> list[tuple[Trial, Replica]]:
        """Train a group together; what came of each, with its weights."""
        replicas = [Replica(self.lesson(key), key.rate) for key in group]
        train_together(replicas)
        return [(_trial(key, one), one) for key, one in zip(group, replicas, strict=True)]

    def share_held_out(self) -> float:
        """Rows held out / rows trained on, the mean over the folds."""
        shares = [np.sum(f.sets == VALIDATION) / np.sum(f.sets == TRAIN) for f in self.folds.folds]
        return float(np.mean(shares))

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
