"""One row through one update of the real training: forward, loss, backward, new parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bpcli.config.errors import ConfigError, DataError, Problem
from bpcli.data.split import SET_NAMES, TRAIN
from bpcli.experiment.fit import Fit
from bpcli.experiment.members import Members
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.replicas import Replica
from bpcli.insight.walk import LossOfRow, Step, Walk
from bpcli.nn.batches import Batches
from bpcli.nn.layer import Array
from bpcli.nn.network import Slot
from bpcli.nn.state import Saved
from bpcli.nn.team import ALONE


class Changed(NamedTuple):
    """A parameter array in the update: all arrays have its shape."""

    step: int  # whose it is, among the steps
    name: str
    trained: bool
    before: Array
    own: Array  # the row's part of the gradient
    gradient: Array  # of the whole batch, with penalties, clipped: what the optimizer is given
    slots: Mapping[str, Array]  # what the optimizer keeps after the update, as its formula says
    after: Array


class Trace(NamedTuple):
    """All of it."""

    row: int  # in the file, from 1
    update: int  # from 1
    updates: int  # of the whole training
    epoch: int  # from 1
    rows: int  # of the batch
    rate: float
    inputs: tuple[tuple[str, str], ...]  # the name of each, and the cell of its column
    x: Array
    steps: tuple[Step, ...]
    loss: LossOfRow
    changes: tuple[Changed, ...]


class _Reached(Exception):
    """The training has done what it is asked about."""


def trace(problem: LearningProblem, row: int, step: int) -> Trace:
    """Row `row` of the file (from 1) in the first update from number `step` on that it is in.

    Of an ensemble the first member. Raises DataError where the network does not learn from the row,
    ConfigError where training is over before.
    """
    replica = Members.of(problem).replicas()[0]
    problem = replica.lesson.problem
    place = _place_among_training_rows(problem, row)
    method = problem.method()
    batches = Batches(replica.lesson.rows, method.batch_size, method.seed, ALONE)
    per_epoch = -(-batches.n // method.batch_size)
    epoch, position = _first_from(batches, place, step, per_epoch)
    number, at = divmod(position, method.batch_size)
    update = epoch * per_epoch + number + 1
    if update > method.iterations:
        raise _over(method.iterations, f"row {row} is in no update from {step} on")
    before, after, rate = _around(replica, update)
    (batch,) = batches.of_epoch(epoch, number, number + 1)
    walk = Walk(problem.network, method, batch, update - 1, before.arrays["flat"])
    gradient, own, loss, steps = walk.of_row(at)
    return Trace(
        row,
        update,
        method.iterations,
        epoch + 1,
        batch.rows,
        rate,
        _inputs(problem, row - 1),
        batch.x[0, at].copy(),
        steps,
        loss,
        tuple(_changes(problem, steps, before, after, own, gradient)),
    )


def _place_among_training_rows(problem: LearningProblem, row: int) -> int:
    """The place of a row of the file among those that the network learns from."""
    sets, training = problem.prepared.sets, problem.prepared.rows(TRAIN)
    where = f"row {row}"
    if not 1 <= row <= len(sets):
        what = f"the data has the rows 1 to {len(sets)}"
        raise DataError(Problem("BP-D170", where, what, "choose one of them"))
    if sets[row - 1] != TRAIN:
        what = f"the network does not learn from it, its set is {SET_NAMES[int(sets[row - 1])]}"
        some = ", ".join(str(one + 1) for one in training[:5])
        raise DataError(Problem("BP-D171", where, what, f"choose a training row: {some} …"))
    return int(np.searchsorted(training, row - 1))


def _first_from(batches: Batches, place: int, step: int, per_epoch: int) -> tuple[int, int]:
    """Epoch and position in its order of the first batch from update `step` on with a row."""
    epoch, first = divmod(step - 1, per_epoch)
    position = int(np.flatnonzero(batches.order(epoch) == place)[0])
    if position // batches.size < first:
        epoch += 1
        position = int(np.flatnonzero(batches.order(epoch) == place)[0])
    return epoch, position


def _around(replica: Replica, update: int) -> tuple[Saved, Saved, float]:
    """The state of the training before and after an update, and the rate of it."""
    kept: dict[int, Saved] = {}

    def keep() -> None:
        state = fit.group.state
        if state.iteration in (update - 1, update):
            kept.setdefault(state.iteration, state.saved())
        if state.iteration >= update:
            raise _Reached

    fit = Fit([replica], on_divergence=replica.lesson.problem.config.on_divergence, pause=keep)
    try:
        for record in fit:
            if record.iteration >= update:
                keep()
    except _Reached:
        pass
    if update not in kept:
        raise _over(fit.iterations, f"update {update} is not done ({replica.stop_reason})")
    before, after = kept[update - 1], kept[update]
    method = fit.group.method
    factor = method.schedule.factor(update - 1, method.iterations)
    learned = before.arrays.get("schedule.factor")
    return before, after, float(method.rates[0] * factor * (1 if learned is None else learned[0]))


def _over(updates: int, what: str) -> ConfigError:
    fix = "ask for an earlier --step, or train longer"
    return ConfigError(Problem("BP-C130", f"update {updates} is the last one", what, fix))


def _changes(
    problem: LearningProblem,
    steps: tuple[Step, ...],
    before: Saved,
    after: Saved,
    own: Array,
    grad: Array,
) -> list[Changed]:
    known = {step.place.path: index for index, step in enumerate(steps)}
    flat, optimizer = before.arrays["flat"], problem.config.optimizer
    assert optimizer is not None
    like = {
        name.removeprefix("slots."): array[0]
        for name, array in after.arrays.items()
        if name.startswith("slots.") and array.shape == flat.shape
    }
    slots = optimizer.in_formula(like, after.counts["iteration"])

    def cut(array: Array, slot: Slot) -> Array:
        return array[slot.start : slot.stop].reshape(slot.parameter.shape)

    return [
        Changed(
            known[slot.path],
            slot.name,
            slot.parameter.trained,
            cut(flat[0], slot),
            cut(own, slot),
            cut(grad, slot),
            {name: cut(array, slot) for name, array in slots.items()},
            cut(after.arrays["flat"][0], slot),
        )
        for slot in problem.network.slots
    ]


def _inputs(problem: LearningProblem, row: int) -> tuple[tuple[str, str], ...]:
    """The name of each input, and the cell of the column it is of, where that is clear."""
    table, layout = problem.prepared.table, problem.prepared.features.layout
    cells: dict[str, str] = {}
    for column in layout.columns:
        begins = f"{column}=", f"{column}: ", f"{column} is "
        own = (name for name in layout.names if name == column or name.startswith(begins))
        cells |= dict.fromkeys(own, str(table.text(column)[row]))
    return tuple((name, cells.get(name, "")) for name in layout.names)
