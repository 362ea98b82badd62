"""When training is looked at, and what was seen: seldom enough to cost next to nothing."""

from __future__ import annotations

import numpy as np

from bpcli.experiment.fit import Fit
from bpcli.experiment.group import Group
from bpcli.experiment.replicas import Replica
from bpcli.experiment.stopping import Record
from bpcli.insight.look import MOST_ROWS, Look, Reading, data_readings, own, rows_for
from bpcli.nn.state import State


class Watch:
    """The readings of a training, one look every so many updates, at the end of an epoch.

    What is looked at, and when, follows from the training alone: a resumed one sees the same.
    """

    def __init__(self, fit: Fit, every: int, seen: list[Reading] | None = None) -> None:
        self.fit, self.every = fit, every
        self.readings = seen or []
        self._look: Look | None = None
        self._of: tuple[int, ...] = ()

    def begin(self) -> None:
        """Before the first update: the data, and the start values where training is long enough."""
        if self.readings:
            return
        for number, replica in enumerate(self.fit.replicas, 1):
            self.readings += [own(one, number) for one in _data(replica)]
        if self.fit.group.method.iterations >= self.every:
            self._take(self.fit.group, 0)

    def follow(self, record: Record) -> None:
        """After an epoch of a replica; of a group the first one stands for all."""
        group = self.fit.group
        batches = -(-group.rows.x.shape[1] // group.method.batch_size)
        due = record.epoch % -(-self.every // batches) == 0
        if due and record.member == group.numbers[0] + 1 and record.iteration:
            self._take(group, record.epoch)

    def end(self) -> None:
        """The networks that training has ended with."""
        for number, replica in enumerate(self.fit.replicas, 1):
            problem, rows, _ = replica.lesson
            method = problem.method()._replace(rates=[replica.rate], replicas=[replica.name])
            none, last = np.zeros(1), replica.last
            iteration = last.iteration if last else self.fit.group.state.iteration
            state = State(replica.weights, {}, none, none, iteration=iteration)
            look = Look(problem.network, method, rows, rows_for(problem.network, MOST_ROWS))
            epoch = replica.best_epoch or replica.epochs
            (found,) = look.readings(state, epoch, moves=False)
            self.readings += [own(one, number) for one in found]

    def _take(self, group: Group, epoch: int) -> None:
        if self._look is None or self._of != tuple(group.numbers):
            count = rows_for(group.network, group.method.batch_size)
            self._look = Look(group.network, group.method, group.rows, count)
            self._of = tuple(group.numbers)
        self._look.method = group.method  # a rate may have been halved
        found = self._look.readings(group.state, epoch)
        for number, readings in zip(group.numbers, found, strict=True):
            self.readings += [own(one, number + 1) for one in readings]


def _data(replica: Replica) -> list[Reading]:
    problem, rows, _ = replica.lesson
    layout, target = problem.prepared.features.layout, problem.prepared.target
    names = layout.names, target.columns
    return list(data_readings(rows.x[0], rows.t[0], *names, len(layout.coded)))
