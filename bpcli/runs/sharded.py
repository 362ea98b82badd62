"""Training in shards on a cluster: its workers read the data and do the work of each shard.

This process has the parameters, adds up what comes back and writes the checkpoints. Each worker is
given a task and some of the shards, and gives back what they make of it; so a worker that is lost
is lost for one update, or one round of them, only. What is fitted to the rows, and which rows are
in each shard, is known here: a worker gets it once, and encodes the rows of the shards that it is
asked for, which stay the same as long as it is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Self

from bpcli.data.encoding import Encoding
from bpcli.data.marked import Marked
from bpcli.data.split import TRAIN
from bpcli.data.table import Table
from bpcli.execution.cluster import Cluster
from bpcli.experiment.config import Config
from bpcli.experiment.learning import Learning, OwnRuns
from bpcli.experiment.load import Loaded
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.resolve import network_of
from bpcli.nn.layer import Array, Layer
from bpcli.nn.method import Method
from bpcli.nn.rounds import shard_work
from bpcli.nn.shards import Parts, runs_of
from bpcli.nn.team import cut
from bpcli.runs.cache import reader
from bpcli.runs.elsewhere import Elsewhere, Known, Worker
from bpcli.runs.identity import Identity
from bpcli.runs.journal import identity_of


def shards_on(
    cluster: Cluster, loaded: Loaded, problem: LearningProblem, pause: Callable[[], None]
) -> Parts:
    """The work of the problem's shards, by a cluster; `pause` is called while it works."""
    identity = _identity(problem.config, problem.prepared.table)
    elsewhere = Elsewhere(identity, partial(_worker, _Plan.of(loaded.anywhere(), problem)))
    hands = cut(problem.method().shards, cluster.size, 1)
    shares = [range(one.start, one.stop) for one in hands if one.start < one.stop]
    return _Remote(cluster, elsewhere, shares, pause)


class _Plan(NamedTuple):
    """What a worker needs beside the table."""

    loaded: Loaded
    config: Config  # resolved
    layers: tuple[Layer, ...]
    method: Method
    learning: Learning
    encoding: Encoding
    shards: Sequence[Marked]  # their rows of the table
    c: Array | None

    @classmethod
    def of(cls, loaded: Loaded, problem: LearningProblem) -> Self:
        method, rows = problem.method(), problem.prepared.rows(TRAIN)
        return cls(
            loaded,
            problem.config,
            problem.network.layers,
            method,
            problem.learning(),
            problem.prepared.encoding,
            [Marked.of(rows[own]) for own in runs_of(len(rows), method.shards)],
            problem.weights(),
        )


def _worker(plan: _Plan) -> Worker:
    table = reader(plan.loaded)(plan.loaded.folder, plan.loaded.config.data)
    rows = OwnRuns(table, plan.encoding, plan.learning, plan.shards, plan.c)
    network = network_of(plan.layers, plan.learning.inputs)
    own = shard_work(network, plan.method, rows)

    def work(piece: _Piece) -> list[Any]:
        return [own.part(number, piece.task).kept() for number in piece.shards]

    return Worker(_identity(plan.config, table), work)


def _identity(config: Config, table: Table) -> str:
    return identity_of(Identity.of(config, table).run)


class _Piece(NamedTuple):
    task: Any
    shards: range


class _Remote:
    """What the shards make of a task, by the workers of a cluster."""

    def __init__(
        self,
        cluster: Cluster,
        elsewhere: Elsewhere,
        shares: Sequence[range],  # of the shards, as many as there were workers at the start
        pause: Callable[[], None],
    ) -> None:
        self.cluster, self.elsewhere, self.pause = cluster, elsewhere, pause
        self.shares = dict(enumerate(shares))
        self.homes = settled(self.shares, {}, cluster.workers)

    def __call__(self, task: Any) -> Iterator[Any]:
        pieces = {n: _Piece(task, share) for n, share in self.shares.items()}
        parts = self._done(Known(self.elsewhere.identity), pieces)
        new = {n: piece for n, piece in pieces.items() if parts[n] is None}
        if new:  # workers are
            self.homes = settled(self.shares, self.homes, self.cluster.workers)
            parts |= self._done(self.elsewhere, new)
        for number in pieces:
            yield from parts[number]

    def _done(self, work: Callable[[_Piece], Any], pieces: Mapping[int, _Piece]) -> dict[int, Any]:
        """What comes of some of the pieces, by their numbers."""
        numbers = list(pieces)
        homes = {i: self.homes[n] for i, n in enumerate(numbers) if n in self.homes}
        found = self.cluster.work_through(work, list(pieces.values()), self.pause, homes)
        return {numbers[done.number]: done.result for done in found}


def settled(
    pieces: Iterable[int], homes: Mapping[int, str], workers: Sequence[str]
) -> dict[int, str]:
    """A worker for each piece: the one that it has, or one of those with the fewest."""
    kept = {n: home for n, home in homes.items() if home in workers}
    count = Counter(kept.values())
    for n in pieces:
        if n not in kept and workers:
            kept[n] = min(workers, key=count.__getitem__)
            count[kept[n]] += 1
    return kept
