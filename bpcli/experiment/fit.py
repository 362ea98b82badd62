"""Training in memory: the engine's epochs with validation, the best weights, and stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Self

import numpy as np

from bpcli.config.errors import NumericError, Problem, ResourceError
from bpcli.experiment.cause import WATCHED, divergence, unscored
from bpcli.experiment.group import Group
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.progress import Progress, Snapshot, text_of, under
from bpcli.experiment.replicas import Lesson, Replica
from bpcli.experiment.stopping import Record
from bpcli.experiment.validation import record_of
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array
from bpcli.nn.shards import Parts
from bpcli.nn.state import Saved
from bpcli.nn.stepper import Epoch
from bpcli.nn.training import train

MOST_HALVINGS = 10


class Fit:
    """Replicas in training, one group of them after another.

    Iterating trains, and the replicas tell what came of it. One that its stop rule ends leaves its
    group, and the others do not notice. Where one diverges, training stops with an error; or it
    backs off, which a replica does alone; or it leaves, and the epoch begins again for the others.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        groups: Sequence[Sequence[int]] | None = None,
        *,
        on_divergence: Literal["stop", "backoff", "leave"] = "stop",
        watch_metric: bool = True,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.replicas = list(replicas)
        self.records: list[Record] = []
        self._groups = groups or [range(len(replicas))]
        self._on_divergence, self._watch_metric = on_divergence, watch_metric
        self.pause = pause
        self.elsewhere: Parts | None = None  # where the work of shards is done; None: here
        self._began, self._spent = time.monotonic(), 0.0  # this sitting, and those before
        self._kept: Saved | None = None  # the moment that a divergence goes back to
        self._lowest = np.inf
        self._begin(self._groups[0])

    @classmethod
    def of(cls, problem: LearningProblem, pause: Callable[[], None] = lambda: None) -> Self:
        """One network from its start values.  `pause`: see `train`."""
        (rate,) = problem.method().rates
        replica = Replica(Lesson.of(problem), rate)
        return cls([replica], on_divergence=problem.config.on_divergence, pause=pause)

    @property
    def seconds(self) -> float:
        """Of training so far, over all sittings."""
        return time.monotonic() - self._began + self._spent

    @property
    def iterations(self) -> int:
        """Updates so far, over all replicas."""
        ended = sum(one.last.iteration for one in self.replicas if one.has_ended and one.last)
        training = sum(not one.has_ended for one in self.group.replicas)
        return ended + training * self.group.state.iteration

    def __iter__(self) -> Iterator[Record]:
        """Train, one record an epoch and replica.  Raises NumericError for a divergence.

        `pause` is called before each update, when a snapshot may be taken.
        """
        self._began = time.monotonic()
        while self._goes_on():
            yield from self._until_one_leaves()

    def snapshot(self) -> Snapshot:
        """All that training needs to go on to the same bytes; the arrays are not copies."""
        group = self.group
        progress = Progress(
            counts=group.state.counts(),
            training=tuple(group.numbers),
            rates=tuple(group.method.rates),
            members=tuple(replica.standing() for replica in self.replicas),
            lowest=text_of(self._lowest),
            kept=None if self._kept is None else dict(self._kept.counts),
            seconds=self.seconds,
        )
        return Snapshot(progress, self._arrays())

    def restore(self, snapshot: Snapshot, records: Sequence[Record]) -> None:
        """Go on from a snapshot and the records before it.

        Raises ValueError where they are another training's.
        """
        progress, arrays = snapshot
        progress.require_replicas(self._groups)
        self.records = list(records)
        last = {record.member: record for record in records}
        for i, (replica, standing) in enumerate(zip(self.replicas, progress.members, strict=True)):
            replica.resume(standing, arrays.get(f"best.{i + 1}"), last.get(i + 1))
        self._begin(progress.training)
        snapshot.require_like(self._arrays())
        self.group.state.restore(Saved(under("state", arrays), progress.counts))
        if progress.kept is not None:
            self._kept = Saved(under("kept", arrays), progress.kept)
        self.group.method = self.group.method._replace(rates=progress.rates)
        self._lowest, self._spent = float(progress.lowest), progress.seconds

    def _arrays(self) -> dict[str, Array]:
        kept: Mapping[str, Array] = {} if self._kept is None else self._kept.arrays
        best = {f"best.{i}": one.kept for i, one in enumerate(self.replicas, 1)}
        return {
            **{f"state.{name}": array for name, array in self.group.state.arrays().items()},
            **{f"kept.{name}": array for name, array in kept.items()},
            **{name: array for name, array in best.items() if array is not None},
        }

    def _begin(self, numbers: Sequence[int]) -> None:
        """Take the start values of some of the replicas."""
        self.group = Group(self.replicas, numbers)
        self._kept = None
        self._keep(np.inf)

    def _goes_on(self) -> bool:
        """Let go of those that have ended, or begin the next group; False where there is none."""
        group = self.group
        staying = [r for r, one in enumerate(group.replicas) if not one.has_ended]
        if 0 < len(staying) < len(group.replicas):
            group.pick(staying)
            self._keep(np.inf)
        if not staying:
            waiting = [g for g in self._groups if not any(self.replicas[i].has_ended for i in g)]
            if not waiting:
                return False
            self._begin(waiting[0])
        return True

    def _until_one_leaves(self) -> Iterator[Record]:
        group = self.group
        parts = group.network, group.method, group.state, group.rows
        try:
            for epoch in train(*parts, self.pause, self.elsewhere):
                yield from self._follow(epoch)
                if any(one.has_ended for one in group.replicas):
                    return
                self._keep(float(epoch.loss[0]))
        except ChildProcessError as error:
            raise ResourceError(_lost(error)) from None
        except Diverged as diverged:
            self._diverged(diverged)

    def _keep(self, loss: float) -> None:
        """Keep the moment to go back to: for the others of a group the last epoch, to back off
        that of the lowest training loss."""
        if self._on_divergence == "stop":
            return
        if self._on_divergence == "leave" or self._kept is None or loss < self._lowest:
            self._kept, self._lowest = self.group.state.saved(), loss

    def _follow(self, epoch: Epoch) -> list[Record]:
        """Tell the replicas and the schedule what an epoch came to."""
        group = self.group
        validator, seconds = group.validator, self.seconds
        losses = validator.losses() if validator else [None] * len(group.replicas)
        for r, loss in enumerate(losses):
            if loss is not None and not math.isfinite(loss):
                raise unscored(epoch, r)
        for r, (replica, loss) in enumerate(zip(group.replicas, losses, strict=True)):
            metric = validator.metric(r) if validator and self._watch_metric else None
            record = record_of(epoch, r, loss, metric, seconds, group.numbers[r] + 1)
            replica.follow(record, group.weights(r))
        group.observe()
        group.survey()
        for r, replica in enumerate(group.replicas):
            if not replica.has_ended and (reason := _ending(group, r)):
                replica.end(reason, group.weights(r))
        records = [one.last for one in group.replicas if one.last]
        self.records += records
        return records

    def _diverged(self, diverged: Diverged) -> None:
        """Go back and on, or raise NumericError."""
        replica = self.group.replicas[diverged.replica]
        problem, rows, _ = replica.lesson
        if diverged.what == WATCHED and replica.watched:
            rows = replica.watched.rows
        if self._on_divergence == "backoff" and len(replica.halvings) < MOST_HALVINGS:
            self.group.halve()
            replica.halvings.append(diverged.iteration)
        else:
            told = divergence(diverged, rows, problem.scaling(), replica.halvings)
            if self._on_divergence != "leave":
                raise NumericError(self._placed(told, diverged.replica)) from None
            replica.failure = told
        assert self._kept is not None
        self.group.state.restore(self._kept)

    def _placed(self, told: Problem, r: int) -> Problem:
        """Which of several it happened to."""
        if len(self.replicas) == 1:
            return told
        return told._replace(where=f"member {self.group.numbers[r] + 1}, {told.where}")


def train_together(replicas: Sequence[Replica]) -> list[Record]:
    """Train replicas of one group to their ends; one that diverges has failed."""
    stop = replicas[0].lesson.problem.config.stop
    # A metric takes longer than a small update, so it is computed where a rule reads it.
    asks_metric = stop.target_metric is not None or stop.monitor == "validation_metric"
    return list(Fit(replicas, on_divergence="leave", watch_metric=asks_metric))


def _lost(error: ChildProcessError) -> Problem:
    fix = "free some memory, or compute in one process with threads: 1"
    return Problem("BP-R002", "training", str(error), fix)


def _ending(group: Group, r: int) -> str:
    """Why a replica has no further epoch: by its loss, or by the engine; empty where it has."""
    state, method = group.state, group.method
    if reason := group.ending():
        return reason
    if not group.is_done(r):
        return ""
    if state.iteration < method.iterations:
        return f"{method.optimizer.name} has converged"
    return f"all {state.iteration} iterations done"
