"""The trainer: gradient descent over mini-batches as a generator of epochs.

Display, history, the best weights, stopping and files live with the caller, who may read
`state.flat` between two epochs and simply stops iterating to stop training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from bpcli.nn.batches import Rows
from bpcli.nn.divergence import Diverged
from bpcli.nn.layer import Array
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.rounds import Rounds
from bpcli.nn.shards import Parts
from bpcli.nn.sources import source_of
from bpcli.nn.state import State
from bpcli.nn.stepper import Board, Epoch, Stepper
from bpcli.nn.team import Member, Team


def train(
    network: Network,
    method: Method,
    state: State,
    rows: Rows,
    pause: Callable[[], None] = lambda: None,
    elsewhere: Parts | None = None,
) -> Iterator[Epoch]:
    """θ ← θ − rate · step(dL/dθ), batch by batch, until `method.iterations` updates are done.

    `pause` is called before each update: the moment to save the state, or to raise and stop.
    `elsewhere` does the work of shards, where there are some and not this process does it.
    Ends earlier where the optimizer is done. Raises Diverged when a loss, a gradient or a weight is
    not finite; the parameters are then those before the update, or, where it was the update that
    made them so, those before its epoch.
    """
    board = Board.of(network, method, state)

    def work(member: Member) -> None:
        stepper = _stepper(network, method, state, rows, board, member)
        while True:
            member.meet()
            stepper.epoch(*board.task.tolist())

    team = Team(method.parts, work)
    try:
        stepper = _stepper(
            network, method, state, rows, board, team.first, pause=pause, elsewhere=elsewhere
        )
        per_epoch = math.ceil(rows.x.shape[1] / method.batch_size)
        weights = [state.flat] if state.average is None else [state.flat, state.average]
        kept = [array.copy() for array in weights]
        while state.iteration < method.iterations and not method.optimizer.is_done(state.slots):
            epoch, first = divmod(state.iteration, per_epoch)
            last = min(per_epoch, first + method.iterations - state.iteration)
            board.task[:] = epoch, first, last, state.iteration
            _copy(weights, kept)
            team.first.meet()
            yield stepper.epoch(epoch, first, last, state.iteration)
    except Diverged as diverged:
        if diverged.what == "weights":
            _copy(kept, weights)
        raise
    finally:
        team.close()


def _stepper(
    network: Network,
    method: Method,
    state: State,
    rows: Rows,
    board: Board,
    member: Member,
    *,
    pause: Callable[[], None] = lambda: None,
    elsewhere: Parts | None = None,
) -> Stepper | Rounds:
    """What does the epochs of a member: update by update, or in rounds of local steps."""
    if method.sync_every > 1:
        return Rounds(network, method, state, rows, pause, elsewhere)
    source = source_of(network, method, rows, state.flat, board.grads, member, elsewhere)
    return Stepper(network, method, state, source, board, member, pause)


def _copy(sources: list[Array], targets: list[Array]) -> None:
    for source, target in zip(sources, targets, strict=True):
        np.copyto(target, source)
