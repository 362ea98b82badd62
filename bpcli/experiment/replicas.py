"""Several trainings of one network at once, each with the bits of the same training alone.

They differ in learning rate, rows and length; the network, the method and the numbers of rows are
common, and whether the validation rows have a say.
One that diverges has failed, one that its own stop rule ends is done: both leave, and the others
do not notice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import inf, isfinite, nan
from typing import Any, NamedTuple

import numpy as np

from bpcli.config.errors import Problem
from bpcli.experiment.fit import divergence, last_reason, unscored
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.stopping import Record, StopRule, rows_have_a_say, until
from bpcli.experiment.validation import Validation, Validator, record_of
from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array
from bpcli.nn.state import State
from bpcli.nn.stepper import Epoch
from bpcli.nn.training import train


class Lesson(NamedTuple):
    """A problem with its rows as training numbers; replicas that share it share these arrays."""

    problem: LearningProblem
    rows: Rows
    validation: Validation | None

    @classmethod
    def of(cls, problem: LearningProblem) -> Lesson:
        """The rows of a problem."""
        return cls(problem, problem.training_rows(), problem.validation())

    @property
    def shape(self) -> tuple[Any, ...]:
        """What must be equal in lessons that are learnt together."""
        watched, network = self.validation and self.validation.x.shape, self.problem.network
        layers = tuple(layer.model_dump_json() for layer in network.layers)  # may hold levels
        return network.in_shape, layers, self.rows.x.shape, watched


class Replica:
    """One of the trainings, and what has come of it."""

    def __init__(self, lesson: Lesson, rate: float, length: int | None = None) -> None:
        """Training as long as its config says, or for `length` epochs."""
        self.lesson, self.rate = lesson, rate
        config, watched = lesson.problem.config, lesson.validation
        self.watches = length is None and watched is not None and rows_have_a_say(config)
        stop = config.stop if length is None else until(length)
        if not self.watches:  # nothing depends on the monitored loss, and this one is free
            stop = stop.model_copy(update={"monitor": "train_loss"})
        self.rule = StopRule(stop, watched and watched.metric)
        self.records: list[Record] = []
        self.weights: Array = np.empty(
            0
        )  # (1,P), once it has ended: of its best epoch, or of the last
        self.stop_reason = ""
        self.failure: Problem | None = None

    @property
    def has_left(self) -> bool:
        """Whether it trains no more."""
        return bool(self.stop_reason) or self.failure is not None

    @property
    def kept_epoch(self) -> int:
        """The epoch that the weights are of."""
        return self.rule.best_epoch if self.rule.restores else self.records[-1].epoch

    def score(self) -> tuple[float, float | None]:
        """Loss and metric of the rows held out with these weights."""
        problem, watched = self.lesson.problem, self.lesson.validation
        assert watched is not None
        validator = Validator(problem.network, problem.loss, [watched], self.weights)
        return validator.losses()[0], validator.metric(0)

    def follow(self, record: Record, weights: Array) -> None:
        """Take in an epoch and the weights (1,P) that it ended with."""
        self.records.append(record)
        better, reason = self.rule.judge(record)
        if better and self.rule.restores:
            self.weights = weights.copy()
        if reason:
            self.end(reason, weights)

    def end(self, reason: str, weights: Array) -> None:
        """Training ends with these weights (1,P), unless an earlier epoch's are kept."""
        self.stop_reason = reason
        if not self.rule.restores:
            self.weights = weights.copy()


def train_together(replicas: Sequence[Replica]) -> None:
    """Train them all to their ends."""
    group = _Group(replicas)
    while group.replicas:
        group.train_until_one_leaves()


class _Group:
    """The replicas that still train, with their arrays."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self.replicas = list(replicas)
        first, rates = replicas[0].lesson.problem, [replica.rate for replica in replicas]
        self.network = first.network
        self.method = first.method()._replace(rates=rates, replicas=[0] * len(rates), parts=1)
        self.rows = Rows.stacked([replica.lesson.rows for replica in replicas])
        self.state = State.start(self.network, self.method, first.config.dtype, self.rows)
        self.begun = self._copy()  # where an epoch that fails begins again
        # A metric takes longer than a small update, so it is computed where a rule reads it.
        stop = first.config.stop
        self.asks_metric = stop.target_metric is not None or stop.monitor == "validation_metric"
        self.start = time.monotonic()

    def train_until_one_leaves(self) -> None:
        """Train, and let go of those that stop, diverge or are done."""
        try:
            self._train()
        except Diverged as diverged:
            self._fail(diverged)
            self.state = self.begun
        staying = [r for r, one in enumerate(self.replicas) if not one.has_left]
        self.replicas = [self.replicas[r] for r in staying]
        self.method, self.rows = self.method.pick(staying), self.rows.pick(staying)
        self.state = self.state.pick(staying)
        self.begun = self._copy()

    def _copy(self) -> State:
        return self.state.pick(range(len(self.state.flat)))

    def _fail(self, diverged: Diverged) -> None:
        """The loss before it is forgotten where the group was begun anew, so it is never told."""
        diverged.loss_before = nan
        problem, rows, _ = (replica := self.replicas[diverged.replica]).lesson
        replica.failure = divergence(diverged, rows, problem.scaling())

    def _train(self) -> None:
        validator = self._validator()
        for epoch in train(self.network, self.method, self.state, self.rows):
            self._follow(epoch, validator)
            if any(replica.has_left for replica in self.replicas):
                return
            self.begun = self._copy()

    def _follow(self, epoch: Epoch, validator: Validator | None) -> None:
        losses = validator.losses() if validator else [None] * len(self.replicas)
        seconds = time.monotonic() - self.start
        for r, (replica, loss) in enumerate(zip(self.replicas, losses, strict=True)):
            if loss is not None and not isfinite(loss):
                watched = replica.lesson.validation
                assert watched is not None
                scaling = replica.lesson.problem.scaling()
                replica.failure = divergence(unscored(epoch, r), watched.rows, scaling)
                continue
            metric = validator.metric(r) if validator and self.asks_metric else None
            replica.follow(record_of(epoch, r, loss, metric, seconds), self._weights(r))
        self._observe()
        for r, replica in enumerate(self.replicas):
            if not replica.has_left and self._is_done(r):
                replica.end(last_reason(self.method, self.state), self._weights(r))

    def _observe(self) -> None:
        """Tell the schedule the monitored losses; it looks at each replica by itself."""
        schedule, state = self.method.schedule, self.state
        losses = [
            inf if one.failure else one.rule.monitored(one.records[-1]) for one in self.replicas
        ]
        schedule.observe(state.schedule, np.array(losses), state.iteration, self.method.iterations)

    def _is_done(self, r: int) -> bool:
        """Whether the engine would have no further epoch for this replica alone."""
        slots = {name: slot[r : r + 1] for name, slot in self.state.slots.items()}
        return self.state.iteration == self.method.iterations or self.method.optimizer.is_done(
            slots
        )

    def _weights(self, r: int) -> Array:
        return self.state.result[r : r + 1]

    def _validator(self) -> Validator | None:
        watched = [one.lesson.validation for one in self.replicas if one.watches]
        own = [one for one in watched if one is not None]
        return Validator(self.network, self.method.loss, own, self.state.result) if own else None
