"""Training in shards on a cluster: its workers read the data and compute the gradients.

This process has the parameters, takes the steps and writes the checkpoints. Each worker is given
the parameters and some of the shards, and gives their gradients back; so a worker that is lost is
lost for one update only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from bpcli.execution.cluster import Cluster, joined
from bpcli.experiment.load import Loaded
from bpcli.experiment.problem import LearningProblem
from bpcli.nn.layer import Array
from bpcli.nn.shards import Gradients, Moment, Part, Shards
from bpcli.nn.team import cut
from bpcli.runs.elsewhere import Elsewhere, Worker
from bpcli.runs.identity import Identity
from bpcli.runs.journal import identity_of
from bpcli.runs.resolved import prepare_and_resolve


@contextmanager
def gradients_on(
    where: str, loaded: Loaded, problem: LearningProblem, pause: Callable[[], None]
) -> Iterator[Gradients]:
    """The gradients of the problem's shards, by a cluster; `pause` is called while it works."""
    elsewhere = Elsewhere(_identity(problem), partial(_worker, loaded.anywhere()))
    with joined(where) as cluster:
        hands = cut(problem.method().shards, cluster.size, 1)
        shares = [range(one.start, one.stop) for one in hands if one.start < one.stop]
        yield _Remote(cluster, elsewhere, shares, pause)


class _Task(NamedTuple):
    flat: Array
    moment: Moment
    shards: range


@dataclass(frozen=True)
class _Remote:
    cluster: Cluster
    elsewhere: Elsewhere
    shares: Sequence[range]  # of the shards, as many as there were workers at the start
    pause: Callable[[], None]

    def __call__(self, flat: Array, moment: Moment) -> Iterator[Part]:
        tasks = [_Task(flat, moment, share) for share in self.shares]
        parts: dict[int, list[Part]] = dict(
            self.cluster.work_through(self.elsewhere, tasks, self.pause)
        )
        for number in sorted(parts):
            yield from parts[number]


def _worker(loaded: Loaded) -> Worker:
    prepared, config = prepare_and_resolve(loaded)
    problem = LearningProblem.of(config, prepared)
    shards = Shards(problem.network, problem.method(), problem.training_rows())

    def work(task: _Task) -> list[Part]:
        found = (shards.part(number, task.flat, task.moment) for number in task.shards)
        return [part._replace(grad=part.grad.copy()) for part in found]

    return Worker(_identity(problem), work)


def _identity(problem: LearningProblem) -> str:
    return identity_of(Identity.of(problem.config, problem.prepared.table).run)
