"""Training in shards on a cluster: its workers read the data and do the work of each shard.

This process has the parameters, adds up what comes back and writes the checkpoints. Each worker is
given a task and some of the shards, and gives back what they make of it; so a worker that is lost
is lost for one update, or one round of them, only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from bpcli.execution.cluster import Cluster, joined
from bpcli.experiment.load import Loaded
from bpcli.experiment.problem import LearningProblem
from bpcli.nn.rounds import shard_work
from bpcli.nn.shards import Parts
from bpcli.nn.team import cut
from bpcli.runs.elsewhere import Elsewhere, Worker
from bpcli.runs.identity import Identity
from bpcli.runs.journal import identity_of
from bpcli.runs.resolved import prepare_and_resolve


@contextmanager
def shards_on(
    where: str, loaded: Loaded, problem: LearningProblem, pause: Callable[[], None]
) -> Iterator[Parts]:
    """The work of the problem's shards, by a cluster; `pause` is called while it works."""
    elsewhere = Elsewhere(_identity(problem), partial(_worker, loaded.anywhere()))
    with joined(where) as cluster:
        hands = cut(problem.method().shards, cluster.size, 1)
        shares = [range(one.start, one.stop) for one in hands if one.start < one.stop]
        yield _Remote(cluster, elsewhere, shares, pause)


class _Piece(NamedTuple):
    task: Any
    shards: range


@dataclass(frozen=True)
class _Remote:
    cluster: Cluster
    elsewhere: Elsewhere
    shares: Sequence[range]  # of the shards, as many as there were workers at the start
    pause: Callable[[], None]

    def __call__(self, task: Any) -> Iterator[Any]:
        pieces = [_Piece(task, share) for share in self.shares]
        parts: dict[int, list[Any]] = dict(
            self.cluster.work_through(self.elsewhere, pieces, self.pause)
        )
        for number in sorted(parts):
            yield from parts[number]


def _worker(loaded: Loaded) -> Worker:
    prepared, config = prepare_and_resolve(loaded)
    problem = LearningProblem.of(config, prepared)
    own = shard_work(problem.network, problem.method(), problem.training_rows())

    def work(piece: _Piece) -> list[Any]:
        return [own.part(number, piece.task).kept() for number in piece.shards]

    return Worker(_identity(problem), work)


def _identity(problem: LearningProblem) -> str:
    return identity_of(Identity.of(problem.config, problem.prepared.table).run)
