"""Replicas that train at once, each with the bits of the same training alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from bpcli.experiment.kmeans import lowest
from bpcli.experiment.replicas import Replica
from bpcli.experiment.validation import Validator
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Array
from bpcli.nn.state import State
from bpcli.nn.survey import survey
from bpcli.nn.team import shared


class Group:
    """Replicas with their common arrays.

    They differ in rate, penalties, name and rows; the network, the rest of the method and the
    numbers of rows are common.
    """

    def __init__(self, replicas: Sequence[Replica], numbers: Sequence[int]) -> None:
        """Those of the replicas that have these numbers, from their start values."""
        self.numbers = list(numbers)
        self.replicas = replicas = [replicas[i] for i in numbers]
        problem = replicas[0].lesson.problem
        self.network = problem.network
        self.method = problem.method()._replace(
            rates=[replica.rate for replica in replicas],
            replicas=[replica.name for replica in replicas],
            regularization=[replica.penalties for replica in replicas],
        )
        self.rows = Rows.stacked([replica.lesson.rows for replica in replicas])
        if self.method.loss.retargets:
            self.rows = self.rows._replace(t=_own(self.rows.t))
        self.state = State.start(self.network, self.method, problem.config.dtype, self.rows)
        self.validator = self._validator()

    def pick(self, staying: Sequence[int]) -> None:
        """Let go of all others."""
        self.numbers = [self.numbers[r] for r in staying]
        self.replicas = [self.replicas[r] for r in staying]
        self.method, self.rows = self.method.pick(staying), self.rows.pick(staying)
        self.state = self.state.pick(staying)
        self.validator = self._validator()

    def weights(self, r: int) -> Array:
        """The parameters (1,P) of the moment that predict, as a view."""
        return self.state.result[r : r + 1]

    def is_done(self, r: int) -> bool:
        """Whether the engine would have no further epoch for this replica alone."""
        state, method = self.state, self.method
        slots = {name: slot[r : r + 1] for name, slot in state.slots.items()}
        return state.iteration == method.iterations or method.optimizer.is_done(slots)

    def ending(self) -> str:
        """Why the loss would end training, by what it has seen of all rows; or nothing."""
        return self.method.loss.ending(self.state.loss)

    def halve(self) -> None:
        """Halve every rate."""
        self.method = self.method._replace(rates=[rate / 2 for rate in self.method.rates])

    def observe(self) -> None:
        """Tell the schedule the monitored losses of the last epoch."""
        last = [one.last for one in self.replicas if one.last]
        pairs = zip(self.replicas, last, strict=True)
        losses = np.array([one.rule.monitored(record) for one, record in pairs])
        total = self.method.iterations
        self.method.schedule.observe(self.state.schedule, losses, self.state.iteration, total)

    def survey(self) -> None:
        """Let the loss look at all training rows, between two epochs."""
        epoch, seed = self.replicas[0].epochs, self.method.seed
        find = partial(lowest, seed=seed)
        survey(self.network, self.method.loss, self.state, self.rows, epoch, find)

    def _validator(self) -> Validator | None:
        watched = (replica.watched for replica in self.replicas)
        own = [one for one in watched if one is not None]
        return Validator(self.network, self.method.loss, own, self.state.result) if own else None


def _own(t: Array) -> Array:
    """Targets that may change, in memory that a team of processes shares."""
    own: Array = shared(t.shape, t.dtype)
    own[...] = t
    return own
